#include "audit/line.h"

#include <jansson.h>
#include <stdlib.h>

#include "audit/text.h"
#include "base/hex.h"
#include "suite.h"

static const char *const when = "2026-11-26T10:00:00Z";
static const struct audit_head none;

static void make(struct buf *out, const struct audit_head *before, struct audit_head *after)
{
    struct err err = ERR_INIT;
    struct audit_event e;
    audit_event_init(&e, "key");
    audit_text(&e, "key", "KML");
    audit_number(&e, "version", 1);
    audit_hex(&e, "kcv", (const uint8_t *)"\x01\xAB\xCD", 3);
    EXPECT_OK(audit_line_make(out, before, when, "test 0.0", &e, after, &err));
    audit_event_release(&e);
}

/* The hash is that of `printf '%s' '{"seq":1,…"prev":"00…00"' | sha256sum` (coreutils). */
static void test_bytes(void)
{
    static const char due[] =
        "{\"seq\":1,\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"test "
        "0.0\",\"event\":\"key\",\"key\":\"KML\","
        "\"version\":1,\"kcv\":\"01abcd\",\"prev\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\","
        "\"hash\":\"c61d356cf5243aa6dbd57679218aa7c3b11cf3e358c790889da59bdf45df588f\"}\n";
    struct buf line;
    struct audit_head after;
    buf_init(&line, AUDIT_LINE_MAX);
    make(&line, &none, &after);
    CU_ASSERT_STRING_EQUAL(buf_text(&line), due);
    CU_ASSERT_EQUAL(after.seq, 1);
    buf_release(&line);
}

static void test_way_back(void)
{
    struct err err = ERR_INIT;
    struct buf line;
    struct audit_head first, second;
    struct audit_line l;
    struct audit_member m;
    uint64_t number = 0;

    buf_init(&line, AUDIT_LINE_MAX);
    make(&line, &none, &first);
    buf_clear(&line);
    make(&line, &first, &second);
    EXPECT_OK(audit_line_parse(line.data, line.len - 1, &first, &l, &err));
    CU_ASSERT_EQUAL(l.seq, 2);
    CU_ASSERT_STRING_EQUAL(l.time, when);
    CU_ASSERT_STRING_EQUAL(l.program, "test 0.0");
    CU_ASSERT_STRING_EQUAL(l.event, "key");
    CU_ASSERT_STRING_EQUAL(audit_line_text(&l, "key"), "KML");
    CU_ASSERT(audit_line_number(&l, "version", &number) && number == 1);
    CU_ASSERT_PTR_NULL(audit_line_text(&l, "version"));
    CU_ASSERT_FALSE(audit_line_number(&l, "key", &number));
    CU_ASSERT_PTR_NULL(audit_line_text(&l, "hash"));
    CU_ASSERT(audit_line_member(&l, 0, &m) && strcmp(m.name, "key") == 0 && strcmp(m.text, "KML") == 0);
    CU_ASSERT(audit_line_member(&l, 1, &m) && strcmp(m.name, "version") == 0 && !m.text && m.number == 1);
    CU_ASSERT(audit_line_member(&l, 2, &m) && strcmp(m.name, "kcv") == 0);
    CU_ASSERT_FALSE(audit_line_member(&l, 3, &m));
    CU_ASSERT_EQUAL(memcmp(l.hash, second.hash, SHA256_LEN), 0);
    audit_line_release(&l);
    EXPECT_FAIL(audit_line_parse(line.data, line.len - 1, &none, &l, &err), ERR_INTEGRITY,
                "sequence number 2 where 1 is due: lines were removed");
    EXPECT_FAIL(audit_line_parse(line.data, line.len - 1, &second, &l, &err), ERR_INTEGRITY,
                "sequence number 2 where 3 is due: the line was repeated");
    first.hash[0] ^= 1;
    EXPECT_FAIL(audit_line_parse(line.data, line.len - 1, &first, &l, &err), ERR_INTEGRITY,
                "does not follow line 1");
    buf_release(&line);
}

