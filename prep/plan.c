#include "prep/planning/plan_work.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

enum { OPEN_ENTRY_MAX = 1 << 20, TAG_SSAD = 0x93 };

bool planner_new(struct planner **out, const struct job *job, const struct field_table *fields,
                 struct err *err)
{
    struct planner *p = calloc(1, sizeof(*p));
    if (!p) return err_set_no_memory(err);
    p->job = job;
    p->fields = fields;
    arena_init(&p->bound);
    arena_init(&p->card);
    buf_init(&p->value, OPEN_ENTRY_MAX);
    buf_init(&p->text, MIC_RECORD_MAX);
    if (!plan_bind(p, err)) {
        planner_free(p);
        return false;
    }
    *out = p;
    return true;
}

void planner_free(struct planner *p)
{
    if (!p) return;
    for (size_t i = 0; p->groups && i < p->job->group_count; i++)
        buf_release(&p->groups[i].content);
    buf_release(&p->value);
    buf_release(&p->text);
    arena_release(&p->bound);
    arena_release(&p->card);
    free(p);
}

const struct planned_value *plan_value(const struct planned_application *a, uint32_t tag)
{
    const struct profile *profile = a->application ? a->application->profile : NULL;
    int index = profile && a->values ? profile_element_index(profile, tag) : -1;
    return index < 0 ? NULL : &a->values[index];
}

bool plan_same_card_key(const struct planned_key *a, const struct planned_key *b)
{
    const struct derivation_block *x = &a->card_key.block, *y = &b->card_key.block;
    return a->card_key.key == b->card_key.key && bytes_equal(x->data, x->len, y->data, y->len);
}

void plan_unique_key(const struct planned_application *a, struct buf *out)
{
    const struct profile *profile = a->application ? a->application->profile : NULL;
    if (a->action != APPLICATION_PREPARE || !profile) return;
    for (size_t i = 0; i < profile->unique_count; i++) {
        const struct planned_value *v = plan_value(a, profile->unique[i]);
        if (!v || !v->value) continue;
        buf_put_be(out, profile->unique[i], 3);
        buf_put_be(out, v->len, 4);
        buf_put(out, v->value, v->len);
    }
}

/* ---- the entry that an application has in the record ---- */

static bool read_tlvs(struct plan_work *w, const struct entry *entry, struct err *err)
{
    size_t count = 0;
    void *tlvs = NULL;
    struct tlv tlv;
    struct cur c = cur_make(entry->data, entry->data_len, entry->data_offset);
    while (cur_left(&c) > 0) {
        if (!tlv_read(&c, &tlv, err)) return false;
        count++;
    }
    if (!arena_take(&w->p->card, count * sizeof(tlv), &tlvs, err)) return false;
    c = cur_make(entry->data, entry->data_len, entry->data_offset);
    w->tlvs = tlvs;
    for (size_t i = 0; i < count; i++) {
        if (!tlv_read(&c, (struct tlv *)tlvs + i, err)) return false;
    }
    w->tlv_count = count;
    return true;
}

static bool read_old_data(struct plan_work *w, const struct entry *entry, struct err *err)
{
    struct entry_walk walk;
    struct entry_item item;
    entry_walk_begin(&walk, entry);
    for (;;) {
        if (!entry_walk_next(&walk, &item, err)) return false;
        if (item.kind == ITEM_END) return true;
        if (item.kind != ITEM_DERIVATION_DATA) continue;
        w->old_data = item.tlv.value;
        w->old_len = item.tlv.len;
        return true;
    }
}

static bool read_entry(struct plan_work *w, struct err *err)
{
    const struct entry *entry = w->out->entry;
    if (!entry) return true;
    if (entry->sealed) return read_old_data(w, entry, err);
    return entry_check_open(entry, err) && read_tlvs(w, entry, err);
}

