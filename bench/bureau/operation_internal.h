/* bench/bureau/operation_internal.h - operation.c (does them) and operation_list.c (counts them). */
#ifndef BENCH_BUREAU_OPERATION_INTERNAL_H
#define BENCH_BUREAU_OPERATION_INTERNAL_H

#include "bench/bureau/operation.h"

struct bureau_operation {
    enum operation_kind kind;
    char what[48];
    unsigned times;
    const struct ring_kek *kek;       /* MAC_KEY */
    const uint8_t *mackey;            /* MAC_KEY, of MACKEY_LEN */
    const struct open_secret *secret; /* SECRET, REWRAP */
    const struct open_item *item;     /* TRANSLATE */
    size_t len;                       /* MAC, COMMAND: bytes; TRANSLATE: of each encryption */
    unsigned encryptions;             /* TRANSLATE, COMMAND: so many of len bytes */
};
/* What they are done with. */
struct bureau_bench {
    struct bureau_setup setup;
    struct bureau_line line;
    struct open_record *record;
    struct hsm_key mac_key;
    struct bureau_operation list[BUREAU_OPERATIONS_MAX];
    size_t count, of_record;
};
MUST_CHECK bool bureau_unwrap_mac_key(struct bureau_bench *b, const struct ring_kek *kek,
                                      const uint8_t *mackey, struct hsm_key *out, struct err *err);
/* Fills the list: of opening and re-wrapping b->record, and with a part also of its conversation. */
MUST_CHECK bool bureau_operations_list(struct bureau_bench *b, const struct script_part *part,
                                       struct err *err);

#endif
