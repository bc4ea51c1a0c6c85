#include "bureau/incoming.h"

#include <stdlib.h>

#include "mic_draft.h"
#include "suite.h"

/* Ten cards, as small as they can be. What is in them is filler: END alone is to refuse them. */
enum { TEN = 10, FILE_MAX = 1 << 16 };

static struct draft_key key;
static struct bureau_kek kek = {.issuer = (char[]){"476173"}, .key = {.version = 1, .kcv_len = 5}};
static const struct bureau settings = {.keks = &kek, .kek_count = 1, .trusted_count = 1};

/* The signer is on the token; all else of a token process is not asked for. */
bool token_process_signers(struct token_process *p, struct buf *spkis, struct err *err)
{
    (void)p;
    buf_put_be(spkis, key.spki_len, 2);
    buf_put(spkis, key.spki, key.spki_len);
    return buf_ok(spkis, "signers", err);
}

static bool opens(const struct buf *file, struct err *err)
{
    struct reader *r = NULL;
    struct incoming *in = NULL;
    bool ok = reader_open_memory(&r, file->data, file->len, "ten.mic", err) &&
              incoming_open_reader(&in, &settings, NULL, r, err);
    incoming_free(in);
    return ok;
}

static void write_ten(struct buf *file)
{
    struct draft *d = calloc(1, sizeof(*d));
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    buf_init(file, FILE_MAX);
    draft_init(d, TEN);
    for (size_t i = 0; i < TEN; i++) {
        snprintf(d->cards[i].card.object_id, sizeof(d->cards[i].card.object_id), "%zu", i);
        d->cards[i].groups = i % 5 ? "CES" : "CKS";
    }
    draft_write(file, d, &key);
    free(d);
}

static void test_every_bit(void)
{
    struct buf file;
    struct err err = ERR_INIT;
    size_t accepted = 0, nameless = 0;
    write_ten(&file);
    EXPECT_OK(opens(&file, &err));
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        accepted += opens(&file, &err);
        nameless += strstr(err.text, "ten.mic") == NULL;
        nameless += err.kind != ERR_INPUT && err.kind != ERR_INTEGRITY;
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(accepted, 0);
    CU_ASSERT_EQUAL(nameless, 0);
    EXPECT_OK(opens(&file, &err));
    buf_release(&file);
}

static void test_cut(void)
{
    struct buf file;
    struct err err = ERR_INIT;
    write_ten(&file);
    for (const size_t whole = file.len; file.len-- > 0;) {
        CU_ASSERT_FALSE(opens(&file, &err));
        CU_ASSERT_TRUE(file.len < whole);
    }
    buf_release(&file);
}

static void test_keks(void)
{
    struct buf file;
    struct err err = ERR_INIT;
    write_ten(&file);
    kek.key.kcv[4] = 1;
    EXPECT_FAIL(
        opens(&file, &err), ERR_INTEGRITY,
        "ten.mic: job record at offset 0: group JOB: KEK 476173FF0001 has check value 0000000000 in D7");
    kek.key.kcv[4] = 0;
    kek.key.version = 2;
    EXPECT_FAIL(opens(&file, &err), ERR_INPUT, "KEK 476173FF0001 (D7, check value 0000000000) is not among");
    kek.key.version = 1;
    EXPECT_OK(opens(&file, &err));
    buf_release(&file);
}

static void test_other_signer(void)
{
    struct draft_key other;
    struct buf file;
    struct err err = ERR_INIT;
    struct draft *d = calloc(1, sizeof(*d));
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    buf_init(&file, FILE_MAX);
    CU_ASSERT_TRUE_FATAL(draft_key_make(&other, SIGNATURE_ECDSA_P256_SHA256));
    draft_init(d, 2);
    draft_write(&file, d, &other);
    EXPECT_FAIL(opens(&file, &err), ERR_INTEGRITY, "none of the 1 trusted ones");
    draft_key_release(&other);
    buf_release(&file);
    free(d);
}

/* A record that changes between the two readings is noticed when it is used. */
static void test_changed_in_use(void)
{
    struct buf file;
    struct err err = ERR_INIT;
    struct reader *r = NULL;
    struct incoming *in = NULL;
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    bool end = false;
    CU_ASSERT_PTR_NOT_NULL_FATAL(record);
    write_ten(&file);
    EXPECT_OK(reader_open_memory(&r, file.data, file.len, "ten.mic", &err));
    EXPECT_OK(incoming_open_reader(&in, &settings, NULL, r, &err));
    CU_ASSERT_EQUAL(incoming_summary(in)->count, TEN);
    EXPECT_OK(incoming_next(in, record, &card, &end, &err));
    file.data[record->offset + record->len + 40] ^= 1;
    EXPECT_FAIL(incoming_next(in, record, &card, &end, &err), ERR_INTEGRITY, "record 2 was changed");
    file.data[record->offset + record->len + 40] ^= 1;
    EXPECT_OK(incoming_rewind(in, &err));
    for (size_t i = 0; i < TEN; i++)
        EXPECT_OK(incoming_next(in, record, &card, &end, &err));
    EXPECT_OK(incoming_next(in, record, &card, &end, &err));
    CU_ASSERT_TRUE(end);
    incoming_free(in);
    buf_release(&file);
    free(record);
}

static const struct test_case cases[] = {
    {"every bit of a file of ten records", test_every_bit},
    {"cut at every byte", test_cut},
    {"a KEK that is not held, or another", test_keks},
    {"another signer", test_other_signer},
    {"a record changed between verifying and use", test_changed_in_use},
};

int main(void)
{
    if (!draft_key_make(&key, SIGNATURE_RSA_SHA256)) return 1;
    int status = suite_run("bureau/incoming", cases, SUITE_COUNT(cases));
    draft_key_release(&key);
    return status;
}
