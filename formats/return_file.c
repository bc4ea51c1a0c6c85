#include "formats/return_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "formats/line_value.h"
#include "formats/signed_head.h"

#define LIST_PREFIX "remake-"

static const struct signed_lines_form form = {"return file", "cardprep return 1", "cardprep-return-1"};

static const char *const outcomes[] = {
    [RETURN_MADE] = "made",           [RETURN_SPOILED] = "spoiled", [RETURN_REMADE] = "remade",
    [RETURN_DESTROYED] = "destroyed", [RETURN_MISSING] = "missing",
};
enum { OUTCOME_COUNT = sizeof(outcomes) / sizeof(outcomes[0]) };

const char *return_outcome_name(enum return_outcome outcome)
{
    return (size_t)outcome < OUTCOME_COUNT ? outcomes[outcome] : "";
}

static bool is(const char *text, size_t len, const char *word)
{
    return bytes_equal(text, len, word, strlen(word));
}

/* A card was made from the record. */
static bool makes(enum return_outcome outcome)
{
    return outcome == RETURN_MADE || outcome == RETURN_REMADE;
}

#define MEMBER(member) offsetof(struct return_head, member)

static const struct signed_head_member head_members[] = {
    {"bureau", SIGNED_HEAD_NAME, MEMBER(bureau), RETURN_NAME_MAX},
    {"job", SIGNED_HEAD_HEX, MEMBER(job_id), JOB_ID_LEN},
    {"name", SIGNED_HEAD_TEXT, MEMBER(job_name), JOB_NAME_MAX},
    {"shard", SIGNED_HEAD_SHARE, MEMBER(shard), 0},
    {"file", SIGNED_HEAD_HEX, MEMBER(file_hash), SHA256_LEN},
    {"created", SIGNED_HEAD_TIME, MEMBER(created), RETURN_TIME_LEN},
};
static const struct signed_head head_form = {head_members, sizeof(head_members) / sizeof(head_members[0]),
                                             sizeof(struct return_head)};

/* ---- a line ---- */

enum { AT_RECORD, AT_OBJECT, AT_OUTCOME, AT_SERIAL, AT_TIME, AT_REASON, FIELD_COUNT };

static bool read_record(const char *text, size_t len, struct return_line *l, struct err *err)
{
    return line_value_number(text, len, INT64_MAX, &l->record, err);
}

static bool read_object(const char *text, size_t len, struct return_line *l, struct err *err)
{
    return line_value_text(text, len, OBJECT_ID_MAX, LINE_VALUE_NAME, l->object_id, err);
}

static bool read_outcome(const char *text, size_t len, struct return_line *l, struct err *err)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (!is(text, len, outcomes[i])) continue;
        l->outcome = (enum return_outcome)i;
        return true;
    }
    return err_set(err, ERR_INPUT, "is none of made, spoiled, remade, destroyed, missing");
}

static bool read_serial(const char *text, size_t len, struct return_line *l, struct err *err)
{
    if (!is(text, len, "-"))
        return line_value_hex(text, len, (struct line_value_sizes){1, RETURN_SERIAL_MAX}, l->serial,
                              &l->serial_len, err);
    return !makes(l->outcome) || err_set(err, ERR_INPUT, "a card that was made has a serial number");
}

static bool read_time(const char *text, size_t len, struct return_line *l, struct err *err)
{
    return line_value_time(text, len, l->time, err);
}

static bool read_reason(const char *text, size_t len, struct return_line *l, struct err *err)
{
    const size_t prefix = strlen(LIST_PREFIX);
    if (l->outcome == RETURN_MADE)
        return is(text, len, "-") || err_set(err, ERR_INPUT, "is not -, as with every card that was made");
    if (l->outcome != RETURN_REMADE) {
        if (is(text, len, "-")) return err_set(err, ERR_INPUT, "is missing");
        return line_value_text(text, len, RETURN_REASON_MAX, LINE_VALUE_WORD, l->reason, err);
    }
    if (len <= prefix || !is(text, prefix, LIST_PREFIX))
        return err_set(err, ERR_INPUT, "is not " LIST_PREFIX "N, the remake list that allowed it");
    return line_value_number(text + prefix, len - prefix, INT64_MAX, &l->list, err);
}

