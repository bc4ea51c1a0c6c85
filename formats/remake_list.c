#include "formats/remake_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "formats/line_value.h"
#include "formats/signed_head.h"

static const struct signed_lines_form form = {"remake list", "cardprep remake 1", "cardprep-remake-1"};

#define MEMBER(member) offsetof(struct remake_head, member)

static const struct signed_head_member head_members[] = {
    {"job", SIGNED_HEAD_HEX, MEMBER(job_id), JOB_ID_LEN},
    {"name", SIGNED_HEAD_TEXT, MEMBER(job_name), JOB_NAME_MAX},
    {"serial", SIGNED_HEAD_NUMBER, MEMBER(serial), 0},
    {"created", SIGNED_HEAD_TIME, MEMBER(created), REMAKE_TIME_LEN},
};
static const struct signed_head head_form = {head_members, sizeof(head_members) / sizeof(head_members[0]),
                                             sizeof(struct remake_head)};

/* ---- an entry ---- */

enum { AT_RECORD, AT_SERIAL, AT_REASON, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {"record", "serial", "reason"};

static bool read_field(size_t field, const char *text, size_t len, struct remake_entry *e, struct err *err)
{
    if (field == AT_RECORD) return line_value_number(text, len, INT64_MAX, &e->record, err);
    if (field == AT_REASON)
        return bytes_equal(text, len, "-", 1)
                   ? err_set(err, ERR_INPUT, "is missing")
                   : line_value_text(text, len, REMAKE_REASON_MAX, LINE_VALUE_WORD, e->reason, err);
    if (bytes_equal(text, len, "-", 1)) return true;
    return line_value_hex(text, len, (struct line_value_sizes){1, REMAKE_SERIAL_MAX}, e->serial,
                          &e->serial_len, err);
}

static bool parse_entry(const char *text, size_t len, struct remake_entry *out, struct err *err)
{
    struct signed_lines_field fields[FIELD_COUNT];
    memset(out, 0, sizeof(*out));
    if (!signed_lines_split(text, len, fields, FIELD_COUNT, err)) return false;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (read_field(i, fields[i].text, fields[i].len, out, err)) continue;
        err_prefix(err, "%s", field_names[i]);
        return false;
    }
    return true;
}

static void put_entry(const struct remake_entry *e, struct buf *b)
{
    buf_put_format(b, "%llu ", (unsigned long long)e->record);
    if (e->serial_len == 0) buf_put_text(b, "-");
    if (e->serial_len <= REMAKE_SERIAL_MAX) hex_put(b, e->serial, e->serial_len);
    buf_put_text(b, " ");
    buf_put(b, e->reason, strnlen(e->reason, sizeof(e->reason)));
}

static bool rises(uint64_t before, uint64_t record, struct err *err)
{
    return record > before || err_set(err, ERR_INPUT, "record %llu stands behind record %llu",
                                      (unsigned long long)record, (unsigned long long)before);
}

/* ---- writing ---- */

static bool put_entries(struct signed_lines_writer *w, const struct remake_draft *draft, struct buf *line,
                        struct err *err)
{
    struct remake_entry same;
    uint64_t before = 0;
    for (size_t i = 0; i < draft->count; i++) {
        const struct remake_entry *e = &draft->entries[i];
        buf_clear(line);
        put_entry(e, line);
        if (!buf_ok(line, "line", err)) return false;
        if (!parse_entry((const char *)line->data, line->len, &same, err)) {
            err_prefix(err, "record %llu", (unsigned long long)e->record);
            return false;
        }
        if (!rises(before, e->record, err) || !signed_lines_put(w, line, true, err)) return false;
        before = e->record;
    }
    return true;
}

bool remake_list_put(const struct remake_draft *draft, struct signed_lines_sink sink,
                     const struct signed_lines_signer *signer, struct err *err)
{
    struct signed_lines_writer w = {.entries = 0};
    struct buf line;
    if (draft->count == 0 || draft->count > REMAKE_ENTRIES_MAX)
        return err_set(err, ERR_INPUT, "a remake list has from 1 to %d records, not %zu", REMAKE_ENTRIES_MAX,
                       draft->count);
    buf_init(&line, SIGNED_LINES_LINE_MAX);
    bool ok = signed_lines_writer_begin(&w, &form, sink, err) &&
              signed_head_put(&head_form, &draft->head, &w, &line, err) &&
              put_entries(&w, draft, &line, err) && signed_lines_put_end(&w, signer, err);
    signed_lines_writer_release(&w);
    buf_release(&line);
    return ok;
}

