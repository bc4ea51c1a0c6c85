/* prep/usage.h - how often a job asks for each of its master keys. Usages stand in arrays, one per key of the job, in the
 * order of job->keys.
 *
 * One derivation encrypts one block or more under the master: blocks of 8 bytes for DES, of 16 for AES. What a worker derives at
 * its start, for check values and subkeys, is not counted. */
#ifndef PREP_USAGE_H
#define PREP_USAGE_H

#include "prep/plan.h"

struct usage {
    uint64_t derivations, blocks;
};

/* Adds one derivation from this master. */
void usage_add(struct usage *usage, const struct job *job, const struct planned_master *master);
/* Adds those of a whole card, as the worker will make them. */
void usage_add_card(struct usage *usage, const struct job *job, const struct card_plan *plan);
/* Adds as many as no card of the job exceeds, whatever applications and versions it has. */
void usage_add_most(struct usage *usage, const struct job *job);
/* Adds `times` times what `from` holds. */
void usage_add_all(struct usage *usage, const struct usage *from, size_t count, uint64_t times);
/* Bytes of a block of this key's cipher. */
size_t usage_block_len(const struct key_settings *key);

#endif
