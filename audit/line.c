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

static const char *const fixed[AUDIT_FRONT + AUDIT_BEHIND] = {"seq",   "time", "program",
                                                              "event", "prev", "hash"};
enum { FIXED_COUNT = AUDIT_FRONT + AUDIT_BEHIND };

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

/* ---- members ---- */

/* Up to the quote; NULL: something that may need more than these few rules. The quote becomes a zero. */
static char *take_string(char **at)
{
    char *begin = *at + 1, *c = begin;
    if (**at != '"') return NULL;
    while (*c >= ' ' && *c <= '~' && *c != '"' && *c != '\\')
        c++;
    if (*c != '"') return NULL;
    *c = '\0';
    *at = c + 1;
    return begin;
}

static bool take_number(char **at, uint64_t *out)
{
    enum { DIGITS_MAX = 15 };
    const char *begin = *at;
    *out = 0;
    while (**at >= '0' && **at <= '9')
        *out = 10 * *out + (uint64_t)(*(*at)++ - '0');
    const size_t digits = (size_t)(*at - begin);
    return digits > 0 && digits <= DIGITS_MAX && (digits == 1 || *begin != '0');
}

static bool is_double(const struct audit_line *l, const char *name)
{
    for (size_t i = 0; i < l->member_count; i++) {
        if (strcmp(l->members[i].name, name) == 0) return true;
    }
    return false;
}

/* The form in which programs write nearly all lines: ASCII without escapes, no blanks between. It takes a tenth of the time, and logs have
 * millions of lines. False: whether it is JSON at all, jansson says. */
static bool take_plain(struct audit_line *l)
{
    char *at = l->copy;
    if (*at++ != '{') return false;
    for (;;) {
        struct audit_member m = {.name = take_string(&at)};
        if (!m.name || *at++ != ':' || l->member_count == AUDIT_LINE_MEMBERS || is_double(l, m.name))
            return false;
        m.text = *at == '"' ? take_string(&at) : NULL;
        if (!m.text && !take_number(&at, &m.number)) return false;
        l->members[l->member_count++] = m;
        if (*at == '}') return at[1] == '\0';
        if (*at++ != ',') return false;
    }
}

static bool read_plain(const uint8_t *bytes, size_t len, struct audit_line *l, bool *plain, struct err *err)
{
    *plain = false;
    if (memchr(bytes, '\0', len)) return true;
    l->copy = malloc(len + 1);
    if (!l->copy) return err_set_no_memory(err);
    memcpy(l->copy, bytes, len);
    l->copy[len] = '\0';
    *plain = take_plain(l);
    if (!*plain) l->member_count = 0;
    return true;
}

static bool read_json(const uint8_t *bytes, size_t len, struct audit_line *l, struct err *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_error_t why;

    l->json = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, &why);
    if (!l->json) return err_set(err, ERR_INTEGRITY, "is no JSON: %s", why.text);
    if (!json_is_object(l->json)) return err_set(err, ERR_INTEGRITY, "is no JSON object");
    if (json_object_size(l->json) > AUDIT_LINE_MEMBERS)
        return err_set(err, ERR_INTEGRITY, "has %zu members", json_object_size(l->json));
    json_object_foreach(l->json, name, value)
    {
        struct audit_member *m = &l->members[l->member_count++];
        *m = (struct audit_member){.name = name, .text = json_string_value(value)};
        m->other = !m->text && (!json_is_integer(value) || json_integer_value(value) < 0);
        if (!m->text && !m->other) m->number = (uint64_t)json_integer_value(value);
    }
    return true;
}

static bool check_value(const struct audit_member *m, struct err *err)
{
    if (m->text)
        return audit_text_is_printable(m->text) ||
               err_set(err, ERR_INTEGRITY, "'%s' holds characters that cannot be printed", m->name);
    return (!m->other && m->number <= AUDIT_NUMBER_MAX) ||
           err_set(err, ERR_INTEGRITY, "'%s' is neither text nor a number", m->name);
}

/* The members that every line has, in their places; others named as members are. */
static bool check_members(const struct audit_line *l, struct err *err)
{
    const size_t count = l->member_count;
    if (count < FIXED_COUNT) return err_set(err, ERR_INTEGRITY, "has %zu members", count);
    for (size_t at = 0; at < count; at++) {
        const struct audit_member *m = &l->members[at];
        const char *due = at < AUDIT_FRONT             ? fixed[at]
                          : at >= count - AUDIT_BEHIND ? fixed[FIXED_COUNT - (count - at)]
                                                       : NULL;
        if (due ? strcmp(m->name, due) != 0 : !audit_line_is_member_name(m->name))
            return err_set(err, ERR_INTEGRITY, "member %zu is not what it must be", at + 1);
        if (!check_value(m, err)) return false;
        if (due && !m->text != (strcmp(due, "seq") == 0))
            return err_set(err, ERR_INTEGRITY, "'%s' is not what it must be", due);
    }
    return true;
}

static bool read_members(struct audit_line *out, struct err *err)
{
    out->seq = out->members[0].number;
    out->time = out->members[1].text;
    out->program = out->members[2].text;
    out->event = out->members[3].text;
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
    bool plain = false;
    *out = (struct audit_line){.seq = 0};
    bool ok = check_hash(bytes, len, out, err) && read_plain(bytes, len, out, &plain, err) &&
              (plain || read_json(bytes, len, out, err)) && check_members(out, err) &&
              read_members(out, err) && check_place(out, before, err);
    if (!ok) audit_line_release(out);
    return ok;
}

void audit_line_release(struct audit_line *l)
{
    json_decref(l->json);
    free(l->copy);
    l->json = NULL;
    l->copy = NULL;
    l->member_count = 0;
}

/* One of the event's own; NULL: it is not there. */
static const struct audit_member *find(const struct audit_line *l, const char *name)
{
    for (size_t i = AUDIT_FRONT; i + AUDIT_BEHIND < l->member_count; i++) {
        if (strcmp(l->members[i].name, name) == 0) return &l->members[i];
    }
    return NULL;
}

const char *audit_line_text(const struct audit_line *l, const char *name)
{
    const struct audit_member *m = find(l, name);
    return m ? m->text : NULL;
}

bool audit_line_number(const struct audit_line *l, const char *name, uint64_t *out)
{
    const struct audit_member *m = find(l, name);
    if (!m || m->text) return false;
    *out = m->number;
    return true;
}

bool audit_line_member(const struct audit_line *l, size_t index, struct audit_member *out)
{
    if (index + FIXED_COUNT >= l->member_count) return false;
    *out = l->members[AUDIT_FRONT + index];
    return true;
}
