#include "config/job.h"

#include "job_files.h"

static void hash_of(const char *text, uint8_t hash[32])
{
    struct err err = ERR_INIT;
    struct job *j = load_text(text);
    memset(hash, 0, 32);
    if (j) EXPECT_OK(job_settings_hash(j, hash, &err));
    job_free(j);
}

static const struct {
    const char *old, *by;
} same[] = {
    {"job: demo\n", "# another comment\nworkers: 7\nretire_after: 10\ncard_timeout: 9\njob: \"demo\"\n"},
    {"pins/issuer.pin", "elsewhere/pin"},
    {"file: cards.csv", "file: other/cards.csv"},
    {"output: {file: demo.mic}", "output: {file: other.mic}"},
    {"demo.counter", "other.counter"},
    {"on_bad_record: stop", "audit_log: elsewhere/audit.jsonl"},
    {"label: KML-1", "label: another-label"},
    {"{name: KML, version: 1, algorithm: des2, label: KML-1, kcv: \"BF67BF\"}",
     "{kcv: bf67bf, label: KML-1, version: '1', algorithm: des2, name: KML}"},
    {"label: demo-issuer", "label: another-token"},
    {"input: {format: csv, file: cards.csv}",
     "input: {file: cards.csv, format: csv, header: yes, separator: ','}"},
    {"on_bad_record: stop", "strict: no"},
};
static const struct {
    const char *old, *by;
} different[] = {
    {"job: demo", "job: demo2"},
    {"issuer: \"476173\"", "issuer: \"47617\""},
    {"kcv: \"BF67BF\"", "kcv: \"BF67BE\""},
    {"kek: {version: 1", "kek: {version: 2"},
    {"label: job-signing", "label: job-signing-2"},
    {"format: csv", "format: csv, separator: ';'"},
    {"object_id: card_id", "object_id: pan"},
    {"{name:26}|", "{name:25}|"},
    {"on_bad_record: stop", "strict: yes"},
    {"optional: yes", "optional: no"},
    {"profile: loyalty, optional: yes", "profile: loyalty, optional: yes, fields: {points: balance}"},
    {"first: 1000001", "first: 1000002"},
    {"aid: F04C4F59414C5459", "aid: F04C4F59414C5458"},
    {"mic: PHOTO", "mic: PHOTOS"},
    {"on_bad_record: stop", "carry: {drop: [GRAPH]}"},
};

static void test_canonical_hash(void)
{
    uint8_t first[32], other[32];
    char *text = demo_text("job.yaml");
    make_issuer(1024, 1024, in_2032, in_2035);
    hash_of(text, first);
    for (size_t i = 0; i < SUITE_COUNT(same); i++) {
        char *changed = replaced(text, same[i].old, same[i].by);
        hash_of(changed, other);
        if (memcmp(first, other, 32) != 0) fprintf(stderr, "differs: %s\n", same[i].by);
        CU_ASSERT_EQUAL(memcmp(first, other, 32), 0);
        free(changed);
    }
    for (size_t i = 0; i < SUITE_COUNT(different); i++) {
        char *changed = replaced(text, different[i].old, different[i].by);
        hash_of(changed, other);
        if (memcmp(first, other, 32) == 0) fprintf(stderr, "same: %s\n", different[i].by);
        CU_ASSERT_NOT_EQUAL(memcmp(first, other, 32), 0);
        free(changed);
    }
    make_issuer(1024, 1024, in_2032, in_2035); /* another certificate */
    hash_of(text, other);
    CU_ASSERT_NOT_EQUAL(memcmp(first, other, 32), 0);
    free(text);
}

static void test_canonical_text_is_sorted_lines(void)
{
    struct err err = ERR_INIT;
    struct buf out;
    char *text = demo_text("job-fixed.yaml");
    struct job *j = load_text(text);
    free(text);
    buf_init(&out, 1 << 20);
    if (j) EXPECT_OK(job_canonical(j, &out, &err));
    char *lines = strdup(buf_text(&out));
    char *rest = lines;
    const char *before = "";
    size_t count = 0;
    for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
        CU_ASSERT_TRUE(strcmp(before, line) < 0);
        before = line;
        count++;
    }
    CU_ASSERT_TRUE(count > 100);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(buf_text(&out), "applications.0001.profile.keys.0001.method = \"emv-c\"\n"));
    CU_ASSERT_PTR_NULL(strstr(buf_text(&out), ".pin"));
    free(lines);
    buf_release(&out);
    job_free(j);
}

static const struct test_case cases[] = {
    {"canonical hash", test_canonical_hash},
    {"canonical text is sorted lines", test_canonical_text_is_sorted_lines},
};

int main(void)
{
    return job_suite_run("config/job_canonical", cases, SUITE_COUNT(cases));
}
