#include "prep/commands/key_history.h"

#include "../audit/draft.h"
#include "prep/commands/use_log.h"

static const char job_text[] =
    "job: test\nissuer: \"476173\"\n"
    "tokens: {master: {module: /nowhere.so, label: t}}\n"
    "kek: {version: 3, label: KEK-A, kcv: 0102030405}\n"
    "signing_key: {label: sign}\n"
    "keys:\n"
    "  - {name: KML, version: 1, algorithm: des2, label: a, kcv: 0A0B0C}\n"
    "  - {name: KMC, version: 2, algorithm: aes128, label: b, kcv: 0102030405}\n"
    "issuer_keys: [{name: ISS, label: iss, certificate: c.yaml, ca_key: ca.yaml}]\n"
    "input: {format: csv, file: cards.csv}\n"
    "applications: [{aid: F04C4F59414C5459, profile: loyalty}]\n"
    "audit_log: %s\noutput: {file: out.mic}\n";

struct place {
    struct scratch scratch;
    struct job *job;
    struct audit_log *log;
    time_t clock;
    struct buf warnings;
};

static void place_init(struct place *p)
{
    struct err err = ERR_INIT;
    char text[2048];
    *p = (struct place){.clock = DRAFT_START};
    scratch_init(&p->scratch);
    snprintf(text, sizeof(text), job_text, scratch_path(&p->scratch, "log"));
    EXPECT_OK(job_parse(&p->job, "job.yaml", text, strlen(text), &err));
    p->log = draft_open(scratch_path(&p->scratch, "log"), &p->clock);
    buf_init(&p->warnings, 1 << 16);
}

static void place_release(struct place *p)
{
    buf_release(&p->warnings);
    audit_log_free(p->log);
    job_free(p->job);
    scratch_release(&p->scratch);
}

static void append(struct place *p, struct audit_event *e)
{
    struct err err = ERR_INIT;
    EXPECT_OK(audit_log_append(p->log, e, &err));
    audit_event_release(e);
}

static void put_key(struct place *p, const char *name, uint64_t version, const char *label, const char *kcv,
                    const char *not_before, const char *not_after)
{
    struct audit_event e;
    audit_event_init(&e, "key");
    audit_text(&e, "key", name);
    audit_number(&e, "version", version);
    audit_text(&e, "role", "r");
    audit_text(&e, "algorithm", version ? "aes256" : "rsa");
    audit_text(&e, "token", "t");
    audit_text(&e, "label", label);
    audit_text(&e, "kcv", kcv);
    audit_text(&e, "not_before", not_before);
    audit_text(&e, "not_after", not_after);
    append(p, &e);
}

static bool look(struct place *p, const char *today, struct err *err)
{
    struct history *h = NULL;
    buf_clear(&p->warnings);
    bool ok = key_history_load(&h, p->job, today, &p->warnings, err);
    history_free(h);
    return ok;
}

static bool warns(struct place *p, const char *part)
{
    const char *text = buf_text(&p->warnings);
    return text && strstr(text, part);
}

static void test_dates(void)
{
    struct err err = ERR_INIT;
    struct place p;
    place_init(&p);
    put_key(&p, "KML", 1, "a", "0a0b0c", "2026-03-01", "2027-03-01");
    EXPECT_FAIL(look(&p, "2026-02-28", &err), ERR_CONFIG,
                "key KML/1 begins on 2026-03-01 and must not be used before");
    EXPECT_OK(look(&p, "2026-03-01", &err));
    CU_ASSERT_FALSE(warns(&p, "ends on"));
    EXPECT_OK(look(&p, "2027-01-29", &err));
    CU_ASSERT_FALSE(warns(&p, "ends on"));
    EXPECT_OK(look(&p, "2027-01-30", &err));
    CU_ASSERT_TRUE(warns(&p, "warning: key KML/1 ends on 2027-03-01, in 30 days: rotate it in time\n"));
    EXPECT_OK(look(&p, "2027-03-01", &err));
    CU_ASSERT_TRUE(warns(&p, "in 0 days"));
    EXPECT_FAIL(look(&p, "2027-03-02", &err), ERR_CONFIG, "key KML/1 ended on 2027-03-01: rotate it");
    place_release(&p);
}

