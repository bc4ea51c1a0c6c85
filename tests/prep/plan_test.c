#include "prep/plan.h"

#include "job_fixture.h"
#include "prep/commands/survey.h"

static struct err err;

#define CSV     "input: {format: csv, file: cards.csv}\n"
#define COUNTER "counter: {file: counter, first: 1}\n"
#define ALL_THREE                                                                                            \
    "applications:\n"                                                                                        \
    "  - {aid: A000000003101001, profile: purse, issuer_key: ISS}\n"                                         \
    "  - {aid: A0000000031010, profile: emv-credit, name: visa, issuer_key: ISS}\n"                          \
    "  - {aid: A0000000990001, profile: loyalty, optional: yes}\n"
#define LOYALTY "applications: [{aid: A0000000990001, profile: loyalty}]\n"
#define HEAD    "pan,name,expiry,effective,activation,service_code,member_number,kml_version\n"
#define ANN     "4761739001010119,ANN EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201,42,\n"

/* The next card of the input, planned. */
static bool plan_next(struct fixture *f, uint64_t position)
{
    bool end = false;
    return card_reader_next(f->reader, &f->input, &end, &err) && !end &&
           card_identify(&f->input, f->reader, f->job, &f->identity, position, &err) &&
           planner_plan(f->planner, &f->input, &f->plan, &err);
}

static void expect_value(const struct planned_application *a, uint32_t tag, enum value_origin origin,
                         const void *value, size_t len)
{
    const struct planned_value *v = plan_value(a, tag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v);
    CU_ASSERT_EQUAL(v->origin, origin);
    CU_ASSERT_TRUE(bytes_equal(v->value, v->len, value, len));
}

static void test_a_card_from_a_table(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", HEAD ANN);
    EXPECT_OK(fixture_open(f, CSV COUNTER ALL_THREE, &err));
    EXPECT_OK(plan_next(f, 1));
    CU_ASSERT_EQUAL(f->plan.application_count, 3);
    CU_ASSERT_EQUAL(f->plan.group_count, 1);
    CU_ASSERT_TRUE(f->plan.groups[0].is_chip);
    CU_ASSERT_STRING_EQUAL(f->plan.groups[0].mic, "CHIP");
    CU_ASSERT_STRING_EQUAL(f->input.card.object_id, "abababababababababababababababab-1");

    const struct planned_application *purse = &f->plan.applications[0];
    CU_ASSERT_EQUAL(purse->action, APPLICATION_PREPARE);
    expect_value(purse, 0xDF08, VALUE_FROM_SOURCE, "\x60\x00\x00\x00\x00\x00\x50\x01", 8);
    CU_ASSERT_EQUAL(plan_value(purse, 0xDF08)->source, 1);
    expect_value(purse, 0xDF04, VALUE_FROM_DEFAULT, "\0\0\0\0", 4);
    expect_value(purse, 0xDF10, VALUE_FROM_SOURCE, "\x02", 1);
    expect_value(purse, 0xDF11, VALUE_FROM_SOURCE, "\x03", 1);
    CU_ASSERT_EQUAL(plan_value(purse, 0xDF0D)->origin, VALUE_ABSENT);
    CU_ASSERT_EQUAL(purse->keys[0].master.key->version, 2);
    CU_ASSERT_TRUE(purse->keys[2].left_out);
    CU_ASSERT_PTR_EQUAL(purse->c2, &purse->keys[0]);
    CU_ASSERT_FALSE(purse->keys[1].own_data);
    CU_ASSERT_TRUE(bytes_equal(purse->keys[0].master.block.data, 16,
                               "\x60\x00\x00\x00\x00\x00\x50\x01\x9F\xFF\xFF\xFF\xFF\xFF\xAF\xFE", 16));
    CU_ASSERT_TRUE(
        bytes_equal(purse->certificate.subject, 10, "\x60\x00\x00\x00\x00\x00\x50\x01\xFF\xFF", 10));
    CU_ASSERT_TRUE(bytes_equal(purse->certificate.expiry, 2, "\x12\x29", 2));

    const struct planned_application *visa = &f->plan.applications[1];
    expect_value(visa, 0x57, VALUE_FROM_SOURCE, "\x47\x61\x73\x90\x01\x01\x01\x19\xD2\x91\x22\x01", 12);
    expect_value(visa, 0x5F34, VALUE_FROM_DEFAULT, "\0", 1);
    CU_ASSERT_TRUE(
        bytes_equal(visa->c2->data, visa->c2->data_len, "\x47\x61\x73\x90\x01\x01\x01\x19\x00", 9));
    CU_ASSERT_TRUE(bytes_equal(visa->certificate.serial, 3, "\0\0\1", 3));

    const struct planned_application *loyalty = &f->plan.applications[2];
    CU_ASSERT_PTR_NULL(loyalty->c2);
    expect_value(loyalty, 0xDF21, VALUE_FROM_SOURCE, "\0\0\0\0\0\x42", 6);
    fixture_free(f);
}

