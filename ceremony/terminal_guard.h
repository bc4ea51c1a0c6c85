/* ceremony/terminal_guard.h - gives the terminal its echo back when cardkeys dies in the middle of a hidden prompt.
 *
 * A process that is killed cannot do that itself. So a child of it waits, holding nothing but the terminal and the end of
 * a pipe; when the pipe closes, whatever the reason, it puts the terminal's settings back as they were. */
#ifndef CEREMONY_TERMINAL_GUARD_H
#define CEREMONY_TERMINAL_GUARD_H

#include "base/err.h"

struct terminal_guard {
    int pipe; /* closes with this process; -1: none */
    int child;
};
/* Before the first hidden prompt, and before any secret is in memory. Without a terminal it does nothing.
 * False (ERR_INTERNAL): no process or pipe to be had. */
MUST_CHECK bool terminal_guard_start(struct terminal_guard *g, struct err *err);
void terminal_guard_stop(struct terminal_guard *g);

#endif
