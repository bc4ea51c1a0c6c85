#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/hex.h"
#include "config/plan.h"
#include "suite.h"

static void test_demo_plan(void)
{
    struct err err = ERR_INIT;
    struct plan *p = NULL;
    EXPECT_OK(plan_load(&p, EXAMPLES_DIR "/demo/plan.yaml", &err));
    if (!p) return;
    CU_ASSERT_TRUE(p->test);
    CU_ASSERT_EQUAL(p->token_count, 3);
    const struct plan_key *kek = NULL;
    for (size_t i = 0; i < p->key_count; i++) {
        if (strcmp(p->keys[i].name, "KEK") == 0) kek = &p->keys[i];
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(kek);
    CU_ASSERT_STRING_EQUAL(kek->label, "KEK-1");
    CU_ASSERT_STRING_EQUAL(kek->token_roles[0], "kek-issuer");
    CU_ASSERT_STRING_EQUAL(kek->tokens[1], "bureau");
    CU_ASSERT_STRING_EQUAL(kek->token_roles[1], "kek-bureau");
    CU_ASSERT_EQUAL(p->certificates[0].serial[2], 1);
    CU_ASSERT_STRING_EQUAL(p->certificates[0].certificate_path, EXAMPLES_DIR "/demo/issuer-certificate.yaml");
    plan_free(p);
}

/* Check values by OpenSSL: TDES of zeros, AES-CMAC of zeros. */
static void check_value(const char *algorithm, const uint8_t *key, size_t len, uint8_t out[16])
{
    const uint8_t zeros[16] = {0};
    if (algorithm[0] == 'd') {
        int n = 0;
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        CU_ASSERT_EQUAL(EVP_EncryptInit_ex(ctx, EVP_des_ede_ecb(), NULL, key, NULL), 1);
        EVP_CIPHER_CTX_set_padding(ctx, 0);
        CU_ASSERT_EQUAL(EVP_EncryptUpdate(ctx, out, &n, zeros, 8), 1);
        EVP_CIPHER_CTX_free(ctx);
        return;
    }
    char cipher[] = "AES-128-CBC";
    if (len == 32) memcpy(cipher, "AES-256", 7);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t n = 0;
    CU_ASSERT_EQUAL(EVP_MAC_init(ctx, key, len, params), 1);
    CU_ASSERT_EQUAL(EVP_MAC_update(ctx, zeros, 16), 1);
    CU_ASSERT_EQUAL(EVP_MAC_final(ctx, out, &n, 16), 1);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

/* XOR of a key's published components. */
static size_t combine(const struct plan_key *k, uint8_t key[32])
{
    struct err err = ERR_INIT;
    size_t len = 0;
    memset(key, 0, 32);
    for (size_t c = 0; c < k->component_count; c++) {
        uint8_t part[32];
        len = strlen(k->components[c].text) / 2;
        EXPECT_OK(hex_read_exact(k->components[c].text, 2 * len, part, len, &err));
        for (size_t i = 0; i < len; i++)
            key[i] ^= part[i];
    }
    return len;
}

static void check_job(const char *name, const struct plan *p)
{
    struct err err = ERR_INIT;
    struct job *j = NULL;
    struct buf text;
    char path[512];
    snprintf(path, sizeof(path), EXAMPLES_DIR "/demo/%s", name);
    buf_init(&text, 1 << 16);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;)
        buf_put(&text, chunk, n);
    fclose(file);
    EXPECT_OK(job_parse(&j, path, text.data, text.len, &err));
    for (size_t i = 0; j && i < p->key_count; i++) {
        const struct plan_key *k = &p->keys[i];
        bool is_kek = strcmp(k->name, "KEK") == 0;
        const struct key_settings *named = is_kek       ? &j->kek
                                           : k->version ? job_key(j, k->name, k->version)
                                                        : NULL;
        uint8_t key[32], kcv[16];
        if (!named) continue;
        size_t len = combine(k, key);
        check_value(k->algorithm, key, len, kcv);
        CU_ASSERT_EQUAL(memcmp(named->kcv, kcv, named->kcv_len), 0);
        CU_ASSERT_EQUAL(memcmp(k->kcv, kcv, k->kcv_len), 0);
        CU_ASSERT_STRING_EQUAL(named->label, k->label);
        CU_ASSERT_STRING_EQUAL(named->algorithm, k->algorithm);
    }
    job_free(j);
    buf_release(&text);
}

static void test_demo_check_values_by_openssl(void)
{
    static const char *const jobs[] = {"job.yaml", "job-fixed.yaml", "job-mic.yaml", "job-second-pass.yaml",
                                       "job-joins.yaml"};
    struct err err = ERR_INIT;
    struct plan *p = NULL;
    EXPECT_OK(plan_load(&p, EXAMPLES_DIR "/demo/plan.yaml", &err));
    for (size_t i = 0; p && i < SUITE_COUNT(jobs); i++)
        check_job(jobs[i], p);
    plan_free(p);
}

#define HEAD    "plan: p\ntest: yes\nissuer: '476173'\n"
#define TOKENS  "tokens: [{name: issuer, module: m.so, label: l}]\n"
#define TOKENS2 "tokens: [{name: issuer, module: m.so, label: l}, {name: bureau, module: m.so, label: b}]\n"
#define KEY     "{name: K, version: 1, role: master, algorithm: des2, tokens: [issuer], "
#define TWO                                                                                                  \
    "tokens: [{name: issuer, module: m.so, label: l}, {name: backup, module: m.so, label: b}]\n"             \
    "keys: [{name: Z, version: 1, role: zcmk-sender, algorithm: aes256, tokens: [issuer, {backup: "          \
    "zcmk-receiver}], generate: yes},"                                                                       \
    " {name: X, role: key-exchange-pair, algorithm: rsa, bits: 2048, exponent: 65537, tokens: [backup"
#define PAIR " {name: P, role: issuer-pair, algorithm: rsa, bits: 1024, exponent: 3, generate: yes, "
static const struct {
    const char *text, *message;
} refusals[] = {
    {HEAD TOKENS, "key 'keys' is missing in the plan"},
    {HEAD "tokens: [{name: issuer, label: l}]\nkeys: []\n", "key 'module' is missing in a token"},
    {HEAD "tokens: [{name: issuer, module: m, label: l, pin: '1234'}]\nkeys: []\n",
     "p.yaml:4:51: a PIN comes from prompt"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, components: []}]\n", "a key has 2 or 3 components"},
    {HEAD TOKENS "keys: [" KEY "}]\n", "one of 'generate: yes', 'components' and 'key_block: yes'"},
    {HEAD TOKENS "keys: [" KEY "components: [{custodian: a, prompt: yes}, {custodian: a, prompt: yes}]}]\n",
     "no custodian holds two components"},
    {HEAD TOKENS "keys: [" KEY
                 "components: [{custodian: a, prompt: yes, file: f}, {custodian: b, prompt: yes}]}]\n",
     "exactly one of prompt"},
    {HEAD TOKENS "keys: [" KEY "components: [{custodian: a, test: '00112233445566778899AABBCCDDEEFF0011'},"
                 " {custodian: b, prompt: yes}]}]\n",
     "a's component has 36 digits where des2 has 32"},
    {"plan: p\nissuer: '476173'\n" TOKENS "keys: [" KEY
     "components: [{custodian: a, test: '00112233445566778899AABBCCDDEEFF'}, {custodian: b, prompt: "
     "yes}]}]\n",
     "for plans with 'test: yes' only"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, kcv: '0011223344'}]\n",
     "the check value of a key of des2 has 3 bytes"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, bits: 1024}]\n", "go with algorithm: rsa only"},
    {HEAD TOKENS "keys: [{name: K, role: issuer-pair, algorithm: rsa, tokens: [issuer], generate: yes}]\n",
     "an RSA pair needs 'bits' and 'exponent'"},
    {HEAD TOKENS "keys: [{name: K, role: master, algorithm: des2, tokens: [isuer], generate: yes}]\n",
     "token 'isuer' is not among this plan's tokens (did you mean 'issuer'?)"},
    {HEAD TOKENS "keys: [" KEY "generate: yes}, " KEY "generate: yes}]\n", "key K version 1 is named twice"},
    {HEAD TOKENS "keys: [" KEY
                 "generate: yes}, {name: L, role: master, algorithm: des2, label: K-1, tokens: [issuer],"
                 " generate: yes}]\n",
     "label 'K-1' would stand twice on one token"},
    {HEAD TOKENS "keys: [" KEY
                 "generate: yes}]\ncertificates: [{issuer_key: K, rid: A000000003, ca_index: '92',"
                 " issuer: '476173', expiry: '1230', serial: '000001', certificate: a, ca_file: b}]\n",
     "'K' is no RSA pair of this plan"},
    {HEAD TWO "], generate: yes}," PAIR
              "tokens: [issuer, backup], hand_over: [{to: backup, under: X, file: f}]}]\n",
     "'X' must be zcmk-sender on 'issuer' and zcmk-receiver on 'backup'"},
    {HEAD TWO ", issuer], generate: yes, hand_over: [{to: issuer, under: Z, file: f}]}]\n",
     "'Z' must be zcmk-sender on 'backup' and zcmk-receiver on 'issuer'"},
    {HEAD TWO "], generate: yes}," PAIR "tokens: [issuer, backup], limit: {blocks: 4}}]\n",
     "'limit' is for secret keys"},
    {"plan: p\nissuer: '476173'\n" TOKENS "keys: [" KEY "generate: yes}]\nkeys_file: k.json\n",
     "a file of keys in clear"},
    {HEAD "people: [{name: A, duty: boss}]\n" TOKENS "keys: [" KEY "generate: yes}]\n",
     "'boss' is none of: officer, custodian, witness"},
    {HEAD "people: [{name: A B, duty: officer}, {name: a b, duty: witness}]\n" TOKENS "keys: [" KEY
          "generate: yes}]\n",
     "'a b' is named twice: one person has one duty"},
    {HEAD "tokens: [{name: issuer, site: 'head quarters', module: m.so, label: l}]\nkeys: [" KEY
          "generate: yes}]\n",
     "'site' has 1 to 32 of A-Z a-z 0-9"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, not_after: 2026-02-30}]\n", "'not_after' must be a date"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, not_before: 20260228}]\n", "'not_before' must be a date"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, not_before: 2027-01-02, not_after: 2027-01-01}]\n",
     "'not_after' lies before 'not_before'"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, limit: {blocks: 0}}]\n", "blocks"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, limit: {blocks: 1, then: panic}}]\n",
     "'panic' is none of: warn, stop"},
    {HEAD TOKENS "keys: [" KEY "generate: yes, hand_over: [{to: bureau, under: Z, file: f}]}]\n",
     "hand_over: 'bureau' is not among the key's tokens behind the first"},
    {HEAD TOKENS2
     "keys: [{name: K, version: 1, role: master, algorithm: des2, tokens: [issuer, bureau], generate: "
     "yes, hand_over: [{to: bureau, under: Z, file: f}]}]\n",
     "hand_over: no key 'Z' stands before this one"},
    {HEAD TOKENS2
     "keys: [{name: Z, version: 1, role: zcmk-sender, algorithm: aes256, tokens: [issuer], generate: yes},"
     "{name: K, version: 1, role: master, algorithm: des2, tokens: [issuer, bureau], generate: "
     "yes, hand_over: [{to: bureau, under: Z, file: f}]}]\n",
     "'Z' must be zcmk-sender on 'issuer' and zcmk-receiver on 'bureau', or a key-exchange-pair on 'bureau'"},
    {HEAD TOKENS "keys: [" KEY "key_block: yes}]\n", "has the 'kcv' that its sender told"},
    {HEAD TOKENS "keys: [" KEY "generate: yes}]\ntrust: [{signer: K, at: issuer}]\n",
     "'K' is no signing-pair of this plan"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < SUITE_COUNT(refusals); i++) {
        struct err err = ERR_INIT;
        struct plan *p = NULL;
        EXPECT_FAIL(plan_parse(&p, "p.yaml", refusals[i].text, strlen(refusals[i].text), &err), ERR_CONFIG,
                    refusals[i].message);
        CU_ASSERT_PTR_NULL(p);
    }
}

