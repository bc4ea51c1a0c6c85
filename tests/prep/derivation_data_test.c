#include "job_fixture.h"
#include "prep/commands/survey.h"

static struct err err;

#define JOB                                                                                                  \
    "input: {format: csv, file: cards.csv}\napplications: [{aid: A0000000970001, profile: ./own.yaml}]\n"
#define COUNTER "counter: {file: counter, first: 1}\n"
#define PROFILE "profile: own\nversion: 1\ntitle: own\nelements:\n"
#define ID                                                                                                   \
    "  - {tag: DF01, name: id, from: [{field: id}, {counter: yes}], convert: numeric, length: 8, optional: " \
    "yes}\n"
#define GROUPS                                                                                               \
    "groupings:\n  - {dgi: \"0101\", template: 70, place: [DF01]}\n  - {dgi: \"8000\", keys: [A, B]}\n"

static bool plan(struct fixture *f, const char *profile, const char *job, const char *cards)
{
    bool end = false;
    fixture_text(f, "own.yaml", profile);
    fixture_text(f, "cards.csv", cards);
    return fixture_open(f, job, &err) && card_reader_next(f->reader, &f->input, &end, &err) &&
           card_identify(&f->input, f->reader, f->job, &f->identity, 1, &err) &&
           planner_plan(f->planner, &f->input, &f->plan, &err);
}

#define SIMPLE                                                                                               \
    PROFILE ID GROUPS                                                                                        \
        "keys:\n"                                                                                            \
        "  - {name: A, master: KML, kind: des2, method: complement, data: {element: DF01}}\n"                \
        "  - {name: B, master: KMU, kind: des2, method: direct, data: {from: [{field: d}, {hex: "            \
        "00112233445566778899AABBCCDDEEFF}], convert: hex, length: 16}}\n"

static void test_field_before_counter(void)
{
    struct fixture *f = fixture_new();
    EXPECT_OK(plan(f, SIMPLE, JOB COUNTER, "id,d\n77,\n"));
    const struct planned_application *a = &f->plan.applications[0];
    CU_ASSERT_TRUE(bytes_equal(a->keys[0].data, a->keys[0].data_len, "\0\0\0\0\0\0\0\x77", 8));
    CU_ASSERT_PTR_EQUAL(a->c2, &a->keys[0]);
    CU_ASSERT_TRUE(a->keys[1].own_data);
    CU_ASSERT_EQUAL(a->keys[1].data_source, 1);
    CU_ASSERT_EQUAL(a->keys[1].data[1], 0x11);
    fixture_free(f);
}

static void test_counter_last(void)
{
    struct fixture *f = fixture_new();
    EXPECT_OK(plan(f, SIMPLE, JOB COUNTER, "id,d\n,0102030405060708090A0B0C0D0E0F10\n"));
    const struct planned_application *a = &f->plan.applications[0];
    CU_ASSERT_TRUE(bytes_equal(a->keys[0].data, a->keys[0].data_len, "\0\0\0\0\0\0\x50\x01", 8));
    CU_ASSERT_EQUAL(a->keys[1].data_source, 0);
    CU_ASSERT_EQUAL(a->keys[1].data[0], 0x01);
    fixture_free(f);
}

static void test_all_zero_is_refused(void)
{
    struct fixture *f = fixture_new();
    EXPECT_FAIL(plan(f, SIMPLE, JOB COUNTER, "id,d\n0,\n"), ERR_INPUT, "application own: key A: ");
    fixture_free(f);
}

static void test_missing_data_is_named(void)
{
    struct fixture *f = fixture_new();
    EXPECT_FAIL(plan(f,
                     PROFILE
                     "  - {tag: DF01, name: id, from: {field: id}, convert: numeric, length: 8, optional: "
                     "yes}\n" GROUPS "keys:\n"
                     "  - {name: A, master: KML, kind: des2, method: complement, data: {element: DF01}}\n"
                     "  - {name: B, master: KMU, kind: des2, method: complement, data: {element: DF01}}\n",
                     JOB, "id,d\n,1\n"),
                ERR_INPUT, "application own: key A: element DF01, its derivation data, has no value");
    fixture_free(f);
}

#define CARD_KEY                                                                                             \
    PROFILE ID GROUPS "keys:\n"                                                                              \
                      "  - {name: A, master: KML, kind: des2, method: complement, data: {element: DF01}, "   \
                      "protection: card-key,\n"                                                              \
                      "     card_key: {master: KMC, version: {field: kmc}, method: kmc-visa2, which: dek, "  \
                      "keydata: keydata}}\n"                                                                 \
                      "  - {name: B, master: KMU, kind: des2, method: complement, data: {element: DF01}}\n"

static void test_the_cards_own_key(void)
{
    struct fixture *f = fixture_new();
    bool planned = plan(f, CARD_KEY, JOB COUNTER, "id,kmc,keydata\n77,3,00112233445566778899\n");
    EXPECT_OK(planned);
    if (planned) {
        const struct planned_key *k = &f->plan.applications[0].keys[0];
        CU_ASSERT_EQUAL(k->card_key.key->version, 3);
        CU_ASSERT_TRUE(bytes_equal(k->card_key.block.data, k->card_key.block.len,
                                   "\x00\x11\x44\x55\x66\x77\xF0\x03\x00\x11\x44\x55\x66\x77\x0F\x03", 16));
    }
    fixture_free(f);
    f = fixture_new();
    EXPECT_FAIL(plan(f, CARD_KEY, JOB COUNTER, "id,kmc,keydata\n77,3,0011\n"), ERR_INPUT,
                "key A: KEYDATA: field 'keydata': 2 bytes in hexadecimal where 10");
    fixture_free(f);
    f = fixture_new();
    EXPECT_FAIL(plan(f, CARD_KEY, JOB COUNTER, "id,kmc,keydata\n77,3,\n"), ERR_INPUT,
                "key A: KEYDATA: field 'keydata' is empty");
    fixture_free(f);
}

static const struct test_case cases[] = {
    {"field before counter", test_field_before_counter},
    {"counter last", test_counter_last},
    {"all zero is refused", test_all_zero_is_refused},
    {"missing data is named", test_missing_data_is_named},
    {"the card's own key", test_the_cards_own_key},
};

int main(void)
{
    return suite_run("prep/derivation_data", cases, SUITE_COUNT(cases));
}