static void test_unknown_keys(void)
{
    struct err err = ERR_INIT;
    struct place p;
    place_init(&p);
    put_key(&p, "KML", 2, "a", "FFFFFF", "", "2000-01-01"); /* another version, under the same label */
    EXPECT_OK(look(&p, "2026-11-26", &err));
    CU_ASSERT_TRUE(warns(&p, "warning: key KML/1: the audit log does not tell of its making\n"));
    CU_ASSERT_TRUE(warns(&p, "key KMC/2:") && warns(&p, "key KEK/3:") && warns(&p, "key 'sign':") &&
                   warns(&p, "key 'iss':"));
    place_release(&p);
}

static void test_kek_and_pairs(void)
{
    struct err err = ERR_INIT;
    struct place p;
    place_init(&p);
    put_key(&p, "sign-2026", 0, "sign", "", "", "2026-12-01");
    EXPECT_FAIL(look(&p, "2026-12-02", &err), ERR_CONFIG, "key 'sign' ended on 2026-12-01");
    put_key(&p, "issuer-pair", 0, "iss", "", "", "2026-11-01");
    EXPECT_FAIL(look(&p, "2026-11-26", &err), ERR_CONFIG, "key 'iss' ended on 2026-11-01");
    put_key(&p, "KEK-bureau-a", 3, "KEK-A", "0102030405", "", "2026-10-01");
    EXPECT_FAIL(look(&p, "2026-11-26", &err), ERR_CONFIG, "key KEK/3 ended on 2026-10-01");
    put_key(&p, "KEK", 3, "KEK-B", "0102030406", "", "");
    EXPECT_FAIL(look(&p, "2026-09-26", &err), ERR_CONFIG,
                "key KEK/3: its check value is 0102030405 in the job and 0102030406 in the audit log");
    place_release(&p);
}

static void test_rotated_and_destroyed(void)
{
    struct err err = ERR_INIT;
    struct audit_event e;
    struct place p;
    place_init(&p);
    put_key(&p, "KML", 1, "a", "0A0B0C", "", "");
    audit_event_init(&e, "rotate");
    audit_text(&e, "key", "KML");
    audit_number(&e, "from", 1);
    audit_number(&e, "to", 2);
    append(&p, &e);
    EXPECT_OK(look(&p, "2026-11-26", &err));
    CU_ASSERT_TRUE(
        warns(&p, "key KML/1 was followed by KML/2 on 2026-11-26: this job still names the old one\n"));
    p.job->keys[1].version = 2; /* a job that names both makes cards of both versions */
    free(p.job->keys[1].name);
    p.job->keys[1].name = strdup("KML");
    EXPECT_OK(look(&p, "2026-11-26", &err));
    CU_ASSERT_FALSE(warns(&p, "was followed"));
    audit_event_init(&e, "destroy");
    audit_text(&e, "key", "KML");
    audit_number(&e, "version", 1);
    audit_text(&e, "token", "t");
    audit_text(&e, "label", "a");
    append(&p, &e);
    EXPECT_FAIL(look(&p, "2026-11-26", &err), ERR_CONFIG, "key KML/1 was destroyed on 2026-11-26");
    place_release(&p);
}

static void put_limit(struct place *p, const char *key, uint64_t version, uint64_t blocks, const char *then)
{
    struct audit_event e;
    audit_event_init(&e, "limit");
    audit_text(&e, "key", key);
    audit_number(&e, "version", version);
    audit_number(&e, "blocks", blocks);
    audit_text(&e, "then", then);
    append(p, &e);
}

static bool limits(struct place *p, uint64_t kml, uint64_t kmc, struct err *err)
{
    const struct usage planned[] = {{1, kml}, {1, kmc}};
    struct history *h = NULL;
    buf_clear(&p->warnings);
    bool ok =
        history_load(&h, p->job->audit_log, err) && key_history_limits(h, p->job, planned, &p->warnings, err);
    history_free(h);
    return ok;
}

