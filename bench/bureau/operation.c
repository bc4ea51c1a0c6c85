#include "bench/bureau/operation.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bureau/operation_internal.h"
#include "bench/raw.h"
#include "hsm/readable.h"

enum { MAC_MAX = 1 << 20, COMMAND_ROOM = 512, CRYPTOGRAM_TDES = 24, MAC_BEFORE_AES = 16 };

bool bureau_unwrap_mac_key(struct bureau_bench *b, const struct ring_kek *kek, const uint8_t *mackey,
                           struct hsm_key *out, struct err *err)
{
    const struct hsm_key_ref ref = {.name = "MAC key", .role = HSM_ROLE_CHANNEL_MAC, .algorithm = HSM_AES256};
    return hsm_unwrap_kwp(b->setup.token, &kek->key, mackey, MACKEY_LEN, &ref, out, err);
}

typedef bool run_fn(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                    struct err *err);

static bool run_mac_key(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                        struct err *err)
{
    struct hsm_key key = HSM_KEY_NONE;
    double at = clock_us();
    if (!bureau_unwrap_mac_key(b, o->kek, o->mackey, &key, err)) return false;
    operation_lap(cost, 0, &at);
    hsm_key_destroy(b->setup.token, &key);
    operation_lap(cost, 1, &at);
    return true;
}

static bool run_mac(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                    struct err *err)
{
    uint8_t mac[16];
    struct buf data;

    buf_init(&data, MAC_MAX);
    buf_put_fill(&data, 0x5A, o->len);
    double at = clock_us();
    bool ok = buf_ok(&data, "data of an operation", err) &&
              hsm_cmac(b->setup.token, &b->mac_key, data.data, data.len, mac, err);
    if (ok) operation_lap(cost, 0, &at);
    buf_release(&data);
    return ok;
}

static bool check_value(struct hsm_token *t, const struct hsm_key *key, enum secret_kind kind,
                        struct err *err)
{
    uint8_t kcv[HSM_MODULUS_MAX];
    size_t len = 0;
    if (kind == SECRET_OPAQUE) return true;
    return kind == SECRET_RSA ? hsm_private_modulus(t, key, kcv, &len, err)
                              : hsm_kcv(t, key, HSM_ROLE_CARD_KEY, kcv, &len, err);
}

static bool run_secret(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                       struct err *err)
{
    const struct wrapped_secret *w = &o->secret->wrapped;
    struct hsm_token *t = b->setup.token;
    struct hsm_key key = HSM_KEY_NONE;
    const struct hsm_key_ref ref = {.name = w->name,
                                    .role = w->kind == SECRET_RSA ? HSM_ROLE_CARD_PAIR : HSM_ROLE_CARD_KEY,
                                    .algorithm = ring_algorithm(w->kind)};
    double at = clock_us();
    if (!hsm_unwrap_kwp(t, &o->secret->kek->key, w->ciphertext, w->ciphertext_len, &ref, &key, err))
        return false;
    operation_lap(cost, 0, &at);
    bool ok = check_value(t, &key, w->kind, err);
    if (ok) operation_lap(cost, 1, &at);
    hsm_key_destroy(t, &key);
    if (ok) operation_lap(cost, 2, &at);
    return ok;
}

static bool run_rewrap(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                       struct err *err)
{
    static const uint8_t iv[HSM_CHANNEL_AES_BLOCK];
    const struct hsm_channel *c = &b->line.channel;
    struct buf out;

    buf_init(&out, HSM_CHANNEL_TEXT_MAX);
    double at = clock_us();
    bool ok = hsm_channel_wrap(b->setup.token, c, c->aes ? iv : NULL, &o->secret->key, &out, err);
    if (ok) operation_lap(cost, 0, &at);
    buf_release(&out);
    return ok;
}

static bool read_one(struct bureau_bench *b, const struct open_secret *s, struct err *err)
{
    const struct hsm_span wrapped = {s->wrapped.ciphertext, s->wrapped.ciphertext_len};
    struct secret value = SECRET_NONE;
    struct hsm_crt crt = HSM_CRT_NONE;
    bool ok = s->wrapped.kind == SECRET_RSA
                  ? hsm_read_wrapped_crt(b->setup.token, &s->kek->key, &wrapped, &crt, err)
                  : hsm_read_wrapped(b->setup.token, &s->kek->key, &wrapped, ring_algorithm(s->wrapped.kind),
                                     &value, err);
    hsm_crt_release(&crt);
    secret_release(&value);
    return ok;
}