/* A line with a right hash around what stands in front of it. */
static void forge(struct buf *out, const char *front)
{
    struct err err = ERR_INIT;
    uint8_t hash[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    buf_clear(out);
    buf_put_format(out, "%s,\"prev\":\"%064d\"", front, 0);
    EXPECT_OK(sha256(out->data, out->len, hash, &err));
    hex_write(hex, sizeof(hex), hash, sizeof(hash), true);
    buf_put_format(out, ",\"hash\":\"%s\"}", hex);
}

/* What is read without jansson is what jansson reads, and what it refuses is refused. */
static void expect_as_json(const struct buf *line)
{
    struct err err = ERR_INIT;
    struct audit_line l;
    struct audit_member m;
    json_t *json = json_loadb((const char *)line->data, line->len, JSON_REJECT_DUPLICATES, NULL);
    bool ok = audit_line_parse(line->data, line->len, &none, &l, &err);
    CU_ASSERT_EQUAL(json == NULL, !ok && strstr(err.text, "is no JSON:") != NULL);
    for (size_t i = 0; ok && audit_line_member(&l, i, &m); i++) {
        const json_t *value = json_object_get(json, m.name);
        CU_ASSERT_TRUE(m.text ? json_is_string(value) && strcmp(json_string_value(value), m.text) == 0
                              : json_is_integer(value) && (uint64_t)json_integer_value(value) == m.number);
    }
    if (ok) audit_line_release(&l);
    json_decref(json);
}

#define FRONT "{\"seq\":1,\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"p\",\"event\":\"e\""

static void test_as_json(void)
{
    static const char plain[] = FRONT ",\"key\":\"KML\",\"n\":10,\"o\":0,\"long\":123456789012345";
    static const char instead[] = "\"\\{}[],:0 19-.eaA\x01\x7F\xC3\xA9\t";
    char front[sizeof(plain) + 8];
    struct buf line;
    buf_init(&line, AUDIT_LINE_MAX);
    for (size_t at = 0; at + 1 < sizeof(plain); at++) {
        for (size_t i = 0; instead[i]; i++) {
            snprintf(front, sizeof(front), "%s", plain);
            front[at] = instead[i];
            forge(&line, front);
            expect_as_json(&line);
            snprintf(front, sizeof(front), "%.*s%c%s", (int)at, plain, instead[i], &plain[at]);
            forge(&line, front);
            expect_as_json(&line);
        }
        snprintf(front, sizeof(front), "%.*s%s", (int)at, plain, &plain[at + 1]);
        forge(&line, front);
        expect_as_json(&line);
    }
    buf_release(&line);
}

/* Anybody can compute a hash: what it covers must still be a line. */
static void test_right_hash_wrong_line(void)
{
    static const struct {
        const char *front, *says;
    } lines[] = {
        {"{\"a\":1", "has 3 members"},
        {"[1", "is no JSON"},
        {FRONT ",\"x\":", "is no JSON"},
        {FRONT ",\"x\":1.5", "'x' is neither text nor a number"},
        {FRONT ",\"x\":-1", "'x' is neither text nor a number"},
        {FRONT ",\"x\":9007199254740992", "'x' is neither text nor a number"},
        {FRONT ",\"x\":null", "'x' is neither text nor a number"},
        {FRONT ",\"x\":{}", "'x' is neither text nor a number"},
        {FRONT ",\"x\":\"\\u001b\"", "'x' holds characters"},
        {FRONT ",\"x\":1,\"x\":2", "is no JSON: duplicate"},
        {FRONT ",\"X\":1", "member 5 is not"},
        {FRONT ",\"hash\":1", "is no JSON: duplicate"},
        {"{\"time\":\"2026-11-26T10:00:00Z\",\"seq\":1,\"program\":\"p\",\"event\":\"e\"", "member 1 is not"},
        {"{\"seq\":\"1\",\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"p\",\"event\":\"e\"",
         "'seq' is not"},
        {"{\"seq\":1,\"time\":5,\"program\":\"p\",\"event\":\"e\"", "'time' is not"},
        {"{\"seq\":1,\"time\":\"2026-11-31T10:00:00Z\",\"program\":\"p\",\"event\":\"e\"",
         "its time is no time"},
        {"{\"seq\":1,\"time\":\"2026-11-26\",\"program\":\"p\",\"event\":\"e\"", "its time is no time"},
        {"{\"seq\":1,\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"p\",\"event\":\"E\"",
         "its event has no name"},
        {"{\"seq\":0,\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"p\",\"event\":\"e\"", "where 1 is due"},
    };
    struct err err = ERR_INIT;
    struct buf line;
    struct audit_line l;
    static const struct audit_head other = {.hash = {1}};

    buf_init(&line, AUDIT_LINE_MAX);
    forge(&line, FRONT);
    EXPECT_OK(audit_line_parse(line.data, line.len, &none, &l, &err));
    audit_line_release(&l);
    EXPECT_FAIL(audit_line_parse(line.data, line.len, &other, &l, &err), ERR_INTEGRITY, "is the first line");
    for (size_t i = 0; i < SUITE_COUNT(lines); i++) {
        forge(&line, lines[i].front);
        EXPECT_FAIL(audit_line_parse(line.data, line.len, &none, &l, &err), ERR_INTEGRITY, lines[i].says);
    }
    buf_release(&line);
}

static void test_cut_at_every_byte(void)
{
    struct err err = ERR_INIT;
    struct buf line;
    struct audit_line l;
    buf_init(&line, AUDIT_LINE_MAX);
    forge(&line, FRONT);
    for (size_t len = 0; len < line.len; len++) {
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, line.data, len);
        CU_ASSERT_FALSE(audit_line_parse(copy, len, &none, &l, &err));
        CU_ASSERT_EQUAL(err.kind, ERR_INTEGRITY);
        free(copy);
    }
    buf_release(&line);
}

