#include "mutants.h"

#include <string.h>

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

/* ---- JOB ---- */

static void drop_program(struct image *i)
{
    image_splice(i, FIND(i, "\xD8\x08oracle", 0), 10, NULL, 0);
}
static void repeat_program(struct image *i)
{
    image_splice(i, FIND(i, "\xD8\x08oracle", 0), 0, "\xD8\x01x", 3);
}
static void lengthen_length(struct image *i)
{
    image_splice(i, FIND(i, "\xD8\x08oracle", 0) + 1, 0, "\x81", 1);
}
static void reserve_chip_mic(struct image *i)
{
    memcpy(&BYTE(i,
                 "\xD0\x04"
                 "CHIP",
                 0, 2),
           "CARD", 4);
}
static void other_first_record(struct image *i)
{
    BYTE(i, "\xD5\x08", 0, 9) = 2;
}
static void other_planned(struct image *i)
{
    BYTE(i, "\xDC\x08", 0, 9) = 6;
}
static void other_shard(struct image *i)
{
    BYTE(i, "\xCE\x04", 0, 3) = 2;
}
static void add_pass(struct image *i, uint8_t change, int times)
{
    uint8_t d9[18] = {0xD9, 0x10};
    memcpy(d9 + 2, i->bytes + FIND(i, "\xD2\x10", 0) + 2, 16);
    d9[17] ^= change;
    while (times--)
        image_splice(i,
                     FIND(i,
                          "\xD0\x04"
                          "CHIP",
                          0),
                     0, d9, sizeof(d9));
}
static void add_own_pass(struct image *i)
{
    add_pass(i, 0, 1);
}
static void add_pass_twice(struct image *i)
{
    add_pass(i, 1, 2);
}
static void add_other_pass(struct image *i)
{
    add_pass(i, 1, 1);
}

/* ---- CARD and SEAL ---- */

static void other_card_job(struct image *i)
{
    BYTE(i, "CARD   ", 1, 14 + 2) ^= 1;
}
static void bad_object_id(struct image *i)
{
    BYTE(i, "-2EMBOSS", 0, 0) = '/';
}
static void repeat_number(struct image *i)
{
    image_splice(i, FIND(i, "\xDA\x08", 1), 0, "\xDA\x08\0\0\0\0\0\0\0\x02", 10);
}
static void other_seal_job(struct image *i)
{
    BYTE(i, "SEAL   ", 1, 14) ^= 1;
}
static void other_seal_kek(struct image *i)
{
    BYTE(i, "SEAL   ", 1, 14 + 16 + 5) = 2;
}
static void longer_seal_mackey(struct image *i)
{
    BYTE(i, "SEAL   ", 1, 14 + 16 + 6 + 1) = 41;
}
static void move_seal(struct image *i)
{
    size_t emboss = FIND(i, "EMBOSS", 1);
    memcpy(i->bytes + emboss, "END   ", 6);
}

/* ---- END ---- */

#define END_AT(i, plus) FIND(i, "END    ", 0) + 14 + (plus)
static void other_end_job(struct image *i)
{
    i->bytes[END_AT(i, 2)] ^= 1;
}
static void set_aside_unplanned(struct image *i)
{
    image_splice(i, END_AT(i, 28), 0, "\xCC\x08\0\0\0\0\0\0\0\x06", 10);
}
static void set_aside_present(struct image *i)
{
    image_splice(i, END_AT(i, 28), 0, "\xCC\x08\0\0\0\0\0\0\0\x03", 10);
}
static void list_one_more(struct image *i)
{
    const uint8_t low[32] = {1};
    image_splice(i, FIND(i, "\xCF\x20\x28\x88", 0) + 2, 0, low, sizeof(low));
}
static void list_twice(struct image *i)
{
    uint8_t copy[32];
    size_t at = FIND(i, "\xCF\x20\x28\x88", 0) + 2;
    memcpy(copy, i->bytes + at, sizeof(copy));
    image_splice(i, at, 0, copy, sizeof(copy));
}
static void other_signer(struct image *i)
{
    BYTE(i, "\xDE\x20", 0, 9) ^= 1;
}
static void other_algorithm(struct image *i)
{
    BYTE(i, "\xCA\x01\x01\xCB", 0, 2) = 2;
}
static void unknown_algorithm(struct image *i)
{
    BYTE(i, "\xCA\x01\x01\xCB", 0, 2) = 3;
}
static void change_signature(struct image *i)
{
    i->bytes[i->len - 1] ^= 1;
}
static void append_byte(struct image *i)
{
    i->bytes[i->len++] = '0';
}
static void drop_end(struct image *i)
{
    i->len = FIND(i, "END    ", 0) - 7;
}
static void cut_record(struct image *i)
{
    i->len = FIND(i, "SEAL   ", 4);
}

