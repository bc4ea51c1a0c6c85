/* What key_block_read accepts, key_block_put_header writes again, but for the data of a PB block; and the rest is hex. */
#include "formats/key_block.h"

#include <string.h>

#include "fuzz.h"

static void write_again(const struct key_block *b)
{
    struct err err = ERR_INIT;
    struct buf again;
    const struct key_block_optional *pb = key_block_optional(b, "PB");
    size_t count = b->optional_count - (pb != NULL);
    buf_init(&again, KEY_BLOCK_MAX);
    bool ok = key_block_put_header(&b->header, b->optional, count, b->cipher_len, &again, &err);
    /* a longer PB than is needed, or an extended length that is not, is read but not written */
    if (ok && again.len == b->bound_len && !pb)
        fuzz_must(memcmp(again.data + KEY_BLOCK_HEADER_LEN, b->text + KEY_BLOCK_HEADER_LEN,
                         b->bound_len - KEY_BLOCK_HEADER_LEN) == 0);
    if (ok) fuzz_must(memcmp(again.data, b->text, 1) == 0 && memcmp(again.data + 5, b->text + 5, 7) == 0);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct key_block b;
    struct key_block_check_value value;
    struct buf sealed;
    if (!key_block_read((const char *)data, size, &b, &err)) return 0;
    buf_init(&sealed, size);
    fuzz_must(key_block_sealed(&b, &sealed, &err) && sealed.len == b.cipher_len + b.mac_len);
    fuzz_must(b.bound_len + 2 * sealed.len == size && b.bound_len % b.mac_len == 0);
    for (size_t i = 0; i < b.optional_count; i++)
        err_ignore(key_block_check_value(&b.optional[i], &value, &err), "only memory errors matter here");
    for (int p = KEY_BLOCK_DERIVES; p <= KEY_BLOCK_PROTECTS; p++)
        err_ignore(key_block_check_use(&b.header, (enum key_block_purpose)p, 'T', &err), "the same");
    write_again(&b);
    buf_release(&sealed);
    return 0;
}
