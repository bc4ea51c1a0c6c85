/* Stations: records go to cards in virtual readers, and whatever happens to a card, the journal is true. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bureau/commands/commands.h"
#include "bureau/registry.h"
#include "card_bureau.h"
#include "suite.h"

enum { RECORDS = 4, CARDS = 12, COMMANDS = SCRIPTED_BEFORE_STORE + 4 };
static struct card_bureau bureau;

static void expect_said(const char *part)
{
    if (!strstr(bureau.said, part)) fprintf(stderr, "\"%s\" is not in:\n%s\n", part, bureau.said);
    CU_ASSERT_PTR_NOT_NULL(strstr(bureau.said, part));
}

static void expect_status(int got, int due)
{
    if (got != due) fprintf(stderr, "status %d: %s\n", got, bureau.said);
    CU_ASSERT_EQUAL(got, due);
}

static void stop_feeding(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void expect_all_made(void)
{
    for (uint64_t n = 1; n <= RECORDS; n++)
        CU_ASSERT_EQUAL(card_bureau_record(&bureau, n).state, JOURNAL_MADE);
    CU_ASSERT_EQUAL(card_bureau_check_cards(&bureau), RECORDS);
}

static void test_one_reader(void)
{
    const char *words[] = {"--reader", "Virtual PCD 0 00 00", NULL};
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    pid_t feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 0);
    stop_feeding(feeder);
    expect_said("4 cards made");
    expect_all_made();
    for (uint64_t n = 1; n <= RECORDS; n++) /* in the order of the file */
        CU_ASSERT_EQUAL(bureau.cards[n - 1].records[0], n);
    pid = card_bureau_begin(&bureau, status_command.run, (const char *[]){"--all", NULL});
    expect_status(card_bureau_end(&bureau, pid), 0);
    expect_said("record 4: made, card 00000004");
    expect_said("0 free, 0 unknown, 0 half-done, 4 made, 0 spoiled, 0 destroyed");
    pid = card_bureau_begin(&bureau, personalize_command.run, words);
    expect_status(card_bureau_end(&bureau, pid), 4);
    expect_said("personalized before");
}

static void test_four_readers(void)
{
    const char *words[] = {NULL};
    pid_t feeders[4];
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    for (size_t i = 0; i < 4; i++)
        feeders[i] = card_bureau_feed(&bureau, i, i, 4);
    expect_status(card_bureau_end(&bureau, pid), 0);
    for (size_t i = 0; i < 4; i++)
        stop_feeding(feeders[i]);
    expect_all_made();
}

/* Pulled at each command of the first card; then the record is repeated, on that card or on the next. */
static void test_pulled_at_every_command(void)
{
    const char *words[] = {"--reader", "Virtual PCD 0 00 00", "--records", "1", NULL};
    for (unsigned at = 1; at <= COMMANDS; at++) {
        struct vpcd_card card;
        CU_ASSERT_TRUE(card_bureau_reset(&bureau));
        bool changed = at >= SCRIPTED_BEFORE_STORE;
        pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
        CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, at));
        vpcd_card_await(&card);
        vpcd_card_release(&card);
        if (!changed) CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 1, 0));
        expect_status(card_bureau_end(&bureau, pid), changed ? 4 : 0);
        vpcd_card_release(&card);
        struct journal_record r = card_bureau_record(&bureau, 1);
        CU_ASSERT_EQUAL(r.state, changed ? JOURNAL_HALF_DONE : JOURNAL_MADE);
        CU_ASSERT_EQUAL(r.card.bytes[3], changed ? 1 : 2);
        if (!changed) continue;
        expect_said("record 1: half-done: ");
        expect_said("pulled out");
        bureau.cards[0].stored = 0;
        pid = card_bureau_begin(&bureau, redo_command.run, words);
        CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 0));
        expect_status(card_bureau_end(&bureau, pid), 0);
        vpcd_card_release(&card);
        CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_MADE);
        CU_ASSERT_EQUAL(card_bureau_check_cards(&bureau), 1);
    }
}

