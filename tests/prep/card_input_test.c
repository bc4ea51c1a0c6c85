#include "prep/input/card_input.h"

#include "suite.h"

static struct card_input in, back;

static void fill(void)
{
    card_input_init(&in);
    in.number = 812;
    in.counter = 1000811;
    in.place = 813;
    in.card.number = 812;
    in.card.job_id[3] = 7;
    memcpy(in.card.object_id, "card-812", 9);
    in.fields[0] = (struct field_text){"Ann", 3};
    in.fields[1] = (struct field_text){NULL, 0};
    in.fields[2] = (struct field_text){"", 0};
    in.field_count = 3;
    in.record = (const uint8_t *)"bytes";
    in.record_len = 5;
}

static void test_there_and_back(void)
{
    struct err err = ERR_INIT;
    struct buf wire;
    fill();
    buf_init(&wire, 4096);
    card_input_put(&wire, &in);
    card_input_put(&wire, &in);
    card_input_init(&back);
    struct cur c = cur_make(wire.data, wire.len, 0);
    EXPECT_OK(card_input_get(&c, &back, &err));
    EXPECT_OK(card_input_get(&c, &back, &err));
    CU_ASSERT_EQUAL(cur_left(&c), 0);
    CU_ASSERT_EQUAL(back.number, 812);
    CU_ASSERT_EQUAL(back.counter, 1000811);
    CU_ASSERT_EQUAL(back.place, 813);
    CU_ASSERT_EQUAL(back.card.job_id[3], 7);
    CU_ASSERT_STRING_EQUAL(back.card.object_id, "card-812");
    CU_ASSERT_EQUAL(back.field_count, 3);
    CU_ASSERT_NSTRING_EQUAL(back.fields[0].text, "Ann", 3);
    CU_ASSERT_PTR_NULL(back.fields[1].text);
    CU_ASSERT_PTR_NOT_NULL(back.fields[2].text);
    CU_ASSERT_TRUE(bytes_equal(back.record, back.record_len, "bytes", 5));
    card_input_release(&back);
    buf_release(&wire);
}

static void test_cut_at_every_byte(void)
{
    struct err err = ERR_INIT;
    struct buf wire;
    fill();
    buf_init(&wire, 4096);
    card_input_put(&wire, &in);
    card_input_init(&back);
    for (size_t len = 0; len < wire.len; len++) {
        struct cur c = cur_make(wire.data, len, 0);
        EXPECT_FAIL(card_input_get(&c, &back, &err), ERR_INTERNAL, "card input");
        CU_ASSERT_EQUAL(c.pos, 0);
    }
    card_input_release(&back);
    buf_release(&wire);
}

static void test_fields_by_name(void)
{
    struct field_table table = {.names = {"pan", "name"}, .count = 2};
    CU_ASSERT_EQUAL(field_index(&table, "name"), 1);
    CU_ASSERT_EQUAL(field_index(&table, "expiry"), -1);
}

static const struct test_case cases[] = {
    {"there and back", test_there_and_back},
    {"cut at every byte", test_cut_at_every_byte},
    {"fields by name", test_fields_by_name},
};

int main(void)
{
    return suite_run("prep/card_input", cases, SUITE_COUNT(cases));
}
