/* ceremony/page_memory.h - memory for pages that hold a secret: each block is a `struct secret` of its own, so it is
 * locked, between guard pages, out of core dumps, and wiped when given back. libharu's allocator knows no context,
 * and so this one keeps nothing outside its blocks. */
#ifndef CEREMONY_PAGE_MEMORY_H
#define CEREMONY_PAGE_MEMORY_H

#include <stdbool.h>

/* A block aligned for everything. NULL: no memory, or it cannot be locked; never memory that is not locked. */
void *page_memory_take(unsigned size);
/* Could so many blocks of that size be taken now? */
bool page_memory_has(unsigned count, unsigned size);
/* Harmless for NULL. */
void page_memory_give_back(void *block);

#endif