/* Two half-done records, and their cards come in the other order: each gets its own. */
static void test_redo_finds_the_record_of_a_card(void)
{
    const char *words[] = {"--reader", "Virtual PCD 0 00 00", "--records", "1-2", NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, i, 5));
        vpcd_card_await(&card);
        vpcd_card_release(&card);
    }
    expect_status(card_bureau_end(&bureau, pid), 4);
    bureau.cards[0].stored = bureau.cards[1].stored = 0;
    pid = card_bureau_begin(&bureau, redo_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 2, 0)); /* a blank card is no help */
    vpcd_card_await(&card);
    vpcd_card_release(&card);
    for (size_t i = 2; i > 0; i--) {
        CU_ASSERT_TRUE(card_bureau_insert_until_whole(&bureau, &card, 0, i - 1));
        vpcd_card_await(&card);
        vpcd_card_release(&card);
    }
    expect_status(card_bureau_end(&bureau, pid), 0);
    expect_said("may go on no other, this is card 00000003");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_MADE);
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 2).state, JOURNAL_MADE);
    CU_ASSERT_EQUAL(bureau.cards[2].stored, 0);
    CU_ASSERT_EQUAL(card_bureau_check_cards(&bureau), 2);
}

/* Two half-done cards are in two readers, and records are offered in their order: one way round each card gets its own, the other way both
 * are refused at once, and each waits until the other reader has found that out. */
static void test_redo_of_crossed_cards(void)
{
    const char *one[] = {"--reader", "Virtual PCD 0 00 00", "--records", "1-2", NULL};
    const char *both[] = {
        "--reader", "Virtual PCD 0 00 00", "--reader", "Virtual PCD 0 00 01", "--records", "1-2", NULL};
    for (size_t swapped = 0; swapped < 2; swapped++) {
        struct vpcd_card cards[2];
        CU_ASSERT_TRUE(card_bureau_reset(&bureau));
        pid_t pid = card_bureau_begin(&bureau, personalize_command.run, one);
        for (size_t i = 0; i < 2; i++) {
            CU_ASSERT_TRUE(card_bureau_insert(&bureau, &cards[0], 0, i, 5));
            vpcd_card_await(&cards[0]);
            vpcd_card_release(&cards[0]);
        }
        expect_status(card_bureau_end(&bureau, pid), 4);
        for (size_t i = 0; i < 2; i++) {
            bureau.cards[i].stored = bureau.cards[i].commands = 0;
            bureau.cards[i].meets = &bureau.cards[1 - i];
        }
        for (size_t i = 0; i < 2; i++)
            CU_ASSERT_TRUE(card_bureau_insert_until_whole(&bureau, &cards[i], i, swapped ? 1 - i : i));
        pid = card_bureau_begin(&bureau, redo_command.run, both);
        expect_status(card_bureau_end(&bureau, pid), 0);
        for (size_t i = 0; i < 2; i++) {
            vpcd_card_release(&cards[i]);
            CU_ASSERT_EQUAL(card_bureau_record(&bureau, i + 1).state, JOURNAL_MADE);
        }
        CU_ASSERT_EQUAL(card_bureau_check_cards(&bureau), 2);
    }
}

static bool find_job(void *context, const struct registry_file *f, struct err *err)
{
    (void)err;
    memcpy(context, f->first_job, JOB_ID_LEN);
    return true;
}

/* As `cardbureau remake` does. */
static void allow_remake(uint64_t record)
{
    struct err err = ERR_INIT;
    struct registry *r = NULL;
    struct card_group card = {.number = record};
    const struct record_note n = {.event = EVENT_REMAKE, .time = 1795687200, .text = "remake-7 lost"};
    EXPECT_OK(registry_open(&r, bureau.books, &err));
    EXPECT_OK(registry_walk_files(r, find_job, card.job_id, &err));
    EXPECT_OK(registry_append(r, &card, card.job_id, &n, &err));
    registry_close(r);
}

/* Another card is allowed, and the hand puts the old one in, which stays: it is refused once, and not over and over. */
static void test_the_old_card_at_a_remake(void)
{
    const char *words[] = {"--reader", "*0 00 00", "--records", "1", "--failures", "1", NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 0));
    expect_status(card_bureau_end(&bureau, pid), 0);
    vpcd_card_release(&card);
    allow_remake(1);
    bureau.cards[0].stored = 0;
    pid = card_bureau_begin(&bureau, redo_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert_until_whole(&bureau, &card, 0, 0));
    expect_status(card_bureau_end(&bureau, pid), 4);
    vpcd_card_release(&card);
    expect_said("a remake needs another card than 00000001");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).begun, 2);
    pid = card_bureau_begin(&bureau, redo_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 1, 0));
    expect_status(card_bureau_end(&bureau, pid), 0);
    vpcd_card_release(&card);
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).card.bytes[3], 2);
}

