/* Records that are for one card each. */
#include "bureau/bound.h"

#include "suite.h"

static char keydata_name[] = "KEYDATA";
static struct bureau settings = {.keydata_group = keydata_name};
static const char digits[] = "00004000010000000012";
static const struct card_id first = {{0, 0, 0x40, 0, 1, 0, 0, 0, 0, 0x12}, 10},
                            second = {{0, 0, 0x40, 0, 1, 0, 0, 0, 0, 0x13}, 10}, nobody = {.len = 0};
static struct mic_record record;

static bool read_from(const char *name, const char *text, struct card_id *due, struct err *err)
{
    struct mic_group *g = &record.groups[0];
    snprintf(g->name, sizeof(g->name), "%s", name);
    g->data = (const uint8_t *)text;
    g->len = strlen(text);
    record.group_count = 1;
    return bound_read(&settings, &record, due, err);
}

static void test_which_card(void)
{
    struct err err = ERR_INIT;
    struct card_id due;
    char longer[32];
    EXPECT_OK(read_from("KEYDATA", digits, &due, &err));
    CU_ASSERT_TRUE(bytes_equal(due.bytes, due.len, first.bytes, first.len));
    EXPECT_OK(read_from("EMBOSS", digits, &due, &err));
    CU_ASSERT_EQUAL(due.len, 0);
    settings.keydata_group = NULL;
    EXPECT_OK(read_from("KEYDATA", digits, &due, &err));
    CU_ASSERT_EQUAL(due.len, 0);
    settings.keydata_group = keydata_name;
    for (size_t len = 0; len < sizeof(digits) - 1; len++) {
        snprintf(longer, sizeof(longer), "%.*s", (int)len, digits);
        EXPECT_FAIL(read_from("KEYDATA", longer, &due, &err), ERR_INPUT,
                    "group KEYDATA, which tells the record's card");
    }
    snprintf(longer, sizeof(longer), "%s00", digits);
    EXPECT_FAIL(read_from("KEYDATA", longer, &due, &err), ERR_INPUT, "group KEYDATA");
    EXPECT_FAIL(read_from("KEYDATA", "0000400001000000001G", &due, &err), ERR_INPUT, "group KEYDATA");
}

static void test_another_card(void)
{
    struct err err = ERR_INIT;
    EXPECT_OK(bound_check(&first, &first, &err));
    EXPECT_OK(bound_check(&nobody, &first, &err));
    EXPECT_OK(bound_check(&nobody, &nobody, &err));
    EXPECT_FAIL(bound_check(&first, &second, &err), ERR_INPUT,
                "the record is for card 00004000010000000012, and this is 00004000010000000013");
    EXPECT_FAIL(bound_check(&first, &nobody, &err), ERR_INPUT, "and this is one that tells no KEYDATA");
}

static void test_index(void)
{
    enum { CARDS = 1000 };
    struct err err = ERR_INIT;
    struct bound_index *x = NULL;
    struct card_id id = first;
    EXPECT_OK(bound_index_new(&x, &err));
    if (!x) return;
    CU_ASSERT_EQUAL(bound_index_find(x, &first), 0);
    EXPECT_OK(bound_index_add(x, &nobody, 1, &err));
    CU_ASSERT_EQUAL(bound_index_find(x, &nobody), 0);
    for (unsigned i = 0; i < CARDS; i++) { /* in no order */
        const unsigned card = i * 7919 % CARDS;
        id.bytes[8] = (uint8_t)(card >> 8);
        id.bytes[9] = (uint8_t)card;
        EXPECT_OK(bound_index_add(x, &id, card + 2, &err));
    }
    EXPECT_OK(bound_index_add(x, &first, CARDS + 9, &err));
    for (unsigned card = 0; card < CARDS; card++) {
        id.bytes[8] = (uint8_t)(card >> 8);
        id.bytes[9] = (uint8_t)card;
        CU_ASSERT_EQUAL(bound_index_find(x, &id), card + 2);
    }
    id.bytes[7] = 1;
    CU_ASSERT_EQUAL(bound_index_find(x, &id), 0);
    bound_index_free(x);
    bound_index_free(NULL);
}

static const struct test_case cases[] = {
    {"which card a record is for", test_which_card},
    {"another card", test_another_card},
    {"which record is for a card", test_index},
};

int main(void)
{
    return suite_run("bureau/bound", cases, SUITE_COUNT(cases));
}
