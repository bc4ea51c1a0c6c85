/* formats/issuer_answer.h - the file with which a scheme answers an issuer key request (docs/formats/issuer-request.md,
 * "The answer"). Schemes use forms of their own; this reads the values in them, EMV Book 3 Annex A:
 *
 *   bare    certificate (N_CA bytes, the value of 90), then the remainder (92), if the modulus has one
 *   TLV     8F (index), 90, 92, 9F32 in any order, each once at most and 90 in any case
 *
 * Either is binary or hex text: text is hex if it holds nothing but hex digits and white space. Public data. */
#ifndef FORMATS_ISSUER_ANSWER_H
#define FORMATS_ISSUER_ANSWER_H

#include "formats/emv_cert.h"

enum {
    ISSUER_REMAINDER_MAX = EMV_ISSUER_OVERHEAD, /* of a modulus as long as its signer's */
    ISSUER_ANSWER_FILE_MAX = 4096,              /* bytes in such a file */
};

struct issuer_answer {
    uint8_t certificate[EMV_MODULUS_MAX];
    size_t certificate_len; /* the signer's modulus has as many */
    uint8_t remainder[ISSUER_REMAINDER_MAX];
    size_t remainder_len;
    uint8_t exponent[3];
    size_t exponent_len; /* 0: the answer does not say it */
    uint8_t ca_index;    /* with has_ca_index */
    bool has_ca_index;
};

/* Appends the file's bytes to out: decoded where they are hex text, else as they are. False (ERR_INPUT): nothing is in
 * it, or an odd number of digits. */
MUST_CHECK bool issuer_answer_bytes(const void *file, size_t len, struct buf *out, struct err *err);

/* Reads such bytes. It is TLV if all of it is TLV as above with signer_len bytes in 90, else it is bare.
 * signer_len is N_CA, up to EMV_MODULUS_MAX. The values are not looked into: emv_issuer_recover does that.
 * False (ERR_INTEGRITY): bare, with fewer than signer_len bytes or more than ISSUER_REMAINDER_MAX over that; TLV whose 92
 * or 9F32 is longer than its field, or whose 8F is not one byte. */
MUST_CHECK bool issuer_answer_read(const uint8_t *data, size_t len, size_t signer_len,
                                   struct issuer_answer *out, struct err *err);

#endif
