/* prep/pool/keeper.h - the process that holds the PINs and forks every worker from a clean image.
 *
 * It is forked first, before the coordinator has opened an input, an output or a socket to a worker, so that a worker that is
 * started an hour later inherits nothing but the job's settings and the PINs. It loads no PKCS#11 module itself. */
#ifndef PREP_KEEPER_H
#define PREP_KEEPER_H

#include <sys/types.h>

#include "config/job.h"

struct keeper; /* the coordinator's end */

/* Forks the keeper and waits until it has the PINs of the job's tokens. False: ERR_TOKEN (no PIN), ERR_INTERRUPTED. */
MUST_CHECK bool keeper_start(struct keeper **out, const struct job *job, struct err *err);
/* Starts a worker; *fd is the coordinator's end of its socket, non-blocking. */
MUST_CHECK bool keeper_spawn(struct keeper *k, pid_t *pid, int *fd, struct err *err);
/* Waits for a worker whose socket is closed, kills it if it does not end by itself or `at_once`; says how it ended: "ended by
 * signal 9 (Killed)", "ended with exit status 1". */
MUST_CHECK bool keeper_reap(struct keeper *k, pid_t pid, bool at_once, char how[64], struct err *err);
/* Ends the keeper and with it every worker, whose sockets are closed already: each may end by itself, and is killed only
 * if it does not. NULL is fine. */
void keeper_free(struct keeper *k);

#endif
