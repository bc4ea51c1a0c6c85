#include "audit/history.h"

#include "audit/event.h"
#include "base/reader.h"
#include "draft.h"

/* A log in memory, line by line. */
struct book {
    struct buf bytes;
    struct audit_head head;
};

static void book_init(struct book *b)
{
    *b = (struct book){.head = {.seq = 0}};
    buf_init(&b->bytes, DRAFT_MAX);
}

/* Members as "name=text" or "name#number", parted by '|'. */
static void put_members(struct audit_event *e, char *members)
{
    char *rest = NULL;
    for (char *part = strtok_r(members, "|", &rest); part; part = strtok_r(NULL, "|", &rest)) {
        size_t len = strcspn(part, "=#");
        bool number = part[len] == '#';
        part[len] = '\0';
        if (number)
            audit_number(e, part, strtoull(part + len + 1, NULL, 10));
        else
            audit_text(e, part, part + len + 1);
    }
}

static void put(struct book *b, const char *time, const char *event, const char *members)
{
    struct err err = ERR_INIT;
    struct audit_event e;
    char copy[512];
    snprintf(copy, sizeof(copy), "%s", members);
    audit_event_init(&e, event);
    put_members(&e, copy);
    EXPECT_OK(audit_line_make(&b->bytes, &b->head, time, "test 0.0", &e, &b->head, &err));
    audit_event_release(&e);
}

static void add(struct book *b, const char *event, const char *members)
{
    put(b, "2026-11-26T10:00:00Z", event, members);
}

static bool load(const struct book *b, struct history **h, struct err *err)
{
    struct reader *r = NULL;
    return reader_open_memory(&r, b->bytes.data, b->bytes.len, "log", err) && history_load_over(h, r, err);
}

