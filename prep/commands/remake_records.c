#include "prep/commands/remake_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

struct list {
    struct remake_entry *entries;
    size_t count, room;
    const char *reason;
};

static bool add(struct list *l, const struct remake_entry *e, struct err *err)
{
    if (l->count == REMAKE_ENTRIES_MAX)
        return err_set(err, ERR_CONFIG, "more than %d records", REMAKE_ENTRIES_MAX);
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;
        void *more = realloc(l->entries, room * sizeof(*l->entries));
        if (!more) return err_set_no_memory(err);
        l->entries = more;
        l->room = room;
    }
    l->entries[l->count] = *e;
    snprintf(l->entries[l->count].reason, sizeof(e->reason), "%s", l->reason);
    l->count++;
    return true;
}

static bool take_number(struct cur *c, uint64_t *out)
{
    uint64_t value = 0;
    size_t begin = c->pos;
    while (c->pos < c->len && c->data[c->pos] >= '0' && c->data[c->pos] <= '9' && c->pos - begin < 18)
        value = 10 * value + (uint64_t)(c->data[c->pos++] - '0');
    *out = value;
    return c->pos > begin && value > 0;
}

static bool refused(struct cur item, struct err *err)
{
    return err_set(err, ERR_CONFIG, "'%.*s' is no record: give numbers as 2, 5-9 or 12=SERIAL",
                   item.len > 80 ? 80 : (int)item.len, (const char *)item.data);
}

static bool take_serial(struct cur item, struct remake_entry *e, struct err *err)
{
    const size_t len = cur_left(&item);
    if (len == 0 || len % 2 != 0 || len / 2 > REMAKE_SERIAL_MAX ||
        !hex_read_exact((const char *)&item.data[item.pos], len, e->serial, len / 2, err))
        return refused(item, err);
    e->serial_len = len / 2;
    return true;
}

static bool take_item(struct list *l, struct cur item, struct err *err)
{
    struct remake_entry e = {.record = 0};
    uint64_t last = 0;
    if (!take_number(&item, &e.record)) return refused(item, err);
    last = e.record;
    const uint8_t mark = cur_left(&item) > 0 ? item.data[item.pos++] : 0;
    if (mark == '=') return take_serial(item, &e, err) && add(l, &e, err);
    if (mark == '-' && !take_number(&item, &last)) return refused(item, err);
    if ((mark != 0 && mark != '-') || cur_left(&item) > 0 || last < e.record) return refused(item, err);
    for (; e.record <= last; e.record++) {
        if (!add(l, &e, err)) return false;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct remake_entry *left = a, *right = b;
    return left->record < right->record ? -1 : left->record > right->record;
}

static bool take_all(struct list *l, const char *text, struct err *err)
{
    while (*text) {
        const size_t len = strcspn(text, ",\n");
        if (!take_item(l, cur_make(text, len, 0), err)) return false;
        text += len;
        if (*text) text++;
    }
    if (l->count == 0) return err_set(err, ERR_CONFIG, "no records are named");
    qsort(l->entries, l->count, sizeof(*l->entries), compare);
    for (size_t i = 1; i < l->count; i++) {
        if (l->entries[i - 1].record == l->entries[i].record)
            return err_set(err, ERR_CONFIG, "record %llu is named twice",
                           (unsigned long long)l->entries[i].record);
    }
    return true;
}

bool remake_records_read(const char *text, const char *reason, struct remake_entry **out, size_t *count,
                         struct err *err)
{
    struct list l = {.reason = reason};
    if (strlen(reason) > REMAKE_REASON_MAX)
        return err_set(err, ERR_CONFIG, "the reason has more than %d characters", REMAKE_REASON_MAX);
    if (!take_all(&l, text, err)) {
        free(l.entries);
        return false;
    }
    *out = l.entries;
    *count = l.count;
    return true;
}

void remake_records_text(const struct remake_entry *entries, size_t count, struct buf *out)
{
    enum { PART_MAX = 60 };
    for (size_t i = 0; i < count; i++) {
        const unsigned long long first = entries[i].record;
        const char *between = out->len > 0 ? ", " : "";
        if (out->len + PART_MAX > out->max) {
            buf_put_text(out, ", …");
            return;
        }
        while (i + 1 < count && entries[i + 1].record == entries[i].record + 1)
            i++;
        if (entries[i].record > first)
            buf_put_format(out, "%s%llu-%llu", between, first, (unsigned long long)entries[i].record);
        else
            buf_put_format(out, "%s%llu", between, first);
    }
}
