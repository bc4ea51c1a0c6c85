/* prep/commands/reconcile_report.h - what `cardprep reconcile` says: findings as they come, the same finding of one record after
 * another as one; then each job's count. */
#ifndef PREP_RECONCILE_REPORT_H
#define PREP_RECONCILE_REPORT_H

#include "prep/accounts/ledger.h"

struct reconcile_report {
    bool json;
    bool any;         /* something was printed */
    bool waiting;     /* `first` to `last` of a finding is kept */
    const char *word; /* of the kept one */
    const struct ledger_job *job;
    uint64_t first, last;
    char text[640];
};

void reconcile_report_begin(struct reconcile_report *r, bool json);
/* A ledger_finding_fn; the context is a reconcile_report. */
bool reconcile_report_finding(void *report, const struct ledger_finding *f, struct err *err);
/* After the last finding. False: no memory; ERR_FILE, standard output cannot be written. */
MUST_CHECK bool reconcile_report_end(struct reconcile_report *r, const struct ledger *l, struct err *err);
/* What the operator is told last when the ledger is not closed (ERR_INPUT): that the work is done, how much is open, and where that
 * stands. Always false. */
MUST_CHECK bool reconcile_report_open(const struct reconcile_report *r, const struct ledger *l,
                                      struct err *err);

#endif
