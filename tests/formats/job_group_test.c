#include "formats/groups.h"

#include "formats/entry.h"
#include "group_edit.h"
#include "suite.h"

static const struct job_group good_job = {
    .job_id = "job-id-16-bytes",
    .name = "night run",
    .settings_hash = "settings",
    .first_record = 11,
    .created = "2028-02-29T23:59:59Z",
    .keks = {{"\x47\x61\x73\xFF\x00\x01", "kcv-1"}, {"\x12\x3F\xFF\xFF\x00\x02", "kcv-2"}},
    .kek_count = 2,
    .program = "cardprep 0.1.0",
    .passes = {"first-pass-16-by", "secondpass-16-by"},
    .pass_count = 2,
    .chip_mic = "CHIP",
    .planned = 20,
    .shard = 2,
    .shards = 3,
};

static bool read_job(const struct buf *data)
{
    struct job_group out;
    struct mic_group group = group_of(MIC_JOB, data->data, data->len);
    return job_group_read(&group, &out, &err);
}

static void test_job_round_trip(void)
{
    struct buf b;
    struct mic_record record;
    struct job_group job;
    buf_init(&b, 4000);
    job_group_put(&b, &good_job);
    EXPECT_OK(buf_ok(&b, "job", &err));
    EXPECT_OK(mic_parse_record(b.data, b.len, 0, &record, &err));
    CU_ASSERT_EQUAL(record.group_count, 1);
    EXPECT_OK(job_group_read(&record.groups[0], &job, &err));
    CU_ASSERT_TRUE(memcmp(&job, &good_job, sizeof(job)) == 0);
    CU_ASSERT_PTR_EQUAL(job_group_kek(&job, good_job.keks[1].kekid), &job.keks[1]);
    CU_ASSERT_PTR_NULL(job_group_kek(&job, (const uint8_t *)"\x47\x61\x73\xFF\x00\x02"));
    CU_ASSERT_TRUE(job_group_has_pass(&job, good_job.passes[1]));
    CU_ASSERT_FALSE(job_group_has_pass(&job, good_job.job_id));
    buf_release(&b);
}

static void test_job_tags(void)
{
    struct buf b;
    buf_init(&b, 4000);
    job_group_put(&b, &good_job);
    check_list(group_data(&b, IN_RECORD), read_job, 0);
    buf_release(&b);
}

static void test_job_in_any_order(void)
{
    struct buf b, turned;
    struct tlv tlv;
    buf_init(&b, 4000);
    buf_init(&turned, 4000);
    job_group_put(&b, &good_job);
    struct cur list = group_data(&b, IN_RECORD);
    EXPECT_OK(tlv_read(&list, &tlv, &err));
    buf_put(&turned, list.data + list.pos, cur_left(&list));
    tlv_put(&turned, tlv.tag, tlv.value, tlv.len);
    EXPECT_OK(read_job(&turned));
    buf_release(&b);
    buf_release(&turned);
}

