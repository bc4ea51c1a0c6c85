#include "bench/operation.h"

#include <string.h>

enum { LARGEST_MAC = 1 << 20, SECRET_LEN_MAX = 1 << 12 };

static const struct {
    const char *name;
    const char *parts[OPERATION_PARTS];
} rows[OPERATION_KIND_COUNT] = {
    [OPERATION_KEY] = {"key", {"derive", "check_value", "wrap", "destroy"}},
    [OPERATION_PAIR] = {"pair", {"generate", "wrap", "destroy"}},
    [OPERATION_SIGN] = {"raw_signature", {"sign"}},
    [OPERATION_MAC] = {"mac", {"sign"}},
    [OPERATION_RANDOM] = {"random", {"generate"}},
    [OPERATION_SIGN_JOB] = {"job_signature", {"sign"}},
    [OPERATION_MAC_KEY] = {"mac_key", {"unwrap", "destroy"}},
    [OPERATION_SECRET] = {"secret", {"unwrap", "check_value", "destroy"}},
    [OPERATION_REWRAP] = {"rewrap", {"wrap"}},
    [OPERATION_TRANSLATE] = {"translate", {"read", "encrypt"}},
    [OPERATION_CARD_KEYS] = {"card_keys", {"derive", "destroy"}},
    [OPERATION_CHANNEL] = {"channel", {"open", "cryptograms", "close"}},
    [OPERATION_COMMAND] = {"command", {"mac", "encrypt"}},
};

const char *operation_name(enum operation_kind kind)
{
    return rows[kind].name;
}

const char *operation_part(enum operation_kind kind, size_t part)
{
    return part < OPERATION_PARTS ? rows[kind].parts[part] : NULL;
}

double operation_cost_us(const struct operation_cost *cost)
{
    double us = 0;
    for (size_t i = 0; i < OPERATION_PARTS; i++)
        us += timing_mean(&cost->parts[i]);
    return us;
}

void operation_lap(struct operation_cost *cost, size_t i, double *since)
{
    const double now = clock_us();
    timing_add(&cost->parts[i], now - *since);
    *since = now;
}

static bool run_key(const struct operation *o, struct keyring *k, struct operation_cost *cost,
                    struct err *err)
{
    const struct hsm_key_ref ref = {.name = o->what, .role = HSM_ROLE_CARD_KEY, .algorithm = o->algorithm};
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t kcv[HSM_KCV_MAX], check[3];
    size_t kcv_len = 0;
    struct buf wrapped;
    bool ok = false;

    buf_init(&wrapped, SECRET_LEN_MAX);
    double at = clock_us();
    if (!hsm_derive(k->master, &o->master->key, o->block.data, o->block.len, &ref, &key, err)) goto out;
    operation_lap(cost, 0, &at);
    if (!hsm_kcv(k->master, &key, HSM_ROLE_CARD_KEY, kcv, &kcv_len, err)) goto out;
    if (o->gp_check_value && !hsm_kcv_gp(k->master, &key, check, err)) goto out;
    operation_lap(cost, 1, &at);
    if (!hsm_wrap_kwp(k->master, &k->kek, &key, &wrapped, err)) goto out;
    operation_lap(cost, 2, &at);
    hsm_key_destroy(k->master, &key);
    operation_lap(cost, 3, &at);
    ok = true;
out:
    hsm_key_destroy(k->master, &key);
    buf_release(&wrapped);
    return ok;
}

static bool run_pair(const struct operation *o, struct keyring *k, struct operation_cost *cost,
                     struct err *err)
{
    const struct hsm_pair_ref ref = {
        .key = {.name = o->what, .role = HSM_ROLE_CARD_PAIR, .algorithm = HSM_RSA},
        .bits = o->bits,
        .exponent = o->exponent,
    };
    struct hsm_pair pair = {.private_key = HSM_KEY_NONE, .public_key = HSM_KEY_NONE};
    struct buf wrapped;
    bool ok = false;

    buf_init(&wrapped, SECRET_LEN_MAX);
    double at = clock_us();
    if (!hsm_pair_generate(k->card_key, &ref, &pair, err)) goto out;
    operation_lap(cost, 0, &at);
    if (!hsm_wrap_kwp(k->card_key, &k->pair_kek, &pair.private_key, &wrapped, err)) goto out;
    operation_lap(cost, 1, &at);
    hsm_pair_destroy(k->card_key, &pair);
    operation_lap(cost, 2, &at);
    ok = true;
out:
    hsm_pair_destroy(k->card_key, &pair);
    buf_release(&wrapped);
    return ok;
}

static bool run_sign(const struct operation *o, struct keyring *k, struct operation_cost *cost,
                     struct err *err)
{
    uint8_t block[HSM_MODULUS_MAX];
    struct buf signature;

    memset(block, 0xBB, sizeof(block));
    block[0] = 0x6A; /* as EMV's blocks begin: smaller than any modulus */
    buf_init(&signature, sizeof(block));
    double at = clock_us();
    bool ok = o->kind == OPERATION_SIGN ? hsm_sign_raw(k->master, &o->signer->private_key, block,
                                                       o->signer->modulus_len, &signature, err)
                                        : keyring_sign(k, block, sizeof(block), &signature, err);
    if (ok) operation_lap(cost, 0, &at);
    buf_release(&signature);
    return ok;
}

static bool run_bytes(const struct operation *o, struct keyring *k, struct operation_cost *cost,
                      struct err *err)
{
    uint8_t mac[16];
    struct buf data;

    buf_init(&data, LARGEST_MAC);
    buf_put_fill(&data, 0x5A, o->len);
    bool ok = buf_ok(&data, "data of an operation", err);
    double at = clock_us();
    if (ok && o->kind == OPERATION_MAC) ok = hsm_cmac(k->master, &k->mac_key, data.data, data.len, mac, err);
    if (ok && o->kind == OPERATION_RANDOM) ok = hsm_random(k->master, data.data, data.len, err);
    if (ok) operation_lap(cost, 0, &at);
    buf_release(&data);
    return ok;
}

bool operation_run(const struct operation *o, struct keyring *k, struct operation_cost *cost, struct err *err)
{
    static bool (*const run[OPERATION_KIND_COUNT])(const struct operation *, struct keyring *,
                                                   struct operation_cost *, struct err *) = {
        [OPERATION_KEY] = run_key,   [OPERATION_PAIR] = run_pair,    [OPERATION_SIGN] = run_sign,
        [OPERATION_MAC] = run_bytes, [OPERATION_RANDOM] = run_bytes, [OPERATION_SIGN_JOB] = run_sign,
    };
    cost->kind = o->kind;
    cost->application = o->application;
    memcpy(cost->what, o->what, sizeof(cost->what));
    if (!run[o->kind]) return err_set(err, ERR_INTERNAL, "an operation of the bureau");
    if (run[o->kind](o, k, cost, err)) return true;
    err_prefix(err, "%s (%s)", operation_name(o->kind), o->what);
    return false;
}