/* ---- entries ---- */

static const char purse_aid[] = "\x08\xA0\0\0\0\x03\x10\x10\x01";
#define PURSE(i) image_find(i, purse_aid, 9, 0)
static void repeat_entry(struct image *i)
{
    uint8_t copy[259];
    size_t at = PURSE(i);
    memcpy(copy, i->bytes + at, sizeof(copy));
    image_splice(i, at, 0, copy, sizeof(copy));
}
static void zero_kekid(struct image *i)
{
    memset(i->bytes + PURSE(i) + 13, 0, 6);
}
static void unlisted_kekid(struct image *i)
{
    i->bytes[PURSE(i) + 18] = 2;
}
static void shorter_data(struct image *i)
{
    i->bytes[PURSE(i) + 22]--;
}
static void shorter_mac(struct image *i)
{
    i->bytes[PURSE(i) + 9 + 4 + 0xF6 - 17] = 15;
}
static void drop_c1(struct image *i)
{
    image_splice(i, FIND(i, "\xC1\x18", 0), 26, NULL, 0);
}
static void c1_behind_c2(struct image *i)
{
    uint8_t c2[10];
    size_t at = FIND(i, "\xC1\x18", 0);
    memcpy(c2, i->bytes + at + 26, 10);
    memmove(i->bytes + at + 10, i->bytes + at, 26);
    memcpy(i->bytes + at, c2, 10);
}
static void repeat_c2(struct image *i)
{
    uint8_t c2[10];
    size_t at = FIND(i, "\xC2\x08\x60", 0);
    memcpy(c2, i->bytes + at, 10);
    image_splice(i, at, 0, c2, 10);
}
static void loose_before_grouping(struct image *i)
{
    image_splice(i, FIND(i, "\xE2\x1D\xC8\x02", 0), 0, "\xDF\x55\x01\0", 4);
}
static void clear_and_secret(struct image *i)
{
    memcpy(&BYTE(i, "\xE2\x1D\xC8\x02", 0, 4), "\x80\0", 2);
}
static void part_secrets(struct image *i)
{
    uint8_t grouping[31];
    size_t at = FIND(i, "\xE2\x1D\xC8\x02", 0);
    memcpy(grouping, i->bytes + at, 31);
    memmove(i->bytes + at, i->bytes + at + 31, 55);
    memcpy(i->bytes + at + 55, grouping, 31);
}
static void other_mackey(struct image *i)
{
    i->bytes[PURSE(i) + 9 + 4 + 0xF6 - 17 - 1] ^= 1;
}
/* In all places, and listed: what is left to refuse it is that it does not unwrap. */
static void broken_mackey(struct image *i)
{
    uint8_t mackey[40], hash[32];
    size_t first = PURSE(i) + 9 + 4 + 0xF6 - 17 - 40;
    memcpy(mackey, i->bytes + first, sizeof(mackey));
    for (size_t at = 0; at + sizeof(mackey) <= i->len; at++) {
        if (memcmp(i->bytes + at, mackey, sizeof(mackey)) == 0) i->bytes[at + 39] ^= 1;
    }
    if (crypto_sha256(span_of(i->bytes + first, sizeof(mackey)), hash))
        memcpy(&BYTE(i, "\xCF\x20\x28\x88", 0, 2), hash, sizeof(hash));
}

