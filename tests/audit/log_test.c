#include "audit/log.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "audit/verify.h"
#include "draft.h"

static struct scratch scratch;

static const char *fresh(const char *name)
{
    unlink(scratch_path(&scratch, name));
    return scratch.path;
}

static void verify(const char *path, uint64_t lines, uint64_t cut_lines)
{
    struct err err = ERR_INIT;
    const struct audit_verify_settings settings = {.signers = NULL};
    struct audit_verified v;
    EXPECT_OK(audit_verify(path, &settings, &v, &err));
    CU_ASSERT_EQUAL(v.head.seq, lines);
    CU_ASSERT_EQUAL(v.cut_lines, cut_lines);
}

static bool try_open(const char *path, bool create, struct err *err)
{
    time_t clock = DRAFT_START;
    struct audit_log *log = NULL;
    const struct audit_log_settings settings = {"test 0.0", draft_clock, &clock, create};
    bool ok = audit_log_open(&log, path, &settings, err);
    audit_log_free(log);
    return ok;
}

static void test_begins_and_goes_on(void)
{
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct stat st;
    struct buf text;
    struct audit_log *log = draft_open(path, &clock);
    CU_ASSERT_EQUAL(audit_log_head(log)->seq, 0);
    draft_append(log, "one", 1);
    CU_ASSERT_EQUAL(audit_log_head(log)->seq, 1);
    audit_log_free(log);
    log = draft_open(path, &clock);
    CU_ASSERT_EQUAL(audit_log_head(log)->seq, 1);
    draft_append(log, "two", 2);
    audit_log_free(log);
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    verify(path, 2, 0);
    draft_read(path, &text);
    const char *head =
        "{\"seq\":1,\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"test 0.0\",\"event\":\"one\","
        "\"text\":\"quote \\\" back \\\\ slash / J\xC3\xBCrgen\",\"n\":1,\"prev\":\"0000";
    CU_ASSERT_EQUAL(strncmp(buf_text(&text), head, strlen(head)), 0);
    buf_release(&text);
}

static void test_what_is_refused(void)
{
    struct err err = ERR_INIT;
    char target[128];
    EXPECT_FAIL(try_open(fresh("log"), false, &err), ERR_FILE, "audit log: No such file");
    CU_ASSERT_FALSE(scratch_exists(&scratch, "log"));
    EXPECT_FAIL(try_open("/nowhere/log", true, &err), ERR_FILE, "/nowhere/log: audit log");
    snprintf(target, sizeof(target), "%s", scratch_file(&scratch, "log", "", 0));
    CU_ASSERT_EQUAL(chmod(target, 0660), 0);
    EXPECT_FAIL(try_open(target, true, &err), ERR_FILE, "may be written by others");
    CU_ASSERT_EQUAL(chmod(target, 0644), 0);
    EXPECT_OK(try_open(target, false, &err));
    CU_ASSERT_EQUAL(symlink(target, fresh("link")), 0);
    EXPECT_FAIL(try_open(scratch_path(&scratch, "link"), true, &err), ERR_FILE, "audit log");
    CU_ASSERT_EQUAL(mkfifo(fresh("pipe"), 0600), 0);
    EXPECT_FAIL(try_open(scratch_path(&scratch, "pipe"), true, &err), ERR_FILE, "audit log");
}

static void test_broken_log_is_named(void)
{
    struct err err = ERR_INIT;
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct buf text;
    struct audit_log *log = draft_open(path, &clock);
    for (uint64_t i = 0; i < 5; i++)
        draft_append(log, "event", i);
    audit_log_free(log);
    draft_read(path, &text);
    text.data[text.len / 2] ^= 1;
    scratch_file(&scratch, "log", text.data, text.len);
    EXPECT_FAIL(try_open(path, true, &err), ERR_INTEGRITY, "log:3: was changed: its bytes have another hash");
    buf_release(&text);
}

