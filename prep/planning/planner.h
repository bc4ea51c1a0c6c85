/* prep/planning/planner.h - what the files of the plan share: a job bound to its input's fields. Internal to plan.c, plan_bind.c,
 * plan_sources.c, plan_values.c, plan_groups.c and derivation_data.c; others use prep/plan.h. */
#ifndef PREP_PLANNER_H
#define PREP_PLANNER_H

#include "prep/planning/arena.h"
#include "prep/plan.h"

/* ---- bound once: names become indexes, constants become bytes ---- */
struct bound_field {
    const char *name; /* the job's */
    int index;        /* −1: the input has no such field */
};
struct bound_template {
    const struct template *text;
    struct bound_field *fields; /* one per use; NULL name: counter or record */
    size_t count;
    bool lacks_counter; /* asks for the counter of a job that has none */
};
enum { TRACK2_FIELDS = 4 };
struct bound_source {
    const struct source *rule;
    struct bound_field field;                 /* FIELD */
    struct bound_field track2[TRACK2_FIELDS]; /* COMPUTED track2, in source_field's order */
    struct bound_template template;
    const uint8_t *constant; /* CONSTANT and HEX, converted */
    size_t constant_len;
    bool lacks_counter; /* so it gives nothing */
};
/* A list of sources with what their texts go through. */
struct bound_list {
    struct bound_source *sources;
    size_t count;
    const struct convert_row *convert;
    const struct convert_options *options;
};
struct bound_element {
    const struct profile_element *rule;
    struct bound_list from;
    const uint8_t *fallback; /* converted default; NULL: none */
    size_t fallback_len;
    bool from_certificates;
};
struct bound_version {
    const char *master;
    enum version_rule rule;
    const struct key_settings *key; /* NEWEST, FIXED */
    struct bound_field field;       /* FIELD */
};
struct bound_key {
    const struct profile_key *rule;
    bool left_out;
    struct bound_version version, card_version;
    struct bound_field keydata;
    struct bound_list data_from;
};
struct bound_application {
    const struct job_application *rule;
    const struct profile *profile; /* NULL: elements stay loose */
    struct bound_element *elements;
    struct bound_key *keys;
    struct bound_field selector;
    struct planned_value *values; /* of the card under way */
    struct planned_key *planned_keys;
};
struct bound_group {
    const struct job_group_template *rule;
    struct bound_template template;
    struct bound_field file;
    struct buf content;
};

struct planner {
    const struct job *job;
    const struct field_table *fields;
    struct bound_application *applications;
    struct bound_group *groups;
    struct arena bound; /* lives as long as the planner */
    struct arena card;  /* reset per card */
    struct buf value, text;
};

/* plan_bind.c */
MUST_CHECK bool plan_bind(struct planner *p, struct err *err);

#endif
