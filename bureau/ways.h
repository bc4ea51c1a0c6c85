/* bureau/ways.h - which way the secrets of a file take to the card on this token (translate.h), counted over its records. */
#ifndef BUREAU_WAYS_H
#define BUREAU_WAYS_H

#include "bureau/translate.h"

struct way {
    bool aes;                          /* to a card with SCP03; else SCP02 */
    char words[TRANSLATE_WORDS];       /* translate_words */
    char application[2 * AID_MAX + 1]; /* AID in hex */
    char secret[SECRET_NAME_MAX + 1];
    uint64_t count; /* how many such secrets */
};
struct ways { /* all zero: none */
    struct way *rows;
    size_t count;
    uint64_t unlisted; /* secrets beyond WAYS_MAX rows */
};
enum { WAYS_MAX = 1024 };

void ways_release(struct ways *w);
/* Adds one.count to the row that says the same. False: ERR_INTERNAL. */
MUST_CHECK bool ways_add(struct ways *w, const struct way *one, struct err *err);
/* Adds every secret of a record, for the channels of which the ring has card keys; for both if it has none. False: ERR_INTERNAL. */
MUST_CHECK bool ways_add_record(struct ways *w, const struct open_record *record, struct err *err);
/* By channel, words, application. */
void ways_sort(struct ways *w);

/* Between processes. ways_take adds. False: bytes that ways_put does not write (ERR_INPUT, ERR_INTERNAL). */
void ways_put(struct buf *b, const struct ways *w);
MUST_CHECK bool ways_take(struct cur *c, struct ways *w, struct err *err);

#endif
