/* The output file: what a reader of the format accepts, and nothing it would refuse. */
#include "prep/write.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "mic_draft.h"
#include "suite.h"

static struct draft_key key;
static char folder[] = "/tmp/cardprep-write-XXXXXX";
static char path[64], partial[80];

static bool sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    const struct draft_key *k = context;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    uint8_t out[512];
    size_t out_len = sizeof(out);
    bool ok = c && EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->key) == 1 &&
              EVP_DigestSign(c, out, &out_len, data, len) == 1;
    EVP_MD_CTX_free(c);
    if (ok) buf_put(signature, out, out_len);
    return ok || err_set(err, ERR_TOKEN, "no signature");
}

static bool no_sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    (void)context;
    (void)data;
    (void)len;
    (void)signature;
    return err_set(err, ERR_TOKEN, "C_Sign: CKR_DEVICE_ERROR");
}

static struct record_signer signer(void)
{
    struct record_signer s = {.sign = sign, .context = &key, .algorithm = SIGNATURE_RSA_SHA256};
    if (EVP_Digest(key.spki, key.spki_len, s.id, NULL, EVP_sha256(), NULL) != 1) abort();
    return s;
}

static bool append(struct record_writer *w, const struct draft *d, size_t card, struct err *err)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    draft_put_card(&b, &d->cards[card], d->job.chip_mic);
    bool ok = record_writer_append(w, b.data, b.len, err);
    buf_release(&b);
    return ok;
}

static bool read_back(struct mic_file **f, struct err *err)
{
    struct reader *r = NULL;
    const struct public_key trusted = draft_signer(&key);
    return reader_open(&r, path, err) && mic_file_open(f, r, &trusted, 1, 0, err);
}

static void test_whole(void)
{
    struct err err = ERR_INIT;
    struct draft d;
    struct record_writer *w = NULL;
    struct mic_file *f = NULL;
    const struct record_signer s = signer();

    draft_init(&d, 4);
    d.cards[3].seal_mackey = d.cards[3].entry_mackey = 0x11; /* another worker's */
    EXPECT_OK(record_writer_create(&w, path, &d.job, &err));
    EXPECT_OK(append(w, &d, 0, &err));
    EXPECT_OK(append(w, &d, 1, &err));
    EXPECT_OK(record_writer_set_aside(w, 3, &err));
    EXPECT_OK(append(w, &d, 3, &err));
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    EXPECT_OK(record_writer_finish(w, &s, &err));
    record_writer_free(w, false);
    EXPECT_OK(read_back(&f, &err));
    if (f) {
        const struct mic_file_summary *summary = mic_file_summary(f);
        CU_ASSERT_EQUAL(summary->count, 3);
        CU_ASSERT_EQUAL(summary->set_aside_count, 1);
        CU_ASSERT_EQUAL(summary->set_aside[0], 3);
        CU_ASSERT_EQUAL(summary->mackey_hash_count, 2);
        CU_ASSERT_TRUE(summary->signature_verified);
    }
    mic_file_free(f);
    unlink(path);
}

static void test_no_cards(void)
{
    struct err err = ERR_INIT;
    struct draft d;
    struct record_writer *w = NULL;
    struct mic_file *f = NULL;
    const struct record_signer s = signer();

    draft_init(&d, 0);
    EXPECT_OK(record_writer_create(&w, path, &d.job, &err));
    EXPECT_OK(record_writer_finish(w, &s, &err));
    record_writer_free(w, false);
    EXPECT_OK(read_back(&f, &err));
    mic_file_free(f);
    unlink(path);
}

