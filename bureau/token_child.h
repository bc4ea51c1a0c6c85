/* bureau/token_child.h - the token process itself: what token_process.c forks. */
#ifndef BUREAU_TOKEN_CHILD_H
#define BUREAU_TOKEN_CHILD_H

#include "config/bureau.h"

/* Fetches the PIN (from the pipe pin_fd, unless that is −1), logs in, finds the keys, enters the sandbox, and then serves the parent behind fd until that closes. Gives the
 * exit status of the process. */
int token_child_main(int fd, int pin_fd, const struct bureau *settings);

#endif
