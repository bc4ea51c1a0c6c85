#include "formats/remake_list.h"

#include <stdlib.h>

#include "formats/signers.h"
#include "lines_draft.h"
#include "suite.h"

enum { FILE_MAX = 1 << 16 };

static struct err err;
static struct draft_key key, other_key;
static struct buf file;

static const struct remake_entry entries[] = {
    {2, {0xA0, 0x02}, 2, "power-loss"},
    {6, {0}, 0, "lost"},
    {900, {0xFF}, 1, "lost"},
};
static const struct remake_draft draft = {
    {"remake of a job", "demo", 7, "2026-11-26T10:00:00Z"}, entries, sizeof(entries) / sizeof(entries[0])};

static bool put(const struct remake_draft *d, struct buf *b)
{
    const struct signed_lines_signer signer = lines_signer(&key);
    return remake_list_put(d, lines_sink(b), &signer, &err);
}

static bool opens_with(const void *data, size_t len, const struct draft_key *with, struct remake_list **out)
{
    const struct public_key signer = draft_signer(with);
    struct reader *r = NULL;
    return reader_open_memory(&r, data, len, "a.remake", &err) && remake_list_open(out, r, &signer, 1, &err);
}

static bool opens(const void *data, size_t len)
{
    struct remake_list *l = NULL;
    bool ok = opens_with(data, len, &key, &l);
    remake_list_free(ok ? l : NULL);
    return ok;
}

static void test_round_trip(void)
{
    struct remake_list *l = NULL;
    uint8_t id[SHA256_LEN];
    CU_ASSERT_TRUE_FATAL(opens_with(file.data, file.len, &key, &l));
    const struct remake_head *h = remake_list_head(l);
    CU_ASSERT_TRUE(bytes_equal(h->job_id, JOB_ID_LEN, draft.head.job_id, JOB_ID_LEN));
    CU_ASSERT_STRING_EQUAL(h->job_name, "demo");
    CU_ASSERT_STRING_EQUAL(h->created, draft.head.created);
    CU_ASSERT_EQUAL(h->serial, 7);
    EXPECT_OK(sha256(key.spki, key.spki_len, id, &err));
    CU_ASSERT_TRUE(bytes_equal(id, SHA256_LEN, remake_list_signer(l), SHA256_LEN));
    CU_ASSERT_EQUAL_FATAL(remake_list_count(l), draft.count);
    for (size_t i = 0; i < draft.count; i++) {
        const struct remake_entry *e = remake_list_at(l, i);
        CU_ASSERT_EQUAL(e->record, entries[i].record);
        CU_ASSERT_TRUE(bytes_equal(e->serial, e->serial_len, entries[i].serial, entries[i].serial_len));
        CU_ASSERT_STRING_EQUAL(e->reason, entries[i].reason);
    }
    remake_list_free(l);
}

static void test_what_it_allows(void)
{
    struct remake_list *l = NULL;
    const struct remake_entry *e = NULL;
    const uint8_t *job = draft.head.job_id, other_job[JOB_ID_LEN] = {1};
    static const uint8_t a[] = {0xA0, 0x02}, b[] = {0xA0, 0x03};
    CU_ASSERT_TRUE_FATAL(opens_with(file.data, file.len, &key, &l));
    EXPECT_OK(remake_list_allows(l, &(struct remake_card){job, 2, a, 2}, &e, &err));
    CU_ASSERT_EQUAL(e->record, 2);
    EXPECT_OK(remake_list_allows(l, &(struct remake_card){job, 6, a, 2}, &e, &err));
    EXPECT_OK(remake_list_allows(l, &(struct remake_card){job, 6, NULL, 0}, &e, &err));
    CU_ASSERT_STRING_EQUAL(e->reason, "lost");
    EXPECT_FAIL(remake_list_allows(l, &(struct remake_card){job, 2, b, 2}, &e, &err), ERR_INPUT,
                "record 2 is to replace another card");
    EXPECT_FAIL(remake_list_allows(l, &(struct remake_card){job, 2, NULL, 0}, &e, &err), ERR_INPUT,
                "record 2 is to replace another card");
    EXPECT_FAIL(remake_list_allows(l, &(struct remake_card){job, 3, a, 2}, &e, &err), ERR_INPUT,
                "remake list 7 does not have record 3");
    EXPECT_FAIL(remake_list_allows(l, &(struct remake_card){other_job, 2, a, 2}, &e, &err), ERR_INPUT,
                "of another job");
    CU_ASSERT_EQUAL(e->record, 6);
    remake_list_free(l);
}

