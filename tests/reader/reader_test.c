/* The sample is right; every change of it is refused, and what can only be refused by one rule is refused
 * by that rule, with all seals around it made again. */
#include "suite.h"

#include <jansson.h>
#include <stdlib.h>

#include "image.h"

#define SAMPLE_KEYS TEST_DATA_DIR "/samples/independent-5.keys.json"

struct fixture {
    struct image image;
    struct keys *keys;
    EVP_PKEY *signer;
    struct summary summary; /* of the last check */
    char refusal[320];
};

static struct fixture set_up(void)
{
    struct fixture f = {.image = image_load(), .signer = image_signer()};
    if (!keys_load(SAMPLE_KEYS, &f.keys)) abort();
    return f;
}

static void tear_down(struct fixture *f)
{
    image_release(&f->image);
    keys_free(f->keys);
    EVP_PKEY_free(f->signer);
}

static bool check(struct fixture *f, unsigned flags)
{
    struct reader r = {.keys = f->keys, .file = span_of(f->image.bytes, f->image.len), .flags = flags};
    bool ok = reader_check(&r);
    snprintf(f->refusal, sizeof(f->refusal), "%s: %s: %s", r.refusal.record, r.refusal.part, r.refusal.text);
    f->summary = r.summary;
    reader_release(&r);
    return ok;
}

static void expect_accepted(struct fixture *f)
{
    image_seal(&f->image, f->keys, f->signer, SEAL_ALL);
    bool ok = check(f, 0);
    if (!ok) fprintf(stderr, "refused: %s\n", f->refusal);
    CU_ASSERT_TRUE(ok);
}

static void expect_refused(struct fixture *f, unsigned seal, const char *name, const char *part)
{
    image_seal(&f->image, f->keys, f->signer, seal);
    bool ok = check(f, 0);
    if (ok || !strstr(f->refusal, part)) fprintf(stderr, "%s: %s\n", name, ok ? "accepted" : f->refusal);
    CU_ASSERT_FALSE(ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(f->refusal, part));
}

static void test_sample(void)
{
    struct fixture f = set_up();
    CU_ASSERT_TRUE(check(&f, 0));
    CU_ASSERT_EQUAL(f.summary.records, 5);
    CU_ASSERT_EQUAL(f.summary.secrets, 20);
    CU_ASSERT_EQUAL(f.summary.certificates, 15);
    tear_down(&f);
}

static size_t accepted_flips(struct fixture *f, size_t from, size_t to, size_t stride, unsigned flags)
{
    size_t accepted = 0;
    for (size_t bit = 8 * from; bit < 8 * to; bit += stride) {
        f->image.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (check(f, flags)) {
            fprintf(stderr, "bit %zu of byte %zu changed: accepted\n", bit % 8, bit / 8);
            accepted++;
        }
        f->image.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return accepted;
}

static void test_bit_flips(void)
{
    struct fixture f = set_up();
    CU_ASSERT_EQUAL(accepted_flips(&f, 0, 600, 1, 0), 0);
    CU_ASSERT_EQUAL(accepted_flips(&f, 600, f.image.len, 13, 0), 0);
    tear_down(&f);
}

static void test_bit_flips_under_end(void)
{
    struct fixture f = set_up();
    size_t first_card = FIND(&f.image, "CARD   ", 0) - 7, end = FIND(&f.image, "END    ", 0) - 7;
    CU_ASSERT_EQUAL(accepted_flips(&f, first_card, end, 101, READER_UNSEALED), 0);
    tear_down(&f);
}

static void test_cut_short(void)
{
    struct fixture f = set_up();
    size_t end = FIND(&f.image, "END    ", 0) - 7;
    f.image.len = end;
    CU_ASSERT_FALSE(check(&f, 0));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.refusal, "incomplete"));
    CU_ASSERT_FALSE(check(&f, READER_INCOMPLETE));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.refusal, "the 5 card records"));
    for (size_t len = 0; len < end; len += 61) {
        f.image.len = len;
        CU_ASSERT_FALSE(check(&f, 0));
        CU_ASSERT_FALSE(check(&f, READER_INCOMPLETE));
    }
    tear_down(&f);
}

/* ---- one wrong place each ---- */
#define BYTE(image, pattern, nth, plus) (image)->bytes[FIND(image, pattern, nth) + (plus)]

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
        struct fixture f = set_up();
        MUTANTS[i].edit(&f.image);
        expect_refused(&f, MUTANTS[i].seal, MUTANTS[i].name, MUTANTS[i].refusal);
        tear_down(&f);
    }
}

