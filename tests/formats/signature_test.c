#include "formats/signature.h"

#include "mic_draft.h"
#include "suite.h"

static struct draft_key rsa_key, ec_key;

static void test_none(void)
{
    struct err err = ERR_INIT;
    struct public_key rsa = draft_signer(&rsa_key), longer = {rsa_key.spki, rsa_key.spki_len + 1};
    uint8_t signature[256] = {1};
    EXPECT_FAIL(signature_verify(&rsa, SIGNATURE_RSA_SHA256, signature, 1, signature, 256, &err),
                ERR_INTEGRITY, "does not verify");
    EXPECT_FAIL(signature_verify(&longer, SIGNATURE_RSA_SHA256, signature, 1, signature, 256, &err),
                ERR_INTEGRITY, "no DER SubjectPublicKeyInfo");
    longer.len -= 2;
    EXPECT_FAIL(signature_verify(&longer, SIGNATURE_RSA_SHA256, signature, 1, signature, 256, &err),
                ERR_INTEGRITY, "no DER SubjectPublicKeyInfo");
    struct public_key ec = draft_signer(&ec_key);
    EXPECT_FAIL(signature_verify(&ec, SIGNATURE_ECDSA_P256_SHA256, signature, 1, signature, 64, &err),
                ERR_INTEGRITY, "does not verify");
    EXPECT_FAIL(signature_verify(&ec, SIGNATURE_ECDSA_P256_SHA256, signature, 1, signature, 63, &err),
                ERR_INTEGRITY, "does not verify");
}

static void test_other_type(void)
{
    struct err err = ERR_INIT;
    struct public_key rsa = draft_signer(&rsa_key), ec = draft_signer(&ec_key);
    uint8_t signature[256] = {1};
    EXPECT_FAIL(signature_verify(&ec, SIGNATURE_RSA_SHA256, signature, 1, signature, 256, &err),
                ERR_INTEGRITY, "signature algorithm 01 does not fit the signer's key");
    EXPECT_FAIL(signature_verify(&rsa, SIGNATURE_ECDSA_P256_SHA256, signature, 1, signature, 64, &err),
                ERR_INTEGRITY, "signature algorithm 02 does not fit the signer's key");
}

/* Signatures that verify: mic_file_test. */
static const struct test_case cases[] = {
    {"signatures that are none", test_none},
    {"a key of the other type", test_other_type},
};

int main(void)
{
    if (!draft_key_make(&rsa_key, SIGNATURE_RSA_SHA256)) return 1;
    if (!draft_key_make(&ec_key, SIGNATURE_ECDSA_P256_SHA256)) return 1;
    int result = suite_run("formats/signature", cases, SUITE_COUNT(cases));
    draft_key_release(&rsa_key);
    draft_key_release(&ec_key);
    return result;
}
