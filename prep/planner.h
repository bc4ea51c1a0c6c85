/* prep/planner.h - what the files of the plan share: a job bound to its input's fields. Internal to plan.c, plan_bind.c,
 * plan_sources.c, plan_values.c, plan_groups.c and derivation_data.c; others use prep/plan.h. */
#ifndef PREP_PLANNER_H
#define PREP_PLANNER_H

#include "prep/arena.h"
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
    bool lacks_counter;                        /* so it gives nothing */
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

/* ---- one application of one card ---- */
struct plan_work {
    struct planner *p;
    const struct card_input *in;
    struct bound_application *a;
    struct planned_application *out;
    const struct tlv *tlvs; /* of the open entry */
    size_t tlv_count;
    const uint8_t *old_data; /* C2 of the entry that is replaced; NULL: none */
    size_t old_len;
};

/* plan_sources.c: what the card's input holds for a field; text NULL: nothing, or an empty text. */
struct field_text plan_field(const struct card_input *in, const struct bound_field *field);
/* The first source that gives something: *source is its index, *value and *len its bytes (value NULL: the token's random
 * bytes). *given false: none does. False (ERR_INPUT): a text that its conversion refuses. */
struct sourced {
    bool given;
    size_t source;
    const uint8_t *value;
    size_t len;
};
MUST_CHECK bool plan_from_sources(struct plan_work *w, const struct bound_list *list, struct sourced *out,
                                  struct err *err);
/* Renders into p->text. *empty is how many fields gave nothing, *filled how many gave something. */
struct rendered {
    size_t empty, filled;
    const char *first_empty;
};
MUST_CHECK bool plan_render(struct planner *p, const struct card_input *in, const struct bound_template *t,
                            struct rendered *out, struct err *err);
/* "no source gives it (field 'expiry' is empty)" */
bool plan_no_source(struct plan_work *w, const struct bound_list *list, struct err *err);
/* False (ERR_INPUT): the length is not what the options allow. */
MUST_CHECK bool plan_check_len(const struct convert_options *options, size_t len, struct err *err);

/* plan_values.c: all values of w->out, from the record, the sources, the defaults. */
MUST_CHECK bool plan_values(struct plan_work *w, struct err *err);
/* Certificate plan: subject, expiry, serial. */
MUST_CHECK bool plan_certificate(struct plan_work *w, struct err *err);

/* derivation_data.c: FIG. 2, steps 304, 306 and 316. */
MUST_CHECK bool derivation_masters(struct plan_work *w,
                                   struct err *err); /* before plan_values: key versions are values too */
MUST_CHECK bool derivation_data(struct plan_work *w, struct err *err); /* after it */
/* The master that elements with `key_version: NAME` mean on this card; NULL: the job has none. */
const struct key_settings *derivation_master_named(const struct plan_work *w, const char *name);
/* Is this tag's value what the old C2 stands for? */
bool derivation_is_old_data(const struct plan_work *w, uint32_t tag);

/* plan_groups.c: groups of other modules and the chip group's place. */
MUST_CHECK bool plan_groups(struct planner *p, const struct card_input *in, struct card_plan *out,
                            struct err *err);

#endif
