/* The journal of cards: what may be begun, and that it is true whenever its program ends. */
#include "bureau/journal.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../base/scratch.h"
#include "base/outfile.h"
#include "suite.h"

static struct scratch scratch;
static const uint8_t job[JOB_ID_LEN] = {1, 2, 3};
static const struct card_id card_a = {{0xAA, 1}, 10}, card_b = {{0xBB, 2}, 10}, card_c = {{0xCC, 3}, 10},
                            no_card = {{0}, 0};

/* 2026-11-26T10:00:00Z and then a second more at each look. */
static time_t ticking(void *context)
{
    time_t *t = context;
    return (*t)++;
}
static time_t now = 1795687200;

static const char *fresh(void)
{
    unlink(scratch_path(&scratch, "journal"));
    return scratch.path;
}
static struct journal *open_it(void)
{
    struct err err = ERR_INIT;
    struct journal *j = NULL;
    EXPECT_OK(journal_open(&j, scratch_path(&scratch, "journal"), job, ticking, &now, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(j);
    return j;
}
static struct journal *reopen(struct journal *j)
{
    journal_free(j);
    return open_it();
}

static bool begin(struct journal *j, uint64_t record, const char *authority, struct card_id *expected,
                  struct err *err)
{
    const struct journal_begin what = {record, "Reader 0", (const uint8_t *)"\x3B\x00", 2, authority};
    return journal_begin(j, &what, expected, err);
}
static bool end(struct journal *j, uint64_t record, enum card_outcome outcome, struct err *err)
{
    const struct journal_ending ending = {record, outcome, "0102", "STORE DATA 3 of 7", "", 5, 120, NULL};
    return journal_outcome(j, &ending, err);
}
static enum journal_state state_of(const struct journal *j, uint64_t record)
{
    const struct journal_record *r = journal_book_find(journal_book(j), record);
    return r ? r->state : JOURNAL_FREE;
}

static void play(struct journal *j, uint64_t record, const struct card_id *card, enum card_outcome outcome)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    EXPECT_OK(begin(j, record, "", &expected, &err));
    EXPECT_OK(journal_known(j, record, card, 0, &err));
    EXPECT_OK(end(j, record, outcome, &err));
}

static void test_a_made_record_is_made_once(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    play(j, 1, &card_a, CARD_MADE);
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_MADE);
        EXPECT_FAIL(begin(j, 1, "", &expected, &err), ERR_INPUT, "is made; another card needs a remake list");
        j = reopen(j);
    }
    EXPECT_OK(begin(j, 2, "", &expected, &err));
    EXPECT_FAIL(journal_known(j, 2, &card_a, 0, &err), ERR_INPUT, "holds record 1");
    EXPECT_OK(journal_known(j, 2, &card_b, 0, &err));
    journal_free(j);
}

static void test_half_done_goes_onto_the_same_card_only(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    play(j, 1, &card_a, CARD_HALF_DONE);
    j = reopen(j);
    CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_HALF_DONE);
    EXPECT_OK(begin(j, 1, "", &expected, &err));
    CU_ASSERT_TRUE(card_id_equal(&expected, &card_a));
    EXPECT_FAIL(journal_known(j, 1, &card_b, 0, &err), ERR_INPUT, "may go on no other");
    EXPECT_OK(end(j, 1, CARD_UNTOUCHED, &err));
    CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_HALF_DONE);
    j = reopen(j);
    play(j, 1, &card_a, CARD_MADE);
    CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_MADE);
    journal_free(j);
}

static void test_untouched_leaves_the_record_free(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    EXPECT_OK(begin(j, 1, "", &expected, &err));
    EXPECT_OK(end(j, 1, CARD_UNTOUCHED, &err));
    CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_FREE);
    EXPECT_OK(begin(j, 1, "", &expected, &err));
    CU_ASSERT_EQUAL(expected.len, 0);
    EXPECT_FAIL(end(j, 1, CARD_MADE, &err), ERR_INTEGRITY, "before it was known");
    journal_free(j);
    j = open_it(); /* nothing of the refused line is there */
    CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_FREE);
    journal_free(j);
}

static void test_a_refused_key_is_not_tried_again_unasked(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    play(j, 1, &card_a, CARD_UNTOUCHED);
    j = reopen(j);
    CU_ASSERT_EQUAL(journal_book_refusals(journal_book(j), &card_a), 1);
    EXPECT_OK(begin(j, 2, "", &expected, &err));
    EXPECT_FAIL(journal_known(j, 2, &card_a, 0, &err), ERR_INPUT, "has refused its key 1 time;");
    EXPECT_OK(journal_known(j, 2, &card_a, 1, &err));
    EXPECT_OK(end(j, 2, CARD_MADE, &err));
    CU_ASSERT_EQUAL(journal_book_refusals(journal_book(j), &card_a), 0);
    journal_free(j);
}

