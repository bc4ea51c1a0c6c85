/* bureau/translate.c - NAMED EXCEPTION 1: card secrets that are readable in this process for a moment.
 *
 * Reason. A secret arrives wrapped under the KEK and must leave encrypted under the card's data key. Where a mechanism wraps
 * it there, it never is outside the token. There is none, on any token, for the parts of a private key (the card takes five
 * numbers, a token wraps one PKCS#8), for bytes that are padded or joined to whole blocks, and on some tokens for DES keys
 * under a TDES data key (SoftHSM). Those are unwrapped readable, put into the card's form, and encrypted by the token.
 *
 * Lifetime. One data grouping: from the unwrap to the encryption that follows at once. The token's object is destroyed in the call
 * that reads it, the bytes are in locked, guarded memory out of core dumps, and wiped when they are encrypted. So at no time
 * more than one card's secret is here. The data key that encrypts them never leaves the token.
 *
 * What an attacker gains. This runs in the process that holds the token, which has no reader and no network and reaches no file
 * but the token's (sandbox.h). Whoever controls the parent, which drives the reader, sees what the card sees: data encrypted
 * under the card's key. He can have records of his choice personalized by that process, as the bureau can, and learns no
 * key from it. Whoever controls this very process can read the secrets of the card under way; but he could unwrap and read
 * every record with the token's login anyway, so nothing is gained beyond that. */
#include "bureau/translate.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>

#include "formats/dgi.h"
#include "formats/scp.h"
#include "hsm/readable.h"

enum { CRT_PARTS = DGI_CRT_LAST - DGI_CRT_FIRST + 1, KEY_DATA = 10 };

/* ---- which way ---- */

static bool goes_inside(const struct hsm_channel_abilities *abilities, const struct open_item *item, bool aes)
{
    for (size_t i = 0; i < item->secret_count; i++) {
        if (!hsm_channel_can_wrap(abilities, aes, ring_algorithm(item->secrets[i].wrapped.kind)))
            return false;
    }
    return true;
}

enum translate_way translate_way(const struct hsm_channel_abilities *abilities, const struct open_item *item,
                                 bool aes)
{
    if (item->secrets[0].wrapped.method != METHOD_KWP) return TRANSLATE_UNTOUCHED;
    return goes_inside(abilities, item, aes) ? TRANSLATE_INSIDE : TRANSLATE_READABLE;
}

static const char *why_readable(const struct hsm_channel_abilities *abilities, const struct open_item *item,
                                bool aes)
{
    const char *lacks = aes ? abilities->why_not_aes : abilities->why_not_tdes;
    if (item->secrets[0].wrapped.kind == SECRET_RSA) return "no token wraps the parts of a private key";
    if (lacks[0]) return lacks;
    return "it is no key of whole blocks";
}

void translate_words(const struct hsm_channel_abilities *abilities, const struct open_item *item, bool aes,
                     char text[TRANSLATE_WORDS])
{
    switch (translate_way(abilities, item, aes)) {
    case TRANSLATE_UNTOUCHED:
        snprintf(text, TRANSLATE_WORDS, "goes to the card as it is, under its own key %s",
                 item->secrets[0].wrapped.card_key);
        break;
    case TRANSLATE_INSIDE:
        snprintf(text, TRANSLATE_WORDS, "re-wrapped in the token (%s)", aes ? "AES-CBC" : "TDES-ECB");
        break;
    case TRANSLATE_READABLE:
        snprintf(text, TRANSLATE_WORDS, "readable in the token process for a moment (named exception 1): %s",
                 why_readable(abilities, item, aes));
        break;
    }
}

/* ---- inside ---- */

static bool put_joined(struct ring *r, const struct hsm_channel *c, const struct open_item *item,
                       struct buf *out, struct err *err)
{
    uint8_t iv[HSM_CHANNEL_AES_BLOCK] = {0};
    for (size_t i = 0; i < item->secret_count; i++) {
        const struct open_secret *s = &item->secrets[i];
        if (!hsm_channel_wrap(r->t, c, c->aes ? iv : NULL, &s->key, out, err)) {
            err_prefix(err, "secret %s", s->wrapped.name);
            return false;
        }
        if (c->aes) memcpy(iv, &out->data[out->len - sizeof(iv)], sizeof(iv));
    }
    return true;
}

