#include "audit/line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "audit/text.h"
#include "base/clock.h"
#include "base/hex.h"
#include "formats/date.h"

enum { HEX_LEN = 2 * SHA256_LEN };
#define HASH_MARK ",\"hash\":\""
#define PREV_MARK ",\"prev\":\""
enum {
    HASH_PART = sizeof(HASH_MARK) - 1 + HEX_LEN + 2, /* to the end of the line: quote and brace */
    PREV_PART = sizeof(PREV_MARK) - 1 + HEX_LEN + 1,
};

/* In every line: four in front of the event's members, two behind them. */
static const char *const fixed[] = {"seq", "time", "program", "event", "prev", "hash"};
enum { FIXED_FRONT = 4, FIXED_COUNT = sizeof(fixed) / sizeof(fixed[0]) };

static bool is_name(const char *name, char joint)
{
    size_t len = strlen(name);
    if (len < 1 || len > AUDIT_NAME_MAX || name[0] < 'a' || name[0] > 'z') return false;
    for (size_t i = 0; i < len; i++) {
        bool ok =
            (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == joint;
        if (!ok) return false;
    }
    return true;
}

bool audit_line_is_event_name(const char *name)
{
    return is_name(name, '-');
}

bool audit_line_is_member_name(const char *name)
{
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        if (strcmp(name, fixed[i]) == 0) return false;
    }
    return is_name(name, '_');
}

static bool is_time(const char *text)
{
    struct err ignored = ERR_INIT;
    struct date date;
    return clock_is_text(text, strlen(text)) && date_read(text, 10, &date, &ignored);
}

/* The line up to the event's end, without its closing brace. The caller frees *out with free(). */
static bool dump(const struct audit_head *before, const char *time, const char *program,
                 const struct audit_event *e, char **out, struct err *err)
{
    char prev[HEX_LEN + 1];
    hex_write(prev, sizeof(prev), before->hash, SHA256_LEN, true);
    json_t *line = json_pack("{s:I, s:s, s:s, s:s}", "seq", (json_int_t)(before->seq + 1), "time", time,
                             "program", program, "event", e->name);
    bool ok = line && json_object_update(line, e->members) == 0 &&
              json_object_set_new(line, "prev", json_string(prev)) == 0;
    *out = ok ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    if (!*out) return err_set_no_memory(err);
    (*out)[strlen(*out) - 1] = '\0';
    return true;
}

bool audit_line_make(struct buf *out, const struct audit_head *before, const char *time, const char *program,
                     const struct audit_event *e, struct audit_head *after, struct err *err)
{
    char *text = NULL;
    char hash[HEX_LEN + 1];
    struct audit_head made = {.seq = before->seq + 1};
    size_t start = out->len;
    bool ok = false;

    if (e->fault.kind != ERR_NONE) {
        *err = e->fault;
        err_prefix(err, "event %s", e->name);
        return false;
    }
    if (!is_time(time) || !audit_text_is_printable(program) || made.seq > AUDIT_NUMBER_MAX)
        return err_set(err, ERR_INTERNAL, "event %s: time, program or number have not their form", e->name);
    if (!dump(before, time, program, e, &text, err)) return false;
    if (strlen(text) + HASH_PART > AUDIT_LINE_MAX) {
        err_set(err, ERR_INTERNAL, "event %s: its line is longer than %d bytes", e->name, AUDIT_LINE_MAX);
        goto out;
    }
    if (!sha256(text, strlen(text), made.hash, err)) goto out;
    hex_write(hash, sizeof(hash), made.hash, SHA256_LEN, true);
    buf_put_format(out, "%s" HASH_MARK "%s\"}\n", text, hash);
    if (!buf_ok(out, "audit line", err)) goto out;
    *after = made;
    ok = true;
out:
    if (!ok && out->len > start) buf_truncate(out, start);
    free(text);
    return ok;
}

/* `mark`, the hex digits of a hash in lower case, a quote. */
static bool read_hash(const uint8_t *part, const char *mark, uint8_t out[SHA256_LEN])
{
    struct err ignored = ERR_INIT;
    const char *hex = (const char *)part + strlen(mark);
    if (memcmp(part, mark, strlen(mark)) != 0 || hex[HEX_LEN] != '"') return false;
    for (size_t i = 0; i < HEX_LEN; i++) {
        if (hex[i] >= 'A' && hex[i] <= 'F') return false;
    }
    return hex_read_exact(hex, HEX_LEN, out, SHA256_LEN, &ignored);
}

/* The two hashes at its end, and whether the second is that of what stands before it. */
static bool check_hash(const uint8_t *bytes, size_t len, struct audit_line *out, struct err *err)
{
    uint8_t is[SHA256_LEN];
    if (len < PREV_PART + HASH_PART || bytes[len - 1] != '}')
        return err_set(err, ERR_INTEGRITY, "is no line of an audit log");
    size_t hashed = len - HASH_PART;
    if (!read_hash(bytes + hashed, HASH_MARK, out->hash) ||
        !read_hash(bytes + hashed - PREV_PART, PREV_MARK, out->prev))
        return err_set(err, ERR_INTEGRITY, "is no line of an audit log: it does not end with prev and hash");
    if (!sha256(bytes, hashed, is, err)) return false;
    return memcmp(is, out->hash, SHA256_LEN) == 0 ||
           err_set(err, ERR_INTEGRITY, "was changed: its bytes have another hash");
}

