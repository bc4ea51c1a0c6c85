/* ceremony/plan_lint.h - what is wrong with a plan before any token is touched. */
#ifndef CEREMONY_PLAN_LINT_H
#define CEREMONY_PLAN_LINT_H

#include "config/plan.h"

/* Loads the plan and applies every rule (plan_lint.c). False (ERR_CONFIG): the first that is broken, with key and line. */
MUST_CHECK bool plan_lint_load(struct plan **out, const char *path, struct err *err);
/* The rules alone. */
MUST_CHECK bool plan_lint(const struct plan *p, struct err *err);

#endif
