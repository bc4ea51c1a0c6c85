#include <stdlib.h>
#include <unistd.h>

#include "issuer_files.h"
#include "suite.h"

static char folder[] = "/tmp/certificate-file-XXXXXX";
static const uint8_t in_2030[2] = {0x12, 0x30}, in_2032[2] = {0x12, 0x32};

static void path_of(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", folder, name);
}

static void test_both_ways(void)
{
    struct err err = ERR_INIT;
    struct issuer_files f;
    struct ca_key_file ca;
    struct certificate_file c;
    char path[600];
    EXPECT_OK(issuer_files_make(&f, 1024, 1024, in_2030, in_2032, &err)); /* equal sizes: a remainder */
    EXPECT_OK(issuer_files_write(&f, folder, &err));
    path_of(path, sizeof(path), "ca-key.yaml");
    EXPECT_OK(ca_key_file_load(path, &ca, &err));
    path_of(path, sizeof(path), "issuer-certificate.yaml");
    EXPECT_OK(certificate_file_load(path, &c, &err));
    CU_ASSERT_TRUE(ca.test && c.test);
    CU_ASSERT_EQUAL(c.remainder_len, 36);
    EXPECT_OK(certificate_file_recover(&c, &ca, &err));
    CU_ASSERT_EQUAL(c.recovered.key.modulus_len, 128);
    CU_ASSERT_EQUAL(memcmp(c.recovered.expiry, in_2030, 2), 0);
    c.certificate[5] ^= 1;
    EXPECT_FAIL(certificate_file_recover(&c, &ca, &err), ERR_INTEGRITY, "");
    ca.key.index = 1;
    EXPECT_FAIL(certificate_file_recover(&c, &ca, &err), ERR_INTEGRITY, "another CA key");
}

static void refuse_ca(const char *text, enum err_kind kind, const char *message)
{
    struct err err = ERR_INIT;
    struct ca_key_file ca;
    char path[600];
    CU_ASSERT_TRUE(issuer_files_text(folder, "bad.yaml", text));
    path_of(path, sizeof(path), "bad.yaml");
    EXPECT_FAIL(ca_key_file_load(path, &ca, &err), kind, message);
}

#define CA(modulus, exponent, expiry)                                                                        \
    "ca_key:\n  rid: A000000003\n  index: '92'\n  modulus: " modulus "\n  exponent: '" exponent              \
    "'\n  expiry: '" expiry "'\n  checksum: 0000000000000000000000000000000000000000\n"

static void test_refusals(void)
{
    refuse_ca(CA("8001", "03", "1230"), ERR_INTEGRITY, "the checksum is not that");
    refuse_ca(CA("8001", "05", "1230"), ERR_CONFIG, "exponent must be 03 or 010001");
    refuse_ca(CA("0801", "03", "1230"), ERR_CONFIG, "a modulus begins");
    refuse_ca(CA("8001", "03", "1330"), ERR_CONFIG, "must be MMYY");
    refuse_ca(CA("8001", "03", "123A"), ERR_CONFIG, "must be MMYY");
    refuse_ca("ca_key: {rid: A000000003}\n", ERR_CONFIG, "key 'index' is missing in the CA key");
    refuse_ca("issuer_certificate: {}\n", ERR_CONFIG, "unknown key 'issuer_certificate'");
}

static const struct test_case cases[] = {
    {"both ways", test_both_ways},
    {"refusals", test_refusals},
};

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    int status = suite_run("config/certificate_file", cases, SUITE_COUNT(cases));
    static const char *const files[] = {"ca-key.yaml", "issuer-certificate.yaml", "bad.yaml"};
    for (size_t i = 0; i < SUITE_COUNT(files); i++) {
        char path[600];
        path_of(path, sizeof(path), files[i]);
        unlink(path);
    }
    rmdir(folder);
    return status;
}
