#include "prep/commands/explain_card.h"

#include "job_fixture.h"
#include "prep/commands/survey.h"

static struct err err;

static void expect_line(struct buf *text, const char *part)
{
    const char *t = buf_text(text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    if (!strstr(t, part)) fprintf(stderr, "missing: %s\nin: %s\n", part, t);
    CU_ASSERT_PTR_NOT_NULL(strstr(t, part));
}

static void test_a_card_in_words(void)
{
    struct fixture *f = fixture_new();
    struct buf text;
    bool end = false;
    buf_init(&text, 1 << 20);
    fixture_text(f, "cards.csv",
                 "card,pan,name,expiry,effective,activation,service_code\n"
                 "C1,4761739001010119,ANN EXAMPLE,2029-12-31,2025-01-01,2025-01-01,201\n");
    fixture_text(f, "load.csv", "card,balance\nC1,12.50\n");
    EXPECT_OK(
        fixture_open(f,
                     "input: {format: csv, file: cards.csv}\n"
                     "join: [{name: load, format: csv, file: load.csv, key: {column: card, field: card}}]\n"
                     "counter: {file: counter, first: 1}\n"
                     "groups: [{mic: EMB, text: \"{pan:spaced}\"}]\n"
                     "applications:\n"
                     "  - {aid: A000000003101001, profile: purse, issuer_key: ISS}\n"
                     "  - {aid: A0000000031010, profile: emv-credit, issuer_key: ISS}\n"
                     "  - {aid: A0000000990001, profile: loyalty, optional: yes}\n",
                     &err));
    EXPECT_OK(card_reader_next(f->reader, &f->input, &end, &err));
    EXPECT_OK(card_identify(&f->input, f->reader, f->job, &f->identity, 1, &err));
    EXPECT_OK(planner_plan(f->planner, &f->input, &f->plan, &err));
    explain_card(f->job, f->reader, &f->plan, &text);
    expect_line(&text, "cards.csv:2\nrecord 1, card object identifier ");
    expect_line(&text, "(join 'load' by card): balance\n");
    expect_line(
        &text,
        "application purse (A000000003101001)\n  the record lacks it: made from the profile's sources");
    expect_line(&text,
                "DF08   identifier of the IEP = 600000******5001: template \"6000{counter:012}\", by numeric "
                "(the card number counter) (source 2 of 2)\n");
    expect_line(&text, "DF04   balance of the IEP = 000004E2: field 'balance', by amount-binary\n");
    expect_line(&text,
                "by complement from master KML/2; version: as field 'kml_version' says, else the newest\n");
    expect_line(
        &text,
        "derivation data 476173********1900 (C2): PAN (element 5A) and sequence number (element 5F34)\n");
    expect_line(&text, "5A     application PAN = 476173******0119: field 'pan', by pan\n");
    expect_line(&text,
                "94     application file locator = 080101001001020218010500: fixed bytes of the profile\n");
    expect_line(
        &text, "expiry 12/29 (element 5F24), serial 000001 (the record's number); signed static data (93)\n");
    expect_line(&text, "= 476173******0119=2912201: computed: track2, by track2");
    expect_line(&text, "8000 keys: MK-AC MK-SMI MK-SMC\n");
    expect_line(&text, "left out: it is optional and its selector field is empty");
    expect_line(&text, "EMB      19 bytes, composed by the job\n");
    CU_ASSERT_PTR_NULL(strstr(buf_text(&text), "4761739001010119"));
    buf_release(&text);
    fixture_free(f);
}

static void test_long_runs_of_digits_are_masked(void)
{
    struct buf text;
    buf_init(&text, 100);
    explain_hex(&text, (const uint8_t *)"\x04\x76\x17\x39\x00\x10\x10\x11\x90\x00\xFF", 11);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), "047617**********9000FF");
    buf_clear(&text);
    explain_text(&text, "123456789012 1234567890123", 26);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), "123456789012 123456***0123");
    buf_release(&text);
}

static const struct test_case cases[] = {
    {"a card in words", test_a_card_in_words},
    {"long runs of digits are masked", test_long_runs_of_digits_are_masked},
};

int main(void)
{
    return suite_run("prep/explain", cases, SUITE_COUNT(cases));
}
