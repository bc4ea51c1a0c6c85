/* tests/support/scripted_token.h - a token process without a token, for tests of what drives cards: it plays a script.
 *
 * SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, then STORE DATA `stores` times with the record's number in four bytes. The
 * card is changed from EXTERNAL AUTHENTICATE on: what goes wrong before leaves it untouched. */
#ifndef TESTS_SUPPORT_SCRIPTED_TOKEN_H
#define TESTS_SUPPORT_SCRIPTED_TOKEN_H

#include "bureau/token_process.h"

enum { SCRIPTED_BEFORE_STORE = 3 /* commands */ };

struct scripted_token {
    unsigned stores;
    unsigned wrong_key;  /* so many cards in a row refuse the cryptogram */
    uint64_t bad_record; /* this record is refused before the first command; 0: none */
    unsigned dies_at;    /* token_process_answer fails at this answer, from 1; 0: never */
    bool dies_at_once;   /* token_process_begin fails */
    bool refuses_to_start;
    unsigned last_tries; /* as the last order said */
};
extern struct scripted_token scripted_token;

#endif