/* Does a grouping of the profile take this element in? */
static bool is_placed(const struct profile *profile, uint32_t tag)
{
    if (!profile || profile_element_index(profile, tag) < 0) return false;
    for (size_t g = 0; g < profile->grouping_count; g++) {
        const struct profile_grouping *grouping = &profile->groupings[g];
        for (size_t i = 0; grouping->kind == GROUPING_ELEMENTS && i < grouping->count; i++) {
            if (grouping->tags[i] == tag) return true;
        }
    }
    return false;
}

/* A certificate that preparation makes cannot stand beside an old one. */
static bool is_made_anew(const struct profile *profile, uint32_t tag)
{
    if (!profile || !profile->certificates.present || !profile_is_certificate_tag(tag)) return false;
    return profile_element_index(profile, tag) < 0 && (tag != TAG_SSAD || profile->certificates.ssad);
}

static bool keep_loose(struct plan_work *w, struct err *err)
{
    void *loose = NULL;
    if (!arena_take(&w->p->card, w->tlv_count * sizeof(struct tlv), &loose, err)) return false;
    w->out->loose = loose;
    for (size_t i = 0; i < w->tlv_count; i++) {
        if (is_made_anew(w->a->profile, w->tlvs[i].tag))
            return err_set(err, ERR_INPUT,
                           "element %X stands in the record's entry, and the profile makes it anew",
                           (unsigned)w->tlvs[i].tag);
        if (!is_placed(w->a->profile, w->tlvs[i].tag)) w->out->loose[w->out->loose_count++] = w->tlvs[i];
    }
    return true;
}

/* ---- which entries are made, copied, replaced or left out (docs/formats/mic-file.md) ---- */

/* `protect: none` for a record that lacks the application: an open entry of its elements, which is then copied. */
static bool build_open(struct plan_work *w, struct err *err)
{
    struct buf *b = &w->p->value;
    const uint8_t *data = NULL, *bytes = NULL;
    void *entry = NULL;
    buf_clear(b);
    for (size_t i = 0; w->a->profile && i < w->a->profile->element_count; i++) {
        const struct planned_value *v = &w->a->values[i];
        if (v->origin == VALUE_FROM_TOKEN)
            return err_set(err, ERR_CONFIG, "`protect: none` cannot hold random bytes of the token");
        if (v->value) tlv_put(b, w->a->elements[i].rule->tag, v->value, v->len);
    }
    size_t data_len = b->len;
    if (!buf_ok(b, "open entry", err) || !arena_copy(&w->p->card, b->data, b->len, &data, err)) return false;
    buf_clear(b);
    entry_put_open(b, w->a->rule->aid, w->a->rule->aid_len, data, data_len);
    if (!buf_ok(b, "open entry", err) || !arena_copy(&w->p->card, b->data, b->len, &bytes, err) ||
        !arena_take(&w->p->card, sizeof(struct entry), &entry, err))
        return false;
    struct cur c = cur_make(bytes, b->len, 0);
    if (!entry_read(&c, entry, err)) return false;
    w->out->entry = entry;
    w->out->action = APPLICATION_COPY;
    return true;
}

static bool prepare(struct planner *p, const struct card_input *in, struct bound_application *a,
                    struct planned_application *out, struct err *err)
{
    struct plan_work w = {.p = p, .in = in, .a = a, .out = out};
    out->action = APPLICATION_PREPARE;
    if (!read_entry(&w, err)) return false;
    if (a->profile && (!derivation_masters(&w, err) || !plan_values(&w, err) || !derivation_data(&w, err) ||
                       !plan_certificate(&w, err)))
        return false;
    if (a->rule->protect == PROTECT_NONE) return build_open(&w, err);
    return keep_loose(&w, err);
}

static struct bound_application *named(const struct planner *p, const struct entry *entry)
{
    for (size_t i = 0; i < p->job->application_count; i++) {
        const struct job_application *rule = p->applications[i].rule;
        if (bytes_equal(rule->aid, rule->aid_len, entry->aid, entry->aid_len)) return &p->applications[i];
    }
    return NULL;
}

static void hex_aid(const struct entry *entry, char out[2 * AID_MAX + 1])
{
    hex_write(out, 2 * AID_MAX + 1, entry->aid, entry->aid_len, false);
}

