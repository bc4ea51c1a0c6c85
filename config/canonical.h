/* config/canonical.h - settings as text in one form only, so that their SHA-256 names what a run does.
 *
 * One line per value, `path = value`, sorted by bytes; list items are numbered 0001, 0002, … in the path.
 * Texts are in double quotes with \" \\ and \xNN for control characters; bytes are upper-case hex; flags yes
 * or no. Absent values have no line. The order of keys, comments and quoting of the YAML file do not show.
 * Paths of files do not stand in it, what they hold does. */
#ifndef CONFIG_CANONICAL_H
#define CONFIG_CANONICAL_H

#include "base/buf.h"

enum { CANONICAL_MAX = 8 << 20, CANONICAL_PATH_MAX = 512 };

struct canonical {
    struct buf lines;
    char path[CANONICAL_PATH_MAX]; /* of the mapping that is being written, with a trailing dot */
    size_t path_len;
};

void canonical_begin(struct canonical *c);
/* Appends the sorted lines to out and releases c. A failure marks out as failed. */
void canonical_end(struct canonical *c, struct buf *out);

/* Goes into a mapping, or into item `index` (from 0) of a list; returns the mark for canonical_leave. */
size_t canonical_enter(struct canonical *c, const char *key);
size_t canonical_enter_item(struct canonical *c, const char *key, size_t index);
void canonical_leave(struct canonical *c, size_t mark);

void canonical_text(struct canonical *c, const char *key, const char *text); /* NULL: no line */
void canonical_number(struct canonical *c, const char *key, uint64_t number);
void canonical_flag(struct canonical *c, const char *key, bool flag);
void canonical_bytes(struct canonical *c, const char *key, const uint8_t *data, size_t len);
void canonical_tag(struct canonical *c, const char *key, uint32_t tag); /* 0: no line */

#endif
