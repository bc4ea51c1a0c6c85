/* ceremony/components.c - named exception 2: for a moment a key's components, and on most tokens the key itself, are in this
 * process.
 *
 * Why: custodians bring their components on paper or in files, and each needs its check value told, so they pass through
 * here everywhere. Where the token adds components inside (CKM_XOR_BASE_AND_DATA; NSS has it), one at a time is here and
 * the key never is; SoftHSM has no such mechanism, so there the sum is made here. What keeps it small: components and key
 * stay in locked, guarded memory (struct secret) and are wiped as soon as they are combined; they are read from the
 * terminal with echo off or from a file that only its owner can read (component_entry.c); they are compared by check
 * value alone; nothing here can print them, save the letter that is a component's own paper (letter.c). libcrypto's key
 * schedules for the check values are wiped when freed. The key goes straight into the token, under its role
 * (make_keys.c). */
#include "ceremony/components.h"

#include <string.h>

#include "base/hex.h"
#include "ceremony/component_entry.h"
#include "ceremony/weak_key.h"
#include "hsm/combine.h"

/* Components that cancel each other out show here. */
static bool refuse_weak(enum hsm_algorithm algorithm, struct secret *value, struct err *err)
{
    switch (weak_key_look(algorithm, value)) {
    case WEAK_KEY_ZERO:
        return err_set(err, ERR_INPUT, "the components cancel each other out: the key would be zero");
    case WEAK_KEY_SINGLE_DES:
        return err_set(err, ERR_INPUT, "two parts of the combined key are equal: it would be single DES");
    case WEAK_KEY_NOT:
        break;
    }
    return true;
}

/* A second person types the combined check value: from the form, where it is known, else from the screen onto it. */
static bool confirm(const struct ceremony *c, const struct plan_key *key, const struct check_value *check,
                    struct err *err)
{
    char shown[CHECK_VALUE_TEXT], question[DIALOGUE_LINE_MAX];
    const char *who = plan_person(c->plan, DUTY_OFFICER, 0);
    if (!c->dialogue.asks) return true;
    check_value_text(check, shown);
    if (key->kcv_len) {
        hex_write(shown, sizeof(shown), check->bytes, key->kcv_len, false);
        snprintf(question, sizeof(question),
                 "\n%s: type the check value of the whole key from your form:", who);
    } else {
        snprintf(question, sizeof(question),
                 "\nCheck value of the whole key: %s. %s: write it onto the form, then type it from there:",
                 shown, who);
    }
    return dialogue_types(&c->dialogue, question, shown, err);
}

bool components_combine(struct ceremony *c, const struct plan_key *key, struct secret *value,
                        struct check_value *check, struct err *err)
{
    struct secret sum = SECRET_NONE, part = SECRET_NONE;
    enum hsm_algorithm algorithm;
    bool ok = false;

    if (!hsm_algorithm_find(key->algorithm, &algorithm, err)) goto out;
    size_t len = hsm_algorithm_len(algorithm);
    if (len == 0 || key->component_count < 2) {
        err_set(err, ERR_CONFIG, "components are 2 or 3, of a secret key");
        goto out;
    }
    if (!secret_init(&sum, len, err)) goto out;
    if (!secret_init(&part, len, err)) goto out;
    memset(sum.data, 0, len);
    sum.len = len;
    for (size_t i = 0; i < key->component_count; i++) {
        if (!component_take(c, key, i, algorithm, &part, err)) goto out;
        for (size_t k = 0; k < len; k++)
            sum.data[k] ^= part.data[k];
    }
    if (!refuse_weak(algorithm, &sum, err)) goto out;
    if (!check_value_of(algorithm, &sum, check, err)) goto out;
    if (!check_value_compare(check, key->kcv, key->kcv_len, err)) {
        err_prefix(err, "combined key");
        goto out;
    }
    if (!confirm(c, key, check, err)) goto out;
    *value = sum;
    sum = (struct secret)SECRET_NONE;
    ok = true;
out:
    secret_release(&part);
    secret_release(&sum);
    return ok;
}

/* The component goes into the token and is gone from here. */
static bool add_inside(struct hsm_token *t, enum hsm_algorithm algorithm, const struct secret *part,
                       struct hsm_key *sum, struct err *err)
{
    return sum->handle ? hsm_combine_next(t, sum, part, err)
                       : hsm_combine_first(t, algorithm, part, sum, err);
}

bool components_combine_inside(struct ceremony *c, const struct plan_key *key, struct hsm_token *t,
                               struct hsm_key *out, struct check_value *check, struct err *err)
{
    struct hsm_key sum = HSM_KEY_NONE;
    enum hsm_algorithm algorithm;
    bool ok = hsm_algorithm_find(key->algorithm, &algorithm, err);
    for (size_t i = 0; ok && i < key->component_count; i++) {
        struct secret part = SECRET_NONE;
        ok = secret_init(&part, hsm_algorithm_len(algorithm), err) &&
             component_take(c, key, i, algorithm, &part, err) && add_inside(t, algorithm, &part, &sum, err);
        secret_release(&part);
    }
    ok = ok && hsm_kcv(t, &sum, HSM_ROLE_COMBINING, check->bytes, &check->len, err);
    if (ok && !check_value_compare(check, key->kcv, key->kcv_len, err)) {
        err_prefix(err, "combined key");
        ok = false;
    }
    if (ok && confirm(c, key, check, err)) {
        *out = sum;
        return true;
    }
    hsm_key_destroy(t, &sum);
    return false;
}
