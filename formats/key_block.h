/* formats/key_block.h - key blocks of TR-31:2018 and ASC X9.143:2021 (docs/formats/key-blocks.md), versions B (TDES)
 * and D (AES): the text, what a key may be imported as, and what the token encrypts to make the block's own keys.
 * Pure: the ciphers are the token's (hsm/key_block.h). Offsets in messages count characters from 0. */
#ifndef FORMATS_KEY_BLOCK_H
#define FORMATS_KEY_BLOCK_H

#include "base/buf.h"

enum {
    KEY_BLOCK_HEADER_LEN = 16,
    KEY_BLOCK_MAX = 9999,         /* characters: the length has four digits */
    KEY_BLOCK_OPTIONAL_MAX = 99,  /* their number has two */
    KEY_BLOCK_INPUT_MAX = 32,     /* bytes that the token encrypts to make one key */
    KEY_BLOCK_CHECK_VALUE_MAX = 8 /* bytes */
};

struct key_block_header {
    char version;        /* 'B' or 'D' */
    char usage[3];       /* "E0" */
    char algorithm;      /* of the key in the block: 'T', 'A', … */
    char mode;           /* 'X' */
    char key_version[3]; /* "01"; "00": not used */
    char exportability;  /* 'E', 'N', 'S' */
    char context;        /* '0' any, '1' storage, '2' exchange */
};
struct key_block_optional {
    char id[3];       /* "KC" */
    const char *data; /* printable ASCII, borrowed */
    size_t len;
};
/* A block as it was read; everything points into its text. */
struct key_block {
    struct key_block_header header;
    struct key_block_optional optional[KEY_BLOCK_OPTIONAL_MAX];
    size_t optional_count;
    const char *text;
    size_t bound_len;  /* header and optional blocks: what the MAC covers, besides the key */
    size_t cipher_len; /* bytes of the encrypted key */
    size_t mac_len;    /* bytes: 8 (B) or 16 (D), also the cipher's block */
};

/* Reads the whole text, no more and no less. False (ERR_INPUT, with the offset): cut or longer than it says, version A,
 * C or another, an unknown letter, an optional block that is cut, of an unusual length or there twice, PB not last,
 * no multiple of the cipher's block, no upper-case hex. Whether usage, mode and algorithm go together is not asked. */
MUST_CHECK bool key_block_read(const char *text, size_t len, struct key_block *out, struct err *err);
/* The optional block of this id, or NULL. */
const struct key_block_optional *key_block_optional(const struct key_block *block, const char *id);
/* Appends the encrypted key ‖ MAC as bytes. */
MUST_CHECK bool key_block_sealed(const struct key_block *block, struct buf *out, struct err *err);
/* KC and KP: two digits of how it was computed ("00": zeros encrypted, "01": CMAC) and the value, 2 to 8 bytes. */
struct key_block_check_value {
    char kind[3];
    uint8_t bytes[KEY_BLOCK_CHECK_VALUE_MAX];
    size_t len;
};
MUST_CHECK bool key_block_check_value(const struct key_block_optional *optional,
                                      struct key_block_check_value *out, struct err *err);

/* Appends header and optional blocks of a key that takes plain_len bytes, with a PB block behind them where that is
 * needed; encrypted key and MAC go behind in upper-case hex. False (ERR_CONFIG, dst unchanged): key_block_read would
 * refuse the result. */
MUST_CHECK bool key_block_put_header(const struct key_block_header *header,
                                     const struct key_block_optional *optional, size_t optional_count,
                                     size_t plain_len, struct buf *dst, struct err *err);

/* What is encrypted: length in bits (2) ‖ key ‖ random padding. The length of a key is hidden: padding fills up to the
 * longest key of its algorithm, then to the cipher's block. */
size_t key_block_plain_len(char version, char algorithm, size_t key_len);
/* Over plain_len random bytes at `plain`. */
void key_block_plain_put(uint8_t *plain, const uint8_t *key, size_t key_len);
enum { KEY_BLOCK_KEY_OFFSET = 2 };
/* The key is at plain + KEY_BLOCK_KEY_OFFSET. False (ERR_INPUT): no whole bytes, none, or more than there are. */
MUST_CHECK bool key_block_plain_read(const uint8_t *plain, size_t plain_len, size_t *key_len,
                                     struct err *err);

/* The input of the derivation function for the two keys of a block, as CMAC takes it before its subkey is XORed into each
 * cipher block: encrypted in ECB by the KBPK, the leading key_len bytes are the key. */
struct key_block_inputs {
    uint8_t cipher[KEY_BLOCK_INPUT_MAX], mac[KEY_BLOCK_INPUT_MAX];
    size_t len;   /* of each, whole cipher blocks */
    bool is_full; /* subkey K1; else the message was padded: K2 */
};
/* False (ERR_CONFIG): no KBPK of this version has kbpk_len bytes (B: 16, 24; D: 16, 24, 32). */
MUST_CHECK bool key_block_inputs(char version, size_t kbpk_len, struct key_block_inputs *out,
                                 struct err *err);

/* What a key is for here. */
enum key_block_purpose {
    KEY_BLOCK_DERIVES,  /* a master */
    KEY_BLOCK_WRAPS,    /* a KEK or ZCMK at its sender */
    KEY_BLOCK_UNWRAPS,  /* the same at its receiver */
    KEY_BLOCK_PROTECTS, /* a KBPK */
};
struct key_block_usage {
    const char *id, *name;
    const char *modes;      /* that may go with it */
    const char *algorithms; /* 'T', 'A' */
    unsigned purposes;      /* 1 << purpose; none: no key that is kept here */
};
/* NULL: not known here. */
const struct key_block_usage *key_block_usage(const char *id);
/* May the key of this header become one of this purpose and algorithm ('T', 'A')? False (ERR_INPUT): usage unknown or
 * for something else, algorithm, mode of use, a component, or bound to storage; each by name. */
MUST_CHECK bool key_block_check_use(const struct key_block_header *header, enum key_block_purpose purpose,
                                    char algorithm, struct err *err);
/* May a key of this purpose leave under this header? False (ERR_CONFIG), as above; the mode is the receiver's. */
MUST_CHECK bool key_block_check_export(const struct key_block_header *header, enum key_block_purpose purpose,
                                       struct err *err);
/* The receiver's mode for a key that has this purpose at the sender: what the one wraps, the other unwraps. */
char key_block_receiver_mode(enum key_block_purpose purpose);
/* No key travels under a weaker one. False (ERR_CONFIG). `kbpk` and `key` are 'T' or 'A'. */
MUST_CHECK bool key_block_check_strength(char kbpk, size_t kbpk_len, char key, size_t key_len,
                                         struct err *err);

#endif
