/* formats/emv_cert.h - EMV public key certificates, EMV Book 2 §5–6 and Annex A2: the bytes before the private
 * operation (templates), and their public side (recover and check). No private key comes here. */
#ifndef FORMATS_EMV_CERT_H
#define FORMATS_EMV_CERT_H

#include "base/buf.h"

enum {
    EMV_MODULUS_MAX = 248 /* N_CA */,
    EMV_ISSUER_OVERHEAD = 36,
    EMV_ICC_OVERHEAD = 42,
    EMV_MODULUS_RECORD_MAX = 247
};

struct emv_public_key {
    uint8_t modulus[256];
    size_t modulus_len;
    uint8_t exponent[3];
    size_t exponent_len; /* 1 or 3 */
};

struct emv_ca_key {
    uint8_t rid[5];
    uint8_t index;
    struct emv_public_key key;
    uint8_t expiry[2]; /* MMYY, BCD */
};
/* SHA-1 over RID ‖ index ‖ modulus ‖ exponent (Book 2 §11.2.2). */
MUST_CHECK bool emv_ca_checksum(const struct emv_ca_key *ca, uint8_t out[20], struct err *err);

struct emv_certificate { /* what both forms carry */
    uint8_t subject[10]; /* issuer: 4 bytes issuer identifier; card: PAN, 10 bytes padded with F */
    uint8_t expiry[2];   /* MMYY */
    uint8_t serial[3];
    struct emv_public_key key; /* when recovered: put together from certificate and remainder */
};

/* The block to be signed: out has signer_len bytes; *remainder gets what does not fit (empty when all fits).
 * static_data goes into the card certificate's hash only. False (ERR_CONFIG): sizes break N_CA ≤ 248, N_I ≤ N_CA,
 * N_IC ≤ N_I or leave no room; exponent neither 3 nor 65537. */
MUST_CHECK bool emv_issuer_template(const struct emv_certificate *c, size_t signer_len, struct buf *out,
                                    struct buf *remainder, struct err *err);
MUST_CHECK bool emv_icc_template(const struct emv_certificate *c, const uint8_t *static_data,
                                 size_t static_len, size_t signer_len, struct buf *out, struct buf *remainder,
                                 struct err *err);
MUST_CHECK bool emv_ssad_template(const uint8_t dac[2], const uint8_t *static_data, size_t static_len,
                                  size_t signer_len, struct buf *out, struct err *err);

/* The signed value as it stands on the card. remainder may be NULL/0. */
struct emv_signed {
    const uint8_t *certificate;
    size_t len;
    const uint8_t *remainder;
    size_t remainder_len;
    const uint8_t *exponent;
    size_t exponent_len;
};
/* Recover with the signer's public key and check header, format, trailer, algorithm, lengths, hash.
 * False (ERR_INTEGRITY) names the field. */
MUST_CHECK bool emv_issuer_recover(const struct emv_signed *s, const struct emv_public_key *ca,
                                   struct emv_certificate *out, struct err *err);
MUST_CHECK bool emv_icc_recover(const struct emv_signed *s, const struct emv_public_key *issuer,
                                const uint8_t *static_data, size_t static_len, struct emv_certificate *out,
                                struct err *err);
MUST_CHECK bool emv_ssad_recover(const uint8_t *ssad, size_t len, const struct emv_public_key *issuer,
                                 const uint8_t *static_data, size_t static_len, uint8_t dac[2],
                                 struct err *err);
/* RSA public operation by OpenSSL: out has key->modulus_len bytes. */
MUST_CHECK bool emv_rsa_public(const struct emv_public_key *key, const uint8_t *in, size_t len, uint8_t *out,
                               struct err *err);

/* MMYY against MMYY: does a expire after b? */
bool emv_expires_after(const uint8_t a[2], const uint8_t b[2]);

#endif
