/* A supplier's settings. */
#include "config/bureau.h"

#include "suite.h"

static struct err err;

static void test_demo(void)
{
    struct bureau *b = NULL;
    EXPECT_OK(supplier_load(&b, EXAMPLES_DIR "/demo/supplier.yaml", &err));
    if (!b) return;
    CU_ASSERT_STRING_EQUAL(b->name, "demo-supplier");
    CU_ASSERT_TRUE(b->test && b->replace_keys && b->blank && b->blank->published);
    CU_ASSERT_EQUAL(b->blank->key_version, 255);
    CU_ASSERT_EQUAL(b->card_key_count, 1);
    CU_ASSERT_STRING_EQUAL(b->card_keys[0].key.label, "KMC-2");
    CU_ASSERT_EQUAL(b->level, BUREAU_LEVEL_MAC_ENCRYPTION);
    CU_ASSERT_TRUE(b->serial.start == 5 && b->serial.len == 4);
    CU_ASSERT_EQUAL(b->kek_count + b->signer_count, 0);
    CU_ASSERT_PTR_NULL(b->books_path);
    bureau_free(b);
}

#define BEGIN                                                                                                \
    "supplier: s\n"                                                                                          \
    "token: {module: m, label: l, pin: prompt}\n"
#define KMC                                                                                                  \
    "kmc: {name: KMC, version: 2, algorithm: aes128, method: kmc-aes, label: K, kcv: \"0102030405\"}\n"
#define GP "blank_keys: {key_version: 255, keys: gp-test}\n"

static void test_master(void)
{
    static const char text[] =
        BEGIN KMC "blank_keys:\n"
                  "  key_version: 1\n"
                  "  master: {name: KMC, version: 9, algorithm: aes128, method: kmc-aes, label: B, kcv: "
                  "\"0102030405\"}\n"
                  "serial: {start: 1, length: 10}\n"
                  "security: mac\n"
                  "response_mac: yes\n"
                  "readers: [A, B]\n";
    struct bureau *b = NULL;
    EXPECT_OK(supplier_parse(&b, "s.yaml", text, strlen(text), &err));
    if (!b) return;
    CU_ASSERT_FALSE(b->blank->published);
    CU_ASSERT_EQUAL(b->blank->master.key_version, 1);
    CU_ASSERT_STRING_EQUAL(b->blank->master.key.label, "B");
    CU_ASSERT_TRUE(b->level == BUREAU_LEVEL_MAC && b->response_mac && b->reader_count == 2);
    bureau_free(b);
}

static void test_refused(void)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {BEGIN KMC, "'blank_keys'"},
        {BEGIN "test: yes\n" GP, "'kmc'"},
        {BEGIN KMC GP, "with 'test: yes' only"},
        {BEGIN "test: yes\n" KMC "blank_keys: {key_version: 255}\n", "name the keys of blank cards"},
        {BEGIN "test: yes\n" KMC "blank_keys: {key_version: 2, keys: gp-test}\n", "key version 2 stands for"},
        {BEGIN "test: yes\n" KMC "blank_keys: {key_version: 128, keys: gp-test}\n", "is 1 to 127, or 255"},
        {BEGIN "test: yes\n" KMC "blank_keys: {key_version: 255, keys: mine}\n", "gp-test"},
        {BEGIN "test: yes\n" KMC GP "serial: {start: 8, length: 4}\n", "within the 10 bytes of KEYDATA"},
        {BEGIN "test: yes\n" KMC GP "keks: []\n", "keks"},
        {BEGIN KMC "blank_keys: {key_version: 1, master: {name: KMC, version: 1, algorithm: des2, method: "
                   "kmc-cps, label: B, kcv: \"010203\"}}\n",
         "belong to different protocols"},
        {BEGIN KMC "blank_keys: {key_version: 1, keys: gp-test, master: {name: KMC, version: 1, algorithm: "
                   "aes128, method: kmc-aes, label: B, kcv: \"0102030405\"}}\n",
         "name the keys of blank cards"},
    };
    struct bureau *b = NULL;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        EXPECT_FAIL(supplier_parse(&b, "s.yaml", rows[i].text, strlen(rows[i].text), &err), ERR_CONFIG,
                    rows[i].message);
        CU_ASSERT_PTR_NULL(b);
    }
}

static void test_books(void)
{
    static const char text[] = BEGIN "test: yes\n" KMC GP "books: b.sqlite\n";
    struct bureau *b = NULL;
    EXPECT_OK(supplier_parse(&b, "folder/supplier.yaml", text, sizeof(text) - 1, &err));
    CU_ASSERT_STRING_EQUAL(b->books_path, "folder/b.sqlite");
    bureau_free(b);
}

static const struct test_case cases[] = {
    {"books", test_books},
    {"the demo's supplier", test_demo},
    {"blank cards with keys of a master", test_master},
    {"what is refused", test_refused},
};

int main(void)
{
    return suite_run("config/supplier", cases, SUITE_COUNT(cases));
}
