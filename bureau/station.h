/* bureau/station.h - one reader, and the process that drives it.
 *
 *   coordinator (file, journal, books) ◀── socket ──▶ station 1 … N (one reader each) ◀── socket ──▶ token process of its own
 *
 * A station holds no key and no book. When a card is in its reader it asks for a record, plays the token process's commands
 * to the card (turns.h), asks before the card is used, and tells the outcome. A station that falls costs its card and nothing else. */
#ifndef BUREAU_STATION_H
#define BUREAU_STATION_H

#include <sys/types.h>

#include "bureau/station_wire.h"
#include "config/bureau.h"

enum { STATION_READER_MAX = 128, STATION_PATIENCE_MS = 10000 };

struct station {
    pid_t pid;
    int fd; /* −1: it has ended */
    char reader[STATION_READER_MAX];
};

/* Forks the station for this reader and waits until it has its token process and the reader service, so that a wrong PIN is tried
 * once. It keeps no file of the coordinator's open. pin_fd: a pipe with the PIN for its token process (pin_once.h), taken over; −1: that
 * process fetches it. False: what the token process says (ERR_TOKEN), or
 * the reader service (ERR_FILE). */
MUST_CHECK bool station_start(struct station *s, const struct bureau *settings, const char *reader,
                              int pin_fd, struct err *err);
/* Lets it end: a card under way is broken off between two commands. Waits for it. Harmless when it has ended. */
void station_end(struct station *s);
/* Waits for one that has ended by itself; says how: "ended by signal 9 (Killed)". False: not of its own will. */
bool station_reap(struct station *s, char how[64]);

#endif
