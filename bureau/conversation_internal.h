/* bureau/conversation_internal.h - the state of a conversation, shared by conversation.c (answers and the order of steps),
 * conversation_commands.c (what is sent) and conversation_status.c (what a card says of itself). */
#ifndef BUREAU_CONVERSATION_INTERNAL_H
#define BUREAU_CONVERSATION_INTERNAL_H

#include "bureau/conversation.h"
#include "formats/card_status.h"
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
    STEP_APPLICATIONS_STATUS, /* repeated: how far is the card? */
    STEP_CARD_STATUS,
    STEP_INSTALL,
    STEP_STORE,
    STEP_INITIALIZED, /* life cycle OP_READY → INITIALIZED */
    STEP_LOCK,
    STEP_DONE
};
/* Where to go once a channel is open. */
enum target { FOR_CARD, FOR_DOMAIN, FOR_APPLICATION, FOR_LOCK };

/* What a card on which the record is repeated says of itself. Life cycle states; 0: not told. */
struct told_status {
    bool asked;
    enum card_status_form form;
    unsigned pages; /* of the answer under way */
    uint8_t card;
    uint8_t *applications; /* one per application of the record */
};

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
    struct told_status status;
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

/* Secures a command and gives it. */
MUST_CHECK bool conversation_give_secured(struct conversation *c, const struct apdu *a,
                                          struct card_turn *turn, struct err *err);

/* conversation_status.c: GET STATUS for the step under way. */
MUST_CHECK bool conversation_give_get_status(struct conversation *c, struct card_turn *turn, struct err *err);
bool conversation_asks_status(const struct conversation *c);
/* Whatever was answered. True: the same step once more, for the rest or in the older form. */
bool conversation_read_status(struct conversation *c, const struct apdu_answer *a);
/* The application needs nothing more; the card is locked; its life is at an end that nothing can be put on it any more. */
bool conversation_is_finished(const struct conversation *c, size_t application);
bool conversation_is_locked(const struct conversation *c);
bool conversation_is_closed(const struct conversation *c);

#endif
