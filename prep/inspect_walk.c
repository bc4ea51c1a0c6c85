#include "prep/inspect.h"

#include <inttypes.h>
#include <string.h>

#include "formats/entry.h"
#include "formats/dgi.h"

struct walk {
    const struct inspect_visitor *visitor;
    struct inspect_result *result;
    char chip_mic[MIC_NAME_MAX + 1];
    bool quiet; /* a record that was not asked for: only its JOB group is of interest */
};

static void begin(struct walk *w, const struct inspect_item *item)
{
    if (!w->quiet) w->visitor->begin(w->visitor->context, item);
}

static void end(struct walk *w)
{
    if (!w->quiet) w->visitor->end(w->visitor->context);
}

static void leaf(struct walk *w, const struct inspect_item *item)
{
    begin(w, item);
    end(w);
}

/* The rest of a cursor cannot be explained. */
static void damage(struct walk *w, struct cur *c, const struct err *err)
{
    if (!w->quiet) {
        w->result->damages++;
        w->visitor->damage(w->visitor->context, cur_offset(c), cur_left(c), err->text);
    }
    c->pos = c->len;
}

/* A field of fixed length; false: the bytes end before it, reported. */
static bool field(struct walk *w, struct cur *c, const char *label, const char *name, enum inspect_form form,
                  size_t len)
{
    struct err err = ERR_INIT;
    struct inspect_item item = {
        .label = label, .name = name, .form = form, .offset = cur_offset(c), .value_len = len};
    if (!cur_take(c, len, &item.value, name, &err)) {
        damage(w, c, &err);
        return false;
    }
    leaf(w, &item);
    return true;
}

/* A length field; *length is what it says. */
static bool length_field(struct walk *w, struct cur *c, const char *label, const char *name, size_t bytes,
                         uint64_t *length)
{
    struct cur look = *c;
    struct err err = ERR_INIT;
    if (!field(w, c, label, name, FORM_NUMBER, bytes)) return false;
    return cur_take_be(&look, bytes, length, name, &err);
}

static void walk_tlvs(struct walk *w, struct cur c, enum inspect_place place, unsigned dgi);

/* Are these bytes EMV objects from end to end? */
static bool is_tlv_list(struct cur c)
{
    struct err err = ERR_INIT;
    struct tlv t;
    bool done = false;
    size_t count = 0;
    while (!done) {
        if (!tlv_read_emv(&c, &t, &done, &err)) return false;
        if (!done) count++;
    }
    return count > 0;
}

/* The value of a clear grouping: TLVs, check values, or bytes that only the card knows. */
static void walk_grouping_value(struct walk *w, const struct tlv *t, unsigned dgi)
{
    enum { DGI_CHECK_VALUES = 0x9000, DGI_PIN_TRIES = 0x9010 };
    const uint64_t offset = t->offset + tlv_size(t->tag, t->len) - t->len;
    struct inspect_item item = {.label = "",
                                .name = "bytes",
                                .form = FORM_HIDDEN,
                                .offset = offset,
                                .value = t->value,
                                .value_len = t->len};

    if (is_tlv_list(cur_make(t->value, t->len, offset)) && dgi != DGI_CHECK_VALUES && dgi != DGI_PIN_TRIES) {
        walk_tlvs(w, cur_make(t->value, t->len, offset), PLACE_CARD_DATA, dgi);
        return;
    }
    if (dgi == DGI_CHECK_VALUES || dgi == DGI_PIN_TRIES) item.form = FORM_HEX;
    leaf(w, &item);
}

/* What stands inside a TLV: another list, or nothing that is parsed. */
static bool inner_place(enum inspect_place place, const struct tlv *t, enum inspect_place *inner)
{
    if (place == PLACE_DATA && t->tag == 0xE1)
        *inner = PLACE_SECRET;
    else if (place == PLACE_DATA && t->tag == 0xE2)
        *inner = PLACE_GROUPING;
    else if (place == PLACE_CARD_DATA && tlv_is_constructed(t->tag))
        *inner = PLACE_CARD_DATA;
    else
        return false;
    return true;
}

