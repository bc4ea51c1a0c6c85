#include "formats/return_file.h"

#include <stdlib.h>

#include "formats/signers.h"
#include "lines_draft.h"
#include "suite.h"

enum { FILE_MAX = 1 << 16 };

static struct err err;
static struct draft_key key, other_key;
static struct buf file;

static const struct return_head head = {
    .bureau = "bureau-a",
    .job_id = "return of a job",
    .job_name = "demo, first part",
    .shard = 2,
    .shards = 3,
    .file_hash = {0xD1, 0xD2},
    .created = "2026-11-26T10:00:00Z",
};
static const struct return_line lines[] = {
    {5, "C-5", RETURN_MADE, {0x01, 0x05}, 2, "2026-11-26T08:00:00Z", "", 0},
    {6, "C-6", RETURN_SPOILED, {0x01, 0x06}, 2, "2026-11-26T08:00:01Z", "power-loss", 0},
    {6, "C-6", RETURN_REMADE, {0x01, 0x26}, 2, "2026-11-26T08:00:01Z", "", 7},
    {6, "C-6", RETURN_DESTROYED, {0x01, 0x26}, 2, "2026-11-26T09:00:00Z", "quality", 0},
    {9, "C-9", RETURN_MISSING, {0}, 0, "2026-11-26T09:30:00Z", "not-found", 0},
};
enum { LINE_COUNT = sizeof(lines) / sizeof(lines[0]) };

static void write_file(struct buf *b, const struct return_line *all, size_t count)
{
    struct return_writer *w = NULL;
    const struct signed_lines_signer signer = lines_signer(&key);
    EXPECT_OK(return_writer_new(&w, &head, lines_sink(b), &err));
    for (size_t i = 0; i < count; i++)
        EXPECT_OK(return_writer_put(w, &all[i], &err));
    CU_ASSERT_EQUAL(return_writer_count(w), count);
    EXPECT_OK(return_writer_end(w, &signer, &err));
    return_writer_free(w);
    CU_ASSERT_PTR_NOT_NULL_FATAL(buf_text(b));
}

static bool opens_with(const void *data, size_t len, const struct draft_key *with, struct return_file **out)
{
    const struct public_key signer = draft_signer(with);
    struct reader *r = NULL;
    return reader_open_memory(&r, data, len, "a.return", &err) && return_file_open(out, r, &signer, 1, &err);
}

static bool opens(const void *data, size_t len)
{
    struct return_file *f = NULL;
    bool ok = opens_with(data, len, &key, &f);
    return_file_free(ok ? f : NULL);
    return ok;
}

static bool same(const struct return_line *a, const struct return_line *b)
{
    return a->record == b->record && strcmp(a->object_id, b->object_id) == 0 && a->outcome == b->outcome &&
           bytes_equal(a->serial, a->serial_len, b->serial, b->serial_len) && strcmp(a->time, b->time) == 0 &&
           strcmp(a->reason, b->reason) == 0 && a->list == b->list;
}

static void test_round_trip(void)
{
    struct return_file *f = NULL;
    struct return_line line;
    bool end = false;
    uint8_t id[SHA256_LEN];
    CU_ASSERT_TRUE_FATAL(opens_with(file.data, file.len, &key, &f));
    const struct return_head *h = return_file_head(f);
    CU_ASSERT_STRING_EQUAL(h->bureau, head.bureau);
    CU_ASSERT_STRING_EQUAL(h->job_name, head.job_name);
    CU_ASSERT_STRING_EQUAL(h->created, head.created);
    CU_ASSERT_TRUE(bytes_equal(h->job_id, JOB_ID_LEN, head.job_id, JOB_ID_LEN));
    CU_ASSERT_TRUE(bytes_equal(h->file_hash, SHA256_LEN, head.file_hash, SHA256_LEN));
    CU_ASSERT_TRUE(h->shard == 2 && h->shards == 3);
    EXPECT_OK(sha256(key.spki, key.spki_len, id, &err));
    CU_ASSERT_TRUE(bytes_equal(id, SHA256_LEN, return_file_signer(f), SHA256_LEN));
    CU_ASSERT_EQUAL(return_file_count(f), LINE_COUNT);
    for (size_t i = 0; i < LINE_COUNT; i++) {
        EXPECT_OK(return_file_next(f, &line, &end, &err));
        CU_ASSERT_TRUE(!end && same(&line, &lines[i]));
    }
    EXPECT_OK(return_file_next(f, &line, &end, &err));
    CU_ASSERT_TRUE(end);
    return_file_free(f);
}

