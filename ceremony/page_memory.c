#include "ceremony/page_memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/secret.h"

/* In front of each block stands its own struct secret. Locked memory ends where its guard page begins; so that
 * the block is aligned, the whole is a multiple of the alignment. */
enum { ALIGNMENT = alignof(max_align_t), HEAD = 2 * ALIGNMENT };
_Static_assert(sizeof(struct secret) <= HEAD, "a block's head holds its struct secret");

void *page_memory_take(unsigned size)
{
    struct err unused = ERR_INIT;
    struct secret s = SECRET_NONE;
    size_t room = ((size_t)size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!secret_init(&s, HEAD + room, &unused)) return NULL;
    memcpy(s.data, &s, sizeof(s));
    return s.data + HEAD;
}

void page_memory_give_back(void *block)
{
    struct secret s = SECRET_NONE;
    if (!block) return;
    memcpy(&s, (uint8_t *)block - HEAD, sizeof(s));
    secret_release(&s);
}

bool page_memory_has(unsigned count, unsigned size)
{
    void *last = NULL; /* each block begins with the address of the one before */
    unsigned taken = 0;
    for (; taken < count; taken++) {
        void *block = page_memory_take(size < sizeof(last) ? (unsigned)sizeof(last) : size);
        if (!block) break;
        memcpy(block, &last, sizeof(last));
        last = block;
    }
    while (last) {
        void *block = last;
        memcpy(&last, block, sizeof(last));
        page_memory_give_back(block);
    }
    return taken == count;
}
