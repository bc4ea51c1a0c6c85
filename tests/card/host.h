/* tests/card/host.h - the other side of a card's secure channel, with OpenSSL alone and nothing of card/: its own ciphers
 * and MACs (host_cipher.h) and session keys. Test keys only. */
#ifndef TESTS_CARD_HOST_H
#define TESTS_CARD_HOST_H

#include <stdio.h>

#include "base/buf.h"
#include "card/card.h"

enum { HOST_KEY_MAX = 32 };

struct host {
    struct card *card;
    unsigned scp, i;
    size_t key_len;
    uint8_t enc[HOST_KEY_MAX], mac[HOST_KEY_MAX], dek[HOST_KEY_MAX]; /* static */
    uint8_t s_enc[HOST_KEY_MAX], s_mac[HOST_KEY_MAX], s_rmac[HOST_KEY_MAX], s_dek[HOST_KEY_MAX];
    uint8_t chain[16], rchain[8];
    bool chained, open;
    uint32_t counter;
    uint8_t level;
    uint8_t key_version, key_data[10], card_challenge[8], sequence[3];
    struct buf answer; /* data of the last answer, without MAC and padding */
    bool answer_right; /* its MAC was right, where the level asks for one */
    bool spoil;        /* the next C-MAC is wrong */
    FILE *script;      /* NULL, or where each command goes in hex, one a line */
};

/* A host for a card with the test keys of card_test_settings. */
void host_init(struct host *h, struct card *card, unsigned scp, unsigned i, size_t key_len);
void host_release(struct host *h);

/* Sends a command in hex, blanks allowed; follows 61xx. Inside the channel while that is open. Data go to h->answer. */
unsigned host_hex(struct host *h, const char *hex);
/* The same with header and data apart; Le 00 behind. Inside the channel of extended length where it has to be. */
unsigned host_send(struct host *h, const uint8_t head[4], const void *data, size_t len);
/* INITIALIZE UPDATE and EXTERNAL AUTHENTICATE; gives the status word of the one that failed, or of the last. The answer of the
 * first was right if the result is 9000. */
unsigned host_open(struct host *h, uint8_t version, uint8_t level);
unsigned host_select(struct host *h, const char *aid);

/* Encrypts for the card's data key of the session (application: its static one); len is a whole number of blocks. */
void host_encrypt(const struct host *h, bool application, const uint8_t *in, size_t len, uint8_t *out);
size_t host_block(const struct host *h);

#endif
