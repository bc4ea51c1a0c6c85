#include "base/file_lock.h"

#include "scratch.h"
#include "suite.h"

static struct scratch scratch;

static int opened(void)
{
    int fd = open(scratch_path(&scratch, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

static void test_locks(void)
{
    struct err err = ERR_INIT;
    int a = opened(), b = opened();
    EXPECT_OK(file_lock(a, "file", FILE_LOCK_SHARED, &err));
    EXPECT_OK(file_lock(b, "file", FILE_LOCK_SHARED, &err));
    file_unlock(a);
    EXPECT_OK(file_lock(b, "file", FILE_LOCK_EXCLUSIVE, &err));
    file_unlock(b);
    EXPECT_OK(file_lock(a, "file", FILE_LOCK_EXCLUSIVE, &err));
    close(a); /* what ends, lets go */
    EXPECT_OK(file_lock(b, "file", FILE_LOCK_EXCLUSIVE, &err));
    close(b);
    EXPECT_FAIL(file_lock(-1, "file", FILE_LOCK_SHARED, &err), ERR_FILE, "file: lock");
}

static const struct test_case cases[] = {
    {"shared, exclusive, let go", test_locks},
};

int main(void)
{
    scratch_init(&scratch);
    int status = suite_run("base/file_lock", cases, SUITE_COUNT(cases));
    scratch_release(&scratch);
    return status;
}
