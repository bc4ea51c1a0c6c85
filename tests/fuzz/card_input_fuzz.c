/* A card as it comes over a pipe. What was read is written to bytes that are read to the same again. */
#include "prep/input/card_input.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct card_input *in = calloc(1, sizeof(*in));
    struct cur c = cur_make(data, size, 0);
    struct buf first, second;

    fuzz_must(in != NULL);
    card_input_init(in);
    buf_init(&first, 1 << 24);
    buf_init(&second, 1 << 24);
    if (card_input_get(&c, in, &err)) {
        card_input_put(&first, in);
        c = cur_make(first.data, first.len, 0);
        fuzz_must(card_input_get(&c, in, &err) && cur_left(&c) == 0);
        card_input_put(&second, in);
        fuzz_must(bytes_equal(first.data, first.len, second.data, second.len));
    } else {
        fuzz_must(err.kind == ERR_INTERNAL && cur_left(&c) == size);
    }
    buf_release(&first);
    buf_release(&second);
    card_input_release(in);
    free(in);
    return 0;
}
