#include "formats/fields.h"

#include <string.h>

static void *at(void *out, size_t offset)
{
    return (char *)out + offset;
}

static const void *in_at(const void *in, size_t offset)
{
    return (const char *)in + offset;
}

bool field_refused(const struct tlv *tlv, const char *text, struct err *err)
{
    return err_set(err, ERR_INPUT, "tag %02X at offset %llu: %s", (unsigned)tlv->tag,
                   (unsigned long long)tlv->offset, text);
}

static bool check_length(const struct field *row, const struct tlv *tlv, struct err *err)
{
    if (tlv->len >= row->min && tlv->len <= row->max) return true;
    if (row->min == row->max)
        return err_set(err, ERR_INPUT, "tag %02X (%s) at offset %llu has %zu bytes, not %zu",
                       (unsigned)tlv->tag, row->what, (unsigned long long)tlv->offset, tlv->len, row->min);
    return err_set(err, ERR_INPUT, "tag %02X (%s) at offset %llu has %zu bytes, not %zu to %zu",
                   (unsigned)tlv->tag, row->what, (unsigned long long)tlv->offset, tlv->len, row->min,
                   row->max);
}

static bool is_printable(const struct tlv *tlv)
{
    for (size_t i = 0; i < tlv->len; i++) {
        if (tlv->value[i] < 0x20 || tlv->value[i] > 0x7E) return false;
    }
    return true;
}

static bool read_row(const struct field *row, const struct tlv *tlv, void *out, struct err *err)
{
    if (!check_length(row, tlv, err)) return false;
    uint64_t number = 0;
    const uint8_t *value = tlv->value;
    switch (row->form) {
    case FIELD_BYTES:
        memcpy(at(out, row->offset), tlv->value, tlv->len);
        break;
    case FIELD_BE:
        number = bytes_be(tlv->value, tlv->len);
        memcpy(at(out, row->offset), &number, sizeof(number));
        break;
    case FIELD_TEXT:
        if (!is_printable(tlv)) return field_refused(tlv, "not printable ASCII", err);
        memcpy(at(out, row->offset), tlv->value, tlv->len);
        break;
    case FIELD_SPAN:
        memcpy(at(out, row->offset), &value, sizeof(value));
        memcpy(at(out, row->len_offset), &tlv->len, sizeof(tlv->len));
        break;
    case FIELD_OWN:
        break;
    }
    return row->read ? row->read(tlv, out, err) : true;
}

static bool find_row(const struct field *rows, size_t count, const struct tlv *tlv, size_t *index,
                     struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].tag == tlv->tag) {
            *index = i;
            return true;
        }
    }
    return field_refused(tlv, "does not belong here", err);
}

bool fields_read(const struct field *rows, size_t count, enum field_order order, struct cur list, void *out,
                 struct err *err)
{
    bool seen[FIELDS_MAX] = {false};
    size_t last = 0;
    uint64_t begin = cur_offset(&list);
    while (cur_left(&list) > 0) {
        struct tlv tlv;
        size_t index = 0;
        if (!tlv_read(&list, &tlv, err)) return false;
        if (!find_row(rows, count, &tlv, &index, err)) return false;
        if (seen[index] && rows[index].count != FIELD_MANY) return field_refused(&tlv, "stands twice", err);
        if (order == FIELDS_TABLE_ORDER && index < last) return field_refused(&tlv, "is out of order", err);
        if (!read_row(&rows[index], &tlv, out, err)) return false;
        seen[index] = true;
        last = index;
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].count == FIELD_ONCE && !seen[i])
            return err_set(err, ERR_INPUT, "tag %02X (%s) is missing in the list at offset %llu",
                           (unsigned)rows[i].tag, rows[i].what, (unsigned long long)begin);
    }
    return true;
}

static void put_text(struct buf *b, const struct field *row, const char *text)
{
    size_t len = strnlen(text, row->max + 1);
    if (len > 0 || row->count == FIELD_ONCE) tlv_put(b, row->tag, text, len);
}

static void put_span(struct buf *b, const struct field *row, const void *in)
{
    const uint8_t *value = NULL;
    size_t len = 0;
    memcpy(&value, in_at(in, row->offset), sizeof(value));
    memcpy(&len, in_at(in, row->len_offset), sizeof(len));
    if (value || row->count == FIELD_ONCE) tlv_put(b, row->tag, value, len);
}

void fields_put(struct buf *b, const struct field *rows, size_t count, const void *in)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *row = &rows[i];
        uint64_t number = 0;
        switch (row->form) {
        case FIELD_BYTES:
            tlv_put(b, row->tag, in_at(in, row->offset), row->max);
            break;
        case FIELD_BE:
            memcpy(&number, in_at(in, row->offset), sizeof(number));
            tlv_put_be(b, row->tag, number, row->max);
            break;
        case FIELD_TEXT:
            put_text(b, row, in_at(in, row->offset));
            break;
        case FIELD_SPAN:
            put_span(b, row, in);
            break;
        case FIELD_OWN:
            row->put(b, row->tag, in);
            break;
        }
    }
}

void fields_put_inside(struct buf *b, uint32_t tag, const struct field *rows, size_t count, const void *in)
{
    /* The length stands in front and has as few bytes as it needs, so the list is written once to be measured. */
    size_t begin = b->len;
    fields_put(b, rows, count, in);
    size_t len = b->len - begin;
    buf_truncate(b, begin);
    tlv_put_head(b, tag, len);
    fields_put(b, rows, count, in);
}
