/* A token process for tests: no process and no token, but OpenSSL and the TEST keys of a keys file, which the settings name as the
 * token's `parameters`. It speaks as the real one must: what is wrong, with which application and secret. */
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "bureau/token_process.h"
#include "bureau/ways.h"
#include "base/digest.h"
#include "formats/card_record.h"
#include "formats/signature.h"

enum { KEYS_FILE_MAX = 1 << 20, PLAIN_MAX = 1 << 16, MAC_KEY_LEN = 32, SIGNER_MAX = 1024 };

struct token_process {
    json_t *keys;
    struct mic_record record;
    uint8_t plain[PLAIN_MAX];
    size_t plain_len;
};

bool token_process_start(struct token_process **out, const struct bureau *settings, struct err *err)
{
    struct token_process *p = calloc(1, sizeof(*p));
    if (!p) return err_set_no_memory(err);
    p->keys = settings->token.parameters ? json_load_file(settings->token.parameters, 0, NULL) : NULL;
    if (p->keys) {
        *out = p;
        return true;
    }
    free(p);
    return err_set(err, ERR_TOKEN, "token '%s': no such token is present", settings->token.label);
}

bool token_process_start_with(struct token_process **out, const struct bureau *settings, int pin_fd,
                              struct err *err)
{
    if (pin_fd >= 0) close(pin_fd);
    return token_process_start(out, settings, err);
}

void token_process_free(struct token_process *p)
{
    if (!p) return;
    json_decref(p->keys);
    free(p);
}

/* ---- cryptography ---- */

static bool unwrap(struct token_process *p, const uint8_t kekid[KEKID_LEN], const uint8_t *in, size_t len,
                   struct err *err)
{
    char id[2 * KEKID_LEN + 1];
    uint8_t kek[MAC_KEY_LEN];
    int n = 0, rest = 0;

    hex_write(id, sizeof(id), kekid, KEKID_LEN, true);
    const char *hex = json_string_value(json_object_get(json_object_get(p->keys, "kek"), id));
    if (!hex || !hex_read_exact(hex, strlen(hex), kek, sizeof(kek), err))
        return err_set(err, ERR_TOKEN, "KEK %s is not on the token", id);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    const bool ok = len < PLAIN_MAX &&
                    EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek, NULL) == 1 &&
                    EVP_DecryptUpdate(ctx, p->plain, &n, in, (int)len) == 1 &&
                    EVP_DecryptFinal_ex(ctx, p->plain + n, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    p->plain_len = (size_t)(n + rest);
    return ok || err_set(err, ERR_INTEGRITY, "does not unwrap under KEK %s", id);
}

static void cmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[MAC_LEN])
{
    char cipher[] = "AES-128-CBC";
    size_t n = 0;
    if (key_len == 24) memcpy(cipher, "AES-192", 7);
    if (key_len == 32) memcpy(cipher, "AES-256", 7);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    if (EVP_MAC_init(ctx, key, key_len, params) != 1 || EVP_MAC_update(ctx, data, len) != 1 ||
        EVP_MAC_final(ctx, out, &n, MAC_LEN) != 1)
        abort();
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

static bool check_mac(struct token_process *p, const uint8_t kekid[KEKID_LEN],
                      const uint8_t mackey[MACKEY_LEN], const uint8_t *bytes, size_t len,
                      const uint8_t expected[MAC_LEN], struct err *err)
{
    uint8_t mac[MAC_LEN];
    if (!unwrap(p, kekid, mackey, MACKEY_LEN, err)) {
        err_prefix(err, "MACKEY");
        return false;
    }
    if (p->plain_len != MAC_KEY_LEN) return err_set(err, ERR_INTEGRITY, "MACKEY is no AES-256 key");
    cmac(p->plain, MAC_KEY_LEN, bytes, len, mac);
    return bytes_equal(mac, MAC_LEN, expected, MAC_LEN) || err_set(err, ERR_INTEGRITY, "MAC does not verify");
}

/* ---- check values ---- */

static bool rsa_kcv(const uint8_t *der, size_t len, uint8_t out[3])
{
    const unsigned char *at = der;
    uint8_t modulus[RSA_MODULUS_MAX], hash[SHA256_LEN];
    BIGNUM *n = NULL;
    struct err unused;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)len);
    const size_t rest = key ? len - (size_t)(at - der) : 0;
    const bool padded = rest <= 7 && bytes_all(at, rest, 0);
    bool ok = key && padded && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1;
    const int modulus_len = ok ? BN_bn2bin(n, modulus) : 0;
    ok = ok && sha256(modulus, (size_t)modulus_len, hash, &unused);
    if (ok) memcpy(out, hash, 3);
    BN_free(n);
    EVP_PKEY_free(key);
    return ok;
}

