/* A hand-over file. What is read is written again to the same bytes; the signed part is the file before its signature. */
#include "formats/handover.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct handover h;
    struct buf b;
    if (!handover_parse(data, size, &h, &err)) {
        fuzz_must(strncmp(err.text, "line ", 5) == 0 || size > HANDOVER_TEXT_MAX);
        return 0;
    }
    buf_init(&b, HANDOVER_TEXT_MAX);
    fuzz_must(handover_put(&h, &b, &err) && bytes_equal(b.data, b.len, data, size));
    buf_clear(&b);
    fuzz_must(handover_put_signed_part(&h, &b, &err) && bytes_equal(b.data, b.len, data, b.len));
    buf_release(&b);
    return 0;
}