static void walk_tlv(struct walk *w, const struct tlv *t, enum inspect_place place, unsigned dgi)
{
    const struct inspect_tag *row = inspect_tag(place, t->tag);
    const size_t head = (size_t)(tlv_size(t->tag, t->len) - t->len);
    enum inspect_place inner = PLACE_CARD_DATA;
    char label[8];

    snprintf(label, sizeof(label), "%02X", (unsigned)t->tag);
    const bool is_value = place == PLACE_GROUPING && t->tag == 0xC9;
    const bool has_parts = is_value || inner_place(place, t, &inner);
    struct inspect_item item = {.label = label,
                                .name = row->name,
                                .form = row->form,
                                .offset = t->offset,
                                .head_len = head,
                                .value = t->value,
                                .value_len = t->len};
    if (has_parts)
        item.form = FORM_PARTS;
    else if (row->form == FORM_PARTS || (place == PLACE_DATA && tlv_is_constructed(t->tag)))
        item.form = FORM_HIDDEN; /* not parsed inside, and may hold a card number */
    begin(w, &item);
    if (is_value)
        walk_grouping_value(w, t, dgi);
    else if (has_parts)
        walk_tlvs(w, cur_make(t->value, t->len, t->offset + head), inner, dgi);
    end(w);
}

/* 00 bytes may stand between EMV objects. */
static void walk_filler(struct walk *w, struct cur *c)
{
    struct inspect_item item = {.label = "00", .name = "filler", .form = FORM_HEX, .offset = cur_offset(c)};
    size_t len = 0;
    while (len < cur_left(c) && c->data[c->pos + len] == 0)
        len++;
    item.value = &c->data[c->pos];
    item.value_len = len;
    c->pos += len;
    if (len > 0) leaf(w, &item);
}

static void walk_tlvs(struct walk *w, struct cur c, enum inspect_place place, unsigned dgi)
{
    while (cur_left(&c) > 0) {
        struct err err = ERR_INIT;
        struct tlv t;
        if (place == PLACE_CARD_DATA) walk_filler(w, &c);
        if (cur_left(&c) == 0) break;
        if (!tlv_read(&c, &t, &err)) {
            damage(w, &c, &err);
            break;
        }
        if (place == PLACE_GROUPING && t.tag == 0xC8 && t.len == 2) dgi = (unsigned)bytes_be(t.value, 2);
        walk_tlv(w, &t, place, dgi);
    }
}

static bool walk_entry_head(struct walk *w, struct cur *c, struct cur *body)
{
    uint64_t aid_len = 0, entry_len = 0;
    struct err err = ERR_INIT;

    if (!length_field(w, c, "AIDLEN", "length of the AID", 1, &aid_len)) return false;
    if (!field(w, c, "AID", "application identifier", FORM_HEX, (size_t)aid_len)) return false;
    if (!length_field(w, c, "ELEN", "bytes from KEKID to the MAC", 4, &entry_len)) return false;
    if (cur_take_cur(c, (size_t)entry_len, body, "entry", &err)) return true;
    damage(w, c, &err);
    return false;
}

static void walk_entry_body(struct walk *w, struct cur *c)
{
    uint64_t len = 0;
    struct cur data;
    struct err err = ERR_INIT;

    if (!field(w, c, "KEKID", "issuer identifier ‖ KEK version", FORM_HEX, KEKID_LEN)) return;
    if (!length_field(w, c, "DLEN", "length of DATA", 4, &len)) return;
    const uint64_t offset = cur_offset(c);
    if (!cur_take_cur(c, (size_t)len, &data, "DATA", &err)) {
        damage(w, c, &err);
        return;
    }
    const struct inspect_item item = {.label = "DATA",
                                      .name = "elements and groupings",
                                      .form = FORM_PARTS,
                                      .offset = offset,
                                      .value = data.data,
                                      .value_len = data.len};
    begin(w, &item);
    walk_tlvs(w, data, PLACE_DATA, 0);
    end(w);
    if (!length_field(w, c, "MKLEN", "length of MACKEY", 2, &len)) return;
    if (len > 0 && !field(w, c, "MACKEY", "wrapped MAC key", FORM_HIDDEN, (size_t)len)) return;
    if (!length_field(w, c, "MLEN", "length of the MAC", 1, &len)) return;
    if (len > 0 && !field(w, c, "MAC", "AES-CMAC of the entry", FORM_HEX, (size_t)len)) return;
    if (cur_left(c) == 0) return;
    err_set(&err, ERR_INPUT, "%zu bytes behind the MAC", cur_left(c));
    damage(w, c, &err);
}