/* A program may fall at any byte of a line: the next one goes on, and nothing is lost unsaid. */
static void test_cut_at_every_byte_of_the_last_line(void)
{
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct buf text, after;
    struct audit_log *log = draft_open(path, &clock);
    draft_append(log, "one", 1);
    draft_read(path, &text);
    size_t first = text.len;
    buf_release(&text);
    draft_append(log, "two", 2);
    audit_log_free(log);
    draft_read(path, &text);
    for (size_t len = first; len <= text.len; len++) {
        char due[64];
        bool whole = len + 1 >= text.len, cut = len > first && !whole;
        scratch_file(&scratch, "log", text.data, len);
        log = draft_open(path, &clock);
        CU_ASSERT_EQUAL(audit_log_head(log)->seq, (uint64_t)1 + whole + cut);
        draft_append(log, "three", 3);
        audit_log_free(log);
        verify(path, (uint64_t)2 + whole + cut, cut);
        draft_read(path, &after);
        snprintf(due, sizeof(due), "\"event\":\"cut-line\",\"bytes\":%zu,\"sha256\":\"", len - first);
        CU_ASSERT_EQUAL(strstr(buf_text(&after), due) != NULL, cut);
        buf_release(&after);
    }
    buf_release(&text);
}

/* A cut line that is longer than the line which tells of it leaves nothing behind. */
static void test_long_cut_line(void)
{
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct buf text;
    struct audit_log *log = draft_open(path, &clock);
    draft_append(log, "one", 1);
    audit_log_free(log);
    draft_read(path, &text);
    buf_put_fill(&text, 'x', 20000);
    scratch_file(&scratch, "log", text.data, text.len);
    audit_log_free(draft_open(path, &clock));
    verify(path, 2, 1);
    buf_release(&text);
}

static void append_many(const char *path, uint64_t count)
{
    time_t clock = DRAFT_START;
    struct err err = ERR_INIT;
    struct audit_log *log = NULL;
    const struct audit_log_settings settings = {"test 0.0", draft_clock, &clock, true};
    bool ok = audit_log_open(&log, path, &settings, &err);
    for (uint64_t i = 0; ok && i < count; i++) {
        struct audit_event e;
        audit_event_init(&e, "event");
        audit_number(&e, "n", i);
        ok = audit_log_append(log, &e, &err);
        audit_event_release(&e);
    }
    audit_log_free(log);
    _exit(ok ? 0 : 1);
}

static void test_writers_at_once(void)
{
    const char *path = fresh("log");
    for (unsigned i = 0; i < 4; i++) {
        if (fork() == 0) append_many(path, 25);
    }
    for (unsigned i = 0; i < 4; i++) {
        int status = 1;
        wait(&status);
        CU_ASSERT_EQUAL(status, 0);
    }
    verify(path, 100, 0);
}

/* Killed at moments that nobody chooses: every line that was reported as written is there, and the log goes on. */
static void test_killed_writers(void)
{
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    uint64_t lines = 0;
    struct err err = ERR_INIT;
    const struct audit_verify_settings settings = {.signers = NULL};
    struct audit_verified v;

    for (unsigned i = 0; i < 20; i++) {
        int pipes[2];
        char byte = 0;
        CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
            time_t own = DRAFT_START;
            struct audit_log *log = draft_open(path, &own);
            for (uint64_t n = 0;; n++) {
                draft_append(log, "event", n);
                if (write(pipes[1], "x", 1) != 1) _exit(1);
            }
        }
        close(pipes[1]);
        for (unsigned n = 0; n < 3; n++)
            CU_ASSERT_EQUAL(read(pipes[0], &byte, 1), 1);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint64_t told = 3;
        while (read(pipes[0], &byte, 1) == 1)
            told++;
        close(pipes[0]);
        struct audit_log *log = draft_open(path, &clock);
        uint64_t now = audit_log_head(log)->seq;
        audit_log_free(log);
        CU_ASSERT(now >= lines + told && now <= lines + told + 2);
        lines = now;
    }
    EXPECT_OK(audit_verify(path, &settings, &v, &err));
}