static void test_not_selected_is_left_out(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv",
                 HEAD "4761739001010119,ANN EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201,,1\n");
    EXPECT_OK(fixture_open(f, CSV COUNTER ALL_THREE, &err));
    EXPECT_OK(plan_next(f, 1));
    CU_ASSERT_EQUAL(f->plan.applications[2].action, APPLICATION_LEAVE_OUT);
    CU_ASSERT_EQUAL(f->plan.applications[0].keys[0].master.key->version, 1);
    expect_value(&f->plan.applications[0], 0xDF10, VALUE_FROM_SOURCE, "\x01", 1);
    fixture_free(f);
}

/* One CSV row that must be refused with this message. */
static void refused(const char *row, const char *message)
{
    struct fixture *f = fixture_new();
    char text[1024];
    snprintf(text, sizeof(text), "%s%s\n", HEAD, row);
    fixture_text(f, "cards.csv", text);
    EXPECT_OK(fixture_open(f, CSV COUNTER ALL_THREE, &err));
    EXPECT_FAIL(plan_next(f, 1), ERR_INPUT, message);
    fixture_free(f);
}

static void test_bad_values_are_named(void)
{
    refused("4761739001010119,ANN EXAMPLE,,2025-01-01,2025-01-01,201,42,",
            "application purse: element DF0B (deactivation date of the IEP): no source gives it (the input "
            "has no field "
            "'deactivation'; field 'expiry' is empty)");
    refused("4761739001010118,ANN EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201,42,",
            "application visa: element 5A (application PAN): field 'pan': card number 476173******0118: its "
            "check digit is wrong");
    refused("4761739001010119,ANN EXAMPLE,2029-02-31,2025-01-01,2025-01-01,201,42,",
            "application purse: element DF0B (deactivation date of the IEP): field 'expiry': ");
    refused(
        "4761739001010119,ANN EXAMPLE WITH A NAME TOO LONG FOR IT,2029-12-31,2025-01-01,2025-01-01,201,42,",
        "application visa: element 5F20 (cardholder name): field 'name': ");
    refused("4761739001010119,ZO\xC3\x8B EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201,42,",
            "application visa: element 5F20 (cardholder name): field 'name': ");
    refused(
        "4761739001010119,ANN EXAMPLE,2030-12-31,2025-01-01,2025-01-01,201,42,",
        "application purse: card certificate: it would expire 12/30, after the issuer's certificate, 11/30");
    refused("4761739001010119,ANN EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201,42,7",
            "application purse: key KDL: field 'kml_version' asks for version 7 of KML, which the job does "
            "not have");
    refused("4761739001010119,ANN EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201,42,x",
            "application purse: key KDL: field 'kml_version' holds no version");
}

static void test_a_job_without_counter(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", HEAD ANN);
    EXPECT_OK(fixture_open(f, CSV ALL_THREE, &err));
    EXPECT_FAIL(plan_next(f, 1), ERR_INPUT,
                "application purse: element DF08 (identifier of the IEP): no source gives it (the input has "
                "no field 'iep_id'; "
                "the job has no card number counter)");
    fixture_free(f);
}

static void test_what_cannot_work_for_any_card(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", HEAD ANN);
    EXPECT_FAIL(
        fixture_open(f, CSV "applications: [{aid: A0000000031010, profile: emv-credit}]\n", &err), ERR_CONFIG,
        "application emv-credit: its profile makes certificates, and the job names no issuer key for it");
    fixture_free(f);
    f = fixture_new();
    fixture_text(f, "cards.csv", HEAD ANN);
    EXPECT_FAIL(fixture_open(f, CSV LOYALTY "groups: [{mic: EMB, text: \"{counter}\"}]\n", &err), ERR_CONFIG,
                "group EMB: asks for the card number counter, and the job has none");
    fixture_free(f);
}

static void test_fields_under_other_names(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", "Kunde,Stand\n77,9\n");
    EXPECT_OK(fixture_open(f,
                           "input: {format: csv, file: cards.csv, fields: {customer: Kunde}}\n"
                           "applications: [{aid: A0000000990001, profile: loyalty, fields: {member_number: "
                           "customer, points: Stand}}]\n",
                           &err));
    EXPECT_OK(plan_next(f, 1));
    expect_value(&f->plan.applications[0], 0xDF21, VALUE_FROM_SOURCE, "\0\0\0\0\0\x77", 6);
    expect_value(&f->plan.applications[0], 0xDF22, VALUE_FROM_SOURCE, "\0\0\0\x09", 4);
    fixture_free(f);
}