/* An entry that is there: prepared, copied or refused. */
static bool plan_present(struct planner *p, const struct card_input *in, const struct entry *entry,
                         struct planned_application *out, struct err *err)
{
    struct bound_application *a = named(p, entry);
    char aid[2 * AID_MAX + 1];
    *out = (struct planned_application){.action = APPLICATION_COPY, .entry = entry};
    if (!a) {
        hex_aid(entry, aid);
        if (p->job->strict)
            return err_set(err, ERR_INPUT, "application %s: the job does not name it, and is strict", aid);
        if (entry->sealed || entry_check_open(entry, err)) return true;
        err_prefix(err, "application %s", aid);
        return false;
    }
    out->application = a->rule;
    bool ok = true;
    if (entry->sealed && !a->rule->replace)
        ok = err_set(err, ERR_INPUT, "is sealed already; `replace: true` would build it anew");
    else if (!entry->sealed && a->rule->protect == PROTECT_NONE)
        ok = entry_check_open(entry, err);
    else
        ok = prepare(p, in, a, out, err);
    if (!ok) err_prefix(err, "application %s", a->rule->name);
    return ok;
}

/* An application that the record lacks (FIG. 2, step 302 "no"). */
static bool plan_lacking(struct planner *p, const struct card_input *in, struct bound_application *a,
                         struct planned_application *out, struct err *err)
{
    bool selected = !a->profile || !a->profile->selector || plan_field(in, &a->selector).text;
    *out = (struct planned_application){.action = APPLICATION_LEAVE_OUT, .application = a->rule};
    if (a->rule->optional && (!selected || !a->profile)) return true;
    bool ok = a->profile
                  ? prepare(p, in, a, out, err)
                  : err_set(err, ERR_INPUT, "the record lacks it, and without a profile it cannot be made");
    if (!ok) err_prefix(err, "application %s", a->rule->name);
    return ok;
}

static bool is_present(const struct card_plan *plan, const struct job_application *rule)
{
    for (size_t i = 0; i < plan->application_count; i++) {
        if (plan->applications[i].application == rule) return true;
    }
    return false;
}

static bool plan_applications(struct planner *p, const struct card_input *in, struct card_plan *out,
                              struct err *err)
{
    size_t written = out->entry_count;
    out->application_count = 0;
    for (size_t i = 0; i < out->entry_count; i++) {
        if (!plan_present(p, in, &out->entries[i], &out->applications[i], err)) return false;
        out->application_count++;
    }
    for (size_t i = 0; i < p->job->application_count; i++) {
        struct planned_application *next = &out->applications[out->application_count];
        if (is_present(out, p->applications[i].rule)) continue;
        if (out->application_count == 2 * ENTRIES_MAX)
            return err_set(err, ERR_INPUT, "too many applications");
        if (!plan_lacking(p, in, &p->applications[i], next, err)) return false;
        out->application_count++;
        written += next->action != APPLICATION_LEAVE_OUT;
    }
    if (written > ENTRIES_MAX)
        return err_set(err, ERR_INPUT, "%zu applications, more than %d", written, ENTRIES_MAX);
    return true;
}

static bool read_record(struct planner *p, const struct card_input *in, struct card_plan *out,
                        struct err *err)
{
    out->entry_count = 0;
    out->record.group_count = 0;
    if (!in->record) return true;
    if (!mic_parse_record(in->record, in->record_len, in->place, &out->record, err)) return false;
    const struct mic_group *chip =
        mic_find(&out->record, p->job->input.chip_mic ? p->job->input.chip_mic : p->job->chip_mic);
    return !chip || entry_read_all(chip, out->entries, &out->entry_count, err);
}

bool planner_plan(struct planner *p, const struct card_input *in, struct card_plan *out, struct err *err)
{
    arena_reset(&p->card);
    out->input = in;
    return read_record(p, in, out, err) && plan_applications(p, in, out, err) && plan_groups(p, in, out, err);
}
