/* bureau/modules.h - the groups of other machines (embossing, magnetic stripe, graphics) are handed over in step with the
 * chip: `modules:` of the bureau's settings, docs/formats/bureau.md. A group goes byte for byte to a command's standard input, or into
 * a file of the module's folder. */
#ifndef BUREAU_MODULES_H
#define BUREAU_MODULES_H

#include "config/bureau.h"
#include "formats/mic.h"

enum { MODULE_DEADLINE_MS = 120000 };

/* Gives the record's group to its module. The command gets, besides its arguments, the record's number as CARDBUREAU_RECORD and
 * the group's name as CARDBUREAU_MODULE in its environment; it is through when it ends with status 0, and is killed after
 * deadline_ms. A file is FOLDER/<record, ten digits>-<MIC>, and is never replaced; one
 * that has these bytes already is taken for handed over. False (ERR_FILE): the module has not taken it; its last words on
 * standard error are in the message. */
MUST_CHECK bool module_hand_over(const struct bureau_module *m, uint64_t record,
                                 const struct mic_group *group, int deadline_ms, struct err *err);
/* The module for a group, or NULL. */
const struct bureau_module *module_of(const struct bureau *b, const char *mic);

#endif