static void test_limits(void)
{
    struct err err = ERR_INIT;
    struct place p;
    place_init(&p);
    EXPECT_OK(limits(&p, 1048576, UINT64_MAX, &err));
    CU_ASSERT_EQUAL(p.warnings.len, 0);
    EXPECT_OK(limits(&p, 1048577, 1, &err));
    CU_ASSERT_TRUE(
        warns(&p, "warning: key KML/1: 0 blocks used and 1048577 more planned pass its limit of 1048576"));
    put_limit(&p, "KMC", 2, 7, "stop");
    EXPECT_OK(limits(&p, 0, 7, &err));
    EXPECT_FAIL(limits(&p, 0, 8, &err), ERR_CONFIG, "key KMC/2: 0 blocks used and 8 more planned");
    EXPECT_OK(limits(&p, 0, 0, &err));
    place_release(&p);
}

static const uint8_t job_id[JOB_ID_LEN] = {0xAB};

static bool begin(struct place *p, const struct usage *planned, struct use_log **out, struct err *err)
{
    const struct use_plan plan = {p->job, job_id, planned, 1, 5};
    return use_log_begin(out, &plan, err);
}

static uint64_t used(struct place *p, size_t index)
{
    struct err err = ERR_INIT;
    struct history *h = NULL;
    EXPECT_OK(history_load(&h, p->job->audit_log, &err));
    uint64_t blocks = h ? key_history_used(h, &p->job->keys[index]) : 0;
    history_free(h);
    return blocks;
}

static void test_uses(void)
{
    struct err err = ERR_INIT;
    static const struct usage planned[] = {{5, 10}, {0, 0}}, actual[] = {{7, 14}, {0, 0}};
    struct use_log *u = NULL, *other = NULL;
    struct place p;
    place_init(&p);
    EXPECT_OK(begin(&p, planned, &u, &err));
    CU_ASSERT_EQUAL(used(&p, 0), 10);
    EXPECT_OK(begin(&p, planned, &other, &err)); /* another run of the same job at the same time */
    CU_ASSERT_EQUAL(used(&p, 0), 20);
    EXPECT_OK(use_log_end(u, actual, &err));
    EXPECT_OK(use_log_end(u, actual, &err)); /* said once */
    use_log_free(u);
    CU_ASSERT_EQUAL(used(&p, 0), 24);
    use_log_free(other); /* killed: it never says its end */
    CU_ASSERT_EQUAL(used(&p, 0), 24);
    CU_ASSERT_EQUAL(used(&p, 1), 0);
    put_limit(&p, "KML", 1, 30, "stop");
    EXPECT_FAIL(begin(&p, planned, &u, &err), ERR_CONFIG, "24 blocks used and 10 more planned");
    CU_ASSERT_EQUAL(used(&p, 0), 24);
    place_release(&p);
}

static void test_log_that_is_not_there(void)
{
    struct err err = ERR_INIT;
    static const struct usage planned[] = {{5, 10}, {0, 0}};
    struct use_log *u = NULL;
    struct place p;
    place_init(&p);
    unlink(p.job->audit_log);
    EXPECT_FAIL(look(&p, "2026-11-26", &err), ERR_FILE, "audit log");
    EXPECT_FAIL(begin(&p, planned, &u, &err), ERR_FILE, "audit log");
    CU_ASSERT_PTR_NULL(u);
    CU_ASSERT_FALSE(scratch_exists(&p.scratch, "log"));
    place_release(&p);
}

static const struct test_case cases[] = {
    {"dates", test_dates},
    {"keys that the log does not know", test_unknown_keys},
    {"KEK and pairs", test_kek_and_pairs},
    {"rotated and destroyed", test_rotated_and_destroyed},
    {"limits", test_limits},
    {"uses", test_uses},
    {"a log that is not there", test_log_that_is_not_there},
};

int main(void)
{
    return suite_run("prep/key_history", cases, SUITE_COUNT(cases));
}
