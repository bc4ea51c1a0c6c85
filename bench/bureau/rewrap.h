/* bench/bureau/rewrap.h - records opened, and their secrets translated for a card, by the code of the token process but without card,
 * commands or socket. */
#ifndef BENCH_BUREAU_REWRAP_H
#define BENCH_BUREAU_REWRAP_H

#include "bench/bureau/script.h"

struct rewrap_result {
    uint64_t records, secrets;
    double seconds, cpu_us;
};
/* A child_fn: context is a script_order, the result a rewrap_result. */
bool rewrap_records(const void *order, void *result, struct err *err);

#endif