static void refused(struct audit_event *e, enum err_kind kind, const char *says)
{
    struct err err = ERR_INIT;
    struct buf line;
    struct audit_head after = none;
    buf_init(&line, AUDIT_LINE_MAX);
    EXPECT_FAIL(audit_line_make(&line, &none, when, "test", e, &after, &err), kind, says);
    CU_ASSERT_EQUAL(line.len, 0);
    CU_ASSERT_EQUAL(after.seq, 0);
    buf_release(&line);
    audit_event_release(e);
}

static void test_refused_events(void)
{
    static char longest[AUDIT_TEXT_MAX + 1];
    struct audit_event e;
    audit_event_init(&e, "Upper");
    refused(&e, ERR_INTERNAL, "'Upper' is no name of an event");
    audit_event_init(&e, "");
    refused(&e, ERR_INTERNAL, "is no name of an event");
    audit_event_init(&e, "x");
    audit_text(&e, "who", "a\nb");
    audit_number(&e, "seq", 1); /* the first fault is told */
    refused(&e, ERR_INPUT, "event x: who: holds a character");
    audit_event_init(&e, "x");
    audit_number(&e, "seq", 1);
    refused(&e, ERR_INTERNAL, "'seq' is no name of a member");
    audit_event_init(&e, "x");
    audit_number(&e, "n", AUDIT_NUMBER_MAX + 1);
    refused(&e, ERR_INTERNAL, "n: the number is too large");
    audit_event_init(&e, "x");
    audit_number(&e, "n", AUDIT_NUMBER_MAX);
    audit_text(&e, "n", "");
    refused(&e, ERR_INTERNAL, "member 'n' stands twice");
    audit_event_init(&e, "x");
    for (int i = 0; i <= AUDIT_MEMBERS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "m%d", i);
        audit_number(&e, name, 0);
    }
    refused(&e, ERR_INTERNAL, "members");
    audit_event_init(&e, "x");
    memset(longest, '"', AUDIT_TEXT_MAX);
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof(name), "m%d", i);
        audit_text(&e, name, longest);
    }
    refused(&e, ERR_INTERNAL, "its line is longer than");
}

static const struct test_case cases[] = {
    {"byte by byte", test_bytes},
    {"the way back", test_way_back},
    {"a line is what JSON says it is", test_as_json},
    {"a right hash over a wrong line", test_right_hash_wrong_line},
    {"cut at every byte", test_cut_at_every_byte},
    {"events that are refused", test_refused_events},
};

int main(void)
{
    return suite_run("audit/line", cases, SUITE_COUNT(cases));
}
