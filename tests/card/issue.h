/* tests/card/issue.h - what a bureau would load: groupings for a payment card with a key pair, a purse and a loyalty programme,
 * and the STORE DATA commands for them. Keys are published test keys (tests/vectors/crt.txt); certificates are made here. */
#ifndef TESTS_CARD_ISSUE_H
#define TESTS_CARD_ISSUE_H

#include "formats/emv_cert.h"
#include "host.h"

enum how { IN_CLEAR = 0x00, BY_APPLICATION = 0x20, BY_CHANNEL = 0x60 };

enum { GROUPS_MAX = 24, GROUP_ROOM = 300 };
struct group {
    uint16_t dgi;
    enum how how;
    uint8_t value[GROUP_ROOM]; /* before encryption, padding on where it needs one */
    size_t len;
};

struct pair {
    uint8_t part[5][256]; /* in the order of DGI 8201–8205 */
    size_t part_len[5];
    struct emv_public_key key;
    uint8_t d[256];
    size_t d_len;
};

struct issue {
    const char *aid;
    struct group groups[GROUPS_MAX];
    size_t count;
    struct pair ca, issuer, card;
    bool aes;            /* the application's keys */
    uint8_t keys[3][16]; /* MK-AC, MK-SMI, MK-SMC, or KDL, KDU, KPA */
    size_t block;        /* of the channel's cipher */
    size_t chunk;        /* data bytes of a STORE DATA command */
    struct buf static_data;
};

/* Payment application with DDA: records, certificates, keys, key pair, PIN 1234 with three tries. block: 8 or 16. */
void issue_emv(struct issue *o, bool aes, size_t block);
void issue_purse(struct issue *o, bool aes, size_t block);
void issue_loyalty(struct issue *o);
void issue_release(struct issue *o);
struct group *issue_find(struct issue *o, uint16_t dgi);
void issue_add(struct issue *o, uint16_t dgi, enum how how, const void *value, size_t len);

/* The chain of STORE DATA commands; gives the first status word that is not 9000. h has an open channel, and the application is
 * selected or named by INSTALL. */
unsigned issue_store(const struct issue *o, struct host *h);
/* The commands alone: number n from 0; false: there is none. P1 and data; *last. */
struct issue_command {
    uint8_t p1, p2;
    uint8_t data[255];
    size_t len;
};
size_t issue_commands(const struct issue *o, const struct host *h, struct issue_command *out, size_t max);

/* SELECT the application, open a channel, load. */
unsigned issue_all(const struct issue *o, struct host *h, uint8_t level);

void pair_read(struct pair *out, size_t block_of_crt_txt);
/* in^d mod n */
void pair_sign(const struct pair *p, const uint8_t *in, uint8_t *out);

#endif
