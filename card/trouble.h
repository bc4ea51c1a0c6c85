/* card/trouble.h - a card that misbehaves on purpose, for tests of the other side. Commands are counted from 1, from the start of
 * the program on, GET RESPONSE not.
 *
 *   wrong-cryptogram   the card cryptogram is wrong, always
 *   sw:6982@N          command N is not carried out and answered by this status word
 *   mute@N             command N is not carried out and not answered
 *   pull@N             the card is pulled out as command N comes; it is not carried out
 *   pull-after@N       command N is carried out, but its answer never gets out
 *   powerloss@N        the power is cut while command N writes; its change is lost */
#ifndef CARD_TROUBLE_H
#define CARD_TROUBLE_H

#include <stdint.h>

#include "base/err.h"

enum trouble_kind {
    TROUBLE_CRYPTOGRAM,
    TROUBLE_SW,
    TROUBLE_MUTE,
    TROUBLE_PULL,
    TROUBLE_PULL_AFTER,
    TROUBLE_POWER
};

struct trouble {
    enum trouble_kind kind;
    uint16_t sw;
    uint64_t at; /* number of the command; 0 where there is none */
};

/* False (ERR_CONFIG): not one of the forms above. */
MUST_CHECK bool trouble_read(const char *text, struct trouble *out, struct err *err);

#endif