static void test_remake_needs_authority_and_uses_it_up(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    play(j, 1, &card_a, CARD_SPOILED);
    EXPECT_FAIL(begin(j, 1, "", &expected, &err), ERR_INPUT, "needs a remake list");
    EXPECT_OK(begin(j, 1, "remake-7", &expected, &err));
    CU_ASSERT_EQUAL(expected.len, 0);
    EXPECT_FAIL(journal_known(j, 1, &card_a, 0, &err), ERR_INPUT,
                "a remake needs another card"); /* spoiled */
    EXPECT_OK(journal_known(j, 1, &card_b, 0, &err));
    EXPECT_OK(end(j, 1, CARD_HALF_DONE, &err));
    j = reopen(j);
    EXPECT_OK(begin(j, 1, "remake-7", &expected, &err)); /* the same list allows the same new card */
    CU_ASSERT_TRUE(card_id_equal(&expected, &card_b));
    EXPECT_FAIL(journal_known(j, 1, &card_c, 0, &err), ERR_INPUT, "may go on no other");
    EXPECT_OK(journal_known(j, 1, &card_b, 0, &err));
    EXPECT_OK(end(j, 1, CARD_MADE, &err));
    EXPECT_FAIL(begin(j, 1, "remake-7", &expected, &err), ERR_INPUT, "needs a remake list");
    EXPECT_OK(begin(j, 1, "remake-8", &expected, &err));
    EXPECT_FAIL(journal_known(j, 1, &card_b, 0, &err), ERR_INPUT, "a remake needs another card");
    EXPECT_FAIL(journal_known(j, 1, &card_a, 0, &err), ERR_INPUT,
                "a remake needs another card"); /* the one before the first remake */
    EXPECT_OK(journal_known(j, 1, &card_c, 0, &err));
    journal_free(j);
}

static void test_destroyed_cards(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    play(j, 1, &card_a, CARD_HALF_DONE);
    play(j, 3, &no_card, CARD_SPOILED);
    EXPECT_FAIL(journal_destroy(j, 2, &card_a, "x", &err), ERR_INPUT, "record 2: no card of it was changed");
    EXPECT_FAIL(journal_destroy(j, 1, &card_b, "x", &err), ERR_INPUT, "is not on card BB02");
    EXPECT_OK(journal_destroy(j, 1, &card_a, "press", &err));
    EXPECT_OK(journal_destroy(j, 3, &no_card, "press", &err));
    EXPECT_FAIL(journal_destroy(j, 3, &no_card, "press", &err), ERR_INPUT, "is destroyed already");
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_EQUAL(state_of(j, 1), JOURNAL_DESTROYED);
        CU_ASSERT_EQUAL(state_of(j, 3), JOURNAL_DESTROYED);
        EXPECT_FAIL(journal_destroy(j, 1, &card_a, "press", &err), ERR_INPUT, "is destroyed already");
        EXPECT_FAIL(begin(j, 1, "", &expected, &err), ERR_INPUT, "is destroyed; another card needs a remake");
        j = reopen(j);
    }
    CU_ASSERT_EQUAL(journal_book_last_destruction(journal_book(j))->record, 3);
    CU_ASSERT_STRING_EQUAL(journal_book_last_destruction(journal_book(j))->reason, "press");
    /* Not by a remake list either, and no other record. */
    EXPECT_OK(begin(j, 1, "remake-7", &expected, &err));
    EXPECT_FAIL(journal_destroy(j, 1, &card_a, "x", &err), ERR_INPUT, "is under way");
    EXPECT_FAIL(journal_known(j, 1, &card_a, 9, &err), ERR_INPUT, "is booked as destroyed");
    EXPECT_OK(journal_known(j, 1, &card_b, 0, &err));
    EXPECT_OK(end(j, 1, CARD_SPOILED, &err));
    EXPECT_OK(begin(j, 2, "", &expected, &err));
    EXPECT_FAIL(journal_known(j, 2, &card_a, 9, &err), ERR_INPUT, "is booked as destroyed");
    EXPECT_OK(end(j, 2, CARD_UNTOUCHED, &err));
    /* After a remake: the card before, and then its own. */
    play(j, 4, &card_c, CARD_SPOILED);
    EXPECT_OK(begin(j, 4, "remake-8", &expected, &err));
    EXPECT_OK(journal_known(j, 4, &(struct card_id){{0xDD}, 10}, 0, &err));
    EXPECT_OK(end(j, 4, CARD_MADE, &err));
    EXPECT_OK(journal_destroy(j, 4, &card_c, "old", &err));
    j = reopen(j);
    CU_ASSERT_EQUAL(state_of(j, 4), JOURNAL_MADE);
    CU_ASSERT_EQUAL(journal_book_find(journal_book(j), 4)->destroyed, 1);
    EXPECT_FAIL(journal_destroy(j, 4, &card_c, "old", &err), ERR_INPUT, "is destroyed already");
    journal_free(j);
}

