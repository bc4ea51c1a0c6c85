/* bureau/turns.h - one card: the token process says what is sent, the card what comes back, until there is an outcome.
 *
 * Where the card is, is the port's business: in a reader (station.h), or on paper (commands/script.c). Nothing here knows a key. */
#ifndef BUREAU_TURNS_H
#define BUREAU_TURNS_H

#include "bureau/journal_book.h"
#include "bureau/token_process.h"

enum { TURNS_WHAT_MAX = 160, TURNS_CHECKS = 1 + 3 * 3 };

struct turns_port {
    void *context;
    /* Sends the command; `answer` is empty and gets data and SW1 SW2, or stays empty with *why set: there is no card any more.
     * False: the same, with nobody to ask again. */
    bool (*transmit)(void *context, const struct card_turn *turn, struct buf *answer, struct err *why);
    /* The card has told its KEYDATA, or (id->len 0) is about to be changed without having told any. Nothing on it has changed yet. It is
     * called once a card; false: the card is not to be used, *why says why. NULL: nobody wants to know. */
    bool (*known)(void *context, const struct card_id *id, struct err *why);
};

struct turns_result {
    enum card_outcome outcome;
    struct err err; /* unless made: why */
    char serial[64];
    char what[TURNS_WHAT_MAX];    /* the last command, in words */
    uint8_t checks[TURNS_CHECKS]; /* a supplied card that is made: token_process.h */
    uint64_t commands, ms;
    bool token_lost; /* the token process itself has failed: it can do no more cards */
};

/* Plays until there is an outcome. When the token process fails, the card is half-done if anything that may change it was sent. */
void turns_run(struct token_process *p, const struct card_order *order, const struct turns_port *port,
               struct turns_result *result);

#endif