static bool run_translate(const struct bureau_operation *o, struct bureau_bench *b,
                          struct operation_cost *cost, struct err *err)
{
    static const uint8_t iv[HSM_CHANNEL_AES_BLOCK];
    const struct hsm_channel *c = &b->line.channel;
    uint8_t text[HSM_CHANNEL_TEXT_MAX] = {0};

    if (o->len > sizeof(text)) return err_set(err, ERR_CONFIG, "secrets of %zu bytes", o->len);
    double at = clock_us();
    for (size_t i = 0; i < o->item->secret_count; i++) {
        if (!read_one(b, &o->item->secrets[i], err)) return false;
    }
    operation_lap(cost, 0, &at);
    for (unsigned i = 0; i < o->encryptions; i++) {
        if (!hsm_channel_encrypt_data(b->setup.token, c, c->aes ? iv : NULL, text, o->len, text, err))
            return false;
    }
    operation_lap(cost, 1, &at);
    return true;
}

static bool cryptogram(struct bureau_bench *b, const struct hsm_channel *c, struct err *err)
{
    uint8_t text[SCP03_KDF] = {0}, mac[16];
    return c->aes ? hsm_channel_cmac(b->setup.token, c, HSM_CHANNEL_COMMAND, text, sizeof(text), mac, err)
                  : hsm_channel_encrypt(b->setup.token, c, NULL, text, CRYPTOGRAM_TDES, text, err);
}

static bool run_card_keys(const struct bureau_operation *o, struct bureau_bench *b,
                          struct operation_cost *cost, struct err *err)
{
    struct hsm_card_keys keys = HSM_CARD_KEYS_NONE;

    (void)o;
    double at = clock_us();
    if (!bureau_setup_keys(&b->setup, &keys, err)) return false;
    operation_lap(cost, 0, &at);
    hsm_card_keys_destroy(b->setup.token, &keys);
    operation_lap(cost, 1, &at);
    return true;
}

/* With the card's keys that are there already. */
static bool run_channel(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                        struct err *err)
{
    struct bureau_line line = {.keys = b->line.keys};

    (void)o;
    double at = clock_us();
    bool ok = bureau_setup_session(&b->setup, &line, err);
    if (ok) operation_lap(cost, 0, &at);
    ok = ok && cryptogram(b, &line.channel, err) && cryptogram(b, &line.channel, err);
    if (ok) operation_lap(cost, 1, &at);
    hsm_channel_close(b->setup.token, &line.channel);
    if (ok) operation_lap(cost, 2, &at);
    return ok;
}

/* MAC over head and data in whole blocks; with AES a chaining value stands in front. */
static bool mac_command(struct bureau_bench *b, size_t len, struct err *err)
{
    static const uint8_t zero[COMMAND_ROOM];
    const struct hsm_channel *c = &b->line.channel;
    const size_t head = APDU_HEADER + 1;
    uint8_t mac[16], icv[SCP02_BLOCK] = {0};

    if (c->aes)
        return hsm_channel_cmac(b->setup.token, c, HSM_CHANNEL_COMMAND, zero, MAC_BEFORE_AES + head + len,
                                mac, err);
    const struct hsm_span text = {zero, (head + len) / SCP02_BLOCK * SCP02_BLOCK + SCP02_BLOCK};
    return hsm_channel_retail_mac(b->setup.token, c, HSM_CHANNEL_COMMAND, icv, &text, mac, err) &&
           hsm_channel_next_iv(b->setup.token, c, mac, icv, err);
}

static bool encrypt_command(struct bureau_bench *b, size_t len, struct err *err)
{
    const struct hsm_channel *c = &b->line.channel;
    uint8_t text[COMMAND_ROOM] = {0}, iv[HSM_CHANNEL_AES_BLOCK] = {0};

    return (!c->aes || hsm_channel_encrypt_block(b->setup.token, c, iv, iv, err)) &&
           hsm_channel_encrypt(b->setup.token, c, c->aes ? iv : NULL, text, len, text, err);
}

