/* formats/scp.h - the secure channel to a card as bytes: everything that needs no key.
 *
 * SCP02 with i = 15 or 55 (GlobalPlatform Card Specification 2.3.1, appendix E) and SCP03 in its S8 mode (amendment D
 * 1.1.2). What is encrypted or MACed is built here, and how; who holds the keys does it (hsm/channel.h). */
#ifndef FORMATS_SCP_H
#define FORMATS_SCP_H

#include "formats/apdu.h"

enum {
    SCP_KEY_DATA = 10,
    SCP_CHALLENGE = 8,
    SCP_CRYPTOGRAM = 8,
    SCP_MAC = 8,
    SCP02_BLOCK = 8,
    SCP03_BLOCK = 16,
    SCP_BLOCK_MAX = 16,
};
enum scp_protocol { SCP02 = 2, SCP03 = 3 };
/* Security level: P1 of EXTERNAL AUTHENTICATE. */
enum scp_level { SCP_C_MAC = 0x01, SCP_C_ENC = 0x02, SCP_R_MAC = 0x10, SCP_R_ENC = 0x20 };
/* Options i of SCP03 (amendment D 5.1); SCP02's answer does not tell its own. */
enum { SCP03_PSEUDO_RANDOM = 0x10, SCP03_R_MAC = 0x20, SCP03_R_ENC = 0x40, SCP03_S16 = 0x01 };

/* INITIALIZE UPDATE's answer without its status word (E.5.1; D 7.1.1). */
struct scp_answer {
    enum scp_protocol protocol;
    uint8_t key_data[SCP_KEY_DATA];
    uint8_t key_version;
    uint8_t options;     /* i; 0x15 for SCP02 */
    uint8_t sequence[3]; /* SCP02: 2 bytes; SCP03: 3 bytes when the challenge is pseudo-random */
    size_t sequence_len;
    uint8_t challenge[SCP_CHALLENGE]; /* SCP02: 6 bytes */
    size_t challenge_len;
    uint8_t cryptogram[SCP_CRYPTOGRAM];
};
/* False (ERR_INPUT): another length than the protocol's, a protocol other than 02 and 03, SCP03 in S16 mode or with
 * options that do not go together (encrypted answers without R-MAC, reserved bits). */
MUST_CHECK bool scp_answer_read(const uint8_t *data, size_t len, struct scp_answer *out, struct err *err);
/* The level to open: MAC always; encryption, and R-MAC (with it encrypted answers) as asked for and offered. */
uint8_t scp_level(const struct scp_answer *answer, bool encrypt, bool response_mac);
/* Bytes of a cipher block. */
size_t scp_block(enum scp_protocol protocol);
/* Data that a command can carry at this level, of which lc_max bytes are sent. */
size_t scp_data_max(enum scp_protocol protocol, uint8_t level, size_t lc_max);

/* 80, then 00 to a whole number of blocks, over what stands in b from `begin` on: at least one byte. */
void scp_pad(struct buf *b, size_t begin, size_t block);
/* *len without that padding. False (ERR_INTEGRITY): there is none. */
MUST_CHECK bool scp_unpad(const uint8_t *data, size_t *len, struct err *err);

/* SCP02 session keys: TDES-CBC over this block with a zero IV (E.4.1). */
enum scp02_constant { SCP02_C_MAC = 0x0101, SCP02_R_MAC = 0x0102, SCP02_DEK = 0x0181, SCP02_ENC = 0x0182 };
void scp02_session_data(enum scp02_constant constant, const uint8_t sequence[2], uint8_t out[16]);
/* What is encrypted for a cryptogram, whose value is the last block (E.4.2). */
void scp02_cryptogram_input(const struct scp_answer *answer, const uint8_t host[SCP_CHALLENGE], bool of_card,
                            uint8_t out[24]);

/* SCP03's derivation (SP 800-108 in counter mode; D 4.1.5): label, constant, L in bits, counter, both challenges. The
 * same block, MACed with the session MAC key and cut to 8 bytes, is a cryptogram. */
enum scp03_constant {
    SCP03_CARD_CRYPTOGRAM = 0x00,
    SCP03_HOST_CRYPTOGRAM = 0x01,
    SCP03_S_ENC = 0x04,
    SCP03_S_MAC = 0x06,
    SCP03_S_RMAC = 0x07
};
enum { SCP03_KDF = 32, SCP03_CRYPTOGRAM_BITS = 64 };
struct scp03_derivation {
    enum scp03_constant constant;
    size_t bits;
    uint8_t counter; /* from 1 */
};
void scp03_kdf_input(const struct scp03_derivation *d, const uint8_t host[SCP_CHALLENGE],
                     const uint8_t card[SCP_CHALLENGE], uint8_t out[SCP03_KDF]);

/* What C-MAC covers: header with the class of secure messaging, length with the MAC, data; for SCP02 padded (E.4.4), for
 * SCP03 behind the chaining value and over encrypted data (D 6.2.4). The length has the extended form, 00 and two bytes, where it
 * is above 255. False (ERR_INPUT): it does not fit a command. */
MUST_CHECK bool scp02_mac_input(const struct apdu *command, struct buf *out, struct err *err);
MUST_CHECK bool scp03_mac_input(const uint8_t chain[16], const struct apdu *command, struct buf *out,
                                struct err *err);
/* Appends the command as sent: class of secure messaging, data, MAC. */
MUST_CHECK bool scp_put_secured(struct buf *b, const struct apdu *command, const uint8_t mac[SCP_MAC],
                                struct err *err);
/* The block that, encrypted, is the IV of a command or answer (D 6.2.6, 6.2.7). */
void scp03_counter_block(uint64_t counter, bool of_answer, uint8_t out[SCP03_BLOCK]);
/* What R-MAC covers: for SCP02 the command without Le, the answer's length and the answer, padded (E.4.5); for SCP03
 * chaining value, data as sent and status word (D 6.2.5). */
void scp02_rmac_input(const struct apdu *command, const struct apdu_answer *answer, struct buf *out);
void scp03_rmac_input(const uint8_t chain[16], const struct apdu_answer *answer, struct buf *out);

/* One key of PUT KEY's data (11.8.2.3; D 7.2): type, the key encrypted under the data key, its check value. */
struct scp_new_key {
    bool aes;
    const uint8_t *encrypted;
    size_t len;     /* of the ciphertext */
    size_t key_len; /* of the key */
    uint8_t check[3];
};
void scp_new_key_put(struct buf *b, const struct scp_new_key *key);

#endif
