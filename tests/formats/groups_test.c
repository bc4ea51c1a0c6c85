#include "formats/groups.h"

#include <stdlib.h>

#include "formats/entry.h"
#include "suite.h"
#include "tlv_edit.h"

static struct err err;

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
static const struct card_group good_card = {
    .job_id = "job-id-16-bytes", .number = 12, .object_id = "A.b_c-9"};
static const struct seal_group good_seal = {
    .job_id = "job-id-16-bytes", .kekid = "\x47\x61\x73\xFF\x00\x01", .mackey = "wrapped", .mac = "mac"};
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

static struct mic_group group_of(const char *name, const void *data, size_t len)
{
    struct mic_group group = {.data = data, .len = len, .offset = 100};
    snprintf(group.name, sizeof(group.name), "%s", name);
    return group;
}

/* The data of a group that stands alone in b, as a list. */
static struct cur group_data(const struct buf *b, size_t head)
{
    return cur_make(b->data + head, b->len - head, 0);
}

enum { IN_RECORD = MIC_DIGITS + MIC_GROUP_HEAD, IN_GROUP = MIC_GROUP_HEAD };

static bool read_job(const struct buf *data)
{
    struct job_group out;
    struct mic_group group = group_of(MIC_JOB, data->data, data->len);
    return job_group_read(&group, &out, &err);
}

static bool read_card(const struct buf *data)
{
    struct card_group out;
    struct mic_group group = group_of(MIC_CARD, data->data, data->len);
    return card_group_read(&group, &out, &err);
}

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