#define CARD_1 "00000001000000000000"

/* A half-done card is destroyed: it and its record are never repeated, and nothing is made without a remake list. */
static void test_destroyed(void)
{
    const char *words[] = {"--reader", "*0 00 00", "--records", "1", "--failures", "1", NULL};
    const char *first[] = {"--reader", "*0 00 00", "--records", "1", NULL};
    const char *unasked[] = {"--card", CARD_1, "--reason", "press", NULL};
    const char *twice[] = {"--card", CARD_1, "--record", "1", "--reason", "press", "--yes", NULL};
    const char *other[] = {"--record", "2", "--reason", "press", "--yes", NULL};
    const char *stranger[] = {"--card", "00FF", "--reason", "press", "--yes", NULL};
    const char *two_words[] = {"--record", "1", "--reason", "the press", "--yes", NULL};
    const char *good[] = {"--card", CARD_1, "--reason", "press", "--yes", NULL}, *none[] = {NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    expect_status(card_bureau_end(&bureau, card_bureau_begin(&bureau, destroy_command.run, other)), 4);
    expect_said("no card of this job was begun");
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, first);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 5));
    expect_status(card_bureau_end(&bureau, pid), 4);
    vpcd_card_release(&card);
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_HALF_DONE);
    static const struct {
        int status;
        const char *said;
    } due[] = {{2, "nobody to ask"},
               {2, "its card is named twice"},
               {4, "no card of it was changed"},
               {4, "card 00FF has no record of this job"},
               {2, "--reason is one word"}};
    const char *const *tries[] = {unasked, twice, other, stranger, two_words};
    for (size_t i = 0; i < SUITE_COUNT(tries); i++) {
        expect_status(card_bureau_end(&bureau, card_bureau_begin(&bureau, destroy_command.run, tries[i])),
                      due[i].status);
        expect_said(due[i].said);
    }
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_HALF_DONE);
    expect_status(card_bureau_end(&bureau, card_bureau_begin(&bureau, destroy_command.run, good)), 0);
    expect_said("card " CARD_1 ": record 1, half-done");
    expect_said("is booked as destroyed; its record goes onto another card only by a remake list");
    expect_status(card_bureau_end(&bureau, card_bureau_begin(&bureau, destroy_command.run, good)), 4);
    expect_said("is destroyed already");
    expect_status(card_bureau_end(&bureau, card_bureau_begin(&bureau, status_command.run, none)), 0);
    expect_said("record 1: destroyed, card " CARD_1);
    expect_said("0 made, 0 spoiled, 1 destroyed");
    /* Nothing is left for a redo; with a list it is another card's. */
    expect_status(card_bureau_end(&bureau, card_bureau_begin(&bureau, redo_command.run, words)), 0);
    allow_remake(1);
    bureau.cards[0].stored = 0;
    pid = card_bureau_begin(&bureau, redo_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert_until_whole(&bureau, &card, 0, 0));
    expect_status(card_bureau_end(&bureau, pid), 4);
    vpcd_card_release(&card);
    expect_said("card " CARD_1 " is booked as destroyed");
    pid = card_bureau_begin(&bureau, redo_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 1, 0));
    expect_status(card_bureau_end(&bureau, pid), 0);
    vpcd_card_release(&card);
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).card.bytes[3], 2);
}

/* A pile of cards that were made before goes through the reader again. */
static void test_made_cards_are_refused(void)
{
    const char *first[] = {"--reader", "*0 00 00", "--count", "2", NULL},
               *second[] = {"--reader", "*0 00 00", NULL};
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, first);
    pid_t feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 0);
    stop_feeding(feeder);
    expect_said("2 cards made");
    pid = card_bureau_begin(&bureau, personalize_command.run, second);
    feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 0);
    stop_feeding(feeder);
    expect_said("holds record 1");
    expect_all_made();
}

