/* ceremony/key_block_work.c - what a key block's export and import know before a key is there: plan, roles, tokens, header. */
#include "ceremony/key_block_work.h"

#include <string.h>

#include "base/hex.h"

static const struct key_block_role roles[] = {
    {HSM_ROLE_MASTER, KEY_BLOCK_DERIVES, NULL},        {HSM_ROLE_KEK_ISSUER, KEY_BLOCK_WRAPS, "K0"},
    {HSM_ROLE_ZCMK_SENDER, KEY_BLOCK_WRAPS, "K0"},     {HSM_ROLE_KEK_BUREAU, KEY_BLOCK_UNWRAPS, "K0"},
    {HSM_ROLE_ZCMK_RECEIVER, KEY_BLOCK_UNWRAPS, "K0"}, {HSM_ROLE_KBPK, KEY_BLOCK_PROTECTS, "K1"},
};

static bool is_des(enum hsm_algorithm a)
{
    return a == HSM_DES2 || a == HSM_DES3;
}

static char letter(enum hsm_algorithm a)
{
    return is_des(a) ? 'T' : 'A';
}

static const struct key_block_role *find_row(const char *role_name, struct err *err)
{
    enum hsm_role role;
    if (!hsm_role_find(role_name, &role, err)) return NULL;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (roles[i].role == role) return &roles[i];
    }
    err_set(err, ERR_CONFIG, "a key of role %s does not travel in a key block", role_name);
    return NULL;
}

static bool check_key(struct key_block_work *w, struct err *err)
{
    const struct plan_key *key = w->order->key;
    if (key->token_count > KEY_BLOCK_PLACES_MAX)
        return err_set(err, ERR_CONFIG, "a key is on 1 to %d tokens", KEY_BLOCK_PLACES_MAX);
    for (size_t i = 0; i < key->token_count; i++) {
        if (!(w->rows[i] = find_row(key->token_roles[i], err))) return false;
    }
    return hsm_algorithm_find(key->algorithm, &w->algorithm, err);
}

static bool check_kbpk(struct key_block_work *w, struct err *err)
{
    const struct plan_key *kbpk = w->order->kbpk;
    enum hsm_role role;
    if (!hsm_role_find(kbpk->token_roles[0], &role, err)) return false;
    if (role != HSM_ROLE_KBPK)
        return err_set(err, ERR_CONFIG, "its role is %s; key blocks are protected by a key of role %s",
                       hsm_role_name(role), hsm_role_name(HSM_ROLE_KBPK));
    return hsm_algorithm_find(kbpk->algorithm, &w->kbpk_algorithm, err);
}

bool key_block_work_init(struct key_block_work *w, struct ceremony *c, const struct key_block_order *order,
                         struct err *err)
{
    *w = (struct key_block_work){.c = c, .order = order};
    plan_key_name(order->key, w->name);
    plan_key_name(order->kbpk, w->kbpk_name);
    if (!c->plan->allow_clear_key_block)
        return err_set(err, ERR_CONFIG,
                       "a key block takes the key through this process in clear, which this plan does not "
                       "allow: it must say allow_clear_key_block: yes");
    if (!check_key(w, err)) {
        err_prefix(err, "key %s", w->name);
        return false;
    }
    if (!check_kbpk(w, err)) {
        err_prefix(err, "key %s", w->kbpk_name);
        return false;
    }
    if (order->key == order->kbpk) return err_set(err, ERR_CONFIG, "key %s does not protect itself", w->name);
    return key_block_check_strength(letter(w->kbpk_algorithm), hsm_algorithm_len(w->kbpk_algorithm),
                                    letter(w->algorithm), hsm_algorithm_len(w->algorithm), err);
}

bool key_block_work_open(struct key_block_work *w, struct err *err)
{
    const struct plan_key *kbpk = w->order->kbpk;
    struct place *p = &w->kbpk_place;
    for (size_t i = 0; i < w->order->key->token_count; i++) {
        if (!place_open(w->c, w->order->key, i, &w->places[i], err)) return false;
    }
    if (!place_open(w->c, kbpk, 0, p, err)) return false;
    memcpy(p->ref.kcv, kbpk->kcv, kbpk->kcv_len);
    p->ref.kcv_len = kbpk->kcv_len;
    bool ok = hsm_key_find(p->token, &p->ref, &w->kbpk, err) &&
              hsm_kcv(p->token, &w->kbpk, p->ref.role, w->kbpk_check.bytes, &w->kbpk_check.len, err);
    if (!ok) err_prefix(err, "token '%s'", p->token_name);
    return ok;
}