static void test_a_card_that_tells_nothing(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    play(j, 1, &no_card, CARD_MADE);
    play(j, 2, &no_card, CARD_HALF_DONE);
    EXPECT_FAIL(begin(j, 2, "", &expected, &err), ERR_INPUT, "told nothing of itself");
    EXPECT_OK(begin(j, 2, "remake-1", &expected, &err));
    journal_free(j);
}

static void test_one_program_at_a_time(void)
{
    struct err err = ERR_INIT;
    struct journal *second = NULL;
    const uint8_t other[JOB_ID_LEN] = {9};
    fresh();
    struct journal *j = open_it();
    const char *path = scratch_path(&scratch, "journal");
    EXPECT_FAIL(journal_open(&second, path, job, ticking, &now, &err), ERR_FILE, "another program works on");
    err_clear(&err);
    EXPECT_OK(journal_open_reading(&second, path, job, &err));
    journal_free(second);
    journal_free(j);
    EXPECT_FAIL(journal_open(&second, path, other, ticking, &now, &err), ERR_INTEGRITY,
                "these are the cards of job");
}

static bool lacks(const struct journal *j, uint64_t record, const char *mic)
{
    return journal_book_lacks(journal_book(j), record, mic);
}

/* Each module by itself: what another has done makes up for nothing. Read back it is the same. */
static void test_modules_are_missed_one_by_one(void)
{
    struct err err = ERR_INIT;
    struct card_id expected;
    fresh();
    struct journal *j = open_it();
    const struct journal_ending made = {1, CARD_MADE, "", "", "", 1, 1, "EMBOSS PHOTO"};
    EXPECT_OK(begin(j, 1, "", &expected, &err));
    EXPECT_OK(journal_known(j, 1, &card_a, 0, &err));
    CU_ASSERT_FALSE(lacks(j, 1, "EMBOSS"));
    EXPECT_OK(journal_outcome(j, &made, &err));
    for (int again = 0; again < 2; again++) { /* as after a kill before the modules were asked */
        CU_ASSERT_TRUE(lacks(j, 1, "EMBOSS") && lacks(j, 1, "PHOTO") && !lacks(j, 1, "INK"));
        j = reopen(j);
    }
    EXPECT_OK(journal_module(j, 1, "EMBOSS", false, "tray empty", &err));
    EXPECT_OK(journal_module(j, 1, "PHOTO", true, "", &err));
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_TRUE(lacks(j, 1, "EMBOSS") && !lacks(j, 1, "PHOTO"));
        CU_ASSERT_TRUE(journal_book_find(journal_book(j), 1)->modules_missing);
        j = reopen(j);
    }
    EXPECT_OK(journal_module(j, 1, "EMBOSS", true, "", &err));
    CU_ASSERT_FALSE(lacks(j, 1, "EMBOSS") || journal_book_find(journal_book(j), 1)->modules_missing);
    /* lost, and made again by the issuer's leave: the new card needs them again */
    EXPECT_OK(begin(j, 1, "list 1", &expected, &err));
    EXPECT_OK(journal_known(j, 1, &card_b, 0, &err));
    CU_ASSERT_FALSE(lacks(j, 1, "EMBOSS"));
    EXPECT_OK(journal_outcome(j, &made, &err));
    CU_ASSERT_TRUE(lacks(j, 1, "EMBOSS") && lacks(j, 1, "PHOTO"));
    /* a card that is not made needs none */
    EXPECT_OK(begin(j, 2, "", &expected, &err));
    EXPECT_OK(journal_known(j, 2, &card_c, 0, &err));
    const struct journal_ending half = {2, CARD_HALF_DONE, "", "", "", 1, 1, "EMBOSS"};
    EXPECT_OK(journal_outcome(j, &half, &err));
    CU_ASSERT_FALSE(lacks(j, 2, "EMBOSS") || journal_book_find(journal_book(j), 2)->modules_missing);
    journal_free(j);
}

