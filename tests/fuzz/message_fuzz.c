/* What is read as an order, a turn or an error is written again with the same bytes. */
#include "bureau/message.h"

#include "fuzz.h"

static void same(const struct buf *b, const uint8_t *data, size_t len)
{
    fuzz_must(!b->failed && b->len <= len && bytes_equal(b->data, b->len, data, b->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT, told = ERR_INIT;
    struct cur order_at = cur_make(data, size, 0), turn_at = order_at, err_at = order_at;
    struct card_order order;
    struct card_turn turn;
    char what[65536];
    struct message_turn m = {.turn = &turn, .what = what, .what_size = sizeof what};
    struct buf b;
    buf_init(&b, size + 64);
    card_turn_init(&turn);
    if (message_get_order(&order_at, &order, &err)) {
        fuzz_must(order.record >= data && order.len <= size);
        message_put_order(&b, &order);
        same(&b, data, size);
    }
    if (message_get_turn(&turn_at, &m, &err))
        fuzz_must(turn.command.len <= size && turn.outcome <= CARD_SPOILED);
    if (message_get_err(&err_at, &told, &err)) fuzz_must(told.kind <= ERR_INTERNAL);
    card_turn_release(&turn);
    buf_release(&b);
    return 0;
}