static void test_job_values(void)
{
    static const struct replacement rows[] = {
        {0xD1, "\x02", 1, "format version 2 is not known"},
        {0xD1, "\x01\x01", 2, "has 2 bytes, not 1"},
        {0xD2, "short", 5, "tag D2 (job id)"},
        {0xD3, "", 0, NULL},
        {0xD3, "tab\there", 8, "not printable ASCII"},
        {0xD3, "caf\xC3\xA9", 5, "not printable ASCII"},
        {0xD5, "\0\0\0\0\0\0\0\0", 8, "count from 1"},
        {0xD5, "\0\0\0\0\0\0\0\x15", 8, NULL},
        {0xD5, "\0\0\0\0\0\0\0\x16", 8, "first record is 22"},
        {0xD6, "2027-02-29T23:59:59Z", 20, "no time"},
        {0xD6, "2028-13-01T23:59:59Z", 20, "no time"},
        {0xD6, "2028-00-01T23:59:59Z", 20, "no time"},
        {0xD6, "2028-01-32T23:59:59Z", 20, "no time"},
        {0xD6, "2028-01-00T23:59:59Z", 20, "no time"},
        {0xD6, "2028-01-01T24:00:00Z", 20, "no time"},
        {0xD6, "2028-01-01T23:60:00Z", 20, "no time"},
        {0xD6, "2028-01-01T23:59:60Z", 20, "no time"},
        {0xD6, "2028-01-01 23:59:59Z", 20, "no time"},
        {0xD6, "2028-01-01T23:59:5 Z", 20, "no time"},
        {0xD6, "2000-02-29T00:00:00Z", 20, NULL},
        {0xD6, "2100-02-29T00:00:00Z", 20, "no time"},
        {0xD7, "\x12\x3F\xFF\xFF\x00\x02kcv-1", 11, "this KEK identifier stands twice"},
        {0xD7, "\x00\x00\x00\x00\x00\x00kcv-1", 11, "no KEK identifier"},
        {0xD7, "\x12\xFF\xFF\xFF\x00\x02kcv-1", 11, "no KEK identifier"},
        {0xD7, "\x12\x3F\x4F\xFF\x00\x02kcv-1", 11, "no KEK identifier"},
        {0xD7, "\x12\x3A\xFF\xFF\x00\x02kcv-1", 11, "no KEK identifier"},
        {0xD9, "secondpass-16-by", 16, "this earlier pass stands twice"},
        {0xD9, "job-id-16-bytes", 16, "own id stands among the earlier passes"},
        {0xD0, "chip", 4, "is no MIC"},
        {0xD0, "CHIP   ", 7, "is no MIC"},
        {0xD0, "SEAL", 4, "reserved MIC"},
        {0xDC, "\0\0\0\0\0\0\0\x05", 8, "plans only 5"},
        {0xCE, "\0\0\0\x03", 4, "no shard 0 of 3"},
        {0xCE, "\0\x04\0\x03", 4, "no shard 4 of 3"},
        {0xCE, "\0\x01\0\x03", 4, "begins with record 11, not 1"},
    };
    struct buf b;
    buf_init(&b, 4000);
    job_group_put(&b, &good_job);
    check_replacements(group_data(&b, IN_RECORD), read_job, rows, SUITE_COUNT(rows));
    buf_release(&b);
}

static void test_job_limits(void)
{
    struct job_group job = good_job;
    struct buf b, more;
    buf_init(&b, 8000);
    buf_init(&more, 8000);
    job.kek_count = JOB_KEKS_MAX;
    job.pass_count = JOB_PASSES_MAX;
    for (size_t i = 0; i < JOB_KEKS_MAX; i++) {
        EXPECT_OK(kekid_make("476173", (uint16_t)(i + 1), job.keks[i].kekid, &err));
        job.passes[i][0] = (uint8_t)i;
    }
    job_group_put(&b, &job);
    struct cur list = group_data(&b, IN_RECORD);
    tlv_edit(&more, list, 0, 0, NULL, 0);
    EXPECT_OK(read_job(&more));
    tlv_put(&more, 0xD7, "\x12\x3F\xFF\xFF\x00\x02kcv-1", 11);
    EXPECT_FAIL(read_job(&more), ERR_INPUT, "too many KEKs");
    tlv_edit(&more, list, 0, 0, NULL, 0);
    tlv_put(&more, 0xD9, "one pass too many", 16);
    EXPECT_FAIL(read_job(&more), ERR_INPUT, "too many earlier passes");
    buf_release(&b);
    buf_release(&more);
}

static const struct test_case cases[] = {
    {"JOB written and read", test_job_round_trip},
    {"JOB: missing, repeated, foreign tags; cut", test_job_tags},
    {"JOB: any order", test_job_in_any_order},
    {"JOB: each value", test_job_values},
    {"JOB: limits of the lists", test_job_limits},
};

int main(void)
{
    return suite_run("formats/job_group", cases, SUITE_COUNT(cases));
}
