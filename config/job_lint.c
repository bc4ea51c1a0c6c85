/* What is wrong with a job before its input is read: certificates, key sizes, masters. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "config/lint.h"

const struct profile *lint_profile_of(const struct job_application *a)
{
    static const struct profile none = {0};
    return a->profile ? a->profile : &none;
}

static struct lint_sizes sizes_of(const struct job *j, const struct job_application *a)
{
    struct lint_sizes s = {0, 0,
                           lint_profile_of(a)->key_pair.present ? lint_profile_of(a)->key_pair.bits / 8 : 0};
    if (a->issuer_key >= 0) {
        s.ca = j->issuer_keys[a->issuer_key].ca.key.key.modulus_len;
        s.issuer = j->issuer_keys[a->issuer_key].certificate.recovered.key.modulus_len;
    }
    return s;
}

/* A profile that serves several applications under one issuer key is looked at once. */
static bool seen_before(const struct job *j, size_t index)
{
    const struct job_application *a = &j->applications[index];
    for (size_t i = 0; i < index; i++) {
        const struct job_application *b = &j->applications[i];
        if (a->issuer_key == b->issuer_key && b->profile && strcmp(a->profile->path, b->profile->path) == 0)
            return true;
    }
    return false;
}

static void check_sizes(struct lint *l, const struct job_application *a, const struct lint_sizes *s)
{
    const char *name = a->name;
    if (s->ca > EMV_MODULUS_MAX)
        lint_error(l, a->line, "application %s: the CA key has %zu bytes, at most %d are allowed", name,
                   s->ca, EMV_MODULUS_MAX);
    if (s->issuer > s->ca)
        lint_error(l, a->line, "application %s: the issuer key (%zu bytes) is larger than the CA key (%zu)",
                   name, s->issuer, s->ca);
    if (s->issuer > EMV_MODULUS_RECORD_MAX)
        lint_error(l, a->line,
                   "application %s: an issuer key of %zu bytes makes certificates that no record holds (%d)",
                   name, s->issuer, EMV_MODULUS_RECORD_MAX);
    if (s->card > s->issuer)
        lint_error(l, a->line, "application %s: the card key (%zu bytes) is larger than the issuer key (%zu)",
                   name, s->card, s->issuer);
    if (s->issuer <= EMV_ICC_OVERHEAD)
        lint_error(l, a->line,
                   "application %s: an issuer key of %zu bytes leaves no room in a card certificate", name,
                   s->issuer);
}

static void check_issuer_of(struct lint *l, const struct job *j, const struct job_application *a)
{
    const struct issuer_key_settings *k = &j->issuer_keys[a->issuer_key];
    char rid[2 * sizeof(k->certificate.rid) + 1];
    const struct lint_sizes sizes = sizes_of(j, a);
    hex_write(rid, sizeof(rid), k->certificate.rid, sizeof(k->certificate.rid), false);
    if (memcmp(a->aid, k->certificate.rid, sizeof(k->certificate.rid)) != 0)
        lint_error(l, a->line, "application %s: the AID is not of the RID %s of issuer key '%s'", a->name,
                   rid, k->name);
    check_sizes(l, a, &sizes);
}

static void check_application(struct lint *l, const struct job *j, size_t index)
{
    const struct job_application *a = &j->applications[index];
    const struct profile *p = lint_profile_of(a);
    if (p->certificates.present && a->issuer_key < 0)
        lint_error(l, a->line, "application %s: its profile has certificates; 'issuer_key' is missing",
                   a->name);
    if (!p->certificates.present && a->issuer_key >= 0)
        lint_warning(l, a->line, "application %s: its profile has no certificates; 'issuer_key' is not used",
                     a->name);
    if (p->certificates.present && a->issuer_key >= 0) check_issuer_of(l, j, a);
    if (a->protect == PROTECT_NONE && (p->key_count || p->key_pair.present))
        lint_error(l, a->line,
                   "application %s: 'protect: none' copies the entry open, but its profile has keys",
                   a->name);
    if (a->replace && j->input.format != INPUT_MIC)
        lint_warning(l, a->line, "application %s: 'replace' means nothing here, the input has no entries",
                     a->name);
    if (a->protect == PROTECT_NONE && j->input.format != INPUT_MIC)
        lint_error(l, a->line, "application %s: 'protect: none' copies an entry, but the input has none",
                   a->name);
    if (a->optional && a->profile && !p->selector)
        lint_warning(l, a->line,
                     "application %s: 'optional' needs a profile with a selector; every card gets it",
                     a->name);
    if (!a->profile && (j->input.format != INPUT_MIC || a->replace))
        lint_error(l, a->line,
                   "application %s: without a profile only an open entry of a MIC input can be sealed",
                   a->name);
    if (!a->profile || seen_before(j, index)) return;
    const struct lint_sizes sizes = sizes_of(j, a);
    struct lint of_profile = {l->out, p->path, 0};
    lint_profile(&of_profile, p, &sizes);
    l->errors += of_profile.errors;
}

/* The certificate's issuer identifier: digits padded with F. */
static void check_issuer_digits(struct lint *l, const struct job *j, const struct issuer_key_settings *k)
{
    struct buf digits;
    struct err why = ERR_INIT;
    buf_init(&digits, 16);
    const char *text =
        bcd_digits(k->certificate.recovered.subject, 4, &digits, &why) ? buf_text(&digits) : NULL;
    size_t common = text ? strspn(text, "0123456789") : 0;
    if (common > strlen(j->issuer)) common = strlen(j->issuer);
    if (!text || !common || strncmp(text, j->issuer, common) != 0)
        lint_error(l, 0, "issuer key '%s': its certificate is for issuer %s, the job is for %s", k->name,
                   text ? text : "?", j->issuer);
    buf_release(&digits);
}

static void check_issuer_key(struct lint *l, const struct job *j, size_t index)
{
    const struct issuer_key_settings *k = &j->issuer_keys[index];
    const uint8_t *expiry = k->certificate.recovered.expiry;
    bool used = false;
    if (emv_expires_after(expiry, k->ca.key.expiry))
        lint_error(l, 0,
                   "issuer key '%s': its certificate (expires %02X/%02X) outlives the CA key (%02X/%02X)",
                   k->name, expiry[0], expiry[1], k->ca.key.expiry[0], k->ca.key.expiry[1]);
    if (k->certificate.test != k->ca.test)
        lint_error(l, 0, "issuer key '%s': of certificate and CA key one is TEST, the other not", k->name);
    check_issuer_digits(l, j, k);
    for (size_t i = 0; i < j->application_count; i++)
        used = used || j->applications[i].issuer_key == (int)index;
    if (!used) lint_warning(l, 0, "issuer key '%s' is used by no application", k->name);
}

size_t job_lint(const struct job *j, const char *const *columns, size_t column_count, struct buf *findings)
{
    struct lint l = {findings, j->path, 0};
    for (size_t i = 0; i < j->application_count; i++)
        check_application(&l, j, i);
    for (size_t i = 0; i < j->issuer_key_count; i++)
        check_issuer_key(&l, j, i);
    lint_job_keys(&l, j);
    lint_job_fields(&l, j, columns, column_count);
    if (j->signer_count && j->input.format != INPUT_MIC)
        lint_warning(&l, 0, "'signers' means nothing here, the input is no MIC file");
    return l.errors;
}
