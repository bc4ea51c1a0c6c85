#include "prep/commands/inspect_walk.h"

#include <inttypes.h>
#include <string.h>

#include "formats/groups.h"
#include "formats/tlv.h"

static void note_chip_mic(struct inspect_walk *w, struct cur c)
{
    struct err err = ERR_INIT;
    struct tlv t;
    bool found = false;
    if (tlv_find(c, 0xD0, &t, &found, &err) && found && t.len <= MIC_NAME_MAX) {
        memset(w->chip_mic, 0, sizeof(w->chip_mic));
        memcpy(w->chip_mic, t.value, t.len);
    }
}

static void walk_group_data(struct inspect_walk *w, const char *mic, struct cur c)
{
    if (strcmp(mic, MIC_JOB) == 0) {
        note_chip_mic(w, c);
        inspect_tlvs(w, c, PLACE_JOB, 0);
    } else if (strcmp(mic, MIC_CARD) == 0) {
        inspect_tlvs(w, c, PLACE_CARD, 0);
    } else if (strcmp(mic, MIC_END) == 0) {
        inspect_tlvs(w, c, PLACE_END, 0);
    } else if (strcmp(mic, MIC_SEAL) == 0) {
        inspect_seal(w, c);
    } else {
        inspect_chip(w, c);
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

static void walk_group(struct inspect_walk *w, struct cur *c)
{
    struct err err = ERR_INIT;
    char mic[MIC_NAME_MAX + 1];
    struct cur ahead = *c;
    uint64_t len = 0;

    if (!group_head(&ahead, mic, &len, &err)) {
        inspect_damage(w, c, &err);
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
    inspect_begin(w, &item);
    if (ours) walk_group_data(w, mic, cur_make(item.value, item.value_len, cur_offset(&ahead)));
    inspect_end(w);
    ahead.pos += item.value_len;
    *c = ahead;
    if (!cut) {
        if (strcmp(mic, MIC_END) == 0) w->result->end_seen = true;
        return;
    }
    err_set(&err, ERR_INPUT, "group %s is cut: %" PRIu64 " bytes of %" PRIu64, mic, (uint64_t)item.value_len,
            len);
    inspect_damage(w, c, &err);
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

static void walk_record(struct inspect_walk *w, const uint8_t *bytes, size_t len, uint64_t offset,
                        uint64_t rlen, uint64_t number)
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
    inspect_leaf(w, &item);
    c.pos = MIC_DIGITS;
    while (cur_left(&c) > 0)
        walk_group(w, &c);
    if (len < MIC_DIGITS + rlen) {
        err_set(&err, ERR_INPUT, "the record is cut: %zu bytes of %" PRIu64, len, MIC_DIGITS + rlen);
        inspect_damage(w, &c, &err);
    }
    if (!w->quiet) w->visitor->record_end(w->visitor->context);
}

/* One record, or what there is of it. False: ERR_FILE, or ERR_INPUT when no record begins here. */
static bool next_record(struct inspect_walk *w, struct reader *r, const struct inspect_settings *settings,
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

bool inspect_file(struct reader *r, const struct inspect_settings *settings,
                  const struct inspect_visitor *visitor, struct inspect_result *out, struct err *err)
{
    struct inspect_walk w = {.visitor = visitor, .result = out};

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
