/* bureau/commands/card_answers.h - a card's answers from a file: hex, one a line; empty lines and those that begin with # count for
 * nothing. */
#ifndef BUREAU_COMMANDS_CARD_ANSWERS_H
#define BUREAU_COMMANDS_CARD_ANSWERS_H

#include "base/buf.h"

struct card_answers {
    const char *path; /* borrowed */
    struct buf text;
    size_t at;
    uint64_t line;
    bool guessed; /* the last one taken was behind the file's end */
};
void card_answers_init(struct card_answers *a);
void card_answers_release(struct card_answers *a);
/* False (ERR_FILE): it cannot be read. */
MUST_CHECK bool card_answers_read(struct card_answers *a, const char *path, struct err *err);
/* Appends the next one; behind the last, 9000: a card that is content. False (ERR_INPUT): a line that is no hex. */
MUST_CHECK bool card_answers_take(struct card_answers *a, struct buf *answer, struct err *err);

#endif
