#include "bureau/ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bureau/message.h"

void ways_release(struct ways *w)
{
    free(w->rows);
    *w = (struct ways){.count = 0};
}

static int compare(const void *a, const void *b)
{
    const struct way *one = a, *other = b;
    int order = (int)one->aes - (int)other->aes;
    if (order == 0) order = strcmp(one->words, other->words);
    if (order == 0) order = strcmp(one->application, other->application);
    if (order == 0) order = strcmp(one->secret, other->secret);
    return order;
}

bool ways_add(struct ways *w, const struct way *one, struct err *err)
{
    for (size_t i = 0; i < w->count; i++) {
        if (compare(&w->rows[i], one) != 0) continue;
        w->rows[i].count += one->count;
        return true;
    }
    if (w->count == WAYS_MAX) {
        w->unlisted += one->count;
        return true;
    }
    struct way *more = realloc(w->rows, (w->count + 1) * sizeof(*more));
    if (!more) return err_set_no_memory(err);
    w->rows = more;
    w->rows[w->count++] = *one;
    return true;
}

void ways_sort(struct ways *w)
{
    if (w->count > 0) qsort(w->rows, w->count, sizeof(*w->rows), compare);
}

/* ---- of a record ---- */

static bool has_cards(const struct ring *r, bool aes)
{
    for (size_t i = 0; i < r->card_key_count; i++) {
        if (ring_card_key_fits(&r->card_keys[i], aes)) return true;
    }
    return r->card_key_count == 0;
}

static bool add_item(struct ways *w, const struct open_record *record, const struct open_application *a,
                     const struct open_item *item, struct err *err)
{
    for (int aes = 0; aes < 2; aes++) {
        struct way one = {.aes = aes == 1, .count = 1};
        if (!has_cards(record->ring, one.aes)) continue;
        translate_words(&record->ring->abilities, item, one.aes, one.words);
        snprintf(one.application, sizeof(one.application), "%s", a->name);
        for (size_t i = 0; i < item->secret_count; i++) {
            snprintf(one.secret, sizeof(one.secret), "%s", item->secrets[i].wrapped.name);
            if (!ways_add(w, &one, err)) return false;
        }
    }
    return true;
}

bool ways_add_record(struct ways *w, const struct open_record *record, struct err *err)
{
    for (size_t i = 0; i < record->application_count; i++) {
        const struct open_application *a = &record->applications[i];
        for (size_t k = 0; k < a->item_count; k++) {
            if (a->items[k].secrets && !add_item(w, record, a, &a->items[k], err)) return false;
        }
    }
    return true;
}

/* ---- between processes ---- */

void ways_put(struct buf *b, const struct ways *w)
{
    buf_put_be(b, w->unlisted, 8);
    buf_put_be(b, w->count, 2);
    for (size_t i = 0; i < w->count; i++) {
        const struct way *row = &w->rows[i];
        buf_put_u8(b, row->aes);
        message_put_text(b, row->words);
        message_put_text(b, row->application);
        message_put_text(b, row->secret);
        buf_put_be(b, row->count, 8);
    }
}

static bool take_row(struct cur *c, struct ways *w, struct err *err)
{
    struct way one = {.count = 0};
    uint8_t aes = 0;
    if (!cur_take_u8(c, &aes, "channel", err) || !message_get_text(c, one.words, sizeof(one.words), err) ||
        !message_get_text(c, one.application, sizeof(one.application), err) ||
        !message_get_text(c, one.secret, sizeof(one.secret), err) ||
        !cur_take_be(c, 8, &one.count, "count", err))
        return false;
    one.aes = aes != 0;
    return ways_add(w, &one, err);
}

bool ways_take(struct cur *c, struct ways *w, struct err *err)
{
    uint64_t unlisted = 0, count = 0;
    if (!cur_take_be(c, 8, &unlisted, "secrets", err) || !cur_take_be(c, 2, &count, "ways", err))
        return false;
    w->unlisted += unlisted;
    for (; count > 0; count--) {
        if (!take_row(c, w, err)) return false;
    }
    return cur_left(c) == 0 || err_set(err, ERR_INPUT, "%zu bytes too many", cur_left(c));
}
