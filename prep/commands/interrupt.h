/* prep/commands/interrupt.h - SIGINT and SIGTERM as something to ask for, without global state. */
#ifndef PREP_INTERRUPT_H
#define PREP_INTERRUPT_H

#include <signal.h>

#include "base/err.h"

struct interrupt {
    int fd; /* −1: not watching */
    sigset_t before;
};
/* Until then SIGINT and SIGTERM end the process, with a word and exit status 130. */
void interrupt_ends_process(void);
/* From now on SIGINT and SIGTERM wait to be asked for. Call it after the keeper was forked: children inherit the mask. */
MUST_CHECK bool interrupt_watch(struct interrupt *i, struct err *err);
/* Has one come since? */
bool interrupt_came(struct interrupt *i);
/* The signals do again what they did before. */
void interrupt_release(struct interrupt *i);

#endif
