#include "bureau/registry.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

static char folder[] = "/tmp/cardprep-registry-XXXXXX";
static char path[64], lock_path[70];

static struct registry *fresh(void)
{
    struct registry *r = NULL;
    struct err err = ERR_INIT;
    unlink(path);
    EXPECT_OK(registry_open(&r, path, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

/* The file of one pass: job id `id`, shard 1 of 1, records 1 to 10; `pass` the pass before it, or 0. */
static struct mic_file_summary file_of(uint8_t id, uint8_t pass)
{
    struct mic_file_summary f = {.count = 10};
    f.job.job_id[0] = id;
    f.job.first_record = 1;
    f.job.planned = 10;
    f.job.shard = f.job.shards = 1;
    f.file_hash[0] = id;
    if (pass) f.job.passes[f.job.pass_count++][0] = pass;
    return f;
}

static struct mic_file_summary shard_of(uint8_t id, uint16_t shard, uint16_t shards)
{
    struct mic_file_summary f = file_of(id, 0);
    f.job.shard = shard;
    f.job.shards = shards;
    f.job.planned = 10u * shards;
    f.job.first_record = 10u * (shard - 1u) + 1;
    f.file_hash[1] = (uint8_t)shard;
    return f;
}

static bool accept(struct registry *r, const struct mic_file_summary *f, struct err *err)
{
    return registry_accept_file(r, f, 0, NULL, err);
}

static void test_files(void)
{
    struct registry *r = fresh();
    struct registry_counts n;
    struct err err = ERR_INIT;
    struct mic_file_summary first = file_of(1, 0), again = file_of(1, 0);

    EXPECT_OK(registry_accept_file(r, &first, REGISTRY_LOOK_ONLY, &n, &err));
    CU_ASSERT_FALSE(n.seen_before);
    EXPECT_OK(registry_accept_file(r, &first, 0, &n, &err));
    CU_ASSERT_TRUE(!n.seen_before && n.records == 10 && n.open == 10 && n.shards == 1 && n.shards_seen == 1);
    EXPECT_OK(registry_accept_file(r, &first, 0, &n, &err));
    CU_ASSERT_TRUE(n.seen_before);
    again.file_hash[5]++;
    EXPECT_FAIL(accept(r, &again, &err), ERR_INPUT, "shard 1 came before as another file");
    again = first;
    again.count = 9;
    EXPECT_FAIL(accept(r, &again, &err), ERR_INPUT, "had records 1 to 10 when it came before");
    again = first;
    again.job.planned = 11;
    EXPECT_FAIL(accept(r, &again, &err), ERR_INPUT,
                "came with 10 records planned in 1 shards, here it is 11 in 1");
    again = first;
    again.job.planned = UINT64_MAX;
    EXPECT_FAIL(accept(r, &again, &err), ERR_INPUT, "more records are planned");
    registry_close(r);
}

static void test_passes(void)
{
    struct registry *r = fresh();
    struct err err = ERR_INIT;
    struct mic_file_summary first = file_of(1, 0), second = file_of(2, 1), beside = file_of(3, 1);
    struct mic_file_summary third = file_of(4, 1);
    struct card_group card = {.job_id = {1}, .number = 3};
    const struct record_note begun = {.event = EVENT_BEGUN};

    third.job.passes[third.job.pass_count++][0] = 2;
    EXPECT_OK(accept(r, &first, &err));
    EXPECT_OK(accept(r, &second, &err));
    EXPECT_FAIL(accept(r, &first, &err), ERR_INPUT,
                "this is an older pass: its records are known in the later pass 02");
    EXPECT_FAIL(accept(r, &beside, &err), ERR_INPUT, "are known in another pass, 02000000");
    EXPECT_FAIL(registry_append(r, &card, first.job.job_id, &begun, &err), ERR_INPUT,
                "record 3: this is an older pass: the record is known in the later pass 02");
    EXPECT_OK(accept(r, &third, &err));
    EXPECT_FAIL(accept(r, &second, &err), ERR_INPUT, "later pass 04");
    EXPECT_FAIL(registry_append(r, &card, second.job.job_id, &begun, &err), ERR_INPUT, "later pass 04");
    EXPECT_OK(registry_append(r, &card, third.job.job_id, &begun, &err));
    registry_close(r);
    /* The older one comes last. */
    r = fresh();
    EXPECT_OK(accept(r, &third, &err));
    EXPECT_FAIL(accept(r, &first, &err), ERR_INPUT, "later pass 04");
    registry_close(r);
}

static void test_shards(void)
{
    struct registry *r = fresh();
    struct registry_counts n;
    struct err err = ERR_INIT;
    struct mic_file_summary one = shard_of(1, 1, 3), two = shard_of(1, 2, 3), three = shard_of(1, 3, 3);
    struct mic_file_summary wrong = two;

    EXPECT_FAIL(accept(r, &one, &err), ERR_INPUT, "an incomplete set: 1 of 3 shards");
    EXPECT_OK(registry_accept_file(r, &one, REGISTRY_INCOMPLETE_SET, &n, &err));
    CU_ASSERT_TRUE(n.seen_before && n.shards_seen == 1 && n.shards == 3);
    EXPECT_FAIL(accept(r, &three, &err), ERR_INPUT, "2 of 3 shards");
    wrong.job.first_record = 10;
    EXPECT_FAIL(accept(r, &wrong, &err), ERR_INPUT,
                "its record numbers are those of shard 1, which has 1 to 10");
    EXPECT_OK(registry_accept_file(r, &two, REGISTRY_LOOK_ONLY, &n, &err));
    CU_ASSERT_EQUAL(n.shards_seen, 3);
    EXPECT_FAIL(accept(r, &one, &err), ERR_INPUT, "2 of 3 shards");
    EXPECT_OK(accept(r, &two, &err));
    EXPECT_OK(accept(r, &one, &err));
    EXPECT_OK(accept(r, &three, &err));
    registry_close(r);
}

static bool note(struct registry *r, uint64_t number, enum record_event event, const char *serial,
                 struct err *err)
{
    const struct card_group card = {.job_id = {1}, .number = number};
    const struct record_note n = {.event = event, .time = 1000000000, .serial = serial};
    return registry_append(r, &card, card.job_id, &n, err);
}

static struct record_status state_of(struct registry *r, uint64_t number)
{
    const struct card_group card = {.job_id = {1}, .number = number};
    struct record_status status = {.state = RECORD_OPEN};
    struct err err = ERR_INIT;
    EXPECT_OK(registry_record_state(r, &card, &status, &err));
    return status;
}

static void test_records(void)
{
    struct registry *r = fresh();
    struct err err = ERR_INIT;

    CU_ASSERT_EQUAL(state_of(r, 5).state, RECORD_OPEN);
    EXPECT_FAIL(note(r, 5, EVENT_MADE, NULL, &err), ERR_INPUT,
                "record 5: cannot be noted as made: it is open");
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    EXPECT_FAIL(note(r, 5, EVENT_BEGUN, NULL, &err), ERR_INPUT,
                "record 5: was personalized before: under way");
    EXPECT_OK(note(r, 5, EVENT_UNTOUCHED, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    EXPECT_FAIL(note(r, 5, EVENT_CARD, NULL, &err), ERR_INTERNAL, "without its serial");
    EXPECT_OK(note(r, 5, EVENT_CARD, "0A0B", &err));
    EXPECT_OK(note(r, 5, EVENT_HALF_DONE, NULL, &err));
    CU_ASSERT_STRING_EQUAL(state_of(r, 5).serial, "0A0B");
    /* The same record goes onto the same card, and onto no other. */
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    CU_ASSERT_EQUAL(state_of(r, 5).state, RECORD_REPEATED);
    EXPECT_FAIL(note(r, 5, EVENT_CARD, "0A0C", &err), ERR_INPUT, "is on card 0A0B, and this is card 0A0C");
    EXPECT_OK(note(r, 5, EVENT_UNTOUCHED, NULL, &err));
    CU_ASSERT_EQUAL(state_of(r, 5).state, RECORD_HALF_DONE);
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_CARD, "0A0B", &err));
    EXPECT_OK(note(r, 5, EVENT_MADE, NULL, &err));
    EXPECT_FAIL(note(r, 5, EVENT_BEGUN, NULL, &err), ERR_INPUT,
                "record 5: was personalized before: made on card 0A0B since 2001-09-09T01:46:40Z");
    CU_ASSERT_EQUAL(state_of(r, 5).cards, 2);
    /* A new card only when the issuer says so. */
    EXPECT_OK(note(r, 5, EVENT_REMAKE, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_CARD, "0A0C", &err));
    EXPECT_OK(note(r, 5, EVENT_SPOILED, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_DESTROYED, NULL, &err));
    EXPECT_FAIL(note(r, 5, EVENT_BEGUN, NULL, &err), ERR_INPUT, "destroyed on card 0A0C");
    CU_ASSERT_EQUAL(state_of(r, 5).events, 15);
    registry_close(r);
}

static void test_destroyed(void)
{
    struct registry *r = fresh();
    struct err err = ERR_INIT;

    EXPECT_FAIL(note(r, 5, EVENT_DESTROYED, "0A0B", &err), ERR_INPUT, "record 5: was never on card 0A0B");
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_CARD, "0A0B", &err));
    EXPECT_OK(note(r, 5, EVENT_HALF_DONE, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_REMAKE, NULL, &err));
    /* The card before the remake, whatever has become of the record; it stays with its own card. */
    EXPECT_FAIL(note(r, 5, EVENT_DESTROYED, "0A0D", &err), ERR_INPUT, "record 5: was never on card 0A0D");
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_CARD, "0A0C", &err));
    EXPECT_OK(note(r, 5, EVENT_MADE, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_DESTROYED, "0A0B", &err));
    CU_ASSERT_EQUAL(state_of(r, 5).state, RECORD_MADE);
    CU_ASSERT_STRING_EQUAL(state_of(r, 5).serial, "0A0C");
    EXPECT_FAIL(note(r, 5, EVENT_DESTROYED, "0A0B", &err), ERR_INPUT, "card 0A0B is destroyed already");
    EXPECT_OK(note(r, 5, EVENT_DESTROYED, "0A0C", &err));
    CU_ASSERT_EQUAL(state_of(r, 5).state, RECORD_DESTROYED);
    CU_ASSERT_EQUAL(state_of(r, 5).destroyed, 2);
    EXPECT_FAIL(note(r, 5, EVENT_DESTROYED, "0A0C", &err), ERR_INPUT,
                "cannot be noted as destroyed: it is destroyed");
    EXPECT_FAIL(note(r, 5, EVENT_BEGUN, NULL, &err), ERR_INPUT, "destroyed on card 0A0C");
    EXPECT_OK(note(r, 5, EVENT_REMAKE, NULL, &err));
    EXPECT_OK(note(r, 5, EVENT_BEGUN, NULL, &err));
    registry_close(r);
}