static void test_wrong_keys_end_the_run(void)
{
    const char *words[] = {"--reader", "*0 00 00", "--failures", "2", NULL};
    const char *again[] = {"--reader", "*0 00 00", "--retries", "1", "--failures", "9", NULL};
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    scripted_token.wrong_key = 99;
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    pid_t feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 4);
    stop_feeding(feeder);
    expect_said("2 cards in a row were not made: no more are begun");
    expect_said("the card's cryptogram is wrong");
    scripted_token.wrong_key = 0;
    pid = card_bureau_begin(&bureau, personalize_command.run,
                            words); /* the same cards: not without --retries */
    feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 4);
    stop_feeding(feeder);
    expect_said("has refused its key 1 time; it is not tried again without --retries");
    CU_ASSERT_EQUAL(bureau.cards[0].stored + bureau.cards[1].stored, 0);
    pid = card_bureau_begin(&bureau, personalize_command.run, again);
    feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 0);
    stop_feeding(feeder);
    expect_all_made();
}

static void test_a_bad_record_is_left_for_redo(void)
{
    const char *words[] = {"--reader", "*0 00 00", NULL};
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    scripted_token.bad_record = 2;
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    pid_t feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 4);
    stop_feeding(feeder);
    expect_said("record 2: untouched: application purse: the MAC is wrong");
    expect_said("done, but 1 cards are not finished");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 2).state, JOURNAL_FREE);
    CU_ASSERT_EQUAL(card_bureau_check_cards(&bureau), RECORDS - 1);
    scripted_token.bad_record = 0;
    pid = card_bureau_begin(&bureau, redo_command.run, words);
    feeder = card_bureau_feed(&bureau, 0, 5, 1);
    expect_status(card_bureau_end(&bureau, pid), 0);
    stop_feeding(feeder);
    expect_all_made();
}

/* The token process fails in the middle of a card. */
/* The last record's token fails: before the first command, and in the middle. That is why the run ends, and no fault of the record. */
static void test_token_lost_at_the_last_record(void)
{
    const char *words[] = {"--reader", "*0 00 00", "--records", "1", NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    scripted_token.dies_at_once = true;
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 0));
    expect_status(card_bureau_end(&bureau, pid), 3);
    vpcd_card_release(&card);
    expect_said("C_UnwrapKey: CKR_DEVICE_REMOVED");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_FREE);
    scripted_token.dies_at_once = false;
    scripted_token.dies_at = 5;
    pid = card_bureau_begin(&bureau, personalize_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 0));
    expect_status(card_bureau_end(&bureau, pid), 3);
    vpcd_card_release(&card);
    expect_said("1 cards are not finished, the token has failed");
    expect_said("CKR_DEVICE_REMOVED");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_HALF_DONE);
    scripted_token.dies_at = 0;
}

static void test_token_lost(void)
{
    const char *words[] = {"--reader", "*0 00 00", NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    scripted_token.refuses_to_start = true;
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    expect_status(card_bureau_end(&bureau, pid), 3);
    expect_said("CKR_PIN_INCORRECT");
    scripted_token.refuses_to_start = false;
    scripted_token.dies_at = 5;
    pid = card_bureau_begin(&bureau, personalize_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 0));
    expect_status(card_bureau_end(&bureau, pid), 3);
    vpcd_card_release(&card);
    expect_said("CKR_DEVICE_REMOVED");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_HALF_DONE);
    scripted_token.dies_at = 0;
}

/* Killed while the card carries out each of its commands: the next run drops no record and makes none twice. */
static void test_killed_at_every_command(void)
{
    const char *words[] = {"--reader", "*0 00 00", NULL};
    for (unsigned at = 1; at <= COMMANDS; at++) {
        struct vpcd_card card;
        CU_ASSERT_TRUE(card_bureau_reset(&bureau));
        pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
        CU_ASSERT_TRUE(card_bureau_insert_signal(&bureau, &card, 0, 0, at, pid, SIGKILL));
        expect_status(card_bureau_end(&bureau, pid), 256 + SIGKILL);
        vpcd_card_await(&card); /* the station sees that it is alone, and lets go */
        vpcd_card_release(&card);
        struct journal_record r = card_bureau_record(&bureau, 1);
        CU_ASSERT_EQUAL(r.state, at > 2 ? JOURNAL_UNKNOWN : JOURNAL_FREE);
        pid = card_bureau_begin(&bureau, personalize_command.run, words);
        pid_t feeder = card_bureau_feed(&bureau, 0, 1, 1);
        expect_status(card_bureau_end(&bureau, pid), 0);
        stop_feeding(feeder);
        bureau.cards[0].stored = 0;
        if (at > 2) {
            pid = card_bureau_begin(&bureau, redo_command.run, words);
            CU_ASSERT_TRUE(card_bureau_insert(&bureau, &card, 0, 0, 0));
            expect_status(card_bureau_end(&bureau, pid), 0);
            vpcd_card_release(&card);
        }
        expect_all_made();
    }
}

