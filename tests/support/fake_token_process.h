/* tests/support/fake_token_process.h - a token process without a token, for tests of what drives cards: it plays a script.
 *
 * SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, then STORE DATA `stores` times with the record's number in four bytes. The
 * card is changed from EXTERNAL AUTHENTICATE on: what goes wrong before leaves it untouched. */
#ifndef TESTS_SUPPORT_FAKE_TOKEN_PROCESS_H
#define TESTS_SUPPORT_FAKE_TOKEN_PROCESS_H

#include "bureau/token_process.h"

enum { FAKE_BEFORE_STORE = 3 /* commands */ };

struct fake_token {
    unsigned stores;
    unsigned wrong_key;  /* so many cards in a row refuse the cryptogram */
    uint64_t bad_record; /* this record is refused before the first command; 0: none */
    unsigned dies_at;    /* token_process_answer fails at this answer, from 1; 0: never */
    bool refuses_to_start;
    unsigned last_tries; /* as the last order said */
};
extern struct fake_token fake_token;

#endif
