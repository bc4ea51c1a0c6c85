#include "prep/commands/survey.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/mic_file.h"
#include "formats/pan.h"
#include "prep/input/unique.h"

enum { MESSAGES_MAX = 1000, MESSAGE_BYTES = 1 << 20, KEY_MAX = 8192, OBJECT_ID_SPACE = 255 };

struct surveyor {
    struct survey *out;
    struct card_reader *reader;
    const struct job *job;
    struct planner *planner;
    const struct job_identity *identity;
    const struct mic_file_summary *earlier;
    struct unique *unique;
    struct card_input input;
    struct card_plan plan;
    struct buf key;
    uint8_t kekid[KEKID_LEN]; /* the job's own */
    size_t bad_room;
};

bool card_identify(struct card_input *in, const struct card_reader *reader, const struct job *job,
                   const struct job_identity *identity, uint64_t position, struct err *err)
{
    const struct field_table *fields = card_reader_fields(reader);
    bool earlier = card_reader_earlier_pass(reader) != NULL;
    in->number = earlier ? in->card.number : position;
    in->counter = job->counter_path ? identity->counter_first + in->number - 1 : 0;
    if (earlier) return true;
    in->card.number = position;
    memcpy(in->card.job_id, identity->job_id, JOB_ID_LEN);
    if (!job->object_id_field) {
        object_id_default(in->card.object_id, identity->job_id, position);
        return true;
    }
    int index = field_index(fields, job->object_id_field);
    if (index < 0)
        return err_set(err, ERR_CONFIG, "object identifiers: the input has no field '%s'",
                       job->object_id_field);
    const struct field_text *text = &in->fields[index];
    if (!text->text || !object_id_is_valid(text->text, text->len))
        return err_set(err, ERR_INPUT,
                       "field '%s' is no card object identifier: 1 to 64 of A-Z a-z 0-9 . _ -",
                       job->object_id_field);
    memcpy(in->card.object_id, text->text, text->len);
    in->card.object_id[text->len] = '\0';
    return true;
}

/* ---- uniqueness ---- */

static bool must_be_new(struct surveyor *s, unsigned space, const void *key, size_t len, const char *what,
                        struct err *err)
{
    const struct unique_key entry = {space, key, len};
    const struct unique_holder self = {s->input.number, s->input.place};
    struct unique_holder earlier;
    if (!unique_add(s->unique, &entry, &self, &earlier, err)) return false;
    if (earlier.number == 0) return true;
    return err_set(err, ERR_INPUT, "%s repeats that of record %" PRIu64 " (%s %" PRIu64 ")", what,
                   earlier.number, s->input.record ? "offset" : "line", earlier.place);
}

static void put_unique_names(const struct profile *profile, struct buf *out)
{
    for (size_t i = 0; i < profile->unique_count; i++) {
        int index = profile_element_index(profile, profile->unique[i]);
        buf_put_format(out, "%s%s", i ? " + " : "", index < 0 ? "element" : profile->elements[index].name);
    }
}

static bool check_unique(struct surveyor *s, struct err *err)
{
    if (s->job->object_id_field && !s->earlier) {
        const char *id = s->input.card.object_id;
        if (!must_be_new(s, OBJECT_ID_SPACE, id, strlen(id), "card object identifier", err)) return false;
    }
    for (size_t i = 0; i < s->plan.application_count; i++) {
        const struct planned_application *a = &s->plan.applications[i];
        buf_clear(&s->key);
        plan_unique_key(a, &s->key);
        if (!buf_ok(&s->key, "unique key", err)) return false;
        if (s->key.len == 0) continue;
        struct buf names;
        buf_init(&names, 512);
        put_unique_names(a->application->profile, &names);
        const char *what = buf_text(&names);
        unsigned space = (unsigned)(a->application - s->job->applications);
        bool ok = must_be_new(s, space, s->key.data, s->key.len, what ? what : "what must be unique", err);
        buf_release(&names);
        if (ok) continue;
        err_prefix(err, "application %s", a->application->name);
        return false;
    }
    return true;
}

/* ---- counts ---- */

/* The KEK of a copied sealed entry: the earlier pass's JOB group knows its check value. */
static bool note_kek(struct surveyor *s, const struct entry *entry, struct err *err)
{
    const struct job_group *job = &s->earlier->job;
    struct survey *out = s->out;
    for (size_t i = 0; i < out->kek_count; i++) {
        if (memcmp(out->keks[i].kekid, entry->kekid, KEKID_LEN) == 0) return true;
    }
    for (size_t i = 0; i < job->kek_count; i++) {
        const struct job_kek *kek = &job->keks[i];
        if (memcmp(kek->kekid, entry->kekid, KEKID_LEN) != 0) continue;
        bool own = memcmp(kek->kekid, s->kekid, KEKID_LEN) == 0;
        if (own && !bytes_equal(kek->kcv, KEK_KCV_LEN, s->job->kek.kcv, s->job->kek.kcv_len))
            return err_set(err, ERR_INPUT,
                           "its KEK has the identifier of the job's KEK and another check value");
        if (own) return true; /* every SEAL brings it in anyway */
        if (out->kek_count == JOB_KEKS_MAX) return err_set(err, ERR_INPUT, "more than %d KEKs", JOB_KEKS_MAX);
        out->keks[out->kek_count++] = *kek;
        return true;
    }
    return err_set(err, ERR_INTEGRITY, "a sealed entry's KEK is not in the earlier pass's JOB group");
}