/* A limit on the file's size, as a full disk is: refused, and the log is as it was. */
static void test_disk_full(void)
{
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct stat st;
    struct audit_log *log = draft_open(path, &clock);
    draft_append(log, "one", 1);
    audit_log_free(log);
    CU_ASSERT_EQUAL_FATAL(stat(path, &st), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {(rlim_t)st.st_size + 40, (rlim_t)st.st_size + 40};
        struct err err = ERR_INIT;
        struct audit_event e;
        log = draft_open(path, &clock);
        setrlimit(RLIMIT_FSIZE, &limit);
        audit_event_init(&e, "two");
        bool refused = !audit_log_append(log, &e, &err) && err.kind == ERR_FILE &&
                       strstr(err.text, "could not be written") && audit_log_head(log)->seq == 1;
        refused = refused && !audit_log_append(log, &e, &err);
        audit_event_release(&e);
        audit_log_free(log);
        _exit(refused ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    verify(path, 1, 0);
}

static void test_changed_while_open(void)
{
    struct err err = ERR_INIT;
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct audit_event e;
    struct audit_log *log = draft_open(path, &clock);
    draft_append(log, "one", 1);
    audit_event_init(&e, "two");
    CU_ASSERT_EQUAL(truncate(path, 10), 0);
    EXPECT_FAIL(audit_log_append(log, &e, &err), ERR_INTEGRITY, "line 1 was removed while");
    unlink(path);
    EXPECT_FAIL(audit_log_append(log, &e, &err), ERR_INTEGRITY, "was exchanged while");
    scratch_file(&scratch, "log", "", 0);
    EXPECT_FAIL(audit_log_append(log, &e, &err), ERR_INTEGRITY, "was exchanged while");
    audit_event_release(&e);
    audit_log_free(log);
}

static void test_others_lines_are_checked(void)
{
    struct err err = ERR_INIT;
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct audit_event e;
    struct audit_log *log = draft_open(path, &clock), *other = draft_open(path, &clock);
    draft_append(log, "one", 1);
    draft_append(other, "two", 2);
    CU_ASSERT_EQUAL(audit_log_head(other)->seq, 2);
    draft_append(log, "three", 3);
    CU_ASSERT_EQUAL(audit_log_head(log)->seq, 3);
    FILE *f = fopen(path, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs("rubbish\n", f);
    fclose(f);
    audit_event_init(&e, "four");
    EXPECT_FAIL(audit_log_append(other, &e, &err), ERR_INTEGRITY, "log:4: is no line of an audit log");
    audit_event_release(&e);
    audit_log_free(log);
    audit_log_free(other);
}

static void test_held_over_several_lines(void)
{
    struct err err = ERR_INIT;
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    struct audit_log *log = draft_open(path, &clock);
    EXPECT_OK(audit_log_hold(log, &err));
    pid_t child = fork();
    if (child == 0) append_many(path, 1);
    draft_append(log, "one", 1);
    draft_append(log, "two", 2);
    CU_ASSERT_EQUAL(audit_log_head(log)->seq, 2);
    audit_log_let_go(log);
    int status = 1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    EXPECT_OK(audit_log_hold(log, &err));
    CU_ASSERT_EQUAL(audit_log_head(log)->seq, 3);
    audit_log_free(log);
    verify(path, 3, 0);
}

static bool refuse(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    (void)context;
    (void)data;
    (void)len;
    (void)signature;
    return err_set(err, ERR_TOKEN, "the token is gone");
}

static void test_closing_that_is_not_signed(void)
{
    struct err err = ERR_INIT;
    const char *path = fresh("log");
    time_t clock = DRAFT_START;
    const struct audit_signer signer = {.sign = refuse};
    struct audit_event e;
    struct audit_log *log = draft_open(path, &clock);
    audit_event_init(&e, AUDIT_CLOSING);
    EXPECT_FAIL(audit_log_append_closing(log, &e, &signer, &err), ERR_TOKEN, "the token is gone");
    EXPECT_FAIL(audit_log_append(log, &e, &err), ERR_INTERNAL, "is to be signed");
    audit_event_release(&e);
    audit_event_init(&e, "other");
    EXPECT_FAIL(audit_log_append_closing(log, &e, &signer, &err), ERR_INTERNAL, "is no closing");
    audit_event_release(&e);
    audit_log_free(log);
    verify(path, 0, 0);
}

static const struct test_case cases[] = {
    {"a log is begun and goes on", test_begins_and_goes_on},
    {"files that are refused", test_what_is_refused},
    {"a broken log is named", test_broken_log_is_named},
    {"cut at every byte of the last line", test_cut_at_every_byte_of_the_last_line},
    {"a long cut line", test_long_cut_line},
    {"writers at once", test_writers_at_once},
    {"killed writers", test_killed_writers},
    {"disk full", test_disk_full},
    {"changed while open", test_changed_while_open},
    {"lines of others are checked", test_others_lines_are_checked},
    {"held over several lines", test_held_over_several_lines},
    {"a closing that is not signed", test_closing_that_is_not_signed},
};

int main(void)
{
    scratch_init(&scratch);
    int status = suite_run("audit/log", cases, SUITE_COUNT(cases));
    scratch_release(&scratch);
    return status;
}
