/* tests/prep/workbench.h - a job made by hand on a real token: three applications, every kind of grouping, both
 * embodiments; its card plan, and the file that comes of it, which tests/reader judges. */
#ifndef TESTS_PREP_WORKBENCH_H
#define TESTS_PREP_WORKBENCH_H

#include "prep/prepare.h"
#include "softtoken.h"

struct workbench {
    struct hsm_token *token;
    struct keyring_tokens tokens;
    struct job job;
    struct job_identity identity;
    struct emv_ca_key ca;
    struct card_input input;
    struct card_plan plan;
};

/* Makes all keys and the issuer certificate on the token. */
MUST_CHECK bool workbench_make_keys(struct hsm_token *t, struct workbench *w, struct err *err);
/* Fills job and plan; the keys are on the token already, `ca` and the certificate come from workbench_make_keys. */
MUST_CHECK bool workbench_init(struct workbench *w, struct hsm_token *t, struct err *err);
/* Writes JOB, these record bytes and a signed END to PATH, and the TEST keys beside it. */
MUST_CHECK bool workbench_write_file(const struct workbench *w, struct keyring *keys,
                                     const struct buf *record, const char *path, const char *keys_path,
                                     struct err *err);

#endif
