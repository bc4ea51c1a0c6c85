/* Any list, asked for any tag. */
#include "bureau/reader_properties.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t n = 0;
    for (unsigned tag = 0; tag < 0x20; tag++) {
        if (reader_feature(data, size, (uint8_t)tag, &n)) fuzz_must(size >= 6);
        if (reader_property(data, size, (uint8_t)tag, &n)) fuzz_must(size >= 3);
    }
    return 0;
}
