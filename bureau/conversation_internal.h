/* bureau/conversation_internal.h - the state of a conversation, shared by conversation.c (answers and the order of steps) and
 * conversation_commands.c (what is sent). */
#ifndef BUREAU_CONVERSATION_INTERNAL_H
#define BUREAU_CONVERSATION_INTERNAL_H

#include "bureau/conversation.h"
#include "formats/dgi.h"

enum {
    FETCHES_MAX = 64, /* GET RESPONSE in a row */
    COMMAND_MAX = APDU_COMMAND_MAX,
    WHAT_MAX = 160,
    DGIS_MAX = 6 * DGI_VALUE_MAX,
};

enum step {
    STEP_SELECT_DOMAIN,
    STEP_SELECT_APPLICATION,
    STEP_INITIALIZE_UPDATE,
    STEP_AUTHENTICATE,
    STEP_PUT_KEY,
    STEP_INSTALL,
    STEP_STORE,
    STEP_INITIALIZED, /* life cycle OP_READY → INITIALIZED */
    STEP_LOCK,
    STEP_DONE
};
/* Where to go once a channel is open. */
enum target { FOR_CARD, FOR_DOMAIN, FOR_APPLICATION, FOR_LOCK };

struct conversation {
    struct conversation_order order;
    enum step step;
    enum target target;
    bool changed; /* something on the card did change, or may have */
    bool spoiled;
    bool in_channel;                                   /* the command under way is secured */
    uint8_t host[SCP_CHALLENGE], given[SCP_CHALLENGE]; /* given: the order's */
    unsigned tries;          /* INITIALIZE UPDATEs answered with a wrong cryptogram */
    struct buf authenticate; /* the command, ready */
    struct card_new_keys keys;
    bool keys_done;

    size_t application; /* index */
    size_t item;        /* within the application */
    struct buf dgis;    /* of the item, as the card gets them */
    size_t dgi_at;      /* the DGI under way begins here */
    size_t sent;        /* bytes of it that are on the card */
    size_t sending;     /* bytes in the command under way */
    uint8_t encryption; /* bits of P1 */
    unsigned block;     /* P2 */

    struct buf command; /* as sent, for 6Cxx */
    struct buf collected;
    unsigned fetches; /* GET RESPONSE and repetitions of one command */
    bool fetching;    /* GET RESPONSE is under way */
    bool initialized; /* SET STATUS to that was tried */
    char what[WHAT_MAX], serial[2 * SCP_KEY_DATA + 1];
};

const struct open_application *conversation_application(const struct conversation *c); /* the one under way */
/* The end of this card: closes the channel; why: NULL when it is made. */
MUST_CHECK bool conversation_end(struct conversation *c, struct card_turn *turn, const struct err *why);
/* Ends, unless it is the token's or memory's fault: then false. */
MUST_CHECK bool conversation_fail(struct conversation *c, struct card_turn *turn, const struct err *why,
                                  struct err *err);
/* Text and serial of a turn. */
void conversation_set_turn(const struct conversation *c, struct card_turn *turn);
/* Gives the command of the step under way. */
MUST_CHECK bool conversation_give(struct conversation *c, struct card_turn *turn, struct err *err);
/* Gives the same command with the Le that 6Cxx asks for; and GET RESPONSE for 61xx. */
MUST_CHECK bool conversation_give_again(struct conversation *c, unsigned sw, struct card_turn *turn,
                                        struct err *err);
MUST_CHECK bool conversation_give_fetch(struct conversation *c, unsigned sw, struct card_turn *turn,
                                        struct err *err);
/* The command of STORE DATA is on the card: on to the next part, grouping, item. */
void conversation_stored(struct conversation *c);

#endif