static const struct {
    const char *name;
    bool (*read)(const char *text, size_t len, struct return_line *l, struct err *err);
} line_fields[FIELD_COUNT] = {
    [AT_RECORD] = {"record", read_record},    [AT_OBJECT] = {"object identifier", read_object},
    [AT_OUTCOME] = {"outcome", read_outcome}, [AT_SERIAL] = {"serial", read_serial},
    [AT_TIME] = {"time", read_time},          [AT_REASON] = {"reason", read_reason},
};

static bool parse_line(const char *text, size_t len, struct return_line *out, struct err *err)
{
    struct signed_lines_field fields[FIELD_COUNT];
    memset(out, 0, sizeof(*out));
    if (!signed_lines_split(text, len, fields, FIELD_COUNT, err)) return false;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (line_fields[i].read(fields[i].text, fields[i].len, out, err)) continue;
        err_prefix(err, "%s", line_fields[i].name);
        return false;
    }
    return true;
}

/* What a struct may not hold comes out as something that parse_line refuses. */
static void put_line(const struct return_line *l, struct buf *b)
{
    buf_put_format(b, "%llu ", (unsigned long long)l->record);
    buf_put(b, l->object_id, strnlen(l->object_id, sizeof(l->object_id)));
    buf_put_format(b, " %s ", return_outcome_name(l->outcome));
    if (l->serial_len == 0) buf_put_text(b, "-");
    if (l->serial_len <= RETURN_SERIAL_MAX) hex_put(b, l->serial, l->serial_len);
    buf_put_text(b, " ");
    buf_put(b, l->time, strnlen(l->time, sizeof(l->time)));
    buf_put_text(b, " ");
    if (l->outcome == RETURN_REMADE && l->reason[0] == '\0')
        buf_put_format(b, LIST_PREFIX "%llu", (unsigned long long)l->list);
    else if (l->reason[0] == '\0')
        buf_put_text(b, "-");
    else
        buf_put(b, l->reason, strnlen(l->reason, sizeof(l->reason)));
}

/* ---- order ---- */

static bool follows_in_record(const struct return_order *o, const struct return_line *l, struct err *err)
{
    const unsigned long long number = l->record;
    if (strcmp(o->last.object_id, l->object_id) != 0)
        return err_set(err, ERR_INPUT, "record %llu has another object identifier than in the line before",
                       number);
    if (strcmp(l->time, o->last.time) < 0)
        return err_set(err, ERR_INPUT, "record %llu: its time is before that of the line before", number);
    if (o->count == RETURN_LINES_PER_RECORD)
        return err_set(err, ERR_INPUT, "record %llu has more than %d lines", number, RETURN_LINES_PER_RECORD);
    for (size_t i = 0; i < o->count; i++) {
        if (o->had[i].outcome == l->outcome &&
            bytes_equal(o->had[i].serial, o->had[i].serial_len, l->serial, l->serial_len))
            return err_set(err, ERR_INPUT, "record %llu: this card was %s already in a line before", number,
                           return_outcome_name(l->outcome));
    }
    return true;
}

static bool follows(struct return_order *o, const struct return_line *l, struct err *err)
{
    if (l->record < o->last.record)
        return err_set(err, ERR_INPUT, "record %llu stands behind record %llu", (unsigned long long)l->record,
                       (unsigned long long)o->last.record);
    if (l->record > o->last.record) o->count = 0;
    if (o->count > 0 && !follows_in_record(o, l, err)) return false;
    o->last = *l;
    o->had[o->count].outcome = l->outcome;
    memcpy(o->had[o->count].serial, l->serial, RETURN_SERIAL_MAX);
    o->had[o->count].serial_len = l->serial_len;
    o->count++;
    return true;
}

/* ---- writing ---- */

struct return_writer {
    struct signed_lines_writer lines;
    struct return_order order;
    struct buf line;
};

