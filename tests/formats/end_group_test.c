#include "formats/groups.h"

#include "group_edit.h"
#include "suite.h"

static const uint8_t numbers[] = {0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0};
static const uint8_t hashes[64] = {[0] = 1, [32] = 2};
static const struct end_group good_end = {.job_id = "job-id-16-bytes",
                                          .count = 7,
                                          .set_aside = numbers,
                                          .set_aside_count = 2,
                                          .mackey_hashes = hashes,
                                          .mackey_hash_count = 2,
                                          .file_hash = "file",
                                          .signer = "signer",
                                          .algorithm = SIGNATURE_ECDSA_P256_SHA256};

static bool read_end(const struct buf *data)
{
    struct end_group out;
    struct mic_group group = group_of(MIC_END, data->data, data->len);
    return end_group_read(&group, &out, &err);
}

static void put_good_end(struct buf *b)
{
    struct buf part;
    uint8_t signature[64] = {1};
    buf_init(&part, 1000);
    end_group_put_signed(&part, &good_end);
    end_group_put(b, &part, signature, sizeof(signature));
    buf_release(&part);
}

static void test_end_round_trip(void)
{
    struct buf b, text;
    struct mic_record record;
    struct end_group end;
    buf_init(&b, 1000);
    buf_init(&text, 1000);
    put_good_end(&b);
    EXPECT_OK(mic_parse_record(b.data, b.len, 0, &record, &err));
    EXPECT_OK(end_group_read(&record.groups[0], &end, &err));
    CU_ASSERT_EQUAL(end.count, 7);
    CU_ASSERT_TRUE(bytes_equal(end.set_aside, 8 * end.set_aside_count, numbers, sizeof(numbers)));
    CU_ASSERT_TRUE(bytes_equal(end.mackey_hashes, 32 * end.mackey_hash_count, hashes, sizeof(hashes)));
    CU_ASSERT_EQUAL(end.algorithm, SIGNATURE_ECDSA_P256_SHA256);
    CU_ASSERT_EQUAL(end.signature_len, 64);
    CU_ASSERT_EQUAL(record.groups[0].data[end.signed_len], 0xCB);
    end_group_to_be_signed(&text, record.groups[0].data, end.signed_len);
    CU_ASSERT_TRUE(bytes_equal(text.data, 19, "cardprep-mic-end-1", 19));
    CU_ASSERT_EQUAL(text.len, 19 + end.signed_len);
    buf_release(&b);
    buf_release(&text);
}

static void test_end_refusals(void)
{
    static const struct replacement rows[] = {
        {0xCC, "", 0, "should be absent"},
        {0xCC, "\0\0\0\0\0\0\0\x03\0", 9, "not a multiple of 8"},
        {0xCC, "\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x03", 16, "do not rise"},
        {0xCC, "\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x02", 16, "do not rise"},
        {0xCC, "\0\0\0\0\0\0\0\0", 8, "count from 1"},
        {0xCF, "", 0, "should be absent"},
        {0xCF, "x", 1, "not a multiple of 32"},
        {0xDD, "x", 1, "has 1 bytes, not 32"},
        {0xCA, "\x03", 1, "unknown signature algorithm"},
        {0xCA, "\x00", 1, "unknown signature algorithm"},
        {0xCA, "\x01", 1, NULL},
        {0xCB, "short", 5, "has 64 bytes"},
        {0xCB, "", 0, "has 0 bytes"},
    };
    struct buf b, turned;
    buf_init(&b, 1000);
    buf_init(&turned, 1000);
    put_good_end(&b);
    struct cur list = group_data(&b, IN_RECORD);
    check_replacements(list, read_end, rows, SUITE_COUNT(rows));
    check_list(list, read_end, 0xCC);
    /* D2 behind all others: other groups may have any order, END not. */
    buf_put(&turned, list.data + 18, list.len - 18);
    buf_put(&turned, list.data, 18);
    EXPECT_FAIL(read_end(&turned), ERR_INPUT, "tag D2 at offset");
    buf_release(&b);
    buf_release(&turned);
}

static const struct test_case cases[] = {
    {"END written and read", test_end_round_trip},
    {"END: each refusal, and its order", test_end_refusals},
};

int main(void)
{
    return suite_run("formats/end_group", cases, SUITE_COUNT(cases));
}
