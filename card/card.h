/* card/card.h - a smart card in software, as an object: commands in, answers out. No reader and no file of its own; the
 * program `softcard` puts it into a virtual reader (card/vpcd.h) and keeps its state in a file (card/state_file.h).
 * What it can do, command by command: docs/formats/softcard.md.
 *
 *   struct card *card = NULL;
 *   struct buf answer;
 *   buf_init(&answer, CARD_ANSWER_MAX);
 *   if (!card_new(&card, &settings, &err)) …
 *   card_power_on(card);
 *   card_process(card, apdu, sizeof(apdu), &answer);   // answer: data ‖ SW1 SW2
 *   card_free(card);
 *
 * All that a card knows stands in one locked allocation (base/secret.h, secret_start first). One thread per card. */
#ifndef CARD_CARD_H
#define CARD_CARD_H

#include "base/buf.h"
#include "base/secret.h"
#include "card/state.h"

struct card;

enum { CARD_ANSWER_MAX = 65536 + 2, CARD_ATR_MAX = 33 };

/* A blank card. */
struct card_settings {
    uint8_t key_data
        [CARD_KEY_DATA_LEN]; /* KEYDATA of INITIALIZE UPDATE, from which a KMC makes the card's keys */
    uint8_t scp, i;          /* 2 with 15, 35, 55, 75; 3 with 00, 10, 20, 30, 60, 70 (hex) */
    uint8_t protocol;        /* enum card_protocol */
    struct card_keyset keys;
    struct card_app apps[CARD_APPS_MAX]; /* kind, aid_len and aid count; the rest is set by card_new */
};
/* The published GlobalPlatform test keys 40 41 … 4F under version 01, and one application of each kind: purse
 * A000000003101001, EMV A0000000031010 and A0000000032010, loyalty F04C4F59414C5459 and D2760000850101. */
void card_test_settings(struct card_settings *out, uint8_t scp, uint8_t i);

/* A new blank card in state OP_READY. False: settings that no card has (ERR_CONFIG: keys that do not fit the protocol, AIDs of
 * a wrong length or twice), no memory. */
MUST_CHECK bool card_new(struct card **out, const struct card_settings *settings, struct err *err);
/* A card from its image (card/image.h). False (ERR_INPUT): damaged. */
MUST_CHECK bool card_from_image(struct card **out, const uint8_t *image, size_t len, struct err *err);
/* The state as an image, appended to *image, which the caller wipes. */
MUST_CHECK bool card_image(const struct card *card, struct secret *image, struct err *err);
void card_free(struct card *card); /* NULL is fine */

/* Where random bytes come from; by default libcrypto's generator. Tests give fixed ones. */
typedef bool card_random_fn(void *context, uint8_t *out, size_t len);
void card_set_random(struct card *card, card_random_fn *fn, void *context);

/* Called whenever the state has changed, before the answer is given. False: the change cannot be kept; the card goes back to
 * the state before and answers 6581. A PIN try or a try at a key is kept before it is
 * compared, so that pulling the card out saves nobody a try. */
typedef bool card_keep_fn(void *context, const struct card *card, struct err *err);
void card_set_keeper(struct card *card, card_keep_fn *fn, void *context);

/* Power, or a reset: ends the channel, selects the security domain, forgets everything volatile. */
void card_power_on(struct card *card);
/* The answer to reset, up to CARD_ATR_MAX bytes; returns the length. */
size_t card_atr(const struct card *card, uint8_t out[static CARD_ATR_MAX]);
/* One command APDU of any length; *answer is replaced by data and status word. Never fails: what goes wrong inside is 6F00 or
 * 6581 and stands in card_error. */
void card_process(struct card *card, const uint8_t *apdu, size_t len, struct buf *answer);
/* The last error inside the card; ERR_NONE if there was none. Until the next command. */
const struct err *card_error(const struct card *card);

/* For tests of the other side: from now on the card cryptogram of INITIALIZE UPDATE is wrong. */
void card_lie_about_cryptogram(struct card *card, bool lie);

#endif
