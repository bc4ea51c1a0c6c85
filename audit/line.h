/* audit/line.h - one line of the audit log: docs/formats/audit-log.md, "Lines".
 *
 *   {"seq":N,"time":"…","program":"…","event":"…", members …,"prev":"<hash of the line before>","hash":"<of this line>"}
 *
 * The hash is SHA-256 of the bytes as they stand in the file, from '{' to the closing quote of prev. */
#ifndef AUDIT_LINE_H
#define AUDIT_LINE_H

#include "audit/event.h"
#include "base/buf.h"
#include "base/digest.h"

enum { AUDIT_LINE_MAX = 32 * 1024 /* bytes without the line's end */ };

/* Where a log stands: its last line. All zero: no line yet. */
struct audit_head {
    uint64_t seq;
    uint8_t hash[SHA256_LEN];
};

struct audit_member {
    const char *name, *text; /* NULL: a number */
    uint64_t number;
    bool other; /* neither: while the line is looked at, never in one that was read */
};
/* In every line: four members in front of the event's, two behind them. */
enum {
    AUDIT_FRONT = 4,
    AUDIT_BEHIND = 2,
    AUDIT_LINE_MEMBERS = AUDIT_FRONT + AUDIT_MEMBERS_MAX + AUDIT_BEHIND
};

/* A line that was read; borrowed from whoever read it, until the next. */
struct audit_line {
    uint64_t seq; /* also its number in the file */
    const char *time, *program, *event;
    uint8_t prev[SHA256_LEN], hash[SHA256_LEN];
    struct audit_member members[AUDIT_LINE_MEMBERS]; /* all of them */
    size_t member_count;
    char *copy;          /* what they point into, */
    struct json_t *json; /* or else this */
};

/* Appends the line, with LF, that follows `before`; *after is then the log's new head. False: the event's fault, or the line
 * is longer than AUDIT_LINE_MAX (ERR_INTERNAL); program or time have not their form (ERR_INTERNAL). */
MUST_CHECK bool audit_line_make(struct buf *out, const struct audit_head *before, const char *time,
                                const char *program, const struct audit_event *e, struct audit_head *after,
                                struct err *err);
/* Reads the line that must follow `before`, without its LF; audit_line_release it. False (ERR_INTEGRITY), nothing to release:
 * no line of a log; its hash is another; another sequence number than is due (both are named); it does not follow the line
 * before. */
MUST_CHECK bool audit_line_parse(const uint8_t *bytes, size_t len, const struct audit_head *before,
                                 struct audit_line *out, struct err *err);
void audit_line_release(struct audit_line *l);

/* A member of the event's own. NULL or false: it is not there, or is no text or number. */
const char *audit_line_text(const struct audit_line *l, const char *name);
bool audit_line_number(const struct audit_line *l, const char *name, uint64_t *out);
/* The event's own members in their order: false behind the last. *text is NULL for a number. */
bool audit_line_member(const struct audit_line *l, size_t index, struct audit_member *out);

bool audit_line_is_event_name(const char *name);
/* Of a member that an event may have. */
bool audit_line_is_member_name(const char *name);

#endif
