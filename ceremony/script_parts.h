/* ceremony/script_parts.h - what the script has as text and as pages alike. */
#ifndef CEREMONY_SCRIPT_PARTS_H
#define CEREMONY_SCRIPT_PARTS_H

#include "ceremony/step.h"

/* The head of a script, as label and text. */
struct script_head_line {
    char label[16];
    char text[PLAN_PEOPLE_TEXT_MAX];
};
enum { SCRIPT_HEAD_LINES = 8, SCRIPT_STEP_LINES = 8 };
struct script_head {
    struct script_head_line lines[SCRIPT_HEAD_LINES];
    size_t count;
};
/* Plan and program with their hashes, site, people. False: as evidence_program_hash. */
MUST_CHECK bool script_head(const struct plan *p, const char *site, struct script_head *h, struct err *err);

/* What everybody must know, as a paragraph. */
const char *script_rules(void);

/* What stands beside each label of a step; borrowed from the story. */
struct script_line {
    const char *label;
    const char *text;
};
/* What people fill in by hand at this step, beside the time: "Check value", "Words", or NULL. */
const char *script_form(const struct step_row *row);
/* Does that take two lines of its own, as 16 words do? */
bool script_form_is_long(const char *form);
size_t script_lines(const struct step_story *s, bool here, struct script_line out[SCRIPT_STEP_LINES]);

#endif