static bool put_untouched(const struct open_item *item, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < item->secret_count; i++)
        buf_put(out, item->secrets[i].wrapped.ciphertext, item->secrets[i].wrapped.ciphertext_len);
    return buf_ok(out, "secrets", err);
}

/* ---- readable ---- */

/* Appends 80 and zeros; value has the room. */
static void pad(struct secret *value, size_t block)
{
    value->data[value->len++] = 0x80;
    while (value->len % block != 0)
        value->data[value->len++] = 0;
}

static size_t block_of(const struct hsm_channel *c)
{
    return c->aes ? HSM_CHANNEL_AES_BLOCK : HSM_CHANNEL_TDES_BLOCK;
}

/* Encrypts whole blocks for the card; from here on nothing is readable. */
static bool put_encrypted(struct ring *r, const struct hsm_channel *c, const struct secret *value,
                          struct buf *out, struct err *err)
{
    static const uint8_t zero_iv[HSM_CHANNEL_AES_BLOCK];
    const size_t at = buf_reserve(out, value->len);
    if (!buf_ok(out, "encrypted secrets", err)) return false;
    return hsm_channel_encrypt_data(r->t, c, c->aes ? zero_iv : NULL, value->data, value->len, &out->data[at],
                                    err);
}

/* What the token read may have up to seven zeros behind it where its length is not told by its type. */
static bool trim(const struct wrapped_secret *w, struct secret *value, struct err *err)
{
    const size_t due = w->kind == SECRET_OPAQUE ? w->true_len : secret_kind_row(w->kind)->key_len;
    if (value->len < due || value->len - due > 7 || !bytes_all(&value->data[due], value->len - due, 0))
        return err_set(err, ERR_INTEGRITY, "%zu bytes were wrapped where %zu should be", value->len, due);
    value->len = due;
    if (w->kind == SECRET_DES2 || w->kind == SECRET_DES3) des_parity(value->data, value->len);
    return true;
}

static bool append_readable(struct ring *r, const struct open_secret *s, struct secret *joined,
                            struct err *err)
{
    const struct wrapped_secret *w = &s->wrapped;
    struct secret value = SECRET_NONE;
    bool ok = hsm_read_wrapped(r->t, &s->kek->key, &(struct hsm_span){w->ciphertext, w->ciphertext_len},
                               ring_algorithm(w->kind), &value, err) &&
              trim(w, &value, err);
    if (ok && joined->room - joined->len < value.len + HSM_CHANNEL_AES_BLOCK)
        ok = err_set(err, ERR_INPUT, "the secrets of one data grouping are too long");
    if (ok) {
        memcpy(&joined->data[joined->len], value.data, value.len);
        joined->len += value.len;
    }
    secret_release(&value);
    if (!ok) err_prefix(err, "secret %s", w->name);
    return ok;
}

static bool put_readable(struct ring *r, const struct hsm_channel *c, const struct open_item *item,
                         struct buf *out, struct err *err)
{
    struct secret joined = SECRET_NONE;
    bool ok = secret_init(&joined, HSM_CHANNEL_TEXT_MAX, err);
    for (size_t i = 0; ok && i < item->secret_count; i++)
        ok = append_readable(r, &item->secrets[i], &joined, err);
    if (ok && joined.len % block_of(c) != 0) pad(&joined, block_of(c));
    ok = ok && put_encrypted(r, c, &joined, out, err);
    secret_release(&joined);
    return ok;
}

/* ---- private keys ---- */

static void swap(struct secret *a, struct secret *b)
{
    struct secret kept = *a;
    *a = *b;
    *b = kept;
}

/* Compares as integers. */
static bool is_less(const struct secret *a, const struct secret *b)
{
    size_t za = 0, zb = 0;
    while (za < a->len && a->data[za] == 0)
        za++;
    while (zb < b->len && b->data[zb] == 0)
        zb++;
    if (a->len - za != b->len - zb) return a->len - za < b->len - zb;
    return memcmp(&a->data[za], &b->data[zb], a->len - za) <
           0; /* told by the order in which the card gets them */
}

