#include "config/bureau.h"

#include <stdlib.h>

#include "suite.h"

static void test_demo(void)
{
    static const uint8_t kekid[] = {0x47, 0x61, 0x73, 0xFF, 0x00, 0x01};
    static const uint8_t other[] = {0x47, 0x61, 0x73, 0xFF, 0x00, 0x02};
    struct err err = ERR_INIT;
    struct bureau *b = NULL;
    EXPECT_OK(bureau_load(&b, EXAMPLES_DIR "/demo/bureau.yaml", &err));
    if (!b) return;
    CU_ASSERT_STRING_EQUAL(b->name, "demo-bureau");
    CU_ASSERT_STRING_EQUAL(b->token.label, "demo-bureau");
    CU_ASSERT_STRING_EQUAL(b->books_path, EXAMPLES_DIR "/demo/demo-books.sqlite");
    CU_ASSERT_STRING_EQUAL(b->signer_paths[0], EXAMPLES_DIR "/demo/demo-signer.pem");
    CU_ASSERT_EQUAL(b->level, BUREAU_LEVEL_MAC_ENCRYPTION);
    const struct bureau_kek *kek = bureau_kek_of(b, kekid);
    CU_ASSERT_PTR_NOT_NULL_FATAL(kek);
    CU_ASSERT_STRING_EQUAL(kek->key.algorithm, "aes256");
    CU_ASSERT_EQUAL(kek->key.kcv[4], 0xD4);
    CU_ASSERT_PTR_NULL(bureau_kek_of(b, other));
    CU_ASSERT_STRING_EQUAL(bureau_card_key_of(b, 2)->key.label, "KMC-2");
    CU_ASSERT_PTR_NULL(bureau_card_key_of(b, 3));
    bureau_free(b);
}

#define BEGIN                                                                                                \
    "bureau: b\n"                                                                                            \
    "token: {module: m, label: l, pin: prompt}\n"                                                            \
    "keks: [{issuer: \"476173\", version: 1, label: KEK-1, kcv: \"0102030405\"}]\n"                          \
    "books: books.sqlite\n"
#define SIGNERS "signers: [a.pem]\n"

static const char full[] = BEGIN SIGNERS "trusted: [signer]\n"
                                         "card_keys: [{name: KMC, version: 1, algorithm: des2, method: "
                                         "kmc-visa2, label: K, kcv: \"010203\"}]\n"
                                         "return_key: {label: r}\n"
                                         "security: mac\n"
                                         "response_mac: yes\n"
                                         "keydata_group: KEYDATA\n"
                                         "readers: [\"A *\", \"B *\"]\n"
                                         "applications:\n"
                                         "  - {aid: A000000003101001, load: install-for-personalization, "
                                         "kmc_version: DF11}\n"
                                         "  - {aid: A0000000031010, loose: {9F36: 0101, 5A: 0102}}\n"
                                         "modules:\n"
                                         "  - {mic: EMBOSS, command: [/bin/cat, \"-\"]}\n"
                                         "  - {mic: PHOTO, folder: photos}\n";

static void test_full(void)
{
    static const uint8_t purse[] = {0xA0, 0, 0, 0, 3, 0x10, 0x10, 0x01};
    static const uint8_t credit[] = {0xA0, 0, 0, 0, 3, 0x10, 0x10};
    struct err err = ERR_INIT;
    struct bureau *b = NULL;
    EXPECT_OK(bureau_parse(&b, "/x/b.yaml", full, strlen(full), &err));
    if (!b) return;
    CU_ASSERT_EQUAL(b->level, BUREAU_LEVEL_MAC);
    CU_ASSERT_TRUE(b->response_mac && !b->replace_keys);
    CU_ASSERT_STRING_EQUAL(b->keydata_group, "KEYDATA");
    CU_ASSERT_EQUAL(b->card_keys[0].key_version, 1);
    CU_ASSERT_EQUAL(b->reader_count, 2);
    CU_ASSERT_EQUAL(bureau_application_of(b, purse, sizeof(purse))->load, BUREAU_LOAD_INSTALL);
    CU_ASSERT_EQUAL(bureau_application_of(b, purse, sizeof(purse))->kmc_version, 0xDF11);
    const struct bureau_application *a = bureau_application_of(b, credit, sizeof(credit));
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL(a->load, BUREAU_LOAD_SELECT);
    CU_ASSERT_EQUAL(a->kmc_version, 0);
    CU_ASSERT_EQUAL(a->loose_count, 2);
    CU_ASSERT_EQUAL(a->loose[0].tag, 0x9F36);
    CU_ASSERT_EQUAL(a->loose[1].dgi, 0x0102);
    CU_ASSERT_PTR_NULL(bureau_application_of(b, purse, 5));
    CU_ASSERT_EQUAL(b->modules[0].command_count, 2);
    CU_ASSERT_STRING_EQUAL(b->modules[1].folder, "/x/photos");
    CU_ASSERT_STRING_EQUAL(b->return_label, "r");
    bureau_free(b);
}

