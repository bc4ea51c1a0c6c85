/* Worker processes on a real token: all cards once and in order, whatever happens to the processes. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/card_record.h"
#include "pool_bench.h"
#include "prep/pool/pool_internal.h"
#include "prep/commands/survey.h"

struct bench {
    struct fixture *f;
    struct pool *pool;
};

/* The job's keeper is started and its input open. */
static bool bench_open(struct bench *b, unsigned workers, const char *pin, const char *more, struct err *err)
{
    b->pool = NULL;
    b->f = fixture_new();
    bench_files(b->f, workers, pin, more, NULL);
    return job_load(&b->f->job, fixture_path(b->f, "job.yaml"), err) &&
           pool_start(&b->pool, b->f->job, err) && card_reader_open(&b->f->reader, b->f->job, err);
}

static bool bench_workers(struct bench *b, struct err *err)
{
    return pool_open(b->pool, card_reader_fields(b->f->reader), &b->f->identity, err);
}

static void bench_close(struct bench *b)
{
    pool_free(b->pool);
    fixture_free(b->f);
    unsetenv("P11PROXY_KILL");
    unsetenv("P11PROXY_HANG");
    unsetenv("P11PROXY_FAIL");
    unsetenv("P11PROXY_ONCE");
}

/* Submits what there is room for; `read` counts. */
static bool feed(struct bench *b, uint64_t *read, struct err *err)
{
    while (*read < CARDS && pool_has_room(b->pool)) {
        bool end = false;
        struct card_input in;
        memset(&in, 0, sizeof(in));
        if (!card_reader_next(b->f->reader, &in, &end, err) ||
            !card_identify(&in, b->f->reader, b->f->job, &b->f->identity, *read + 1, err) ||
            !pool_submit(b->pool, &in, err))
            return false;
        ++*read;
    }
    return true;
}

struct outcome {
    uint64_t good, refused;
    uint64_t last_refused;
    struct err why;
};

/* All cards through the pool; each must come once and in order. `disturb` is called after each. */
static bool run_all(struct bench *b, void (*disturb)(struct bench *b, uint64_t done), struct outcome *out,
                    struct err *err)
{
    uint64_t read = 0;

    memset(out, 0, sizeof(*out));
    while (out->good + out->refused < CARDS) {
        struct pool_result r;
        bool got = false;
        if (!feed(b, &read, err) || !pool_wait(b->pool, 100, &r, &got, err)) return false;
        if (!got) continue;
        CU_ASSERT_EQUAL(r.number, out->good + out->refused + 1);
        if (r.ok) {
            struct mic_record *m = calloc(1, sizeof(*m));
            if (!m) abort();
            CU_ASSERT_TRUE(mic_parse_record(r.record, r.len, 0, m, err));
            free(m);
            out->good++;
        } else {
            out->refused++;
            out->last_refused = r.number;
            out->why = r.err;
        }
        if (disturb) disturb(b, out->good + out->refused);
    }
    return true;
}

static void test_order(void)
{
    for (unsigned workers = 1; workers <= 3; workers++) {
        struct err err = ERR_INIT;
        struct bench b;
        struct outcome o;
        struct pool_statistics s;
        EXPECT_OK(bench_open(&b, workers, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err) &&
                  run_all(&b, NULL, &o, &err));
        CU_ASSERT_EQUAL(o.good, CARDS);
        pool_statistics(b.pool, &s);
        CU_ASSERT_EQUAL(s.replaced, 0);
        bench_close(&b);
    }
}

/* With an audit log each derivation is told of; without one nobody counts. */
static void test_uses_are_told(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct outcome o;
    struct usage used = {1, 1};
    EXPECT_OK(bench_open(&b, 2, SOFTTOKEN_PIN, "audit_log: log\nretire_after: 13\n", &err) &&
              bench_workers(&b, &err) && run_all(&b, NULL, &o, &err));
    pool_used(b.pool, &used);
    CU_ASSERT_EQUAL(used.derivations, CARDS);
    CU_ASSERT_EQUAL(used.blocks, 2 * CARDS);
    bench_close(&b);
    EXPECT_OK(bench_open(&b, 2, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err) &&
              run_all(&b, NULL, &o, &err));
    pool_used(b.pool, &used);
    CU_ASSERT_EQUAL(used.derivations, 0);
    bench_close(&b);
}

