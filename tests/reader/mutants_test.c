/* Files that are wrong in one place, with all seals around it made again: one rule is left to refuse them,
 * and does. */
#include "suite.h"

#include "fixture.h"
#include "mutants.h"

static void test_mutants(void)
{
    for (size_t i = 0; i < mutant_count; i++) {
        struct fixture f = fixture_set_up();
        mutants[i].edit(&f.image);
        expect_refused(&f, mutants[i].seal, mutants[i].name, mutants[i].refusal);
        fixture_tear_down(&f);
    }
}

static const struct test_case CASES[] = {
    {"each rule refuses what only it can refuse", test_mutants},
};

int main(void)
{
    return suite_run("reader/mutants", CASES, SUITE_COUNT(CASES));
}
