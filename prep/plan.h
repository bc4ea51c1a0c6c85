/* prep/plan.h - FIG. 2, steps 301–306 and 316: for one card, which applications, which values, which derivation data,
 * which keys - everything that can be known without a token.
 *
 * `check` and `explain` use the same plan as the worker, so that what is explained is what happens. */
#ifndef PREP_PLAN_H
#define PREP_PLAN_H

#include "config/job.h"
#include "formats/entry.h"
#include "prep/input/card_input.h"

/* What distinguishes one run of a job. */
struct job_identity {
    uint8_t job_id[JOB_ID_LEN];
    uint64_t counter_first; /* of record 1 */
    char created[21];
};

struct planner; /* a job bound to the field table of its input */

MUST_CHECK bool planner_new(struct planner **out, const struct job *job, const struct field_table *fields,
                            struct err *err);
void planner_free(struct planner *p);

enum value_origin {
    VALUE_ABSENT,
    VALUE_FROM_RECORD /* its open entry, or the old C2 */,
    VALUE_FROM_SOURCE,
    VALUE_FROM_DEFAULT,
    VALUE_FROM_TOKEN /* the worker draws `len` random bytes */,
    VALUE_FROM_CERTIFICATES
};
struct planned_value {
    enum value_origin origin;
    size_t source;        /* index into the element's sources, when FROM_SOURCE */
    const uint8_t *value; /* NULL while FROM_TOKEN */
    size_t len;
};

struct planned_master {
    const struct key_settings *key;
    struct derivation_block block;
};
struct planned_key {
    const struct profile_key *rule;
    struct planned_master master;
    uint8_t data[DERIVATION_DATA_MAX]; /* as C2 holds it */
    size_t data_len;
    enum value_origin data_origin;
    size_t data_source;             /* index into the rule's data_from, when FROM_SOURCE */
    bool own_data;                  /* differs from the entry's C2: stands inside the E1 */
    struct planned_master card_key; /* second embodiment only */
    bool left_out;                  /* optional, and the job has no such master */
};

enum application_action {
    APPLICATION_PREPARE,   /* build a sealed entry */
    APPLICATION_COPY,      /* byte for byte */
    APPLICATION_LEAVE_OUT, /* optional and not selected; or replaced */
};
struct planned_application {
    enum application_action action;
    const struct job_application *application; /* NULL: an entry that the job does not name */
    const struct entry *entry;                 /* of the input, NULL when the record lacks it */
    struct planned_value *values;              /* one per element of the profile */
    struct planned_key *keys;                  /* one per key of the profile */
    const struct planned_key *c2;              /* whose data is the entry's C2; NULL: no keys */
    struct tlv *loose; /* elements of the open entry that the profile does not place, in order */
    size_t loose_count;
    struct certificate_plan {
        uint8_t subject[10];
        uint8_t expiry[2]; /* MMYY */
        uint8_t serial[3];
    } certificate;
};
struct planned_group {
    const char *mic;
    const uint8_t *data;
    size_t len;
    bool is_chip;
};

struct card_plan {
    const struct card_input *input;
    struct mic_record record;          /* MIC input, parsed */
    struct entry entries[ENTRIES_MAX]; /* of the input's chip group */
    size_t entry_count;
    struct planned_application applications[2 * ENTRIES_MAX]; /* in output order */
    size_t application_count;
    struct planned_group groups[MIC_GROUPS_MAX]; /* between CARD and SEAL, in output order */
    size_t group_count;
};

/* Plans one card. Everything in *out is the planner's or borrowed from in, valid until the next call. False (ERR_INPUT)
 * names application and element or key: missing value, failed check, bad derivation data, AID repeated, sealed entry
 * without `replace`, unknown AID under strict, certificate that would outlive its issuer's. */
MUST_CHECK bool planner_plan(struct planner *p, const struct card_input *in, struct card_plan *out,
                             struct err *err);
/* The values that together must be unique in the job (profile's `unique`), as one key per application; empty if none. */
void plan_unique_key(const struct planned_application *a, struct buf *out);
/* Second embodiment: do these two keys travel under the same key of the card's own? */
bool plan_same_card_key(const struct planned_key *a, const struct planned_key *b);
/* The planned value of a tag, or NULL. */
const struct planned_value *plan_value(const struct planned_application *a, uint32_t tag);

#endif