/* The whole life of two cards as steps; each is one line. */
static bool step(struct journal *j, unsigned n, struct err *err)
{
    struct card_id expected;
    switch (n) {
    case 0:
        return begin(j, 1, "", &expected, err);
    case 1:
        return journal_known(j, 1, &card_a, 0, err);
    case 2:
        return end(j, 1, CARD_MADE, err);
    case 3:
        return begin(j, 2, "", &expected, err);
    case 4:
        return journal_known(j, 2, &card_b, 0, err);
    case 5:
        return end(j, 2, CARD_HALF_DONE, err);
    case 6:
        return journal_module(j, 1, "EMBOSS", true, "", err);
    default:
        return journal_destroy(j, 2, &card_b, "press", err);
    }
}
enum { STEPS = 8 };
/* What record 1 and 2 are when so many steps are on disk and the program is gone. */
static const enum journal_state after[STEPS + 1][2] = {
    {JOURNAL_FREE, JOURNAL_FREE},      {JOURNAL_FREE, JOURNAL_FREE},      {JOURNAL_UNKNOWN, JOURNAL_FREE},
    {JOURNAL_MADE, JOURNAL_FREE},      {JOURNAL_MADE, JOURNAL_FREE},      {JOURNAL_MADE, JOURNAL_UNKNOWN},
    {JOURNAL_MADE, JOURNAL_HALF_DONE}, {JOURNAL_MADE, JOURNAL_HALF_DONE}, {JOURNAL_MADE, JOURNAL_DESTROYED},
};

static void expect_after(unsigned steps)
{
    struct journal *j = open_it();
    CU_ASSERT_EQUAL(state_of(j, 1), after[steps][0]);
    CU_ASSERT_EQUAL(state_of(j, 2), after[steps][1]);
    journal_free(j);
}