static void test_no_lines(void)
{
    struct buf b;
    buf_init(&b, FILE_MAX);
    write_file(&b, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)b.data, "\nlines: 0\n"));
    CU_ASSERT_TRUE(opens(b.data, b.len));
    buf_release(&b);
}

static void test_every_cut_and_one_more(void)
{
    for (size_t len = 0; len < file.len; len++)
        EXPECT_FAIL(opens(file.data, len), len < file.len - 1 ? err.kind : ERR_INPUT, "a.return: line ");
    struct buf b;
    buf_init(&b, FILE_MAX);
    buf_put(&b, file.data, file.len);
    buf_put_u8(&b, '\n');
    EXPECT_FAIL(opens(b.data, b.len), ERR_INPUT, "something stands behind the signature");
    buf_release(&b);
}

static void test_every_bit(void)
{
    for (size_t i = 0; i < file.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            file.data[i] ^= (uint8_t)(1 << bit);
            if (opens(file.data, file.len)) CU_FAIL("a changed bit is accepted");
            file.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    CU_ASSERT_TRUE(opens(file.data, file.len));
}

static void test_other_signer(void)
{
    struct return_file *f = NULL;
    struct buf b;
    buf_init(&b, FILE_MAX);
    EXPECT_FAIL(opens_with(file.data, file.len, &other_key, &f), ERR_INTEGRITY,
                "signature: signed by a key that is none of the 1 trusted ones");
    lines_edit(&file, "bureau-a", "bureau-b", "cardprep-remake-1", &key, &b);
    EXPECT_FAIL(opens(b.data, b.len), ERR_INTEGRITY, "signature");
    lines_edit(&file, "bureau-a", "bureau-b", "cardprep-return-1", &key, &b);
    CU_ASSERT_TRUE(opens(b.data, b.len));
    buf_release(&b);
}

/* One thing is wrong, and it is signed. */
static void test_what_is_refused(void)
{
    static const struct {
        const char *from, *to, *says;
        enum err_kind kind;
    } rows[] = {
        {"cardprep return 1", "cardprep return 2", "line 1: is not 'cardprep return 1'", ERR_INPUT},
        {"cardprep return 1\n", "cardprep return 1\r\n", "line 1: the line ends with more than one",
         ERR_INPUT},
        {"bureau: bureau-a", "bureau: a b", "line 2: bureau: character 2 may not", ERR_INPUT},
        {"bureau: bureau-a\n", "", "line 2: the line is not 'bureau: value'", ERR_INPUT},
        {"bureau: bureau-a", "bureau:  bureau-a", "line 2: bureau: character 1", ERR_INPUT},
        {"job: 72", "job: 7", "line 3: job: is not 32 hex digits", ERR_INPUT},
        {"name: demo",
         "name: \x07"
         "demo",
         "line 4: name: character 1", ERR_INPUT},
        {"shard: 2/3", "shard: 4/3", "line 5: shard: the first number is above", ERR_INPUT},
        {"shard: 2/3", "shard: 2", "line 5: shard: is not of the form", ERR_INPUT},
        {"shard: 2/3", "shard: 0/3", "line 5: shard: is no number from 1", ERR_INPUT},
        {"shard: 2/3", "shard: 2/65536", "line 5: shard: is more than 65535", ERR_INPUT},
        {"file: D1", "file: d1", "line 6: file: character 1 is no upper-case", ERR_INPUT},
        {"2026-11-26T10", "2026-11-31T10", "line 7: created: ", ERR_INPUT},
        {"2026-11-26T10", "2026-11-26T24", "line 7: created: is no time", ERR_INPUT},
        {"5 C-5", "05 C-5", "line 8: record: is no number from 1", ERR_INPUT},
        {"5 C-5", "9223372036854775808 C-5", "line 8: record: is more than", ERR_INPUT},
        {"5 C-5", "5  C-5", "line 8: field 2 is empty", ERR_INPUT},
        {"5 C-5", "5 C/5", "line 8: object identifier: character 2", ERR_INPUT},
        {"made 0105", "baked 0105", "line 8: outcome: is none of made", ERR_INPUT},
        {"made 0105", "made -", "line 8: serial: a card that was made has", ERR_INPUT},
        {"made 0105", "made 010", "line 8: serial: is not 2 to 64 hex", ERR_INPUT},
        {"0105 2026-11-26T08:00:00Z -", "0105 2026-11-26T08:00:00Z", "line 8: has 5 fields instead of 6",
         ERR_INPUT},
        {"0105 2026-11-26T08:00:00Z -", "0105 2026-11-26T08:00:00Z - -", "line 8: has more than 6 fields",
         ERR_INPUT},
        {"0105 2026-11-26T08:00:00Z -", "0105 2026-11-26T08:00:00Z well", "line 8: reason: is not -",
         ERR_INPUT},
        {"power-loss", "Power-loss", "line 9: reason: character 1", ERR_INPUT},
        {"power-loss", "-", "line 9: reason: is missing", ERR_INPUT},
        {"remake-7", "-", "line 10: reason: is not remake-N", ERR_INPUT},
        {"remake-7", "remake-07", "line 10: reason: is no number", ERR_INPUT},
        {"6 C-6 remade", "6 C-7 remade", "line 10: record 6 has another object identifier", ERR_INPUT},
        {"6 C-6 spoiled", "4 C-6 spoiled", "line 9: record 4 stands behind record 5", ERR_INPUT},
        {"0126 2026-11-26T09:00:00Z", "0126 2026-11-26T07:00:00Z", "line 11: record 6: its time is before",
         ERR_INPUT},
        {"destroyed 0126 2026-11-26T09:00:00Z quality", "remade 0126 2026-11-26T09:00:00Z remake-8",
         "line 11: record 6: this card was remade already", ERR_INPUT},
        {"lines: 5", "lines: 4", "lines: 4 are announced, 5 stand in the file", ERR_INTEGRITY},
        {"lines: 5", "lines: 05", "lines: is no number", ERR_INPUT},
        {"lines: 5", "rows: 5", "line 13: has 2 fields", ERR_INPUT},
        {"signer: ", "signed: ", "line 14: the line is not 'signer: value'", ERR_INPUT},
    };
    struct buf b;
    buf_init(&b, FILE_MAX);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lines_edit(&file, rows[i].from, rows[i].to, "cardprep-return-1", &key, &b);
        CU_ASSERT_FALSE(b.failed);
        EXPECT_FAIL(opens(b.data, b.len), rows[i].kind, rows[i].says);
    }
    buf_release(&b);
}

