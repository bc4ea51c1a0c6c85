#include "formats/groups.h"

#include <stdlib.h>

#include "group_edit.h"
#include "suite.h"

static const struct card_group good_card = {
    .job_id = "job-id-16-bytes", .number = 12, .object_id = "A.b_c-9"};
static const struct seal_group good_seal = {
    .job_id = "job-id-16-bytes", .kekid = "\x47\x61\x73\xFF\x00\x01", .mackey = "wrapped", .mac = "mac"};

static bool read_card(const struct buf *data)
{
    struct card_group out;
    struct mic_group group = group_of(MIC_CARD, data->data, data->len);
    return card_group_read(&group, &out, &err);
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

static const struct test_case cases[] = {
    {"CARD", test_card},
    {"card object identifiers", test_object_id},
    {"SEAL and what it MACs", test_seal},
    {"SEAL: each refusal", test_seal_refusals},
};

int main(void)
{
    return suite_run("formats/card_group", cases, SUITE_COUNT(cases));
}
