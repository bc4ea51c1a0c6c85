/* bench/bureau/script.h - whole conversations with a card that is played: the real token process says what is sent, and gets the
 * answers that a card of these keys would give (setup.h), as `cardbureau script` does. With a reader each command goes through it
 * as well, to whatever is in it, whose answer is not looked at. */
#ifndef BENCH_BUREAU_SCRIPT_H
#define BENCH_BUREAU_SCRIPT_H

#include "bench/bureau/setup.h"

enum { SCRIPT_COMMANDS_MAX = 512, SCRIPT_UPDATE_MAX = 48 };

/* One conversation, from a rehearsal. Can be sent through a pipe. */
struct script_part {
    uint8_t update[SCRIPT_UPDATE_MAX]; /* the card's answer to INITIALIZE UPDATE, with 9000 */
    size_t update_len;
    size_t secrets, inside, readable, untouched; /* of the record; the ways they take on this token */
    size_t count;
    struct script_command {
        uint8_t cla, ins;
        uint16_t len; /* whole */
    } commands[SCRIPT_COMMANDS_MAX];
};
struct script_order {
    const struct bureau *settings;
    const struct bureau_records *records;
    enum scp_protocol protocol;
    const struct script_part *part; /* of a rehearsal; a rehearsal itself needs none */
    double seconds;
    double start_us;    /* as in raw_order */
    const char *reader; /* NULL: none */
};

/* A child_fn: context is a script_order, the result a script_part. Plays record 1 once. False: also when the card is not made. */
bool script_rehearse(const void *order, void *part, struct err *err);

struct script_result {
    uint64_t cards, commands;
    double seconds;
    double cpu_us; /* of this process and its token process, without its start */
};
/* A child_fn: context is a script_order, the result a script_result. One record after the other, again and again. */
bool script_play(const void *order, void *result, struct err *err);

#endif
