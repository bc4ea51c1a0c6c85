#include "prep/commands/inspect.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SHOWN = 48, INDENT = 2, LABEL_WIDTH = 8, VALUE_TEXT_MAX = 4096 };

struct inspect_text {
    FILE *out;
    int depth;
    struct buf value;
};

struct inspect_text *inspect_text_new(FILE *out)
{
    struct inspect_text *t = calloc(1, sizeof(*t));
    if (!t) return NULL;
    t->out = out;
    buf_init(&t->value, VALUE_TEXT_MAX);
    return t;
}

void inspect_text_free(struct inspect_text *t)
{
    if (!t) return;
    buf_release(&t->value);
    free(t);
}

static void record_begin(void *context, uint64_t number, uint64_t offset, size_t len)
{
    struct inspect_text *t = context;
    if (number == 0)
        fprintf(t->out, "record at offset %" PRIu64 ", %zu bytes\n", offset, len);
    else
        fprintf(t->out, "record %" PRIu64 " at offset %" PRIu64 ", %zu bytes\n", number, offset, len);
    t->depth = 0;
}

static void record_end(void *context)
{
    struct inspect_text *t = context;
    fputc('\n', t->out);
}

static void begin(void *context, const struct inspect_item *item)
{
    struct inspect_text *t = context;
    const size_t len = item->head_len + item->value_len;

    buf_clear(&t->value);
    inspect_value(item, SHOWN, &t->value);
    const char *value = buf_text(&t->value);
    fprintf(t->out, "%10" PRIu64 " %7zu  %*s%-*s %s%s%s\n", item->offset, len, INDENT * t->depth, "",
            LABEL_WIDTH, item->label, item->name, value && value[0] ? ": " : "", value ? value : "");
    t->depth++;
}

static void end(void *context)
{
    struct inspect_text *t = context;
    t->depth--;
}

static void damage(void *context, uint64_t offset, uint64_t len, const char *message)
{
    struct inspect_text *t = context;
    fprintf(t->out, "%10" PRIu64 " %7" PRIu64 "  %*s!! not explained: %s\n", offset, len, INDENT * t->depth,
            "", message);
}

struct inspect_visitor inspect_text_visitor(struct inspect_text *t)
{
    return (struct inspect_visitor){.record_begin = record_begin,
                                    .record_end = record_end,
                                    .begin = begin,
                                    .end = end,
                                    .damage = damage,
                                    .context = t};
}
