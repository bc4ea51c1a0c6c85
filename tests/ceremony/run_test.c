/* The program itself, on SoftHSM tokens of the test's own. */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "config/certificate_file.h"
#include "hsm/crypto.h"
#include "program.h"
#include "softtoken.h"
#include "suite.h"

#define KML_A "0123456789ABCDEFFEDCBA9876543210"
#define KML_B "00112233445566778899AABBCCDDEEFF"
#define KEK_A KML_A KML_B
#define KEK_B                                                                                                \
    "1032547698BADCFEEFCDAB8967452301"                                                                       \
    "8F7E6D5C4B3A29180716253443526170"

static struct softtoken soft;

static void file_path(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", soft.folder, name);
}

static void put_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    file_path(path, name);
    unlink(path);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, mode) != 0) abort();
}

static bool file_has(const char *name, const char *part)
{
    struct err err = ERR_INIT;
    char path[256];
    struct buf text;
    file_path(path, name);
    buf_init(&text, 1 << 16);
    bool has = file_read_all(path, 1 << 16, &text, &err) && strstr(buf_text(&text), part);
    buf_release(&text);
    return has;
}

struct variant {
    const char *kml_a_kcv; /* of KML's first component, or NULL */
    const char *kml_b;     /* its second component */
    const char *exponent;  /* of the issuer pair */
    const char *test;      /* yes or no */
    const char *ca_key;    /* "ca_key: ca, " or nothing */
    const char *issuer;    /* in the certificate */
};
static const struct variant good = {NULL, "test: \"" KML_B "\"", "65537", "yes", "ca_key: ca, ", "476173"};

static void put_plan(const struct variant *v)
{
    static char text[8192];
    char kcv[64] = "";
    if (v->kml_a_kcv) snprintf(kcv, sizeof(kcv), ", kcv: \"%s\"", v->kml_a_kcv);
    snprintf(
        text, sizeof(text),
        "plan: suite\ntest: %s\nissuer: \"476173\"\ntokens:\n"
        "  - {name: issuer, module: %s, label: t-issuer, pin: \"file:pin\", so_pin: \"file:so\", initialise: "
        "yes}\n"
        "  - {name: bureau, module: %s, label: t-bureau, pin: \"file:pin\", so_pin: \"file:so\", initialise: "
        "yes}\n"
        "keys:\n"
        "  - {name: KML, version: 1, role: master, algorithm: des2, tokens: [issuer], method: complement,\n"
        "     components: [{custodian: one, test: \"" KML_A "\"%s}, {custodian: two, %s}]}\n"
        "  - {name: KEK, version: 1, role: kek-issuer, algorithm: aes256, tokens: [issuer, {bureau: "
        "kek-bureau}],\n"
        "     components: [{custodian: one, test: \"" KEK_A "\"}, {custodian: two, test: \"" KEK_B "\"}]}\n"
        "  - {name: issuer-key, version: 1, role: issuer-pair, algorithm: rsa, tokens: [issuer], generate: "
        "yes,\n"
        "     bits: 1024, exponent: %s}\n"
        "  - {name: ca, role: scheme-ca-pair, algorithm: rsa, tokens: [bureau], generate: yes, bits: 1152, "
        "exponent: 65537}\n"
        "  - {name: signer, role: signing-pair, algorithm: rsa, tokens: [issuer], generate: yes, bits: 2048, "
        "exponent: 65537}\n"
        "certificates:\n"
        "  - {issuer_key: issuer-key, %srid: A000000003, ca_index: \"92\", issuer: \"%s\", "
        "expiry: \"1230\",\n"
        "     ca_expiry: \"1232\", serial: \"000001\", certificate: issuer-cert.yaml, ca_file: ca.yaml}\n"
        "keys_file: demo.keys.json\nsigner_file: signer.pem\n",
        v->test, soft.module, soft.module, kcv, v->kml_b, v->exponent, v->ca_key, v->issuer);
    put_file("plan.yaml", text, 0644);
}

