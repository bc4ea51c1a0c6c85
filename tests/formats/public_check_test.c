#include "formats/public_check.h"

#include <stdlib.h>

#include "formats/mic_file.h"
#include "suite.h"

/* A file of another program (tests/samples/README.md). Certificates under a CA key are tests/formats/chain_test.c's. */
static const char sample[] = TEST_DATA_DIR "/samples/independent-5.mic";

static struct mic_file *open_sample(void)
{
    struct reader *r = NULL;
    struct mic_file *f = NULL;
    struct err err = ERR_INIT;
    EXPECT_OK(reader_open(&r, sample, &err) && mic_file_open(&f, r, NULL, 0, MIC_FILE_NO_SIGNER, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    return f;
}

static void test_counts(void)
{
    struct mic_file *f = open_sample();
    struct public_check *c = NULL;
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    struct err err = ERR_INIT;
    bool end = false;

    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    EXPECT_OK(public_check_new(&c, NULL, 0, &err));
    while (mic_file_next(f, record, &card, &end, &err) && !end)
        EXPECT_OK(public_check_record(c, record, &card, "CHIP", &err));
    const struct public_counts *n = public_check_counts(c);
    CU_ASSERT_TRUE(n->records == 5 && n->seals == 5 && n->entries_sealed == 15 && n->entries_open == 0);
    CU_ASSERT_TRUE(n->secrets == 20 && n->no_ca_key == 5 && n->issuer_certificates == 0);
    CU_ASSERT_STRING_EQUAL(n->missing_ca, "RID A000000003 index 92");
    public_check_free(c);
    public_check_free(NULL);
    free(record);
    mic_file_free(f);
}

/* A record that is checked as if it were another card's. */
static void test_refusal(void)
{
    struct mic_file *f = open_sample();
    struct public_check *c = NULL;
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    struct err err = ERR_INIT;
    bool end = false;

    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    EXPECT_OK(public_check_new(&c, NULL, 0, &err));
    EXPECT_OK(mic_file_next(f, record, &card, &end, &err));
    card.number = 2;
    EXPECT_FAIL(public_check_record(c, record, &card, "CHIP", &err), ERR_INTEGRITY,
                "application A000000003101001: tag C1 at offset 338: bound to record 1, not to this one (2)");
    EXPECT_OK(public_check_record(c, record, &card, "NONE", &err));
    public_check_free(c);
    free(record);
    mic_file_free(f);
}

static const struct test_case cases[] = {
    {"what a file holds is counted", test_counts},
    {"another card's record, by application", test_refusal},
};

int main(void)
{
    return suite_run("formats/public_check", cases, SUITE_COUNT(cases));
}
