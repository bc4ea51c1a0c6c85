/* Keys, key pair, certificates and data groupings of one application, in words. */
#include <string.h>

#include "prep/commands/explain_card.h"

static void put_version(const struct job_application *a, const struct version_choice *choice, struct buf *out)
{
    switch (choice->rule) {
    case VERSION_NEWEST:
        buf_put_text(out, "the newest that the job has");
        break;
    case VERSION_FIXED:
        buf_put_text(out, "fixed by the profile");
        break;
    case VERSION_FIELD:
        buf_put_format(out, "as field '%s' says, else the newest", explain_field(a, choice->field));
        break;
    }
}

static void put_data(const struct planned_application *a, const struct planned_key *k, struct buf *out)
{
    const struct profile_key *rule = k->rule;
    const struct explained_source source = {&rule->data_from, k->data_source, rule->data_convert};
    buf_put_text(out, "         derivation data ");
    explain_hex(out, k->data, k->data_len);
    buf_put_text(out, k->own_data ? " (a C2 of its own): " : " (C2): ");
    if (k->data_origin == VALUE_FROM_RECORD && a->entry && a->entry->sealed)
        buf_put_text(out, "that of the entry that is replaced");
    else if (rule->data == DATA_FROM_ELEMENT)
        buf_put_format(out, "element %X", (unsigned)rule->data_tag);
    else if (rule->data == DATA_FROM_PAN && rule->psn_tag)
        buf_put_format(out, "PAN (element %X) and sequence number (element %X)", (unsigned)rule->data_tag,
                       (unsigned)rule->psn_tag);
    else if (rule->data == DATA_FROM_PAN)
        buf_put_format(out, "PAN (element %X)", (unsigned)rule->data_tag);
    else
        explain_source(a->application, &source, out);
    buf_put_text(out, "\n");
}

static void put_wrapping(const struct job *job, const struct planned_application *a,
                         const struct planned_key *k, struct buf *out)
{
    static const char *const which[] = {
        [CARD_KEY_ENC] = "ENC", [CARD_KEY_MAC] = "MAC", [CARD_KEY_DEK] = "DEK"};
    if (k->rule->protection == METHOD_KWP) {
        buf_put_format(out, "         wrapped under the KEK of issuer %s, version %u (method 01, RFC 5649)\n",
                       job->issuer, (unsigned)job->kek.version);
        return;
    }
    buf_put_format(out,
                   "         encrypted under the card's own key %s/%u/%s (method %02X), derived by %s from "
                   "KEYDATA in field '%s'; "
                   "version: ",
                   k->card_key.key->name, (unsigned)k->card_key.key->version, which[k->rule->card_key.which],
                   (unsigned)k->rule->protection, derivation_row(k->rule->card_key.method)->name,
                   explain_field(a->application, k->rule->card_key.keydata_field));
    put_version(a->application, &k->rule->card_key.version, out);
    buf_put_text(out, "\n");
}

static void put_key(const struct job *job, const struct planned_application *a, const struct planned_key *k,
                    struct buf *out)
{
    const struct secret_kind_row *kind = secret_kind_row((unsigned)k->rule->kind);
    if (k->left_out) {
        buf_put_format(out, "    %s: left out, the job has no master %s\n", k->rule->name, k->rule->master);
        return;
    }
    buf_put_format(out, "    %s: %s by %s from master %s/%u; version: ", k->rule->name,
                   kind ? kind->name : "key", derivation_row(k->rule->method)->name, k->master.key->name,
                   (unsigned)k->master.key->version);
    put_version(a->application, &k->rule->version, out);
    buf_put_text(out, "\n");
    put_data(a, k, out);
    put_wrapping(job, a, k, out);
}

static void put_certificates(const struct job *job, const struct planned_application *a, struct buf *out)
{
    const struct profile *p = a->application->profile;
    const struct issuer_key_settings *issuer = &job->issuer_keys[a->application->issuer_key];
    buf_put_format(out, "  certificates\n    issuer key %s, under CA key ", issuer->name);
    explain_hex(out, issuer->certificate.rid, sizeof(issuer->certificate.rid));
    buf_put_format(out, " index %02X\n    card: subject ", issuer->certificate.ca_index);
    explain_hex(out, a->certificate.subject, sizeof(a->certificate.subject));
    buf_put_format(out, " (element %X), expiry %02X/%02X (", (unsigned)p->certificates.subject_tag,
                   a->certificate.expiry[0], a->certificate.expiry[1]);
    if (p->certificates.expiry == EXPIRY_ELEMENT)
        buf_put_format(out, "element %X), serial ", (unsigned)p->certificates.expiry_tag);
    else
        buf_put_text(out, "that of the issuer's certificate), serial ");
    explain_hex(out, a->certificate.serial, sizeof(a->certificate.serial));
    buf_put_format(out, " (the record's number)%s\n",
                   p->certificates.ssad ? "; signed static data (93)" : "");
}

void explain_keys(const struct job *job, const struct planned_application *a, struct buf *out)
{
    const struct profile *p = a->application->profile;
    if (p->key_count > 0) buf_put_text(out, "  keys\n");
    for (size_t i = 0; i < p->key_count; i++)
        put_key(job, a, &a->keys[i], out);
    if (p->key_pair.present)
        buf_put_format(out,
                       "    %s: RSA pair of %u bits, e = %lu, made for this card; its private key wrapped "
                       "under the KEK\n",
                       p->key_pair.name, p->key_pair.bits, p->key_pair.exponent);
    if (p->certificates.present) put_certificates(job, a, out);
}

static void put_members(const struct profile *p, const struct profile_grouping *g, struct buf *out)
{
    switch (g->kind) {
    case GROUPING_ELEMENTS:
        if (g->template_tag) buf_put_format(out, " template %X:", (unsigned)g->template_tag);
        for (size_t i = 0; i < g->count; i++)
            buf_put_format(out, " %X", (unsigned)g->tags[i]);
        break;
    case GROUPING_KEYS:
    case GROUPING_CHECK_VALUES:
        buf_put_text(out, g->kind == GROUPING_KEYS ? " keys:" : " check values of:");
        for (size_t i = 0; i < g->count; i++)
            buf_put_format(out, " %s", p->keys[g->keys[i]].name);
        break;
    case GROUPING_KEY_PAIR:
        buf_put_format(out, " key pair %s, as 8201 to 8205", p->key_pair.name);
        break;
    }
}

void explain_groupings(const struct planned_application *a, struct buf *out)
{
    const struct profile *p = a->application->profile;
    buf_put_text(out, "  data groupings, in the order in which the card gets them\n");
    for (size_t i = 0; i < p->grouping_count; i++) {
        buf_put_format(out, "    %04X", (unsigned)p->groupings[i].dgi);
        put_members(p, &p->groupings[i], out);
        buf_put_text(out, "\n");
    }
}