/* Runs cardkeys VERB plan.yaml [option]; gives its exit status. */
static int cardkeys(const char *verb, const char *option)
{
    char path[256];
    file_path(path, "plan.yaml");
    return program_run(CARDKEYS_PATH, (const char *const[]){"cardkeys", verb, path, option, NULL}, NULL);
}

static void test_first_run(void)
{
    put_plan(&good);
    program_expect(cardkeys("check", NULL), 0, "0 there, 13 to be made");
    program_expect(cardkeys("run", NULL), 2,
                   "a TEST plan runs with --yes"); /* standard input is no terminal */
    program_expect(cardkeys("run", "--yes"), 0, "TEST  11 made, 0 already there");
    program_expect(cardkeys("check", NULL), 0, "11 there, 0 to be made");
}

static struct hsm_key_ref ref(const char *label, enum hsm_role role, enum hsm_algorithm algorithm)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = algorithm};
}

/* Finding a key checks its role; its check value must be the one that OpenSSL gives for the XORed components. */
static void expect_key(struct hsm_token *t, struct hsm_key_ref r, const uint8_t *kcv, size_t kcv_len)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    memcpy(r.kcv, kcv, kcv_len);
    r.kcv_len = kcv_len;
    EXPECT_OK(hsm_key_find(t, &r, &key, &err));
}

static void xor_hex(const char *a, const char *b, uint8_t *out, size_t len)
{
    struct err err = ERR_INIT;
    uint8_t part[32];
    EXPECT_OK(hex_read_exact(a, 2 * len, out, len, &err));
    EXPECT_OK(hex_read_exact(b, 2 * len, part, len, &err));
    for (size_t i = 0; i < len; i++)
        out[i] ^= part[i];
}

static void kcv_by_openssl(uint8_t tdes[3], uint8_t cmac[5])
{
    static const uint8_t zeros[16];
    uint8_t key[32], out[32];
    size_t mac_len = 0;
    int len = 0;
    xor_hex(KML_A, KML_B, key, 16);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CU_ASSERT(EVP_EncryptInit_ex(ctx, EVP_des_ede_ecb(), NULL, key, NULL) == 1);
    CU_ASSERT(EVP_EncryptUpdate(ctx, out, &len, zeros, 8) == 1);
    EVP_CIPHER_CTX_free(ctx);
    memcpy(tdes, out, 3);
    xor_hex(KEK_A, KEK_B, key, 32);
    CU_ASSERT_PTR_NOT_NULL(
        EVP_Q_mac(NULL, "CMAC", NULL, "AES-256-CBC", NULL, key, 32, zeros, 16, out, sizeof(out), &mac_len));
    memcpy(cmac, out, 5);
}

static void test_keys(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    uint8_t tdes[3], cmac[5];
    size_t all = 0, kept = 0;
    kcv_by_openssl(tdes, cmac);
    EXPECT_OK(softtoken_open(&soft, "t-issuer", &t, &err));
    expect_key(t, ref("KML-1", HSM_ROLE_MASTER, HSM_DES2), tdes, 3);
    expect_key(t, ref("KEK-1", HSM_ROLE_KEK_ISSUER, HSM_AES256), cmac, 5);
    struct hsm_key_ref r = ref("issuer-key-1", HSM_ROLE_ISSUER_PAIR, HSM_RSA);
    EXPECT_OK(hsm_pair_find(t, &r, &pair, &err));
    CU_ASSERT_EQUAL(pair.modulus_len, 128);
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(kept, 7); /* two secret keys, two pairs, and where the audit log ends */
    hsm_token_close(t);
    t = NULL;
    EXPECT_OK(softtoken_open(&soft, "t-bureau", &t, &err));
    expect_key(t, ref("KEK-1", HSM_ROLE_KEK_BUREAU, HSM_AES256), cmac, 5);
    hsm_token_close(t);
}

