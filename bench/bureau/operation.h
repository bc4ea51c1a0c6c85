/* bench/bureau/operation.h - the token's work on a record at the bureau as a list of operations, and what each of them costs: the same
 * calls of hsm/ that the token process makes, timed part by part, with nothing between them.
 *
 * Opening a record takes a MAC key and MACs, and each secret once, to be checked. Re-wrapping takes it out once more where the token
 * cannot wrap it under the card's data key (bureau/translate.h): this second unwrapping is `read`. A conversation takes channels and
 * commands besides. */
#ifndef BENCH_BUREAU_OPERATION_H
#define BENCH_BUREAU_OPERATION_H

#include "bench/bureau/script.h"
#include "bench/operation.h"

enum { BUREAU_OPERATIONS_MAX = 128 };

/* Can be sent through a pipe. */
struct bureau_costs {
    size_t count,
        of_record; /* the first ones open and re-wrap the record; those behind are of the conversation alone */
    struct bureau_cost {
        struct operation_cost cost;
        unsigned times; /* in one record or conversation */
    } operations[BUREAU_OPERATIONS_MAX];
    struct timing all; /* all of them, each as often as it is needed */
    double cpu_us;     /* for all repetitions together */
};
struct bureau_raw_order {
    struct script_order script; /* part is set */
    bool conversation;          /* else opening and re-wrapping alone */
};
/* A child_fn: context is a bureau_raw_order, the result bureau_costs. Record 1, again and again. False: ERR_CONFIG: more than
 * BUREAU_OPERATIONS_MAX. */
bool bureau_raw(const void *order, void *costs, struct err *err);

/* Adds times of the same operations. */
void bureau_costs_join(struct bureau_costs *all, const struct bureau_costs *more);

#endif
