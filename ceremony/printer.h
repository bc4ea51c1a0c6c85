/* ceremony/printer.h - where a component letter goes: to a printer or a descriptor, never to a disk or a screen.
 *
 *   printer:NAME  the print system's queue NAME, by `lp -d NAME -s -o sides=one-sided -`
 *   fd:N          descriptor N of the caller's, 3 or above: a pipe, a socket, or a device such as a printer's own
 *
 * A regular file or a terminal behind fd:N is refused too. What a print system does with a letter is outside: it
 * keeps jobs on its disk while they wait, and CUPS by default a day longer (PreserveJobFiles), so a queue for letters
 * has that switched off, its spool in memory, and a printer without a disk of its own at the end of a cable. */
#ifndef CEREMONY_PRINTER_H
#define CEREMONY_PRINTER_H

#include <signal.h>
#include <sys/types.h>

#include "base/err.h"

enum { PRINTER_NAME_MAX = 128 };

/* One letter on its way. SIGPIPE is ignored from printer_open to printer_close, so that a reader that goes away is an
 * error of write. */
struct printer {
    int fd;      /* write the letter here */
    pid_t child; /* lp; 0 for fd:N */
    int notes;   /* what lp says; -1 for fd:N */
    char name[PRINTER_NAME_MAX];
    struct sigaction before; /* of SIGPIPE */
};
#define PRINTER_NONE                                                                                         \
    {                                                                                                        \
        .fd = -1, .notes = -1                                                                                \
    }

/* False (ERR_CONFIG): the text is none of the above. Whether printer or descriptor are there shows when it is opened. */
MUST_CHECK bool printer_check(const char *text, struct err *err);
/* p is PRINTER_NONE. lp gets no other descriptor, and PATH as its whole environment.
 * False, with p as it was: as printer_check; descriptor N is not open for writing, or is a regular file, a disk or a
 * terminal (ERR_CONFIG); lp is not in PATH (ERR_CONFIG) or cannot be started (ERR_FILE). */
MUST_CHECK bool printer_open(struct printer *p, const char *text, struct err *err);
/* Ends the letter; p is PRINTER_NONE then. fd:N stays open. `whole`: everything was written. If not, lp is ended, so
 * that no half letter waits in a queue, and the answer is false with the caller's err; but if lp had failed by itself,
 * err is lp's reason.
 * False besides (ERR_FILE): lp says that it failed, died, or ended without having read everything. True and harmless
 * for a PRINTER_NONE that is `whole`. */
MUST_CHECK bool printer_close(struct printer *p, bool whole, struct err *err);

#endif