static bool check_value(const char *name, const json_t *value, struct err *err)
{
    if (json_is_string(value))
        return audit_text_is_printable(json_string_value(value)) ||
               err_set(err, ERR_INTEGRITY, "'%s' holds characters that cannot be printed", name);
    bool number = json_is_integer(value) && json_integer_value(value) >= 0 &&
                  (uint64_t)json_integer_value(value) <= AUDIT_NUMBER_MAX;
    return number || err_set(err, ERR_INTEGRITY, "'%s' is neither text nor a number", name);
}

/* The members that every line has, in their places; others named as members are. */
static bool check_members(json_t *line, struct err *err)
{
    size_t count = json_object_size(line), at = 0;
    const char *name = NULL;
    json_t *value = NULL;

    if (count < FIXED_COUNT || count > FIXED_COUNT + AUDIT_MEMBERS_MAX)
        return err_set(err, ERR_INTEGRITY, "has %zu members", count);
    json_object_foreach(line, name, value)
    {
        const char *due = NULL;
        if (at < FIXED_FRONT) due = fixed[at];
        if (at >= count - (FIXED_COUNT - FIXED_FRONT)) due = fixed[FIXED_COUNT - (count - at)];
        at++;
        if (due ? strcmp(name, due) != 0 : !audit_line_is_member_name(name))
            return err_set(err, ERR_INTEGRITY, "member %zu is not what it must be", at);
        if (!check_value(name, value, err)) return false;
        if (due && json_is_integer(value) != (strcmp(due, "seq") == 0))
            return err_set(err, ERR_INTEGRITY, "'%s' is not what it must be", due);
    }
    return true;
}

static bool read_members(struct audit_line *out, struct err *err)
{
    const json_t *line = out->members;
    out->seq = (uint64_t)json_integer_value(json_object_get(line, "seq"));
    out->time = json_string_value(json_object_get(line, "time"));
    out->program = json_string_value(json_object_get(line, "program"));
    out->event = json_string_value(json_object_get(line, "event"));
    if (!is_time(out->time)) return err_set(err, ERR_INTEGRITY, "its time is no time");
    return audit_line_is_event_name(out->event) || err_set(err, ERR_INTEGRITY, "its event has no name");
}

static bool check_place(const struct audit_line *l, const struct audit_head *before, struct err *err)
{
    uint64_t due = before->seq + 1;
    if (l->seq > due)
        return err_set(err, ERR_INTEGRITY,
                       "sequence number %" PRIu64 " where %" PRIu64
                       " is due: lines were removed or moved here",
                       l->seq, due);
    if (l->seq < due)
        return err_set(err, ERR_INTEGRITY,
                       "sequence number %" PRIu64 " where %" PRIu64
                       " is due: the line was repeated or moved here",
                       l->seq, due);
    if (memcmp(l->prev, before->hash, SHA256_LEN) == 0) return true;
    if (before->seq == 0)
        return err_set(err, ERR_INTEGRITY, "is the first line, but names another before it");
    return err_set(err, ERR_INTEGRITY, "does not follow line %" PRIu64 ": that line was changed or exchanged",
                   before->seq);
}

bool audit_line_parse(const uint8_t *bytes, size_t len, const struct audit_head *before,
                      struct audit_line *out, struct err *err)
{
    struct audit_line l = {.seq = 0};
    json_error_t why;

    if (!check_hash(bytes, len, &l, err)) return false;
    l.members = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (!l.members) return err_set(err, ERR_INTEGRITY, "is no JSON: %s", why.text);
    bool ok = (json_is_object(l.members) || err_set(err, ERR_INTEGRITY, "is no JSON object")) &&
              check_members(l.members, err) && read_members(&l, err) && check_place(&l, before, err);
    if (ok)
        *out = l;
    else
        audit_line_release(&l);
    return ok;
}

void audit_line_release(struct audit_line *l)
{
    json_decref(l->members);
    l->members = NULL;
}

const char *audit_line_text(const struct audit_line *l, const char *name)
{
    if (!audit_line_is_member_name(name)) return NULL;
    return json_string_value(json_object_get(l->members, name));
}

bool audit_line_number(const struct audit_line *l, const char *name, uint64_t *out)
{
    const json_t *value = audit_line_is_member_name(name) ? json_object_get(l->members, name) : NULL;
    if (!json_is_integer(value)) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

bool audit_line_member(const struct audit_line *l, size_t index, struct audit_member *out)
{
    if (index >= json_object_size(l->members) - FIXED_COUNT) return false;
    void *at = json_object_iter(l->members);
    for (size_t i = 0; i < FIXED_FRONT + index; i++)
        at = json_object_iter_next(l->members, at);
    const json_t *value = json_object_iter_value(at);
    *out = (struct audit_member){.name = json_object_iter_key(at), .text = json_string_value(value)};
    if (!out->text) out->number = (uint64_t)json_integer_value(value);
    return true;
}
