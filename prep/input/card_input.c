#include "prep/input/card_input.h"

#include <string.h>

/* A whole record, and every field at a table's longest row. */
enum { INPUT_MAX = MIC_RECORD_MAX + 16 * 1024 * 1024 };
static const uint32_t absent = UINT32_MAX;

int field_index(const struct field_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->names[i], name) == 0) return (int)i;
    }
    return -1;
}

void card_input_init(struct card_input *in)
{
    memset(in, 0, sizeof(*in));
    buf_init(&in->store, INPUT_MAX);
}

void card_input_release(struct card_input *in)
{
    buf_release(&in->store);
    card_input_init(in);
}

static void put_bytes(struct buf *b, const void *data, size_t len)
{
    buf_put_be(b, data ? len : absent, 4);
    if (data) buf_put(b, data, len);
}

void card_input_put(struct buf *b, const struct card_input *in)
{
    size_t begin = buf_reserve(b, 4);
    buf_put_be(b, in->number, 8);
    buf_put_be(b, in->counter, 8);
    buf_put_be(b, in->place, 8);
    buf_put(b, in->card.job_id, JOB_ID_LEN);
    buf_put_be(b, in->card.number, 8);
    put_bytes(b, in->card.object_id, strlen(in->card.object_id));
    buf_put_be(b, in->field_count, 2);
    for (size_t i = 0; i < in->field_count; i++)
        put_bytes(b, in->fields[i].text, in->fields[i].len);
    put_bytes(b, in->record, in->record_len);
    if (!b->failed) buf_set_be(b, begin, b->len - begin - 4, 4);
}

static bool take_bytes(struct cur *c, const uint8_t **out, size_t *len, struct err *err)
{
    uint64_t n = 0;
    *out = NULL;
    *len = 0;
    if (!cur_take_be(c, 4, &n, "length", err)) return false;
    if (n == absent) return true;
    *len = (size_t)n;
    return cur_take(c, *len, out, "text", err);
}

static bool take_card(struct cur *c, struct card_input *in, struct err *err)
{
    const uint8_t *id = NULL;
    const uint8_t *object = NULL;
    size_t len = 0;
    if (!cur_take_be(c, 8, &in->number, "number", err) || !cur_take_be(c, 8, &in->counter, "counter", err) ||
        !cur_take_be(c, 8, &in->place, "place", err) || !cur_take(c, JOB_ID_LEN, &id, "job id", err) ||
        !cur_take_be(c, 8, &in->card.number, "number", err) || !take_bytes(c, &object, &len, err))
        return false;
    if (len > OBJECT_ID_MAX) return err_set(err, ERR_INTERNAL, "object identifier of %zu bytes", len);
    memcpy(in->card.job_id, id, JOB_ID_LEN);
    if (object) memcpy(in->card.object_id, object, len);
    in->card.object_id[len] = '\0';
    return true;
}

static bool take_fields(struct cur *c, struct card_input *in, struct err *err)
{
    uint64_t count = 0;
    if (!cur_take_be(c, 2, &count, "field count", err)) return false;
    if (count > FIELDS_MAX) return err_set(err, ERR_INTERNAL, "%zu fields", (size_t)count);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *text = NULL;
        if (!take_bytes(c, &text, &in->fields[i].len, err)) return false;
        in->fields[i].text = (const char *)text;
    }
    in->field_count = (size_t)count;
    return take_bytes(c, &in->record, &in->record_len, err);
}

bool card_input_get(struct cur *c, struct card_input *in, struct err *err)
{
    struct cur copy = *c;
    struct cur body;
    uint64_t len = 0;
    if (!cur_take_be(&copy, 4, &len, "length", err) || !cur_take_cur(&copy, (size_t)len, &body, "card", err))
        goto bad;
    buf_clear(&in->store);
    buf_put(&in->store, body.data, body.len);
    if (!buf_ok(&in->store, "card", err)) goto bad;
    body = cur_make(in->store.data, in->store.len, 0);
    if (!take_card(&body, in, err) || !take_fields(&body, in, err)) goto bad;
    if (cur_left(&body) != 0) {
        err_set(err, ERR_INTERNAL, "%zu bytes too many", cur_left(&body));
        goto bad;
    }
    *c = copy;
    return true;
bad:
    err->kind = ERR_INTERNAL;
    err_prefix(err, "card input");
    return false;
}
