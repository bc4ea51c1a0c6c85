/* base/progress.h - how far a long run is: a bar with rate and time left on a terminal, a line a minute
 * otherwise. Time comes in from the caller, so that tests need no clock. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *stream; /* NULL: silent */
    bool terminal;
    const char *unit; /* "cards" */
    uint64_t total;
    uint64_t started_ms;
    uint64_t shown_ms;
    bool drawn;
};

/* stream is normally stderr; `terminal` says whether a bar may be redrawn in place. */
void progress_init(struct progress *p, FILE *stream, bool terminal, const char *unit, uint64_t total,
                   uint64_t now_ms);
/* Call as often as you like: draws at most ten times a second (terminal) or once a minute. */
void progress_update(struct progress *p, uint64_t done, uint64_t now_ms);
/* Draws the last state and ends the line. */
void progress_finish(struct progress *p, uint64_t done, uint64_t now_ms);
/* "3 h 05 min", "12 min 30 s", "8 s" */
void progress_duration(char *text, size_t size, uint64_t ms);
/* Monotonic clock in milliseconds. */
uint64_t clock_monotonic_ms(void);

#endif
