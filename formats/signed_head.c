#include "formats/signed_head.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "formats/line_value.h"

static void put_value(const struct signed_head_member *m, const void *head, struct buf *b)
{
    const void *at = (const char *)head + m->offset;
    uint64_t number = 0;
    uint16_t share[2];
    switch (m->kind) {
    case SIGNED_HEAD_NAME:
    case SIGNED_HEAD_TEXT:
    case SIGNED_HEAD_TIME:
        buf_put(b, at, strnlen(at, m->len + 1));
        break;
    case SIGNED_HEAD_HEX:
        hex_put(b, at, m->len);
        break;
    case SIGNED_HEAD_NUMBER:
        memcpy(&number, at, sizeof(number));
        buf_put_format(b, "%llu", (unsigned long long)number);
        break;
    case SIGNED_HEAD_SHARE:
        memcpy(share, at, sizeof(share));
        buf_put_format(b, "%u/%u", share[0], share[1]);
        break;
    }
}

static bool read_value(const struct signed_head_member *m, const char *text, size_t len, void *head,
                       struct err *err)
{
    void *at = (char *)head + m->offset;
    uint64_t number = 0;
    uint16_t share[2];
    switch (m->kind) {
    case SIGNED_HEAD_NAME:
        return line_value_text(text, len, m->len, LINE_VALUE_NAME, at, err);
    case SIGNED_HEAD_TEXT:
        return line_value_printable(text, len, m->len, at, err);
    case SIGNED_HEAD_TIME:
        return line_value_time(text, len, at, err);
    case SIGNED_HEAD_HEX:
        return line_value_hex(text, len, (struct line_value_sizes){m->len, m->len}, at, NULL, err);
    case SIGNED_HEAD_NUMBER:
        if (!line_value_number(text, len, INT64_MAX, &number, err)) return false;
        memcpy(at, &number, sizeof(number));
        return true;
    case SIGNED_HEAD_SHARE:
        if (!line_value_share(text, len, &share[0], &share[1], err)) return false;
        memcpy(at, share, sizeof(share));
        return true;
    }
    return err_set(err, ERR_INTERNAL, "a member of kind %d", (int)m->kind);
}

/* Each value is read as it was written, so what a reader refuses is not written. */
bool signed_head_put(const struct signed_head *form, const void *head, struct signed_lines_writer *w,
                     struct buf *line, struct err *err)
{
    void *same = calloc(1, form->size);
    bool ok = same || err_set_no_memory(err);
    for (size_t i = 0; ok && i < form->count; i++) {
        const struct signed_head_member *m = &form->members[i];
        buf_clear(line);
        buf_put_format(line, "%s: ", m->name);
        const size_t at = line->len;
        put_value(m, head, line);
        ok = buf_ok(line, "line", err) &&
             read_value(m, (const char *)&line->data[at], line->len - at, same, err);
        if (!ok) err_prefix(err, "%s", m->name);
        ok = ok && signed_lines_put(w, line, false, err);
    }
    free(same);
    return ok;
}

bool signed_head_take(const struct signed_head *form, struct signed_lines *s, void *head, struct err *err)
{
    for (size_t i = 0; i < form->count; i++) {
        const struct signed_head_member *m = &form->members[i];
        const char *value = NULL;
        size_t len = 0;
        if (!signed_lines_value(s, m->name, &value, &len, err)) return false;
        if (!read_value(m, value, len, head, err)) return signed_lines_named(s, m->name, err);
    }
    return true;
}
