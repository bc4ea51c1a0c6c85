/* tests/support/faults.h - each Cryptoki call of some work fails once, through the recording proxy. */
#ifndef TESTS_SUPPORT_FAULTS_H
#define TESTS_SUPPORT_FAULTS_H

#include "softtoken.h"

enum { FAULT_DEVICE_ERROR = 0x30, FAULT_DEVICE_MEMORY = 0x31 };

struct faults {
    const struct softtoken *soft;    /* the token itself */
    const struct softtoken *through; /* the same behind the proxy */
    const char *label;
    /* Opens the token through the proxy, works, closes. *left: session objects left before closing; *broken: the token
     * says that it is. */
    bool (*work)(size_t *left, bool *broken, struct err *err);
    /* After each time, or NULL; `function` is what failed. */
    void (*after)(const char *function, bool ok);
    long calls_min; /* the work makes more calls than this */
};
/* The n-th call returns rv without reaching the module, for n = 1, 2, … until the work has fewer calls. Each time: the
 * error is ERR_TOKEN and names rv as `name`, no session object is left, and in the end as many objects are on the token as
 * before. */
void fault_each(const struct faults *f, unsigned long rv, const char *name);
/* Objects on the token now; no session object is seen. */
size_t fault_objects(const struct faults *f);
/* Empties the proxy's log. */
void fault_clear_log(const struct softtoken *through);

#endif
