/* ceremony/letter.h - a component letter: one component of a key, on paper, for one custodian.
 *
 * The component and its digits are in locked memory alone, and wiped before letter_write returns. Where the letter
 * goes is printer.h's. It is one page:
 *   plan, key, component i of n, custodian, algorithm and length, date, check value of this component
 *   the component: groups of four hex digits, eight groups to a numbered line
 *   what the custodian does with it, and a place to sign for having received it */
#ifndef CEREMONY_LETTER_H
#define CEREMONY_LETTER_H

#include "base/secret.h"
#include "hsm/role.h"

/* Texts are UTF-8 within ISO/IEC 8859-1 (page.h) and stay the caller's. */
struct letter {
    const char *plan;
    bool test;                    /* marked on top, below and in words */
    const char *key;              /* "KML" */
    unsigned version;             /* 0: none is named */
    size_t component, components; /* 1 of 2 … 3 of 3 */
    const char *custodian;
    enum hsm_algorithm algorithm; /* a secret key's */
    const char *date;             /* as it is printed */
};

/* Writes the letter for this component, which stays the caller's, to fd. The check value is computed from it.
 * False: the component has another length than its algorithm, or is none of `components` (ERR_INTERNAL); it is of an
 * algorithm without components (ERR_CONFIG); no 750 KiB can be locked (ERR_INTERNAL); a text cannot be printed
 * (ERR_INPUT); fd does not take it all, and some of it may have gone there (ERR_FILE). */
MUST_CHECK bool letter_write(const struct letter *letter, const struct secret *component, int fd,
                             struct err *err);

#endif
