/* Files that are wrong in one place, with all seals around it made again: one rule is left to refuse them,
 * and does. */
#include "suite.h"

#include "fixture.h"

static void swap_purses(struct image *i)
{
    const char purse[] = "\x08\xA0\0\0\0\x03\x10\x10\x01";
    image_swap(i, image_find(i, purse, 9, 0), image_find(i, purse, 9, 1), 1 + 8 + 4 + 0xF6);
}
static void swap_load_keys(struct image *i)
{
    image_swap(i, FIND(i, "\xE1\x35\xC3\x03KDL", 0), FIND(i, "\xE1\x35\xC3\x03KDL", 1), 0x37);
}
static void swap_card_keys(struct image *i)
{
    image_swap(i, FIND(i, "\xE1\x82\x02\x0D\xC3", 0), FIND(i, "\xE1\x82\x02\x0D\xC3", 1), 4 + 0x20D);
}
static void change_c1_number(struct image *i)
{
    BYTE(i, "\xC1\x18", 0, 25) = 2;
}
static void change_c1_job(struct image *i)
{
    BYTE(i, "\xC1\x18", 4, 2) ^= 1;
}
static void change_number(struct image *i)
{
    BYTE(i, "\xDA\x08", 1, 9) = 9;
}
static void repeat_object_id(struct image *i)
{
    BYTE(i, "-2EMBOSS", 0, 1) = '1';
}
static void drop_d7(struct image *i)
{
    image_splice(i, FIND(i, "\xD7\x0BGas", 0), 13, NULL, 0);
}
static void add_d7(struct image *i)
{
    uint8_t twice[13];
    size_t at = FIND(i, "\xD7\x0BGas", 0);
    memcpy(twice, i->bytes + at, 13);
    image_splice(i, at, 0, twice, 13);
}
static void change_d7(struct image *i)
{
    BYTE(i, "\xD7\x0BGas", 0, 8) ^= 1;
}
static void change_job_tag(struct image *i)
{
    BYTE(i, "\xD8\x08oracle", 0, 0) = 0xDF - 1;
}
static void change_secret_tag(struct image *i)
{
    BYTE(i, "\xC8\x02\x80\x00", 0, 0) = 0xCB;
}
static void change_version(struct image *i)
{
    BYTE(i, "\xD1\x01\x01", 0, 2) = 2;
}
static void change_time(struct image *i)
{
    memcpy(&BYTE(i, "\xD6\x14", 0, 7), "02-31", 5);
}
static void change_check_value(struct image *i)
{
    BYTE(i, "\xC5\x03", 0, 2) ^= 1;
}
static void change_rsa_check_value(struct image *i)
{
    BYTE(i, "\xC4\x01\x06\xC5\x03", 0, 5) ^= 1;
}
static void change_hash_list(struct image *i)
{
    BYTE(i, "\xCF\x20\x28\x88", 0, 3) ^= 1;
}
static void change_count(struct image *i)
{
    BYTE(i, "END    ", 0, 14 + 18 + 9) = 4;
}
static void swap_end_tags(struct image *i)
{
    size_t de = FIND(i, "\xDE\x20", 0);
    uint8_t ca[3];
    memcpy(ca, i->bytes + de + 34, 3);
    memmove(i->bytes + de + 3, i->bytes + de, 34);
    memcpy(i->bytes + de, ca, 3);
}
static void change_static_data(struct image *i)
{
    BYTE(i, "\x5F\x34\x01\x01", 0, 3) = 2;
}
static void change_dgi(struct image *i)
{
    BYTE(i, "\xC8\x02\x02\x02\xC9", 0, 3) = 1;
}
static void drop_c2(struct image *i)
{
    image_splice(i, FIND(i, "\xC2\x08\x60", 0), 10, NULL, 0);
}
static void zero_c2(struct image *i)
{
    memset(&BYTE(i, "\xC2\x08\x60", 0, 2), 0, 8);
}
static void rename_seal(struct image *i)
{
    BYTE(i, "SEAL   ", 2, 3) = 'X';
}
static void rename_secret(struct image *i)
{
    BYTE(i, "\xC3\x03KDU", 0, 4) = 'L';
}
static void change_emboss(struct image *i)
{
    BYTE(i, "TEST 1", 0, 5) = '2';
}
static void make_loose_reserved(struct image *i)
{
    BYTE(i, "\xE2\x0D\xC8\x02\x0D\x01", 0, 0) = 0xD5;
}

