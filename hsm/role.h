/* hsm/role.h - what a key is for, as one table (role.c): the template with which it is made and the check of one that
 * is there already come from the same row, so that they cannot disagree. */
#ifndef HSM_ROLE_H
#define HSM_ROLE_H

#include <stdint.h>

#include "base/err.h"

enum hsm_algorithm { HSM_DES2, HSM_DES3, HSM_AES128, HSM_AES192, HSM_AES256, HSM_RSA, HSM_GENERIC };

/* Bytes of a secret key of this algorithm; 0 for RSA and GENERIC. */
size_t hsm_algorithm_len(enum hsm_algorithm a);
/* Keys of the TDES cipher, of two or three parts; keys of AES. */
bool hsm_algorithm_is_tdes(enum hsm_algorithm a);
bool hsm_algorithm_is_aes(enum hsm_algorithm a);
/* "DES2", "AES-128", …; and back, also as configuration writes it ("des2", "aes128"): false (ERR_CONFIG) for another name. */
const char *hsm_algorithm_name(enum hsm_algorithm a);
MUST_CHECK bool hsm_algorithm_find(const char *name, enum hsm_algorithm *out, struct err *err);

enum hsm_role {
    HSM_ROLE_MASTER,            /* KML, KMU, KMC, EMV masters: DERIVE only */
    HSM_ROLE_ZCMK_SENDER,       /* WRAP; SIGN for the check value */
    HSM_ROLE_ZCMK_RECEIVER,     /* UNWRAP; SIGN for the check value */
    HSM_ROLE_KEK_ISSUER,        /* WRAP; SIGN (CMAC) for the check value */
    HSM_ROLE_KEK_BUREAU,        /* UNWRAP; SIGN (CMAC) for the check value */
    HSM_ROLE_KBPK,              /* protects key blocks: DERIVE only */
    HSM_ROLE_ISSUER_PAIR,       /* private: SIGN by CKM_RSA_X_509 */
    HSM_ROLE_SIGNING_PAIR,      /* private: SIGN by CKM_SHA256_RSA_PKCS */
    HSM_ROLE_SCHEME_CA_PAIR,    /* TEST scheme CA: as the issuer pair */
    HSM_ROLE_KEY_EXCHANGE_PAIR, /* private: UNWRAP by CKM_RSA_PKCS_OAEP */
    HSM_ROLE_CARD_KEY, /* session: SENSITIVE, EXTRACTABLE, ENCRYPT (DES) or SIGN and ENCRYPT (AES) for check values */
    HSM_ROLE_CARD_PAIR,   /* session: private part SENSITIVE, EXTRACTABLE, no operation */
    HSM_ROLE_CARD_STATIC, /* session: the card's own key at the issuer, WRAP only, not EXTRACTABLE */
    HSM_ROLE_MAC_KEY,     /* session: SIGN (CMAC), SENSITIVE, EXTRACTABLE to be wrapped under the KEK */
    HSM_ROLE_TRAVELLING, /* session: a key on its way to its tokens; ENCRYPT (DES) or SIGN (AES) for check values */
    HSM_ROLE_COMBINING, /* session: the same while components are added to it; also DERIVE */
    HSM_ROLE_TRAVELLING_PAIR, /* session: a pair on its way to its tokens; private part SENSITIVE, EXTRACTABLE, no operation */
    HSM_ROLE_PROVING_PAIR, /* session: the same while it shows that its parts belong together; private: SIGN, not EXTRACTABLE */
    HSM_ROLE_FERRY,          /* session: carries a travelling key onto its own token; WRAP and UNWRAP */
    HSM_ROLE_TRUSTED_SIGNER, /* a foreign signer's public key: VERIFY only, no private part here */
    HSM_ROLE_BLOCK_CIPHER,   /* session: encrypts and decrypts a key block, not EXTRACTABLE */
    HSM_ROLE_BLOCK_MAC,      /* session: SIGN (CMAC) over a key block, not EXTRACTABLE */
    HSM_ROLE_CHANNEL_BASE,   /* session: a card's static key of a secure channel: DERIVE; AES also ENCRYPT */
    HSM_ROLE_CHANNEL_CIPHER, /* session: encrypts commands; AES also decrypts answers */
    HSM_ROLE_CHANNEL_MAC,    /* session: MACs commands and answers: ENCRYPT (TDES) or SIGN (AES) */
    HSM_ROLE_CHANNEL_DATA,   /* session: secrets leave under it for the card: WRAP and ENCRYPT */
    HSM_ROLE_READABLE, /* session: a card's secret that no token carries over inside; EXTRACTABLE, not SENSITIVE */
    HSM_ROLE_COUNT
};

/* "master", "kek-issuer", … as in ceremony plans; and back: false (ERR_CONFIG). */
const char *hsm_role_name(enum hsm_role role);
MUST_CHECK bool hsm_role_find(const char *name, enum hsm_role *out, struct err *err);
/* Lives on the token (true) or in the session only. */
bool hsm_role_is_token_object(enum hsm_role role);
bool hsm_role_is_pair(enum hsm_role role);

#endif