static void test_interrupted(void)
{
    const char *words[] = {"--reader", "*0 00 00", NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    CU_ASSERT_TRUE(card_bureau_insert_signal(&bureau, &card, 0, 0, 4, pid, SIGINT));
    expect_status(card_bureau_end(&bureau, pid), 130);
    vpcd_card_release(&card);
    expect_said("interrupted after 1 cards; go on with: cardbureau");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_MADE);
}

static void test_no_reader_no_check(void)
{
    const char *words[] = {"--reader", "Gem*", NULL}, *any[] = {NULL};
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    expect_status(card_bureau_end(&bureau, pid), 6);
    expect_said("no reader is there whose name matches Gem*");
    unlink(bureau.books);
    pid = card_bureau_begin(&bureau, personalize_command.run, any);
    expect_status(card_bureau_end(&bureau, pid), 4);
    expect_said("was not checked as a whole yet: cardbureau check");
}

/* The groups of other machines, in step with the chip. */
static void test_modules(void)
{
    const char *words[] = {"--reader", "*0 00 00", "--settings", bureau.with_modules, NULL};
    const char *status[] = {"--settings", bureau.with_modules, NULL};
    char embossed[200];
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    snprintf(embossed, sizeof(embossed), "%s/0000000003-EMBOSS", bureau.folder);
    FILE *f = fopen(embossed, "w"); /* the third cannot be handed over: never replaced */
    if (f) fclose(f);
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    pid_t feeder = card_bureau_feed(&bureau, 0, 0, 1);
    expect_status(card_bureau_end(&bureau, pid), 4);
    stop_feeding(feeder);
    expect_said("record 3: made: module EMBOSS: ");
    expect_said("4 cards made; 0 half-done, 0 spoiled, 0 left as they were; 1 modules failed");
    expect_all_made();
    for (unsigned n = 1; n <= RECORDS; n++) {
        CU_ASSERT_EQUAL(card_bureau_record(&bureau, n).modules_missing, n == 3);
        snprintf(embossed, sizeof(embossed), "%s/%010u-EMBOSS", bureau.folder, n);
        CU_ASSERT_EQUAL(unlink(embossed), 0);
    }
    pid = card_bureau_begin(&bureau, status_command.run, status);
    expect_status(card_bureau_end(&bureau, pid), 0);
    expect_said("record 3: made, card 00000003000000000000, a module has failed");
    /* what is mended is repeated, once, without a reader or a card */
    const char *redo[] = {"--reader", "Gem*", "--settings", bureau.with_modules, NULL};
    for (int repeated = 1; repeated >= 0; repeated--) {
        pid = card_bureau_begin(&bureau, redo_command.run, redo);
        expect_status(card_bureau_end(&bureau, pid), repeated ? 0 : 4);
        expect_said(
            repeated
                ? "0 cards made; 0 half-done, 0 spoiled, 0 left as they were; 0 modules failed, 1 repeated"
                : "personalized before: of 4 records 4 are made");
        for (unsigned n = 1; n <= RECORDS; n++) {
            snprintf(embossed, sizeof(embossed), "%s/%010u-EMBOSS", bureau.folder, n);
            CU_ASSERT_EQUAL(unlink(embossed), repeated && n == 3 ? 0 : -1);
            CU_ASSERT_FALSE(card_bureau_record(&bureau, n).modules_missing);
        }
    }
    expect_all_made();
}