static void test_counts(void)
{
    struct registry *r = fresh();
    struct registry_counts n;
    struct err err = ERR_INIT;
    struct mic_file_summary f = file_of(1, 0);
    uint64_t aside[] = {4};
    static const enum record_event ends[] = {EVENT_MADE, EVENT_HALF_DONE, EVENT_SPOILED, EVENT_MADE};

    for (uint64_t i = 0; i < SUITE_COUNT(ends); i++) {
        EXPECT_OK(note(r, i + 1, EVENT_BEGUN, NULL, &err));
        EXPECT_OK(note(r, i + 1, ends[i], NULL, &err));
    }
    EXPECT_OK(registry_accept_file(r, &f, 0, &n, &err));
    CU_ASSERT_TRUE(n.open == 6 && n.made == 2 && n.half_done == 1 && n.spoiled == 1 && n.destroyed == 0);
    /* A later pass that set record 4 aside. */
    f = file_of(2, 1);
    f.count = 9;
    f.set_aside = aside;
    f.set_aside_count = 1;
    EXPECT_OK(registry_accept_file(r, &f, 0, &n, &err));
    CU_ASSERT_TRUE(n.open == 6 && n.made == 1 && n.records == 9);
    registry_close(r);
}

static void test_personalized(void)
{
    struct registry *r = fresh();
    struct err err = ERR_INIT;
    struct mic_file_summary f = file_of(1, 0);
    for (uint64_t i = 1; i <= 10; i++) {
        EXPECT_OK(accept(r, &f, &err));
        EXPECT_OK(note(r, i, EVENT_BEGUN, NULL, &err));
        EXPECT_OK(note(r, i, EVENT_MADE, NULL, &err));
    }
    EXPECT_FAIL(accept(r, &f, &err), ERR_INPUT, "personalized before: of 10 records 10 are made");
    EXPECT_OK(registry_accept_file(r, &f, REGISTRY_LOOK_ONLY | REGISTRY_NOTHING_LEFT, NULL, &err));
    f = file_of(2, 1);
    EXPECT_FAIL(accept(r, &f, &err), ERR_INPUT, "personalized before");
    /* A file without records has nothing to personalize, and is legal. */
    f = file_of(9, 0);
    f.count = 0;
    f.job.planned = 0;
    EXPECT_OK(accept(r, &f, &err));
    registry_close(r);
}

