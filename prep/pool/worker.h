/* prep/pool/worker.h - a worker process: logs in, checks its keys, and turns one card after another into a sealed record. */
#ifndef PREP_WORKER_H
#define PREP_WORKER_H

#include "base/secret.h"
#include "config/job.h"
#include "hsm/token.h"

struct worker_pins {
    struct secret master, card_key;
};

/* Configuration's token as hsm/ wants it; borrows the texts. */
struct hsm_token_choice worker_token_choice(const struct token_settings *token);

/* Serves the coordinator behind fd until it closes; gives the exit status of the process. The PINs are wiped in this process
 * as soon as it has logged in. */
int worker_main(int fd, const struct job *job, const struct worker_pins *pins);

/* Peak resident memory of this process in KiB. */
uint64_t process_peak_kib(void);

#endif
