#include "base/outfile.h"
#include "base/buf.h"
#include "scratch.h"
#include "suite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void test_appears_only_when_committed(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    struct stat st;
    scratch_init(&s);
    EXPECT_OK(outfile_create(&f, scratch_path(&s, "out"), &err));
    EXPECT_OK(outfile_append(f, "record 1\n", 9, &err));
    EXPECT_OK(outfile_append(f, NULL, 0, &err));
    EXPECT_OK(outfile_append(f, "record 2\n", 9, &err));
    CU_ASSERT_EQUAL(outfile_size(f), 18);
    CU_ASSERT_FALSE(scratch_exists(&s, "out"));
    CU_ASSERT_TRUE(scratch_holds(&s, "out.partial", "record 1\nrecord 2\n"));
    CU_ASSERT_STRING_EQUAL(outfile_partial_path(f), s.path);
    CU_ASSERT_EQUAL(stat(s.path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    EXPECT_OK(outfile_commit(f, &err));
    outfile_close(f, false);
    CU_ASSERT_TRUE(scratch_holds(&s, "out", "record 1\nrecord 2\n"));
    CU_ASSERT_FALSE(scratch_exists(&s, "out.partial"));
    scratch_release(&s);
}

static void test_empty_output(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    scratch_init(&s);
    EXPECT_OK(outfile_create(&f, scratch_path(&s, "out"), &err));
    EXPECT_OK(outfile_commit(f, &err));
    outfile_close(f, true);
    CU_ASSERT_TRUE(scratch_holds(&s, "out", ""));
    scratch_release(&s);
    outfile_close(NULL, true);
}

static void test_uncommitted_is_removed_or_kept(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    scratch_init(&s);
    EXPECT_OK(outfile_create(&f, scratch_path(&s, "out"), &err));
    outfile_close(f, false);
    CU_ASSERT_FALSE(scratch_exists(&s, "out.partial"));
    EXPECT_OK(outfile_create(&f, scratch_path(&s, "out"), &err));
    EXPECT_OK(outfile_append(f, "half", 4, &err));
    outfile_close(f, true);
    CU_ASSERT_TRUE(scratch_holds(&s, "out.partial", "half"));
    CU_ASSERT_FALSE(scratch_exists(&s, "out"));
    scratch_release(&s);
}

static void test_existing_output_is_refused(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    char path[128];
    scratch_init(&s);
    snprintf(path, sizeof(path), "%s", scratch_file(&s, "out", "old", 3));
    EXPECT_FAIL(outfile_create(&f, path, &err), ERR_FILE, "exists and is not replaced");
    CU_ASSERT_FALSE(scratch_exists(&s, "out.partial"));
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", path), 0);
    EXPECT_FAIL(outfile_create(&f, path, &err), ERR_FILE, "exists and is not replaced");
    CU_ASSERT_PTR_NULL(f);
    scratch_release(&s);
}

static void test_output_that_appears_meanwhile_is_not_replaced(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    scratch_init(&s);
    EXPECT_OK(outfile_create(&f, scratch_path(&s, "out"), &err));
    EXPECT_OK(outfile_append(f, "new", 3, &err));
    scratch_file(&s, "out", "other", 5);
    EXPECT_FAIL(outfile_commit(f, &err), ERR_FILE, "appeared meanwhile");
    outfile_close(f, true);
    CU_ASSERT_TRUE(scratch_holds(&s, "out", "other"));
    CU_ASSERT_TRUE(scratch_holds(&s, "out.partial", "new"));
    scratch_release(&s);
}

static void test_leftover_partial_is_refused(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    scratch_init(&s);
    scratch_file(&s, "out.partial", "left", 4);
    EXPECT_FAIL(outfile_create(&f, scratch_path(&s, "out"), &err), ERR_FILE, "if none is running, remove it");
    EXPECT_FAIL(outfile_create_replacing(&f, s.path, &err), ERR_FILE, "out.partial: exists");
    CU_ASSERT_TRUE(scratch_holds(&s, "out.partial", "left"));
    scratch_release(&s);
}

static void test_replacing(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    scratch_init(&s);
    EXPECT_OK(outfile_create_replacing(&f, scratch_file(&s, "state", "old", 3), &err));
    EXPECT_OK(outfile_append(f, "new", 3, &err));
    CU_ASSERT_TRUE(scratch_holds(&s, "state", "old"));
    EXPECT_OK(outfile_commit(f, &err));
    outfile_close(f, false);
    CU_ASSERT_TRUE(scratch_holds(&s, "state", "new"));
    scratch_release(&s);
}

static void test_folder_that_cannot_be_written(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    scratch_init(&s);
    EXPECT_FAIL(outfile_create(&f, scratch_path(&s, "none/out"), &err), ERR_FILE,
                "its folder does not exist");
    scratch_file(&s, "file", "", 0);
    EXPECT_FAIL(outfile_create(&f, scratch_path(&s, "file/out"), &err), ERR_FILE, "Not a directory");
    CU_ASSERT_PTR_NULL(f);
    scratch_release(&s);
}

/* A limit on the size of files stands in for a full disk. */
static void test_full_disk_cuts_back_and_goes_on(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    struct rlimit normal;
    struct rlimit small;
    scratch_init(&s);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &normal), 0);
    small = normal;
    small.rlim_cur = 10;
    EXPECT_OK(outfile_create(&f, scratch_path(&s, "out"), &err));
    EXPECT_OK(outfile_append(f, "1234567\n", 8, &err));
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool appended = outfile_append(f, "abcdefg\n", 8, &err);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &normal), 0);
    CU_ASSERT_FALSE(appended);
    CU_ASSERT_EQUAL(err.kind, ERR_FILE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "8 bytes cannot be written at offset 8: File too large"));
    CU_ASSERT_EQUAL(outfile_size(f), 8);
    CU_ASSERT_TRUE(scratch_holds(&s, "out.partial", "1234567\n"));
    EXPECT_OK(outfile_append(f, "ABCDEFG\n", 8, &err));
    EXPECT_OK(outfile_commit(f, &err));
    outfile_close(f, false);
    CU_ASSERT_TRUE(scratch_holds(&s, "out", "1234567\nABCDEFG\n"));
    scratch_release(&s);
}

