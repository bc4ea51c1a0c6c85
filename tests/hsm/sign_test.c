/* What the token signs verifies with OpenSSL; on SoftHSM, or with the argument `nss` on NSS. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "hsm/crypto.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

static struct hsm_pair_ref pair_ref(const char *label, enum hsm_role role)
{
    return (struct hsm_pair_ref){
        {.name = label, .label = label, .role = role, .algorithm = HSM_RSA}, 1024, 65537};
}

static EVP_PKEY *public_key(const struct hsm_pair *pair)
{
    struct err err = ERR_INIT;
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    EXPECT_OK(hsm_pair_spki(pair, &spki, &err));
    const unsigned char *p = spki.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.len);
    buf_release(&spki);
    return key;
}

static void test_raw(void)
{
    struct err err = ERR_INIT;
    struct hsm_pair_ref ref = pair_ref("raw", HSM_ROLE_ISSUER_PAIR);
    struct hsm_pair pair;
    struct buf out;
    uint8_t block[128] = {0x6A, 2, 3}, recovered[128];
    size_t len = sizeof recovered;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "sign", &t, &err));
    if (!t) return;
    buf_init(&out, 1024);
    EXPECT_OK(hsm_pair_generate(t, &ref, &pair, &err));
    EXPECT_OK(hsm_sign_raw(t, &pair.private_key, block, sizeof block, &out, &err));
    EVP_PKEY *key = public_key(&pair);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    CU_ASSERT_EQUAL(EVP_PKEY_encrypt_init(ctx), 1);
    CU_ASSERT_EQUAL(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    CU_ASSERT_EQUAL(EVP_PKEY_encrypt(ctx, recovered, &len, out.data, out.len), 1);
    CU_ASSERT_TRUE(bytes_equal(recovered, len, block, sizeof block));
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    hsm_pair_destroy(t, &pair);
    buf_release(&out);
    hsm_token_close(t);
}

static void test_sha256(void)
{
    struct err err = ERR_INIT;
    struct hsm_pair_ref ref = pair_ref("sign", HSM_ROLE_SIGNING_PAIR);
    struct hsm_pair pair;
    struct buf out;
    uint8_t data[200] = {1, 2, 3};
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, "sign", &t, &err));
    if (!t) return;
    buf_init(&out, 1024);
    EXPECT_OK(hsm_pair_generate(t, &ref, &pair, &err));
    EXPECT_OK(hsm_sign_sha256(t, &pair.private_key, data, sizeof data, &out, &err));
    EVP_PKEY *key = public_key(&pair);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    CU_ASSERT_EQUAL(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key), 1);
    CU_ASSERT_EQUAL(EVP_DigestVerify(md, out.data, out.len, data, sizeof data), 1);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    hsm_pair_destroy(t, &pair);
    buf_release(&out);
    hsm_token_close(t);
}

static const struct test_case cases[] = {
    {"the public key recovers what was signed raw", test_raw},
    {"a PKCS #1 signature verifies", test_sha256},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = softtoken_add(&soft, "sign") ? suite_run("hsm/sign", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
