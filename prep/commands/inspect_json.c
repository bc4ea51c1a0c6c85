/* {"file": …, "records": [{"record": 1, "offset": …, "length": …, "items": [{…, "items": […]}]}, …], …}: one record is
 * built and printed at a time, so that memory stays that of one record. */
#include "prep/commands/inspect.h"

#include <jansson.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64, SHOWN = 1 << 20, VALUE_TEXT_MAX = 3 << 20 };

struct inspect_json {
    FILE *out;
    json_t *open[DEPTH_MAX]; /* owned by the record, which is open[0] */
    size_t depth;
    size_t too_deep;
    bool first, failed;
    json_t *damages; /* outside of records */
    struct buf value;
};

struct inspect_json *inspect_json_new(FILE *out, const char *file)
{
    struct inspect_json *j = calloc(1, sizeof(*j));
    json_t *name = json_string(file);
    if (!j || !name || !(j->damages = json_array())) {
        json_decref(name);
        free(j);
        return NULL;
    }
    j->out = out;
    j->first = true;
    buf_init(&j->value, VALUE_TEXT_MAX);
    fputs("{\"file\": ", out);
    json_dumpf(name, out, JSON_ENCODE_ANY);
    fputs(", \"records\": [", out);
    json_decref(name);
    return j;
}

void inspect_json_free(struct inspect_json *j)
{
    if (!j) return;
    if (j->depth > 0) json_decref(j->open[0]);
    json_decref(j->damages);
    buf_release(&j->value);
    free(j);
}

static void record_begin(void *context, uint64_t number, uint64_t offset, size_t len)
{
    struct inspect_json *j = context;
    json_t *record = json_pack("{s:I, s:I, s:I, s:[]}", "record", (json_int_t)number, "offset",
                               (json_int_t)offset, "length", (json_int_t)len, "items");
    if (!record) {
        j->failed = true;
        return;
    }
    j->open[0] = record;
    j->depth = 1;
}

static void record_end(void *context)
{
    struct inspect_json *j = context;
    if (j->depth == 0) return;
    fputs(j->first ? "\n" : ",\n", j->out);
    if (json_dumpf(j->open[0], j->out, JSON_COMPACT) != 0) j->failed = true;
    json_decref(j->open[0]);
    j->depth = 0;
    j->first = false;
}

/* Adds to the array of the innermost open object; takes over the value. */
static void append(struct inspect_json *j, const char *array, json_t *value)
{
    json_t *in = j->open[j->depth - 1], *list = json_object_get(in, array);
    if (!list) {
        list = json_array();
        if (!list || json_object_set_new(in, array, list) != 0) {
            json_decref(value);
            j->failed = true;
            return;
        }
    }
    if (json_array_append_new(list, value) != 0) j->failed = true;
}

static void begin(void *context, const struct inspect_item *item)
{
    struct inspect_json *j = context;
    if (j->depth == 0 || j->depth == DEPTH_MAX) {
        j->too_deep++;
        return;
    }
    json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "label", item->label, "name", item->name, "offset",
                          (json_int_t)item->offset, "length", (json_int_t)(item->head_len + item->value_len));
    buf_clear(&j->value);
    inspect_value(item, SHOWN, &j->value);
    const char *text = item->form == FORM_PARTS ? NULL : buf_text(&j->value);
    if (!o || (text && json_object_set_new(o, "value", json_string(text)) != 0)) j->failed = true;
    append(j, "items", o);
    j->open[j->depth] = o;
    if (o)
        j->depth++;
    else
        j->too_deep++;
}

static void end(void *context)
{
    struct inspect_json *j = context;
    if (j->too_deep > 0)
        j->too_deep--;
    else
        j->depth--;
}

static void damage(void *context, uint64_t offset, uint64_t len, const char *message)
{
    struct inspect_json *j = context;
    json_t *o = json_pack("{s:I, s:I, s:s}", "offset", (json_int_t)offset, "length", (json_int_t)len,
                          "message", message);
    if (j->depth > 0)
        append(j, "damage", o);
    else if (json_array_append_new(j->damages, o) != 0)
        j->failed = true;
}

struct inspect_visitor inspect_json_visitor(struct inspect_json *j)
{
    return (struct inspect_visitor){.record_begin = record_begin,
                                    .record_end = record_end,
                                    .begin = begin,
                                    .end = end,
                                    .damage = damage,
                                    .context = j};
}

bool inspect_json_finish(struct inspect_json *j, const struct inspect_result *result, struct err *err)
{
    fputs("\n], \"damage\": ", j->out);
    if (json_dumpf(j->damages, j->out, JSON_COMPACT) != 0) j->failed = true;
    fprintf(j->out, ", \"complete\": %s, \"damages\": %llu}\n", result->end_seen ? "true" : "false",
            (unsigned long long)result->damages);
    return !j->failed || err_set_no_memory(err);
}
