/* bureau/ring.h - the bureau's keys on its token: KEKs under which files arrive, KMCs out of which a card's keys are derived,
 * the return key. Found and checked at the start; in the token process alone. */
#ifndef BUREAU_RING_H
#define BUREAU_RING_H

#include "config/bureau.h"
#include "formats/derivation.h"
#include "hsm/channel.h"

struct ring_kek {
    uint8_t kekid[KEKID_LEN], kcv[KEK_KCV_LEN];
    struct hsm_key key;
};
struct ring_card_key {
    const struct bureau_card_key *settings;
    bool published; /* no master: GlobalPlatform's test keys, of blank cards; method is NULL */
    const struct derivation_row *method;
    struct hsm_key master;
    char name[48]; /* "KMC/2" */
    bool has_k1;   /* kmc-aes: K1 of RFC 4493, which is no key and stays here */
    uint8_t k1[16];
};
struct ring {
    const struct bureau *settings;
    struct hsm_token *t;
    struct ring_kek *keks;
    size_t kek_count;
    struct ring_card_key *card_keys;
    size_t card_key_count;
    struct ring_card_key blank;  /* a supplier's: what blank cards have; settings NULL: there is none */
    struct hsm_pair return_pair; /* if there is one */
    bool has_return;
    struct hsm_channel_abilities abilities;
};

/* Finds every key of the settings; token and settings stay the caller's. False: a key is not there, not what its role and check
 * value say (ERR_TOKEN); a method that does not go with its master, two keys of one number (ERR_CONFIG). */
MUST_CHECK bool ring_open(struct ring **out, const struct bureau *settings, struct hsm_token *t,
                          struct err *err);
void ring_free(struct ring *r);

/* NULL: the settings have none. Card keys: blank cards' too. */
const struct ring_kek *ring_kek(const struct ring *r, const uint8_t kekid[KEKID_LEN]);
const struct ring_card_key *ring_card_key(const struct ring *r, unsigned key_version);
/* The one with the highest key version among those that go with a card of TDES, or of AES; blank cards' apart. NULL: there is none. */
const struct ring_card_key *ring_newest_card_key(const struct ring *r, bool aes);

/* What the master encrypts for a card with this KEYDATA, and of which algorithm its keys are. */
MUST_CHECK bool ring_card_data(const struct ring_card_key *from, const uint8_t key_data[10],
                               struct hsm_card_keys_data *out, enum hsm_algorithm *algorithm,
                               struct err *err);
/* Do such keys go with a card of TDES (SCP02), or of AES? */
bool ring_card_key_fits(const struct ring_card_key *from, bool aes);
/* The card's static keys, with a channel of TDES or AES. */
struct ring_card {
    const uint8_t *key_data; /* 10 bytes */
    bool aes;
};
MUST_CHECK bool ring_derive(struct ring *r, const struct ring_card_key *from, const struct ring_card *card,
                            struct hsm_card_keys *out, struct err *err);
/* The token's algorithm for a kind of secret: HSM_RSA for key pairs, HSM_GENERIC for opaque ones. */
enum hsm_algorithm ring_algorithm(enum secret_kind kind);

#endif
