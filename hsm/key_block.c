/* hsm/key_block.c - key blocks under a KBPK that only derives.
 *
 * The standard makes the block's keys by CMAC under the KBPK, in counter mode. Every input is one cipher block, so
 * CMAC(input) = E(input ⊕ K1) or, for an input that was padded, E(input ⊕ K2): CKM_…_ECB_ENCRYPT_DATA over blocks that
 * are computed here from L = E(0), the constant of the check-value derivation. The KBPK needs neither SIGN nor ENCRYPT,
 * and what it makes stays inside. Tokens force odd parity on DES results, which no DES operation sees. */
#include "hsm/key_block.h"

#include <openssl/crypto.h>

#include "hsm/internal.h"

enum { BLOCK_MAX = 16, INPUT_MAX = 32 };

struct cipher_row {
    size_t block;
    CK_MECHANISM_TYPE cbc, mac;
};
static const struct cipher_row tdes = {8, CKM_DES3_CBC, CKM_DES3_CMAC};
static const struct cipher_row aes = {16, CKM_AES_CBC, CKM_AES_CMAC};

static const struct cipher_row *cipher_of(const struct hsm_key *key)
{
    return hsm_algorithm_is_tdes(key->algorithm) ? &tdes : &aes;
}

struct block_keys {
    struct hsm_key cipher, mac;
};

static void destroy(struct hsm_token *t, struct block_keys *keys)
{
    hsm_key_destroy(t, &keys->cipher);
    hsm_key_destroy(t, &keys->mac);
}

static bool derive_one(struct hsm_token *t, const struct hsm_key_block *b, const uint8_t *input,
                       const uint8_t *subkey, struct hsm_key_ref ref, struct hsm_key *out, struct err *err)
{
    uint8_t data[INPUT_MAX];
    size_t block = cipher_of(b->kbpk)->block;
    for (size_t i = 0; i < b->input_len; i++)
        data[i] = input[i] ^ subkey[i % block];
    ref.algorithm = b->kbpk->algorithm;
    bool ok = hsm_derive(t, b->kbpk, data, b->input_len, &ref, out, err);
    wipe(data, sizeof data);
    return ok;
}

static bool derive_both(struct hsm_token *t, const struct hsm_key_block *b, struct block_keys *out,
                        struct err *err)
{
    static const uint8_t zeros[BLOCK_MAX];
    const struct hsm_key_ref cipher = {.name = "encryption key of a block", .role = HSM_ROLE_BLOCK_CIPHER};
    const struct hsm_key_ref mac = {.name = "MAC key of a block", .role = HSM_ROLE_BLOCK_MAC};
    size_t block = cipher_of(b->kbpk)->block;
    uint8_t l[BLOCK_MAX], subkey[BLOCK_MAX];
    bool ok = false;
    if (b->input_len > INPUT_MAX || b->input_len % block != 0)
        return err_set(err, ERR_INTERNAL, "derivation data of %zu bytes", b->input_len);
    if (!hsm_derive_check(t, b->kbpk, zeros, l, block, err)) goto out;
    hsm_cmac_double(l, subkey, block);
    if (!b->input_is_full) {
        memcpy(l, subkey, block);
        hsm_cmac_double(l, subkey, block);
    }
    ok = derive_one(t, b, b->cipher_input, subkey, cipher, &out->cipher, err) &&
         derive_one(t, b, b->mac_input, subkey, mac, &out->mac, err);
out:
    wipe(l, sizeof l);
    wipe(subkey, sizeof subkey);
    if (!ok) destroy(t, out);
    return ok;
}

/* MAC over all of `data`: one block of the cipher. */
static bool mac(struct hsm_token *t, const struct hsm_key *key, const struct secret *data, uint8_t *out,
                struct err *err)
{
    const struct cipher_row *row = cipher_of(key);
    size_t len = 0;
    char name[32];
    bool ok = hsm_sign_once(t, row->mac, key->handle, data->data, data->len, out, BLOCK_MAX, &len, err);
    if (ok && len != row->block)
        ok = err_set(err, ERR_TOKEN, "C_Sign: a MAC of %zu bytes, not %zu", len, row->block);
    if (!ok) err_prefix(err, "MAC of a key block by %s", hsm_mechanism_name(row->mac, name));
    return ok;
}

enum direction { ENCRYPT, DECRYPT };

