#include "prep/commands/survey.h"

#include <openssl/pem.h>

#include "job_fixture.h"
#include "mic_draft.h"

static struct err err;

#define CSV    "input: {format: csv, file: cards.csv}\n"
#define VISA   "applications: [{aid: A0000000031010, profile: emv-credit, name: visa, issuer_key: ISS}]\n"
#define HEAD   "id,pan,psn,name,expiry,effective,service_code\n"
#define REST   ",ANN EXAMPLE,2029-12-31,2025-01-01,201\n"
#define CARD_1 "c1,4761739001010119,00" REST
#define CARD_2 "c2,4761739001010119,01" REST
#define CARD_3 "c3,4111111111111111,00" REST

static bool run(struct fixture *f, struct survey *s, const char *job, const char *cards)
{
    fixture_text(f, "cards.csv", cards);
    return fixture_open(f, job, &err) && survey_run(s, f->reader, f->job, f->planner, &f->identity, &err);
}

static void refused(const char *job, const char *cards, const char *message)
{
    struct fixture *f = fixture_new();
    struct survey s;
    EXPECT_FAIL(run(f, &s, job, cards), ERR_INPUT, message);
    fixture_free(f);
}

static void test_counts(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    EXPECT_OK(run(f, &s, CSV VISA, HEAD CARD_1 CARD_2 CARD_3));
    CU_ASSERT_EQUAL(s.planned, 3);
    CU_ASSERT_EQUAL(s.application_count[0], 3);
    CU_ASSERT_EQUAL(s.bad_count, 0);
    survey_release(&s);
    fixture_free(f);
}

static void test_counts_derivations(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    EXPECT_OK(run(f, &s, CSV VISA "audit_log: log\n", HEAD CARD_1 CARD_2 CARD_3));
    const struct usage *u = &s.usage[job_key(f->job, "MK-SMC", 1) - f->job->keys];
    CU_ASSERT(u->derivations == 3 && u->blocks == 6);
    survey_release(&s);
    fixture_free(f);
}

static void test_no_cards(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    EXPECT_OK(run(f, &s, CSV VISA, HEAD));
    CU_ASSERT_EQUAL(s.planned, 0);
    CU_ASSERT_FALSE(s.sealed_kek_used);
    survey_release(&s);
    fixture_free(f);
}

static void test_repeated_pan(void)
{
    refused(CSV VISA, HEAD CARD_1 CARD_3 "c4,4761739001010119,00" REST,
            "cards.csv:4: record 3: application visa: application PAN + PAN sequence number repeats that of "
            "record 1 (line 2)");
}

static void test_repeated_object_id(void)
{
    refused(CSV VISA "object_id: id\n", HEAD CARD_1 "c1,4111111111111111,00" REST,
            "cards.csv:3: record 2: card object identifier repeats that of record 1 (line 2)");
    refused(CSV VISA "object_id: id\n", HEAD "c 1,4111111111111111,00" REST,
            "cards.csv:2: record 1: field 'id' is no card object identifier");
}

static void test_bad_values_name_their_place(void)
{
    refused(CSV VISA, HEAD CARD_1 "c2,4111111111111112,00" REST,
            "cards.csv:3: record 2: application visa: element 5A (application PAN): field 'pan': card number "
            "411111******1112");
    refused(CSV VISA, HEAD "c2,4111111111111111,00,ANN EXAMPLE,2029-02-31,2025-01-01,201\n",
            "cards.csv:2: record 1: application visa: ");
    refused(CSV VISA, HEAD "c2,4111111111111111,00,ANN EXAMPLE,2031-02-28,2025-01-01,201\n",
            "card certificate: it would expire 02/31, after the issuer's certificate, 11/30");
}

