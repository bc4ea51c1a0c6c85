#include "formats/tlv.h"

#include <stdlib.h>

#include "suite.h"
#include "vectors.h"

static struct err err;

/* Walks a list and, where EMV says so, what constructed objects hold; writes it as the vectors do. */
static bool describe(struct cur c, unsigned level, struct buf *out)
{
    for (;;) {
        struct tlv tlv;
        bool end = false;
        if (!tlv_read_emv(&c, &tlv, &end, &err)) return false;
        if (end) return true;
        if (out->len > 0) buf_put_text(out, ",");
        buf_put_fill(out, '(', level);
        buf_put_format(out, "%02X:", (unsigned)tlv.tag);
        bool inner = tlv_is_constructed(tlv.tag);
        for (size_t i = 0; i < tlv.len && !inner; i++)
            buf_put_format(out, "%02X", tlv.value[i]);
        if (inner && !describe(cur_make(tlv.value, tlv.len, tlv.offset), level + 1, out)) return false;
    }
}

static void test_vectors(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct buf data, text;
    bool end = false;
    unsigned seen = 0;
    buf_init(&data, 4096);
    buf_init(&text, 8192);
    EXPECT_OK(vector_file_open(&f, "dgi_tlv.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        bool valid = vector_is_op(&block, "tlv");
        if (!valid && !vector_is_op(&block, "tlv_invalid")) continue;
        seen++;
        CU_ASSERT_TRUE_FATAL(vector_hex(&block, "data", &data));
        buf_clear(&text);
        bool read = describe(cur_make(data.data, data.len, 0), 0, &text);
        bool right =
            read == valid && (!valid || strcmp(buf_text(&text), vector_text(&block, "objects")) == 0);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
    }
    CU_ASSERT_TRUE(seen >= 12);
    vector_file_free(f);
    buf_release(&data);
    buf_release(&text);
}

static void test_lists_of_tags_and_lengths(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct buf data, text;
    bool end = false;
    buf_init(&data, 4096);
    buf_init(&text, 8192);
    EXPECT_OK(vector_file_open(&f, "dgi_tlv.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        if (!vector_is_op(&block, "dol")) continue;
        /* A DOL is tags with lengths and no values: give each its value and read it as a list. */
        CU_ASSERT_TRUE_FATAL(vector_hex(&block, "data", &data));
        char list[256], *rest = NULL;
        snprintf(list, sizeof(list), "%s", vector_text(&block, "entries"));
        buf_clear(&text);
        for (char *item = strtok_r(list, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
            char *colon = strchr(item, ':');
            uint32_t tag = 0;
            CU_ASSERT_PTR_NOT_NULL_FATAL(colon);
            *colon = '\0';
            EXPECT_OK(tlv_tag_from_text(item, &tag, &err));
            tlv_put_head(&text, tag, strtoul(colon + 1, NULL, 10));
        }
        CU_ASSERT_TRUE(bytes_equal(data.data, data.len, text.data, text.len));
    }
    vector_file_free(f);
    buf_release(&data);
    buf_release(&text);
}

static void test_round_trip(void)
{
    static const uint32_t tags[] = {0x5A, 0x9F46, 0xDF04, 0xDF8129, 0xE1, 0xBF0C, 0x1F00, 0xFF7F};
    static const size_t lens[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    static const size_t heads[] = {1, 1, 1, 2, 2, 3, 3, 4};
    uint8_t *value = calloc(1, 65536);
    struct buf b;
    buf_init(&b, 70000);
    for (size_t t = 0; t < SUITE_COUNT(tags); t++) {
        for (size_t l = 0; l < SUITE_COUNT(lens); l++) {
            struct tlv tlv;
            buf_clear(&b);
            tlv_put(&b, tags[t], value, lens[l]);
            struct cur c = cur_make(b.data, b.len, 1000);
            EXPECT_OK(tlv_read(&c, &tlv, &err));
            CU_ASSERT_EQUAL(tlv.tag, tags[t]);
            CU_ASSERT_EQUAL(tlv.len, lens[l]);
            CU_ASSERT_EQUAL(tlv.offset, 1000);
            CU_ASSERT_EQUAL(cur_left(&c), 0);
            CU_ASSERT_EQUAL(tlv_size(tags[t], lens[l]), b.len);
            size_t tag_len = tags[t] > 0xFFFF ? 3 : tags[t] > 0xFF ? 2 : 1;
            CU_ASSERT_EQUAL(b.len, tag_len + heads[l] + lens[l]);
        }
    }
    buf_clear(&b);
    tlv_put_be(&b, 0xCE, 0x00010002, 4);
    CU_ASSERT_TRUE(bytes_equal(b.data, b.len, "\xCE\x04\x00\x01\x00\x02", 6));
    buf_release(&b);
    free(value);
}

static void expect_refusal(const char *bytes, size_t len, const char *part)
{
    struct cur c = cur_make(bytes, len, 40);
    struct tlv tlv;
    EXPECT_FAIL(tlv_read(&c, &tlv, &err), ERR_INPUT, part);
    CU_ASSERT_EQUAL(c.pos, 0);
}

static void test_refusals(void)
{
    expect_refusal("", 0, "offset 40");
    expect_refusal("\x00\x00", 2, "tag 00 at offset 40");
    expect_refusal("\x5A\x80\x00\x00", 4, "indefinite");
    expect_refusal("\x5A\x81\x7F", 3, "shortest form");
    expect_refusal("\x5A\x82\x00\xFF", 4, "shortest form");
    expect_refusal("\x5A\x83\x00\xFF\xFF", 5, "shortest form");
    expect_refusal("\x5A\x84\x00\x00\x00\x01\x00", 7, "has 4 bytes");
    expect_refusal("\x5A\x83\xFF\xFF\xFF", 5, "needs 16777215 bytes");
    expect_refusal("\xDF\x81\x81\x01\x00", 5, "longer than 3 bytes");
    expect_refusal("\x9F", 1, "tag at offset 41");
    expect_refusal("\x5A\x02\x01", 3, "tag 5A: value at offset 42 needs 2 bytes, 1 are left");
}

static void test_truncated_at_every_byte(void)
{
    struct buf b;
    uint8_t value[300] = {0};
    buf_init(&b, 400);
    tlv_put(&b, 0xDF8129, value, sizeof(value));
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        struct tlv tlv;
        memcpy(exact, b.data, len);
        struct cur c = cur_make(exact, len, 0);
        EXPECT_FAIL(tlv_read(&c, &tlv, &err), ERR_INPUT, "left");
        CU_ASSERT_EQUAL(c.pos, 0);
        free(exact);
    }
    buf_release(&b);
}

static void test_bad_tags_fail_the_buf(void)
{
    static const uint32_t tags[] = {0, 0x1F, 0x5F, 0x9F80, 0x5A01, 0xDF812980, 0x1000000, 0xDF8180, 0x9F0000};
    for (size_t i = 0; i < SUITE_COUNT(tags); i++) {
        struct buf b;
        buf_init(&b, 100);
        CU_ASSERT_FALSE(tlv_is_tag(tags[i]));
        tlv_put(&b, tags[i], "", 0);
        EXPECT_FAIL(buf_ok(&b, "list", &err), ERR_INTERNAL, "list");
        buf_release(&b);
    }
}

static void test_tag_from_text(void)
{
    static const char *const bad[] = {"",    "5",    "00",   "005A",   "9F",
                                      "9F4", "9F4G", "5A00", "9F4600", "DF812901"};
    uint32_t tag = 0;
    EXPECT_OK(tlv_tag_from_text("9F46", &tag, &err));
    CU_ASSERT_EQUAL(tag, 0x9F46);
    EXPECT_OK(tlv_tag_from_text("df8129", &tag, &err));
    CU_ASSERT_EQUAL(tag, 0xDF8129);
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        tag = 7;
        EXPECT_FAIL(tlv_tag_from_text(bad[i], &tag, &err), ERR_CONFIG, "not a tag");
        CU_ASSERT_EQUAL(tag, 7);
    }
}

static void test_find(void)
{
    struct cur list = cur_make("\x5A\x01\x11\x57\x00\x5A\x01\x22\x9F", 9, 0);
    struct tlv tlv;
    bool found = false;
    EXPECT_OK(tlv_find(list, 0x5A, &tlv, &found, &err));
    CU_ASSERT_TRUE(found && tlv.value[0] == 0x11);
    EXPECT_OK(tlv_find(list, 0x57, &tlv, &found, &err));
    CU_ASSERT_TRUE(found && tlv.len == 0);
    EXPECT_FAIL(tlv_find(list, 0x5F24, &tlv, &found, &err), ERR_INPUT, "offset 9");
    list.len = 8;
    EXPECT_OK(tlv_find(list, 0x5F24, &tlv, &found, &err));
    CU_ASSERT_FALSE(found);
}

static const struct test_case cases[] = {
    {"known answers", test_vectors},
    {"tags and lengths of a DOL", test_lists_of_tags_and_lengths},
    {"round trip of every tag and length form", test_round_trip},
    {"each refusal by name", test_refusals},
    {"truncated at every byte", test_truncated_at_every_byte},
    {"a bad tag fails the buf", test_bad_tags_fail_the_buf},
    {"tag from text", test_tag_from_text},
    {"first object of a tag", test_find},
};

int main(void)
{
    return suite_run("formats/tlv", cases, SUITE_COUNT(cases));
}
