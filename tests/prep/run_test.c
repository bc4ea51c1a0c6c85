/* `cardprep run` as a user starts it, on a real token: shards, what is set aside, what must not be begun. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool_bench.h"
#include "prep/commands/commands.h"

#define JOB_ID "000102030405060708090A0B0C0D0E0F"
enum { SAID_MAX = 1 << 14 };
static char said[SAID_MAX];

static void read_text(struct fixture *f, const char *name)
{
    FILE *file = fopen(fixture_path(f, name), "r");
    said[0] = '\0';
    if (!file) return;
    said[fread(said, 1, SAID_MAX - 1, file)] = '\0';
    fclose(file);
}

/* In a process of its own, as a user would; gives its exit status, −1 if a signal ended it. */
static int wait_for(pid_t pid)
{
    int status = 0;
    if (waitpid(pid, &status, 0) != pid) return -2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static pid_t start(struct fixture *f, const char *a, const char *b, const char *c, const char *d)
{
    char said_path[600], job_path[600];
    snprintf(said_path, sizeof(said_path), "%s", fixture_path(f, "said"));
    snprintf(job_path, sizeof(job_path), "%s", fixture_path(f, "job.yaml"));
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) return pid;
    int fd = open(said_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    char texts[5][64];
    const char *given[] = {"run", a, b, c, d};
    char *argv[7] = {NULL};
    int argc = 0;
    for (int i = 0; i < 5; i++) {
        if (!given[i]) continue;
        snprintf(texts[i], sizeof(texts[i]), "%s", given[i]);
        argv[argc++] = texts[i];
    }
    argv[argc++] = job_path;
    int status = run_command.run(argc, argv);
    fflush(NULL);
    _exit(status);
}

static int run(struct fixture *f, const char *a, const char *b, const char *c, const char *d)
{
    int status = wait_for(start(f, a, b, c, d));
    read_text(f, "said");
    return status;
}

static void expect(int status, int expected, const char *part)
{
    if (status != expected || !strstr(said, part)) fprintf(stderr, "status %d: %s\n", status, said);
    CU_ASSERT_EQUAL(status, expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, part));
}

static void test_shards_set_aside(void)
{
    const unsigned bad[2] = {5, 40};
    struct fixture *f = fixture_new();
    bench_files(f, 1, SOFTTOKEN_PIN, "on_bad_record: set-aside\n", bad);
    expect(run(f, "--job-id", JOB_ID, "--shard", "1/2"), 4, "refused.csv.1-of-2");
    unlink(fixture_path(f, "out.mic"));
    expect(run(f, "--job-id", JOB_ID, "--shard", "2/2"), 4, "refused.csv.2-of-2");
    read_text(f, "refused.csv.1-of-2");
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "x00000005"));
    CU_ASSERT_PTR_NULL(strstr(said, "x00000040"));
    read_text(f, "refused.csv.2-of-2");
    CU_ASSERT_PTR_NULL(strstr(said, "x00000005"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "x00000040"));
    fixture_free(f);
}

static void test_shard_without_bad(void)
{
    const unsigned bad[2] = {40, 41};
    struct fixture *f = fixture_new();
    bench_files(f, 1, SOFTTOKEN_PIN, "on_bad_record: set-aside\n", bad);
    expect(run(f, "--job-id", JOB_ID, "--shard", "1/2"), 0, "set aside: 0");
    CU_ASSERT_NOT_EQUAL(access(fixture_path(f, "refused.csv.1-of-2"), F_OK), 0);
    fixture_free(f);
}

static void test_shard_option(void)
{
    static const char *const wrong[] = {"1",    "0/2",  "3/2",  "1/",   "/2",
                                        "-1/2", "+1/2", " 1/2", "1/2x", "1/65536"};
    struct fixture *f = fixture_new();
    bench_files(f, 1, SOFTTOKEN_PIN, "", NULL);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(run(f, "--job-id", JOB_ID, "--shard", wrong[i]), 2, "is not of the form 2/4");
    expect(run(f, "--shard", "1/2", NULL, NULL), 2, "needs --job-id");
    fixture_free(f);
}

static void test_output_exists(void)
{
    static const char *const names[] = {"out.mic", "out.mic.partial"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_new();
        bench_files(f, 1, SOFTTOKEN_PIN, "counter: {file: numbers, first: 100}\n", NULL);
        fixture_text(f, names[i], "kept");
        expect(run(f, NULL, NULL, NULL, NULL), 6, "exists");
        CU_ASSERT_NOT_EQUAL(access(fixture_path(f, "numbers"), F_OK), 0);
        fixture_free(f);
    }
}

static void test_input_changes(void)
{
    struct err err = ERR_INIT;
    struct fixture *f = fixture_new();
    bench_files(f, 1, SOFTTOKEN_PIN, "", NULL);
    EXPECT_OK(job_load(&f->job, fixture_path(f, "job.yaml"), &err));
    EXPECT_OK(card_reader_open(&f->reader, f->job, &err));
    EXPECT_OK(card_reader_unchanged(f->reader, &err));
    FILE *file = fopen(fixture_path(f, "cards.csv"), "a");
    fputs("6000000000000099\n", file);
    fclose(file);
    EXPECT_FAIL(card_reader_unchanged(f->reader, &err), ERR_INPUT, "changed while it was read");
    fixture_free(f);
}

/* The job is a pipe: the process is known to be reading it when the other end opens. */
static void test_interrupted_early(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = fixture_new();
        CU_ASSERT_EQUAL(mkfifo(fixture_path(f, "job.yaml"), 0600), 0);
        pid_t pid = start(f, NULL, NULL, NULL, NULL);
        int fd = open(fixture_path(f, "job.yaml"), O_WRONLY | O_CLOEXEC);
        kill(pid, signals[i]);
        int status = wait_for(pid);
        read_text(f, "said");
        expect(status, 130, "interrupted before the first card");
        close(fd);
        fixture_free(f);
    }
}

static void test_wrong_pin(void)
{
    struct fixture *f = fixture_new();
    bench_files(f, 3, "999999", "", NULL);
    expect(run(f, NULL, NULL, NULL, NULL), 3, "CKR_PIN_INCORRECT");
    CU_ASSERT_NOT_EQUAL(access(fixture_path(f, "out.mic.partial"), F_OK), 0);
    fixture_free(f);
}

static const struct test_case cases[] = {
    {"each shard sets its own cards aside, in a file of its own", test_shards_set_aside},
    {"a shard without bad cards writes no file of them", test_shard_without_bad},
    {"--shard is strict, and needs --job-id", test_shard_option},
    {"an output that exists costs no numbers", test_output_exists},
    {"an input that changes is noticed", test_input_changes},
    {"interrupted before the first card: status 130", test_interrupted_early},
    {"a wrong PIN: status 3 and no output", test_wrong_pin},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    struct err err = ERR_INIT;
    int status = 1;
    if (softtoken_add(&soft, "issuer") && make_keys(&err))
        status = suite_run("prep/run", cases, SUITE_COUNT(cases));
    else
        fprintf(stderr, "%s\n", err.text);
    softtoken_stop(&soft);
    return status;
}