static void test_killed_at_every_step(void)
{
    for (unsigned steps = 0; steps <= STEPS; steps++) {
        int status = 0;
        fresh();
        pid_t pid = fork();
        if (pid == 0) {
            struct err err = ERR_INIT;
            struct journal *j = open_it();
            bool ok = true;
            for (unsigned n = 0; n < steps; n++)
                ok = ok && step(j, n, &err);
            if (ok) kill(getpid(), SIGKILL);
            _exit(1);
        }
        CU_ASSERT_TRUE(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
        expect_after(steps);
    }
}

static void write_all(struct buf *text, size_t ends[STEPS + 1])
{
    struct err err = ERR_INIT;
    struct stat st;
    fresh();
    struct journal *j = open_it();
    for (unsigned n = 0; n <= STEPS; n++) {
        CU_ASSERT_EQUAL(stat(scratch_path(&scratch, "journal"), &st), 0);
        ends[n] = (size_t)st.st_size;
        if (n < STEPS) EXPECT_OK(step(j, n, &err));
    }
    journal_free(j);
    buf_init(text, 1 << 20);
    EXPECT_OK(file_read_all(scratch_path(&scratch, "journal"), 1 << 20, text, &err));
}

static void test_cut_at_every_byte(void)
{
    struct buf text;
    size_t ends[STEPS + 1];
    write_all(&text, ends);
    for (size_t len = 0; len <= text.len; len++) {
        unsigned steps = 0;
        while (steps < STEPS && len + 1 >= ends[steps + 1]) /* the last LF may lack */
            steps++;
        scratch_file(&scratch, "journal", text.data, len);
        CU_ASSERT_EQUAL(chmod(scratch.path, 0600), 0);
        expect_after(steps);
        if (len % 16 == 0) expect_after(steps); /* and what was mended stays so */
    }
    buf_release(&text);
}

static void test_a_changed_byte_is_seen(void)
{
    struct err err = ERR_INIT;
    struct buf text;
    size_t ends[STEPS + 1];
    write_all(&text, ends);
    for (size_t at = 0; at + 1 < ends[STEPS]; at += 7) {
        struct journal *j = NULL;
        text.data[at] ^= 1;
        scratch_file(&scratch, "journal", text.data, text.len);
        bool ok = journal_open_reading(&j, scratch.path, job, &err);
        CU_ASSERT_FALSE(ok);
        journal_free(j);
        text.data[at] ^= 1;
    }
    buf_release(&text);
}

/* The disk is full at each line in turn: it is said, and what was before is true. */
static void test_disk_full(void)
{
    struct buf text;
    size_t ends[STEPS + 1];
    write_all(&text, ends);
    for (unsigned full = 0; full < STEPS; full++) {
        int status = 1;
        fresh();
        pid_t pid = fork();
        if (pid == 0) {
            struct err err = ERR_INIT;
            struct journal *j = open_it();
            const struct rlimit limit = {ends[full + 1] - 10, ends[full + 1] - 10};
            bool ok = setrlimit(RLIMIT_FSIZE, &limit) == 0;
            for (unsigned n = 0; n < full; n++)
                ok = ok && step(j, n, &err);
            ok = ok && !step(j, full, &err) && err.kind == ERR_FILE;
            ok = ok && !step(j, full, &err); /* nothing more with this journal */
            _exit(ok ? 0 : 1);
        }
        CU_ASSERT_TRUE(waitpid(pid, &status, 0) == pid && status == 0);
        expect_after(full);
    }
    buf_release(&text);
}

static bool count(void *context, const struct journal_event *e, struct err *err)
{
    unsigned *n = context;
    (void)err;
    n[e->kind]++;
    if (e->kind == JOURNAL_OUTCOME && e->record == 2) {
        CU_ASSERT_EQUAL(e->outcome, CARD_HALF_DONE);
        CU_ASSERT_STRING_EQUAL(e->serial, "0102");
        CU_ASSERT_STRING_EQUAL(e->what, "STORE DATA 3 of 7");
        CU_ASSERT_TRUE(card_id_equal(&e->card, &card_b));
        CU_ASSERT_EQUAL(e->ms, 120);
    }
    return true;
}

static void test_walk_gives_every_event(void)
{
    struct err err = ERR_INIT;
    struct buf text;
    size_t ends[STEPS + 1];
    unsigned counts[JOURNAL_DESTRUCTION + 1] = {0};
    write_all(&text, ends);
    EXPECT_OK(journal_walk(scratch_path(&scratch, "journal"), job, count, counts, &err));
    CU_ASSERT_EQUAL(counts[JOURNAL_BEGUN], 2);
    CU_ASSERT_EQUAL(counts[JOURNAL_KNOWN], 2);
    CU_ASSERT_EQUAL(counts[JOURNAL_OUTCOME], 2);
    CU_ASSERT_EQUAL(counts[JOURNAL_MODULE], 1);
    CU_ASSERT_EQUAL(counts[JOURNAL_DESTRUCTION], 1);
    buf_release(&text);
}

static void test_many_records(void)
{
    struct err err = ERR_INIT;
    struct journal_book *b = NULL;
    struct card_id expected;
    EXPECT_OK(journal_book_new(&b, &err));
    for (uint64_t n = 1; n <= 5000; n++) {
        struct journal_event e = {.record = n, .authority = "", .card = {{(uint8_t)(n >> 8), (uint8_t)n}, 8}};
        for (e.kind = JOURNAL_BEGUN; e.kind <= JOURNAL_OUTCOME; e.kind++)
            EXPECT_OK(journal_book_apply(b, &e, &err));
    }
    CU_ASSERT_EQUAL(journal_book_count(b), 5000);
    for (uint64_t n = 1; n <= 5000; n++)
        EXPECT_FAIL(journal_book_may_begin(b, n, "", &expected, &err), ERR_INPUT, "is made");
    EXPECT_OK(journal_book_may_begin(b, 5001, "", &expected, &err));
    journal_book_free(b);
}

static const struct test_case cases[] = {
    {"a made record is made once", test_a_made_record_is_made_once},
    {"half-done goes onto the same card only", test_half_done_goes_onto_the_same_card_only},
    {"untouched leaves the record free", test_untouched_leaves_the_record_free},
    {"modules are missed one by one", test_modules_are_missed_one_by_one},
    {"a refused key is not tried again unasked", test_a_refused_key_is_not_tried_again_unasked},
    {"a remake needs authority and uses it up", test_remake_needs_authority_and_uses_it_up},
    {"destroyed cards", test_destroyed_cards},
    {"a card that tells nothing of itself", test_a_card_that_tells_nothing},
    {"one program at a time; another job", test_one_program_at_a_time},
    {"killed at every step", test_killed_at_every_step},
    {"cut at every byte", test_cut_at_every_byte},
    {"a changed byte is seen", test_a_changed_byte_is_seen},
    {"disk full", test_disk_full},
    {"a walk gives every event", test_walk_gives_every_event},
    {"many records", test_many_records},
};

int main(void)
{
    scratch_init(&scratch);
    int status = suite_run("bureau/journal", cases, SUITE_COUNT(cases));
    scratch_release(&scratch);
    return status;
}
