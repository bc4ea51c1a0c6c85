/* plastic.h - a card's side of the secure channel and of personalization, for tests of the bureau: written with OpenSSL alone from
 * the GlobalPlatform Card Specification (appendix E, amendment D). It shares nothing with hsm/ or bureau/, believes nothing, and
 * keeps what it got. */
#ifndef TESTS_BUREAU_PLASTIC_H
#define TESTS_BUREAU_PLASTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLASTIC_KEY_MAX = 32,
    PLASTIC_APPS = 4,
    PLASTIC_DGIS = 48,
    PLASTIC_VALUE = 600,
    PLASTIC_ANSWER = 300,
    PLASTIC_DATA = 4096
};

struct plastic_keys {
    uint8_t version;
    size_t len;
    uint8_t enc[PLASTIC_KEY_MAX], mac[PLASTIC_KEY_MAX], dek[PLASTIC_KEY_MAX];
};
struct plastic_dgi {
    uint16_t id;
    uint8_t p1; /* bits 7 and 6 */
    size_t len;
    uint8_t value[PLASTIC_VALUE]; /* decrypted, with its padding */
};
struct plastic_app {
    uint8_t aid[16];
    size_t aid_len;
    bool personalized;
    struct plastic_dgi dgis[PLASTIC_DGIS];
    size_t dgi_count;
    uint8_t pending[2 * PLASTIC_VALUE]; /* a grouping that goes on in the next command */
    size_t pending_len;
    unsigned next_block;
};
struct plastic {
    /* set by plastic_init, may be changed before the first command */
    int protocol;    /* 2 or 3 */
    uint8_t options; /* i of SCP03 */
    uint8_t key_data[10];
    struct plastic_keys keys;
    struct plastic_app apps[PLASTIC_APPS];
    size_t app_count;
    unsigned life_cycle;   /* 01, 07, 0F */
    bool wrong_cryptogram; /* answers with one */
    size_t fail_at;        /* the command with this number, from 1, … */
    unsigned fail_sw;      /* … answers so, and does nothing; 0: mute */
    bool done_but_mute;    /* … is done, but its answer is lost */
    bool takes_extended;   /* commands of extended length */
    bool asks_for_le;      /* answers 6Cxx and 61xx as T=0 cards do */

    /* what happened */
    size_t commands, initialize_updates, authentications;
    size_t extended; /* commands of extended length, */
    size_t longest;  /* and the most data of one */
    unsigned level;

    /* the session */
    bool open, authenticated;
    struct plastic_app *selected, *target; /* NULL: the domain; target: of STORE DATA */
    uint8_t sequence[3], host[8], card[8];
    uint8_t s_enc[PLASTIC_KEY_MAX], s_mac[PLASTIC_KEY_MAX], s_rmac[PLASTIC_KEY_MAX], s_dek[PLASTIC_KEY_MAX];
    uint8_t icv[8], chain[16];
    uint64_t counter;
    uint8_t waiting[PLASTIC_ANSWER]; /* for GET RESPONSE */
    size_t waiting_len;
    unsigned waiting_sw;
};

/* A card with keys out of a KMC: kmc-cps for SCP02 (16 bytes), kmc-aes for SCP03. */
void plastic_init(struct plastic *p, int protocol, uint8_t options);
void plastic_keys_from(struct plastic_keys *keys, int protocol, uint8_t version, const uint8_t *kmc,
                       size_t kmc_len, const uint8_t key_data[10]);
struct plastic_app *plastic_add(struct plastic *p, const uint8_t *aid, size_t len);
/* Gives the length of the answer; 0: mute. */
size_t plastic_command(struct plastic *p, const uint8_t *command, size_t len, uint8_t answer[PLASTIC_ANSWER]);
/* NULL: never got. */
const struct plastic_dgi *plastic_got(const struct plastic_app *app, uint16_t id);

#endif