/* ---- secrets; offsets within the first KDL's E1 ---- */

#define KDL(i) FIND(i, "\xE1\x35\xC3\x03KDL", 0)
enum { KIND_AT = 7, KCV_AT = 10, METHOD_AT = 15, MASTER_AT = 18, CIPHERTEXT_AT = 25, DGI_AT = 51 };
static void unknown_kind(struct image *i)
{
    i->bytes[KDL(i) + KIND_AT + 2] = 8;
}
static void other_kind(struct image *i)
{
    i->bytes[KDL(i) + KIND_AT + 2] = 7;
}
static void unknown_method(struct image *i)
{
    i->bytes[KDL(i) + METHOD_AT + 2] = 2;
}
static void other_method(struct image *i)
{
    i->bytes[KDL(i) + METHOD_AT + 2] = 0x11;
}
static void drop_master(struct image *i)
{
    image_splice(i, KDL(i) + MASTER_AT, 7, NULL, 0);
}
static void bad_master(struct image *i)
{
    i->bytes[KDL(i) + MASTER_AT + 5] = '-';
}
static void longer_kcv(struct image *i)
{
    size_t at = KDL(i) + KCV_AT;
    image_splice(i, at + 5, 0, "\0\0", 2);
    i->bytes[at + 1] = 5;
}
static void drop_kcv(struct image *i)
{
    image_splice(i, KDL(i) + KCV_AT, 5, NULL, 0);
}
static void drop_ciphertext(struct image *i)
{
    image_splice(i, KDL(i) + CIPHERTEXT_AT, 26, NULL, 0);
}
static void shorter_ciphertext(struct image *i)
{
    size_t at = KDL(i) + CIPHERTEXT_AT;
    image_splice(i, at + 2, 8, NULL, 0);
    i->bytes[at + 1] = 16;
}
static void add_card_key(struct image *i)
{
    image_splice(i, KDL(i) + CIPHERTEXT_AT, 0, "\xCC\x09KMC/1/DEK", 11);
}
static void add_true_length(struct image *i)
{
    image_splice(i, KDL(i) + CIPHERTEXT_AT, 0, "\xCE\x02\0\x10", 4);
}
static void change_ciphertext(struct image *i)
{
    i->bytes[KDL(i) + CIPHERTEXT_AT + 9] ^= 1;
}
static void swap_ciphertexts(struct image *i)
{
    image_swap(i, KDL(i) + CIPHERTEXT_AT, KDL(i) + 55 + CIPHERTEXT_AT, 26);
}
static void other_rsa_dgi(struct image *i)
{
    BYTE(i, "\xC8\x02\x82\x01", 0, 3) = 2;
}
static void change_rsa_ciphertext(struct image *i)
{
    BYTE(i, "\xC7\x82\x01\xF0", 0, 100) ^= 1;
}

/* ---- certificates ---- */

static void change_issuer_certificate(struct image *i)
{
    BYTE(i, "\x90\x81\xB0", 0, 20) ^= 1;
}
static void change_remainder(struct image *i)
{
    BYTE(i, "\x92\x04\x85\x02", 0, 5) ^= 1;
}
static void change_signed_data(struct image *i)
{
    BYTE(i, "\x93\x81\x90", 0, 20) ^= 1;
}
static void change_card_certificate(struct image *i)
{
    BYTE(i, "\x9F\x46\x81\x90", 0, 20) ^= 1;
}
static void other_ca_index(struct image *i)
{
    BYTE(i, "\x8F\x01\x92", 0, 2) = 0x93;
}