static const struct mutant {
    const char *name;
    void (*edit)(struct image *image);
    unsigned seal;
    const char *refusal;
} MUTANTS[] = {
    {"entries swapped between records", swap_purses, SEAL_RECORDS | SEAL_END, "binding"},
    {"C1 with another number", change_c1_number, SEAL_ALL, "binding: C1 has another record number"},
    {"C1 with another job", change_c1_job, SEAL_ALL, "binding: C1 has another job id"},
    {"secrets swapped between records", swap_load_keys, SEAL_ALL, "not the one derived"},
    {"card keys swapped between records", swap_card_keys, SEAL_ALL, "for another key than the card's"},
    {"wrong record number", change_number, SEAL_ALL, "record number 9, 2 expected"},
    {"object identifier twice", repeat_object_id, SEAL_ALL, "second record"},
    {"KEK not in D7", drop_d7, SEAL_ALL, "not in JOB's D7"},
    {"KEK twice in D7", add_d7, SEAL_ALL, "D7 names a KEK twice"},
    {"KEK check value", change_d7, SEAL_ALL, "check value in D7"},
    {"unknown tag in JOB", change_job_tag, SEAL_ALL, "job record: : tag DE does not belong here"},
    {"unknown tag in E1", change_secret_tag, SEAL_ALL, "tag CB does not belong here"},
    {"unknown version", change_version, SEAL_ALL, "unknown format version"},
    {"31 February", change_time, SEAL_ALL, "D6 is not a time"},
    {"key check value", change_check_value, SEAL_ALL, "check value is not that of the key"},
    {"modulus check value", change_rsa_check_value, SEAL_ALL, "check value is not that of the modulus"},
    {"MACKEY not in CF", change_hash_list, SEAL_ALL, "MACKEY is not in END's CF"},
    {"wrong count in END", change_count, SEAL_ALL, "DC is not the number"},
    {"END in another order", swap_end_tags, SEAL_ALL, "tag DE is out of order"},
    {"static data not as signed", change_static_data, SEAL_ALL, "hash does not match"},
    {"DGI twice", change_dgi, SEAL_ALL, "DGI 0201 stands twice"},
    {"no derivation data", drop_c2, SEAL_ALL, "the entry has no C2"},
    {"derivation data zero", zero_c2, SEAL_ALL, "all zero"},
    {"no SEAL", rename_seal, SEAL_ALL, "record 3: : SEAL is missing"},
    {"a name twice", rename_secret, SEAL_ALL, "C3 names a second secret"},
    {"embossing not as sealed", change_emboss, SEAL_ENTRIES | SEAL_END,
     "record 1: SEAL: MAC does not verify"},
    {"chip data not as sealed", change_check_value, SEAL_END,
     "record 1: entry A000000003101001: MAC does not"},
    {"reserved tag loose", make_loose_reserved, SEAL_ALL, "tag D5 does not belong here"},
    {"END not signed anew", change_emboss, SEAL_RECORDS, "DD is not the hash"},
};

static void test_mutants(void)
{
    for (size_t i = 0; i < SUITE_COUNT(MUTANTS); i++) {
        struct fixture f = fixture_set_up();
        MUTANTS[i].edit(&f.image);
        expect_refused(&f, MUTANTS[i].seal, MUTANTS[i].name, MUTANTS[i].refusal);
        fixture_tear_down(&f);
    }
}

static const struct test_case CASES[] = {
    {"each rule refuses what only it can refuse", test_mutants},
};

int main(void)
{
    return suite_run("reader/mutants", CASES, SUITE_COUNT(CASES));
}
