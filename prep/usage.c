#include "prep/usage.h"

#include <string.h>

enum { DES_BLOCK = 8, AES_BLOCK = 16, DES2_LEN = 16, AES256_LEN = 32 };

size_t usage_block_len(const struct key_settings *key)
{
    return strncmp(key->algorithm, "aes", 3) == 0 ? AES_BLOCK : DES_BLOCK;
}

static void add(struct usage *u, const struct key_settings *key, size_t len)
{
    size_t block = usage_block_len(key);
    u->derivations++;
    u->blocks += (len + block - 1) / block;
}

void usage_add(struct usage *usage, const struct job *job, const struct planned_master *master)
{
    add(&usage[master->key - job->keys], master->key, master->block.len);
}

/* One DGI: the card's own key of the second embodiment is made once for keys that follow each other under it. */
static void add_grouping(struct usage *usage, const struct job *job, const struct planned_application *a,
                         const struct profile_grouping *g)
{
    const struct planned_key *under = NULL;
    for (size_t i = 0; i < g->count; i++) {
        const struct planned_key *k = &a->keys[g->keys[i]];
        if (k->left_out) continue;
        usage_add(usage, job, &k->master);
        if (k->rule->protection == METHOD_KWP || (under && plan_same_card_key(under, k))) continue;
        usage_add(usage, job, &k->card_key);
        under = k;
    }
}

void usage_add_card(struct usage *usage, const struct job *job, const struct card_plan *plan)
{
    for (size_t i = 0; i < plan->application_count; i++) {
        const struct planned_application *a = &plan->applications[i];
        const struct profile *p = a->application ? a->application->profile : NULL;
        if (a->action != APPLICATION_PREPARE || !p || !a->keys) continue;
        for (size_t g = 0; g < p->grouping_count; g++) {
            if (p->groupings[g].kind == GROUPING_KEYS) add_grouping(usage, job, a, &p->groupings[g]);
        }
    }
}

/* From whichever version the card asks for. len 0: a card's own key, which is of the master's kind. */
static void add_named(struct usage *usage, const struct job *job, const char *master, size_t len)
{
    for (size_t i = 0; i < job->key_count; i++) {
        const struct key_settings *key = &job->keys[i];
        if (strcmp(key->name, master) != 0) continue;
        bool short_one = usage_block_len(key) == DES_BLOCK || strcmp(key->algorithm, "aes128") == 0;
        add(&usage[i], key, len ? len : short_one ? DES2_LEN : AES256_LEN);
    }
}

void usage_add_most(struct usage *usage, const struct job *job)
{
    for (size_t i = 0; i < job->application_count; i++) {
        const struct profile *p = job->applications[i].profile;
        for (size_t k = 0; p && k < p->key_count; k++) {
            const struct secret_kind_row *kind = secret_kind_row(p->keys[k].kind);
            add_named(usage, job, p->keys[k].master, kind ? kind->key_len : DERIVATION_DATA_MAX);
            if (p->keys[k].protection != METHOD_KWP) add_named(usage, job, p->keys[k].card_key.master, 0);
        }
    }
}

void usage_add_all(struct usage *usage, const struct usage *from, size_t count, uint64_t times)
{
    for (size_t i = 0; i < count; i++) {
        usage[i].derivations += from[i].derivations * times;
        usage[i].blocks += from[i].blocks * times;
    }
}
