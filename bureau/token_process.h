/* bureau/token_process.h - the process that holds the bureau's token, as the process that drives a reader sees it.
 *
 *   station (reader, journal; no key)  ◀── socket ──▶  token process (PKCS#11, conversation, translate; no reader, no network)
 *
 * The station hands over a sealed record and gets, one after another, the commands for the card, already MACed and encrypted
 * for it; it gives back what the card answered, and at the end gets the outcome. The token process keeps the conversation
 * (conversation.h) and everything secret; after its start it reaches no file but the token's folder (sandbox.h). */
#ifndef BUREAU_TOKEN_PROCESS_H
#define BUREAU_TOKEN_PROCESS_H

#include "base/buf.h"
#include "config/bureau.h"

struct token_process;

/* Forks it; the PIN is fetched first (prompting if need be) and is in the child alone. It logs in and checks every key of the
 * settings. False: the child's own error (ERR_TOKEN, …). Start it before threads, readers and books exist. */
MUST_CHECK bool token_process_start(struct token_process **out, const struct bureau *settings,
                                    struct err *err);
/* The same, with the PIN out of a pipe (pin_once.h), which is taken over and closed in any case; −1: as above. */
MUST_CHECK bool token_process_start_with(struct token_process **out, const struct bureau *settings,
                                         int pin_fd, struct err *err);
/* Ends it; NULL is fine. */
void token_process_free(struct token_process *p);

/* What the sandbox could not close here, a line each (sandbox.h); "" if nothing. Lives as long as p. */
const char *token_process_notes(const struct token_process *p);
/* The JOB record of the file whose records follow: its chip group's name and its KEKs with their check values hold for them.
 * Without it the chip group is called CHIP, and only what a record says itself is compared. False: also a JOB that says
 * another check value of a KEK than it has (ERR_INTEGRITY), or is none (ERR_INPUT). */
MUST_CHECK bool token_process_file(struct token_process *p, const uint8_t *job_record, size_t len,
                                   struct err *err);

/* How a card ended. */
enum card_outcome {
    CARD_MADE,      /* personalized and locked */
    CARD_UNTOUCHED, /* nothing on the card has changed: it can be used for the same or another record */
    CARD_HALF_DONE, /* some commands went through: the same record can be repeated on the same card, and on no other */
    CARD_SPOILED, /* the card can never be used */
};
/* "made", "untouched", … */
const char *card_outcome_name(enum card_outcome outcome);

enum card_purpose {
    PURPOSE_RECORD, /* the record goes onto the card */
    PURPOSE_REPEAT, /* the same record was begun on this very card before: conversation.h */
    /* No card: the turn is done at once, untouched, and `command` is text: groupings, secrets by name, and which way each takes on
     * this token. */
    PURPOSE_DESCRIBE,
    /* No record: a blank card gets its own keys, and proves them. A card that has them already is refused, */
    PURPOSE_SUPPLY,
    PURPOSE_PROVE, /* or proves them, and nothing on it is changed. */
};
struct card_order {
    enum card_purpose purpose;
    const uint8_t
        *record; /* the whole card record of the MIC file, verified against END's digest by the station */
    size_t len;
    const uint8_t *challenge; /* --script: a host challenge to use, 8 bytes; NULL: random */
    unsigned tries;           /* how often a wrong cryptogram may be tried with this card; normally 1 */
    bool extended;            /* the card takes commands of extended length */
};

/* What is to be done next. */
struct card_turn {
    bool done;
    struct buf
        command; /* not done: the C-APDU. A supplied card that is made: key version(1) ‖ check values of ENC, MAC, DEK(3 each) */
    const char
        *what; /* "STORE DATA 3 of 7, application purse": for the journal and for errors; never a secret */
    /* done: */
    enum card_outcome outcome;
    struct err err;  /* unless made: why */
    char serial[64]; /* of the card, as KEYDATA tells it, in hex */
};
/* Begins a card: binding, MACs and check values of the record are verified before the first command is given.
 * False: the process itself failed (ERR_TOKEN, ERR_INTERNAL); what is wrong with record or card is an outcome. */
MUST_CHECK bool token_process_begin(struct token_process *p, const struct card_order *order,
                                    struct card_turn *turn, struct err *err);
/* The card's answer to the turn's command, data and SW1 SW2; len 0: it was pulled out, or its reader is gone. False as above; then
 * turn->outcome is how the card is left: untouched, or, where something may have changed, half-done. */
MUST_CHECK bool token_process_answer(struct token_process *p, const uint8_t *answer, size_t len,
                                     struct card_turn *turn, struct err *err);
void card_turn_init(struct card_turn *turn);
void card_turn_release(struct card_turn *turn);

/* Verifies one record and unwraps all its secrets, comparing check values (cardbureau check). keys_only: without MACs. */
MUST_CHECK bool token_process_check(struct token_process *p, const uint8_t *record, size_t len,
                                    bool keys_only, struct err *err);
/* Adds which way the secrets of all records checked take to a card. False: also ERR_TOKEN, the process has ended. */
struct ways;
MUST_CHECK bool token_process_ways(struct token_process *p, struct ways *ways, struct err *err);
/* Appends the return key's DER SubjectPublicKeyInfo. False (ERR_CONFIG): the settings name none. */
MUST_CHECK bool token_process_return_key(struct token_process *p, struct buf *spki, struct err *err);
/* Signs with the return key; `signer` gets SHA-256 of its SubjectPublicKeyInfo. */
MUST_CHECK bool token_process_sign(struct token_process *p, const uint8_t *data, size_t len,
                                   struct buf *signature, uint8_t signer[32], struct err *err);
/* DER SubjectPublicKeyInfo of the trusted signers on the token, appended to `spkis` each behind its 2-byte length. */
MUST_CHECK bool token_process_signers(struct token_process *p, struct buf *spkis, struct err *err);

#endif