static void test_every_cut_and_bit(void)
{
    for (size_t len = 0; len < file.len; len++)
        EXPECT_FAIL(opens(file.data, len), err.kind, "a.remake: line ");
    for (size_t i = 0; i < 8 * file.len; i++) {
        file.data[i / 8] ^= (uint8_t)(1 << i % 8);
        if (opens(file.data, file.len)) CU_FAIL("a changed bit is accepted");
        file.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    CU_ASSERT_TRUE(opens(file.data, file.len));
}

static void test_what_is_refused(void)
{
    static const char *const rows[][3] = {
        {"remake 1", "remake 2", "line 1: is not 'cardprep remake 1'"},
        {"job: 72", "job: ", "line 2: job: is not 32 hex digits"},
        {"name: demo", "name: dem\x7F", "line 3: name: character 4"},
        {"serial: 7", "serial: 0", "line 4: serial: is no number from 1"},
        {"serial: 7", "serial: 9223372036854775808", "line 4: serial: is more than"},
        {"created: 2026", "created: 26", "line 5: created: is no time"},
        {"2 A002", "2 a002", "line 6: serial: character 1"},
        {"2 A002", "7 A002", "line 7: record 6 stands behind record 7"},
        {"6 -", "2 -", "line 7: record 2 stands behind record 2"},
        {"6 - lost", "6 -", "line 7: has 2 fields instead of 3"},
        {"6 - lost", "6 - -", "line 7: reason: is missing"},
        {"6 - lost", "6 - lo_st", "line 7: reason: character 3"},
        {"lines: 3", "lines: 2", "line 9: lines: 2 are announced"},
        {"2 A002 power-loss\n6 - lost\n900 FF lost\nlines: 3", "lines: 0", "the list has no records"},
    };
    struct buf b;
    buf_init(&b, FILE_MAX);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lines_edit(&file, rows[i][0], rows[i][1], "cardprep-remake-1", &key, &b);
        CU_ASSERT_FALSE(b.failed);
        bool count = strstr(rows[i][2], "announced") != NULL;
        EXPECT_FAIL(opens(b.data, b.len), count ? ERR_INTEGRITY : ERR_INPUT, rows[i][2]);
    }
    lines_edit(&file, "serial: 7", "serial: 8", "cardprep-return-1", &key, &b);
    EXPECT_FAIL(opens(b.data, b.len), ERR_INTEGRITY, "signature");
    lines_edit(&file, "serial: 7", "serial: 8", "cardprep-remake-1", &other_key, &b);
    EXPECT_FAIL(opens(b.data, b.len), ERR_INTEGRITY, "signature");
    struct remake_list *l = NULL;
    EXPECT_FAIL(opens_with(file.data, file.len, &other_key, &l), ERR_INTEGRITY, "none of the 1 trusted");
    buf_release(&b);
}

static void test_what_is_not_written(void)
{
    struct remake_entry two[2] = {entries[1], entries[1]};
    struct remake_draft d = draft;
    struct buf b;
    buf_init(&b, FILE_MAX);
    d.entries = two;
    d.count = 0;
    EXPECT_FAIL(put(&d, &b), ERR_INPUT, "from 1 to");
    d.count = REMAKE_ENTRIES_MAX + 1;
    EXPECT_FAIL(put(&d, &b), ERR_INPUT, "from 1 to");
    d.count = 2;
    EXPECT_FAIL(put(&d, &b), ERR_INPUT, "record 6 stands behind record 6");
    two[1].record = 7;
    two[1].reason[0] = '\0';
    EXPECT_FAIL(put(&d, &b), ERR_INPUT, "record 7: field 3 is empty");
    memcpy(two[1].reason, "-", 2);
    EXPECT_FAIL(put(&d, &b), ERR_INPUT, "record 7: reason: is missing");
    two[1] = entries[2];
    EXPECT_OK(put(&d, &b));
    d.head.serial = 0;
    EXPECT_FAIL(put(&d, &b), ERR_INPUT, "serial: is no number from 1");
    buf_release(&b);
}

/* Made by the openssl command line. */
static void test_sample(void)
{
    static char path[] = TEST_DATA_DIR "/samples/returns/issuer-signer.pem";
    const char *const paths[] = {path};
    struct signers signers;
    struct reader *r = NULL;
    struct remake_list *f = NULL;
    EXPECT_OK(signers_load(&signers, paths, 1, &err));
    EXPECT_OK(reader_open(&r, TEST_DATA_DIR "/samples/returns/remake.txt", &err));
    EXPECT_OK(remake_list_open(&f, r, signers.keys, signers.count, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(remake_list_count(f), 2);
    remake_list_free(f);
    signers_release(&signers);
}

static const struct test_case cases[] = {
    {"a sample by another hand", test_sample},
    {"written and read", test_round_trip},
    {"what it allows", test_what_it_allows},
    {"cut at every byte, every bit", test_every_cut_and_bit},
    {"what is refused, signed anew", test_what_is_refused},
    {"what is not written", test_what_is_not_written},
};

int main(void)
{
    if (!draft_key_make(&key, SIGNATURE_RSA_SHA256) || !draft_key_make(&other_key, SIGNATURE_RSA_SHA256))
        return 1;
    buf_init(&file, FILE_MAX);
    bool ok = put(&draft, &file) && buf_text(&file);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    int status = ok ? suite_run("formats/remake_list", cases, SUITE_COUNT(cases)) : 1;
    buf_release(&file);
    draft_key_release(&key);
    draft_key_release(&other_key);
    return status;
}
