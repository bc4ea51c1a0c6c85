/* cardbureau check as a whole, over a file of another program and a token of the test's own. */
#include <jansson.h>
#include <stdlib.h>

#include "base/outfile.h"
#include "bureau/commands/commands.h"
#include "bureau/registry.h"
#include "sample_bureau.h"
#include "suite.h"

static struct sample_bureau bureau;

#define CHECK(...)                                                                                           \
    sample_bureau_run(&bureau, check_command.run,                                                            \
                      (const char *const[]){"check", "--settings", bureau.settings, __VA_ARGS__, NULL})

static void test_all(void)
{
    sample_bureau_forget(&bureau);
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--workers", "1"), 0);
    expect_said(&bureau, "5 of 5 card records");
    expect_said(&bureau, "20 wrapped secrets and their check values");
    expect_said(&bureau, "MACs of 15 entries and 5 seals");
    expect_said(&bureau,
                "5 issuer certificates, 5 signed static data, 5 card certificates, 5 key pairs certified");
    expect_said(&bureau, "secrets on their way to a card with SCP03:\n"
                         "  9 re-wrapped in the token (AES-CBC)\n    A1: KDL, KDU\n"
                         "  5 readable for a moment\n    A1: card-key\n");
    expect_said(&bureau, "books: accepted; 5 records open");
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--workers", "3"), 0);
    expect_said(&bureau, "  27 re-wrapped in the token");
    expect_said(&bureau, "books: known already; 5 records open");
}

static void test_json(void)
{
    sample_bureau_forget(&bureau);
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--workers", "1", "--json"), 0);
    const char *text = strchr(bureau.said, '{');
    json_t *root = text ? json_loads(text, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const json_t *ways = json_object_get(root, "ways");
    CU_ASSERT_EQUAL(json_array_size(ways), 3);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(ways, 0), "count")), 5);
    int records = 0, checked = 0, secrets = 0, noted = 0, open = 0;
    CU_ASSERT_EQUAL(json_unpack(root, "{s:i, s:i, s:{s:i}, s:{s:b, s:i}}", "records", &records, "checked",
                                &checked, "verified", "secrets", &secrets, "books", "noted", &noted, "open",
                                &open),
                    0);
    CU_ASSERT_TRUE(records == 5 && checked == 5 && secrets == 20 && noted && open == 5);
    json_decref(root);
}

/* A part of the checks leaves the books as they were. */
static void test_parts(void)
{
    sample_bureau_forget(&bureau);
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--records", "2-4"), 0);
    expect_said(&bureau, "3 of 5 card records");
    expect_said(&bureau, "nothing noted");
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--records", "5"), 0);
    expect_said(&bureau, "1 of 5 card records");
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--keys-only"), 0);
    expect_said(&bureau, "not verified: MACs (--keys-only)");
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--records", "6-9"), 4);
    expect_said(&bureau, "none of the records 6-9");
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC), 0);
    expect_said(&bureau, "books: accepted");
}

static void test_settings(void)
{
    sample_bureau_forget(&bureau);
    CU_ASSERT_TRUE(sample_bureau_settings(&bureau, NULL, "trusted: [signer]\n"));
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC), 0);
    expect_said(&bureau, "warning: ");
    expect_said(&bureau, "no CA key for RID A000000003 index 92");
    CU_ASSERT_TRUE(sample_bureau_settings(&bureau, "00D2C759B4", NULL));
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC), 5);
    expect_said(&bureau,
                "independent-5.mic: job record at offset 0: group JOB: KEK 476173FF0001 has check value "
                "00D2C759B3 in D7, which is not that of the key held");
    CU_ASSERT_TRUE(sample_bureau_settings(&bureau, NULL, "signers: [ca.yaml]\n"));
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC), 2);
    CU_ASSERT_TRUE(sample_bureau_settings(&bureau, NULL, NULL));
}

static void test_usage(void)
{
    const char *const no_settings[] = {"check", SAMPLE_MIC, NULL}, *const help[] = {"check", "--help", NULL};
    CU_ASSERT_EQUAL(sample_bureau_run(&bureau, check_command.run, no_settings), 2);
    expect_said(&bureau, "--settings FILE");
    CU_ASSERT_EQUAL(sample_bureau_run(&bureau, check_command.run, help), 0);
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--setting", "x"), 2);
    CU_ASSERT_EQUAL(CHECK("/nowhere"), 6);
    CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, "--workers", "65"), 2);
    static const char *const ranges[] = {"0", "x", "3-2", "1-", "-1", "1-2-3", "1 "};
    for (size_t i = 0; i < SUITE_COUNT(ranges); i++) {
        char word[32];
        snprintf(word, sizeof(word), "--records=%s", ranges[i]);
        CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC, word), 2);
        expect_said(&bureau, "--records takes");
    }
}

/* A card was made of every record: the file is refused, before any work. */
static void test_personalized(void)
{
    struct card_group card = {.number = 0};
    struct registry *books = NULL;
    struct buf file;
    struct err err = ERR_INIT;

    sample_bureau_forget(&bureau);
    buf_init(&file, 1 << 20);
    EXPECT_OK(file_read_all(SAMPLE_MIC, 1 << 20, &file, &err));
    memcpy(card.job_id, &file.data[26], JOB_ID_LEN); /* JOB D2 */
    buf_release(&file);
    EXPECT_OK(registry_open(&books, bureau.books, &err));
    for (card.number = 1; card.number <= 5; card.number++) {
        EXPECT_OK(
            registry_append(books, &card, card.job_id, &(struct record_note){.event = EVENT_BEGUN}, &err));
        EXPECT_OK(
            registry_append(books, &card, card.job_id, &(struct record_note){.event = EVENT_MADE}, &err));
        CU_ASSERT_EQUAL(CHECK(SAMPLE_MIC), card.number < 5 ? 0 : 4);
    }
    expect_said(&bureau, "independent-5.mic: personalized before: of 5 records 5 are made");
    registry_close(books);
}

static const struct test_case cases[] = {
    {"a whole file, and again", test_all},
    {"as JSON", test_json},
    {"some records, keys only", test_parts},
    {"signers on the token, no CA key, another KEK", test_settings},
    {"usage", test_usage},
    {"a file that was personalized before", test_personalized},
};

int main(void)
{
    if (!sample_bureau_start(&bureau)) return 1;
    int status = suite_run("bureau/check", cases, SUITE_COUNT(cases));
    sample_bureau_stop(&bureau);
    return status;
}