static void cannot_write(struct return_line line, const char *says)
{
    struct return_writer *w = NULL;
    struct buf b;
    buf_init(&b, FILE_MAX);
    EXPECT_OK(return_writer_new(&w, &head, lines_sink(&b), &err));
    EXPECT_OK(return_writer_put(w, &lines[1], &err));
    EXPECT_FAIL(return_writer_put(w, &line, &err), ERR_INPUT, says);
    CU_ASSERT_EQUAL(return_writer_count(w), 1);
    return_writer_free(w);
    buf_release(&b);
}

static void test_what_is_not_written(void)
{
    struct return_line line = lines[4];
    line.record = 3;
    cannot_write(line, "record 3 stands behind record 6");
    line = lines[4];
    line.reason[0] = '\0';
    cannot_write(line, "record 9: reason: is missing");
    line = lines[4];
    memcpy(line.reason, "a b", 4);
    cannot_write(line, "record 9: has more than 6 fields");
    line = lines[2];
    line.list = 0;
    cannot_write(line, "record 6: reason: is no number from 1");
    line = lines[2];
    line.serial_len = 0;
    cannot_write(line, "record 6: serial: a card that was made");
    line = lines[0];
    line.record = 7;
    line.serial_len = RETURN_SERIAL_MAX + 1;
    cannot_write(line, "record 7: ");
    line = lines[0];
    line.record = 7;
    line.outcome = (enum return_outcome)9;
    cannot_write(line, "record 7: field 3 is empty");
    cannot_write(lines[1], "record 6: this card was spoiled already");

    struct return_head bad = head;
    struct return_writer *w = NULL;
    struct buf b;
    buf_init(&b, FILE_MAX);
    memcpy(bad.bureau, "two names", 10);
    EXPECT_FAIL(return_writer_new(&w, &bad, lines_sink(&b), &err), ERR_INPUT, "bureau: character 4");
    bad = head;
    bad.shard = 0;
    EXPECT_FAIL(return_writer_new(&w, &bad, lines_sink(&b), &err), ERR_INPUT, "shard: is no number");
    buf_release(&b);
}

static void test_lines_of_one_record_are_bounded(void)
{
    struct return_writer *w = NULL;
    struct return_line line = lines[1];
    struct buf b;
    buf_init(&b, FILE_MAX);
    EXPECT_OK(return_writer_new(&w, &head, lines_sink(&b), &err));
    for (int i = 0; i < RETURN_LINES_PER_RECORD; i++) {
        line.serial[1] = (uint8_t)i;
        EXPECT_OK(return_writer_put(w, &line, &err));
    }
    line.serial[0]++;
    EXPECT_FAIL(return_writer_put(w, &line, &err), ERR_INPUT, "record 6 has more than 64 lines");
    return_writer_free(w);
    buf_release(&b);
}

