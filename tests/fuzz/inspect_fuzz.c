/* inspect on any file: begins and ends in pairs, nothing outside the file, each byte shown or damaged once, both forms. */
#include "prep/commands/inspect.h"

#include "fuzz.h"

struct watch {
    unsigned depth;
    int in_record;
    uint64_t size, damaged;
    uint64_t damages;
};

static void record_begin(void *context, uint64_t number, uint64_t offset, size_t len)
{
    struct watch *w = context;
    (void)number;
    fuzz_must(!w->in_record && w->depth == 0 && offset <= w->size && len <= w->size - offset);
    w->in_record = 1;
}

static void record_end(void *context)
{
    struct watch *w = context;
    fuzz_must(w->in_record && w->depth == 0);
    w->in_record = 0;
}

static void begin(void *context, const struct inspect_item *item)
{
    struct watch *w = context;
    fuzz_must(item->label && item->name && item->offset <= w->size);
    fuzz_must(item->head_len + item->value_len <= w->size - item->offset);
    w->depth++;
}

static void end(void *context)
{
    struct watch *w = context;
    fuzz_must(w->depth > 0);
    w->depth--;
}

static void damage(void *context, uint64_t offset, uint64_t len, const char *message)
{
    struct watch *w = context;
    fuzz_must(message && offset <= w->size && len <= w->size - offset);
    w->damaged += len;
    w->damages++;
    fuzz_must(w->damaged <= w->size);
}

static void walk(const uint8_t *data, size_t size, const struct inspect_visitor *visitor,
                 struct inspect_result *result)
{
    struct err err = ERR_INIT;
    struct reader *r = NULL;
    const struct inspect_settings all = {NULL, 0};
    fuzz_must(reader_open_memory(&r, data, size, "fuzz", &err));
    fuzz_must(inspect_file(r, &all, visitor, result, &err));
    reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct watch w = {.size = size};
    struct inspect_visitor watcher = {record_begin, record_end, begin, end, damage, &w};
    struct inspect_result result = {0, 0, false, false};
    FILE *nowhere = fopen("/dev/null", "w");

    walk(data, size, &watcher, &result);
    fuzz_must(w.depth == 0 && !w.in_record && w.damages == result.damages);
    struct inspect_text *text = inspect_text_new(nowhere);
    struct inspect_json *json = inspect_json_new(nowhere, "fuzz");
    fuzz_must(nowhere && text && json);
    struct inspect_visitor visitor = inspect_text_visitor(text);
    walk(data, size, &visitor, &result);
    visitor = inspect_json_visitor(json);
    walk(data, size, &visitor, &result);
    fuzz_must(inspect_json_finish(json, &result, &err));
    inspect_text_free(text);
    inspect_json_free(json);
    fclose(nowhere);
    return 0;
}
