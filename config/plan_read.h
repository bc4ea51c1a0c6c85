/* config/plan_read.h - inside config/: the keys of a ceremony plan. */
#ifndef CONFIG_PLAN_READ_H
#define CONFIG_PLAN_READ_H

#include "config/plan.h"
#include "config/schema.h"

schema_read_fn plan_read_keys; /* into: struct plan, whose tokens are read */
void plan_key_release(struct plan_key *k);

#endif
