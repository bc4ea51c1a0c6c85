/* Files that do not go together, and counts, without a token: files are drafts of the test's. Stories of single records are
 * account_test's, and what a user sees is tests/e2e/returns.sh's. */
#include "prep/accounts/ledger.h"

#include <stdlib.h>

#include "lines_draft.h"
#include "suite.h"

enum { FILE_MAX = 1 << 16, SAID_MAX = 4096 };

static struct err err;
static struct draft_key key;
static char said[SAID_MAX]; /* "word first-last, …" */

static bool hear(void *context, const struct ledger_finding *f, struct err *unused)
{
    (void)context;
    (void)unused;
    size_t len = strlen(said);
    snprintf(&said[len], sizeof(said) - len, "%s%s %llu", len ? ", " : "", f->word,
             (unsigned long long)f->first);
    return true;
}

static struct mic_file *open_mic(const struct buf *b)
{
    const struct public_key signer = draft_signer(&key);
    struct reader *r = NULL;
    struct mic_file *f = NULL;
    EXPECT_OK(reader_open_memory(&r, b->data, b->len, "draft.mic", &err));
    EXPECT_OK(mic_file_open(&f, r, &signer, 1, 0, &err));
    return f;
}

/* Adds the draft; *hash gets what a return file names. */
static bool add_mic(struct ledger *l, const struct draft *d, const char *name, uint8_t hash[SHA256_LEN])
{
    struct buf b;
    buf_init(&b, FILE_MAX);
    draft_write(&b, d, &key);
    struct mic_file *f = open_mic(&b);
    if (hash) memcpy(hash, mic_file_summary(f)->file_hash, SHA256_LEN);
    bool ok = ledger_add_mic(l, name, f, &err);
    mic_file_free(f);
    buf_release(&b);
    return ok;
}

static bool add_list(struct ledger *l, const struct draft *d, uint64_t serial, uint64_t record)
{
    const struct signed_lines_signer signer = lines_signer(&key);
    const struct public_key public = draft_signer(&key);
    const struct remake_entry entry = {.record = record, .reason = "lost"};
    struct remake_draft list = {.entries = &entry, .count = 1};
    struct remake_list *made = NULL;
    struct reader *r = NULL;
    struct buf b;
    memcpy(list.head.job_id, d->job.job_id, JOB_ID_LEN);
    memcpy(list.head.created, "2026-11-26T10:00:00Z", 21);
    list.head.serial = serial;
    buf_init(&b, FILE_MAX);
    EXPECT_OK(remake_list_put(&list, lines_sink(&b), &signer, &err));
    EXPECT_OK(reader_open_memory(&r, b.data, b.len, "a.remake", &err));
    EXPECT_OK(remake_list_open(&made, r, &public, 1, &err));
    bool ok = ledger_add_remakes(l, "a.remake", made, &err);
    remake_list_free(made);
    buf_release(&b);
    return ok;
}

static bool add_returns(struct ledger *l, const struct draft *d, const uint8_t hash[SHA256_LEN],
                        const struct return_line *lines, size_t count)
{
    const struct signed_lines_signer signer = lines_signer(&key);
    const struct public_key public = draft_signer(&key);
    struct return_head head = {.bureau = "b", .created = "2026-11-26T10:00:00Z"};
    struct return_writer *w = NULL;
    struct return_file *f = NULL;
    struct reader *r = NULL;
    struct buf b;
    buf_init(&b, FILE_MAX);
    memcpy(head.job_id, d->job.job_id, JOB_ID_LEN);
    memcpy(head.job_name, d->job.name, sizeof(head.job_name));
    memcpy(head.file_hash, hash, SHA256_LEN);
    head.shard = d->job.shard;
    head.shards = d->job.shards;
    EXPECT_OK(return_writer_new(&w, &head, lines_sink(&b), &err));
    for (size_t i = 0; i < count; i++) {
        struct return_line line = lines[i];
        object_id_default(line.object_id, d->cards[0].card.job_id, line.record);
        memcpy(line.time, "2026-11-26T09:00:00Z", 21);
        EXPECT_OK(return_writer_put(w, &line, &err));
    }
    EXPECT_OK(return_writer_end(w, &signer, &err));
    return_writer_free(w);
    EXPECT_OK(reader_open_memory(&r, b.data, b.len, "a.return", &err));
    EXPECT_OK(return_file_open(&f, r, &public, 1, &err));
    bool ok = ledger_add_returns(l, "a.return", f, &err);
    return_file_free(f);
    buf_release(&b);
    return ok;
}