static void walk_chip(struct walk *w, struct cur c)
{
    while (cur_left(&c) > 0) {
        struct inspect_item item = {.label = "entry",
                                    .name = "application",
                                    .form = FORM_PARTS,
                                    .offset = cur_offset(&c),
                                    .value = &c.data[c.pos]};
        struct cur look = c, body;
        struct err err = ERR_INIT;
        uint64_t aid_len = 0, entry_len = 0;
        const uint8_t *aid = NULL;
        const bool whole = cur_take_be(&look, 1, &aid_len, "AIDLEN", &err) &&
                           cur_take(&look, (size_t)aid_len, &aid, "AID", &err) &&
                           cur_take_be(&look, 4, &entry_len, "ELEN", &err) && cur_left(&look) >= entry_len;
        item.value_len = whole ? look.pos + (size_t)entry_len - c.pos : cur_left(&c);
        begin(w, &item);
        if (walk_entry_head(w, &c, &body)) walk_entry_body(w, &body);
        end(w);
    }
}

static void walk_seal(struct walk *w, struct cur c)
{
    uint64_t len = 0;
    struct err err = ERR_INIT;
    if (!field(w, &c, "", "job id of the pass that wrote this record", FORM_HEX, JOB_ID_LEN)) return;
    if (!field(w, &c, "KEKID", "issuer identifier ‖ KEK version", FORM_HEX, KEKID_LEN)) return;
    if (!length_field(w, &c, "MKLEN", "length of MACKEY", 2, &len)) return;
    if (!field(w, &c, "MACKEY", "wrapped MAC key", FORM_HIDDEN, (size_t)len)) return;
    if (!length_field(w, &c, "MLEN", "length of the MAC", 1, &len)) return;
    if (!field(w, &c, "MAC", "AES-CMAC from CARD through MACKEY", FORM_HEX, (size_t)len)) return;
    if (cur_left(&c) == 0) return;
    err_set(&err, ERR_INPUT, "%zu bytes behind the MAC", cur_left(&c));
    damage(w, &c, &err);
}

static void note_chip_mic(struct walk *w, struct cur c)
{
    struct err err = ERR_INIT;
    struct tlv t;
    bool found = false;
    if (tlv_find(c, 0xD0, &t, &found, &err) && found && t.len <= MIC_NAME_MAX) {
        memset(w->chip_mic, 0, sizeof(w->chip_mic));
        memcpy(w->chip_mic, t.value, t.len);
    }
}

static void walk_group_data(struct walk *w, const char *mic, struct cur c)
{
    if (strcmp(mic, MIC_JOB) == 0) {
        note_chip_mic(w, c);
        walk_tlvs(w, c, PLACE_JOB, 0);
    } else if (strcmp(mic, MIC_CARD) == 0) {
        walk_tlvs(w, c, PLACE_CARD, 0);
    } else if (strcmp(mic, MIC_END) == 0) {
        walk_tlvs(w, c, PLACE_END, 0);
    } else if (strcmp(mic, MIC_SEAL) == 0) {
        walk_seal(w, c);
    } else {
        walk_chip(w, c);
    }
}

/* Takes MIC and LEN. */
static bool group_head(struct cur *c, char mic[MIC_NAME_MAX + 1], uint64_t *len, struct err *err)
{
    const uint8_t *name = NULL;
    if (!cur_take(c, MIC_NAME_MAX, &name, "MIC", err)) return false;
    memcpy(mic, name, MIC_NAME_MAX);
    mic[MIC_NAME_MAX] = '\0';
    mic[strcspn(mic, " ")] = '\0';
    if (!mic_is_name(mic)) return err_set(err, ERR_INPUT, "no MIC: 1 to 7 characters of A-Z 0-9 # - _");
    return cur_take_digits(c, MIC_DIGITS, len, "LEN", err);
}

static void walk_group(struct walk *w, struct cur *c)
{
    struct err err = ERR_INIT;
    char mic[MIC_NAME_MAX + 1];
    struct cur ahead = *c;
    uint64_t len = 0;

    if (!group_head(&ahead, mic, &len, &err)) {
        damage(w, c, &err);
        return;
    }
    const bool cut = cur_left(&ahead) < len;
    const bool ours = mic_is_reserved(mic) || strcmp(mic, w->chip_mic) == 0;
    struct inspect_item item = {.label = mic,
                                .name = "group of another module",
                                .form = FORM_MODULE,
                                .offset = cur_offset(c),
                                .head_len = MIC_GROUP_HEAD,
                                .value = &ahead.data[ahead.pos],
                                .value_len = cut ? cur_left(&ahead) : (size_t)len};
    if (ours) {
        item.form = FORM_PARTS;
        item.name = mic_is_reserved(mic) ? "group" : "chip group";
    }
    begin(w, &item);
    if (ours) walk_group_data(w, mic, cur_make(item.value, item.value_len, cur_offset(&ahead)));
    end(w);
    ahead.pos += item.value_len;
    *c = ahead;
    if (!cut) {
        if (strcmp(mic, MIC_END) == 0) w->result->end_seen = true;
        return;
    }
    err_set(&err, ERR_INPUT, "group %s is cut: %" PRIu64 " bytes of %" PRIu64, mic, (uint64_t)item.value_len,
            len);
    damage(w, c, &err);
}