/* ---- reading ---- */

struct remake_list {
    struct remake_head head;
    struct remake_entry *entries;
    size_t count, room;
    uint8_t signer[SHA256_LEN];
};

static bool add(struct remake_list *l, const struct remake_entry *e, struct err *err)
{
    if (l->count == REMAKE_ENTRIES_MAX)
        return err_set(err, ERR_INPUT, "the list has more than %d records", REMAKE_ENTRIES_MAX);
    if (!rises(l->count ? l->entries[l->count - 1].record : 0, e->record, err)) return false;
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        void *more = realloc(l->entries, room * sizeof(*l->entries));
        if (!more) return err_set_no_memory(err);
        l->entries = more;
        l->room = room;
    }
    l->entries[l->count++] = *e;
    return true;
}

static bool take_all(struct signed_lines *s, struct remake_list *l, const struct signed_lines_trust *trust,
                     struct err *err)
{
    if (!signed_head_take(&head_form, s, &l->head, err)) return false;
    for (;;) {
        struct remake_entry e;
        const char *text = NULL;
        size_t len = 0;
        bool end = false;
        if (!signed_lines_entry(s, trust, &text, &len, &end, err)) return false;
        if (end) break;
        if (!parse_entry(text, len, &e, err) || !add(l, &e, err)) return signed_lines_named(s, NULL, err);
    }
    return l->count > 0 || err_set(err, ERR_INPUT, "the list has no records");
}

bool remake_list_open(struct remake_list **out, struct reader *reader, const struct public_key *signers,
                      size_t signer_count, struct err *err)
{
    struct remake_list *l = calloc(1, sizeof(*l));
    struct signed_lines s = {.line = 0};
    bool ok = false;
    if (!l) {
        reader_free(reader);
        return err_set_no_memory(err);
    }
    const struct signed_lines_trust trust = {signers, signer_count, l->signer};
    ok = signed_lines_begin(&s, &form, reader, err) && take_all(&s, l, &trust, err);
    if (!ok) err_prefix(err, "%s", reader_name(reader));
    signed_lines_release(&s);
    reader_free(reader);
    if (ok)
        *out = l;
    else
        remake_list_free(l);
    return ok;
}

void remake_list_free(struct remake_list *l)
{
    if (!l) return;
    free(l->entries);
    free(l);
}

const struct remake_head *remake_list_head(const struct remake_list *l)
{
    return &l->head;
}

const uint8_t *remake_list_signer(const struct remake_list *l)
{
    return l->signer;
}

size_t remake_list_count(const struct remake_list *l)
{
    return l->count;
}

const struct remake_entry *remake_list_at(const struct remake_list *l, size_t index)
{
    return &l->entries[index];
}

static int compare(const void *record, const void *entry)
{
    uint64_t left = *(const uint64_t *)record, right = ((const struct remake_entry *)entry)->record;
    return left < right ? -1 : left > right;
}

bool remake_list_allows(const struct remake_list *l, const struct remake_card *card,
                        const struct remake_entry **entry, struct err *err)
{
    const unsigned long long number = card->record, serial = l->head.serial;
    if (!bytes_equal(l->head.job_id, JOB_ID_LEN, card->job_id, JOB_ID_LEN))
        return err_set(err, ERR_INPUT, "remake list %llu is of another job", serial);
    const struct remake_entry *e =
        l->count ? bsearch(&card->record, l->entries, l->count, sizeof(*l->entries), compare) : NULL;
    if (!e) return err_set(err, ERR_INPUT, "remake list %llu does not have record %llu", serial, number);
    if (e->serial_len > 0 && !bytes_equal(e->serial, e->serial_len, card->serial, card->serial_len))
        return err_set(err, ERR_INPUT, "remake list %llu: record %llu is to replace another card than it has",
                       serial, number);
    *entry = e;
    return true;
}