/* ---- MIC input ---- */

static const uint8_t loyalty_aid[] = {0xA0, 0, 0, 0, 0x99, 0, 1};
static const uint8_t other_aid[] = {0xA0, 0, 0, 0, 0x98, 0, 1};

/* A record EMB, CHIP with two open entries, MAG. */
static void write_mic(struct fixture *f, const char *elements, size_t len)
{
    struct buf b, chip;
    buf_init(&b, 4096);
    buf_init(&chip, 4096);
    entry_put_open(&chip, other_aid, sizeof(other_aid), (const uint8_t *)"\x50\x01X", 3);
    entry_put_open(&chip, loyalty_aid, sizeof(loyalty_aid), (const uint8_t *)elements, len);
    size_t begin = mic_put_record_begin(&b);
    mic_put_group(&b, "EMB", "ANN EXAMPLE  123", 16);
    mic_put_group(&b, "CHIP", chip.data, chip.len);
    mic_put_group(&b, "MAG", "B4761", 5);
    mic_put_record_end(&b, begin);
    fixture_write(f, "cards.mic", b.data, b.len);
    buf_release(&b);
    buf_release(&chip);
}

#define MIC                                                                                                  \
    "input: {format: mic, file: cards.mic, mic_fields: [{field: points, mic: EMB, start: 14, length: 3}]}\n"

static void test_an_open_entry_is_prepared_in_its_place(void)
{
    struct fixture *f = fixture_new();
    write_mic(f, "\xDF\x21\x06\0\0\0\0\0\x07\xDF\x7F\x01Z\xDF\x7F\x01Y", 17);
    EXPECT_OK(fixture_open(f, MIC LOYALTY, &err));
    EXPECT_OK(plan_next(f, 1));
    CU_ASSERT_EQUAL(f->plan.application_count, 2);
    CU_ASSERT_EQUAL(f->plan.applications[0].action, APPLICATION_COPY);
    CU_ASSERT_PTR_NULL(f->plan.applications[0].application);
    const struct planned_application *a = &f->plan.applications[1];
    CU_ASSERT_EQUAL(a->action, APPLICATION_PREPARE);
    expect_value(a, 0xDF21, VALUE_FROM_RECORD, "\0\0\0\0\0\x07", 6);
    expect_value(a, 0xDF22, VALUE_FROM_SOURCE, "\0\0\0\x7B", 4);
    expect_value(a, 0xDF23, VALUE_FROM_DEFAULT, "basic", 5);
    CU_ASSERT_EQUAL(a->loose_count, 2);
    CU_ASSERT_EQUAL(a->loose[1].value[0], 'Y');
    CU_ASSERT_EQUAL(f->plan.group_count, 3);
    CU_ASSERT_STRING_EQUAL(f->plan.groups[0].mic, "EMB");
    CU_ASSERT_TRUE(f->plan.groups[1].is_chip);
    CU_ASSERT_STRING_EQUAL(f->plan.groups[2].mic, "MAG");
    fixture_free(f);
}

static void test_record_values_are_checked(void)
{
    struct fixture *f = fixture_new();
    write_mic(f, "\xDF\x21\x05\0\0\0\0\x07", 8);
    EXPECT_OK(fixture_open(f, MIC LOYALTY, &err));
    EXPECT_FAIL(plan_next(f, 1), ERR_INPUT,
                "application loyalty: element DF21 (member number): 5 bytes where 6 are due");
    fixture_free(f);
    f = fixture_new();
    write_mic(f, "\xDF\x21\x06\0\0\0\0\0\x07\xDF\x21\x06\0\0\0\0\0\x07", 18);
    EXPECT_OK(fixture_open(f, MIC LOYALTY, &err));
    EXPECT_FAIL(plan_next(f, 1), ERR_INPUT,
                "element DF21 (member number): stands twice in the record's entry");
    fixture_free(f);
}

static void test_strict_refuses_unnamed_entries(void)
{
    struct fixture *f = fixture_new();
    write_mic(f, "\xDF\x21\x06\0\0\0\0\0\x07", 9);
    EXPECT_OK(fixture_open(f, MIC LOYALTY "strict: yes\n", &err));
    EXPECT_FAIL(plan_next(f, 1), ERR_INPUT,
                "application A0000000980001: the job does not name it, and is strict");
    fixture_free(f);
}