static void test_certificate(void)
{
    struct err err = ERR_INIT;
    struct ca_key_file ca;
    struct certificate_file certificate;
    char path[256];
    file_path(path, "ca.yaml");
    EXPECT_OK(ca_key_file_load(path, &ca, &err));
    file_path(path, "issuer-cert.yaml");
    EXPECT_OK(certificate_file_load(path, &certificate, &err));
    EXPECT_OK(certificate_file_recover(&certificate, &ca, &err));
    CU_ASSERT(memcmp(certificate.recovered.subject, "\x47\x61\x73\xFF", 4) == 0);
    CU_ASSERT(memcmp(certificate.recovered.serial, "\x00\x00\x01", 3) == 0);
    CU_ASSERT_EQUAL(certificate.recovered.key.modulus_len, 128);
    CU_ASSERT(ca.test && certificate.test);
    certificate.certificate[20] ^= 1;
    CU_ASSERT_FALSE(certificate_file_recover(&certificate, &ca, &err));
}

static void test_requests(void)
{
    char path[256];
    file_path(path, "issuer-cert.request.csr");
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    X509_REQ *req = PEM_read_X509_REQ(f, NULL, NULL, NULL);
    fclose(f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(req);
    CU_ASSERT_EQUAL(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)), 1);
    X509_REQ_free(req);
    CU_ASSERT(file_has("issuer-cert.request.yaml", "issuer: \"476173FF\""));
}

static void test_marks(void)
{
    static const char *const files[] = {"ca.yaml", "issuer-cert.yaml", "issuer-cert.request.yaml",
                                        "issuer-cert.request.csr", "signer.pem"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        CU_ASSERT(file_has(files[i], "TEST"));
}

static void test_keys_file(void)
{
    char path[256], due[65];
    uint8_t kek[32];
    file_path(path, "demo.keys.json");
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(root);
    xor_hex(KEK_A, KEK_B, kek, 32);
    hex_write(due, sizeof(due), kek, 32, true);
    const char *is = json_string_value(json_object_get(json_object_get(root, "kek"), "476173ff0001"));
    CU_ASSERT(is && strcmp(is, due) == 0);
    const json_t *kml = json_object_get(json_object_get(root, "derive"), "KML/1");
    is = json_string_value(json_object_get(kml, "method"));
    CU_ASSERT(is && strcmp(is, "complement") == 0);
    is = json_string_value(json_object_get(kml, "master"));
    CU_ASSERT(is && strlen(is) == 32);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(root, "ca"), "e")), 65537);
    CU_ASSERT_PTR_NOT_NULL(json_object_get(root, "signer"));
    CU_ASSERT_EQUAL(json_object_size(root), 4);
    json_decref(root);
}

/* Each file's time and size, and each token's objects, before and after. */
static void test_second_run(void)
{
    static const char *const files[] = {"ca.yaml", "issuer-cert.yaml", "signer.pem", "demo.keys.json"};
    struct stat before[4], after[4];
    char path[256];
    for (size_t i = 0; i < 4; i++) {
        file_path(path, files[i]);
        CU_ASSERT(stat(path, &before[i]) == 0);
    }
    program_expect(cardkeys("run", "--yes"), 0, "TEST  0 made, 11 already there");
    for (size_t i = 0; i < 4; i++) {
        file_path(path, files[i]);
        CU_ASSERT(stat(path, &after[i]) == 0 && after[i].st_ino == before[i].st_ino);
    }
    test_keys();
    program_expect(cardkeys("list", NULL), 0, "KEK/1 on issuer, bureau");
}

