/* bench/setup.h - what a worker has before its first card, in a process of cardbench: tokens, keys, cards one after another. */
#ifndef BENCH_SETUP_H
#define BENCH_SETUP_H

#include "prep/prepare.h"
#include "prep/read.h"

struct setup {
    const struct job *job;
    struct keyring_tokens tokens;
    struct keyring *keys;
    struct job_identity identity;
    struct card_reader *reader;
    struct planner *planner;
    struct card_input input;
    uint64_t position;
    struct card_plan plan;
};

/* Opens this token and logs in. False: ERR_CONFIG for a PIN that would have to be typed again in every process; else as
 * hsm_token_open. */
MUST_CHECK bool setup_token(struct hsm_token **out, const struct token_settings *token, struct err *err);
/* False: ERR_CONFIG for a PIN that would have to be typed again in every process; else as a worker's start. */
MUST_CHECK bool setup_open(struct setup *s, const struct job *job, struct err *err);
void setup_close(struct setup *s);
/* Plans the next card into s->plan; after the last one the first one again. */
MUST_CHECK bool setup_next(struct setup *s, struct err *err);

#endif