/* A run that was killed leaves records under way; the next one closes them. */
static void test_run(void)
{
    struct registry *r = fresh(), *other = NULL;
    struct err err = ERR_INIT;
    uint64_t recovered = 9;

    EXPECT_OK(registry_begin_run(r, 1000000000, &recovered, &err));
    CU_ASSERT_EQUAL(recovered, 0);
    EXPECT_OK(note(r, 1, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 2, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 2, EVENT_CARD, "0A", &err));
    EXPECT_OK(note(r, 3, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 3, EVENT_HALF_DONE, "0B", &err));
    EXPECT_OK(note(r, 3, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(registry_open(&other, path, &err));
    EXPECT_FAIL(registry_begin_run(other, 1000000000, &recovered, &err), ERR_FILE, "another run makes cards");
    registry_close(r);
    EXPECT_OK(registry_begin_run(other, 1000000000, &recovered, &err));
    CU_ASSERT_EQUAL(recovered, 3);
    CU_ASSERT_EQUAL(state_of(other, 1).state, RECORD_OPEN);
    CU_ASSERT_EQUAL(state_of(other, 2).state, RECORD_HALF_DONE);
    CU_ASSERT_EQUAL(state_of(other, 3).state, RECORD_HALF_DONE);
    EXPECT_FAIL(note(other, 3, EVENT_BEGUN, "0C", &err), ERR_INPUT, "is on card 0B");
    registry_close(other);
}

/* Two processes ask for the same record at once: one gets it. */
static void test_two_processes(void)
{
    enum { RECORDS = 50 };
    struct registry *r = fresh();
    struct err err = ERR_INIT;
    int status = -1, got = 0;
    registry_close(r);
    pid_t child = fork();
    EXPECT_OK(registry_open(&r, path, &err));
    for (uint64_t i = 1; i <= RECORDS; i++)
        got += note(r, i, EVENT_BEGUN, NULL, &err);
    registry_close(r);
    if (child == 0) _exit(got);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(got + WEXITSTATUS(status), RECORDS);
}

static bool count_event(void *context, const struct registry_event *e, struct err *err)
{
    uint64_t *last = context;
    (void)err;
    CU_ASSERT_TRUE(e->number >= *last);
    CU_ASSERT_EQUAL(e->note.time, 1000000000);
    *last = e->number;
    return true;
}

static bool stop_event(void *context, const struct registry_event *e, struct err *err)
{
    (void)context, (void)e;
    return err_set(err, ERR_INPUT, "enough");
}

static bool count_file(void *context, const struct registry_file *f, struct err *err)
{
    (void)err;
    ++*(int *)context;
    CU_ASSERT_EQUAL(f->first_job[0], 1);
    CU_ASSERT_EQUAL(f->last_record, 10);
    CU_ASSERT_EQUAL(f->file_hash[0], f->job_id[0]);
    CU_ASSERT_EQUAL(f->passes, f->job_id[0] - 1u);
    return true;
}

static void test_walks(void)
{
    struct registry *r = fresh();
    struct err err = ERR_INIT;
    struct mic_file_summary first = file_of(1, 0), second = file_of(2, 1);
    const uint8_t none[JOB_ID_LEN] = {7}, job[JOB_ID_LEN] = {1};
    uint64_t last = 0;
    int files = 0;

    EXPECT_OK(accept(r, &first, &err));
    EXPECT_OK(note(r, 9, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(note(r, 2, EVENT_BEGUN, NULL, &err));
    EXPECT_OK(accept(r, &second, &err));
    EXPECT_OK(registry_walk_events(r, job, count_event, &last, &err));
    CU_ASSERT_EQUAL(last, 9);
    last = 0;
    EXPECT_OK(registry_walk_events(r, none, count_event, &last, &err));
    CU_ASSERT_EQUAL(last, 0);
    EXPECT_OK(registry_walk_events(r, NULL, count_event, &last, &err));
    CU_ASSERT_EQUAL(last, 9);
    EXPECT_FAIL(registry_walk_events(r, NULL, stop_event, NULL, &err), ERR_INPUT, "enough");
    EXPECT_OK(registry_walk_files(r, count_file, &files, &err));
    CU_ASSERT_EQUAL(files, 2);
    registry_close(r);
}

static void test_open(void)
{
    struct registry *r = fresh();
    struct err err = ERR_INIT;
    struct stat st;
    sqlite3 *db = NULL;

    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    EXPECT_OK(note(r, 1, EVENT_BEGUN, NULL, &err));
    registry_close(r);
    /* Nothing of the journal can be changed or taken out, and other databases are no books. */
    CU_ASSERT_EQUAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_NOT_EQUAL(sqlite3_exec(db, "DELETE FROM events", NULL, NULL, NULL), SQLITE_OK);
    CU_ASSERT_NOT_EQUAL(sqlite3_exec(db, "UPDATE events SET state = 0", NULL, NULL, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
    EXPECT_FAIL(registry_open(&r, path, &err), ERR_FILE, "version 2");
    CU_ASSERT_EQUAL(sqlite3_exec(db, "PRAGMA application_id = 5", NULL, NULL, NULL), SQLITE_OK);
    EXPECT_FAIL(registry_open(&r, path, &err), ERR_FILE, "not a bureau's books");
    sqlite3_close(db);
    FILE *f = fopen(path, "w");
    fputs("this is no database, whatever its name says; it only looks long enough to be one\n", f);
    fclose(f);
    EXPECT_FAIL(registry_open(&r, path, &err), ERR_FILE, "not a database");
    EXPECT_FAIL(registry_open(&r, "/nowhere/books", &err), ERR_FILE, "/nowhere/books");
}

static void test_names(void)
{
    CU_ASSERT_STRING_EQUAL(record_state_name(RECORD_HALF_DONE), "half done");
    CU_ASSERT_STRING_EQUAL(record_event_name(EVENT_REMAKE), "to be remade");
    CU_ASSERT_STRING_EQUAL(record_state_name((enum record_state)99), "?");
    CU_ASSERT_STRING_EQUAL(record_event_name((enum record_event)99), "?");
}

static const struct test_case cases[] = {
    {"a file comes again, or another in its place", test_files},
    {"older and other passes", test_passes},
    {"sets of shards", test_shards},
    {"a record's life", test_records},
    {"cards that are destroyed", test_destroyed},
    {"what is left of a file", test_counts},
    {"a file that was personalized before", test_personalized},
    {"what a killed run leaves", test_run},
    {"two processes at once", test_two_processes},
    {"reading back", test_walks},
    {"books that are none", test_open},
    {"names", test_names},
};

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof(path), "%s/books", folder);
    snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
    int status = suite_run("bureau/registry", cases, SUITE_COUNT(cases));
    unlink(path);
    unlink(lock_path);
    rmdir(folder);
    return status;
}