static void test_lacking_application_is_appended(void)
{
    struct fixture *f = fixture_new();
    write_mic(f, "\xDF\x21\x06\0\0\0\0\0\x07", 9);
    EXPECT_OK(fixture_open(f,
                           "input: {format: mic, file: cards.mic, mic_fields: [{field: member_number, mic: "
                           "EMB, start: 14, length: 3}]}\n"
                           "applications:\n"
                           "  - {aid: A0000000970001, profile: loyalty, name: first}\n"
                           "  - {aid: A0000000960001, profile: loyalty, name: second, protect: none}\n"
                           "carry: {only: [MAG]}\n"
                           "groups: [{mic: EMB, text: \"{member_number:06}\"}, {mic: MAG, text: never}]\n",
                           &err));
    EXPECT_OK(plan_next(f, 1));
    CU_ASSERT_EQUAL(f->plan.application_count, 4);
    CU_ASSERT_STRING_EQUAL(f->plan.applications[2].application->name, "first");
    CU_ASSERT_EQUAL(f->plan.applications[2].action, APPLICATION_PREPARE);
    /* protect: none: an open entry of the elements, to be copied */
    const struct planned_application *open = &f->plan.applications[3];
    CU_ASSERT_EQUAL(open->action, APPLICATION_COPY);
    CU_ASSERT_FALSE(open->entry->sealed);
    CU_ASSERT_TRUE(bytes_equal(open->entry->data, 9, "\xDF\x21\x06\0\0\0\0\x01\x23", 9));
    /* EMB was not carried and is composed anew; MAG was carried and stays. */
    CU_ASSERT_EQUAL(f->plan.group_count, 3);
    CU_ASSERT_TRUE(f->plan.groups[0].is_chip);
    CU_ASSERT_TRUE(bytes_equal(f->plan.groups[1].data, f->plan.groups[1].len, "B4761", 5));
    CU_ASSERT_STRING_EQUAL(f->plan.groups[2].mic, "EMB");
    CU_ASSERT_TRUE(bytes_equal(f->plan.groups[2].data, f->plan.groups[2].len, "000123", 6));
    fixture_free(f);
}

static void test_group_from_a_file(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", "member_number,portrait\n1,ann.jpg\n2,missing.jpg\n3,../etc/passwd\n4,\n");
    fixture_text(f, "ann.jpg", "JPEG");
    EXPECT_OK(fixture_open(f, CSV LOYALTY "groups: [{mic: GRAPH, file_field: portrait}]\n", &err));
    EXPECT_OK(plan_next(f, 1));
    CU_ASSERT_EQUAL(f->plan.group_count, 2);
    CU_ASSERT_TRUE(bytes_equal(f->plan.groups[0].data, f->plan.groups[0].len, "JPEG", 4));
    EXPECT_FAIL(plan_next(f, 2), ERR_INPUT, "group GRAPH: ");
    EXPECT_FAIL(plan_next(f, 3), ERR_INPUT,
                "group GRAPH: field 'portrait': a file must lie in the input's folder");
    EXPECT_OK(plan_next(f, 4));
    CU_ASSERT_EQUAL(f->plan.group_count, 1);
    fixture_free(f);
}

static void test_a_group_with_a_gap_is_refused(void)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", "member_number,first,last\n1,,\n2,Ann,\n");
    EXPECT_OK(fixture_open(f, CSV LOYALTY "groups: [{mic: EMB, text: \"{first:10}{last:10}\"}]\n", &err));
    EXPECT_OK(plan_next(f, 1));
    CU_ASSERT_EQUAL(f->plan.group_count, 1);
    EXPECT_FAIL(plan_next(f, 2), ERR_INPUT, "group EMB: field 'last' is empty");
    fixture_free(f);
}

static const struct test_case cases[] = {
    {"a card from a table", test_a_card_from_a_table},
    {"not selected is left out", test_not_selected_is_left_out},
    {"bad values are named", test_bad_values_are_named},
    {"a job without counter", test_a_job_without_counter},
    {"what cannot work for any card", test_what_cannot_work_for_any_card},
    {"fields under other names", test_fields_under_other_names},
    {"an open entry is prepared in its place", test_an_open_entry_is_prepared_in_its_place},
    {"record values are checked", test_record_values_are_checked},
    {"strict refuses unnamed entries", test_strict_refuses_unnamed_entries},
    {"lacking application is appended", test_lacking_application_is_appended},
    {"group from a file", test_group_from_a_file},
    {"a group with a gap is refused", test_a_group_with_a_gap_is_refused},
};

int main(void)
{
    return suite_run("prep/plan", cases, SUITE_COUNT(cases));
}
