/* bureau/module_names.h - modules by their MICs, as bits: which of them a record still lacks is one number in the journal's book. */
#ifndef BUREAU_MODULE_NAMES_H
#define BUREAU_MODULE_NAMES_H

#include "formats/mic.h"

enum { MODULE_NAMES_MAX = 64 };

/* Each name has the bit of its place; zeroed there are none. */
struct module_names {
    char names[MODULE_NAMES_MAX][MIC_NAME_MAX + 1];
    size_t count;
};
/* 0: never added. */
uint64_t module_names_find(const struct module_names *m, const char *mic);
/* Adds the names of a list, with a blank between each two, if they are new, and gives their bits. "": none. False (ERR_INTEGRITY),
 * *bits as it was: what is no MIC, or more names than there can be. */
MUST_CHECK bool module_names_add(struct module_names *m, const char *list, uint64_t *bits, struct err *err);

#endif
