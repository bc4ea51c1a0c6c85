/* ceremony/key_block.c - named exception 3: for a moment a key that travels in a key block is in this process.
 *
 * Why: a key block of TR-31 / X9.143 encrypts length ‖ key ‖ padding and takes a MAC over the same bytes in clear. No mechanism
 * of PKCS #11 wraps or unwraps that form, so whoever makes or opens a block has the key outside of the token. What
 * keeps it small: it is off unless the plan says `allow_clear_key_block: yes`; a key that lives on a token never leaves
 * it (export takes what custodians enter in the same sitting); the KBPK and the keys that it makes stay in the token; the
 * key is in locked, guarded memory (struct secret) from the first byte on and wiped with the call, also when it fails;
 * nothing of it is used before the block's MAC is verified; it goes straight into the token, under its role; nothing here
 * can print it. */
#include "ceremony/key_block.h"

#include <string.h>

#include "base/hex.h"
#include "ceremony/components.h"
#include "ceremony/key_block_work.h"
#include "ceremony/weak_key.h"

static void tell(const struct key_block_work *w)
{
    dialogue_say(&w->c->dialogue,
                 "Key %s passes through this process in clear, in locked memory (allow_clear_key_block).",
                 w->name);
}

/* --- out --- */

enum { CHECK_TEXT = 2 + CHECK_VALUE_TEXT };

/* "00" before a check value of DES, "01" before one of AES. */
static void put_check_value(struct key_block_optional *o, const char *id, const struct check_value *v,
                            char text[static CHECK_TEXT])
{
    text[0] = '0';
    text[1] = v->len == 3 ? '0' : '1';
    check_value_text(v, text + 2);
    memcpy(o->id, id, 3);
    o->data = text;
    o->len = strlen(text);
}

static bool seal(struct key_block_work *w, const struct secret *key, const struct key_block_result *r,
                 struct buf *text, struct err *err)
{
    char kc[CHECK_TEXT], kp[CHECK_TEXT];
    struct key_block_optional optional[2];
    struct key_block_inputs in;
    struct hsm_key_block block;
    struct secret plain = SECRET_NONE;
    struct buf sealed;
    struct hsm_token *t = w->kbpk_place.token;
    size_t plain_len = key_block_plain_len(r->header.version, r->header.algorithm, key->len);
    size_t count = w->order->check_values ? 2 : 0;
    bool ok = false;

    buf_init(&sealed, KEY_BLOCK_MAX);
    put_check_value(&optional[0], "KC", &r->check, kc);
    put_check_value(&optional[1], "KP", &w->kbpk_check, kp);
    if (!key_block_put_header(&r->header, optional, count, plain_len, text, err)) goto out;
    if (!secret_init(&plain, plain_len, err)) goto out;
    plain.len = plain_len;
    if (!hsm_random(t, plain.data, plain.len, err)) goto out;
    key_block_plain_put(plain.data, key->data, key->len);
    if (!key_block_work_describe(w, r->header.version, &in, &block, err)) goto out;
    block.bound = text->data;
    block.bound_len = text->len;
    if (!hsm_key_block_protect(t, &block, &plain, &sealed, err)) goto out;
    hex_put(text, sealed.data, sealed.len);
    ok = buf_ok(text, "key block", err);
out:
    if (!ok) buf_clear(text);
    secret_release(&plain);
    buf_release(&sealed);
    return ok;
}

bool key_block_export(struct ceremony *c, const struct key_block_order *order, struct buf *text,
                      struct key_block_result *result, struct err *err)
{
    struct key_block_work w;
    struct key_block_result r = {.was_there = false};
    struct secret key = SECRET_NONE;
    size_t missing = 0;
    bool ok = false;

    if (!key_block_work_init(&w, c, order, err)) goto out;
    if (order->key->origin != ORIGIN_COMPONENTS) {
        err_set(
            err, ERR_CONFIG,
            "key %s is generated, and what is on a token never leaves it: only a key whose components are "
            "entered can be exported",
            w.name);
        goto out;
    }
    if (plan_key_has_letters(order->key)) {
        err_set(err, ERR_CONFIG,
                "key %s gets its components in letters, which are drawn when it is made: to enter them, say "
                "'prompt: yes' in the plan instead of 'letter'",
                w.name);
        goto out;
    }
    if (!key_block_work_make_header(&w, &r.header, err)) goto out;
    if (!key_block_work_open(&w, err)) goto out;
    tell(&w);
    if (!components_combine(c, order->key, &key, &r.check, err)) goto out;
    if (!key_block_work_compare(&w, &r.check, &missing, err)) goto out;
    if (!seal(&w, &key, &r, text, err)) goto out;
    *result = r;
    ok = true;
out:
    secret_release(&key);
    return ok;
}

