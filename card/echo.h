/* card/echo.h - what answers every command at once, and knows nothing: for measuring what readers and programs cost without a card.
 *
 * The answer is 9000, whatever the command. The ATR is a card's with T=1. */
#ifndef CARD_ECHO_H
#define CARD_ECHO_H

#include "card/vpcd.h"

struct vpcd_card echo_contacts(void);

#endif
