/* A card's bytes: an ATR, or what it answers on a line of either protocol. The first byte chooses. */
#include "bureau/atr.h"
#include "bureau/exchange.h"

#include "fuzz.h"

/* Gives what is left in pieces: a length byte, then so many bytes. */
static bool line_send(void *context, const uint8_t *bytes, size_t len, struct buf *answer)
{
    struct cur *c = context;
    struct err ignored = ERR_INIT;
    uint8_t piece;
    const uint8_t *data;
    fuzz_must(bytes && len >= 4);
    if (!cur_take_u8(c, &piece, "length", &ignored) || !cur_take(c, piece, &data, "piece", &ignored))
        return false;
    buf_put(answer, data, piece);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t with_data[] = {0x84, 0xE2, 0, 0, 1, 0xAA, 0}, for_data[] = {0x80, 0xCA, 0, 0x66, 0};
    struct err err = ERR_INIT;
    struct atr atr;
    struct command_form form;
    struct buf answer;

    if (size < 1) return 0;
    struct cur c = cur_make(data + 1, size - 1, 0);
    const struct exchange x = {data[0] & 1, data[0] & 2, line_send, &c};
    bool first = data[0] & 4;
    buf_init(&answer, EXCHANGE_ANSWER_MAX);
    fuzz_must(exchange_command(&x, first ? with_data : for_data, first ? sizeof(with_data) : sizeof(for_data),
                               &answer, &err));
    fuzz_must(answer.len != 1);
    buf_release(&answer);
    if (atr_read(data + 1, size - 1, &atr)) fuzz_must(atr.historical_len <= 15);
    if (command_form_read(data + 1, size - 1, &form, &err)) fuzz_must(form.lc < size);
    return 0;
}
