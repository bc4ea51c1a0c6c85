/* bureau/commands/repeat_modules.h - groups that other machines have not taken of cards that are made: redo hands them over again.
 *
 * No card is needed for it, and no chip is touched: which module a record lacks the journal says (journal_book_lacks). */
#ifndef BUREAU_COMMANDS_REPEAT_MODULES_H
#define BUREAU_COMMANDS_REPEAT_MODULES_H

#include "bureau/incoming.h"
#include "bureau/ledger.h"

struct repeat_modules {
    const struct bureau *settings;
    struct ledger *ledger;
    struct incoming *file; /* read, and then at its beginning */
    uint64_t first, last;  /* numbers of records */
    /* How it went. */
    uint64_t done, failed;
    bool interrupted; /* SIGINT or SIGTERM came: the module under way was waited for, no more were asked */
};
/* Why a module fails goes to standard error, and is no error here. False: the file has changed (ERR_INTEGRITY), it or the journal fails. */
MUST_CHECK bool repeat_modules(struct repeat_modules *r, struct err *err);

#endif