static struct ledger *new_ledger(void)
{
    struct ledger *l = NULL;
    said[0] = '\0';
    EXPECT_OK(ledger_new(&l, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    return l;
}

static void settle(struct ledger *l, const char *due)
{
    EXPECT_OK(ledger_settle(l, hear, NULL, &err));
    if (strcmp(said, due) != 0) fprintf(stderr, "findings: %s\n", said);
    CU_ASSERT_STRING_EQUAL(said, due);
    CU_ASSERT_EQUAL(ledger_is_closed(l), due[0] == '\0');
}

/* A shard of two. */
static void half(struct draft *d, uint16_t shard)
{
    draft_init(d, 2);
    d->job.planned = 4;
    d->job.shard = shard;
    d->job.shards = 2;
    for (size_t i = 0; shard == 2 && i < d->count; i++) {
        d->cards[i].card.number += 2;
        object_id_default(d->cards[i].card.object_id, d->job.job_id, i + 3);
        d->cards[i].bound_to = d->cards[i].card;
    }
    if (shard == 2) d->job.first_record = 3;
}

/* A further pass of it. */
static void later_pass(struct draft *d, uint8_t which)
{
    memcpy(d->job.passes[d->job.pass_count++], d->job.job_id, JOB_ID_LEN);
    d->job.job_id[0] ^= which;
    for (size_t i = 0; i < d->count; i++)
        memcpy(d->cards[i].seal_job, d->job.job_id, JOB_ID_LEN);
}

static void test_counts(void)
{
    static const struct return_line lines[] = {
        {.record = 1, .outcome = RETURN_MADE, .serial = {1}, .serial_len = 1},
        {.record = 2, .outcome = RETURN_SPOILED, .serial = {2}, .serial_len = 1, .reason = "x"},
        {.record = 2, .outcome = RETURN_REMADE, .serial = {9}, .serial_len = 1, .list = 5},
        {.record = 3, .outcome = RETURN_MADE, .serial = {3}, .serial_len = 1},
        {.record = 3, .outcome = RETURN_DESTROYED, .serial = {3}, .serial_len = 1, .reason = "x"},
    };
    struct ledger *l = new_ledger();
    uint8_t hash[SHA256_LEN];
    struct draft d;
    draft_init(&d, 4);
    d.set_aside[0] = 5;
    d.set_aside_count = 1;
    d.job.planned = 5;
    CU_ASSERT_TRUE(add_mic(l, &d, "a.mic", hash));
    CU_ASSERT_TRUE(add_mic(l, &d, "a copy", NULL));
    CU_ASSERT_TRUE(add_list(l, &d, 5, 2));
    CU_ASSERT_TRUE(add_list(l, &d, 5, 2));
    CU_ASSERT_TRUE(add_returns(l, &d, hash, lines, 5));
    settle(l, "not-told 4");
    CU_ASSERT_EQUAL_FATAL(ledger_job_count(l), 1);
    const struct ledger_job *job = ledger_job_at(l, 0);
    CU_ASSERT_STRING_EQUAL(job->name, "draft");
    CU_ASSERT_TRUE(ledger_job_is_called(l, 0, "draft") && !ledger_job_is_called(l, 0, "other"));
    static const uint64_t due[ACCOUNT_STATES] = {
        [ACCOUNT_NOT_TOLD] = 1,  [ACCOUNT_MADE] = 1,      [ACCOUNT_REMADE] = 1,
        [ACCOUNT_DESTROYED] = 1, [ACCOUNT_SET_ASIDE] = 1,
    };
    CU_ASSERT_EQUAL(memcmp(job->states, due, sizeof(due)), 0);
    CU_ASSERT_TRUE(job->planned == 5 && job->wrong == 0 && job->not_given == 0);
    ledger_free(l);
}

static void test_shards(void)
{
    static const struct return_line lines[] = {
        {.record = 3, .outcome = RETURN_MADE, .serial = {3}, .serial_len = 1},
        {.record = 4, .outcome = RETURN_MADE, .serial = {3}, .serial_len = 1},
        {.record = 8, .outcome = RETURN_MADE, .serial = {8}, .serial_len = 1},
    };
    struct ledger *l = new_ledger();
    uint8_t hash[SHA256_LEN];
    struct draft d;
    half(&d, 2);
    CU_ASSERT_TRUE(add_mic(l, &d, "2.mic", hash));
    CU_ASSERT_TRUE(add_returns(l, &d, hash, lines, 3));
    hash[0] ^= 1;
    CU_ASSERT_TRUE(add_returns(l, &d, hash, lines, 3));
    settle(l, "missing-file 0, unknown-record 8, same-card 4, unknown-file 0");
    CU_ASSERT_EQUAL(ledger_job_at(l, 0)->not_given, 2);
    ledger_free(l);
}

static void test_passes(void)
{
    static const struct return_line lines[] = {
        {.record = 1, .outcome = RETURN_MADE, .serial = {1}, .serial_len = 1},
        {.record = 2, .outcome = RETURN_MADE, .serial = {2}, .serial_len = 1},
    };
    uint8_t old_hash[SHA256_LEN], new_hash[SHA256_LEN];
    struct draft first, second;
    draft_init(&first, 2);
    second = first;
    later_pass(&second, 1);
    for (int order = 0; order < 2; order++) {
        struct ledger *l = new_ledger();
        if (order == 0) CU_ASSERT_TRUE(add_mic(l, &first, "1.mic", old_hash));
        CU_ASSERT_TRUE(add_mic(l, &second, "2.mic", new_hash));
        if (order == 1) CU_ASSERT_TRUE(add_mic(l, &first, "1.mic", old_hash));
        CU_ASSERT_TRUE(add_returns(l, &second, new_hash, lines, 1));
        CU_ASSERT_TRUE(add_returns(l, &first, old_hash, &lines[1], 1));
        settle(l, "old-pass 2");
        CU_ASSERT_EQUAL(ledger_job_at(l, 0)->wrong, 1);
        ledger_free(l);
    }
}

static void test_what_does_not_go_together(void)
{
    struct ledger *l = new_ledger();
    struct draft d, second, third;
    half(&d, 1);
    CU_ASSERT_TRUE(add_mic(l, &d, "1.mic", NULL));
    d.cards[0].seal_mackey = d.cards[0].entry_mackey = 0x55;
    EXPECT_FAIL(add_mic(l, &d, "other.mic", NULL), ERR_INPUT,
                "other.mic: '1.mic' is another file of the same shard, and neither is a later pass");
    half(&d, 2);
    d.job.planned = 5;
    d.set_aside[0] = 5;
    d.set_aside_count = 1;
    EXPECT_FAIL(add_mic(l, &d, "2.mic", NULL), ERR_INPUT, "2.mic: was planned otherwise than '1.mic'");
    half(&d, 2);
    d.job.first_record = 2;
    d.count = 1;
    d.cards[0].card.number = 2;
    d.cards[0].bound_to = d.cards[0].card;
    d.set_aside[0] = 3;
    d.set_aside[1] = 4;
    d.set_aside_count = 2;
    EXPECT_FAIL(add_mic(l, &d, "2.mic", NULL), ERR_INPUT, "2.mic: has records of '1.mic', a file of another");
    half(&second, 1);
    third = second;
    later_pass(&second, 1);
    later_pass(&third, 2);
    CU_ASSERT_TRUE(add_mic(l, &second, "pass.mic", NULL));
    EXPECT_FAIL(add_mic(l, &third, "beside.mic", NULL), ERR_INPUT, "beside.mic: 'pass.mic' is another file");
    CU_ASSERT_TRUE(add_list(l, &d, 5, 1));
    EXPECT_FAIL(add_list(l, &d, 5, 2), ERR_INPUT, "another remake list of this job has the same number, 5");
    ledger_free(l);
}

static void test_nothing_of_two_jobs_meets(void)
{
    static const struct return_line lines[] = {
        {.record = 1, .outcome = RETURN_MADE, .serial = {1}, .serial_len = 1},
    };
    struct ledger *l = new_ledger();
    uint8_t hash[2][SHA256_LEN];
    struct draft d[2];
    for (size_t i = 0; i < 2; i++) {
        draft_init(&d[i], 1);
        d[i].job.job_id[0] = (uint8_t)i;
        memcpy(d[i].cards[0].card.job_id, d[i].job.job_id, JOB_ID_LEN);
        memcpy(d[i].cards[0].seal_job, d[i].job.job_id, JOB_ID_LEN);
        object_id_default(d[i].cards[0].card.object_id, d[i].job.job_id, 1);
        d[i].cards[0].bound_to = d[i].cards[0].card;
        CU_ASSERT_TRUE(add_mic(l, &d[i], i ? "b.mic" : "a.mic", hash[i]));
    }
    CU_ASSERT_TRUE(add_returns(l, &d[0], hash[0], lines, 1));
    CU_ASSERT_TRUE(add_returns(l, &d[1], hash[1], lines, 1));
    settle(l, "same-card 1");
    CU_ASSERT_EQUAL(ledger_job_count(l), 2);
    ledger_free(l);
}

static const struct test_case cases[] = {
    {"counts", test_counts},
    {"shards", test_shards},
    {"passes", test_passes},
    {"what does not go together", test_what_does_not_go_together},
    {"two jobs", test_nothing_of_two_jobs_meets},
};

int main(void)
{
    if (!draft_key_make(&key, SIGNATURE_RSA_SHA256)) return 1;
    int status = suite_run("prep/ledger", cases, SUITE_COUNT(cases));
    draft_key_release(&key);
    return status;
}