/* Everything but the first and the last record is bad, each in its own way. */
static void test_set_aside(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    EXPECT_OK(run(f, &s, CSV VISA "on_bad_record: set-aside\n",
                  HEAD CARD_1 "c2,4111111111111112,00" REST "too,few\n" CARD_1 CARD_3));
    CU_ASSERT_EQUAL(s.planned, 5);
    CU_ASSERT_EQUAL(s.bad_count, 3);
    CU_ASSERT_TRUE(survey_is_bad(&s, 2) && survey_is_bad(&s, 3) && survey_is_bad(&s, 4));
    CU_ASSERT_FALSE(survey_is_bad(&s, 1) || survey_is_bad(&s, 5));
    CU_ASSERT_EQUAL(s.application_count[0], 2);
    const char *messages = buf_text(&s.messages);
    CU_ASSERT_PTR_NOT_NULL(strstr(messages, "cards.csv:3: record 2: application visa: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(messages, "cards.csv:4: row has 2 columns, not 7\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(messages, "repeats that of record 1 (line 2)\n"));
    CU_ASSERT_PTR_NULL(strstr(messages, "4111111111111112"));
    survey_release(&s);
    fixture_free(f);
}

static void test_unused_rows_can_be_errors(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    fixture_text(f, "more.csv", "id,x\nc1,1\nc9,2\nc8,3\n");
    EXPECT_FAIL(run(f, &s,
                    CSV VISA "join: [{name: more, format: csv, file: more.csv, key: {column: id, field: id}, "
                             "unused: error}]\n",
                    HEAD CARD_1),
                ERR_INPUT, "more.csv:3: no card uses this row (2 in all)");
    fixture_free(f);
}

/* Many cards: memory does not matter to the result. */
static void test_many_cards(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    struct buf cards;
    buf_init(&cards, 8 << 20);
    buf_put_text(&cards, "member_number,points\n");
    for (unsigned i = 1; i <= 20000; i++)
        buf_put_format(&cards, "%u,%u\n", i, i % 100);
    buf_put_text(&cards, "777,1\n");
    EXPECT_FAIL(run(f, &s, CSV "applications: [{aid: A0000000990001, profile: loyalty}]\n", buf_text(&cards)),
                ERR_INPUT,
                "cards.csv:20002: record 20001: application loyalty: member number repeats that of record "
                "777 (line 778)");
    buf_release(&cards);
    fixture_free(f);
}

/* Cards 1, 3 and 4 of an earlier pass, which set card 2 aside; no card has a row in the join. */
static void test_numbers_of_an_earlier_pass(void)
{
    struct fixture *f = fixture_new();
    struct draft_key key;
    struct draft d;
    struct survey s;
    struct buf b;

    CU_ASSERT_TRUE_FATAL(draft_key_make(&key, SIGNATURE_RSA_SHA256));
    draft_init(&d, 3);
    d.job.planned = 4;
    for (size_t i = 1; i < 3; i++) {
        d.cards[i].card.number++;
        d.cards[i].bound_to.number++;
        object_id_default(d.cards[i].card.object_id, d.job.job_id, d.cards[i].card.number);
    }
    d.set_aside[0] = 2;
    d.set_aside_count = 1;
    buf_init(&b, 1 << 16);
    draft_write(&b, &d, &key);
    fixture_write(f, "cards.mic", b.data, b.len);
    buf_release(&b);
    FILE *pem = fopen(fixture_path(f, "signer.pem"), "w");
    CU_ASSERT_EQUAL(PEM_write_PUBKEY(pem, key.key), 1);
    fclose(pem);
    draft_key_release(&key);
    fixture_text(f, "loads.csv", "owner,load\nJOHN,1\n");
    EXPECT_OK(
        fixture_open(f,
                     "input: {format: mic, file: cards.mic, "
                     "mic_fields: [{field: owner, mic: EMBOSS, start: 1, length: 8}]}\n"
                     "join: [{name: loads, format: csv, file: loads.csv, "
                     "key: {column: owner, field: owner}, fields: {load_owner: owner}, missing: error}]\n"
                     "signers: [signer.pem]\non_bad_record: set-aside\n"
                     "applications: [{aid: F00000000001, profile: loyalty, optional: yes}]\n",
                     &err));
    f->job->kek.version = 2;
    EXPECT_OK(survey_run(&s, f->reader, f->job, f->planner, &f->identity, &err));
    CU_ASSERT_EQUAL_FATAL(s.bad_count, 3);
    CU_ASSERT_EQUAL(s.bad[0], 1);
    CU_ASSERT_EQUAL(s.bad[1], 3);
    CU_ASSERT_EQUAL(s.bad[2], 4);
    survey_release(&s);
    fixture_free(f);
}

static const struct test_case cases[] = {
    {"counts", test_counts},
    {"derivations are counted", test_counts_derivations},
    {"no cards", test_no_cards},
    {"repeated PAN", test_repeated_pan},
    {"repeated object id", test_repeated_object_id},
    {"bad values name their place", test_bad_values_name_their_place},
    {"set aside", test_set_aside},
    {"unused rows can be errors", test_unused_rows_can_be_errors},
    {"many cards", test_many_cards},
    {"refused cards of an earlier pass keep their numbers", test_numbers_of_an_earlier_pass},
};

int main(void)
{
    return suite_run("prep/survey", cases, SUITE_COUNT(cases));
}
