/* tests/bureau/run.h - one card of the stage personalized: conversation, channel and translation together, against plastic.h. */
#ifndef TESTS_BUREAU_RUN_H
#define TESTS_BUREAU_RUN_H

#include "bureau/conversation.h"
#include "bureau/open_record.h"
#include "stage.h"

struct run {
    struct ring *ring;
    struct plastic card;
    struct open_record *record;
    struct card_turn turn;
    size_t turns;
    unsigned tries;
    bool extended; /* the conversation is told that the card takes extended lengths */
    bool failed;   /* conversation_answer was false */
};

/* Opens a record of the stage; false: that failed, and was asserted. The card is the caller's to set up (stage_card). */
bool run_begin(struct run *r, struct ring *ring, const struct stage_record *record);
/* May be called again after card_turn_init, for the same record. */
void run_to_end(struct run *r);
void run_end(struct run *r);

/* The card is made and locked, and holds byte for byte what the record has. own: also the key under the card's own. */
void run_expect_made(const struct run *r, bool own);

#endif
