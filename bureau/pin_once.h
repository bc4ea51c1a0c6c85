/* bureau/pin_once.h - the PIN of a token that several processes log in to, each by itself.
 *
 * One that is typed, or read from a descriptor, comes once: whoever starts the processes fetches it, gives it to each through a pipe
 * of its own, and wipes it when the last one has started. One in a file or a credential every process fetches itself. */
#ifndef BUREAU_PIN_ONCE_H
#define BUREAU_PIN_ONCE_H

#include "base/secret.h"
#include "config/bureau.h"

/* Fetches the PIN if it comes once; else *pin, which is empty before, stays so. No process that is forked later has it. A signal
 * ends the question (ERR_INTERRUPTED), with the terminal as it was. False: as hsm_pin_get. */
MUST_CHECK bool pin_once_get(struct secret *pin, const struct bureau *settings, struct err *err);
/* A pipe with the PIN in it as a line, of which only this end to be read is open; −1 if the PIN is empty. For token_process_start_with,
 * which takes it over. */
MUST_CHECK bool pin_once_pipe(const struct secret *pin, int *fd, struct err *err);
/* The token process's side: from the pipe, if there is one (fd ≥ 0), else from where the settings say. */
MUST_CHECK bool pin_once_fetch(struct secret *pin, int fd, const struct bureau *settings, struct err *err);

#endif
