/* formats/handover.h - the hand-over file: how one secret key, or RSA pair, goes from one organisation's token to another's, wrapped,
 * and bound to what is said about it by the sender's signature. docs/formats/handover.md has the form, byte by byte.
 *
 * ASCII text, one line per member of the struct, in its order. A file that is read can be written again to the same bytes, so
 * nothing in it can vary without its signature. Values are checked for their form, and against each other where the file alone
 * says enough; whether names, roles and serial numbers are the right ones is for the caller to compare. */
#ifndef FORMATS_HANDOVER_H
#define FORMATS_HANDOVER_H

#include "base/digest.h"
#include "formats/signature.h"

enum {
    HANDOVER_NAME_MAX = 32,
    HANDOVER_DERIVATION_MAX = 16,
    HANDOVER_TIME_LEN = 20,
    HANDOVER_DATE_LEN = 10,
    HANDOVER_CHECK_VALUE_MAX = 5,
    HANDOVER_WRAPPED_MAX = 2392, /* of a pair of 4096 bits */
    HANDOVER_SIGNATURE_MIN = 64,
    HANDOVER_TEXT_MAX = 8192, /* no file is larger */
};

enum handover_algorithm {
    HANDOVER_DES2,
    HANDOVER_DES3,
    HANDOVER_AES128,
    HANDOVER_AES192,
    HANDOVER_AES256,
    HANDOVER_RSA, /* a pair: its private part is wrapped, as PKCS#8 */
};
enum handover_method {
    HANDOVER_KWP, /* RFC 5649, under a key of a version */
    HANDOVER_OAEP_SHA1, /* RFC 8017, 7.1, with SHA-1 and MGF1-SHA1, no label; under a key-exchange pair, which has no version */
};

/* Texts end with a zero. Names are 1–32 of A–Z a–z 0–9 . _ - */
struct handover {
    char sender[HANDOVER_NAME_MAX + 1];
    char receiver[HANDOVER_NAME_MAX + 1];
    uint64_t serial;                     /* 1 to 2^63 − 1 */
    char created[HANDOVER_TIME_LEN + 1]; /* YYYY-MM-DDThh:mm:ssZ */
    char key[HANDOVER_NAME_MAX + 1];
    uint16_t version;                 /* from 1; a pair may have none: 0 */
    char role[HANDOVER_NAME_MAX + 1]; /* at the receiver; 1–32 of a–z 0–9 - */
    enum handover_algorithm algorithm;
    uint8_t check_value[HANDOVER_CHECK_VALUE_MAX];
    size_t check_value_len;                       /* 3 for DES and pairs, 5 for AES */
    char not_before[HANDOVER_DATE_LEN + 1];       /* YYYY-MM-DD, or empty for no limit */
    char not_after[HANDOVER_DATE_LEN + 1];        /* the last day */
    char derivation[HANDOVER_DERIVATION_MAX + 1]; /* 1–16 of a–z 0–9 -; empty: the key is no master */
    bool test;
    char under[HANDOVER_NAME_MAX + 1]; /* what it is wrapped under */
    uint16_t under_version;            /* 0: none */
    enum handover_method method;
    uint8_t wrapped[HANDOVER_WRAPPED_MAX];
    size_t wrapped_len;         /* KWP: 24, 32, 40, or of a pair 296–2392, by 8; OAEP (no pair): 64–512 */
    uint8_t signer[SHA256_LEN]; /* SHA-256 of the signing key's DER SubjectPublicKeyInfo */
    uint8_t signature[SIGNATURE_MAX]; /* RSASSA-PKCS1-v1_5 with SHA-256 */
    size_t signature_len;             /* 64–512 */
};

/* Appends every byte of the file before its signature line. False (ERR_INPUT, nothing appended): a value that no file may
 * have, named by line and field; b is full. */
MUST_CHECK bool handover_put_signed_part(const struct handover *h, struct buf *b, struct err *err);
/* Appends what is signed: context string ‖ 00 ‖ signed part. False as handover_put_signed_part. */
MUST_CHECK bool handover_to_be_signed(const struct handover *h, struct buf *b, struct err *err);
/* Appends the whole file. False as handover_put_signed_part; the signature's length. The signature is not verified. */
MUST_CHECK bool handover_put(const struct handover *h, struct buf *b, struct err *err);

/* Reads a file, for showing what it claims: nothing is proved by it. False (ERR_INPUT, out unchanged): any other byte than
 * those of the one form, named by line and field. */
MUST_CHECK bool handover_parse(const void *text, size_t len, struct handover *out, struct err *err);
/* Reads a file that this key signed. False, out unchanged: as handover_parse; ERR_INTEGRITY: the file names another signer, or
 * the signature does not verify over the file's own bytes. */
MUST_CHECK bool handover_verify(const void *text, size_t len, const struct public_key *signer,
                                struct handover *out, struct err *err);

/* "des2", "aes256", … */
const char *handover_algorithm_name(enum handover_algorithm algorithm);
/* Bytes of a secret key: 16, 24 or 32; 0 for a pair. */
size_t handover_algorithm_len(enum handover_algorithm algorithm);
/* Bytes of its check value: 3 or 5. */
size_t handover_check_value_len(enum handover_algorithm algorithm);
/* False: no algorithm, or method, has this name. */
bool handover_algorithm_find(const char *name, enum handover_algorithm *out);
/* "kwp", "oaep-sha1" */
const char *handover_method_name(enum handover_method method);

#endif