/* More than the writer's buffer, so that the sink is called in between; and a sink that is full. */
static void test_many_lines(void)
{
    enum { MANY = 3000 };
    struct return_writer *w = NULL;
    struct return_file *f = NULL;
    struct return_line line = lines[0];
    const struct signed_lines_signer signer = lines_signer(&key);
    struct buf b;
    bool end = false, ok = true;
    buf_init(&b, 1 << 20);
    EXPECT_OK(return_writer_new(&w, &head, lines_sink(&b), &err));
    for (line.record = 1; line.record <= MANY; line.record++)
        EXPECT_OK(return_writer_put(w, &line, &err));
    EXPECT_OK(return_writer_end(w, &signer, &err));
    return_writer_free(w);
    CU_ASSERT_TRUE_FATAL(opens_with(b.data, b.len, &key, &f));
    uint64_t count = 0;
    for (; ok; count++) {
        ok = return_file_next(f, &line, &end, &err);
        if (!ok || end) break;
    }
    CU_ASSERT_TRUE(ok && count == MANY);
    return_file_free(f);

    buf_release(&b);
    buf_init(&b, 1000);
    EXPECT_OK(return_writer_new(&w, &head, lines_sink(&b), &err));
    line = lines[0];
    for (line.record = 1, ok = true; ok && line.record <= MANY; line.record++)
        ok = return_writer_put(w, &line, &err);
    CU_ASSERT_FALSE(ok);
    return_writer_free(w);
    buf_release(&b);
}

static void test_changed_between_the_readings(void)
{
    struct return_file *f = NULL;
    struct return_line line;
    bool end = false, ok = true;
    CU_ASSERT_TRUE_FATAL(opens_with(file.data, file.len, &key, &f));
    char *at = strstr((char *)file.data, "0105 ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[3] = '4';
    while (ok && !end)
        ok = return_file_next(f, &line, &end, &err);
    CU_ASSERT_FALSE(ok);
    CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
    at[3] = '5';
    return_file_free(f);
}

/* Made by the openssl command line. */
static void test_sample(void)
{
    static char path[] = TEST_DATA_DIR "/samples/returns/bureau-signer.pem";
    const char *const paths[] = {path};
    struct signers signers;
    struct reader *r = NULL;
    struct return_file *f = NULL;
    EXPECT_OK(signers_load(&signers, paths, 1, &err));
    EXPECT_OK(reader_open(&r, TEST_DATA_DIR "/samples/returns/return.txt", &err));
    EXPECT_OK(return_file_open(&f, r, signers.keys, signers.count, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(return_file_count(f), 6);
    return_file_free(f);
    signers_release(&signers);
}

static const struct test_case cases[] = {
    {"a sample by another hand", test_sample},
    {"written and read", test_round_trip},
    {"no lines", test_no_lines},
    {"cut at every byte, and one byte more", test_every_cut_and_one_more},
    {"every bit", test_every_bit},
    {"other signer, other context", test_other_signer},
    {"what is refused, signed anew", test_what_is_refused},
    {"what is not written", test_what_is_not_written},
    {"lines of one record are bounded", test_lines_of_one_record_are_bounded},
    {"many lines, and a full sink", test_many_lines},
    {"changed between the readings", test_changed_between_the_readings},
};

int main(void)
{
    if (!draft_key_make(&key, SIGNATURE_RSA_SHA256) || !draft_key_make(&other_key, SIGNATURE_RSA_SHA256))
        return 1;
    buf_init(&file, FILE_MAX);
    struct return_writer *w = NULL;
    const struct signed_lines_signer signer = lines_signer(&key);
    bool ok = return_writer_new(&w, &head, lines_sink(&file), &err);
    for (size_t i = 0; ok && i < LINE_COUNT; i++)
        ok = return_writer_put(w, &lines[i], &err);
    ok = ok && return_writer_end(w, &signer, &err) && buf_text(&file);
    return_writer_free(w);
    int status = ok ? suite_run("formats/return_file", cases, SUITE_COUNT(cases)) : 1;
    if (!ok) fprintf(stderr, "%s\n", err.text);
    buf_release(&file);
    draft_key_release(&key);
    draft_key_release(&other_key);
    return status;
}