static void des_kcv(const uint8_t *key, size_t len, uint8_t out[3])
{
    const uint8_t zeros[8] = {0};
    uint8_t block[16];
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (EVP_EncryptInit_ex(ctx, len == 16 ? EVP_des_ede_ecb() : EVP_des_ede3_ecb(), NULL, key, NULL) != 1)
        abort();
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    if (EVP_EncryptUpdate(ctx, block, &n, zeros, 8) != 1) abort();
    EVP_CIPHER_CTX_free(ctx);
    memcpy(out, block, 3);
}

static bool compute_kcv(const struct token_process *p, const struct wrapped_secret *s, uint8_t out[16],
                        struct err *err)
{
    static const uint8_t zeros[16] = {0};
    const struct secret_kind_row *row = secret_kind_row(s->kind);
    if (s->kind == SECRET_RSA)
        return rsa_kcv(p->plain, p->plain_len, out) || err_set(err, ERR_INTEGRITY, "is no RSA key");
    if (p->plain_len != row->key_len) return err_set(err, ERR_INTEGRITY, "is no key of %s", row->name);
    if (s->kind == SECRET_DES2 || s->kind == SECRET_DES3)
        des_kcv(p->plain, p->plain_len, out);
    else
        cmac(p->plain, p->plain_len, zeros, sizeof(zeros), out);
    return true;
}

static bool check_secret(struct token_process *p, const struct entry *entry, const struct wrapped_secret *s,
                         struct err *err)
{
    uint8_t kcv[MAC_LEN];
    bool ok = true;
    if (s->method != METHOD_KWP) return true;
    ok = unwrap(p, entry->kekid, s->ciphertext, s->ciphertext_len, err);
    if (ok && s->kind == SECRET_OPAQUE) {
        ok = p->plain_len >= s->true_len && p->plain_len - s->true_len <= 7 &&
             bytes_all(&p->plain[s->true_len], p->plain_len - s->true_len, 0);
        if (!ok) err_set(err, ERR_INTEGRITY, "has not the length that CE says");
    } else if (ok) {
        ok = compute_kcv(p, s, kcv, err) &&
             (bytes_equal(kcv, s->kcv_len, s->kcv, s->kcv_len) ||
              err_set(err, ERR_INTEGRITY, "check value (C5) is not that of the key"));
    }
    if (!ok) err_prefix(err, "secret %s", s->name);
    return ok;
}

static bool check_entry(struct token_process *p, const struct entry *entry, bool keys_only, struct err *err)
{
    struct entry_walk walk;
    struct entry_item item = {.kind = ITEM_BINDING};
    if (!entry->sealed) return true;
    if (!keys_only &&
        !check_mac(p, entry->kekid, entry->mackey, entry->bytes, entry->maced_len, entry->mac, err))
        return false;
    entry_walk_begin(&walk, entry);
    while (item.kind != ITEM_END) {
        if (!entry_walk_next(&walk, &item, err)) return false;
        if (item.kind == ITEM_SECRET && !check_secret(p, entry, &item.secret, err)) return false;
    }
    return true;
}

static bool check_seal(struct token_process *p, struct err *err)
{
    struct seal_group seal;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    if (!seal_group_read(&p->record.groups[p->record.group_count - 1], &seal, err) ||
        !seal_maced_bytes(&p->record, &bytes, &len, err))
        return false;
    if (check_mac(p, seal.kekid, seal.mackey, bytes, len, seal.mac, err)) return true;
    err_prefix(err, "group " MIC_SEAL);
    return false;
}

