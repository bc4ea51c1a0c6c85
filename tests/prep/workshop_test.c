/* A worker's steps on a real token: a card prepared, judged by the independent reader (which re-derives every key, unwraps
 * every secret, verifies MACs and certificates), and each token call made to fail once. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hsm/probe.h"
#include "suite.h"
#include "workbench.h"

enum { RECORD_ROOM = 1 << 16 };

static struct softtoken soft;
static struct workbench bench;

struct tools {
    struct hsm_token *token;
    struct keyring *ring;
    struct workshop *shop;
    struct buf record;
};

static bool tools_open(struct tools *t, struct err *err)
{
    memset(t, 0, sizeof(*t));
    buf_init(&t->record, RECORD_ROOM);
    return softtoken_open(&soft, "issuer", &t->token, err) && workbench_init(&bench, t->token, err) &&
           keyring_open(&t->ring, &bench.job, &bench.tokens, err) &&
           workshop_new(&t->shop, &bench.job, &bench.identity, t->ring, err);
}

static void tools_close(struct tools *t)
{
    workshop_free(t->shop);
    keyring_free(t->ring);
    hsm_token_close(t->token);
    buf_release(&t->record);
}

static int ask_reader(const char *options, char *out, size_t size)
{
    char command[1024];
    snprintf(command, sizeof(command), "%s/tests/reader/mic_reader %s %s/keys.json %s/out.mic 2>&1",
             TEST_BUILD_DIR, options, soft.folder, soft.folder);
    FILE *p = popen(command, "r");
    if (!p) return -1;
    const size_t got = fread(out, 1, size - 1, p);
    out[got] = '\0';
    return pclose(p);
}

static void test_file(void)
{
    struct err err = ERR_INIT;
    struct tools t;
    char path[256], keys_path[256], said[1024];
    size_t before = 0, after = 0, kept = 0;

    EXPECT_OK(tools_open(&t, &err));
    EXPECT_OK(hsm_token_count_objects(t.token, &before, &kept, &err));
    EXPECT_OK(workshop_prepare(t.shop, &bench.plan, &t.record, &err));
    EXPECT_OK(hsm_token_count_objects(t.token, &after, &kept, &err));
    CU_ASSERT_EQUAL(before, after);
    snprintf(path, sizeof(path), "%s/out.mic", soft.folder);
    snprintf(keys_path, sizeof(keys_path), "%s/keys.json", soft.folder);
    EXPECT_OK(workbench_write_file(&bench, t.ring, &t.record, path, keys_path, &err));
    const int status = ask_reader("", said, sizeof(said));
    if (status != 0) fprintf(stderr, "%s\n", said);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said,
                                  "accepted: 1 records, 3 entries (0 open), 6 secrets checked (0 more not "
                                  "decrypted), 3 certificates checked"));
    tools_close(&t);
}

/* Reads the one record back. */
static bool entry_of(const struct buf *record, size_t index, struct mic_record *parsed, struct entry *out,
                     struct err *err)
{
    static struct entry entries[ENTRIES_MAX];
    size_t count = 0;
    if (!mic_parse_record(record->data, record->len, 0, parsed, err)) return false;
    if (!entry_read_all(mic_find(parsed, "CHIP"), entries, &count, err) || index >= count) return false;
    *out = entries[index];
    return true;
}

