#include "formats/card_status.h"

#include <stdlib.h>

#include "suite.h"

static struct err err;

/* As two applications and a card's own domain would be told in either form. */
static const uint8_t templates[] = {0xE3, 0x10, 0x4F, 0x05, 0xA0, 0,    0,    0,    0x01, 0x9F, 0x70,
                                    0x01, 0x0F, 0xC5, 0x01, 0x00, 0xCC, 0x00, 0xE3, 0x0B, 0x4F, 0x05,
                                    0xA0, 0,    0,    0,    0x02, 0x9F, 0x70, 0x01, 0x07};
static const uint8_t plain[] = {0x05, 0xA0, 0, 0, 0, 0x01, 0x0F, 0x00, 0x05, 0xA0, 0, 0, 0, 0x02, 0x07, 0x00};

static void expect_two(struct cur c, enum card_status_form form)
{
    static const uint8_t first[] = {0xA0, 0, 0, 0, 1}, second[] = {0xA0, 0, 0, 0, 2};
    struct card_status s;
    EXPECT_OK(card_status_next(&c, form, &s, &err));
    CU_ASSERT_TRUE(bytes_equal(s.aid, s.aid_len, first, 5) && s.life == 0x0F);
    EXPECT_OK(card_status_next(&c, form, &s, &err));
    CU_ASSERT_TRUE(bytes_equal(s.aid, s.aid_len, second, 5) && s.life == 0x07);
    CU_ASSERT_EQUAL(cur_left(&c), 0);
    EXPECT_FAIL(card_status_next(&c, form, &s, &err), ERR_INPUT, "");
}

static void test_both_forms(void)
{
    expect_two(cur_make(templates, sizeof templates, 0), CARD_STATUS_TLV);
    expect_two(cur_make(plain, sizeof plain, 0), CARD_STATUS_PLAIN);
}

/* The first entry, cut at every byte: refused, and the cursor stands where it stood. */
static void test_cut(void)
{
    for (size_t form = 0; form < 2; form++) {
        const uint8_t *from = form ? plain : templates;
        const size_t whole = form ? 8 : 18;
        for (size_t len = 0; len < whole; len++) {
            uint8_t *copy = malloc(len ? len : 1);
            struct card_status s;
            memcpy(copy, from, len);
            struct cur c = cur_make(copy, len, 0);
            CU_ASSERT_FALSE(card_status_next(&c, form ? CARD_STATUS_PLAIN : CARD_STATUS_TLV, &s, &err));
            CU_ASSERT_TRUE(err.kind == ERR_INPUT && c.pos == 0);
            free(copy);
        }
    }
}

static void test_refused(void)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        const char *text;
    } rows[] = {
        {{0xE2, 0x00}, 2, "tag E2 where E3 should be"},
        {{0xE3, 0x00}, 2, "without AID or life cycle state"},
        {{0xE3, 0x04, 0x9F, 0x70, 0x01, 0x07}, 6, "without AID"},
        {{0xE3, 0x02, 0x4F, 0x00}, 4, "life cycle state"},
        {{0xE3, 0x05, 0x4F, 0x00, 0x9F, 0x70, 0x00}, 7, "life cycle state"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct cur c = cur_make(rows[i].bytes, rows[i].len, 0);
        struct card_status s;
        EXPECT_FAIL(card_status_next(&c, CARD_STATUS_TLV, &s, &err), ERR_INPUT, rows[i].text);
        CU_ASSERT_EQUAL(c.pos, 0);
    }
}

/* Table 11-4: installed, selectable, the application's own, the same locked. */
static void test_states(void)
{
    static const struct {
        uint8_t life;
        bool personalized;
    } rows[] = {{0x03, false}, {0x07, false}, {0x87, false}, {0x83, false}, {0x0F, true},
                {0x8F, true},  {0x1F, true},  {0x7F, true},  {0xFF, true},  {0x01, false},
                {0x00, false}, {0x08, false}, {0x0B, false}};
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        CU_ASSERT_EQUAL(card_status_is_personalized(rows[i].life), rows[i].personalized);
}

static const struct test_case cases[] = {
    {"templates, and the older form", test_both_forms},
    {"cut at every byte", test_cut},
    {"what is refused", test_refused},
    {"personalized or not", test_states},
};

int main(void)
{
    return suite_run("formats/card_status", cases, SUITE_COUNT(cases));
}