/* A pair goes to a back-up under a transport key; a key does not go under an exchange pair that travels itself. */
static void test_pair_handed_over(void)
{
    static const char good[] =
        HEAD TWO "], generate: yes}," PAIR
                 "tokens: [issuer, backup], hand_over: [{to: backup, under: Z, file: f}]}]\n";
    static const char early[] = HEAD
        "tokens: [{name: issuer, module: m.so, label: l}, {name: backup, module: m.so, label: b}]\n"
        "keys: [{name: Y, version: 1, role: zcmk-sender, algorithm: aes256, tokens: [backup, {issuer: "
        "zcmk-receiver}], generate: yes},"
        " {name: X, role: key-exchange-pair, algorithm: rsa, bits: 2048, exponent: 65537, tokens: [backup, "
        "issuer], generate: yes, hand_over: [{to: issuer, under: Y, file: f}]},"
        " {name: Z, version: 1, role: zcmk-sender, algorithm: aes256, tokens: [issuer, {backup: "
        "zcmk-receiver}], generate: yes, hand_over: [{to: backup, under: X, file: g}]}]\n";
    struct err err = ERR_INIT;
    struct plan *p = NULL;
    EXPECT_OK(plan_parse(&p, "p.yaml", good, strlen(good), &err));
    if (p) CU_ASSERT_EQUAL(p->keys[2].hand_over_count, 1);
    plan_free(p);
    p = NULL;
    EXPECT_FAIL(plan_parse(&p, "p.yaml", early, strlen(early), &err), ERR_CONFIG,
                "or a key-exchange-pair on 'backup' that stays there");
}

static const struct test_case cases[] = {
    {"the demo's plan", test_demo_plan},
    {"the demo's check values by OpenSSL", test_demo_check_values_by_openssl},
    {"refusals", test_refusals},
    {"a pair is handed over", test_pair_handed_over},
};

int main(void)
{
    return suite_run("config/plan", cases, SUITE_COUNT(cases));
}
