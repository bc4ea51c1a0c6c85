/* Which operations a card takes, counted from its plan. */
#include "bench/operation.h"

#include <stdio.h>
#include <string.h>

struct list {
    const struct keyring *keys;
    struct operation *out;
    size_t count;
};

/* NULL when the list is full; operations_of_… report it. */
static struct operation *add(struct list *l, enum operation_kind kind, int application)
{
    if (l->count == OPERATIONS_MAX) return NULL;
    struct operation *o = &l->out[l->count++];
    *o = (struct operation){.kind = kind, .application = application};
    return o;
}

static bool full(struct err *err)
{
    return err_set(err, ERR_CONFIG, "a card of more than %d operations", OPERATIONS_MAX);
}

static bool add_key(struct list *l, int application, const struct profile *profile,
                    const struct planned_key *key, struct err *err)
{
    if (key->left_out) return true;
    if (key->rule->protection != METHOD_KWP)
        return err_set(err, ERR_CONFIG, "key %s: cardbench measures only keys wrapped under the KEK",
                       key->rule->name);
    struct operation *o = add(l, OPERATION_KEY, application);
    if (!o) return full(err);
    o->master = keyring_master(l->keys, key->master.key);
    o->block = key->master.block;
    if (!derive_algorithm(key->rule->kind, &o->algorithm, err)) return false;
    const bool aes = o->algorithm != HSM_DES2 && o->algorithm != HSM_DES3;
    o->gp_check_value = aes && profile->check_value == CHECK_VALUE_GP;
    snprintf(o->what, sizeof(o->what), "%.24s, %s", key->rule->name, hsm_algorithm_name(o->algorithm));
    return true;
}

static bool add_bytes(struct list *l, enum operation_kind kind, int application, size_t len, struct err *err)
{
    struct operation *o = add(l, kind, application);
    if (!o) return full(err);
    o->len = len;
    snprintf(o->what, sizeof(o->what), "%zu bytes", len);
    return true;
}

static bool add_pair(struct list *l, int application, unsigned bits, unsigned long exponent, struct err *err)
{
    struct operation *o = add(l, OPERATION_PAIR, application);
    if (!o) return full(err);
    o->bits = bits;
    o->exponent = exponent;
    snprintf(o->what, sizeof(o->what), "RSA %u, e = %lu", bits, exponent);
    return true;
}

static bool add_signature(struct list *l, int application, size_t issuer, const char *what, struct err *err)
{
    struct operation *o = add(l, OPERATION_SIGN, application);
    if (!o) return full(err);
    o->signer = &l->keys->issuers[issuer];
    snprintf(o->what, sizeof(o->what), "%s, RSA %zu", what, 8 * o->signer->modulus_len);
    return true;
}

static bool add_application(struct list *l, const struct planned_application *a, size_t len, struct err *err)
{
    const struct profile *p = a->application->profile;
    const int index = (int)(a->application - l->keys->job->applications);

    for (size_t i = 0; i < p->key_count; i++) {
        if (!add_key(l, index, p, &a->keys[i], err)) return false;
    }
    for (size_t i = 0; i < p->element_count; i++) {
        if (a->values[i].origin == VALUE_FROM_TOKEN &&
            !add_bytes(l, OPERATION_RANDOM, index, a->values[i].len, err))
            return false;
    }
    if (p->key_pair.present && !add_pair(l, index, p->key_pair.bits, p->key_pair.exponent, err)) return false;
    if (p->certificates.present) {
        const size_t issuer = (size_t)a->application->issuer_key;
        if (p->certificates.ssad && !add_signature(l, index, issuer, "static data", err)) return false;
        if (p->key_pair.present && !add_signature(l, index, issuer, "card certificate", err)) return false;
    }
    return add_bytes(l, OPERATION_MAC, index, len, err);
}

bool operations_of_card(const struct keyring *k, const struct card_plan *plan, size_t record_len,
                        struct operation *out, size_t *count, struct err *err)
{
    struct list l = {.keys = k, .out = out};
    size_t prepared = 0;

    for (size_t i = 0; i < plan->application_count; i++)
        prepared += plan->applications[i].action == APPLICATION_PREPARE;
    for (size_t i = 0; i < plan->application_count; i++) {
        const struct planned_application *a = &plan->applications[i];
        if (a->action != APPLICATION_PREPARE) continue;
        /* a MAC's time hardly depends on its length: an equal share of the record is near enough */
        if (!add_application(&l, a, record_len / prepared, err)) {
            err_prefix(err, "application %s", a->application->name);
            return false;
        }
    }
    if (!add_bytes(&l, OPERATION_MAC, RECORD_ITSELF, record_len, err)) return false;
    *count = l.count;
    return true;
}

static bool add_algorithm(struct list *l, enum hsm_algorithm algorithm, struct err *err)
{
    struct operation *o = add(l, OPERATION_KEY, RECORD_ITSELF);
    if (!o) return full(err);
    const bool aes_master = l->keys->masters[0].key.algorithm >= HSM_AES128;
    const size_t len = hsm_algorithm_len(algorithm), block = aes_master ? 16 : 8;
    o->master = &l->keys->masters[0];
    o->block.len = (len + block - 1) / block * block;
    o->block.key_len = len;
    memset(o->block.data, 0xA5, o->block.len);
    o->algorithm = algorithm;
    snprintf(o->what, sizeof(o->what), "%s", hsm_algorithm_name(algorithm));
    return true;
}

bool operations_of_token(const struct keyring *k, struct operation *out, size_t *count, struct err *err)
{
    static const enum hsm_algorithm algorithms[] = {HSM_DES2, HSM_DES3, HSM_AES128, HSM_AES192, HSM_AES256};
    static const size_t lengths[] = {256, 1024, 4096};
    struct list l = {.keys = k, .out = out};
    struct operation *o;

    for (size_t i = 0; k->job->key_count > 0 && i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (!add_algorithm(&l, algorithms[i], err)) return false;
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (!add_bytes(&l, OPERATION_MAC, RECORD_ITSELF, lengths[i], err)) return false;
    }
    for (size_t i = 0; i < k->job->issuer_key_count; i++) {
        if (!add_signature(&l, RECORD_ITSELF, i, k->job->issuer_keys[i].name, err)) return false;
    }
    if (!(o = add(&l, OPERATION_SIGN_JOB, RECORD_ITSELF))) return full(err);
    snprintf(o->what, sizeof(o->what), "RSA %zu", 8 * k->signer.modulus_len);
    if (!add_pair(&l, RECORD_ITSELF, 1024, 65537, err)) return false;
    *count = l.count;
    return true;
}