/* q^-1 mod p; OpenSSL's numbers are in its locked heap where the process has one (token_child.c). */
static bool invert(const struct secret *q, const struct secret *p, struct secret *out, struct err *err)
{
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *bp = BN_secure_new(), *bq = BN_secure_new(), *inverse = BN_secure_new();
    bool ok = ctx && bp && bq && inverse && BN_bin2bn(p->data, (int)p->len, bp) &&
              BN_bin2bn(q->data, (int)q->len, bq);
    if (ok) BN_set_flags(bq, BN_FLG_CONSTTIME);
    if (ok) BN_set_flags(bp, BN_FLG_CONSTTIME);
    ok = ok && BN_mod_inverse(inverse, bq, bp, ctx) && (size_t)BN_num_bytes(inverse) <= out->room &&
         BN_bn2binpad(inverse, out->data, (int)p->len) == (int)p->len;
    if (ok) out->len = p->len;
    BN_clear_free(inverse);
    BN_clear_free(bq);
    BN_clear_free(bp);
    BN_CTX_free(ctx);
    return ok || err_set(err, ERR_INTEGRITY, "the private key's primes have no inverse");
}

/* Cards want p > q. */
static bool order(struct hsm_crt *crt, struct err *err)
{
    if (!is_less(&crt->p, &crt->q)) return true;
    swap(&crt->p, &crt->q);
    swap(&crt->dp, &crt->dq);
    return invert(&crt->q, &crt->p, &crt->qinv, err);
}

/* Exactly `len` bytes: zeros in front, or some taken off there; then the padding. */
static bool shape(struct secret *part, size_t len, size_t block, bool always, struct err *err)
{
    size_t zeros = 0;
    while (part->len - zeros > len && part->data[zeros] == 0)
        zeros++;
    if (part->len - zeros > len || part->room < len + block)
        return err_set(err, ERR_INTEGRITY, "a part of the private key is longer than its primes");
    const size_t have = part->len - zeros;
    memmove(&part->data[len - have], &part->data[zeros], have);
    memset(part->data, 0, len - have);
    part->len = len;
    if (always || len % block != 0) pad(part, block);
    return true;
}

static size_t significant(const struct secret *value)
{
    size_t zeros = 0;
    while (zeros < value->len && value->data[zeros] == 0)
        zeros++;
    return value->len - zeros;
}

static bool put_parts(struct ring *r, const struct hsm_channel *c, struct hsm_crt *crt, struct buf *out,
                      struct err *err)
{
    const bool always = !r->settings->crt_padding_when_needed;
    /* 8201 to 8205 */
    struct secret *const parts[CRT_PARTS] = {&crt->qinv, &crt->dq, &crt->dp, &crt->q, &crt->p};
    struct buf one;
    if (!order(crt, err)) return false;
    const size_t len = significant(&crt->p);
    buf_init(&one, HSM_READABLE_MAX);
    bool ok = true;
    for (size_t i = 0; ok && i < CRT_PARTS; i++) {
        buf_clear(&one);
        ok = shape(parts[i], len, block_of(c), always, err) && put_encrypted(r, c, parts[i], &one, err);
        if (ok) dgi_put(out, (uint16_t)(DGI_CRT_FIRST + i), one.data, one.len);
    }
    buf_release(&one);
    return ok && buf_ok(out, "private key", err);
}

static bool put_private_key(struct ring *r, const struct hsm_channel *c, const struct open_item *item,
                            struct buf *out, struct err *err)
{
    const struct open_secret *s = &item->secrets[0];
    const struct hsm_span wrapped = {s->wrapped.ciphertext, s->wrapped.ciphertext_len};
    struct hsm_crt crt = HSM_CRT_NONE;
    bool ok =
        hsm_read_wrapped_crt(r->t, &s->kek->key, &wrapped, &crt, err) && put_parts(r, c, &crt, out, err);
    hsm_crt_release(&crt);
    if (!ok) err_prefix(err, "secret %s", s->wrapped.name);
    return ok;
}

