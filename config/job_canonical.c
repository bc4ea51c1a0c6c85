/* A job in canonical form: what decides which bytes a run writes, and nothing else. */
#include <string.h>

#include "base/digest.h"
#include "config/canonical.h"
#include "config/job_read.h"
#include "config/profile_read.h"

static void key_canonical(struct canonical *c, const struct key_settings *k)
{
    canonical_text(c, "name", k->name);
    canonical_number(c, "version", k->version);
    canonical_text(c, "algorithm", k->algorithm);
    canonical_bytes(c, "kcv", k->kcv, k->kcv_len);
}

/* A key pair has no check value; it is the one with this label or URI. */
static void pair_canonical(struct canonical *c, const char *label, const char *uri)
{
    canonical_text(c, "label", label);
    canonical_text(c, "uri", uri);
}

static void issuer_key_canonical(struct canonical *c, const struct issuer_key_settings *k)
{
    const struct certificate_file *cert = &k->certificate;
    const struct emv_ca_key *ca = &k->ca.key;
    canonical_text(c, "name", k->name);
    canonical_bytes(c, "certificate.value", cert->certificate, cert->certificate_len);
    canonical_bytes(c, "certificate.remainder", cert->remainder, cert->remainder_len);
    canonical_bytes(c, "certificate.exponent", cert->exponent, cert->exponent_len);
    canonical_bytes(c, "ca_key.rid", ca->rid, sizeof(ca->rid));
    canonical_bytes(c, "ca_key.index", &ca->index, 1);
    canonical_bytes(c, "ca_key.modulus", ca->key.modulus, ca->key.modulus_len);
    canonical_bytes(c, "ca_key.exponent", ca->key.exponent, ca->key.exponent_len);
    canonical_bytes(c, "ca_key.expiry", ca->expiry, sizeof(ca->expiry));
}

static void renames_canonical(struct canonical *c, const struct field_rename *renames, size_t count)
{
    size_t mark = canonical_enter(c, "fields");
    for (size_t i = 0; i < count; i++)
        canonical_text(c, renames[i].field, renames[i].column);
    canonical_leave(c, mark);
}

static void columns_canonical(struct canonical *c, const struct input_settings *in)
{
    for (size_t i = 0; i < in->column_count; i++) {
        size_t mark = canonical_enter_item(c, "columns", i);
        canonical_text(c, "name", in->columns[i]);
        canonical_leave(c, mark);
    }
    for (size_t i = 0; i < in->fixed_count; i++) {
        size_t mark = canonical_enter_item(c, "fixed", i);
        canonical_text(c, "name", in->fixed[i].name);
        canonical_number(c, "start", in->fixed[i].start + 1);
        canonical_number(c, "length", in->fixed[i].len);
        canonical_flag(c, "trim", in->fixed[i].trim);
        canonical_leave(c, mark);
    }
    for (size_t i = 0; i < in->mic_field_count; i++) {
        size_t mark = canonical_enter_item(c, "mic_fields", i);
        canonical_text(c, "field", in->mic_fields[i].field);
        canonical_text(c, "mic", in->mic_fields[i].mic);
        canonical_number(c, "start", in->mic_fields[i].start + 1);
        canonical_number(c, "length", in->mic_fields[i].len);
        canonical_flag(c, "trim", in->mic_fields[i].trim);
        canonical_leave(c, mark);
    }
}

static void input_canonical(struct canonical *c, const struct input_settings *in)
{
    static const char *const formats[] = {"csv", "fixed", "mic"};
    static const char *const framings[] = {"rlen", "newline", "first-mic"};
    canonical_text(c, "format", formats[in->format]);
    if (in->format == INPUT_CSV) {
        const char separator[2] = {in->csv.separator, '\0'};
        canonical_text(c, "separator", separator);
        canonical_flag(c, "header", in->csv.header);
    }
    if (in->format == INPUT_MIC) {
        canonical_text(c, "framing", framings[in->framing.kind]);
        if (in->framing.kind == MIC_FRAMING_FIRST_MIC)
            canonical_text(c, "framing.first-mic", in->framing.first_mic);
        canonical_text(c, "chip_mic", in->chip_mic);
    }
    columns_canonical(c, in);
    renames_canonical(c, in->renames, in->rename_count);
}

