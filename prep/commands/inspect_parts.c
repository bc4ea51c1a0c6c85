#include "prep/commands/inspect_walk.h"

#include <string.h>

#include "formats/entry.h"

void inspect_begin(struct inspect_walk *w, const struct inspect_item *item)
{
    if (!w->quiet) w->visitor->begin(w->visitor->context, item);
}

void inspect_end(struct inspect_walk *w)
{
    if (!w->quiet) w->visitor->end(w->visitor->context);
}

void inspect_leaf(struct inspect_walk *w, const struct inspect_item *item)
{
    inspect_begin(w, item);
    inspect_end(w);
}

/* The rest of a cursor cannot be explained. */
void inspect_damage(struct inspect_walk *w, struct cur *c, const struct err *err)
{
    if (!w->quiet) {
        w->result->damages++;
        w->visitor->damage(w->visitor->context, cur_offset(c), cur_left(c), err->text);
    }
    c->pos = c->len;
}

/* A field of fixed length; false: the bytes end before it, reported. */
static bool inspect_field(struct inspect_walk *w, struct cur *c, const char *label, const char *name,
                          enum inspect_form form, size_t len)
{
    struct err err = ERR_INIT;
    struct inspect_item item = {
        .label = label, .name = name, .form = form, .offset = cur_offset(c), .value_len = len};
    if (!cur_take(c, len, &item.value, name, &err)) {
        inspect_damage(w, c, &err);
        return false;
    }
    inspect_leaf(w, &item);
    return true;
}

/* A length field; *length is what it says. */
static bool inspect_length(struct inspect_walk *w, struct cur *c, const char *label, const char *name,
                           size_t bytes, uint64_t *length)
{
    struct cur look = *c;
    struct err err = ERR_INIT;
    if (!inspect_field(w, c, label, name, FORM_NUMBER, bytes)) return false;
    return cur_take_be(&look, bytes, length, name, &err);
}

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
static void walk_grouping_value(struct inspect_walk *w, const struct tlv *t, unsigned dgi)
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
        inspect_tlvs(w, cur_make(t->value, t->len, offset), PLACE_CARD_DATA, dgi);
        return;
    }
    if (dgi == DGI_CHECK_VALUES || dgi == DGI_PIN_TRIES) item.form = FORM_HEX;
    inspect_leaf(w, &item);
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

static void walk_tlv(struct inspect_walk *w, const struct tlv *t, enum inspect_place place, unsigned dgi)
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
    inspect_begin(w, &item);
    if (is_value)
        walk_grouping_value(w, t, dgi);
    else if (has_parts)
        inspect_tlvs(w, cur_make(t->value, t->len, t->offset + head), inner, dgi);
    inspect_end(w);
}

/* 00 bytes may stand between EMV objects. */
static void walk_filler(struct inspect_walk *w, struct cur *c)
{
    struct inspect_item item = {.label = "00", .name = "filler", .form = FORM_HEX, .offset = cur_offset(c)};
    size_t len = 0;
    while (len < cur_left(c) && c->data[c->pos + len] == 0)
        len++;
    item.value = &c->data[c->pos];
    item.value_len = len;
    c->pos += len;
    if (len > 0) inspect_leaf(w, &item);
}

void inspect_tlvs(struct inspect_walk *w, struct cur c, enum inspect_place place, unsigned dgi)
{
    while (cur_left(&c) > 0) {
        struct err err = ERR_INIT;
        struct tlv t;
        if (place == PLACE_CARD_DATA) walk_filler(w, &c);
        if (cur_left(&c) == 0) break;
        if (!tlv_read(&c, &t, &err)) {
            inspect_damage(w, &c, &err);
            break;
        }
        if (place == PLACE_GROUPING && t.tag == 0xC8 && t.len == 2) dgi = (unsigned)bytes_be(t.value, 2);
        walk_tlv(w, &t, place, dgi);
    }
}

static bool walk_entry_head(struct inspect_walk *w, struct cur *c, struct cur *body)
{
    uint64_t aid_len = 0, entry_len = 0;
    struct err err = ERR_INIT;

    if (!inspect_length(w, c, "AIDLEN", "length of the AID", 1, &aid_len)) return false;
    if (!inspect_field(w, c, "AID", "application identifier", FORM_HEX, (size_t)aid_len)) return false;
    if (!inspect_length(w, c, "ELEN", "bytes from KEKID to the MAC", 4, &entry_len)) return false;
    if (cur_take_cur(c, (size_t)entry_len, body, "entry", &err)) return true;
    inspect_damage(w, c, &err);
    return false;
}

static void walk_entry_body(struct inspect_walk *w, struct cur *c)
{
    uint64_t len = 0;
    struct cur data;
    struct err err = ERR_INIT;

    if (!inspect_field(w, c, "KEKID", "issuer identifier ‖ KEK version", FORM_HEX, KEKID_LEN)) return;
    if (!inspect_length(w, c, "DLEN", "length of DATA", 4, &len)) return;
    const uint64_t offset = cur_offset(c);
    if (!cur_take_cur(c, (size_t)len, &data, "DATA", &err)) {
        inspect_damage(w, c, &err);
        return;
    }
    const struct inspect_item item = {.label = "DATA",
                                      .name = "elements and groupings",
                                      .form = FORM_PARTS,
                                      .offset = offset,
                                      .value = data.data,
                                      .value_len = data.len};
    inspect_begin(w, &item);
    inspect_tlvs(w, data, PLACE_DATA, 0);
    inspect_end(w);
    if (!inspect_length(w, c, "MKLEN", "length of MACKEY", 2, &len)) return;
    if (len > 0 && !inspect_field(w, c, "MACKEY", "wrapped MAC key", FORM_HIDDEN, (size_t)len)) return;
    if (!inspect_length(w, c, "MLEN", "length of the MAC", 1, &len)) return;
    if (len > 0 && !inspect_field(w, c, "MAC", "AES-CMAC of the entry", FORM_HEX, (size_t)len)) return;
    if (cur_left(c) == 0) return;
    err_set(&err, ERR_INPUT, "%zu bytes behind the MAC", cur_left(c));
    inspect_damage(w, c, &err);
}

void inspect_chip(struct inspect_walk *w, struct cur c)
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
        inspect_begin(w, &item);
        if (walk_entry_head(w, &c, &body)) walk_entry_body(w, &body);
        inspect_end(w);
    }
}

void inspect_seal(struct inspect_walk *w, struct cur c)
{
    uint64_t len = 0;
    struct err err = ERR_INIT;
    if (!inspect_field(w, &c, "", "job id of the pass that wrote this record", FORM_HEX, JOB_ID_LEN)) return;
    if (!inspect_field(w, &c, "KEKID", "issuer identifier ‖ KEK version", FORM_HEX, KEKID_LEN)) return;
    if (!inspect_length(w, &c, "MKLEN", "length of MACKEY", 2, &len)) return;
    if (!inspect_field(w, &c, "MACKEY", "wrapped MAC key", FORM_HIDDEN, (size_t)len)) return;
    if (!inspect_length(w, &c, "MLEN", "length of the MAC", 1, &len)) return;
    if (!inspect_field(w, &c, "MAC", "AES-CMAC from CARD through MACKEY", FORM_HEX, (size_t)len)) return;
    if (cur_left(&c) == 0) return;
    err_set(&err, ERR_INPUT, "%zu bytes behind the MAC", cur_left(&c));
    inspect_damage(w, &c, &err);
}
