#include "bureau/slots.h"

#include <stdlib.h>

enum { FIRST_ROOM = 64, NONE = 0 };

struct slot {
    uint32_t hash;
    uint32_t at; /* position + 1; NONE: empty */
};

uint64_t slots_hash(const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * UINT64_C(1099511628211);
    return h ^ h >> 29;
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct slot *slot_of(const struct slots *s, const struct slots_key *key)
{
    for (size_t i = (uint32_t)key->hash & (s->room - 1);; i = (i + 1) & (s->room - 1)) {
        struct slot *slot = &s->slots[i];
        if (slot->at == NONE ||
            (slot->hash == (uint32_t)key->hash && key->same(key->array, slot->at - 1, key->key)))
            return slot;
    }
}

bool slots_find(const struct slots *s, const struct slots_key *key, uint32_t *position)
{
    if (s->room == 0) return false;
    const struct slot *slot = slot_of(s, key);
    if (slot->at == NONE) return false;
    *position = slot->at - 1;
    return true;
}

/* Room for one more of count; everything is put in anew when it grows. */
static bool grow(struct slots *s, size_t count, struct err *err)
{
    if (2 * (count + 1) <= s->room) return true;
    struct slots larger = {NULL, s->room > 0 ? 2 * s->room : FIRST_ROOM};
    larger.slots = calloc(larger.room, sizeof(*larger.slots));
    if (!larger.slots) return err_set_no_memory(err);
    for (size_t i = 0; i < s->room; i++) {
        size_t to = s->slots[i].hash & (larger.room - 1);
        if (s->slots[i].at == NONE) continue;
        while (larger.slots[to].at != NONE)
            to = (to + 1) & (larger.room - 1);
        larger.slots[to] = s->slots[i];
    }
    free(s->slots);
    *s = larger;
    return true;
}

bool slots_add(struct slots *s, const struct slots_key *key, uint32_t position, struct err *err)
{
    if (!grow(s, position, err)) return false;
    *slot_of(s, key) = (struct slot){(uint32_t)key->hash, position + 1};
    return true;
}

void slots_release(struct slots *s)
{
    free(s->slots);
    *s = (struct slots){NULL, 0};
}
