/* Journal and books together: whenever a run is killed, the next one finds the books brought up to the journal. */
#include "bureau/ledger.h"

#include <sys/wait.h>

#include "../base/scratch.h"
#include "suite.h"

static struct scratch scratch;
static const struct job_group job = {.job_id = {7, 7}, .planned = 3, .shard = 1, .shards = 1};
static const struct card_group first_card = {.job_id = {7, 7}, .number = 1},
                               other_job = {.job_id = {8}, .number = 1};
static const struct card_id card_a = {{0xAA, 1}, 10}, card_b = {{0xBB, 2}, 10};

static time_t ticking(void *context)
{
    time_t *t = context;
    return (*t)++;
}
static time_t now = 1795687200;

static void forget(void)
{
    DIR *d = opendir(scratch.folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        unlinkat(dirfd(d), e->d_name, 0);
    if (d) closedir(d);
}

static struct ledger *open_it(uint64_t *recovered)
{
    struct err err = ERR_INIT;
    struct ledger *l = NULL;
    EXPECT_OK(ledger_open(&l, scratch_path(&scratch, "books"), &job, ticking, &now, recovered, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    return l;
}

static bool begin(struct ledger *l, const struct card_group *card, struct card_id *expected, struct err *err)
{
    const struct ledger_begin what = {card, "Reader", (const uint8_t *)"\x3B\x00", 2};
    return ledger_begin(l, &what, expected, err);
}

static bool end(struct ledger *l, enum card_outcome outcome, struct err *err)
{
    const struct journal_ending ending = {1, outcome, "", "SELECT", "", 3, 4, NULL};
    return ledger_outcome(l, &first_card, &ending, err);
}

static enum record_state in_books(struct ledger *l)
{
    struct err err = ERR_INIT;
    struct record_status status = {.state = RECORD_DESTROYED};
    EXPECT_OK(registry_record_state(ledger_registry(l), &first_card, &status, &err));
    return status.state;
}

static enum journal_state in_journal(const struct ledger *l)
{
    const struct journal_record *r = journal_book_find(ledger_book(l), 1);
    return r ? r->state : JOURNAL_FREE;
}

/* One of a card's three events, or its destruction, in journal and books. */
static bool step(struct ledger *l, unsigned n, enum card_outcome outcome, struct err *err)
{
    struct card_id expected;
    if (n == 0) return begin(l, &first_card, &expected, err);
    if (n == 3) return ledger_destroy(l, 1, &card_a, "press", err);
    return n == 1 ? ledger_known(l, &first_card, &card_a, 0, err) : end(l, outcome, err);
}

static bool shell(const char *what)
{
    char command[400];
    snprintf(command, sizeof(command), "cd %s && %s", scratch.folder, what);
    return system(command) == 0;
}

/* So many steps are in the journal, and one less in the books: there the program was killed. */
static void kill_between(unsigned steps, enum card_outcome outcome)
{
    int status = 1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = ERR_INIT;
        uint64_t recovered = 0;
        struct ledger *l = open_it(&recovered);
        bool ok = true;
        for (unsigned n = 0; ok && n < steps; n++) {
            if (n + 1 == steps)
                ok = shell("mkdir saved && cp books books-* saved/ 2>/dev/null || cp books saved/");
            ok = ok && step(l, n, outcome, &err);
        }
        _exit(ok ? 0 : 1);
    }
    CU_ASSERT_TRUE(waitpid(pid, &status, 0) == pid && status == 0);
    if (steps > 0) CU_ASSERT_TRUE(shell("rm -f books books-* && mv saved/* . && rmdir saved"));
}

static void test_books_are_brought_up(void)
{
    static const struct {
        enum card_outcome outcome;
        enum journal_state journal;
        enum record_state books;
    } ends[] = {{CARD_MADE, JOURNAL_MADE, RECORD_MADE},
                {CARD_UNTOUCHED, JOURNAL_FREE, RECORD_OPEN},
                {CARD_HALF_DONE, JOURNAL_HALF_DONE, RECORD_HALF_DONE},
                {CARD_SPOILED, JOURNAL_SPOILED, RECORD_SPOILED}};
    for (size_t i = 0; i < SUITE_COUNT(ends); i++)
        for (unsigned steps = 0; steps <= 3; steps++) {
            uint64_t recovered = 0;
            forget();
            kill_between(steps, ends[i].outcome);
            struct ledger *l = open_it(&recovered);
            bool known = steps == 2, ended = steps == 3;
            CU_ASSERT_EQUAL(in_journal(l), ended ? ends[i].journal : known ? JOURNAL_UNKNOWN : JOURNAL_FREE);
            CU_ASSERT_EQUAL(in_books(l), ended ? ends[i].books : known ? RECORD_HALF_DONE : RECORD_OPEN);
            ledger_free(l);
        }
}

static enum record_state state_in(struct registry *books)
{
    struct err err = ERR_INIT;
    struct record_status status = {.state = RECORD_DESTROYED};
    EXPECT_OK(registry_record_state(books, &first_card, &status, &err));
    return status.state;
}

/* Who only reads the books finds them as the journal says, without a run in between; and leaves a run alone that is at work. */
static void test_books_are_caught_up_for_readers(void)
{
    struct err err = ERR_INIT;
    struct registry *books = NULL;
    const char *path = scratch_path(&scratch, "books");
    forget();
    kill_between(3, CARD_MADE);
    EXPECT_OK(registry_open(&books, path, &err));
    CU_ASSERT_EQUAL(state_in(books), RECORD_UNDER_WAY);
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(ledger_catch_up(books, path, &job, ticking, &now, &err));
        CU_ASSERT_EQUAL(state_in(books), RECORD_MADE);
    }
    registry_close(books);

    forget();
    EXPECT_OK(registry_open(&books, path, &err));
    EXPECT_OK(ledger_catch_up(books, path, &job, ticking, &now, &err));
    CU_ASSERT_TRUE(shell("[ -z \"$(ls | grep journal)\" ]")); /* none is begun */
    uint64_t recovered = 0;
    struct ledger *l = open_it(&recovered);
    for (unsigned n = 0; n < 2; n++)
        EXPECT_OK(step(l, n, CARD_MADE, &err));
    EXPECT_OK(ledger_catch_up(books, path, &job, ticking, &now, &err));
    CU_ASSERT_EQUAL(state_in(books), RECORD_UNDER_WAY);
    EXPECT_OK(end(l, CARD_MADE, &err));
    ledger_free(l);
    registry_close(books);
}

static void test_destruction(void)
{
    static const enum card_outcome ends[] = {CARD_MADE, CARD_HALF_DONE, CARD_SPOILED};
    struct err err = ERR_INIT;
    struct card_id expected;
    uint64_t recovered = 0;
    for (size_t i = 0; i < SUITE_COUNT(ends); i++) {
        forget();
        kill_between(4, ends[i]);
        struct ledger *l = open_it(&recovered);
        CU_ASSERT_EQUAL(in_journal(l), JOURNAL_DESTROYED);
        CU_ASSERT_EQUAL(in_books(l), RECORD_DESTROYED);
        EXPECT_FAIL(ledger_destroy(l, 1, &card_a, "press", &err), ERR_INPUT, "is destroyed already");
        EXPECT_FAIL(begin(l, &first_card, &expected, &err), ERR_INPUT, "needs a remake list");
        ledger_free(l);
        l = open_it(&recovered); /* noted once */
        struct record_status status;
        EXPECT_OK(registry_record_state(ledger_registry(l), &first_card, &status, &err));
        CU_ASSERT_EQUAL(status.destroyed, 1);
        ledger_free(l);
    }
    /* New books beside an old journal know no such card, and get nothing; the journal stays as it was. */
    CU_ASSERT_TRUE(shell("rm -f books books-*"));
    struct ledger *l = open_it(&recovered);
    CU_ASSERT_EQUAL(in_books(l), RECORD_OPEN);
    ledger_free(l);
    forget();
    l = open_it(&recovered);
    for (unsigned n = 0; n < 3; n++)
        EXPECT_OK(step(l, n, CARD_SPOILED, &err));
    ledger_free(l);
    CU_ASSERT_TRUE(shell("rm -f books books-*"));
    l = open_it(&recovered);
    EXPECT_FAIL(ledger_destroy(l, 1, &card_a, "press", &err), ERR_INPUT, "was never on card");
    CU_ASSERT_EQUAL(in_journal(l), JOURNAL_SPOILED);
    ledger_free(l);
}

static void test_remake_list(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    uint64_t recovered = 0;
    forget();
    struct ledger *l = open_it(&recovered);
    for (unsigned n = 0; n < 3; n++)
        EXPECT_OK(step(l, n, CARD_SPOILED, &err));
    EXPECT_FAIL(begin(l, &first_card, &expected, &err), ERR_INPUT, "needs a remake list");
    const struct record_note remake = {.event = EVENT_REMAKE, .time = now, .text = "list 7"};
    EXPECT_OK(registry_append(ledger_registry(l), &first_card, job.job_id, &remake, &err));
    ledger_free(l);
    l = open_it(&recovered);
    CU_ASSERT_STRING_EQUAL(ledger_remake_allowed(l, 2), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(ledger_remake_allowed(l, 1), "list 7 #"));
    EXPECT_OK(begin(l, &first_card, &expected, &err));
    EXPECT_OK(ledger_known(l, &first_card, &card_b, 0, &err));
    EXPECT_OK(end(l, CARD_MADE, &err));
    CU_ASSERT_STRING_EQUAL(ledger_remake_allowed(l, 1), ""); /* used up */
    EXPECT_FAIL(begin(l, &first_card, &expected, &err), ERR_INPUT, "needs a remake list");
    CU_ASSERT_EQUAL(in_books(l), RECORD_MADE);
    ledger_free(l);
}

/* New books beside an old journal allow nothing. */
static void test_lost_books_are_no_authority(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    uint64_t recovered = 0;
    forget();
    struct ledger *l = open_it(&recovered);
    for (unsigned n = 0; n < 3; n++)
        EXPECT_OK(step(l, n, CARD_MADE, &err));
    ledger_free(l);
    CU_ASSERT_TRUE(shell("rm -f books books-*"));
    l = open_it(&recovered);
    EXPECT_FAIL(begin(l, &first_card, &expected, &err), ERR_INPUT, "another card needs a remake list");
    ledger_free(l);
}

static void test_other_jobs_and_other_runs(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    struct ledger *second = NULL;
    uint64_t recovered = 0;
    forget();
    struct ledger *l = open_it(&recovered);
    EXPECT_FAIL(begin(l, &other_job, &expected, &err), ERR_INPUT, "of another job");
    EXPECT_FAIL(ledger_open(&second, scratch_path(&scratch, "books"), &job, ticking, &now, &recovered, &err),
                ERR_FILE, "another");
    ledger_free(l);
}

static const struct test_case cases[] = {
    {"books are brought up to the journal", test_books_are_brought_up},
    {"books are caught up for readers", test_books_are_caught_up_for_readers},
    {"a card that is destroyed", test_destruction},
    {"a remake list", test_remake_list},
    {"lost books are no authority", test_lost_books_are_no_authority},
    {"other jobs, other runs", test_other_jobs_and_other_runs},
};

int main(void)
{
    scratch_init(&scratch);
    int status = suite_run("bureau/ledger", cases, SUITE_COUNT(cases));
    scratch_release(&scratch);
    return status;
}