static bool count_card(struct surveyor *s, struct err *err)
{
    struct survey *out = s->out;
    out->sealed_kek_used = true;
    for (size_t i = 0; i < s->plan.application_count; i++) {
        const struct planned_application *a = &s->plan.applications[i];
        if (a->action == APPLICATION_LEAVE_OUT) continue;
        if (a->application)
            out->application_count[a->application - s->job->applications]++;
        else
            out->unnamed_entries++;
        if (a->action != APPLICATION_COPY) continue;
        if (!a->entry->sealed) {
            out->open_entries_copied++;
            continue;
        }
        out->sealed_entries_copied++;
        if (!note_kek(s, a->entry, err)) return false;
    }
    if (out->usage) usage_add_card(out->usage, s->job, &s->plan);
    return true;
}

/* ---- bad records ---- */

static bool note_bad(struct surveyor *s, uint64_t number, const struct err *why, struct err *err)
{
    struct survey *out = s->out;
    if (out->bad_count == s->bad_room) {
        size_t room = s->bad_room ? 2 * s->bad_room : 64;
        uint64_t *bad = realloc(out->bad, room * sizeof(*bad));
        if (!bad) return err_set_no_memory(err);
        out->bad = bad;
        s->bad_room = room;
    }
    out->bad[out->bad_count++] = number;
    if (out->bad_count <= MESSAGES_MAX && out->messages.len + ERR_TEXT_MAX < MESSAGE_BYTES)
        buf_put_format(&out->messages, "%s\n", why->text);
    return true;
}

static bool survey_card(struct surveyor *s, uint64_t position, struct err *err)
{
    if (!card_identify(&s->input, s->reader, s->job, s->identity, position, err) ||
        !planner_plan(s->planner, &s->input, &s->plan, err) || !check_unique(s, err) || !count_card(s, err)) {
        pan_mask_text(err->text);
        if (s->input.record)
            err_prefix(err, "%s", card_reader_place(s->reader));
        else
            err_prefix(err, "%s: record %" PRIu64, card_reader_place(s->reader), position);
        return false;
    }
    return true;
}

/* One record; *end after the last. A bad one is noted when the job sets it aside. */
static bool survey_next(struct surveyor *s, uint64_t position, bool *end, struct err *err)
{
    struct err why = ERR_INIT;
    bool read = card_reader_next(s->reader, &s->input, end, &why);
    if (read && *end) return true;
    uint64_t number = card_reader_number(s->reader, &s->input, position);
    if (read && survey_card(s, position, &why)) return true;
    bool can = why.kind == ERR_INPUT && card_reader_can_go_on(s->reader);
    if (can && s->job->on_bad_record == BAD_RECORD_SET_ASIDE) return note_bad(s, number, &why, err);
    *err = why;
    return false;
}

static bool survey_all(struct surveyor *s, struct err *err)
{
    bool end = false;
    uint64_t count = 0;
    while (!end) {
        if (!survey_next(s, count + 1, &end, err)) return false;
        count += !end;
    }
    s->out->planned = s->earlier ? s->earlier->job.planned : count;
    return card_reader_check_unused(s->reader, err);
}

bool survey_run(struct survey *out, struct card_reader *reader, const struct job *job,
                struct planner *planner, const struct job_identity *identity, struct err *err)
{
    memset(out, 0, sizeof(*out));
    buf_init(&out->messages, MESSAGE_BYTES);
    struct surveyor *s = calloc(1, sizeof(*s));
    if (!s) return err_set_no_memory(err);
    *s =
        (struct surveyor){.out = out, .reader = reader, .job = job, .planner = planner, .identity = identity};
    s->earlier = card_reader_earlier_pass(reader);
    buf_init(&s->key, KEY_MAX);
    card_input_init(&s->input);
    out->application_total = job->application_count;
    out->application_count = calloc(job->application_count + 1, sizeof(*out->application_count));
    if (job->audit_log) out->usage = calloc(job->key_count + 1, sizeof(*out->usage));
    bool ok = (out->application_count && (out->usage || !job->audit_log)) || err_set_no_memory(err);
    ok = ok && kekid_make(job->issuer, job->kek.version, s->kekid, err) && unique_new(&s->unique, err) &&
         survey_all(s, err);
    unique_free(s->unique);
    buf_release(&s->key);
    card_input_release(&s->input);
    free(s);
    if (!ok) survey_release(out);
    return ok;
}

void survey_release(struct survey *s)
{
    free(s->bad);
    free(s->application_count);
    free(s->usage);
    buf_release(&s->messages);
    memset(s, 0, sizeof(*s));
}

bool survey_is_bad(const struct survey *s, uint64_t number)
{
    size_t low = 0;
    size_t high = s->bad_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->bad[middle] == number) return true;
        if (s->bad[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
