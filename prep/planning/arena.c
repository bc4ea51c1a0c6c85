#include "prep/planning/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROOM = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t room, used;
    alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a)
{
    *a = (struct arena){NULL, NULL};
}

void arena_reset(struct arena *a)
{
    for (struct arena_chunk *c = a->first; c; c = c->next)
        c->used = 0;
    a->current = a->first;
}

void arena_release(struct arena *a)
{
    while (a->first) {
        struct arena_chunk *next = a->first->next;
        free(a->first);
        a->first = next;
    }
    a->current = NULL;
}

static struct arena_chunk *chunk_new(size_t len)
{
    size_t room = len > CHUNK_ROOM ? len : CHUNK_ROOM;
    struct arena_chunk *c = room > SIZE_MAX - sizeof(*c) ? NULL : malloc(sizeof(*c) + room);
    if (!c) return NULL;
    c->next = NULL;
    c->room = room;
    c->used = 0;
    return c;
}

/* A chunk with room for len bytes: this one, a later one that is free, or a new one behind this. */
static struct arena_chunk *find_room(struct arena *a, size_t len)
{
    struct arena_chunk *last = a->current;
    for (struct arena_chunk *c = a->current; c; c = c->next) {
        if (c->room - c->used >= len) return c;
        last = c;
    }
    struct arena_chunk *c = chunk_new(len);
    if (!c) return NULL;
    if (last)
        last->next = c;
    else
        a->first = c;
    return c;
}

bool arena_take(struct arena *a, size_t len, void **out, struct err *err)
{
    if (len > SIZE_MAX / 2) return err_set_no_memory(err);
    size_t size = len + alignof(max_align_t) - len % alignof(max_align_t);
    struct arena_chunk *c = find_room(a, size);
    if (!c) return err_set_no_memory(err);
    a->current = c;
    *out = memset(c->data + c->used, 0, size);
    c->used += size;
    return true;
}

bool arena_copy(struct arena *a, const void *data, size_t len, const uint8_t **out, struct err *err)
{
    void *copy = NULL;
    if (!arena_take(a, len + 1, &copy, err)) return false;
    if (len > 0) memcpy(copy, data, len);
    *out = copy;
    return true;
}