bool translate_item(struct ring *r, const struct hsm_channel *channel, const struct open_item *item,
                    struct buf *out, struct err *err)
{
    const enum translate_way way = translate_way(&r->abilities, item, channel->aes);
    struct buf value;
    if (item->secrets[0].wrapped.kind == SECRET_RSA && way == TRANSLATE_READABLE)
        return put_private_key(r, channel, item, out, err);
    buf_init(&value, DGI_VALUE_MAX);
    bool ok = way == TRANSLATE_UNTOUCHED ? put_untouched(item, &value, err)
              : way == TRANSLATE_INSIDE  ? put_joined(r, channel, item, &value, err)
                                         : put_readable(r, channel, item, &value, err);
    if (ok) dgi_put(out, item->dgi, value.data, value.len);
    buf_release(&value);
    return ok && buf_ok(out, "data grouping", err);
}

/* ---- PUT KEY ---- */

/* One of the new keys, and what it is made of. */
struct new_key {
    const struct hsm_key *master;
    struct hsm_span data;
    enum hsm_algorithm algorithm;
    struct hsm_key key; /* the same inside the token */
};

static bool encrypt_new(struct ring *r, const struct hsm_channel *c, const struct new_key *n, struct buf *out,
                        struct err *err)
{
    static const uint8_t zero_iv[HSM_CHANNEL_AES_BLOCK];
    struct secret value = SECRET_NONE, padded = SECRET_NONE;
    if (hsm_channel_can_wrap(&r->abilities, c->aes, n->algorithm))
        return hsm_channel_wrap(r->t, c, c->aes ? zero_iv : NULL, &n->key, out, err);
    bool ok = hsm_read_derived(r->t, n->master, &n->data, n->algorithm, &value, err) &&
              secret_init(&padded, value.len + HSM_CHANNEL_AES_BLOCK, err);
    if (ok) {
        memcpy(padded.data, value.data, value.len);
        padded.len = value.len;
        if (!c->aes) des_parity(padded.data, padded.len);
        if (padded.len % block_of(c) != 0) pad(&padded, block_of(c));
        ok = put_encrypted(r, c, &padded, out, err);
    }
    secret_release(&padded);
    secret_release(&value);
    return ok;
}

static bool put_new(struct ring *r, const struct hsm_channel *c, struct new_key *n, struct buf *out,
                    struct buf *checks, struct err *err)
{
    const struct hsm_key_ref ref = {.name = "new key", .role = HSM_ROLE_CARD_KEY, .algorithm = n->algorithm};
    struct scp_new_key put = {.aes = c->aes, .key_len = hsm_algorithm_len(n->algorithm)};
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    struct buf encrypted;
    buf_init(&encrypted, 64);
    bool ok = hsm_derive(r->t, n->master, n->data.data, n->data.len, &ref, &n->key, err) &&
              (c->aes ? hsm_kcv_gp(r->t, &n->key, kcv, err)
                      : hsm_kcv(r->t, &n->key, HSM_ROLE_CARD_KEY, kcv, &len, err)) &&
              encrypt_new(r, c, n, &encrypted, err);
    if (ok) {
        put.encrypted = encrypted.data;
        put.len = encrypted.len;
        memcpy(put.check, kcv, sizeof(put.check));
        scp_new_key_put(out, &put);
        buf_put(checks, put.check, sizeof(put.check));
    }
    hsm_key_destroy(r->t, &n->key);
    buf_release(&encrypted);
    return ok;
}

bool translate_new_keys(struct ring *r, const struct hsm_channel *channel,
                        const struct translate_new_keys *keys, struct buf *out, struct buf *checks,
                        struct err *err)
{
    struct hsm_card_keys_data data;
    enum hsm_algorithm algorithm = HSM_DES2;
    if (!ring_card_data(keys->from, keys->key_data, &data, &algorithm, err)) return false;
    if ((algorithm != HSM_DES2) != channel->aes)
        return err_set(err, ERR_CONFIG, "new keys of %s (%s) do not go with this card's channel",
                       hsm_algorithm_name(algorithm), keys->from->name);
    const uint8_t *const blocks[] = {data.enc, data.mac, data.dek};
    for (size_t i = 0; i < 3; i++) {
        struct new_key n = {&keys->from->master, {blocks[i], data.len}, algorithm, HSM_KEY_NONE};
        if (put_new(r, channel, &n, out, checks, err)) continue;
        err_prefix(err, "new keys of %s", keys->from->name);
        return false;
    }
    return buf_ok(out, "new keys", err) && buf_ok(checks, "check values", err);
}