static void test_retired(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct outcome o;
    struct pool_statistics s;
    EXPECT_OK(bench_open(&b, 1, SOFTTOKEN_PIN, "retire_after: 13\n", &err) && bench_workers(&b, &err) &&
              run_all(&b, NULL, &o, &err));
    CU_ASSERT_EQUAL(o.good, CARDS);
    pool_statistics(b.pool, &s);
    CU_ASSERT_EQUAL(s.retired, CARDS / 13);
    CU_ASSERT_EQUAL(s.replaced, 0);
    bench_close(&b);
}

static void kill_now_and_then(struct bench *b, uint64_t done)
{
    if (done % 9 != 0) return;
    struct pool_worker *w = &b->pool->workers[done % b->pool->worker_count];
    if (w->state == WORKER_READY) kill(w->pid, SIGKILL);
}

static void test_killed(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct outcome o;
    struct pool_statistics s;
    EXPECT_OK(bench_open(&b, 2, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err) &&
              run_all(&b, kill_now_and_then, &o, &err));
    CU_ASSERT_EQUAL(o.good + o.refused, CARDS);
    pool_statistics(b.pool, &s);
    CU_ASSERT_TRUE(s.replaced > 0);
    bench_close(&b);
}

/* The fault strikes in one process only; the environment must be there before the keeper is. */
static void with_fault(const char *variable, const char *fault, const char *more, uint64_t expected_good)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct outcome o;
    struct pool_statistics s;
    char path[64];

    snprintf(path, sizeof(path), "/tmp/cardprep-once-%d", (int)getpid());
    unlink(path);
    setenv(variable, fault, 1);
    setenv("P11PROXY_ONCE", path, 1);
    EXPECT_OK(bench_open(&b, 2, SOFTTOKEN_PIN, more, &err) && bench_workers(&b, &err) &&
              run_all(&b, NULL, &o, &err));
    CU_ASSERT_EQUAL(o.good, expected_good);
    pool_statistics(b.pool, &s);
    CU_ASSERT_EQUAL(s.replaced, 1);
    bench_close(&b);
    unlink(path);
}

static void test_faults(void)
{
    with_fault("P11PROXY_KILL", "C_WrapKey:9", "", CARDS);
    with_fault("P11PROXY_HANG", "C_WrapKey:9", "card_timeout: 1\n", CARDS);
    with_fault("P11PROXY_FAIL", "C_WrapKey:+9:0x30", "", CARDS);
}

static unsigned count_in_log(const char *part)
{
    char path[256], line[4096];
    unsigned count = 0;
    softtoken_log_path(&soft, path, sizeof(path));
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        count += strstr(line, part) != NULL;
    if (f) fclose(f);
    return count;
}

/* Every process falls at the first signature after its start. */
static void test_sign_that_kills(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct buf signature;
    char fault[64];
    unsigned before = count_in_log("C_SignInit");

    EXPECT_OK(bench_open(&b, 1, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err));
    bench_close(&b);
    snprintf(fault, sizeof(fault), "C_SignInit:+%u", count_in_log("C_SignInit") - before + 1);
    setenv("P11PROXY_KILL", fault, 1);
    buf_init(&signature, SIGNATURE_MAX);
    EXPECT_OK(bench_open(&b, 1, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err));
    EXPECT_FAIL(pool_sign(b.pool, (const uint8_t *)"x", 1, &signature, &err), ERR_TOKEN,
                "2 worker processes ended");
    bench_close(&b);
    buf_release(&signature);
}

static void test_wrong_pin(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    unsigned before = count_in_log("C_Login");

    EXPECT_OK(bench_open(&b, 4, "999999", "", &err));
    EXPECT_FAIL(bench_workers(&b, &err), ERR_TOKEN, "CKR_PIN_INCORRECT");
    bench_close(&b);
    CU_ASSERT_EQUAL(count_in_log("C_Login") - before, 1);
}

/* A token that gives out no more sessions: those that have one do the work. */
static void refuse_starts(struct bench *b, uint64_t done)
{
    if (done == 1) b->pool->failed_starts = START_TRIES;
    if (done == 2) kill(b->pool->workers[1].pid, SIGKILL);
}

static void test_fewer_workers(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct outcome o;
    EXPECT_OK(bench_open(&b, 2, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err));
    while (b.pool->workers[1].state != WORKER_READY) {
        struct buf signature;
        buf_init(&signature, SIGNATURE_MAX);
        EXPECT_OK(pool_sign(b.pool, (const uint8_t *)"x", 1, &signature, &err));
        buf_release(&signature);
    }
    EXPECT_OK(run_all(&b, refuse_starts, &o, &err));
    CU_ASSERT_EQUAL(o.good, CARDS);
    bench_close(&b);
}

