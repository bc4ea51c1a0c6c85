#include "base/interrupt.h"

#include <poll.h>
#include <unistd.h>

#include "suite.h"

static bool is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* Each is told once, and its end lets signals do what they did before: here they are ignored. */
static void test_watched(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    struct err err = ERR_INIT;
    struct interrupt i;
    sigset_t now;
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    for (size_t n = 0; n < 2; n++) {
        EXPECT_OK(interrupt_watch(&i, &err));
        CU_ASSERT_FALSE(interrupt_came(&i));
        CU_ASSERT_EQUAL(kill(getpid(), signals[n]), 0);
        CU_ASSERT_TRUE(is_readable(i.fd) && interrupt_came(&i));
        CU_ASSERT_FALSE(is_readable(i.fd) || interrupt_came(&i));
        interrupt_release(&i);
        CU_ASSERT_EQUAL(i.fd, -1);
        CU_ASSERT_FALSE(interrupt_came(&i));
        CU_ASSERT_EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
        CU_ASSERT_FALSE(sigismember(&now, signals[n]));
    }
    interrupt_release(&i); /* harmless */
}

static const struct test_case cases[] = {
    {"signals wait to be asked for", test_watched},
};

int main(void)
{
    return suite_run("base/interrupt", cases, SUITE_COUNT(cases));
}
