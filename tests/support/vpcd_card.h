/* tests/support/vpcd_card.h - a card of a few lines in a virtual reader (card_service.h): answers by a function, and can be
 * pulled out at a given command, be slow, or not answer to reset. It is a process of its own. */
#ifndef TESTS_SUPPORT_VPCD_CARD_H
#define TESTS_SUPPORT_VPCD_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { VPCD_ANSWER_MAX = 65538 };

struct vpcd_script {
    const uint8_t
        *atr; /* NULL: one that offers T=1 and extended lengths; of length 0: does not answer to reset */
    size_t atr_len;
    /* Gives the answer's length; NULL: the command's own bytes and 9000. */
    size_t (*answer)(void *context, const uint8_t *command, size_t len, uint8_t answer[VPCD_ANSWER_MAX]);
    void *context;
    unsigned pull_at;  /* leaves the reader at this command, from 1, which it has carried out; 0: stays */
    unsigned delay_ms; /* before each answer */
    /* Asked at each reset after a command, when nobody holds it any more: does it leave the reader? NULL: it stays. */
    bool (*leaves)(void *context);
};

/* What it has seen so far, readable while it lives. */
struct vpcd_seen {
    volatile unsigned commands, resets, power_ons;
};
struct vpcd_card {
    pid_t pid;
    struct vpcd_seen *seen;
};

/* Puts it into the reader at this port, as soon as that is there. */
bool vpcd_card_insert(struct vpcd_card *c, int port, const struct vpcd_script *script);
/* Pulls it out. Harmless when it is out. */
void vpcd_card_pull(struct vpcd_card *c);
/* Waits until it has left by itself. */
void vpcd_card_await(struct vpcd_card *c);
/* Pulls it out and forgets what it has seen. */
void vpcd_card_release(struct vpcd_card *c);

#endif