/* ---- card keys wrapped again: the first card's DER has 488 bytes, the others' 487 and a zero ---- */
static void wrap_again(struct fixture *f, size_t nth, size_t drop, uint8_t change_last)
{
    static const uint8_t ID[6] = {0x47, 0x61, 0x73, 0xFF, 0x00, 0x01};
    uint8_t plain[512] = {0}, *c7 = &BYTE(&f->image, "\xC7\x82\x01\xF0", nth, 4);
    struct span kek;
    size_t len;
    int done = 0;
    if (!keys_kek(f->keys, span_of(ID, 6), &kek) || !crypto_kwp_unwrap(kek, span_of(c7, 0x1F0), plain, &len))
        abort();
    len -= drop;
    plain[len - 1] ^= change_last;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    if (EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek.at, NULL) != 1 ||
        EVP_EncryptUpdate(ctx, c7, &done, plain, (int)len) != 1 || done != 0x1F0)
        abort();
    EVP_CIPHER_CTX_free(ctx);
}

static void test_padding(void)
{
    struct fixture f = set_up();
    wrap_again(&f, 1, 1, 0);
    expect_accepted(&f);
    tear_down(&f);
    f = set_up();
    wrap_again(&f, 1, 0, 1);
    expect_refused(&f, SEAL_ALL, "padding", "padding behind the unwrapped bytes is not zero");
    tear_down(&f);
}

static void test_crt_relation(void)
{
    struct fixture f = set_up();
    wrap_again(&f, 0, 0, 2);
    expect_refused(&f, SEAL_ALL, "q inverse", "q^-1 mod p does not fit");
    tear_down(&f);
}

/* ---- what the sample does not have ---- */
static void test_set_aside(void)
{
    struct fixture f = set_up();
    for (size_t n = 5; n >= 3; n--) { /* 3, 4, 5 become 4, 5, 6 */
        BYTE(&f.image, "\xDA\x08", n - 1, 9)++;
        for (size_t entry = 0; entry < 3; entry++)
            BYTE(&f.image, "\xC1\x18", 3 * (n - 1) + entry, 25)++;
    }
    BYTE(&f.image, "\xDC\x08\0\0\0\0\0\0\0\x05", 0, 9) = 6;
    expect_refused(&f, SEAL_ALL, "a number left out", "record number 4, 3 expected");
    image_splice(&f.image, FIND(&f.image, "\xCF\x20\x28\x88", 0), 0, "\xCC\x08\0\0\0\0\0\0\0\x03", 10);
    expect_accepted(&f);
    BYTE(&f.image, "\xCC\x08\0\0\0\0\0\0\0\x03", 0, 9) = 7;
    expect_refused(&f, SEAL_ALL, "a number too much", "record number 4, 3 expected");
    tear_down(&f);
}

static void test_further_pass(void)
{
    struct fixture f = set_up();
    uint8_t d9[18] = {0xD9, 16};
    size_t job = FIND(&f.image, "\xD2\x10", 0) + 2, end = FIND(&f.image, "END    ", 0) + 16;
    memcpy(d9 + 2, f.image.bytes + job, 16);
    f.image.bytes[job] ^= 1;
    f.image.bytes[end] ^= 1;
    for (size_t n = 0; n < 5; n++)
        BYTE(&f.image, "SEAL   0000081", n, 14) ^= 1;
    expect_refused(&f, SEAL_ALL, "no D9", "CARD has another job id");
    image_splice(&f.image,
                 FIND(&f.image,
                      "\xD0\x04"
                      "CHIP",
                      0),
                 0, d9, sizeof(d9));
    expect_accepted(&f);
    tear_down(&f);
}