/* Every mandatory tag of the list missing or repeated, a foreign one, and a list cut at every byte. */
static void check_list(struct cur list, bool (*read)(const struct buf *data), uint32_t optional)
{
    struct buf edited;
    struct cur walk = list;
    struct tlv tlv;
    buf_init(&edited, 8000);
    while (cur_left(&walk) > 0 && tlv_read(&walk, &tlv, &err)) {
        char name[8];
        snprintf(name, sizeof(name), "tag %02X", (unsigned)tlv.tag);
        tlv_without(&edited, list, tlv.tag);
        if (tlv.tag == optional || tlv.tag == 0xD7 || tlv.tag == 0xD9 || tlv.tag == 0xCF)
            EXPECT_OK(read(&edited));
        else
            EXPECT_FAIL(read(&edited), ERR_INPUT, name);
        tlv_twice(&edited, list, tlv.tag);
        EXPECT_FAIL(read(&edited), ERR_INPUT, "stands twice");
    }
    tlv_edit(&edited, list, 0, 0, NULL, 0);
    tlv_put(&edited, 0xDF04, "", 0);
    EXPECT_FAIL(read(&edited), ERR_INPUT, "tag DF04");
    for (size_t len = 0; len < list.len; len++) {
        struct buf cut;
        buf_init(&cut, list.len);
        buf_put(&cut, list.data, len);
        EXPECT_FAIL(read(&cut), ERR_INPUT, "at offset 100: ");
        buf_release(&cut);
    }
    buf_release(&edited);
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

struct replacement {
    uint32_t tag;
    const char *value;
    size_t len;
    const char *part; /* NULL: must be accepted */
};

static void check_replacements(struct cur list, bool (*read)(const struct buf *data),
                               const struct replacement *rows, size_t count)
{
    struct buf edited;
    buf_init(&edited, 8000);
    for (size_t i = 0; i < count; i++) {
        tlv_replaced(&edited, list, rows[i].tag, rows[i].value, rows[i].len);
        if (rows[i].part)
            EXPECT_FAIL(read(&edited), ERR_INPUT, rows[i].part);
        else
            EXPECT_OK(read(&edited));
    }
    buf_release(&edited);
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

static void test_card(void)
{
    static const struct replacement rows[] = {
        {0xD2, "", 0, "has 0 bytes"},
        {0xDA, "\0\0\0\0\0\0\0\0", 8, "count from 1"},
        {0xDA, "\0\0\0\x01", 4, "has 4 bytes, not 8"},
        {0xDB, "", 0, "not 1 to 64"},
        {0xDB, "a/b", 3, "card object identifier"},
        {0xDB, "a b", 3, "card object identifier"},
        {0xDB, "1234567890123456789012345678901234567890123456789012345678901234", 64, NULL},
        {0xDB, "12345678901234567890123456789012345678901234567890123456789012345", 65, "not 1 to 64"},
    };
    struct buf b;
    struct card_group card;
    buf_init(&b, 1000);
    card_group_put(&b, &good_card);
    struct cur list = group_data(&b, IN_GROUP);
    struct mic_group group = group_of(MIC_CARD, list.data, list.len);
    EXPECT_OK(card_group_read(&group, &card, &err));
    CU_ASSERT_TRUE(memcmp(&card, &good_card, sizeof(card)) == 0);
    check_list(list, read_card, 0);
    check_replacements(list, read_card, rows, SUITE_COUNT(rows));
    buf_release(&b);
}

static void test_object_id(void)
{
    char text[OBJECT_ID_MAX + 1];
    uint8_t job_id[JOB_ID_LEN] = {0xAB, 0xCD};
    object_id_default(text, job_id, UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(text, "abcd0000000000000000000000000000-18446744073709551615");
    CU_ASSERT_TRUE(object_id_is_valid(text, strlen(text)));
    CU_ASSERT_FALSE(object_id_is_valid("", 0));
    CU_ASSERT_FALSE(object_id_is_valid("\0", 1));
}

static void test_seal(void)
{
    struct buf b;
    struct seal_group seal;
    struct mic_record record;
    size_t group_begin = 0, mac_end = 0, len = 0;
    const uint8_t *maced = NULL;
    buf_init(&b, 1000);
    size_t begin = mic_put_record_begin(&b);
    size_t card_begin = b.len;
    card_group_put(&b, &good_card);
    mic_put_group(&b, "EMBOSS", "JANE", 4);
    seal_group_put_begin(&b, &good_seal, &group_begin, &mac_end);
    struct buf before;
    buf_init(&before, 1000);
    buf_put(&before, b.data + card_begin, mac_end - card_begin);
    seal_group_put_mac(&b, group_begin, good_seal.mac);
    mic_put_record_end(&b, begin);
    EXPECT_OK(buf_ok(&b, "record", &err));
    EXPECT_OK(mic_parse_record(b.data, b.len, 0, &record, &err));
    EXPECT_OK(seal_group_read(&record.groups[2], &seal, &err));
    CU_ASSERT_TRUE(memcmp(&seal, &good_seal, sizeof(seal)) == 0);
    /* What was MACed before the MAC was there is what a reader MACs. */
    EXPECT_OK(seal_maced_bytes(&record, &maced, &len, &err));
    CU_ASSERT_TRUE(bytes_equal(maced, len, before.data, before.len));
    CU_ASSERT_PTR_EQUAL(maced, b.data + MIC_DIGITS);
    record.group_count = 2;
    EXPECT_FAIL(seal_maced_bytes(&record, &maced, &len, &err), ERR_INPUT, "end with SEAL");
    buf_release(&before);
    buf_release(&b);
}

static void test_seal_refusals(void)
{
    static const struct {
        size_t at;
        uint8_t value;
        const char *part;
    } rows[] = {
        {16, 0xA7, "no KEK identifier at offset 130"},
        {22, 1, "MKLEN is 296, not 40"},
        {23, 39, "MKLEN is 39, not 40"},
        {64, 8, "MLEN is 8, not 16"},
        {64, 0, "MLEN is 0, not 16"},
    };
    struct buf b;
    struct seal_group seal;
    size_t group_begin = 0, mac_end = 0;
    buf_init(&b, 1000);
    seal_group_put_begin(&b, &good_seal, &group_begin, &mac_end);
    seal_group_put_mac(&b, group_begin, good_seal.mac);
    buf_put_u8(&b, 0);
    uint8_t *data = b.data + IN_GROUP;
    size_t len = b.len - IN_GROUP - 1;
    CU_ASSERT_EQUAL(len, 81);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        uint8_t kept = data[rows[i].at];
        data[rows[i].at] = rows[i].value;
        struct mic_group group = group_of(MIC_SEAL, data, len);
        EXPECT_FAIL(seal_group_read(&group, &seal, &err), ERR_INPUT, rows[i].part);
        data[rows[i].at] = kept;
    }
    struct mic_group longer = group_of(MIC_SEAL, data, len + 1);
    EXPECT_FAIL(seal_group_read(&longer, &seal, &err), ERR_INPUT, "1 bytes stand behind the MAC");
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, data, cut);
        struct mic_group group = group_of(MIC_SEAL, exact, cut);
        EXPECT_FAIL(seal_group_read(&group, &seal, &err), ERR_INPUT, "group SEAL at offset 100");
        free(exact);
    }
    buf_release(&b);
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

static void test_kekid(void)
{
    uint8_t kekid[KEKID_LEN] = {0};
    EXPECT_OK(kekid_make("476173", 1, kekid, &err));
    CU_ASSERT_TRUE(bytes_equal(kekid, KEKID_LEN, "\x47\x61\x73\xFF\x00\x01", 6));
    EXPECT_OK(kekid_make("123", 258, kekid, &err));
    CU_ASSERT_TRUE(bytes_equal(kekid, KEKID_LEN, "\x12\x3F\xFF\xFF\x01\x02", 6));
    EXPECT_OK(kekid_make("12345678", 65535, kekid, &err));
    CU_ASSERT_TRUE(bytes_equal(kekid, KEKID_LEN, "\x12\x34\x56\x78\xFF\xFF", 6));
    CU_ASSERT_TRUE(kekid_is_valid(kekid));
    EXPECT_FAIL(kekid_make("12", 1, kekid, &err), ERR_CONFIG, "'12' is not 3 to 8 digits");
    EXPECT_FAIL(kekid_make("123456789", 1, kekid, &err), ERR_CONFIG, "not 3 to 8 digits");
    EXPECT_FAIL(kekid_make("12a4", 1, kekid, &err), ERR_CONFIG, "not 3 to 8 digits");
    EXPECT_FAIL(kekid_make("1234", 0, kekid, &err), ERR_CONFIG, "count from 1");
    CU_ASSERT_FALSE(kekid_is_valid((const uint8_t *)"\x47\x61\x73\xFF\x00\x00"));
}

static const struct test_case cases[] = {
    {"JOB written and read", test_job_round_trip},
    {"JOB: missing, repeated, foreign tags; cut", test_job_tags},
    {"JOB: any order", test_job_in_any_order},
    {"JOB: each value", test_job_values},
    {"JOB: limits of the lists", test_job_limits},
    {"CARD", test_card},
    {"card object identifiers", test_object_id},
    {"SEAL and what it MACs", test_seal},
    {"SEAL: each refusal", test_seal_refusals},
    {"END written and read", test_end_round_trip},
    {"END: each refusal, and its order", test_end_refusals},
    {"KEK identifiers", test_kekid},
};

int main(void)
{
    return suite_run("formats/groups", cases, SUITE_COUNT(cases));
}
