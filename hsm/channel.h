/* hsm/channel.h - the keys of a secure channel, as handles: a card's static keys out of a master, the session's keys out of
 * those, and what is computed with them. No key value is ever in the process. What the bytes mean that are derived over,
 * encrypted and MACed is the caller's business (GlobalPlatform Card Specification, appendix E and amendment D).
 *
 *   hsm_card_keys_derive(t, &master, …, &keys) && hsm_channel_open(t, &keys, …, &channel) && … ; hsm_channel_close(t, &channel)
 *
 * TDES channels (SCP02): a session key is CBC of a static key over 16 bytes, all made by the token. Single DES, which
 * the retail MAC and its IV take, is TDES under the key's left half twice: ECB of the static key over the first block twice.
 * AES channels (SCP03): CMAC of two blocks B1 ‖ B2 under K is E(E(B1) ⊕ B2 ⊕ K1). The inner value, which is no key, is made by
 * encryption, and the session key derived over it by ECB. So a static AES key of a channel may encrypt and derive, and
 * could be asked for a session key in clear, by whoever holds the PIN; nothing here does. */
#ifndef HSM_CHANNEL_H
#define HSM_CHANNEL_H

#include "hsm/crypto.h"

enum { HSM_CHANNEL_TDES_BLOCK = 8, HSM_CHANNEL_AES_BLOCK = 16, HSM_CHANNEL_DATA_MAX = 32 };

/* Borrowed bytes. */
struct hsm_span {
    const uint8_t *data;
    size_t len;
};

/* A card's static keys; session objects. */
struct hsm_card_keys {
    struct hsm_key enc, mac, dek;
};
#define HSM_CARD_KEYS_NONE                                                                                   \
    {                                                                                                        \
        HSM_KEY_NONE, HSM_KEY_NONE, HSM_KEY_NONE                                                             \
    }
/* What the master encrypts for each of them: 16, 24 or 32 bytes. */
struct hsm_card_keys_data {
    uint8_t enc[HSM_CHANNEL_DATA_MAX], mac[HSM_CHANNEL_DATA_MAX], dek[HSM_CHANNEL_DATA_MAX];
    size_t len;
};
/* All three keys, of `algorithm`: DES2 under a TDES master, AES under an AES master. False (nothing stays): as hsm_derive. */
MUST_CHECK bool hsm_card_keys_derive(struct hsm_token *t, const struct hsm_key *master,
                                     const struct hsm_card_keys_data *data, enum hsm_algorithm algorithm,
                                     struct hsm_card_keys *out, struct err *err);
void hsm_card_keys_destroy(struct hsm_token *t, struct hsm_card_keys *keys);

/* The session's keys. data: encrypts secrets for the card; of SCP02 the session's, of SCP03 the static one, which stays
 * the card keys' (then it is not destroyed here). */
struct hsm_channel {
    bool aes;
    struct hsm_key enc, mac, mac_left, rmac, rmac_left, data;
};
/* What the session keys are derived over. TDES: 16 bytes each. AES: for a key of 16 bytes one block pair of 32 bytes, for
 * longer ones two of them. NULL: no R-MAC. */
struct hsm_channel_data {
    const uint8_t *enc, *mac, *rmac;
    const uint8_t *data; /* TDES only */
};
/* False (nothing stays): the token refuses (ERR_TOKEN). */
MUST_CHECK bool hsm_channel_open(struct hsm_token *t, const struct hsm_card_keys *keys,
                                 const struct hsm_channel_data *data, struct hsm_channel *out,
                                 struct err *err);
/* Destroys the session's keys; harmless when there are none. */
void hsm_channel_close(struct hsm_token *t, struct hsm_channel *channel);

enum hsm_channel_side { HSM_CHANNEL_COMMAND, HSM_CHANNEL_ANSWER };

/* Everything below works on whole blocks: len is a multiple of 8 (TDES) or 16 (AES), from 1 block on, and at most
 * HSM_CHANNEL_TEXT_MAX; else false (ERR_INTERNAL). In place is fine. */
enum { HSM_CHANNEL_TEXT_MAX = 4096 };

/* CBC under the session's encryption key. AES takes iv (16); TDES a zero IV: iv is NULL. */
MUST_CHECK bool hsm_channel_encrypt(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t *iv,
                                    const uint8_t *data, size_t len, uint8_t *out, struct err *err);
/* AES only: one block without chaining, which is the next IV; and back from CBC. */
MUST_CHECK bool hsm_channel_encrypt_block(struct hsm_token *t, const struct hsm_channel *channel,
                                          const uint8_t block[16], uint8_t out[16], struct err *err);
MUST_CHECK bool hsm_channel_decrypt(struct hsm_token *t, const struct hsm_channel *channel,
                                    const uint8_t iv[16], const uint8_t *data, size_t len, uint8_t *out,
                                    struct err *err);
/* TDES: ISO 9797-1 algorithm 3 over padded data; and a MAC as the next IV, by single DES. */
MUST_CHECK bool hsm_channel_retail_mac(struct hsm_token *t, const struct hsm_channel *channel,
                                       enum hsm_channel_side side, const uint8_t iv[8],
                                       const struct hsm_span *data, uint8_t out[8], struct err *err);
MUST_CHECK bool hsm_channel_next_iv(struct hsm_token *t, const struct hsm_channel *channel,
                                    const uint8_t mac[8], uint8_t out[8], struct err *err);
/* AES: CMAC over any number of bytes. */
MUST_CHECK bool hsm_channel_cmac(struct hsm_token *t, const struct hsm_channel *channel,
                                 enum hsm_channel_side side, const uint8_t *data, size_t len, uint8_t out[16],
                                 struct err *err);

/* Which keys this token wraps under a channel's data key: found by the trials scp02-data and scp03-data of hsm/examine.h. */
struct hsm_channel_abilities {
    bool wraps_tdes, wraps_aes;
    char why_not_tdes[96], why_not_aes[96]; /* a call and its return value; "" where it wraps */
};
/* False (ERR_TOKEN): the session broke. */
MUST_CHECK bool hsm_channel_probe(struct hsm_token *t, struct hsm_channel_abilities *out, struct err *err);
/* Can such a key be wrapped without padding? AES channels: a key of whole blocks, by CBC. TDES: by ECB. */
bool hsm_channel_can_wrap(const struct hsm_channel_abilities *abilities, bool aes,
                          enum hsm_algorithm algorithm);
/* Appends the key wrapped: AES-CBC with iv, TDES-ECB without (NULL). */
MUST_CHECK bool hsm_channel_wrap(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t *iv,
                                 const struct hsm_key *key, struct buf *dst, struct err *err);
/* Encrypts readable bytes the same way: AES-CBC with iv, TDES-ECB. */
MUST_CHECK bool hsm_channel_encrypt_data(struct hsm_token *t, const struct hsm_channel *channel,
                                         const uint8_t *iv, const uint8_t *data, size_t len, uint8_t *out,
                                         struct err *err);

#endif
