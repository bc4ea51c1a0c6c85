/* Masters of a job: there, of the right cipher, each version for one method. */
#include <string.h>

#include "config/lint.h"

/* One use of a master by a profile's key: the key itself, or the card's own key that protects it. */
struct use {
    const struct job_application *application;
    const struct profile_key *key;
    const char *master;
    const struct version_choice *version;
    enum derivation_method method;
    bool card_key;
};

static bool use_at(const struct job_application *a, size_t index, struct use *out)
{
    const struct profile_key *k = &lint_profile_of(a)->keys[index / 2];
    bool card_key = index % 2 == 1;
    *out = (struct use){a,
                        k,
                        card_key ? k->card_key.master : k->master,
                        card_key ? &k->card_key.version : &k->version,
                        card_key ? k->card_key.method : k->method,
                        card_key};
    return out->master != NULL;
}

/* May this use ask for this key of the job? */
static bool may_use(const struct job *j, const struct use *u, const struct key_settings *k)
{
    if (strcmp(u->master, k->name) != 0) return false;
    if (u->version->rule == VERSION_FIXED) return u->version->fixed == k->version;
    return u->version->rule == VERSION_FIELD || job_key(j, k->name, 0) == k;
}

static enum derivation_cipher cipher_of(const struct key_settings *k)
{
    return k->algorithm[0] == 'd' ? CIPHER_TDES : CIPHER_AES;
}

static void check_cipher(struct lint *l, const struct use *u, const struct key_settings *k)
{
    const struct derivation_row *row = derivation_row(u->method);
    bool aes = cipher_of(k) == CIPHER_AES;
    bool fits = u->card_key ? (aes ? row->aes_master : row->tdes_master)
                            : lint_method_fits(u->method, u->key->kind, cipher_of(k));
    if (!fits)
        lint_error(l, k->line,
                   "key %s version %u is %s: method '%s' does not make key %s of application %s from it",
                   k->name, k->version, k->algorithm, row->name, u->key->name, u->application->name);
}

static void check_master(struct lint *l, const struct job *j, const struct use *u)
{
    const struct version_choice *v = u->version;
    uint16_t version = v->rule == VERSION_FIXED ? v->fixed : 0;
    if (job_key(j, u->master, version)) return;
    if (u->key->optional && !u->card_key && !job_key(j, u->master, 0)) return;
    if (version && job_key(j, u->master, 0))
        lint_error(l, 0, "key %s of application %s wants %s version %u, which 'keys' does not name",
                   u->key->name, u->application->name, u->master, version);
    else
        lint_error(l, 0, "key %s of application %s wants master %s, which 'keys' does not name", u->key->name,
                   u->application->name, u->master);
}

static void check_key_versions(struct lint *l, const struct job *j, const struct job_application *a)
{
    for (size_t e = 0; e < lint_profile_of(a)->element_count; e++) {
        const struct source_list *from = &lint_profile_of(a)->elements[e].from;
        for (size_t s = 0; s < from->count; s++) {
            if (from->sources[s].kind == SOURCE_KEY_VERSION && !job_key(j, from->sources[s].text, 0))
                lint_error(l, 0,
                           "element %X of application %s tells the version of %s, which 'keys' does not name",
                           lint_profile_of(a)->elements[e].tag, a->name, from->sources[s].text);
        }
    }
}

static bool version_is_told(const struct job *j, const char *name)
{
    for (size_t a = 0; a < j->application_count; a++) {
        const struct profile *p = lint_profile_of(&j->applications[a]);
        for (size_t e = 0; e < p->element_count; e++) {
            for (size_t s = 0; s < p->elements[e].from.count; s++) {
                const struct source *source = &p->elements[e].from.sources[s];
                if (source->kind == SOURCE_KEY_VERSION && strcmp(source->text, name) == 0) return true;
            }
        }
    }
    return false;
}

/* All uses of one key of the job: the first one sets the method. */
static void check_uses(struct lint *l, const struct job *j, const struct key_settings *k)
{
    struct use first = {0};
    bool used = version_is_told(j, k->name);
    bool told = false;
    for (size_t a = 0; a < j->application_count; a++) {
        for (size_t i = 0; i < 2 * lint_profile_of(&j->applications[a])->key_count; i++) {
            struct use u;
            if (!use_at(&j->applications[a], i, &u) || !may_use(j, &u, k)) continue;
            used = true;
            check_cipher(l, &u, k);
            if (!first.key) first = u;
            if (told || (u.method == first.method && u.card_key == first.card_key)) continue;
            lint_error(l, k->line,
                       "key %s version %u would serve '%s' (application %s) and '%s' (application %s); one "
                       "master key version "
                       "serves one method",
                       k->name, k->version, derivation_row(first.method)->name, first.application->name,
                       derivation_row(u.method)->name, u.application->name);
            told = true;
        }
    }
    if (!used) lint_warning(l, k->line, "key %s version %u is used by no application", k->name, k->version);
}

void lint_job_keys(struct lint *l, const struct job *j)
{
    for (size_t a = 0; a < j->application_count; a++) {
        for (size_t i = 0; i < 2 * lint_profile_of(&j->applications[a])->key_count; i++) {
            struct use u;
            if (use_at(&j->applications[a], i, &u)) check_master(l, j, &u);
        }
        check_key_versions(l, j, &j->applications[a]);
    }
    for (size_t i = 0; i < j->key_count; i++)
        check_uses(l, j, &j->keys[i]);
}
