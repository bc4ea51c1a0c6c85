/* A remake list. No fuzzer signs one, so all must be refused, but not before every entry was parsed. */
#include "formats/remake_list.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct reader *r = NULL;
    struct remake_list *l = NULL;
    fuzz_must(reader_open_memory(&r, data, size, "fuzz", &err));
    fuzz_must(!remake_list_open(&l, r, NULL, 0, &err));
    fuzz_must(strstr(err.text, "line ") != NULL && (err.kind == ERR_INPUT || err.kind == ERR_INTEGRITY));
    return 0;
}
