#include "raw.h"

#include <string.h>

#include "base/hex.h"
#include "suite.h"

unsigned raw_send(struct card *card, const char *hex, struct buf *answer)
{
    struct err err = ERR_INIT;
    struct buf b;
    buf_init(&b, 1024);
    CU_ASSERT_TRUE(hex_read(hex, strlen(hex), &b, &err));
    card_process(card, b.data, b.len, answer);
    buf_release(&b);
    CU_ASSERT_TRUE_FATAL(answer->len >= 2);
    unsigned sw = (unsigned)bytes_be(answer->data + answer->len - 2, 2);
    buf_truncate(answer, answer->len - 2);
    return sw;
}