static void test_order(void)
{
    struct err err = ERR_INIT;
    struct draft d;
    struct record_writer *w = NULL;

    draft_init(&d, 3);
    EXPECT_OK(record_writer_create(&w, path, &d.job, &err));
    EXPECT_FAIL(append(w, &d, 1, &err), ERR_INTERNAL, "record 2 comes when 1 is due");
    EXPECT_FAIL(record_writer_set_aside(w, 2, &err), ERR_INTERNAL, "when 1 is due");
    EXPECT_OK(append(w, &d, 0, &err));
    EXPECT_FAIL(append(w, &d, 0, &err), ERR_INTERNAL, "record 1 comes when 2 is due");
    CU_ASSERT_EQUAL(record_writer_count(w), 1);
    record_writer_free(w, true);
    CU_ASSERT_EQUAL(access(partial, F_OK), 0);
    unlink(partial);
}

/* What a reader would refuse is refused before it stands in the file. */
static void test_wrong_records(void)
{
    struct err err = ERR_INIT;
    struct draft d, other;
    struct record_writer *w = NULL;

    draft_init(&d, 1);
    EXPECT_OK(record_writer_create(&w, path, &d.job, &err));
    other = d;
    other.cards[0].bound_to.number = 9;
    CU_ASSERT_FALSE(append(w, &other, 0, &err));
    other = d;
    other.cards[0].seal_kekid[0] ^= 1;
    CU_ASSERT_FALSE(append(w, &other, 0, &err));
    other = d;
    other.cards[0].seal_job[0] ^= 1;
    CU_ASSERT_FALSE(append(w, &other, 0, &err));
    other = d;
    other.cards[0].groups = "CK";
    CU_ASSERT_FALSE(append(w, &other, 0, &err));
    CU_ASSERT_FALSE(record_writer_append(w, (const uint8_t *)"0000010", 7, &err));
    CU_ASSERT_EQUAL(record_writer_count(w), 0);
    EXPECT_OK(append(w, &d, 0, &err));
    record_writer_free(w, false);
    CU_ASSERT_NOT_EQUAL(access(partial, F_OK), 0);
}

/* The records that needed it were refused after JOB had been written. */
static void test_unused_kek(void)
{
    struct err err = ERR_INIT;
    struct draft d;
    struct record_writer *w = NULL;
    const struct record_signer s = signer();

    draft_init(&d, 2);
    d.job.keks[1] = d.job.keks[0];
    d.job.keks[1].kekid[5]++;
    d.job.kek_count = 2;
    EXPECT_OK(record_writer_create(&w, path, &d.job, &err));
    EXPECT_OK(append(w, &d, 0, &err));
    EXPECT_OK(record_writer_set_aside(w, 2, &err));
    EXPECT_FAIL(record_writer_finish(w, &s, &err), ERR_INPUT, "KEK 476173FF0002");
    record_writer_free(w, false);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

static void test_no_signature(void)
{
    struct err err = ERR_INIT;
    struct draft d;
    struct record_writer *w = NULL;
    struct record_signer s = signer();

    s.sign = no_sign;
    draft_init(&d, 1);
    EXPECT_OK(record_writer_create(&w, path, &d.job, &err));
    EXPECT_OK(append(w, &d, 0, &err));
    EXPECT_FAIL(record_writer_finish(w, &s, &err), ERR_TOKEN, "CKR_DEVICE_ERROR");
    record_writer_free(w, false);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(partial, F_OK), 0);
}

static const struct test_case cases[] = {
    {"a whole file: counts, numbers set aside, MAC keys, signature", test_whole},
    {"no cards", test_no_cards},
    {"a record that is not due is refused, and costs nothing", test_order},
    {"a record that a reader would refuse", test_wrong_records},
    {"a KEK that no record needs in the end", test_unused_kek},
    {"without a signature there is no output", test_no_signature},
};

int main(void)
{
    if (!mkdtemp(folder) || !draft_key_make(&key, SIGNATURE_RSA_SHA256)) return 1;
    snprintf(path, sizeof(path), "%s/out.mic", folder);
    snprintf(partial, sizeof(partial), "%s.partial", path);
    int status = suite_run("prep/write", cases, SUITE_COUNT(cases));
    draft_key_release(&key);
    rmdir(folder);
    return status;
}