/* A station is killed by its reader's driver: its card is written down, and the other station goes on. */
static void test_a_station_falls(void)
{
    const char *words[] = {"--reader", "*0 00 0?", NULL};
    struct vpcd_card card;
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    pid_t pid = card_bureau_begin(&bureau, personalize_command.run, words);
    bureau.cards[0].to_first_child = true;
    CU_ASSERT_TRUE(card_bureau_insert_signal(&bureau, &card, 0, 0, 5, pid, SIGKILL));
    vpcd_card_await(&card);
    vpcd_card_release(&card);
    pid_t feeder = card_bureau_feed(&bureau, 1, 1, 1);
    expect_status(card_bureau_end(&bureau, pid), 4);
    stop_feeding(feeder);
    expect_said("record 1: half-done: the station ended by signal 9 (Killed)");
    CU_ASSERT_EQUAL(card_bureau_record(&bureau, 1).state, JOURNAL_HALF_DONE);
    for (uint64_t n = 2; n <= RECORDS; n++)
        CU_ASSERT_EQUAL(card_bureau_record(&bureau, n).state, JOURNAL_MADE);
}

static void write_answers(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_TRUE(f && fputs(text, f) >= 0);
    if (f) fclose(f);
}

/* The same turns without a reader. */
static void test_script(void)
{
    char answers[128], output[128];
    snprintf(answers, sizeof(answers), "%s/answers", bureau.folder);
    snprintf(output, sizeof(output), "%s/script", bureau.folder);
    const char *words[] = {"--record", "3", "--challenge", "0102030405060708", "--answers", answers, NULL};
    const char *none[] = {"--record", "9", NULL}, *to_file[] = {"--record", "1", "--output", output, NULL};
    CU_ASSERT_TRUE(card_bureau_reset(&bureau));
    write_answers(answers, "# SELECT\n9000\n\n000000010000000000009000\r\n");
    pid_t pid = card_bureau_begin(&bureau, script_command.run, words);
    expect_status(card_bureau_end(&bureau, pid), 0);
    expect_said("# SELECT\n00A4040005A000000003\n# INITIALIZE UPDATE\n8050000008010203040506070800\n");
    expect_said("# STORE DATA 4 of 4\n84E200000400000003\n");
    write_answers(answers, "9000\n6A88\n");
    pid = card_bureau_begin(&bureau, script_command.run, words);
    expect_status(card_bureau_end(&bureau, pid), 4);
    write_answers(answers, "9000\nxyz\n");
    pid = card_bureau_begin(&bureau, script_command.run, words);
    expect_status(card_bureau_end(&bureau, pid), 4);
    expect_said("answers:2:");
    pid = card_bureau_begin(&bureau, script_command.run, none);
    expect_status(card_bureau_end(&bureau, pid), 4);
    expect_said("no record 9 is in this file");
    pid = card_bureau_begin(&bureau, script_command.run, to_file);
    expect_status(card_bureau_end(&bureau, pid), 0);
    pid = card_bureau_begin(&bureau, script_command.run, to_file);
    expect_status(card_bureau_end(&bureau, pid), 6);
    expect_said("exists and is not replaced");
    CU_ASSERT_EQUAL(unlink(output), 0);
}

static const struct test_case cases[] = {
    {"one reader", test_one_reader},
    {"four readers", test_four_readers},
    {"pulled at every command", test_pulled_at_every_command},
    {"redo finds the record of a card", test_redo_finds_the_record_of_a_card},
    {"redo of cards that are in each other's readers", test_redo_of_crossed_cards},
    {"the old card at a remake", test_the_old_card_at_a_remake},
    {"a card that is destroyed", test_destroyed},
    {"made cards are refused", test_made_cards_are_refused},
    {"wrong keys end the run", test_wrong_keys_end_the_run},
    {"a bad record is left for redo", test_a_bad_record_is_left_for_redo},
    {"the token is lost", test_token_lost},
    {"the token is lost at the last record", test_token_lost_at_the_last_record},
    {"killed at every command", test_killed_at_every_command},
    {"interrupted", test_interrupted},
    {"modules in step with the chip", test_modules},
    {"a station falls", test_a_station_falls},
    {"scripts", test_script},
    {"no reader, or not checked", test_no_reader_no_check},
};

int main(void)
{
    if (!card_service_enter()) return 77;
    if (!card_bureau_start(&bureau, RECORDS, CARDS, NULL)) return 1;
    int status = suite_run("bureau/station", cases, SUITE_COUNT(cases));
    card_bureau_stop(&bureau);
    return status;
}
