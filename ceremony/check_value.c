#include "ceremony/check_value.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"

enum { DES_LEN = 3, AES_LEN = 5 };

static const EVP_CIPHER *des_cipher(enum hsm_algorithm a)
{
    return a == HSM_DES2 ? EVP_des_ede_ecb() : EVP_des_ede3_ecb();
}

static bool des_value(enum hsm_algorithm a, const struct secret *value, struct check_value *out,
                      struct err *err)
{
    static const uint8_t zeros[8];
    uint8_t block[32];
    int len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_EncryptInit_ex2(ctx, des_cipher(a), value->data, NULL, NULL) == 1 &&
              EVP_EncryptUpdate(ctx, block, &len, zeros, sizeof(zeros)) == 1 && len == (int)sizeof(zeros);
    EVP_CIPHER_CTX_free(ctx); /* wipes the key schedule */
    if (!ok) return err_set(err, ERR_INTERNAL, "libcrypto: triple DES fails");
    memcpy(out->bytes, block, DES_LEN);
    out->len = DES_LEN;
    return true;
}

static bool aes_value(const struct secret *value, struct check_value *out, struct err *err)
{
    static const uint8_t zeros[16];
    char cipher[16];
    uint8_t mac[16];
    size_t len = 0;
    snprintf(cipher, sizeof(cipher), "AES-%zu-CBC", value->len * 8);
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0), OSSL_PARAM_END};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
    bool ok = ctx && EVP_MAC_init(ctx, value->data, value->len, params) == 1 &&
              EVP_MAC_update(ctx, zeros, sizeof(zeros)) == 1 &&
              EVP_MAC_final(ctx, mac, &len, sizeof(mac)) == 1;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(algorithm);
    if (!ok) return err_set(err, ERR_INTERNAL, "libcrypto: AES-CMAC fails");
    memcpy(out->bytes, mac, AES_LEN);
    out->len = AES_LEN;
    return true;
}

bool check_value_of(enum hsm_algorithm algorithm, const struct secret *value, struct check_value *out,
                    struct err *err)
{
    size_t due = hsm_algorithm_len(algorithm);
    if (due == 0)
        return err_set(err, ERR_CONFIG, "a key of %s has no components", hsm_algorithm_name(algorithm));
    if (value->len != due) return err_set(err, ERR_INTERNAL, "%zu bytes instead of %zu", value->len, due);
    bool des = algorithm == HSM_DES2 || algorithm == HSM_DES3;
    return des ? des_value(algorithm, value, out, err) : aes_value(value, out, err);
}

bool check_value_of_pair(const struct hsm_pair *pair, struct check_value *out, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    if (!sha256(pair->modulus, pair->modulus_len, hash, err)) return false;
    memcpy(out->bytes, hash, 3);
    out->len = 3;
    return true;
}

bool check_value_compare(const struct check_value *is, const uint8_t *expected, size_t expected_len,
                         struct err *err)
{
    char text[CHECK_VALUE_TEXT], due[CHECK_VALUE_TEXT];
    if (expected_len == 0) return true;
    if (expected_len <= is->len && bytes_equal(is->bytes, expected_len, expected, expected_len)) return true;
    check_value_text(is, text);
    hex_write(due, sizeof(due), expected, expected_len < HSM_KCV_MAX ? expected_len : HSM_KCV_MAX, false);
    return err_set(err, ERR_TOKEN, "check value is %s, the plan expects %s", text, due);
}

void check_value_text(const struct check_value *v, char text[static CHECK_VALUE_TEXT])
{
    hex_write(text, CHECK_VALUE_TEXT, v->bytes, v->len, false);
}
