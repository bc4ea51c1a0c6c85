/* config/lint.h - inside config/: findings, and what can be known about lengths and methods without any
 * input. */
#ifndef CONFIG_LINT_H
#define CONFIG_LINT_H

#include "config/job.h"

struct lint {
    struct buf *out;
    const char *file; /* in front of each finding */
    size_t errors;
};
/* One line: `file:line: text`; line 0: without. Warnings get `warning: ` in front. */
void lint_error(struct lint *l, unsigned line, const char *format, ...) PRINTF_LIKE(3, 4);
void lint_warning(struct lint *l, unsigned line, const char *format, ...) PRINTF_LIKE(3, 4);

/* Modulus lengths in bytes; 0: not known. */
/* An application without a profile is sealed as it stands: like one whose profile asks for nothing. */
const struct profile *lint_profile_of(const struct job_application *a);

struct lint_sizes {
    size_t ca, issuer, card;
};
/* What a value's length can be. */
struct lint_length {
    size_t least, most; /* most 0 with `open`: no upper limit is known */
    bool open;
};
struct lint_length lint_element_length(const struct profile_element *e);
struct lint_length lint_certificate_length(const struct profile *p, uint32_t tag,
                                           const struct lint_sizes *sizes);
/* The element's value if it is the same for every card: its first source is hex bytes or a constant that
 * converts. */
bool lint_constant(const struct profile_element *e, uint8_t *out, size_t room, size_t *len);
/* Runs constants and the default through the conversion; findings where they do not fit. */
void lint_element_constants(struct lint *l, const struct profile_element *e);
/* Can this method make a key of this kind from a master of this cipher? */
bool lint_method_fits(enum derivation_method method, enum secret_kind kind, enum derivation_cipher cipher);

/* The parts of profile_lint; sizes are all 0 without a job. */
void lint_profile(struct lint *l, const struct profile *p, const struct lint_sizes *sizes);
void lint_profile_keys(struct lint *l, const struct profile *p);
/* The parts of job_lint. */
void lint_job_keys(struct lint *l, const struct job *j);
void lint_job_fields(struct lint *l, const struct job *j, const char *const *columns, size_t column_count);

#endif
