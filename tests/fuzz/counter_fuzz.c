/* The counter file: whatever stands in it, the next number is above every number that was given out. */
#include "prep/input/counter.h"

#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"

/* A file of this process alone; a counter is not followed through a link, so it is no memory_file. */
static void write_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "w");
    fuzz_must(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    char path[64];
    uint64_t next = 0, first = 0, after = 0;
    static const struct counter_claim claim = {{0xA5}, {0x5A}, 3};

    snprintf(path, sizeof(path), "/dev/shm/counter-fuzz-%d", (int)getpid());
    write_file(path, data, size);
    if (counter_peek(path, 7, &next, &err) && counter_reserve(path, 7, &claim, &first, &err)) {
        /* A job that has its numbers already gets them again; any other goes on behind the last. */
        fuzz_must(counter_peek(path, 7, &after, &err));
        fuzz_must(first == next ? after == next + 3 : first + 3 <= next && after == next);
    }
    unlink(path);
    return 0;
}
