/* prep/accounts/account.h - one card record's account: what return files tell of it, in the order in which it happened, added up.
 * Pure: no file, no database.
 *
 * A record may have one live card. Another one after it needs the issuer's authority, a remake list that names the record. */
#ifndef PREP_ACCOUNT_H
#define PREP_ACCOUNT_H

#include "formats/return_file.h"

/* How a record stands. */
enum account_state {
    ACCOUNT_NOT_TOLD,  /* no return file tells of it */
    ACCOUNT_MADE,      /* one live card, the first */
    ACCOUNT_REMADE,    /* one live card, in place of another */
    ACCOUNT_SPOILED,   /* no live card, and the last one is spoiled */
    ACCOUNT_DESTROYED, /* no live card: it was destroyed */
    ACCOUNT_MISSING,   /* the bureau cannot say where its card is */
    ACCOUNT_SET_ASIDE, /* by the issuer: it was never at the bureau */
    ACCOUNT_STATES
};
/* "made", "not told" … */
const char *account_state_name(enum account_state state);
/* Nothing is left to be done or found out: made, remade, destroyed, set aside. */
bool account_state_is_closed(enum account_state state);

/* What is wrong with it: bits. */
enum account_fault {
    ACCOUNT_TWICE = 1,          /* two live cards */
    ACCOUNT_NO_AUTHORITY = 2,   /* a new card that no remake list allows */
    ACCOUNT_NOT_ORDERED = 4,    /* a card of a record that was set aside */
    ACCOUNT_OTHER_OBJECT = 8,   /* another card object identifier than in the MIC file */
    ACCOUNT_OLD_PASS = 16,      /* a card was made from an older pass of the record */
    ACCOUNT_NO_FIRST_CARD = 32, /* made again, but nothing tells of the card before */
    ACCOUNT_CAME_BACK = 64,     /* made on a card that was spoiled or destroyed before */
    ACCOUNT_TOO_MANY = 128      /* more cards than can be followed */
};
enum { ACCOUNT_FAULTS = 8 };
struct account_fault_word {
    unsigned fault;
    const char *word, *text; /* "no-authority"; "a new card that no remake list allows" */
};
extern const struct account_fault_word account_faults[ACCOUNT_FAULTS];

enum { ACCOUNT_CARDS_MAX = 64 };
struct account_card {
    uint8_t serial[RETURN_SERIAL_MAX];
    size_t serial_len; /* 0: not known */
    bool live;
    enum return_outcome last;
    uint64_t list; /* that allowed it; 0: the first card */
};
struct account {
    bool set_aside;
    struct account_card cards[ACCOUNT_CARDS_MAX];
    size_t count;
    unsigned faults;
};

/* One line of a return file. */
struct account_event {
    enum return_outcome outcome;
    const uint8_t *serial; /* with serial_len 0: not known */
    size_t serial_len;
    uint64_t list;              /* remade */
    bool list_names_record;     /* remade: the issuer's list of this number is known, and has the record */
    const uint8_t *list_serial; /* … and this card in it; list_serial_len 0: none */
    size_t list_serial_len;
    bool other_object, old_pass;
};

void account_begin(struct account *a, bool set_aside);
/* What was told before, in another file, changes nothing. */
void account_add(struct account *a, const struct account_event *e);
enum account_state account_state(const struct account *a);
/* The card that counts: the live one, else the last; NULL: none. */
const struct account_card *account_card(const struct account *a);

#endif
