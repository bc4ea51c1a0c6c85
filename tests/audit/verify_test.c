#include "audit/verify.h"

#include "draft.h"
#include "formats/signers.h"

enum { LINES = 20 };

static struct scratch scratch;
static struct draft_signer signer, other;

/* A log of 20 lines: closings are 8 and 16. */
struct log {
    struct buf bytes;
    size_t at[LINES + 1]; /* where each line begins, and the end */
    struct audit_head head;
};

static void log_init(struct log *l)
{
    time_t clock = DRAFT_START;
    unlink(scratch_path(&scratch, "log"));
    struct audit_log *log = draft_open(scratch.path, &clock);
    for (uint64_t i = 1; i <= LINES; i++) {
        if (i % 8 == 0)
            draft_close(log, &signer.signer);
        else
            draft_append(log, "event", i);
    }
    l->head = *audit_log_head(log);
    audit_log_free(log);
    draft_read(scratch.path, &l->bytes);
    size_t line = 0;
    l->at[line++] = 0;
    for (size_t i = 0; i < l->bytes.len; i++) {
        if (l->bytes.data[i] == '\n') l->at[line++] = i + 1;
    }
    CU_ASSERT_EQUAL_FATAL(line, LINES + 1);
}

/* By the chain and the anchor alone. */
static bool verify_chain(const struct buf *bytes, const struct audit_head *anchor, struct audit_verified *v,
                         struct err *err)
{
    const struct audit_verify_settings settings = {.anchor = anchor};
    struct reader *r = NULL;
    return reader_open_memory(&r, bytes->data, bytes->len, "log", err) &&
           audit_verify_over(r, &settings, v, err);
}

static bool verify_bytes(const struct buf *bytes, const struct audit_head *anchor, struct audit_verified *v,
                         struct err *err)
{
    const struct public_key keys[] = {{other.spki, other.spki_len}, {signer.spki, signer.spki_len}};
    const struct audit_verify_settings settings = {keys, 2, anchor};
    const char *path =
        scratch_file(&scratch, "log", bytes->len ? bytes->data : (const uint8_t *)"", bytes->len);
    return audit_verify(path, &settings, v, err);
}

static bool verify(const struct buf *bytes, struct err *err)
{
    struct audit_verified v;
    return verify_bytes(bytes, NULL, &v, err);
}

static void test_whole(void)
{
    struct err err = ERR_INIT;
    struct log l;
    struct audit_verified v;
    log_init(&l);
    EXPECT_OK(verify_bytes(&l.bytes, &l.head, &v, &err));
    CU_ASSERT_EQUAL(v.head.seq, LINES);
    CU_ASSERT_EQUAL(v.closings, 2);
    CU_ASSERT_EQUAL(v.closings_good, 2);
    CU_ASSERT_EQUAL(v.closings_unknown, 0);
    CU_ASSERT_EQUAL(v.last_good, 16);
    CU_ASSERT_STRING_EQUAL(v.last_good_time, "2026-11-26T10:00:15Z");
    CU_ASSERT_EQUAL(v.behind, 4);
    const struct audit_verify_settings none = {.signers = NULL};
    EXPECT_OK(audit_verify(scratch.path, &none, &v, &err));
    CU_ASSERT(v.closings == 2 && v.closings_unknown == 2 && v.last_good == 0 && v.behind == LINES);
    buf_release(&l.bytes);
    buf_init(&l.bytes, 1);
    EXPECT_OK(verify_bytes(&l.bytes, NULL, &v, &err));
    CU_ASSERT_EQUAL(v.head.seq, 0);
    EXPECT_FAIL(audit_verify("/nowhere/log", &none, &v, &err), ERR_FILE, "/nowhere/log");
    buf_release(&l.bytes);
}

/* The line that holds this offset, counted from 1. */
static size_t line_of(const struct log *l, size_t offset)
{
    size_t line = 1;
    while (l->at[line] <= offset)
        line++;
    return line;
}

/* Every byte in turn, each changed in one bit: the line is named. A changed LF joins two lines. */
static void test_each_byte(void)
{
    struct log l;
    size_t misnamed = 0, missed = 0;
    log_init(&l);
    for (size_t i = 0; i < l.bytes.len; i++) {
        struct err err = ERR_INIT;
        struct audit_verified v;
        char due[32];
        l.bytes.data[i] ^= (uint8_t)(1U << i % 8);
        if (verify_chain(&l.bytes, NULL, &v, &err)) missed++;
        snprintf(due, sizeof(due), "log:%zu: ", line_of(&l, i));
        if (err.kind != ERR_INTEGRITY || !strstr(err.text, due)) misnamed++;
        l.bytes.data[i] ^= (uint8_t)(1U << i % 8);
    }
    CU_ASSERT_EQUAL(missed, 0);
    CU_ASSERT_EQUAL(misnamed, 0);
    buf_release(&l.bytes);
}