bool return_writer_new(struct return_writer **out, const struct return_head *head,
                       struct signed_lines_sink sink, struct err *err)
{
    struct return_writer *w = calloc(1, sizeof(*w));
    if (!w) return err_set_no_memory(err);
    buf_init(&w->line, SIGNED_LINES_LINE_MAX);
    if (!signed_lines_writer_begin(&w->lines, &form, sink, err) ||
        !signed_head_put(&head_form, head, &w->lines, &w->line, err)) {
        return_writer_free(w);
        return false;
    }
    *out = w;
    return true;
}

bool return_writer_put(struct return_writer *w, const struct return_line *line, struct err *err)
{
    struct return_line same;
    buf_clear(&w->line);
    put_line(line, &w->line);
    if (!buf_ok(&w->line, "line", err)) return false;
    if (parse_line((const char *)w->line.data, w->line.len, &same, err))
        return follows(&w->order, &same, err) && signed_lines_put(&w->lines, &w->line, true, err);
    err_prefix(err, "record %llu", (unsigned long long)line->record);
    return false;
}

bool return_writer_end(struct return_writer *w, const struct signed_lines_signer *signer, struct err *err)
{
    return signed_lines_put_end(&w->lines, signer, err);
}

uint64_t return_writer_count(const struct return_writer *w)
{
    return w->lines.entries;
}

void return_writer_free(struct return_writer *w)
{
    if (!w) return;
    signed_lines_writer_release(&w->lines);
    buf_release(&w->line);
    free(w);
}

/* ---- reading ---- */

struct return_file {
    struct reader *reader;
    struct signed_lines lines;
    struct return_head head;
    struct return_order order;
    uint8_t signer[SHA256_LEN];
    uint64_t count;
};

static bool next(struct return_file *f, const struct signed_lines_trust *trust, struct return_line *line,
                 bool *end, struct err *err)
{
    const char *text = NULL;
    size_t len = 0;
    if (!signed_lines_entry(&f->lines, trust, &text, &len, end, err)) return false;
    if (*end) return true;
    return (parse_line(text, len, line, err) && follows(&f->order, line, err)) ||
           signed_lines_named(&f->lines, NULL, err);
}

static bool verify(struct return_file *f, const struct public_key *signers, size_t signer_count,
                   struct err *err)
{
    const struct signed_lines_trust trust = {signers, signer_count, f->signer};
    struct return_line line;
    bool end = false;
    if (!signed_lines_begin(&f->lines, &form, f->reader, err) ||
        !signed_head_take(&head_form, &f->lines, &f->head, err))
        return false;
    while (!end) {
        if (!next(f, &trust, &line, &end, err)) return false;
    }
    f->count = f->lines.entries;
    memset(&f->order, 0, sizeof(f->order));
    return signed_lines_again(&f->lines, err) && signed_head_take(&head_form, &f->lines, &f->head, err);
}

bool return_file_open(struct return_file **out, struct reader *reader, const struct public_key *signers,
                      size_t signer_count, struct err *err)
{
    struct return_file *f = calloc(1, sizeof(*f));
    if (!f) {
        reader_free(reader);
        return err_set_no_memory(err);
    }
    f->reader = reader;
    if (verify(f, signers, signer_count, err)) {
        *out = f;
        return true;
    }
    err_prefix(err, "%s", reader_name(reader));
    return_file_free(f);
    return false;
}

const struct return_head *return_file_head(const struct return_file *f)
{
    return &f->head;
}

const uint8_t *return_file_signer(const struct return_file *f)
{
    return f->signer;
}

uint64_t return_file_count(const struct return_file *f)
{
    return f->count;
}

bool return_file_next(struct return_file *f, struct return_line *line, bool *end, struct err *err)
{
    if (next(f, NULL, line, end, err)) return true;
    if (err->kind == ERR_INPUT) err->kind = ERR_INTEGRITY; /* it was right when it was verified */
    err_prefix(err, "%s", reader_name(f->reader));
    return false;
}

void return_file_free(struct return_file *f)
{
    if (!f) return;
    signed_lines_release(&f->lines);
    reader_free(f->reader);
    free(f);
}