static void test_refused(void)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "b.yaml"},
        {BEGIN, "whose files are accepted"},
        {"bureau: b\nkeks: [{}]\n", "'token' is missing"},
        {BEGIN SIGNERS "book: x\n", "did you mean 'books'"},
        {BEGIN SIGNERS "security: none\n", "none"},
        {BEGIN SIGNERS "applications: [{aid: A0}]\n", "aid"},
        {BEGIN SIGNERS "applications: [{aid: A000000003}, {aid: A000000003}]\n", "named twice"},
        {BEGIN SIGNERS "applications: [{aid: A000000003, load: fast}]\n", "fast"},
        {BEGIN SIGNERS "applications: [{aid: A000000003, kmc_version: C1}]\n", "reserved"},
        {BEGIN SIGNERS "applications: [{aid: A000000003, loose: {C1: 0101}}]\n", "reserved"},
        {BEGIN SIGNERS "applications: [{aid: A000000003, loose: {zz: 0101}}]\n", "no BER tag"},
        {BEGIN SIGNERS "applications: [{aid: A000000003, loose: {5A: 01}}]\n", "5A"},
        {BEGIN SIGNERS "applications: [{aid: A000000003, loose: [5A]}]\n", "mapping"},
        {BEGIN SIGNERS "modules: [{mic: EMBOSS}]\n", "either a 'command' or a 'folder'"},
        {BEGIN SIGNERS "modules: [{mic: EMBOSS, command: [cat]}]\n", "absolute path"},
        {BEGIN SIGNERS "modules: [{mic: SEAL, folder: x}]\n", "reserved"},
        {BEGIN SIGNERS "keydata_group: CARD\n", "reserved"},
        {BEGIN SIGNERS "keydata_group: KEY-DATA-8\n", "no module identifier"},
        {BEGIN SIGNERS "modules: [{mic: A, folder: x}, {mic: A, folder: y}]\n", "named twice"},
        {BEGIN SIGNERS
         "card_keys: [{name: K, version: 1, algorithm: des2, method: kmc-aes, label: l, kcv: \"010203\"}]\n",
         "does not go with"},
        {BEGIN SIGNERS
         "card_keys: [{name: K, version: 1, algorithm: des2, method: emv-a, label: l, kcv: \"010203\"}]\n",
         "emv-a"},
        {BEGIN SIGNERS "card_keys: [{name: K, version: 300, algorithm: des2, method: kmc-cps, label: l, kcv: "
                       "\"010203\"}]\n",
         "key_version"},
        {BEGIN SIGNERS
         "card_keys:\n"
         "  - {name: K, version: 1, algorithm: des2, method: kmc-cps, label: l, kcv: \"010203\"}\n"
         "  - {name: K, version: 2, key_version: 1, algorithm: des2, method: kmc-cps, label: m, kcv: "
         "\"010203\"}\n",
         "stands for two keys"},
        {"bureau: b\ntoken: {module: m, label: l}\nbooks: b\n" SIGNERS
         "keks: [{issuer: \"476173\", version: 1, label: K, algorithm: des3, kcv: \"010203\"}]\n",
         "must be an AES key"},
        {"bureau: b\ntoken: {module: m, label: l}\nbooks: b\n" SIGNERS
         "keks: [{issuer: \"476173\", version: 1, kcv: \"0102030405\"}]\n",
         "either 'label' or 'uri'"},
        {"bureau: b\ntoken: {module: m, label: l}\nbooks: b\n" SIGNERS
         "keks: [{issuer: \"476173\", version: 1, label: K, kcv: \"010203\"}]\n",
         "check value"},
        {"bureau: b\ntoken: {module: m, label: l}\nbooks: b\n" SIGNERS "keks:\n"
         "  - {issuer: \"476173\", version: 1, label: K, kcv: \"0102030405\"}\n"
         "  - {issuer: \"476173\", version: 1, label: L, kcv: \"0102030406\"}\n",
         "named twice"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct bureau *b = NULL;
        EXPECT_FAIL(bureau_parse(&b, "/x/b.yaml", rows[i].text, strlen(rows[i].text), &err), ERR_CONFIG,
                    rows[i].part);
        CU_ASSERT_PTR_NULL(b);
    }
}

/* Cut anywhere, it is refused or still whole; never half. */
static void test_cut(void)
{
    for (size_t len = 0; len < strlen(full); len++) {
        struct err err = ERR_INIT;
        struct bureau *b = NULL;
        if (bureau_parse(&b, "/x/b.yaml", full, len, &err)) {
            CU_ASSERT_TRUE(b->kek_count == 1 && b->signer_count == 1);
        } else {
            CU_ASSERT_EQUAL(err.kind, ERR_CONFIG);
        }
        bureau_free(b);
    }
}

static void test_lint(void)
{
    static const char same[] = "bureau: b\ntoken: {module: m, label: l}\nbooks: b\n" SIGNERS "keks:\n"
                               "  - {issuer: \"476173\", version: 1, label: K, kcv: \"0102030405\"}\n"
                               "  - {issuer: \"476173\", version: 2, label: L, kcv: \"0102030405\"}\n"
                               "security: mac\n";
    static const char *const parts[] = {"b.yaml:7: this KEK has the check value of the one in line 6",
                                        "security: mac", "no 'ca_keys'", "no 'card_keys'", "no 'return_key'"};
    struct err err = ERR_INIT;
    struct bureau *b = NULL;
    struct buf findings;
    buf_init(&findings, 1 << 16);
    EXPECT_OK(bureau_parse(&b, "b.yaml", same, strlen(same), &err));
    if (!b) return;
    bureau_lint(b, &findings);
    const char *text = buf_text(&findings);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t i = 0; i < SUITE_COUNT(parts); i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(text, parts[i]));
    buf_release(&findings);
    bureau_free(b);
}

static const struct test_case cases[] = {
    {"the demo's settings", test_demo}, {"every key", test_full},          {"refused, by name", test_refused},
    {"cut at every byte", test_cut},    {"what makes one ask", test_lint},
};

int main(void)
{
    return suite_run("config/bureau", cases, SUITE_COUNT(cases));
}
