#include "card/apdu.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "suite.h"

static struct err err;

struct expected {
    const char *name, *hex;
    bool valid;
    size_t len;
    bool has_le;
    size_t le;
    bool extended;
};

static const struct expected forms[] = {
    {"case 1", "00A40400", true, 0, false, 0, false},
    {"case 2 short", "00A4040005", true, 0, true, 5, false},
    {"case 2 short, 256", "00A4040000", true, 0, true, 256, false},
    {"case 3 short", "00A4040002AABB", true, 2, false, 0, false},
    {"case 4 short", "00A4040002AABB07", true, 2, true, 7, false},
    {"case 4 short, 256", "00A4040002AABB00", true, 2, true, 256, false},
    {"case 2 extended", "00A40400000102", true, 0, true, 258, true},
    {"case 2 extended, 65536", "00A40400000000", true, 0, true, 65536, true},
    {"case 3 extended", "00A40400000002AABB", true, 2, false, 0, true},
    {"case 4 extended", "00A40400000002AABB0103", true, 2, true, 259, true},
    {"case 4 extended, 65536", "00A40400000002AABB0000", true, 2, true, 65536, true},
    {"nothing", "", false, 0, false, 0, false},
    {"cut header", "00A404", false, 0, false, 0, false},
    {"data missing", "00A4040002AA", false, 0, false, 0, false},
    {"one byte over", "00A4040002AABB0000", false, 0, false, 0, false},
    {"two bytes behind P2", "00A404000000", false, 0, false, 0, false},
    {"extended, Lc 0 and data", "00A40400000000AA", false, 0, false, 0, false},
    {"extended, data missing", "00A40400000003AABB", false, 0, false, 0, false},
    {"extended, half of Le", "00A40400000002AABB01", false, 0, false, 0, false},
    {"extended, one byte over", "00A40400000002AABB010203", false, 0, false, 0, false},
};

static void test_forms(void)
{
    struct buf b;
    buf_init(&b, 64);
    for (size_t i = 0; i < SUITE_COUNT(forms); i++) {
        const struct expected *f = &forms[i];
        struct apdu got = {0};
        buf_clear(&b);
        CU_ASSERT_TRUE(hex_read(f->hex, strlen(f->hex), &b, &err));
        bool valid = card_apdu_read(b.data, b.len, &got);
        bool right = valid == f->valid;
        if (valid && right)
            right = got.cla == 0 && got.ins == 0xA4 && got.p1 == 4 && got.p2 == 0 && got.len == f->len &&
                    got.has_le == f->has_le && got.le == f->le && got.extended == f->extended &&
                    (f->len == 0 || memcmp(got.data, "\xAA\xBB", 2) == 0);
        if (!right) printf("%s\n", f->name);
        CU_ASSERT_TRUE(right);
    }
    buf_release(&b);
}

static void test_largest(void)
{
    uint8_t *bytes = calloc(1, APDU_MAX);
    struct apdu got;

    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    bytes[5] = bytes[6] = 0xFF;
    CU_ASSERT_TRUE(card_apdu_read(bytes, APDU_MAX, &got));
    CU_ASSERT_TRUE(got.len == 65535 && got.le == 65536);
    CU_ASSERT_TRUE(card_apdu_read(bytes, APDU_MAX - 2, &got));
    CU_ASSERT_FALSE(card_apdu_read(bytes, APDU_MAX - 1, &got));
    bytes[4] = 0xFF;
    CU_ASSERT_TRUE(card_apdu_read(bytes, 5 + 255, &got));
    CU_ASSERT_FALSE(card_apdu_read(bytes, 5 + 257, &got));
    free(bytes);
}

static const struct test_case cases[] = {{"all forms", test_forms}, {"the largest", test_largest}};

int main(void)
{
    return suite_run("card/apdu", cases, SUITE_COUNT(cases));
}
