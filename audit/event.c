#include "audit/event.h"

#include <jansson.h>
#include <string.h>

#include "audit/line.h"
#include "audit/text.h"
#include "base/hex.h"

void audit_event_init(struct audit_event *e, const char *name)
{
    *e = (struct audit_event){.name = name, .members = json_object()};
    if (!e->members)
        err_set_text(&e->fault, ERR_INTERNAL, "out of memory");
    else if (!audit_line_is_event_name(name))
        err_set_text(&e->fault, ERR_INTERNAL, "'%s' is no name of an event", name);
}

void audit_event_release(struct audit_event *e)
{
    json_decref(e->members);
    e->members = NULL;
}

static bool may_add(struct audit_event *e, const char *name)
{
    struct err *err = &e->fault;
    if (err->kind != ERR_NONE) return false;
    if (!audit_line_is_member_name(name))
        return err_set(err, ERR_INTERNAL, "'%s' is no name of a member", name);
    if (json_object_get(e->members, name))
        return err_set(err, ERR_INTERNAL, "member '%s' stands twice", name);
    return json_object_size(e->members) < AUDIT_MEMBERS_MAX ||
           err_set(err, ERR_INTERNAL, "more than %d members", AUDIT_MEMBERS_MAX);
}

static void add(struct audit_event *e, const char *name, json_t *value)
{
    if (!value || json_object_set_new(e->members, name, value) != 0)
        err_set_text(&e->fault, ERR_INTERNAL, "out of memory");
}

void audit_text(struct audit_event *e, const char *name, const char *value)
{
    if (!may_add(e, name)) return;
    if (audit_text_is_printable(value))
        add(e, name, json_string(value));
    else
        err_set_text(&e->fault, ERR_INPUT,
                     "%s: holds a character that cannot be printed, or more than %d bytes", name,
                     AUDIT_TEXT_MAX);
}

void audit_number(struct audit_event *e, const char *name, uint64_t value)
{
    if (!may_add(e, name)) return;
    if (value <= AUDIT_NUMBER_MAX)
        add(e, name, json_integer((json_int_t)value));
    else
        err_set_text(&e->fault, ERR_INTERNAL, "%s: the number is too large", name);
}

void audit_hex(struct audit_event *e, const char *name, const uint8_t *data, size_t len)
{
    char text[AUDIT_TEXT_MAX + 1];
    if (len > AUDIT_TEXT_MAX / 2) {
        if (may_add(e, name)) err_set_text(&e->fault, ERR_INTERNAL, "%s: %zu bytes are too many", name, len);
        return;
    }
    text[0] = '\0';
    if (len > 0) hex_write(text, sizeof(text), data, len, true);
    audit_text(e, name, text);
}
