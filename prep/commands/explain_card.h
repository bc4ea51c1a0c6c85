/* prep/commands/explain_card.h - one planned card in words: where each datum came from, which key, method and grouping.
 *
 * It is the plan that a worker follows, so what is explained is what happens. Runs of 13 digits and more keep their first six
 * and last four; there is no secret in a plan. */
#ifndef PREP_EXPLAIN_CARD_H
#define PREP_EXPLAIN_CARD_H

#include "prep/plan.h"
#include "prep/read.h"

/* Appends the text, lines of any length. Failures stick to the buf. */
void explain_card(const struct job *job, const struct card_reader *reader, const struct card_plan *plan,
                  struct buf *out);
/* explain_keys.c: keys, key pair, certificates and groupings of one application. */
void explain_keys(const struct job *job, const struct planned_application *a, struct buf *out);
void explain_groupings(const struct planned_application *a, struct buf *out);

/* ---- shared by both files ---- */
struct explained_source {
    const struct source_list *from;
    size_t source;
    const struct convert_row *convert;
};
/* "field 'expiry', by date-yymmdd" */
void explain_source(const struct job_application *a, const struct explained_source *s, struct buf *out);
/* The job's name for a field of this application's profile. */
const char *explain_field(const struct job_application *a, const char *field);
/* Appends hex digits, or text, with long runs of digits masked. */
void explain_hex(struct buf *out, const uint8_t *value, size_t len);
void explain_text(struct buf *out, const char *text, size_t len);

#endif
