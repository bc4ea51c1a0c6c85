#include "bureau/reader_properties.h"

#include <stdlib.h>

#include "suite.h"

/* As a reader's driver answers: features with their control codes, then properties. */
static const uint8_t features[] = {0x06, 4, 0x42, 0x33, 0x00, 0x06, 0x12, 4, 0x42, 0x33, 0x00, 0x12};
static const uint8_t properties[] = {0x01, 2,    0x10, 0x02, 0x08, 3, '1',  '.',  '2',  0x0A, 4,
                                     0x00, 0x00, 1,    0x00, 0x0B, 2, 0x4B, 0x07, 0x07, 1,    0x10};

static void test_found(void)
{
    uint32_t n = 7;
    CU_ASSERT_TRUE(reader_feature(features, sizeof features, READER_FEATURE_PROPERTIES, &n) &&
                   n == 0x42330012);
    CU_ASSERT_FALSE(reader_feature(features, sizeof features, 0x13, &n));
    CU_ASSERT_TRUE(reader_property(properties, sizeof properties, READER_PROPERTY_MAX_APDU_DATA, &n) &&
                   n == 0x10000);
    CU_ASSERT_TRUE(reader_property(properties, sizeof properties, 0x0B, &n) && n == 0x074B);
    CU_ASSERT_TRUE(reader_property(properties, sizeof properties, 0x07, &n) && n == 0x10);
    CU_ASSERT_FALSE(reader_property(properties, sizeof properties, 0x0C, &n));
    CU_ASSERT_FALSE(reader_property(NULL, 0, 0x0A, &n));
}

/* Cut before its end the one that is asked for is not told. */
static void test_cut(void)
{
    uint32_t n = 0;
    for (size_t len = 0; len < sizeof properties; len++) {
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, properties, len);
        CU_ASSERT_EQUAL(reader_property(copy, len, READER_PROPERTY_MAX_APDU_DATA, &n), len >= 15);
        free(copy);
    }
    for (size_t len = 0; len < sizeof features; len++)
        CU_ASSERT_FALSE(reader_feature(features, len, READER_FEATURE_PROPERTIES, &n));
}

static void test_no_numbers(void)
{
    static const uint8_t none[] = {0x0A, 0}, long_one[] = {0x0A, 5, 1, 2, 3, 4, 5},
                         short_code[] = {0x12, 2, 1, 2};
    uint32_t n = 7;
    CU_ASSERT_FALSE(reader_property(none, sizeof none, 0x0A, &n));
    CU_ASSERT_FALSE(reader_property(long_one, sizeof long_one, 0x0A, &n));
    CU_ASSERT_FALSE(reader_feature(short_code, sizeof short_code, 0x12, &n));
    CU_ASSERT_EQUAL(n, 7);
}

static const struct test_case cases[] = {
    {"features and properties", test_found},
    {"cut at every byte", test_cut},
    {"what is no number", test_no_numbers},
};

int main(void)
{
    return suite_run("bureau/reader_properties", cases, SUITE_COUNT(cases));
}
