#include "formats/hash_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum { ROOM_FIRST = 64 };

void hash_set_init(struct hash_set *set, size_t max)
{
    *set = (struct hash_set){.max = max};
}

void hash_set_release(struct hash_set *set)
{
    free(set->slots);
    hash_set_init(set, set->max);
}

static bool is_free(const uint8_t slot[SHA256_LEN])
{
    return bytes_all(slot, SHA256_LEN, 0);
}

/* The slot that holds this value, or the free one where it belongs. At least half of the slots are free. */
static uint8_t *find_slot(const struct hash_set *set, const uint8_t hash[SHA256_LEN])
{
    size_t i = (size_t)bytes_be(hash, 8) & (set->room - 1);
    while (!is_free(set->slots[i]) && memcmp(set->slots[i], hash, SHA256_LEN) != 0)
        i = (i + 1) & (set->room - 1);
    return set->slots[i];
}

static bool grow(struct hash_set *set, struct err *err)
{
    struct hash_set larger = *set;
    larger.room = set->room ? 2 * set->room : ROOM_FIRST;
    larger.slots = calloc(larger.room, SHA256_LEN);
    if (!larger.slots) return err_set_no_memory(err);
    for (size_t i = 0; i < set->room; i++) {
        if (!is_free(set->slots[i])) memcpy(find_slot(&larger, set->slots[i]), set->slots[i], SHA256_LEN);
    }
    free(set->slots);
    *set = larger;
    return true;
}

bool hash_set_add(struct hash_set *set, const uint8_t hash[SHA256_LEN], struct err *err)
{
    if (2 * (set->count + 1) > set->room && !grow(set, err)) return false;
    uint8_t *slot = find_slot(set, hash);
    if (!is_free(slot)) return true;
    if (set->count == set->max) return err_set(err, ERR_INPUT, "more than %zu different MACKEYs", set->max);
    memcpy(slot, hash, SHA256_LEN);
    set->count++;
    return true;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_LEN);
}

bool hash_set_sorted(const struct hash_set *set, uint8_t (**out)[SHA256_LEN], struct err *err)
{
    uint8_t(*sorted)[SHA256_LEN] = NULL;
    size_t count = 0;
    if (set->count > 0) {
        sorted = calloc(set->count, SHA256_LEN);
        if (!sorted) return err_set_no_memory(err);
        for (size_t i = 0; i < set->room; i++) {
            if (!is_free(set->slots[i])) memcpy(sorted[count++], set->slots[i], SHA256_LEN);
        }
        qsort(sorted, count, SHA256_LEN, compare);
    }
    *out = sorted;
    return true;
}