static void join_canonical(struct canonical *c, const struct join_settings *join)
{
    static const char *const missing[] = {"error", "empty"};
    static const char *const unused[] = {"report", "error", "ignore"};
    canonical_text(c, "name", join->name);
    canonical_text(c, "key.column", join->key_column);
    canonical_text(c, "key.field", join->key_field);
    canonical_text(c, "missing", missing[join->missing]);
    canonical_text(c, "unused", unused[join->unused]);
    input_canonical(c, &join->input);
}

static void application_canonical(struct canonical *c, const struct job *j, const struct job_application *a)
{
    canonical_bytes(c, "aid", a->aid, a->aid_len);
    canonical_text(c, "name", a->name);
    canonical_text(c, "issuer_key", a->issuer_key < 0 ? NULL : j->issuer_keys[a->issuer_key].name);
    canonical_flag(c, "optional", a->optional);
    canonical_flag(c, "replace", a->replace);
    canonical_text(c, "protect", a->protect == PROTECT_NONE ? "none" : "seal");
    renames_canonical(c, a->fields, a->field_count);
    size_t mark = canonical_enter(c, "profile");
    if (a->profile) profile_canonical_lines(c, a->profile);
    canonical_leave(c, mark);
}

static void groups_canonical(struct canonical *c, const struct job *j)
{
    static const char *const carry[] = {"all", "only", "drop"};
    for (size_t i = 0; i < j->group_count; i++) {
        size_t mark = canonical_enter_item(c, "groups", i);
        canonical_text(c, "mic", j->groups[i].mic);
        canonical_text(c, "text", j->groups[i].text ? template_text(j->groups[i].text) : NULL);
        canonical_text(c, "file_field", j->groups[i].file_field);
        canonical_leave(c, mark);
    }
    canonical_text(c, "carry", carry[j->carry]);
    for (size_t i = 0; i < j->carry_mic_count; i++) {
        size_t mark = canonical_enter_item(c, "carry", i);
        canonical_text(c, "mic", j->carry_mics[i]);
        canonical_leave(c, mark);
    }
}

static void keys_canonical(struct canonical *c, const struct job *j)
{
    size_t mark = canonical_enter(c, "kek");
    key_canonical(c, &j->kek);
    canonical_leave(c, mark);
    mark = canonical_enter(c, "signing_key");
    pair_canonical(c, j->signing_key.label, j->signing_key.uri);
    canonical_leave(c, mark);
    for (size_t i = 0; i < j->key_count; i++) {
        mark = canonical_enter_item(c, "keys", i);
        key_canonical(c, &j->keys[i]);
        canonical_leave(c, mark);
    }
    for (size_t i = 0; i < j->issuer_key_count; i++) {
        mark = canonical_enter_item(c, "issuer_keys", i);
        issuer_key_canonical(c, &j->issuer_keys[i]);
        canonical_leave(c, mark);
    }
}

bool job_canonical(const struct job *j, struct buf *out, struct err *err)
{
    struct canonical c;
    canonical_begin(&c);
    canonical_text(&c, "job", j->name);
    canonical_text(&c, "issuer", j->issuer);
    canonical_text(&c, "chip_mic", j->chip_mic);
    keys_canonical(&c, j);
    size_t mark = canonical_enter(&c, "input");
    input_canonical(&c, &j->input);
    canonical_leave(&c, mark);
    canonical_text(&c, "object_id", j->object_id_field);
    for (size_t i = 0; i < j->join_count; i++) {
        mark = canonical_enter_item(&c, "join", i);
        join_canonical(&c, &j->joins[i]);
        canonical_leave(&c, mark);
    }
    groups_canonical(&c, j);
    for (size_t i = 0; i < j->application_count; i++) {
        mark = canonical_enter_item(&c, "applications", i);
        application_canonical(&c, j, &j->applications[i]);
        canonical_leave(&c, mark);
    }
    canonical_flag(&c, "counter", j->counter_path != NULL);
    if (j->counter_path) canonical_number(&c, "counter.first", j->counter_first);
    canonical_flag(&c, "strict", j->strict);
    canonical_text(&c, "on_bad_record", j->on_bad_record == BAD_RECORD_SET_ASIDE ? "set-aside" : "stop");
    canonical_end(&c, out);
    return buf_ok(out, "canonical form of the job", err);
}

bool job_settings_hash(const struct job *j, uint8_t out[32], struct err *err)
{
    struct buf text;
    buf_init(&text, CANONICAL_MAX);
    bool ok = job_canonical(j, &text, err) && sha256(text.data, text.len, out, err);
    buf_release(&text);
    return ok;
}
