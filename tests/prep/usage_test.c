#include "prep/usage.h"

#include "job_fixture.h"

#define VISA                                                                                                 \
    "input: {format: csv, file: cards.csv}\n"                                                                \
    "applications: [{aid: A0000000031010, profile: emv-credit, name: visa, issuer_key: ISS}]\n"
#define VISA_CARDS                                                                                           \
    "pan,psn,name,expiry,effective,service_code\n"                                                           \
    "4761739001010119,00,ANN EXAMPLE,2029-12-31,2025-01-01,201\n"

/* Two DGIs: in the first two keys under one key of the card's own, then one under another. */
#define OWN                                                                                                  \
    "profile: own\nversion: 1\ntitle: Own\n"                                                                 \
    "elements:\n"                                                                                            \
    "  - {tag: DF08, name: number, from: {field: number}, convert: numeric, length: 8}\n"                    \
    "keys:\n"                                                                                                \
    "  - {name: A, kind: des2, master: KML, version: {field: v}, method: complement, data: {element: DF08}," \
    " protection: card-key, card_key: {master: KMC, version: newest, method: kmc-visa2, which: dek, "        \
    "keydata: k}}\n"                                                                                         \
    "  - {name: B, kind: des2, master: KML, version: {field: v}, method: complement, data: {element: DF08}," \
    " protection: card-key, card_key: {master: KMC, version: newest, method: kmc-visa2, which: dek, "        \
    "keydata: k}}\n"                                                                                         \
    "  - {name: C, kind: des2, master: KMU, version: newest, method: complement, data: {element: DF08},"     \
    " protection: card-key, card_key: {master: KMC, version: newest, method: kmc-visa2, which: enc, "        \
    "keydata: k}}\n"                                                                                         \
    "groupings:\n"                                                                                           \
    "  - {dgi: \"0101\", template: 70, place: [DF08]}\n"                                                     \
    "  - {dgi: \"8000\", keys: [A, B, C]}\n"
#define OWN_JOB                                                                                              \
    "input: {format: csv, file: cards.csv}\n"                                                                \
    "applications: [{aid: F04C4F59414C5459, profile: ./own.yaml}]\n"
#define OWN_CARDS "number,v,k\n1234567890123456,2,00112233445566778899\n"

static void card(struct fixture *f, const char *job, const char *cards, struct usage *usage)
{
    struct err err = ERR_INIT;
    bool end = false;
    fixture_text(f, "cards.csv", cards);
    fixture_text(f, "own.yaml", OWN);
    EXPECT_OK(fixture_open(f, job, &err) && card_reader_next(f->reader, &f->input, &end, &err) &&
              planner_plan(f->planner, &f->input, &f->plan, &err));
    usage_add_card(usage, f->job, &f->plan);
}

static const struct usage *of(const struct fixture *f, const struct usage *usage, const char *name,
                              uint16_t version)
{
    return &usage[job_key(f->job, name, version) - f->job->keys];
}

static void expect_usage(const struct fixture *f, const struct usage *usage, const char *name,
                         uint16_t version, uint64_t derivations, uint64_t blocks)
{
    const struct usage *u = of(f, usage, name, version);
    CU_ASSERT_EQUAL(u->derivations, derivations);
    CU_ASSERT_EQUAL(u->blocks, blocks);
}

static void test_one_per_key(void)
{
    struct fixture *f = fixture_new();
    struct usage usage[16] = {{0, 0}}, most[16] = {{0, 0}};
    card(f, VISA, VISA_CARDS, usage);
    expect_usage(f, usage, "MK-AC", 1, 1, 2);
    expect_usage(f, usage, "MK-SMI", 1, 1, 2);
    expect_usage(f, usage, "MK-SMC", 1, 1, 2);
    expect_usage(f, usage, "KML", 1, 0, 0);
    usage_add_most(most, f->job);
    CU_ASSERT_EQUAL(memcmp(usage, most, sizeof(most)), 0);
    usage_add_all(most, usage, f->job->key_count, 10);
    expect_usage(f, most, "MK-AC", 1, 11, 22);
    fixture_free(f);
}

static void test_cards_own_keys(void)
{
    struct fixture *f = fixture_new();
    struct usage usage[16] = {{0, 0}}, most[16] = {{0, 0}};
    card(f, OWN_JOB, OWN_CARDS, usage);
    expect_usage(f, usage, "KML", 2, 2, 4);
    expect_usage(f, usage, "KML", 1, 0, 0);
    expect_usage(f, usage, "KMU", 1, 1, 2);
    expect_usage(f, usage, "KMC", 3, 2, 4);
    usage_add_most(most, f->job);
    for (size_t i = 0; i < f->job->key_count; i++)
        CU_ASSERT(most[i].derivations >= usage[i].derivations && most[i].blocks >= usage[i].blocks);
    expect_usage(f, most, "KML", 1, 2, 4); /* some card might ask for it */
    fixture_free(f);
}

static char des2[] = "des2", des3[] = "des3", aes192[] = "aes192", aes256[] = "aes256";

static void test_blocks(void)
{
    struct key_settings des = {.algorithm = des3}, aes = {.algorithm = aes192};
    CU_ASSERT_EQUAL(usage_block_len(&des), 8);
    CU_ASSERT_EQUAL(usage_block_len(&aes), 16);
}

static void test_lengths(void)
{
    struct key_settings keys[] = {{.algorithm = des2}, {.algorithm = aes256}};
    const struct job job = {.keys = keys, .key_count = 2};
    struct usage usage[2] = {{0, 0}};
    struct planned_master m = {.key = &keys[0], .block = {.len = 24}};
    usage_add(usage, &job, &m);
    CU_ASSERT_EQUAL(usage[0].blocks, 3);
    m = (struct planned_master){.key = &keys[1], .block = {.len = 32}};
    usage_add(usage, &job, &m);
    CU_ASSERT_EQUAL(usage[1].blocks, 2);
}

static const struct test_case cases[] = {
    {"one derivation per key", test_one_per_key},
    {"cards' own keys, once while they stay", test_cards_own_keys},
    {"the size of a block", test_blocks},
    {"blocks of a derivation", test_lengths},
};

int main(void)
{
    return suite_run("prep/usage", cases, SUITE_COUNT(cases));
}