static bool run_command(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                        struct err *err)
{
    if (o->len > COMMAND_ROOM / 2 + SCP03_BLOCK) return err_set(err, ERR_CONFIG, "%zu bytes", o->len);
    double at = clock_us();
    if (!mac_command(b, o->len, err)) return false;
    operation_lap(cost, 0, &at);
    if (o->encryptions && !encrypt_command(b, o->len, err)) return false;
    operation_lap(cost, 1, &at);
    return true;
}

/* ---- all of them ---- */

static bool run_one(const struct bureau_operation *o, struct bureau_bench *b, struct operation_cost *cost,
                    struct err *err)
{
    static run_fn *const run[OPERATION_KIND_COUNT] = {
        [OPERATION_MAC] = run_mac,
        [OPERATION_MAC_KEY] = run_mac_key,
        [OPERATION_SECRET] = run_secret,
        [OPERATION_REWRAP] = run_rewrap,
        [OPERATION_CHANNEL] = run_channel,
        [OPERATION_TRANSLATE] = run_translate,
        [OPERATION_CARD_KEYS] = run_card_keys,
        [OPERATION_COMMAND] = run_command,
    };
    for (unsigned i = 0; i < o->times; i++) {
        if (run[o->kind](o, b, cost, err)) continue;
        err_prefix(err, "%s (%s)", operation_name(o->kind), o->what);
        return false;
    }
    return true;
}

static bool repeat(struct bureau_bench *b, const struct script_order *order, struct bureau_costs *costs,
                   struct err *err)
{
    raw_wait_until(order->start_us);
    const double begin = clock_us(), cpu_begin = cpu_us();
    do {
        const double before = clock_us();
        for (size_t i = 0; i < b->count; i++) {
            if (!run_one(&b->list[i], b, &costs->operations[i].cost, err)) return false;
        }
        timing_add(&costs->all, clock_us() - before);
    } while (clock_us() - begin < order->seconds * 1e6);
    costs->cpu_us = cpu_us() - cpu_begin;
    return true;
}

static void name_costs(const struct bureau_bench *b, struct bureau_costs *costs)
{
    costs->count = b->count;
    costs->of_record = b->of_record;
    for (size_t i = 0; i < b->count; i++) {
        struct bureau_cost *c = &costs->operations[i];
        c->times = b->list[i].times;
        c->cost.kind = b->list[i].kind;
        c->cost.application = RECORD_ITSELF;
        memcpy(c->cost.what, b->list[i].what, sizeof(c->cost.what));
    }
}

bool bureau_raw(const void *context, void *costs, struct err *err)
{
    const struct bureau_raw_order *order = context;
    const struct script_order *script = &order->script;
    struct bureau_bench *b = calloc(1, sizeof(*b));

    if (!b) return err_set_no_memory(err);
    bool ok = bureau_setup_open(&b->setup, script->settings, script->protocol, err);
    if (ok) {
        ok = bureau_setup_call(&b->setup, &b->line, err) &&
             bureau_setup_record(&b->setup, script->records, 0, &b->record, err) &&
             bureau_operations_list(b, order->conversation ? script->part : NULL, err);
        if (ok) name_costs(b, costs);
        ok = ok && repeat(b, script, costs, err);
        open_record_free(b->record);
        hsm_key_destroy(b->setup.token, &b->mac_key);
        bureau_setup_hang_up(&b->setup, &b->line);
        bureau_setup_close(&b->setup);
    }
    free(b);
    return ok;
}

void bureau_costs_join(struct bureau_costs *all, const struct bureau_costs *more)
{
    if (all->count == 0) {
        *all = *more;
        return;
    }
    for (size_t i = 0; i < all->count; i++) {
        for (size_t part = 0; part < OPERATION_PARTS; part++)
            timing_join(&all->operations[i].cost.parts[part], &more->operations[i].cost.parts[part]);
    }
    timing_join(&all->all, &more->all);
    all->cpu_us += more->cpu_us;
}