/* What the walk over an entry shows, one word per item. */
static void tell(const struct entry *e, char *text, size_t size)
{
    struct entry_walk walk;
    struct entry_item item = {.kind = ITEM_BINDING};
    struct err err = ERR_INIT;
    size_t len = 0;

    entry_walk_begin(&walk, e);
    while (item.kind != ITEM_END && entry_walk_next(&walk, &item, &err)) {
        if (item.kind == ITEM_BINDING) len += (size_t)snprintf(&text[len], size - len, "C1 ");
        if (item.kind == ITEM_DERIVATION_DATA) len += (size_t)snprintf(&text[len], size - len, "C2 ");
        if (item.kind == ITEM_GROUPING)
            len += (size_t)snprintf(&text[len], size - len, "%04X ", item.grouping.dgi);
        if (item.kind == ITEM_LOOSE)
            len += (size_t)snprintf(&text[len], size - len, "%X ", (unsigned)item.tlv.tag);
        if (item.kind == ITEM_SECRET)
            len += (size_t)snprintf(&text[len], size - len, "%04X:%s:%s%s%s ", item.secret.dgi,
                                    item.secret.name, item.secret.master, item.secret.card_key[0] ? ":" : "",
                                    item.secret.card_key);
    }
}

static void test_order(void)
{
    static const char *const expected[] = {
        "C1 C2 9104 9000 8000:MK-AC:MK-AC/1 8000:MK-SMI:MK-AES/3 0202 0201 0203 0204 0101 8201:card-key: ",
        "C1 C2 0701 8001:K1:MK-AES/3:KMC/1/DEK 8001:K2:MK-AES/3:KMC/1/DEK 8000:KDL:KML/2 9000 ",
        "C1 DF20 ",
    };
    struct err err = ERR_INIT;
    struct tools t;
    struct mic_record *parsed = calloc(1, sizeof(*parsed));

    EXPECT_OK(tools_open(&t, &err));
    EXPECT_OK(workshop_prepare(t.shop, &bench.plan, &t.record, &err));
    for (size_t i = 0; i < SUITE_COUNT(expected); i++) {
        struct entry e;
        char text[512] = "";
        EXPECT_OK(entry_of(&t.record, i, parsed, &e, &err));
        EXPECT_OK(entry_check(&e, &bench.input.card, &err));
        tell(&e, text, sizeof(text));
        CU_ASSERT_STRING_EQUAL(text, expected[i]);
    }
    CU_ASSERT_STRING_EQUAL(parsed->groups[1].name, "EMBOSS");
    free(parsed);
    tools_close(&t);
}

/* Bench and key pools put their own maker in. */
static bool refuse_pair(void *context, const struct profile_key_pair *rule, struct card_pair *out,
                        struct err *err)
{
    (void)context;
    (void)rule;
    (void)out;
    return err_set(err, ERR_TOKEN, "the pool is empty");
}

static void test_refusals(void)
{
    struct err err = ERR_INIT;
    struct tools t;
    struct planned_value *values;

    EXPECT_OK(tools_open(&t, &err));
    values = bench.plan.applications[0].values;
    const struct planned_value expiry = values[1], afl = values[3];
    static uint8_t large[250];
    values[1] = (struct planned_value){.origin = VALUE_FROM_SOURCE, .value = large, .len = sizeof(large)};
    EXPECT_FAIL(workshop_prepare(t.shop, &bench.plan, &t.record, &err), ERR_INPUT,
                "application emv: DGI 0201: 272 bytes, more than the 254 that fit");
    values[1] = expiry;
    static const uint8_t all_signed[] = {0x10, 0x01, 0x04, 0x04};
    values[3].value = all_signed;
    values[3].len = sizeof(all_signed);
    EXPECT_FAIL(workshop_prepare(t.shop, &bench.plan, &t.record, &err), ERR_CONFIG,
                "application emv: DGI 0202: the AFL marks this record as signed, so it cannot hold 93");
    values[3] = afl;
    const struct pair_maker maker = {.make = refuse_pair};
    workshop_set_pair_maker(t.shop, &maker);
    EXPECT_FAIL(workshop_prepare(t.shop, &bench.plan, &t.record, &err), ERR_TOKEN,
                "application emv: key pair card-key: the pool is empty");
    CU_ASSERT_EQUAL(t.record.len, 0);
    tools_close(&t);
}

