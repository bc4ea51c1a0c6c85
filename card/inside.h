/* card/inside.h - the parts of a card among themselves; nobody outside card/ includes it.
 *
 *   apdu ─▶ card.c (transaction, answers by T=0 and T=1) ─▶ channel.c (secure messaging) ─▶ commands.c (one table)
 *             ─▶ authenticate.c, manage.c, put_key.c, personalize.c (security domain)
 *             ─▶ select.c, application.c, emv.c, … (applications), on state.c (what stays without power) */
#ifndef CARD_INSIDE_H
#define CARD_INSIDE_H

#include "card/apdu.h"
#include "card/card.h"

enum {
    ISD = -1, /* as `selected`: the issuer security domain */
    PSE = -2, /* a directory of payment applications */
    PPSE = -3,
    CARD_WORK_MAX = 65536,                      /* a command without its secure messaging */
    CARD_GROUP_MAX = 8192,                      /* bytes of one DGI */
    CARD_ANSWER_DATA_MAX = CARD_GROUP_MAX + 64, /* a grouping in its template, with a MAC */
    CARD_MODULUS_MAX = 256,
};

/* Security levels, as P1 of EXTERNAL AUTHENTICATE. */
enum { LEVEL_MAC = 0x01, LEVEL_ENC = 0x02, LEVEL_RMAC = 0x10, LEVEL_RENC = 0x20 };

enum channel_phase { CHANNEL_CLOSED, CHANNEL_CHALLENGED /* after INITIALIZE UPDATE */, CHANNEL_OPEN };

struct channel {
    enum channel_phase phase;
    uint8_t level;
    uint8_t version; /* of the key set */
    uint8_t host_challenge[8], card_challenge[8];
    uint32_t sequence;
    struct card_key enc, mac, rmac;
    struct card_key dek;        /* SCP02: of the session; SCP03: the static one */
    struct card_key static_dek; /* for data that the application encrypts itself */
    uint8_t chain[16];          /* SCP02: the last C-MAC in the first 8 bytes; SCP03: the chaining value */
    uint8_t rchain[8];          /* SCP02: the last R-MAC */
    bool chained;               /* SCP02: is there a last C-MAC? */
    bool answering;             /* the command under way came through the channel, and so does its answer */
    uint32_t counter;           /* SCP03: of encrypted commands */
};

/* STORE DATA under way. */
struct personalization {
    int app; /* by INSTALL [for personalization], ISD: none */
    bool started;
    uint8_t next; /* block number */
    uint8_t bits; /* encryption of the grouping under way, of P1 */
    uint16_t dgi;
    size_t head; /* bytes of the grouping's head so far */
    uint8_t head_bytes[5];
    size_t len, have;
    uint8_t value[CARD_GROUP_MAX];
};

struct card {
    struct secret memory; /* that the card itself stands in */
    struct card_state now, kept;
    bool changed;
    card_random_fn *random;
    void *random_context;
    card_keep_fn *keep;
    void *keep_context;
    struct err err;
    bool lies;

    /* volatile from here on: card_power_on clears it */
    int selected;
    struct channel channel;
    struct personalization perso;
    bool gpo_done, ac_done, arqc_done, pin_verified, has_challenge;
    uint8_t challenge[8];
    size_t rest_len, rest_at; /* of an answer, for GET RESPONSE */
    uint8_t rest[CARD_ANSWER_DATA_MAX];
    uint16_t rest_sw;
    uint8_t work[CARD_WORK_MAX];
};

/* One command: writes the answer's data to `out` and gives the status word. */
typedef uint16_t card_command(struct card *card, const struct apdu *cmd, struct buf *out);

/* Which side a command wants to be selected. */
enum { FOR_ISD = 1, FOR_PURSE = 2, FOR_EMV = 4, FOR_LOYALTY = 8, FOR_DIRECTORY = 16 };

/* authenticate.c */
card_command card_initialize_update, card_external_authenticate;
/* manage.c */
card_command card_get_data, card_get_status, card_set_status;
card_command card_put_key; /* put_key.c */
/* personalize.c */
card_command card_install, card_store_data;
card_command card_select; /* select.c */
/* application.c */
card_command card_read_record, card_get_challenge, card_prove_key;
/* emv.c, dynamic.c, pin.c */
card_command card_get_processing_options, card_generate_ac, card_internal_authenticate, card_verify;

/* commands.c: finds and runs. */
uint16_t card_dispatch(struct card *card, const struct apdu *cmd, struct buf *out);

/* channel.c */
void channel_close(struct card *card);
/* Checks and takes off secure messaging; *plain then borrows card->work. Anything but SW_OK: refused, and the channel closed. */
uint16_t channel_unwrap(struct card *card, const struct apdu *cmd, struct apdu *plain);
/* Adds what the level asks of an answer (R-MAC, R-ENC). */
bool channel_wrap(struct card *card, const struct apdu *plain, struct buf *out, uint16_t sw);
/* Is a channel open that authenticates commands? */
bool channel_is_open(const struct card *card);

/* scp02.c and scp03.c: one protocol each. */
struct scp {
    /* Fills card_challenge (and sequence) and the session keys from the key set. */
    bool (*start)(struct card *card, const struct card_keyset *set);
    bool (*cryptogram)(struct card *card, bool host, uint8_t out[static 8]);
    /* Checks and takes off a command's MAC and encryption; sw says why not. */
    bool (*unwrap)(struct card *card, const struct apdu *cmd, struct apdu *plain, uint16_t *sw);
    bool (*wrap)(struct card *card, const struct apdu *plain, struct buf *out, uint16_t sw);
};
extern const struct scp scp02, scp03;
const struct scp *card_scp(const struct card *card);
/* Levels that this card's i allows. */
bool card_level_is_offered(const struct card *card, uint8_t level);
/* Strips 80 00…; false: there is no such padding. */
bool card_unpad(const uint8_t *data, size_t *len);

/* card.c */
MUST_CHECK bool card_draw(struct card *card, uint8_t *out, size_t len); /* random bytes */
/* The state has changed and must be kept even if this command fails later. False: it cannot be. */
MUST_CHECK bool card_commit(struct card *card);
struct card_app *card_selected_app(struct card *card); /* NULL: none */
/* SW_INTERNAL, after something of card/crypto.h failed. */
uint16_t card_broken(const struct card *card);

/* grouping.c: takes one grouping, as it came; bits are those of STORE DATA's P1. */
uint16_t card_store_group(struct card *card, size_t app, uint16_t dgi, uint8_t *value, size_t len,
                          uint8_t bits);
/* keys.c: key number n (from 1) of 8000, told apart and verified by 9000. False: there is none, or they do not fit. */
bool card_app_key(struct card *card, size_t app, size_t n, struct card_key *out);
size_t card_app_key_count(struct card *card, size_t app);
/* The card's key pair from 8201–8205, padding off. False: none, or not whole. */
bool card_app_rsa(const struct card *card, size_t app, struct card_rsa *out);
/* application.c: finds a data object in records, FCI and processing options. */
/* Bytes that a data object list asks for. */
size_t card_dol_len(const uint8_t *dol, size_t len);
bool card_app_find(const struct card *card, size_t app, uint32_t tag, const uint8_t **value, size_t *len);

/* emv.c: EMV Book 2, A1.3.1: the common session key derivation. */
bool card_session_key(struct card *card, const struct card_key *master, uint16_t atc, struct card_key *out);

/* select.c */
uint16_t card_put_directory(struct card *card, bool contactless, struct buf *out);
card_command card_read_directory;

#endif
