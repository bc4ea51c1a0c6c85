/* bureau/remake.h - a remake list comes into the books: its records may then be put on new cards.
 *
 * All or nothing is decided first. A list that was taken only in part, because the program was killed, can be taken again: what
 * was noted stays noted once. */
#ifndef BUREAU_REMAKE_H
#define BUREAU_REMAKE_H

#include "bureau/registry.h"
#include "formats/remake_list.h"

struct remake_counts {
    uint64_t noted, noted_before;
};
/* The list is verified. False: ERR_INPUT, nothing noted: its number is below that of a list of this job that was taken; the books do not
 * know the job; a record that is open or under way; one that is made, while the list does not name its card: that it is lost only the
 * issuer can say; another card than the list names (remake_list_allows). ERR_FILE. */
MUST_CHECK bool remake_take(struct registry *books, const struct remake_list *list, time_t now,
                            struct remake_counts *out, struct err *err);

#endif