bool token_process_check(struct token_process *p, const uint8_t *record, size_t len, bool keys_only,
                         struct err *err)
{
    struct entry entries[ENTRIES_MAX];
    size_t count = 0;
    if (!mic_parse_record(record, len, 0, &p->record, err)) return false;
    const struct mic_group *chip = mic_find(&p->record, MIC_CHIP_DEFAULT);
    if (chip && !entry_read_all(chip, entries, &count, err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (check_entry(p, &entries[i], keys_only, err)) continue;
        char aid[2 * AID_MAX + 1];
        hex_write(aid, sizeof(aid), entries[i].aid, entries[i].aid_len, false);
        err_prefix(err, "application %s", aid);
        return false;
    }
    return keys_only || check_seal(p, err);
}

/* Two ways, whatever was checked. */
bool token_process_ways(struct token_process *p, struct ways *ways, struct err *err)
{
    static const struct way rows[] = {{true, "re-wrapped in the token (AES-CBC)", "A1", "KDL", 5},
                                      {true, "re-wrapped in the token (AES-CBC)", "A1", "KDU", 4},
                                      {true, "readable for a moment", "A1", "card-key", 5}};
    (void)p;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!ways_add(ways, &rows[i], err)) return false;
    }
    return true;
}

bool token_process_signers(struct token_process *p, struct buf *spkis, struct err *err)
{
    uint8_t der[SIGNER_MAX];
    const char *hex = json_string_value(json_object_get(p->keys, "signer"));
    const size_t len = hex ? strlen(hex) / 2 : 0;
    if (len == 0 || len > sizeof(der) || !hex_read_exact(hex, 2 * len, der, len, err))
        return err_set(err, ERR_TOKEN, "no trusted signer");
    buf_put_be(spkis, len, 2);
    buf_put(spkis, der, len);
    return buf_ok(spkis, "signers", err);
}

/* ---- what these tests do not ask for ---- */

bool token_process_begin(struct token_process *p, const struct card_order *order, struct card_turn *turn,
                         struct err *err)
{
    (void)p, (void)order, (void)turn;
    return err_set(err, ERR_INTERNAL, "the test's token makes no cards");
}

bool token_process_answer(struct token_process *p, const uint8_t *answer, size_t len, struct card_turn *turn,
                          struct err *err)
{
    (void)p, (void)answer, (void)len, (void)turn;
    return err_set(err, ERR_INTERNAL, "the test's token makes no cards");
}

const char *card_outcome_name(enum card_outcome outcome)
{
    (void)outcome;
    return "?";
}

/* The return key is the sample's signer: bureau and issuer are one in a test. */
bool token_process_return_key(struct token_process *p, struct buf *spki, struct err *err)
{
    uint8_t der[SIGNER_MAX];
    const char *hex = json_string_value(json_object_get(p->keys, "signer"));
    if (!hex || strlen(hex) / 2 > sizeof(der) || !hex_read_exact(hex, strlen(hex), der, strlen(hex) / 2, err))
        return err_set(err, ERR_TOKEN, "no return key");
    buf_put(spki, der, strlen(hex) / 2);
    return buf_ok(spki, "return key", err);
}

bool token_process_sign(struct token_process *p, const uint8_t *data, size_t len, struct buf *signature,
                        uint8_t signer[32], struct err *err)
{
    uint8_t der[4096], out[SIGNATURE_MAX];
    struct buf spki;
    const json_t *private = json_object_get(p->keys, "private");
    const char *hex = json_string_value(json_object_get(private, "signer"));
    const unsigned char *at = der;
    size_t out_len = sizeof(out);
    buf_init(&spki, SIGNER_MAX);
    bool known = token_process_return_key(p, &spki, err) && sha256(spki.data, spki.len, signer, err);
    buf_release(&spki);
    if (!known || !hex || !hex_read_exact(hex, strlen(hex), der, strlen(hex) / 2, err))
        return err_set(err, ERR_TOKEN, "no return key");
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)(strlen(hex) / 2));
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    bool ok = key && EVP_DigestSignInit(state, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestSign(state, out, &out_len, data, len) == 1;
    EVP_MD_CTX_free(state);
    EVP_PKEY_free(key);
    if (!ok) return err_set(err, ERR_TOKEN, "the return key does not sign");
    buf_put(signature, out, out_len);
    return buf_ok(signature, "signature", err);
}