static struct history *loaded(const struct book *b)
{
    struct err err = ERR_INIT;
    struct history *h = NULL;
    EXPECT_OK(load(b, &h, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    return h;
}

static void end(struct book *b, struct history *h)
{
    history_free(h);
    buf_release(&b->bytes);
}

static void test_custodians(void)
{
    struct err err = ERR_INIT;
    struct book b;
    book_init(&b);
    add(&b, "component", "key=KML|version#1|component#1|of#2|custodian=Carol Tester|kcv=112233");
    add(&b, "component-letter", "key=KML|version#2|component#2|of#2|custodian=J\xC3\xBCrgen|kcv=112233");
    add(&b, "component", "key=KML|version#1|component#1|of#2|custodian=carol tester|kcv=112233");
    struct history *h = loaded(&b);
    EXPECT_FAIL(history_custodian_may(h, " CAROL  TESTER", "KML", 1, 2, &err), ERR_CONFIG,
                "had component 1 of key KML/1 already (line 1 of the audit log)");
    EXPECT_OK(history_custodian_may(h, "Carol Tester", "KML", 1, 1, &err));
    EXPECT_OK(history_custodian_may(h, "Carol Tester", "KML", 2, 2, &err));
    EXPECT_OK(history_custodian_may(h, "Carol Tester", "KMU", 1, 2, &err));
    EXPECT_OK(history_custodian_may(h, "Carol Testers", "KML", 1, 2, &err));
    EXPECT_FAIL(history_custodian_may(h, "J\xC3\x9CRGEN", "KML", 2, 1, &err), ERR_CONFIG, "had component 2");
    EXPECT_FAIL(history_custodian_may(h, "a\nb", "KML", 2, 1, &err), ERR_CONFIG, "cannot be printed");
    end(&b, h);
}

static void test_keys_as_last_recorded(void)
{
    struct book b;
    book_init(&b);
    add(&b, "key",
        "key=KML|version#1|role=master|algorithm=des2|token=issuer|label=KML-1|kcv=A1B2C3|origin=components|"
        "not_before=2026-01-01|not_after=2027-12-31|method=10-1");
    add(&b, "key",
        "key=SIGN|version#0|role=signing-pair|algorithm=rsa|token=issuer|label=SIGN|origin=generate");
    add(&b, "key-dates", "key=KML|version#1|not_before=2026-01-01|not_after=2026-12-31");
    put(&b, "2026-12-01T08:00:00Z", "rotate", "key=KML|from#1|to#2");
    struct history *h = loaded(&b);
    const struct history_key *k = history_key(h, "KML", 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(k);
    CU_ASSERT(k->recorded && k->followed_by == 2 && k->copies == 1);
    CU_ASSERT_STRING_EQUAL(k->role, "master");
    CU_ASSERT_STRING_EQUAL(k->algorithm, "des2");
    CU_ASSERT_STRING_EQUAL(k->kcv, "A1B2C3");
    CU_ASSERT_STRING_EQUAL(k->origin, "components");
    CU_ASSERT_STRING_EQUAL(k->method, "10-1");
    CU_ASSERT_STRING_EQUAL(k->token, "issuer");
    CU_ASSERT_STRING_EQUAL(k->label, "KML-1");
    CU_ASSERT_STRING_EQUAL(k->not_before, "2026-01-01");
    CU_ASSERT_STRING_EQUAL(k->not_after, "2026-12-31");
    CU_ASSERT_STRING_EQUAL(k->followed_on, "2026-12-01T08:00:00Z");
    k = history_key(h, "SIGN", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(k);
    CU_ASSERT(k->kcv[0] == '\0' && k->not_after[0] == '\0');
    CU_ASSERT_PTR_NULL(history_key(h, "KML", 2));
    CU_ASSERT_EQUAL(history_key_count(h), 2);
    CU_ASSERT_PTR_EQUAL(history_key_at(h, 1), k);
    CU_ASSERT_EQUAL(history_head(h)->seq, 4);
    end(&b, h);
}

#define KEK_ON(token) "key=KEK|version#3|role=kek|algorithm=aes256|label=KEK-3|kcv=0102030405|token=" token

/* One key on two tokens is destroyed when both are. */
static void test_destroyed_copies(void)
{
    struct book b;
    book_init(&b);
    add(&b, "key", KEK_ON("issuer"));
    add(&b, "key", KEK_ON("bureau"));
    put(&b, "2027-01-01T08:00:00Z", "destroy", "key=KEK|version#3|token=issuer|label=KEK-3");
    put(&b, "2027-01-01T08:00:01Z", "destroy", "key=KEK|version#3|token=issuer|label=KEK-3");
    struct history *h = loaded(&b);
    const struct history_key *k = history_key(h, "KEK", 3);
    CU_ASSERT(k->copies == 2 && k->copies_destroyed == 1 && !history_key_is_destroyed(k));
    CU_ASSERT_EQUAL(history_copy_count(h), 2);
    CU_ASSERT(history_copy_at(h, 0)->destroyed && !history_copy_at(h, 1)->destroyed);
    CU_ASSERT_STRING_EQUAL(history_copy_at(h, 1)->token, "bureau");
    history_free(h);
    put(&b, "2027-01-02T08:00:00Z", "destroy", "key=KEK|version#3|token=bureau|label=KEK-3");
    h = loaded(&b);
    k = history_key(h, "KEK", 3);
    CU_ASSERT_TRUE(history_key_is_destroyed(k));
    CU_ASSERT_STRING_EQUAL(k->destroyed_on, "2027-01-02T08:00:00Z");
    history_free(h);
    add(&b, "key", KEK_ON("issuer")); /* brought back, from a copy under a transport key */
    h = loaded(&b);
    CU_ASSERT_FALSE(history_key_is_destroyed(history_key(h, "KEK", 3)));
    end(&b, h);
}

#define USE "job=AA|job_name=night|key=KML|version#1|kcv=A1B2C3|"

static void test_uses(void)
{
    struct book b;
    book_init(&b);
    add(&b, "use-begin", USE "count#100|blocks#200|first#1|last#100"); /* 1 */
    add(&b, "use-begin", USE "count#10|blocks#20|first#1|last#10");    /* 2: killed */
    add(&b, "use", USE "count#100|blocks#200|first#1|last#100|begin#1|actual#70|actual_blocks#140"); /* 3 */
    add(&b, "use-begin", USE "count#5|blocks#10|first#11|last#15");                                  /* 4 */
    add(&b, "use", USE "count#5|blocks#10|first#11|last#15|begin#4|actual#6|actual_blocks#12");      /* 5 */
    struct history *h = loaded(&b);
    const struct history_key *k = history_key(h, "KML", 1);
    CU_ASSERT_EQUAL(k->blocks_used, 140 + 20 + 12);
    CU_ASSERT_FALSE(k->recorded);
    end(&b, h);
}

static void test_more_uses_than_numbers(void)
{
    struct book b;
    book_init(&b);
    for (int i = 0; i < 3000; i++)
        add(&b, "use-begin", "key=K|version#1|blocks#9007199254740991");
    struct history *h = loaded(&b);
    CU_ASSERT_EQUAL(history_key(h, "K", 1)->blocks_used, UINT64_MAX);
    end(&b, h);
}

static void test_limits(void)
{
    struct book b;
    struct history_limit limit = history_limit(NULL, "des2");
    CU_ASSERT(!limit.none && limit.blocks == 1048576 && !limit.stop);
    limit = history_limit(NULL, "aes256");
    CU_ASSERT_TRUE(limit.none);
    book_init(&b);
    add(&b, "limit", "key=KML|version#1|blocks#1000|then=stop");
    add(&b, "limit", "key=KML|version#1|blocks#5000|then=warn");
    add(&b, "limit", "key=KMU|version#1|blocks#7|then=stop");
    struct history *h = loaded(&b);
    limit = history_limit(history_key(h, "KML", 1), "des2");
    CU_ASSERT(!limit.none && limit.blocks == 5000 && !limit.stop);
    limit = history_limit(history_key(h, "KMU", 1), "aes128");
    CU_ASSERT(!limit.none && limit.blocks == 7 && limit.stop);
    end(&b, h);
}

static void test_partners(void)
{
    struct book b;
    book_init(&b);
    add(&b, "import", "sender=issuer|key=KEK|version#1|role=kek-bureau|serial#4|kcv=0102030405");
    add(&b, "import", "sender=issuer|key=KEK|version#2|role=kek-bureau|serial#9|kcv=0102030405");
    add(&b, "import", "sender=issuer|key=KMC|version#1|role=master|serial#2|kcv=010203");
    add(&b, "import", "sender=other|key=KEK|version#1|role=kek-bureau|serial#1|kcv=0102030405");
    add(&b, "trust", "sender=issuer|fingerprint=aa");
    add(&b, "trust", "sender=issuer|fingerprint=bb");
    struct history *h = loaded(&b);
    CU_ASSERT_EQUAL(history_serial(h, "issuer", "KEK"), 9);
    CU_ASSERT_EQUAL(history_serial(h, "issuer", "KMC"), 2);
    CU_ASSERT_EQUAL(history_serial(h, "other", "KEK"), 1);
    CU_ASSERT_EQUAL(history_serial(h, "other", "KMC"), 0);
    CU_ASSERT_STRING_EQUAL(history_trusted(h, "issuer"), "bb");
    CU_ASSERT_PTR_NULL(history_trusted(h, "other"));
    end(&b, h);
}

/* A known event with a member missing or wrong must not be passed over: it may hold what forbids something. */
static void test_incomplete_events(void)
{
    static const struct {
        const char *event, *members, *says;
    } events[] = {
        {"component", "key=K|version#1|component#1", "log:1: event component: has no text 'custodian'"},
        {"component", "key=K|version=1|component#1|custodian=C", "has no number 'version'"},
        {"component-letter", "key=K|version#1|custodian=C", "has no number 'component'"},
        {"key", "version#1|role=r|algorithm=a|token=t|label=l", "event key: has no text 'key'"},
        {"key", "key=K|version#1|algorithm=a|token=t|label=l", "has no text 'role'"},
        {"key", "key=K|version#1|role=r|token=t|label=l", "has no text 'algorithm'"},
        {"key", "key=K|version#1|role=r|algorithm=a|label=l", "has no text 'token'"},
        {"key", "key=K|version#1|role=r|algorithm=a|token=t", "has no text 'label'"},
        {"key", "key=K|version#1|role=r|algorithm=a|token=t|label=l|not_after=2026-02-30",
         "'not_after' is no date"},
        {"key-dates", "key=K|version#1|not_before=20260101", "'not_before' is no date"},
        {"rotate", "key=K|from#1", "has no number 'to'"},
        {"rotate", "key=K|to#1", "has no number 'from'"},
        {"destroy", "key=K|version#1|label=l", "has no text 'token'"},
        {"limit", "key=K|version#1|then=warn", "has no number 'blocks'"},
        {"limit", "key=K|version#1|blocks#1|then=Stop", "'then' is neither"},
        {"use-begin", "key=K|version#1", "has no number 'blocks'"},
        {"use", "key=K|version#1|actual_blocks#1", "has no number 'begin'"},
        {"use", "key=K|version#1|begin#1", "has no number 'actual_blocks'"},
        {"use", "key=K|version#1|begin#1|actual_blocks#1", "ends no run: line 1 began none"},
        {"import", "sender=s|key=K", "has no number 'serial'"},
        {"trust", "sender=s", "has no text 'fingerprint'"},
    };
    for (size_t i = 0; i < SUITE_COUNT(events); i++) {
        struct err err = ERR_INIT;
        struct book b;
        struct history *h = NULL;
        book_init(&b);
        add(&b, events[i].event, events[i].members);
        EXPECT_FAIL(load(&b, &h, &err), ERR_INTEGRITY, events[i].says);
        CU_ASSERT_PTR_NULL(h);
        buf_release(&b.bytes);
    }
}

static void test_use_ended_twice(void)
{
    struct err err = ERR_INIT;
    struct book b;
    struct history *h = NULL;
    book_init(&b);
    add(&b, "use-begin", "key=K|version#1|blocks#5");
    add(&b, "use", "key=K|version#1|begin#1|actual_blocks#5");
    add(&b, "use", "key=K|version#1|begin#1|actual_blocks#5");
    EXPECT_FAIL(load(&b, &h, &err), ERR_INTEGRITY, "log:3: event use: ends no run");
    buf_release(&b.bytes);
}

static void test_cut_line_is_passed_over(void)
{
    struct book b;
    book_init(&b);
    add(&b, "limit", "key=KML|version#1|blocks#1000|then=stop");
    size_t len = b.bytes.len;
    add(&b, "limit", "key=KML|version#1|blocks#2000|then=stop");
    buf_truncate(&b.bytes, b.bytes.len - 2);
    struct history *h = loaded(&b);
    CU_ASSERT_EQUAL(history_cut(h), b.bytes.len - len);
    CU_ASSERT_EQUAL(history_key(h, "KML", 1)->limit_blocks, 1000);
    end(&b, h);
}

static void test_files(void)
{
    struct err err = ERR_INIT;
    struct scratch s;
    struct history *h = NULL;
    time_t clock = DRAFT_START;
    scratch_init(&s);
    const char *path = scratch_path(&s, "log");
    EXPECT_FAIL(history_load(&h, path, &err), ERR_FILE, "audit log");
    struct audit_log *log = draft_open(path, &clock);
    draft_append(log, "event", 1);
    EXPECT_OK(history_load(&h, path, &err));
    CU_ASSERT_EQUAL(history_head(h)->seq, 1);
    history_free(h);
    EXPECT_OK(audit_log_hold(log, &err));
    EXPECT_OK(history_load_log(&h, log, &err));
    CU_ASSERT_EQUAL(history_key_count(h), 0);
    history_free(h);
    audit_log_free(log);
    scratch_release(&s);
}

static const struct test_case cases[] = {
    {"custodians", test_custodians},
    {"keys as last recorded", test_keys_as_last_recorded},
    {"copies that are destroyed", test_destroyed_copies},
    {"uses", test_uses},
    {"more uses than numbers", test_more_uses_than_numbers},
    {"limits", test_limits},
    {"partners", test_partners},
    {"incomplete events", test_incomplete_events},
    {"a use that is ended twice", test_use_ended_twice},
    {"a cut line is passed over", test_cut_line_is_passed_over},
    {"files", test_files},
};

int main(void)
{
    return suite_run("audit/history", cases, SUITE_COUNT(cases));
}
