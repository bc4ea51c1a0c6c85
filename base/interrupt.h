/* base/interrupt.h - SIGINT and SIGTERM as something to ask for, without global state. */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <signal.h>

#include "base/err.h"

struct interrupt {
    int fd; /* −1: not watching */
    sigset_t before;
};
/* From now on SIGINT and SIGTERM wait to be asked for; fd becomes readable when one comes. Children inherit the mask: fork those that
 * should not before. False (ERR_INTERNAL): the system refuses. */
MUST_CHECK bool interrupt_watch(struct interrupt *i, struct err *err);
/* Has one come since? */
bool interrupt_came(struct interrupt *i);
/* The signals do again what they did before. */
void interrupt_release(struct interrupt *i);

#endif
