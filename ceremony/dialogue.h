/* ceremony/dialogue.h - how a ceremony talks with the people before it: on their terminal (/dev/tty), in lines of at most
 * 80 columns, without colour. Results of commands go to stdout as everywhere; this is for what is read aloud and typed.
 *
 * Unattended (TEST plans with --yes) nothing is asked: what is said goes to stderr, and a question is an error. */
#ifndef CEREMONY_DIALOGUE_H
#define CEREMONY_DIALOGUE_H

#include <stdio.h>

#include "base/secret.h"

enum { DIALOGUE_COLUMNS = 78, DIALOGUE_LINE_MAX = 256 };

struct dialogue {
    FILE *terminal; /* to write on; NULL while closed */
    int keyboard;   /* the same terminal's descriptor to read from */
    bool asks;      /* somebody answers */
    bool watches;   /* signals are watched (base/stop_signal.h): one that came ends the next question */
};

/* False (ERR_CONFIG): there is no terminal to ask on. */
MUST_CHECK bool dialogue_open(struct dialogue *d, bool unattended, struct err *err);
void dialogue_close(struct dialogue *d);

/* A paragraph, its words wrapped. A dialogue that is closed says nothing. */
void dialogue_say(const struct dialogue *d, const char *format, ...) PRINTF_LIKE(2, 3);
/* "  Who:   Officer 1 …", wrapped under the first word of the text. An empty text says nothing. */
void dialogue_item(const struct dialogue *d, const char *label, const char *text);

/* A result to stdout: "17/28  key KML/1 on issuer   " and what came of it. On a terminal a text that does not fit behind its
 * head stands under it, wrapped; elsewhere all of it is one line, for programs. */
void dialogue_result(const char *head, const char *text);

/* A visible answer of up to size − 1 bytes, blanks at both ends taken off.
 * False: nobody answers (ERR_CONFIG), too long (ERR_INPUT), the terminal ends or a signal comes (ERR_INTERRUPTED). */
MUST_CHECK bool dialogue_ask(const struct dialogue *d, const char *question, char *answer, size_t size,
                             struct err *err);
/* Enter goes on. False (ERR_INTERRUPTED) also when "leave" is typed. Unattended: true, unless a signal came. */
MUST_CHECK bool dialogue_go_on(const struct dialogue *d, const char *to_do_what, struct err *err);
/* Asks until "yes" or "no" is typed. */
MUST_CHECK bool dialogue_agrees(const struct dialogue *d, const char *question, bool *yes, struct err *err);
/* Asks until exactly this text is typed, letter case and blanks aside: a name, a label, a check value. An empty answer asks
 * again; after three wrong ones false (ERR_INPUT), naming what was asked for. Unattended: true. */
MUST_CHECK bool dialogue_types(const struct dialogue *d, const char *question, const char *due,
                               struct err *err);
/* A hidden answer into s, which has its room; see secret_prompt. */
MUST_CHECK bool dialogue_hidden(const struct dialogue *d, const char *question, struct secret *s,
                                struct err *err);

#endif