static void test_keeper_dies(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    struct outcome o;
    EXPECT_OK(bench_open(&b, 1, SOFTTOKEN_PIN, "retire_after: 5\n", &err) && bench_workers(&b, &err));
    kill(*(pid_t *)(void *)b.pool->keeper, SIGKILL);
    EXPECT_FAIL(run_all(&b, NULL, &o, &err), ERR_INTERNAL, "keeper");
    bench_close(&b);
}

static void test_withdrawn(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    uint64_t read = 0, given = 0;
    EXPECT_OK(bench_open(&b, 1, SOFTTOKEN_PIN, "", &err) && bench_workers(&b, &err) && feed(&b, &read, &err));
    CU_ASSERT_EQUAL(pool_pending(b.pool), CARDS);
    pool_withdraw(b.pool);
    CU_ASSERT_TRUE(pool_pending(b.pool) < CARDS);
    while (pool_pending(b.pool) > 0 && err.kind == ERR_NONE) {
        struct pool_result r;
        bool got = false;
        EXPECT_OK(pool_wait(b.pool, 100, &r, &got, &err));
        given += got;
        if (got) CU_ASSERT_EQUAL(r.number, given);
    }
    CU_ASSERT_EQUAL(b.pool->stored_bytes, 0);
    bench_close(&b);
}

/* One worker hangs at its first card while the other goes on: what is finished waits for it, and the window fills up and
 * takes no more, long before the cards are at an end. */
static void test_window(void)
{
    struct err err = ERR_INIT;
    struct bench b;
    char path[64];
    uint64_t submitted = 0;
    struct card_input in;
    bool end = false;
    unsigned full = 0;

    snprintf(path, sizeof(path), "/tmp/cardprep-once-%d", (int)getpid());
    unlink(path);
    setenv("P11PROXY_HANG", "C_WrapKey:9", 1);
    setenv("P11PROXY_ONCE", path, 1);
    EXPECT_OK(bench_open(&b, 2, SOFTTOKEN_PIN, "card_timeout: 3\n", &err) && bench_workers(&b, &err));
    memset(&in, 0, sizeof(in));
    EXPECT_OK(card_reader_next(b.f->reader, &in, &end, &err));
    uint64_t given = 0;
    while (err.kind == ERR_NONE && given < 4 * (uint64_t)b.pool->slot_count) {
        struct pool_result r;
        bool got = false;
        while (pool_has_room(b.pool)) {
            EXPECT_OK(card_identify(&in, b.f->reader, b.f->job, &b.f->identity, submitted + 1, &err) &&
                      pool_submit(b.pool, &in, &err));
            submitted++;
            if (err.kind != ERR_NONE) break;
        }
        CU_ASSERT_TRUE(pool_pending(b.pool) <= b.pool->slot_count);
        CU_ASSERT_TRUE(b.pool->stored_bytes < b.pool->slot_count * 4096);
        EXPECT_OK(pool_wait(b.pool, 100, &r, &got, &err));
        if (!got) {
            full += pool_pending(b.pool) == b.pool->slot_count;
            continue;
        }
        given++;
        CU_ASSERT_EQUAL(r.number, given);
        CU_ASSERT_TRUE(r.ok);
    }
    CU_ASSERT_TRUE(full > 5);
    CU_ASSERT_EQUAL(b.pool->statistics.replaced, 1);
    unlink(path);
    bench_close(&b);
}

static const struct test_case cases[] = {
    {"cards come back once and in order, with one to three workers", test_order},
    {"uses of master keys are told", test_uses_are_told},
    {"a worker is retired after its number of cards, none is lost", test_retired},
    {"workers killed again and again: every card comes, in order", test_killed},
    {"a worker that is killed, hangs or loses its session costs no card", test_faults},
    {"a signature that kills workers ends, and does not go on for ever", test_sign_that_kills},
    {"a wrong PIN is tried once, not once a worker", test_wrong_pin},
    {"workers that cannot be started again leave the work to the others", test_fewer_workers},
    {"without its keeper the pool ends with an error", test_keeper_dies},
    {"what no worker has begun can be taken back", test_withdrawn},
    {"one worker that hangs fills a window that is bounded, and no card is lost", test_window},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    struct err err = ERR_INIT;
    int status = 1;
    if (softtoken_add(&soft, "issuer") && make_keys(&err)) {
        softtoken_proxy(&soft);
        status = suite_run("prep/pool", cases, SUITE_COUNT(cases));
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    softtoken_stop(&soft);
    return status;
}
