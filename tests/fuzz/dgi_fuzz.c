/* What dgi_read accepts, dgi_put writes again with the same bytes. */
#include "formats/dgi.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct cur c = cur_make(data, size, 0);
    struct dgi dgi;
    struct buf b;
    buf_init(&b, size + 16);
    while (cur_left(&c) > 0 && dgi_read(&c, &dgi, &err))
        dgi_put(&b, dgi.id, dgi.value, dgi.len);
    fuzz_must(!b.failed && bytes_equal(b.data, b.len, data, c.pos));
    buf_release(&b);
    return 0;
}