/* KDL and KDU of the first card for its own AES key: one CBC text. */
static void to_method_12(struct image *image, const struct fixture *f, const struct master *kmc,
                         struct span keydata)
{
    static const char *const NAMES[] = {"\xE1\x35\xC3\x03KDL", "\xE1\x35\xC3\x03KDU"};
    uint8_t kek_id[6], key[32], value[32], tail[] = "\xCC\x09KMC/3/DEK\xC7\x10................",
                                           last[16] = {0};
    struct span kek;
    size_t len;
    memcpy(kek_id, &BYTE(image, "\xD7\x0B", 0, 2), 6);
    if (!keys_kek(f->keys, span_of(kek_id, 6), &kek) || !derive_static_key(kmc, keydata, 3, key, &len))
        abort();
    for (size_t i = 0; i < 2; i++) {
        size_t e1 = image_find(image, NAMES[i], 7, 0), c7 = e1 + 0x37 - 4 - 26, plain;
        if (!crypto_kwp_unwrap(kek, span_of(image->bytes + c7 + 2, 24), value, &plain)) abort();
        for (size_t b = 0; b < 16; b++)
            last[b] ^= value[b];
        if (!crypto_aes_ecb(span_of(key, len), span_of(last, 16), tail + 13)) abort();
        memcpy(last, tail + 13, 16);
        BYTE(image, "\xC6\x01\x01", 0, 2) = 0x12;
        image_splice(image, c7, 26, tail, 13 + 16);
    }
}

static void test_second_embodiment(void)
{
    struct fixture f = set_up();
    static const uint8_t KEYDATA[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const char PATH[] = TEST_BUILD_DIR "/reader-second-embodiment.keys.json";
    json_error_t error;
    json_t *root = json_load_file(SAMPLE_KEYS, 0, &error);
    struct master kmc = {span_text("0123456789abcdef"), KMC_AES};
    json_object_set_new(
        json_object_get(root, "derive"), "KMC/3",
        json_pack("{ssss}", "master", "30313233343536373839616263646566", "method", "kmc-aes"));
    json_object_set_new(root, "keydata",
                        json_pack("{ss}", "3bba7fde0cc79d077947bf0d693e71b1-1", "00010203040506070809"));
    CU_ASSERT_EQUAL(json_dump_file(root, PATH, 0), 0);
    json_decref(root);

    to_method_12(&f.image, &f, &kmc, span_of(KEYDATA, 10));
    expect_accepted(&f);
    CU_ASSERT_EQUAL(f.summary.not_decrypted, 2);
    keys_free(f.keys);
    if (!keys_load(PATH, &f.keys)) abort();
    expect_accepted(&f);
    CU_ASSERT_EQUAL(f.summary.not_decrypted, 0);
    CU_ASSERT_EQUAL(f.summary.secrets, 20);
    BYTE(&f.image, "DEK\xC7\x10", 0, 5) ^= 1;
    expect_refused(&f, SEAL_ALL, "method 12", "check value");
    tear_down(&f);
}

static char *dump(struct fixture *f, unsigned flags)
{
    struct reader r = {.keys = f->keys, .file = span_of(f->image.bytes, f->image.len)};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    CU_ASSERT_TRUE(reader_check(&r) && reader_dump(&r, flags, out));
    fclose(out);
    reader_release(&r);
    return text;
}

static void test_mask(void)
{
    struct fixture f = set_up();
    char *first = dump(&f, DUMP_MASK | DUMP_UNWRAP), *bare = dump(&f, 0);
    for (size_t i = 0; i + 32 <= f.image.len; i++) { /* another job id, wherever it stands */
        if (memcmp(f.image.bytes + i, "\x3b\xba\x7f\xde", 4) == 0) f.image.bytes[i + 3] = 0xdf;
        if (memcmp(f.image.bytes + i, "3bba7fde0cc7", 12) == 0) f.image.bytes[i + 7] = 'f';
    }
    expect_accepted(&f);
    char *second = dump(&f, DUMP_MASK | DUMP_UNWRAP), *bare_second = dump(&f, 0);
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_STRING_NOT_EQUAL(bare, bare_second);
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "record 2/CHIP/entry A000000003101001/E1 KDL/C7 unwrapped = "));
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "E2 0301/C9/70/9F46 = *\n"));
    free(first);
    free(second);
    free(bare);
    free(bare_second);
    tear_down(&f);
}

static const struct test_case CASES[] = {
    {"the sample is accepted, all of it", test_sample},
    {"any bit changed is refused", test_bit_flips},
    {"any bit changed in a card record is refused without END's help", test_bit_flips_under_end},
    {"a file cut short is incomplete", test_cut_short},
    {"each rule refuses what only it can refuse", test_mutants},
    {"zero padding is taken, other padding is not", test_padding},
    {"a CRT part that does not fit is refused", test_crt_relation},
    {"numbers set aside are left out", test_set_aside},
    {"a further pass keeps the first one's job id", test_further_pass},
    {"method 12 decrypts as one CBC text", test_second_embodiment},
    {"the masked dump of two runs is the same", test_mask},
};

int main(void)
{
    return suite_run("reader", CASES, SUITE_COUNT(CASES));
}
