/* prep/planning/plan_work.h - the steps of planning one application of one card, each a file of its own. Internal to the plan, as
 * prep/planning/planner.h is. */
#ifndef PREP_PLAN_WORK_H
#define PREP_PLAN_WORK_H

#include "prep/planning/planner.h"

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