/* The number in CARD, else the position; 0 for the JOB and END records. */
static uint64_t record_number(struct cur c, uint64_t position)
{
    struct err err = ERR_INIT;
    char mic[MIC_NAME_MAX + 1] = "";
    uint64_t len = 0;
    struct mic_group group = {.offset = 0};
    struct card_group card;

    if (!group_head(&c, mic, &len, &err)) return position;
    if (strcmp(mic, MIC_JOB) == 0 || strcmp(mic, MIC_END) == 0) return 0;
    group.len = (size_t)len;
    memcpy(group.name, mic, sizeof(group.name));
    if (strcmp(mic, MIC_CARD) != 0 || !cur_take(&c, group.len, &group.data, mic, &err)) return position;
    return card_group_read(&group, &card, &err) ? card.number : position;
}

static void walk_record(struct walk *w, const uint8_t *bytes, size_t len, uint64_t offset, uint64_t rlen,
                        uint64_t number)
{
    struct cur c = cur_make(bytes, len, offset);
    struct err err = ERR_INIT;

    if (!w->quiet) w->visitor->record_begin(w->visitor->context, number, offset, len);
    const struct inspect_item item = {.label = "RLEN",
                                      .name = "bytes of all groups",
                                      .form = FORM_TEXT,
                                      .offset = offset,
                                      .value = bytes,
                                      .value_len = MIC_DIGITS};
    leaf(w, &item);
    c.pos = MIC_DIGITS;
    while (cur_left(&c) > 0)
        walk_group(w, &c);
    if (len < MIC_DIGITS + rlen) {
        err_set(&err, ERR_INPUT, "the record is cut: %zu bytes of %" PRIu64, len, MIC_DIGITS + rlen);
        damage(w, &c, &err);
    }
    if (!w->quiet) w->visitor->record_end(w->visitor->context);
}

/* One record, or what there is of it. False: ERR_FILE, or ERR_INPUT when no record begins here. */
static bool next_record(struct walk *w, struct reader *r, const struct inspect_settings *settings,
                        struct err *err)
{
    const uint64_t offset = reader_offset(r), left = reader_size(r) - offset;
    const uint8_t *bytes = NULL;
    size_t got = 0;
    uint64_t rlen = 0;

    if (!reader_peek(r, MIC_DIGITS, &bytes, &got, err)) return false;
    struct cur head = cur_make(bytes, got, offset);
    if (!cur_take_digits(&head, MIC_DIGITS, &rlen, "RLEN", err)) return false;
    const size_t len = MIC_DIGITS + rlen < left ? MIC_DIGITS + (size_t)rlen : (size_t)left;
    if (!reader_take(r, len, MIC_DIGITS + MIC_RECORD_MAX, "record", &bytes, err)) return false;
    const uint64_t number =
        record_number(cur_make(&bytes[MIC_DIGITS], len - MIC_DIGITS, offset), w->result->records + 1);
    if (number > 0) w->result->records++;
    w->quiet = settings->only > 0 && number != settings->only;
    if (!w->quiet) w->result->found = true;
    walk_record(w, bytes, len, offset, rlen, number);
    w->quiet = false;
    return true;
}

bool inspect_walk(struct reader *r, const struct inspect_settings *settings,
                  const struct inspect_visitor *visitor, struct inspect_result *out, struct err *err)
{
    struct walk w = {.visitor = visitor, .result = out};

    *out = (struct inspect_result){.records = 0};
    snprintf(w.chip_mic, sizeof(w.chip_mic), "%s",
             settings->chip_mic ? settings->chip_mic : MIC_CHIP_DEFAULT);
    while (reader_offset(r) < reader_size(r)) {
        if (next_record(&w, r, settings, err)) continue;
        if (err->kind != ERR_INPUT) return false;
        visitor->damage(visitor->context, reader_offset(r), reader_size(r) - reader_offset(r), err->text);
        out->damages++;
        err_clear(err);
        break;
    }
    return true;
}
