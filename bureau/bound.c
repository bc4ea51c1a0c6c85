#include "bureau/bound.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "formats/scp.h"

enum { TEXT_LEN = 2 * CARD_ID_MAX + 1, ROOM_FIRST = 256 };

struct bound_record {
    uint8_t key_data[SCP_KEY_DATA];
    uint64_t number;
};
struct bound_index {
    struct bound_record *records;
    size_t count, room;
    bool sorted;
};

bool bound_read(const struct bureau *settings, const struct mic_record *record, struct card_id *due,
                struct err *err)
{
    const struct mic_group *group =
        settings->keydata_group ? mic_find(record, settings->keydata_group) : NULL;
    *due = (struct card_id){.len = 0};
    if (!group) return true;
    if (!hex_read_exact((const char *)group->data, group->len, due->bytes, SCP_KEY_DATA, err)) {
        err->kind = ERR_INPUT;
        err_prefix(err, "group %s, which tells the record's card", group->name);
        return false;
    }
    due->len = SCP_KEY_DATA;
    return true;
}

bool bound_check(const struct card_id *due, const struct card_id *card, struct err *err)
{
    char wanted[TEXT_LEN], is[TEXT_LEN] = "one that tells no KEYDATA";
    if (due->len == 0 || bytes_equal(due->bytes, due->len, card->bytes, card->len)) return true;
    hex_write(wanted, sizeof(wanted), due->bytes, due->len, false);
    if (card->len > 0) hex_write(is, sizeof(is), card->bytes, card->len, false);
    return err_set(err, ERR_INPUT, "the record is for card %s, and this is %s", wanted, is);
}

bool bound_index_new(struct bound_index **out, struct err *err)
{
    *out = calloc(1, sizeof(**out));
    return *out || err_set_no_memory(err);
}

void bound_index_free(struct bound_index *x)
{
    if (!x) return;
    free(x->records);
    free(x);
}

bool bound_index_add(struct bound_index *x, const struct card_id *due, uint64_t number, struct err *err)
{
    if (due->len != SCP_KEY_DATA) return true;
    if (x->count == x->room) {
        const size_t room = x->room ? 2 * x->room : ROOM_FIRST;
        void *more = reallocarray(x->records, room, sizeof(*x->records));
        if (!more) return err_set_no_memory(err);
        x->records = more;
        x->room = room;
    }
    struct bound_record *e = &x->records[x->count++];
    memcpy(e->key_data, due->bytes, sizeof(e->key_data));
    e->number = number;
    x->sorted = false;
    return true;
}

static int compare(const void *one, const void *other)
{
    const struct bound_record *a = one, *b = other;
    const int order = memcmp(a->key_data, b->key_data, sizeof(a->key_data));
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

uint64_t bound_index_find(struct bound_index *x, const struct card_id *card)
{
    size_t from = 0, to = x->count;
    struct bound_record wanted = {.number = 0};
    if (card->len != SCP_KEY_DATA || x->count == 0) return 0;
    if (!x->sorted) qsort(x->records, x->count, sizeof(*x->records), compare);
    x->sorted = true;
    memcpy(wanted.key_data, card->bytes, sizeof(wanted.key_data));
    while (from < to) { /* the first that is not below */
        const size_t middle = from + (to - from) / 2;
        if (compare(&x->records[middle], &wanted) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    const bool found = from < x->count &&
                       bytes_equal(x->records[from].key_data, SCP_KEY_DATA, wanted.key_data, SCP_KEY_DATA);
    return found ? x->records[from].number : 0;
}