static void test_room(void)
{
    struct err err = ERR_INIT;
    struct tools t;

    EXPECT_OK(tools_open(&t, &err));
    buf_init(&t.record, 100);
    buf_put_text(&t.record, "before");
    EXPECT_FAIL(workshop_prepare(t.shop, &bench.plan, &t.record, &err), ERR_INPUT,
                "larger than there is room for");
    CU_ASSERT_EQUAL(t.record.len, strlen("before"));
    tools_close(&t);
}

static void test_keyring_refuses(void)
{
    struct err err = ERR_INIT;
    struct tools t;
    struct keyring *ring = NULL;

    EXPECT_OK(tools_open(&t, &err));
    bench.job.keys[0].kcv_len = 3;
    EXPECT_FAIL(keyring_open(&ring, &bench.job, &bench.tokens, &err), ERR_TOKEN, "MK-AC");
    bench.job.keys[0].kcv_len = 0;
    bench.job.issuer_keys[0].certificate.recovered.key.modulus[5] ^= 1;
    EXPECT_FAIL(keyring_open(&ring, &bench.job, &bench.tokens, &err), ERR_TOKEN,
                "is not the key of the certificate");
    bench.job.issuer_keys[0].certificate.recovered.key.modulus[5] ^= 1;
    CU_ASSERT_PTR_NULL(ring);
    tools_close(&t);
}

static void test_lint(void)
{
    struct err err = ERR_INIT;
    struct tools t;
    struct buf findings;
    struct profile_key *key;

    EXPECT_OK(tools_open(&t, &err));
    buf_init(&findings, 4096);
    CU_ASSERT_EQUAL(keyring_lint(&bench.job, &bench.tokens, &findings), 0);
    key = &bench.job.applications[1].profile->keys[1];
    key->protection = METHOD_CARD_TDES_ECB; /* SoftHSM does not wrap by it */
    CU_ASSERT_EQUAL(keyring_lint(&bench.job, &bench.tokens, &findings), 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_text(&findings), "application purse: key K1: the token lacks wrap-tdes-ecb"));
    key->protection = METHOD_CARD_AES_CBC;
    buf_release(&findings);
    tools_close(&t);
}

/* ---- every call made to fail ---- */

static size_t logged_calls(void)
{
    char path[256];
    size_t lines = 0;
    softtoken_log_path(&soft, path, sizeof(path));
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    for (int c = fgetc(f); c != EOF; c = fgetc(f))
        lines += c == '\n';
    fclose(f);
    return lines;
}

static void forget_log(void)
{
    char path[256];
    softtoken_log_path(&soft, path, sizeof(path));
    unlink(path);
}

/* Objects that the calls of a log made and did not destroy. */
static long objects_left(const char *log)
{
    static const struct {
        const char *function;
        long objects;
    } rows[] = {
        {" C_DeriveKey ", 1}, {" C_GenerateKey ", 1}, {" C_GenerateKeyPair ", 2}, {" C_DestroyObject ", -1}};
    char line[2048];
    long left = 0;
    FILE *f = fopen(log, "r");
    while (f && fgets(line, sizeof(line), f)) {
        for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
            if (strstr(line, rows[i].function) && strstr(line, "-> 0x0\n")) left += rows[i].objects;
        }
    }
    if (f) fclose(f);
    return left;
}

enum verdict { PREPARED = 10, REFUSED_CLEANLY, LEFT_OBJECTS, NO_MESSAGE, SET_UP_FAILED, BROKEN };

/* In a process of its own: call number n fails. Counting is done in the log, since a call that never reached the token
 * leaves its operation open there. */
static enum verdict prepare_with_fault(size_t n)
{
    struct err err = ERR_INIT;
    struct tools t;
    char fault[64], log[256];