/* CBC without padding from `in` to `out`, len bytes each. */
static bool cbc(struct hsm_token *t, enum direction way, const struct hsm_key *key, const uint8_t *iv,
                struct cur in, uint8_t *out, struct err *err)
{
    const struct cipher_row *row = cipher_of(key);
    uint8_t copy[BLOCK_MAX];
    char name[32];
    CK_ULONG len = in.len;
    bool ok;
    memcpy(copy, iv, row->block);
    CK_MECHANISM m = {row->cbc, copy, row->block};
    if (way == ENCRYPT) {
        ok = hsm_call(t, "C_EncryptInit", t->fn->C_EncryptInit(t->session, &m, key->handle), err) &&
             hsm_call(t, "C_Encrypt", t->fn->C_Encrypt(t->session, hsm_bytes(in.data), in.len, out, &len),
                      err);
    } else {
        ok = hsm_call(t, "C_DecryptInit", t->fn->C_DecryptInit(t->session, &m, key->handle), err) &&
             hsm_call(t, "C_Decrypt", t->fn->C_Decrypt(t->session, hsm_bytes(in.data), in.len, out, &len),
                      err);
    }
    if (ok && len != in.len)
        ok = err_set(err, ERR_TOKEN, "%lu bytes came back for %zu without padding", len, in.len);
    if (!ok) err_prefix(err, "encryption of a key block by %s", hsm_mechanism_name(row->cbc, name));
    return ok;
}

/* A locked buffer with the bound text in front and room for plain_len bytes behind it. */
static bool covered_init(struct secret *s, const struct hsm_key_block *b, size_t plain_len, struct err *err)
{
    if (!secret_init(s, b->bound_len + plain_len, err)) return false;
    memcpy(s->data, b->bound, b->bound_len);
    s->len = b->bound_len + plain_len;
    return true;
}

static bool check_len(const struct hsm_key_block *b, size_t len, struct err *err)
{
    return (len > 0 && len % cipher_of(b->kbpk)->block == 0) ||
           err_set(err, ERR_INTERNAL, "%zu bytes are no whole blocks of the cipher", len);
}

bool hsm_key_block_protect(struct hsm_token *t, const struct hsm_key_block *b, const struct secret *plain,
                           struct buf *dst, struct err *err)
{
    struct block_keys keys = {HSM_KEY_NONE, HSM_KEY_NONE};
    struct secret covered = SECRET_NONE;
    uint8_t tag[BLOCK_MAX];
    struct buf sealed;
    bool ok = false;

    buf_init(&sealed, plain->len + BLOCK_MAX);
    if (!check_len(b, plain->len, err)) goto out;
    size_t at = buf_reserve(&sealed, plain->len);
    if (!covered_init(&covered, b, plain->len, err) || !buf_ok(&sealed, "key block", err)) goto out;
    memcpy(covered.data + b->bound_len, plain->data, plain->len);
    if (!derive_both(t, b, &keys, err)) goto out;
    if (!mac(t, &keys.mac, &covered, tag, err)) goto out;
    if (!cbc(t, ENCRYPT, &keys.cipher, tag, cur_make(plain->data, plain->len, 0), sealed.data + at, err))
        goto out;
    buf_put(&sealed, tag, cipher_of(b->kbpk)->block);
    buf_put(dst, sealed.data, sealed.len);
    ok = buf_ok(dst, "key block", err);
out:
    destroy(t, &keys);
    secret_release(&covered);
    buf_release(&sealed);
    return ok;
}

bool hsm_key_block_open(struct hsm_token *t, const struct hsm_key_block *b, const uint8_t *sealed, size_t len,
                        struct secret *plain, struct err *err)
{
    struct block_keys keys = {HSM_KEY_NONE, HSM_KEY_NONE};
    struct secret covered = SECRET_NONE;
    uint8_t tag[BLOCK_MAX];
    size_t mac_len = cipher_of(b->kbpk)->block, plain_len = len > mac_len ? len - mac_len : 0;
    const uint8_t *due = sealed + plain_len;
    bool ok = false;

    if (!check_len(b, plain_len, err)) goto out;
    if (!covered_init(&covered, b, plain_len, err)) goto out;
    if (!derive_both(t, b, &keys, err)) goto out;
    uint8_t *key = covered.data + b->bound_len;
    if (!cbc(t, DECRYPT, &keys.cipher, due, cur_make(sealed, plain_len, 0), key, err)) goto out;
    if (!mac(t, &keys.mac, &covered, tag, err)) goto out;
    if (CRYPTO_memcmp(tag, due, mac_len) != 0) {
        err_set(err, ERR_INTEGRITY, "the MAC is wrong: the block was changed, or is not under this KBPK");
        goto out;
    }
    ok = secret_copy(plain, key, plain_len, err);
out:
    destroy(t, &keys);
    wipe(tag, sizeof tag);
    secret_release(&covered);
    return ok;
}
