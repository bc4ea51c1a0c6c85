/* A return file. No fuzzer signs one, so all must be refused, but not before every line was parsed. */
#include "formats/return_file.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct reader *r = NULL;
    struct return_file *f = NULL;
    fuzz_must(reader_open_memory(&r, data, size, "fuzz", &err));
    fuzz_must(!return_file_open(&f, r, NULL, 0, &err));
    fuzz_must(strstr(err.text, "line ") != NULL && (err.kind == ERR_INPUT || err.kind == ERR_INTEGRITY));
    return 0;
}
