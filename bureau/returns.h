/* bureau/returns.h - the return file of one MIC file, out of the books: what became of each of its records. */
#ifndef BUREAU_RETURNS_H
#define BUREAU_RETURNS_H

#include "bureau/incoming.h"
#include "bureau/registry.h"
#include "formats/return_file.h"

struct returns_order {
    struct registry *books;
    struct incoming *file; /* is read to its end */
    const char *bureau;    /* name */
    time_t now;
    /* Another source of events in place of the books: as registry_walk_events. NULL: the books. */
    bool (*walk)(void *context, registry_event_fn *fn, void *fn_context, struct err *err);
    void *walk_context;
};
/* Writes the whole file. *lines: how many lines of cards it has. False: ERR_INTEGRITY, the books tell of a card and not which, or
 * the file has changed; ERR_INPUT, a value that no return file may have; what sink and signer say. */
MUST_CHECK bool returns_write(const struct returns_order *order, struct signed_lines_sink sink,
                              const struct signed_lines_signer *signer, uint64_t *lines, struct err *err);

#endif