static void put_line(const struct log *l, size_t line, struct buf *out)
{
    buf_put(out, l->bytes.data + l->at[line - 1], l->at[line] - l->at[line - 1]);
}

/* The log with its lines in the order that `order` gives, of which there are count. */
static void expect_broken(const struct log *l, const size_t *order, size_t count, size_t at, const char *says)
{
    struct err err = ERR_INIT;
    struct buf text;
    char due[128];
    buf_init(&text, DRAFT_MAX);
    for (size_t i = 0; i < count; i++)
        put_line(l, order[i], &text);
    snprintf(due, sizeof(due), "log:%zu: %s", at, says);
    EXPECT_FAIL(verify(&text, &err), ERR_INTEGRITY, due);
    buf_release(&text);
}

static void test_each_line_removed(void)
{
    struct log l;
    log_init(&l);
    for (size_t gone = 1; gone < LINES; gone++) {
        size_t order[LINES], count = 0;
        char says[80];
        for (size_t i = 1; i <= LINES; i++) {
            if (i != gone) order[count++] = i;
        }
        snprintf(says, sizeof(says), "sequence number %zu where %zu is due: lines were removed", gone + 1,
                 gone);
        expect_broken(&l, order, count, gone, says);
    }
    buf_release(&l.bytes);
}

static void test_each_pair_exchanged(void)
{
    struct log l;
    log_init(&l);
    for (size_t first = 1; first < LINES; first++) {
        size_t order[LINES];
        char says[80];
        for (size_t i = 0; i < LINES; i++)
            order[i] = i + 1;
        order[first - 1] = first + 1;
        order[first] = first;
        snprintf(says, sizeof(says), "sequence number %zu where %zu is due", first + 1, first);
        expect_broken(&l, order, LINES, first, says);
    }
    buf_release(&l.bytes);
}

static void test_each_line_repeated(void)
{
    struct log l;
    log_init(&l);
    for (size_t twice = 1; twice <= LINES; twice++) {
        size_t order[LINES + 1], count = 0;
        char says[80];
        for (size_t i = 1; i <= LINES; i++) {
            order[count++] = i;
            if (i == twice) order[count++] = i;
        }
        snprintf(says, sizeof(says), "sequence number %zu where %zu is due: the line was repeated", twice,
                 twice + 1);
        expect_broken(&l, order, count, twice + 1, says);
    }
    buf_release(&l.bytes);
}