bool key_block_work_compare(struct key_block_work *w, const struct check_value *check, size_t *missing,
                            struct err *err)
{
    *missing = 0;
    for (size_t i = 0; i < w->order->key->token_count; i++) {
        struct place *p = &w->places[i];
        struct hsm_key key = HSM_KEY_NONE;
        if (!p->there) {
            *missing += 1;
            continue;
        }
        memcpy(p->ref.kcv, check->bytes, check->len);
        p->ref.kcv_len = check->len;
        if (hsm_key_find(p->token, &p->ref, &key, err)) continue;
        err_prefix(err, "token '%s'", p->token_name);
        return false;
    }
    return true;
}

bool key_block_work_describe(const struct key_block_work *w, char version, struct key_block_inputs *in,
                             struct hsm_key_block *out, struct err *err)
{
    if (!key_block_inputs(version, hsm_algorithm_len(w->kbpk_algorithm), in, err)) return false;
    *out = (struct hsm_key_block){.kbpk = &w->kbpk,
                                  .cipher_input = in->cipher,
                                  .mac_input = in->mac,
                                  .input_len = in->len,
                                  .input_is_full = in->is_full};
    return true;
}

static void put_key_version(const struct key_block_order *o, char out[3])
{
    unsigned version = o->key->version < 100 ? o->key->version : 0;
    const char own[3] = {(char)('0' + version / 10), (char)('0' + version % 10), 0};
    memcpy(out, own, sizeof(own));
    if (o->key_version) snprintf(out, 3, "%s", o->key_version);
}

bool key_block_work_make_header(const struct key_block_work *w, struct key_block_header *h, struct err *err)
{
    const struct key_block_order *o = w->order;
    const char *usage = o->usage ? o->usage : w->rows[0]->usage;
    if (!usage)
        return err_set(err, ERR_CONFIG, "a master is used for one of E0 to E6: say which with --usage");
    *h = (struct key_block_header){
        .version = is_des(w->kbpk_algorithm) ? 'B' : 'D', .algorithm = letter(w->algorithm), .context = '0'};
    h->mode = o->mode ? o->mode : key_block_receiver_mode(w->rows[0]->purpose);
    h->exportability = o->exportability ? o->exportability : 'N';
    snprintf(h->usage, sizeof(h->usage), "%s", usage);
    put_key_version(o, h->key_version);
    return key_block_check_export(h, w->rows[0]->purpose, err);
}

bool key_block_work_check_header(const struct key_block_work *w, const struct key_block *b, struct err *err)
{
    const struct key_block_header *h = &b->header;
    char due[8];
    char version = is_des(w->kbpk_algorithm) ? 'B' : 'D';
    if (h->version != version)
        return err_set(err, ERR_INPUT, "a block of version %c is not under a KBPK of %s", h->version,
                       hsm_algorithm_name(w->kbpk_algorithm));
    for (size_t i = 0; i < w->order->key->token_count; i++) {
        if (key_block_check_use(h, w->rows[i]->purpose, letter(w->algorithm), err)) continue;
        err_prefix(err, "as role %s", hsm_role_name(w->rows[i]->role));
        return false;
    }
    snprintf(due, sizeof(due), "%02u", w->order->key->version);
    return strcmp(h->key_version, "00") == 0 || strcmp(h->key_version, due) == 0 ||
           err_set(err, ERR_INPUT, "the block holds version %s of its key, the plan has %s", h->key_version,
                   w->name);
}

/* A check value that the block brings along must be ours, as far as both go; ours is 3 bytes for DES, 5 for AES. */
bool key_block_work_compare_brought(const struct key_block *b, const char *id, const struct check_value *is,
                                    struct err *err)
{
    const struct key_block_optional *o = key_block_optional(b, id);
    struct key_block_check_value brought;
    if (!o) return true;
    if (!key_block_check_value(o, &brought, err)) return false;
    const char *kind = is->len == 3 ? "00" : "01";
    if (strcmp(brought.kind, kind) != 0)
        return err_set(err, ERR_INPUT, "optional block %s: a check value of kind %s; for this key it is %s",
                       id, brought.kind, kind);
    size_t len = brought.len < is->len ? brought.len : is->len;
    if (bytes_equal(brought.bytes, len, is->bytes, len)) return true;
    char text[CHECK_VALUE_TEXT], due[2 * KEY_BLOCK_CHECK_VALUE_MAX + 1];
    check_value_text(is, text);
    hex_write(due, sizeof(due), brought.bytes, brought.len, false);
    return err_set(err, ERR_TOKEN, "optional block %s: check value is %s, the block says %s", id, text, due);
}
