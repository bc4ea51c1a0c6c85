/* stage.h - what tests of the bureau start from: a token with KEK and KMCs of known TEST values, settings that name them, and sealed
 * card records written with OpenSSL. */
#ifndef TESTS_BUREAU_STAGE_H
#define TESTS_BUREAU_STAGE_H

#include <openssl/evp.h>

#include "bureau/ring.h"
#include "plastic.h"
#include "softtoken.h"

enum { STAGE_KVN_TDES = 1, STAGE_KVN_AES = 2, STAGE_KVN_AES256 = 3 };

extern const uint8_t stage_kek[32], stage_mac_key[32], stage_kmc_tdes[16], stage_kmc_aes[32];
/* Card secrets: two DES2 keys and a DES3 key with odd parity, an AES key, eight opaque bytes, a key under the card's own. */
extern const uint8_t stage_kdl[16], stage_kdu[16], stage_kd3[24], stage_mkac[16], stage_pin[8], stage_own[16];
extern const uint8_t stage_kekid[6];
extern const uint8_t stage_purse[5], stage_emv[7], stage_loyalty[6];

/* Puts KEK, KMCs (two, or the TDES one and AES-256), return pair and trusted signer onto the token "bureau". */
bool stage_token(const struct softtoken *soft);
/* Settings for it, with module and PIN; texts are static. */
void stage_settings(struct bureau *s, const struct softtoken *soft);
/* The same, and the purse's DF11 says the version of the KMC. */
void stage_kmc_settings(struct bureau *out, const struct bureau *s);
/* Opens token and ring. */
bool stage_open(const struct softtoken *soft, const struct bureau *s, struct hsm_token **t,
                struct ring **ring);
/* Asserts that no session object is left. */
void stage_close(struct hsm_token *t, struct ring *ring);

struct stage_record {
    int protocol;   /* for which cards: the method of the secret under the card's own key; 0: none of that */
    bool swapped;   /* p < q in the PKCS#8 */
    bool wrong_kcv; /* C5 of KDU */
    bool wrong_card_kcv; /* in DGI 9000 */
    bool foreign_binding;
    bool wrong_length; /* a secret that is shorter than its kind */
    bool other_kek;    /* a KEK that nobody has */
    bool only_purse;
    unsigned kmc; /* the purse's DF11, from which version of the KMC the card comes; 0: it has none */
};
/* Appends a whole card record. */
void stage_put_record(struct buf *out, const struct stage_record *r);
/* Appends the JOB record that goes with it. */
void stage_put_job(struct buf *out, bool other_kcv);
/* The card's pair; made once. */
EVP_PKEY *stage_pair(void);
void stage_end(void);
/* RFC 5649 and CMAC by OpenSSL. */
size_t stage_wrap(const uint8_t *key, const uint8_t *in, size_t len, uint8_t *out);
/* A card with the keys of the stage and its three applications. kvn says which. */
void stage_card(struct plastic *card, int protocol, uint8_t options, uint8_t kvn);

#endif