/* --- in --- */

static bool refuse_weak(enum hsm_algorithm algorithm, struct secret *key, struct err *err)
{
    switch (weak_key_look(algorithm, key)) {
    case WEAK_KEY_ZERO:
        return err_set(err, ERR_INPUT, "the block's key is zero");
    case WEAK_KEY_SINGLE_DES:
        return err_set(err, ERR_INPUT, "two parts of the block's key are equal: it would be single DES");
    case WEAK_KEY_NOT:
        break;
    }
    return true;
}

/* The key out of the verified block, with its check value, which is the plan's and the block's. */
static bool open_block(struct key_block_work *w, const struct key_block *b, struct secret *key,
                       struct check_value *check, struct err *err)
{
    struct key_block_inputs in;
    struct hsm_key_block block;
    struct secret plain = SECRET_NONE;
    struct buf sealed;
    size_t len = 0;
    bool ok = false;

    buf_init(&sealed, KEY_BLOCK_MAX);
    if (!key_block_sealed(b, &sealed, err)) goto out;
    if (!key_block_work_describe(w, b->header.version, &in, &block, err)) goto out;
    block.bound = b->text;
    block.bound_len = b->bound_len;
    if (!hsm_key_block_open(w->kbpk_place.token, &block, sealed.data, sealed.len, &plain, err)) goto out;
    if (!key_block_plain_read(plain.data, plain.len, &len, err)) goto out;
    if (len != hsm_algorithm_len(w->algorithm)) {
        err_set(err, ERR_INPUT, "the block's key has %zu bits: no %s key", len * 8,
                hsm_algorithm_name(w->algorithm));
        goto out;
    }
    if (!secret_copy(key, plain.data + KEY_BLOCK_KEY_OFFSET, len, err)) goto out;
    if (!refuse_weak(w->algorithm, key, err)) goto out;
    if (!check_value_of(w->algorithm, key, check, err)) goto out;
    ok = check_value_compare(check, w->order->key->kcv, w->order->key->kcv_len, err) &&
         key_block_work_compare_brought(b, "KC", check, err);
out:
    secret_release(&plain);
    buf_release(&sealed);
    return ok;
}

static bool put_at(const struct place *p, const struct secret *key, const struct check_value *check,
                   struct hsm_key *made, struct err *err)
{
    struct check_value is = {.len = 0};
    if (!hsm_key_import(p->token, &p->ref, key, made, err)) return false;
    if (hsm_kcv(p->token, made, p->ref.role, is.bytes, &is.len, err) &&
        check_value_compare(&is, check->bytes, check->len, err))
        return true;
    err_prefix(err, "imported, then on the token");
    return false;
}

/* On all places where it is missing, or on none. */
static bool put_everywhere(struct key_block_work *w, const struct secret *key,
                           const struct check_value *check, struct err *err)
{
    size_t count = w->order->key->token_count, at = 0;
    while (at < count && (w->places[at].there || put_at(&w->places[at], key, check, &w->made[at], err)))
        at++;
    if (at == count) return true;
    err_prefix(err, "token '%s'", w->order->key->tokens[at]);
    for (size_t i = 0; i <= at; i++)
        hsm_key_destroy(w->places[i].token, &w->made[i]);
    return false;
}

static bool import_read(struct key_block_work *w, const struct key_block *b, struct key_block_result *r,
                        struct err *err)
{
    struct secret key = SECRET_NONE;
    size_t missing = 0;
    bool ok = false;

    if (!key_block_work_check_header(w, b, err)) goto out;
    if (!key_block_work_open(w, err)) goto out;
    if (!key_block_work_compare_brought(b, "KP", &w->kbpk_check, err)) goto out;
    tell(w);
    if (!open_block(w, b, &key, &r->check, err)) goto out;
    if (!key_block_work_compare(w, &r->check, &missing, err)) goto out;
    r->was_there = missing == 0;
    r->header = b->header;
    ok = put_everywhere(w, &key, &r->check, err);
out:
    secret_release(&key);
    return ok;
}

bool key_block_import(struct ceremony *c, const struct key_block_order *order, const char *text, size_t len,
                      struct key_block_result *result, struct err *err)
{
    struct key_block_work w;
    struct key_block b;
    struct key_block_result r = {.was_there = false};
    if (!key_block_work_init(&w, c, order, err)) return false;
    if (!order->key->kcv_len)
        return err_set(
            err, ERR_CONFIG,
            "key %s: the plan must say its check value (kcv), as its sender told you on another way", w.name);
    if (!key_block_read(text, len, &b, err) || !import_read(&w, &b, &r, err)) {
        err_prefix(err, "key block of %s", w.name);
        return false;
    }
    *result = r;
    return true;
}
