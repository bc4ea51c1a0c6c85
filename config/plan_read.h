/* config/plan_read.h - inside config/: the parts of a ceremony plan. */
#ifndef CONFIG_PLAN_READ_H
#define CONFIG_PLAN_READ_H

#include "config/plan.h"
#include "config/schema.h"

schema_read_fn plan_read_keys; /* into: struct plan, whose tokens are read */
void plan_key_release(struct plan_key *k);

/* plan_people.c */
schema_read_fn plan_read_people; /* into: struct plan */
schema_read_fn plan_read_trusts; /* into: struct plan, whose tokens and keys are read */
schema_read_fn plan_read_name;   /* char *: 1-32 of A-Z a-z 0-9 . _ - */
void plan_people_release(struct plan *p);
/* Audit log and report, where the plan names none. */
MUST_CHECK bool plan_default_files(struct plan *p, struct err *err);

/* plan_life.c: how long a key lives, how much it may do and where it travels. */
schema_read_fn plan_read_date;       /* char *: YYYY-MM-DD */
schema_read_fn plan_read_limit;      /* struct plan_limit */
schema_read_fn plan_read_hand_overs; /* struct plan_key */
/* Dates in order; each receiver one of the key's tokens, its transport key fit to carry it. Keys before this one are read. */
MUST_CHECK bool plan_check_life(const struct tree_node *value, const struct plan *p, const struct plan_key *k,
                                struct err *err);
void plan_hand_overs_release(struct plan_key *k);

#endif