    snprintf(fault, sizeof(fault), "*:%zu:0x5", n);
    snprintf(log, sizeof(log), "%s/fault-%zu.log", soft.folder, n);
    setenv("P11PROXY_FAIL", fault, 1);
    setenv("P11PROXY_LOG", log, 1);
    if (!tools_open(&t, &err)) return SET_UP_FAILED;
    const long before = objects_left(log);
    const bool ok = workshop_prepare(t.shop, &bench.plan, &t.record, &err);
    if (ok) return PREPARED;
    if (hsm_token_is_broken(t.token)) /* a key could not be destroyed: the session has to end */
        return t.record.len == 0 && strstr(err.text, "C_") ? BROKEN : NO_MESSAGE;
    if (objects_left(log) != before) return LEFT_OBJECTS;
    return err.kind == ERR_TOKEN && strstr(err.text, "C_") && t.record.len == 0 ? REFUSED_CLEANLY
                                                                                : NO_MESSAGE;
}

static enum verdict in_child(size_t n)
{
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) _exit((int)prepare_with_fault(n));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return SET_UP_FAILED;
    return (enum verdict)WEXITSTATUS(status);
}

static size_t count_in_log(const char *function, size_t from)
{
    char path[256], line[2048];
    size_t number = 0, count = 0;
    softtoken_log_path(&soft, path, sizeof(path));
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        number++;
        count += number >= from && strstr(line, function) != NULL;
    }
    if (f) fclose(f);
    return count;
}

/* Handles are found once, at the start. The only attributes that a card needs are the public ones of its pair. */
static void test_calls(void)
{
    struct err err = ERR_INIT;
    struct tools t;

    forget_log();
    EXPECT_OK(tools_open(&t, &err));
    const size_t first = logged_calls() + 1;
    EXPECT_OK(workshop_prepare(t.shop, &bench.plan, &t.record, &err));
    CU_ASSERT_EQUAL(count_in_log(" C_FindObjects", first), 0);
    CU_ASSERT_EQUAL(count_in_log(" C_GetAttributeValue ", first), count_in_log(" C_GenerateKeyPair ", first));
    CU_ASSERT_EQUAL(count_in_log(" C_DeriveKey ", first), 6); /* five keys and the card's own */
    CU_ASSERT_EQUAL(count_in_log(" C_CreateObject ", first), 0);
    tools_close(&t);
}

static void test_faults(void)
{
    struct err err = ERR_INIT;
    struct tools t;
    size_t refused = 0, broken = 0;

    forget_log();
    EXPECT_OK(tools_open(&t, &err));
    const size_t first = logged_calls() + 1;
    EXPECT_OK(workshop_prepare(t.shop, &bench.plan, &t.record, &err));
    const size_t last = logged_calls();
    tools_close(&t);
    CU_ASSERT_TRUE(last > first + 20);
    for (size_t n = first; n <= last; n++) {
        const enum verdict v = in_child(n);
        refused += v == REFUSED_CLEANLY;
        broken += v == BROKEN;
        if (v == REFUSED_CLEANLY || v == BROKEN) continue;
        fprintf(stderr, "call %zu of %zu to %zu: verdict %d\n", n, first, last, (int)v);
        CU_FAIL("a failing call");
    }
    printf("calls %zu to %zu: %zu refused, %zu broke the session\n", first, last, refused, broken);
    CU_ASSERT_TRUE(refused > broken);
    unsetenv("P11PROXY_FAIL");
}

static const struct test_case cases[] = {
    {"the independent reader accepts the file", test_file},
    {"groupings, secrets and loose elements in card order", test_order},
    {"record too large, certificate under itself, no pair", test_refusals},
    {"no room: nothing appended", test_room},
    {"a wrong check value, another issuer key", test_keyring_refuses},
    {"what the token lacks is named", test_lint},
    {"a card looks nothing up on the token", test_calls},
    {"each call failing once: refused, no key left", test_faults},
};

int main(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = 1;
    if (softtoken_add(&soft, "issuer") && softtoken_open(&soft, "issuer", &t, &err) &&
        workbench_make_keys(t, &bench, &err)) {
        hsm_token_close(t);
        softtoken_proxy(&soft);
        status = suite_run("prep/workshop", cases, SUITE_COUNT(cases));
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    softtoken_stop(&soft);
    return status;
}
