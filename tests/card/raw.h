/* tests/card/raw.h - commands to a card without a host between. */
#ifndef TESTS_CARD_RAW_H
#define TESTS_CARD_RAW_H

#include "base/buf.h"
#include "card/card.h"

/* One exchange as it is, without following 61xx. Data go to `answer`; gives the status word. */
unsigned raw_send(struct card *card, const char *hex, struct buf *answer);

#endif