const struct mutant mutants[] = {
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
    {"JOB lacks a tag", drop_program, SEAL_ALL, "job record: : tag D8 is missing"},
    {"JOB has a tag twice", repeat_program, SEAL_ALL, "job record: : tag D8 stands twice"},
    {"a length not in its shortest form", lengthen_length, SEAL_ALL,
     "job record: : a length that is not in its shortest form"},
    {"chip group with a reserved name", reserve_chip_mic, SEAL_ALL,
     "job record: : D0 is not a MIC for the chip"},
    {"first shard does not begin with record 1", other_first_record, SEAL_ALL,
     "job record: : D5 is not the first number"},
    {"more records planned than there are", other_planned, SEAL_ALL,
     "end record: : record numbers do not end with JOB's DC"},
    {"shard 2 of 1", other_shard, SEAL_ALL, "job record: : CE is not a shard of its number"},
    {"the job among its earlier passes", add_own_pass, SEAL_ALL, "job record: : D9 repeats a job id"},
    {"an earlier pass twice", add_pass_twice, SEAL_ALL, "job record: : D9 repeats a job id"},
    {"CARD of none of the earlier passes", add_other_pass, SEAL_ALL, "record 1: : CARD has another job id"},
    {"CARD of another job", other_card_job, SEAL_ALL, "record 2: : CARD has another job id"},
    {"object identifier with a slash", bad_object_id, SEAL_ALL, "record 2: : not a card object identifier"},
    {"CARD has a tag twice", repeat_number, SEAL_ALL, "card record 2: : tag DA stands twice"},
    {"SEAL of another job", other_seal_job, SEAL_ALL, "record 2: SEAL: another job id than JOB"},
    {"SEAL under a KEK not in D7", other_seal_kek, SEAL_END, "record 2: SEAL: a second KEK for SEAL"},
    {"SEAL with a wrong length", longer_seal_mackey, SEAL_END, "record 2: SEAL: MKLEN or MLEN is wrong"},
    {"END inside a record", move_seal, SEAL_ALL,
     "record 2: : a group that does not belong into a card record"},
    {"END of another job", other_end_job, SEAL_ALL, "end record: : END has another job id than JOB"},
    {"a number set aside that was not planned", set_aside_unplanned, SEAL_ALL,
     "end record: : record numbers do not end with JOB's DC"},
    {"a number set aside that is there", set_aside_present, SEAL_ALL,
     "record 3: : record number 3, 4 expected"},
    {"CF lists one more", list_one_more, SEAL_ALL,
     "end record: : CF lists a MACKEY that the file does not hold"},
    {"CF lists one twice", list_twice, SEAL_ALL, "end record: : CF does not rise"},
    {"unknown signer", other_signer, SEAL_ALL, "end record: : signed by another key"},
    {"signature by another algorithm", other_algorithm, SEAL_ALL, "end record: : signature does not verify"},
    {"unknown signature algorithm", unknown_algorithm, SEAL_ALL, "end record: : unknown signature algorithm"},
    {"another signature", change_signature, SEAL_BEFORE, "end record: : signature does not verify"},
    {"data behind the end record", append_byte, SEAL_BEFORE,
     "record at place 7: : data after the end record"},
    {"no end record", drop_end, SEAL_BEFORE, "end record: : incomplete: no end record"},
    {"cut inside a record", cut_record, SEAL_BEFORE,
     "record at place 5: : incomplete: RLEN is 1978, and 1883 bytes are left"},
    {"an AID twice", repeat_entry, SEAL_ALL, "record 1: entry: AID stands twice"},
    {"sealed without a KEK identifier", zero_kekid, SEAL_END,
     "record 1: entry A000000003101001: KEKID is zero, but there is a MACKEY or a MAC"},
    {"entry under a KEK not in D7", unlisted_kekid, SEAL_END,
     "record 1: entry A000000003101001: KEK is not in JOB's D7"},
    {"DLEN too small", shorter_data, SEAL_END, "record 1: entry: ELEN does not end with the MAC"},
    {"MLEN too small", shorter_mac, SEAL_END, "record 1: entry: ELEN does not end with the MAC"},
    {"no binding", drop_c1, SEAL_ALL, "record 1: entry A000000003101001: C1 is missing"},
    {"binding behind derivation data", c1_behind_c2, SEAL_ALL,
     "record 1: entry A000000003101001: C1 is missing"},
    {"derivation data twice", repeat_c2, SEAL_ALL,
     "record 1: entry A000000003101001: tag C2 is out of order"},
    {"loose element before a grouping", loose_before_grouping, SEAL_ALL,
     "record 1: entry A000000003101001: tag E2 is out of order"},
    {"a DGI clear and secret", clear_and_secret, SEAL_ALL,
     "record 1: entry A000000003101001: DGI 8000 stands in two places"},
    {"secrets of a DGI parted", part_secrets, SEAL_ALL,
     "record 1: entry A000000003101001: DGI 8000 stands in two places"},
    {"another MACKEY", other_mackey, SEAL_END, "record 1: entry A000000003101001: MACKEY is not in END's CF"},
    {"a MACKEY that does not unwrap", broken_mackey, SEAL_END,
     "record 1: entry A000000003101001: MACKEY does not unwrap to a key of 32 bytes"},
    {"unknown kind of secret", unknown_kind, SEAL_ALL, "record 1: entry A000000003101001: unknown kind 08"},
    {"a key as opaque bytes", other_kind, SEAL_ALL,
     "record 1: entry A000000003101001: C5 is not what its kind asks for"},
    {"unknown method", unknown_method, SEAL_ALL, "record 1: entry A000000003101001: unknown method 02"},
    {"second embodiment without the card's key", other_method, SEAL_ALL,
     "record 1: entry A000000003101001: tag CC belongs to methods 11 and 12"},
    {"secret without master", drop_master, SEAL_ALL,
     "record 1: entry A000000003101001: tag CD belongs to kinds 01 to 05"},
    {"master without version", bad_master, SEAL_ALL,
     "record 1: entry A000000003101001: CD is not name/version"},
    {"check value too long", longer_kcv, SEAL_ALL,
     "record 1: entry A000000003101001: C5 is not what its kind asks for"},
    {"no check value", drop_kcv, SEAL_ALL,
     "record 1: entry A000000003101001: C5 is not what its kind asks for"},
    {"no ciphertext", drop_ciphertext, SEAL_ALL, "record 1: entry A000000003101001: tag C7 is missing"},
    {"ciphertext too short", shorter_ciphertext, SEAL_ALL,
     "record 1: entry A000000003101001: C7 is not as long as a wrapped key of this kind"},
    {"card's own key where the KEK wraps", add_card_key, SEAL_ALL,
     "record 1: entry A000000003101001: tag CC belongs to methods 11 and 12"},
    {"true length of a key", add_true_length, SEAL_ALL,
     "record 1: entry A000000003101001: tag CE belongs to kind 07"},
    {"a ciphertext that does not unwrap", change_ciphertext, SEAL_ALL,
     "record 1: entry A000000003101001: C7 does not unwrap under the KEK"},
    {"ciphertexts swapped in an entry", swap_ciphertexts, SEAL_ALL,
     "record 1: entry A000000003101001: check value is not that of the key"},
    {"key pair for another DGI", other_rsa_dgi, SEAL_ALL,
     "record 1: entry A0000000031010: kind 06 has DGI 8201"},
    {"a key pair that does not unwrap", change_rsa_ciphertext, SEAL_ALL,
     "record 1: entry A0000000031010: C7 does not unwrap under the KEK"},
    {"issuer certificate changed", change_issuer_certificate, SEAL_ALL,
     "record 1: entry A0000000031010: issuer certificate does not recover under its signer's key"},
    {"issuer key remainder changed", change_remainder, SEAL_ALL,
     "record 1: entry A0000000031010: issuer certificate: hash does not match"},
    {"signed static data changed", change_signed_data, SEAL_ALL,
     "record 1: entry A0000000031010: signed static data (93) does not recover under its signer's key"},
    {"card certificate changed", change_card_certificate, SEAL_ALL,
     "record 1: entry A0000000031010: card certificate does not recover under its signer's key"},
    {"another CA key", other_ca_index, SEAL_ALL,
     "record 1: entry A0000000031010: CA key of this RID and index is not held"},
};
const size_t mutant_count = sizeof(mutants) / sizeof(mutants[0]);
