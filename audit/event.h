/* audit/event.h - what is to be written into the log: a name and members in their order. docs/formats/audit-log.md lists the
 * events that programs ask for later (audit/history.h); others are free.
 *
 *   struct audit_event e;
 *   audit_event_init(&e, "destroy");
 *   audit_text(&e, "key", "KML");
 *   audit_number(&e, "version", 1);
 *   ok = audit_log_append(log, &e, err);
 *   audit_event_release(&e);
 */
#ifndef AUDIT_EVENT_H
#define AUDIT_EVENT_H

#include <stdint.h>

#include "base/err.h"

struct json_t;

/* JSON programs read whole numbers exactly up to here. */
#define AUDIT_NUMBER_MAX ((UINT64_C(1) << 53) - 1)
enum { AUDIT_NAME_MAX = 32, AUDIT_MEMBERS_MAX = 40 };

struct audit_event {
    const char *name; /* borrowed; a-z, 0-9 and '-' */
    struct json_t *members;
    struct err fault; /* why a member could not be taken; audit_log_append gives it */
};

void audit_event_init(struct audit_event *e, const char *name);
void audit_event_release(struct audit_event *e);
/* Each adds a member. Names: a-z, 0-9 and '_', none twice, none of those that every line has. The first one that cannot be
 * taken is remembered: text that is not printable (audit/text.h; ERR_INPUT), a number above AUDIT_NUMBER_MAX, a wrong
 * name (ERR_INTERNAL). */
void audit_text(struct audit_event *e, const char *name, const char *value);
void audit_number(struct audit_event *e, const char *name, uint64_t value);
/* Bytes as hex digits in lower case. */
void audit_hex(struct audit_event *e, const char *name, const uint8_t *data, size_t len);

#endif
