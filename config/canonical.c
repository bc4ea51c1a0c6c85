#include "config/canonical.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

void canonical_begin(struct canonical *c)
{
    buf_init(&c->lines, CANONICAL_MAX);
    c->path[0] = '\0';
    c->path_len = 0;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts the text into lines in place; the array is the caller's. */
static char **cut_lines(char *text, size_t *count)
{
    size_t room = 1;
    for (const char *c = text; *c; c++)
        room += *c == '\n';
    char **lines = calloc(room, sizeof(*lines));
    char *rest = text;
    *count = 0;
    for (char *line = NULL; lines && (line = strsep(&rest, "\n")) != NULL;) {
        if (*line) lines[(*count)++] = line;
    }
    return lines;
}

void canonical_end(struct canonical *c, struct buf *out)
{
    const char *whole = buf_text(&c->lines);
    char *text = whole ? strdup(whole) : NULL;
    size_t count = 0;
    char **lines = text ? cut_lines(text, &count) : NULL;
    if (lines) {
        qsort(lines, count, sizeof(*lines), compare_lines);
        for (size_t i = 0; i < count; i++)
            buf_put_format(out, "%s\n", lines[i]);
    } else {
        out->fault = c->lines.failed ? c->lines.fault : BUF_NO_MEMORY;
        out->failed = true;
    }
    free(lines);
    free(text);
    buf_release(&c->lines);
}

/* A path that is too long is a defect of the caller's: nesting is fixed by the schemas. */
static size_t enter(struct canonical *c, const char *step)
{
    size_t mark = c->path_len;
    int n = snprintf(c->path + mark, sizeof(c->path) - mark, "%s.", step);
    if (n < 0 || (size_t)n >= sizeof(c->path) - mark) {
        buf_set(&c->lines, c->lines.len, "", 1); /* marks the buf as misused */
        c->path[mark] = '\0';
        return mark;
    }
    c->path_len = mark + (size_t)n;
    return mark;
}

size_t canonical_enter(struct canonical *c, const char *key)
{
    return enter(c, key);
}

size_t canonical_enter_item(struct canonical *c, const char *key, size_t index)
{
    char step[128];
    snprintf(step, sizeof(step), "%s.%04zu", key, index + 1);
    return enter(c, step);
}

void canonical_leave(struct canonical *c, size_t mark)
{
    c->path_len = mark;
    c->path[mark] = '\0';
}

void canonical_text(struct canonical *c, const char *key, const char *text)
{
    if (!text) return;
    buf_put_format(&c->lines, "%s%s = \"", c->path, key);
    for (size_t i = 0; text[i]; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\')
            buf_put_format(&c->lines, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F)
            buf_put_format(&c->lines, "\\x%02X", byte);
        else
            buf_put_u8(&c->lines, byte);
    }
    buf_put_text(&c->lines, "\"\n");
}

void canonical_number(struct canonical *c, const char *key, uint64_t number)
{
    buf_put_format(&c->lines, "%s%s = %" PRIu64 "\n", c->path, key, number);
}

void canonical_flag(struct canonical *c, const char *key, bool flag)
{
    buf_put_format(&c->lines, "%s%s = %s\n", c->path, key, flag ? "yes" : "no");
}

void canonical_bytes(struct canonical *c, const char *key, const uint8_t *data, size_t len)
{
    buf_put_format(&c->lines, "%s%s = ", c->path, key);
    hex_put(&c->lines, data, len);
    buf_put_text(&c->lines, "\n");
}

void canonical_tag(struct canonical *c, const char *key, uint32_t tag)
{
    if (tag) buf_put_format(&c->lines, "%s%s = %" PRIX32 "\n", c->path, key, tag);
}