/* Cut inside a line the chain shows it; cut at a line's end only the anchor does. */
static void test_cut_at_every_byte(void)
{
    struct log l;
    size_t wrong = 0;
    log_init(&l);
    for (size_t len = 0; len < l.bytes.len; len++) {
        struct err err = ERR_INIT;
        struct audit_verified v;
        struct buf cut = {.data = l.bytes.data, .len = len};
        size_t line = line_of(&l, len);
        char due[40];
        if (len == l.at[line - 1]) {
            wrong += !verify_chain(&cut, NULL, &v, &err) || v.head.seq != line - 1;
            snprintf(due, sizeof(due), "ends with line %zu, but line 20", line - 1);
        } else {
            snprintf(due, sizeof(due), "log:%zu: is cut: ", line);
        }
        wrong += verify_chain(&cut, &l.head, &v, &err) || err.kind != ERR_INTEGRITY || !strstr(err.text, due);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    buf_release(&l.bytes);
}

static void test_inserted_byte(void)
{
    struct err err = ERR_INIT;
    struct log l;
    struct buf text;
    log_init(&l);
    buf_init(&text, DRAFT_MAX);
    size_t at = l.at[3] - 1;
    buf_put(&text, l.bytes.data, at);
    buf_put_u8(&text, '\r');
    buf_put(&text, l.bytes.data + at, l.bytes.len - at);
    EXPECT_FAIL(verify(&text, &err), ERR_INTEGRITY, "log:3: was changed: it ends with CR and LF");
    text.data[at] = '\n';
    EXPECT_FAIL(verify(&text, &err), ERR_INTEGRITY, "log:4: is no line of an audit log");
    text.data[at] = ' ';
    EXPECT_FAIL(verify(&text, &err), ERR_INTEGRITY, "log:3: is no line of an audit log");
    buf_clear(&text);
    buf_put_fill(&text, 'x', 100000);
    EXPECT_FAIL(verify(&text, &err), ERR_INTEGRITY, "log:1: is longer than any line");
    buf_release(&text);
    buf_release(&l.bytes);
}

static void test_anchor(void)
{
    struct err err = ERR_INIT;
    struct log l;
    struct audit_verified v;
    log_init(&l);
    struct audit_head anchor = l.head;
    anchor.hash[31] ^= 1;
    EXPECT_FAIL(verify_bytes(&l.bytes, &anchor, &v, &err), ERR_INTEGRITY,
                "log:20: is another line than the one");
    anchor = (struct audit_head){.seq = 21};
    EXPECT_FAIL(verify_bytes(&l.bytes, &anchor, &v, &err), ERR_INTEGRITY,
                "ends with line 20, but line 21 was there");
    buf_release(&l.bytes);
}

/* A log that somebody wrote anew has a chain, but not the token's signature. */
static void test_signatures(void)
{
    struct err err = ERR_INIT;
    struct audit_verified v;
    struct buf text;
    time_t clock = DRAFT_START;
    struct audit_signer forged = other.signer;
    memcpy(forged.id, signer.signer.id, SHA256_LEN);
    unlink(scratch_path(&scratch, "log"));
    struct audit_log *log = draft_open(scratch.path, &clock);
    draft_append(log, "event", 1);
    draft_close(log, &forged);
    audit_log_free(log);
    draft_read(scratch.path, &text);
    EXPECT_FAIL(verify(&text, &err), ERR_INTEGRITY, "log:2: the signature does not verify");
    const struct public_key key = {other.spki, other.spki_len};
    const struct audit_verify_settings settings = {&key, 1, NULL};
    EXPECT_OK(audit_verify(scratch.path, &settings, &v, &err));
    CU_ASSERT(v.closings_unknown == 1 && v.closings_good == 0);
    buf_release(&text);
}

/* A log that another program wrote, with openssl's signature. */
static void test_sample(void)
{
    struct err err = ERR_INIT;
    struct signers signers;
    struct audit_verified v;
    char pem[] = TEST_DATA_DIR "/samples/audit-signer.pem";
    const char *const paths[] = {pem};
    EXPECT_OK(signers_load(&signers, paths, 1, &err));
    const struct audit_verify_settings settings = {signers.keys, signers.count, NULL};
    EXPECT_OK(audit_verify(TEST_DATA_DIR "/samples/audit.jsonl", &settings, &v, &err));
    CU_ASSERT(v.head.seq == 7 && v.closings_good == 1 && v.last_good == 5 && v.behind == 2);
    signers_release(&signers);
}

static void test_data_to_sign(void)
{
    static const uint8_t prev[SHA256_LEN] = {0xAA, 0xBB};
    struct buf data;
    buf_init(&data, 256);
    audit_closing_data(&data, prev, 0x0102, "2026-11-26T10:00:00Z");
    CU_ASSERT_EQUAL(data.len, 17 + 32 + 8 + 20);
    CU_ASSERT_EQUAL(memcmp(data.data, "cardprep-audit-1\0\xAA\xBB\0", 20), 0);
    CU_ASSERT_EQUAL(memcmp(data.data + 49,
                           "\0\0\0\0\0\0\1\2"
                           "2026-11-26T10:00:00Z",
                           28),
                    0);
    buf_release(&data);
}

static const struct test_case cases[] = {
    {"a whole log", test_whole},
    {"each byte changed", test_each_byte},
    {"each line removed", test_each_line_removed},
    {"each pair of neighbours exchanged", test_each_pair_exchanged},
    {"each line repeated", test_each_line_repeated},
    {"cut at every byte", test_cut_at_every_byte},
    {"a byte put in", test_inserted_byte},
    {"anchors", test_anchor},
    {"signatures", test_signatures},
    {"the data that is signed", test_data_to_sign},
    {"the sample", test_sample},
};

int main(void)
{
    scratch_init(&scratch);
    draft_signer_init(&signer);
    draft_signer_init(&other);
    int status = suite_run("audit/verify", cases, SUITE_COUNT(cases));
    EVP_PKEY_free(signer.key);
    EVP_PKEY_free(other.key);
    scratch_release(&scratch);
    return status;
}
