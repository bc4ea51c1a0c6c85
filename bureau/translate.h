/* bureau/translate.h - a card's secrets as the card wants them: joined, padded, encrypted under the data key of the channel.
 *
 * Inside the token where it wraps under that key. What cannot be done inside goes through translate.c, the one place of
 * named exception 1 (docs/THREATS.md), whose head says why and for how long. */
#ifndef BUREAU_TRANSLATE_H
#define BUREAU_TRANSLATE_H

#include "bureau/open_record.h"

enum translate_way {
    TRANSLATE_INSIDE,    /* re-wrapped in the token */
    TRANSLATE_READABLE,  /* named exception 1 */
    TRANSLATE_UNTOUCHED, /* methods 11 and 12: under the card's own key already */
};
/* One way for all secrets of a grouping, as they are one ciphertext. aes: of the channel, SCP03. */
enum translate_way translate_way(const struct hsm_channel_abilities *abilities, const struct open_item *item,
                                 bool aes);
/* The same in words, with the reason: for check, doctor and --dry-run. */
enum { TRANSLATE_WORDS = 200 };
void translate_words(const struct hsm_channel_abilities *abilities, const struct open_item *item, bool aes,
                     char text[TRANSLATE_WORDS]);

/* Appends the data groupings (formats/dgi.h) of a secret item: one, or the five of a private key, in card order. CRT parts are
 * padded with 80 and then zeros to whole blocks, also where the length fits already, or only if not, as the settings say
 * (crt_padding); joined keys only where they make no whole blocks. With an empty out buffer a failure leaves nothing of
 * use. False: the token refuses (ERR_TOKEN), a value is not as long as it must be (ERR_INTEGRITY). */
MUST_CHECK bool translate_item(struct ring *r, const struct hsm_channel *channel,
                               const struct open_item *item, struct buf *out, struct err *err);

/* The card's new keys for PUT KEY, of the master `from`: types, ciphertexts and check values (formats/scp.h), appended; and
 * the check values alone, which the card is to answer with. False: also keys that do not go with the channel (ERR_CONFIG). */
struct translate_new_keys {
    const struct ring_card_key *from;
    const uint8_t *key_data; /* 10 bytes */
};
MUST_CHECK bool translate_new_keys(struct ring *r, const struct hsm_channel *channel,
                                   const struct translate_new_keys *keys, struct buf *out, struct buf *checks,
                                   struct err *err);

#endif
