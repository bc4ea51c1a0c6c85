/* base/stop_signal.h - how a question at the terminal ends when a signal comes (SIGINT, SIGTERM, SIGHUP), without a moment in which
 * the signal is lost: while the question is put they are held back, and let in only where the program waits for the answer. */
#ifndef BASE_STOP_SIGNAL_H
#define BASE_STOP_SIGNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* From now on each of the three signals, the first time, does no more than end a waiting read; the second time it ends the
 * program. False: the system refuses. */
bool stop_signal_watch(void);
/* Has one of them come since stop_signal_watch? Only after that. */
bool stop_signal_came(void);

/* Holds them back until stop_signal_let_go gets the same mask. */
void stop_signal_hold(sigset_t *before);
void stop_signal_let_go(const sigset_t *before);
/* One byte, as read(2); signals come in as `during` has it, while it waits. −1 with errno EINTR: one came. */
ssize_t stop_signal_read(int fd, uint8_t *byte, const sigset_t *during);

#endif
