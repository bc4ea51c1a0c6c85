/* audit/history_internal.h - inside audit/: what a history holds, and how a line gets into it. */
#ifndef AUDIT_HISTORY_INTERNAL_H
#define AUDIT_HISTORY_INTERNAL_H

#include "audit/history.h"

struct history_component {
    size_t key; /* index into the keys */
    uint64_t number, seq;
    char *custodian; /* folded */
};
/* A run of which only the beginning is known so far. */
struct history_begin {
    uint64_t seq, blocks;
    size_t key;
};
/* Either a key's serial numbers from a sender, or (key NULL) how the sender is trusted. */
struct history_partner {
    char *sender, *key, *fingerprint;
    uint64_t serial;
};
struct history_list {
    size_t count, room;
};
struct history {
    struct history_key **key_items; /* each on its own, so that pointers stay */
    struct history_copy *copy_items;
    struct history_component *component_items;
    struct history_begin *begin_items;
    struct history_partner *partner_items;
    struct history_list keys, copies, components, begins, partners;
    struct audit_head head;
    uint64_t cut;
};

/* Takes what the line says, if it is an event of the table. False: ERR_INTEGRITY, or no memory. */
MUST_CHECK bool history_take_line(struct history *h, const struct audit_line *l, struct err *err);
/* Adds to a key's use; stays at the largest number. */
void history_use(struct history_key *k, uint64_t blocks);

#endif
