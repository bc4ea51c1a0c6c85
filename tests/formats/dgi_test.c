#include "formats/dgi.h"

#include <stdlib.h>

#include "suite.h"
#include "vectors.h"

static struct err err;

static bool describe(struct cur c, struct buf *out)
{
    struct dgi dgi;
    while (cur_left(&c) > 0) {
        if (!dgi_read(&c, &dgi, &err)) return false;
        buf_put_format(out, "%s%04X:%zu", out->len > 0 ? "," : "", dgi.id, dgi.len);
    }
    return true;
}

/* Writes what was read again: the same bytes. */
static bool written_again(const struct buf *data)
{
    struct cur c = cur_make(data->data, data->len, 0);
    struct dgi dgi;
    struct buf b;
    buf_init(&b, 4096);
    while (cur_left(&c) > 0 && dgi_read(&c, &dgi, &err))
        dgi_put(&b, dgi.id, dgi.value, dgi.len);
    bool same = bytes_equal(data->data, data->len, b.data, b.len);
    buf_release(&b);
    return same;
}

static void test_vectors(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct buf data, text;
    bool end = false;
    unsigned seen = 0;
    buf_init(&data, 4096);
    buf_init(&text, 4096);
    EXPECT_OK(vector_file_open(&f, "dgi_tlv.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        bool valid = vector_is_op(&block, "dgi");
        if (!valid && !vector_is_op(&block, "dgi_invalid")) continue;
        seen++;
        CU_ASSERT_TRUE_FATAL(vector_hex(&block, "data", &data));
        buf_clear(&text);
        bool right = describe(cur_make(data.data, data.len, 0), &text) == valid;
        if (right && valid)
            right = strcmp(buf_text(&text), vector_text(&block, "groups")) == 0 && written_again(&data);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
    }
    CU_ASSERT_TRUE(seen >= 10);
    vector_file_free(f);
    buf_release(&data);
    buf_release(&text);
}

static void test_length_forms(void)
{
    static const size_t lens[] = {0, 1, 254, 255, 256, 65535};
    static const size_t heads[] = {3, 3, 3, 5, 5, 5};
    uint8_t *value = calloc(1, 65536);
    struct buf b;
    buf_init(&b, 70000);
    for (size_t i = 0; i < SUITE_COUNT(lens); i++) {
        struct dgi dgi;
        buf_clear(&b);
        dgi_put(&b, 0x9102, value, lens[i]);
        CU_ASSERT_EQUAL(b.len, heads[i] + lens[i]);
        struct cur c = cur_make(b.data, b.len, 7);
        EXPECT_OK(dgi_read(&c, &dgi, &err));
        CU_ASSERT_EQUAL(dgi.id, 0x9102);
        CU_ASSERT_EQUAL(dgi.len, lens[i]);
        CU_ASSERT_EQUAL(dgi.offset, 7);
    }
    dgi_put(&b, 1, value, 65536);
    CU_ASSERT_TRUE(b.failed);
    buf_release(&b);
    free(value);
}

static void test_refusals(void)
{
    struct dgi dgi;
    struct cur c = cur_make("\x01\x01\xFF\x00\xFE\x00", 6, 30);
    EXPECT_FAIL(dgi_read(&c, &dgi, &err), ERR_INPUT,
                "DGI 0101: length 254 at offset 32 takes two bytes where one is enough");
    CU_ASSERT_EQUAL(c.pos, 0);
    c = cur_make("\x01\x01\x03\x11", 4, 30);
    EXPECT_FAIL(dgi_read(&c, &dgi, &err), ERR_INPUT,
                "DGI 0101: value at offset 33 needs 3 bytes, 1 are left");
    CU_ASSERT_EQUAL(c.pos, 0);
}

static void test_truncated_at_every_byte(void)
{
    uint8_t value[260] = {0};
    struct buf b;
    buf_init(&b, 400);
    dgi_put(&b, 0x8000, value, sizeof(value));
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        struct dgi dgi;
        memcpy(exact, b.data, len);
        struct cur c = cur_make(exact, len, 0);
        EXPECT_FAIL(dgi_read(&c, &dgi, &err), ERR_INPUT, "left");
        CU_ASSERT_EQUAL(c.pos, 0);
        free(exact);
    }
    buf_release(&b);
}

static void test_records(void)
{
    CU_ASSERT_TRUE(dgi_is_record(0x0101));
    CU_ASSERT_TRUE(dgi_is_record(0x1EFF));
    CU_ASSERT_FALSE(dgi_is_record(0x0001));
    CU_ASSERT_FALSE(dgi_is_record(0x0100));
    CU_ASSERT_FALSE(dgi_is_record(0x1F01));
    CU_ASSERT_FALSE(dgi_is_record(0x8201));
    CU_ASSERT_EQUAL(dgi_record_sfi(0x0203), 2);
    CU_ASSERT_EQUAL(dgi_record_number(0x0203), 3);
}

static const struct test_case cases[] = {
    {"known answers", test_vectors},          {"each form of the length", test_length_forms},
    {"each refusal by name", test_refusals},  {"truncated at every byte", test_truncated_at_every_byte},
    {"records of short files", test_records},
};

int main(void)
{
    return suite_run("formats/dgi", cases, SUITE_COUNT(cases));
}