static void test_killed_before_commit_leaves_the_partial(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct outfile *f = NULL;
    int status = 0;
    scratch_init(&s);
    scratch_path(&s, "out");
    pid_t child = fork();
    if (child == 0) {
        if (outfile_create(&f, s.path, &err) && outfile_append(f, "record 1\n", 9, &err)) raise(SIGKILL);
        _exit(1);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFSIGNALED(status));
    CU_ASSERT_FALSE(scratch_exists(&s, "out"));
    CU_ASSERT_TRUE(scratch_holds(&s, "out.partial", "record 1\n"));
    EXPECT_FAIL(outfile_create(&f, scratch_path(&s, "out"), &err), ERR_FILE, "out.partial: exists");
    scratch_release(&s);
}

static void test_read_all(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct buf b;
    scratch_init(&s);
    buf_init(&b, 100000);
    const char *path = scratch_file(&s, "in", "abcdef", 6);
    EXPECT_OK(file_read_all(path, 6, &b, &err));
    CU_ASSERT_STRING_EQUAL(buf_text(&b), "abcdef");
    EXPECT_FAIL(file_read_all(path, 5, &b, &err), ERR_FILE, "in: is larger than 5 bytes");
    CU_ASSERT_EQUAL(b.len, 6);
    CU_ASSERT_EQUAL(truncate(path, 10LL * 1000 * 1000 * 1000), 0);
    EXPECT_FAIL(file_read_all(path, SIZE_MAX, &b, &err), ERR_INPUT, "in is larger than 100000 bytes");
    CU_ASSERT_EQUAL(b.len, 6);
    CU_ASSERT_FALSE(b.failed);
    EXPECT_OK(file_read_all(scratch_file(&s, "empty", "", 0), 0, &b, &err));
    EXPECT_FAIL(file_read_all(scratch_path(&s, "none"), 5, &b, &err), ERR_FILE, "none: cannot be opened");
    EXPECT_FAIL(file_read_all(s.folder, 5, &b, &err), ERR_FILE, "Is a directory");
    buf_release(&b);
    scratch_release(&s);
}

static void test_path_beside(void)
{
    static const char *const rows[][3] = {
        {"jobs/a.yaml", "cards.csv", "jobs/cards.csv"},
        {"a.yaml", "cards.csv", "cards.csv"},
        {"/a.yaml", "b", "/b"},
        {"jobs/a.yaml", "/etc/b", "/etc/b"},
        {"x/y/", "../b", "x/y/../b"},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        char *path = NULL;
        EXPECT_OK(file_path_beside(rows[i][0], rows[i][1], &path, &err));
        CU_ASSERT_STRING_EQUAL(path, rows[i][2]);
        free(path);
    }
}

static const struct test_case cases[] = {
    {"appears only when committed", test_appears_only_when_committed},
    {"empty output", test_empty_output},
    {"uncommitted is removed or kept", test_uncommitted_is_removed_or_kept},
    {"existing output is refused", test_existing_output_is_refused},
    {"output that appears meanwhile is not replaced", test_output_that_appears_meanwhile_is_not_replaced},
    {"leftover partial is refused", test_leftover_partial_is_refused},
    {"replacing", test_replacing},
    {"folder that cannot be written", test_folder_that_cannot_be_written},
    {"full disk cuts back and goes on", test_full_disk_cuts_back_and_goes_on},
    {"killed before commit leaves the partial", test_killed_before_commit_leaves_the_partial},
    {"read all", test_read_all},
    {"path beside", test_path_beside},
};

int main(void)
{
    return suite_run("base/outfile", cases, SUITE_COUNT(cases));
}