static void test_refusals(void)
{
    const struct variant wrong_kcv = {"08D700", good.kml_b, "65537", "yes", good.ca_key, good.issuer};
    const struct variant other_value = {
        NULL, "test: \"FF112233445566778899AABBCCDDEEFF\"", "65537", "yes", good.ca_key, good.issuer};
    const struct variant from_file = {NULL, "file: part", "65537", "yes", good.ca_key, good.issuer};
    const struct variant other_pair = {NULL, good.kml_b, "3", "yes", good.ca_key, good.issuer};
    const struct variant not_test = {NULL, good.kml_b, "65537", "no", good.ca_key, good.issuer};
    put_plan(&wrong_kcv);
    program_expect(cardkeys("run", "--yes"), 3,
                   "(key KML/1 on issuer): component 1 of 2 (one): check value is 08D7");
    put_plan(&other_value);
    program_expect(cardkeys("run", "--yes"), 3, "(key KML/1 on issuer): token 'issuer'");
    put_plan(&other_pair);
    program_expect(cardkeys("run", "--yes"), 3, "has exponent 65537, the plan says 3");
    put_plan(&not_test);
    program_expect(cardkeys("run", "--yes"), 2, "plan.yaml:");
    put_plan(&from_file);
    put_file("part", KML_B "\n", 0644);
    program_expect(cardkeys("run", "--yes"), 2, "chmod 600");
    put_file("part", KML_B "\n", 0600);
    program_expect(cardkeys("run", "--yes"), 0, "1 made, 10 already there");
}

static void test_wrong_pin(void)
{
    put_plan(&good);
    put_file("pin", "999999\n", 0600);
    program_expect(cardkeys("check", NULL), 3, "CKR_PIN_INCORRECT");
    CU_ASSERT_PTR_NULL(strstr(program_output, "999999"));
    put_file("pin", SOFTTOKEN_PIN "\n", 0600);
}

static void test_lost_certificate(void)
{
    char path[256];
    put_plan(&good);
    file_path(path, "issuer-cert.yaml");
    unlink(path);
    program_expect(cardkeys("run", "--yes"), 0, "2 made, 9 already there");
    put_file("issuer-cert.yaml", "issuer_certificate: nonsense\n", 0600);
    program_expect(cardkeys("run", "--yes"), 2, "issuer-cert.yaml:1:");
}

static void test_scheme_certificate(void)
{
    struct variant scheme = good;
    char path[256], aside[256];
    scheme.ca_key = "";
    put_plan(&good);
    file_path(path, "issuer-cert.yaml");
    file_path(aside, "aside.yaml");
    unlink(path);
    program_expect(cardkeys("run", "--yes"), 0, "2 made");
    CU_ASSERT(rename(path, aside) == 0);
    put_plan(&scheme);
    program_expect(cardkeys("run", "--yes"), 0, "1 waiting for others");
    CU_ASSERT(rename(aside, path) == 0);
    program_expect(cardkeys("run", "--yes"), 0, "0 waiting for others");
    scheme.issuer = "476174";
    put_plan(&scheme);
    program_expect(cardkeys("check", NULL), 5, "certificate names another issuer than the plan");
}

static const struct test_case cases[] = {
    {"check announces, run asks, then makes everything", test_first_run},
    {"keys have their roles and OpenSSL's check values", test_keys},
    {"the certificate recovers with the CA key, and not when changed", test_certificate},
    {"the requests are signed by the issuer key", test_requests},
    {"every TEST output says so", test_marks},
    {"the keys file holds what a reader needs and no private key", test_keys_file},
    {"a second run changes nothing", test_second_run},
    {"wrong components, files, pairs and plans are refused by name", test_refusals},
    {"a wrong PIN is a token's error and is not shown", test_wrong_pin},
    {"a scheme's certificate is waited for, accepted, or refused", test_scheme_certificate},
    {"a lost certificate is issued again, a foreign file refused", test_lost_certificate},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    put_file("pin", SOFTTOKEN_PIN "\n", 0600);
    put_file("so", SOFTTOKEN_SO_PIN "\n", 0600);
    int status = suite_run("ceremony/run", cases, SUITE_COUNT(cases));
    softtoken_stop(&soft);
    return status;
}
