#include <stdlib.h>
#include <unistd.h>

#include "issuer_files.h"
#include "config/job.h"
#include "suite.h"

static char folder[] = "/tmp/job-test-XXXXXX";
static const uint8_t in_2032[2] = {0x12, 0x32}, in_2035[2] = {0x12, 0x35}, in_2031[2] = {0x12, 0x31};

/* Reads a file; the text is the caller's. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 16);
    if (!file || !text) {
        free(text);
        return NULL;
    }
    size_t n = fread(text, 1, (1 << 16) - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static char *demo_text(const char *name)
{
    char path[600];
    snprintf(path, sizeof(path), EXAMPLES_DIR "/demo/%s", name);
    return read_text(path);
}

/* A copy of text with the first `old` replaced. */
static char *replaced(const char *text, const char *old, const char *by)
{
    const char *at = strstr(text, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    size_t room = strlen(text) + strlen(by) + 1;
    char *out = malloc(room);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    snprintf(out, room, "%.*s%s%s", (int)(at - text), text, by, at + strlen(old));
    return out;
}

static struct job *load_text(const char *text)
{
    struct err err = ERR_INIT;
    struct job *j = NULL;
    char path[600];
    CU_ASSERT_TRUE(issuer_files_text(folder, "job.yaml", text));
    snprintf(path, sizeof(path), "%s/job.yaml", folder);
    EXPECT_OK(job_load(&j, path, &err));
    return j;
}

static void make_issuer(unsigned ca_bits, unsigned bits, const uint8_t expiry[2], const uint8_t ca_expiry[2])
{
    struct err err = ERR_INIT;
    struct issuer_files f;
    EXPECT_OK(issuer_files_make(&f, ca_bits, bits, expiry, ca_expiry, &err));
    EXPECT_OK(issuer_files_write(&f, folder, &err));
}

static size_t lint_text(const char *text, const char *const *columns, size_t count, char *findings,
                        size_t size)
{
    struct buf out;
    struct job *j = load_text(text);
    size_t errors = SIZE_MAX;
    buf_init(&out, 1 << 16);
    if (j) errors = job_lint(j, columns, count, &out);
    snprintf(findings, size, "%s", buf_text(&out));
    buf_release(&out);
    job_free(j);
    return errors;
}

static const char *const demo_columns[] = {"card_id",    "pan",       "psn",          "name",
                                           "expiry",     "effective", "service_code", "track2_discretionary",
                                           "activation", "balance",   "kmc_version",  "member_number",
                                           "points",     "tier",      "portrait"};

static void test_demo_job_is_clean(void)
{
    char findings[4096];
    char *text = demo_text("job.yaml");
    make_issuer(1984, 1408, in_2032, in_2035);
    CU_ASSERT_EQUAL(lint_text(text, demo_columns, SUITE_COUNT(demo_columns), findings, sizeof(findings)), 0);
    CU_ASSERT_STRING_EQUAL(findings, "");
    CU_ASSERT_EQUAL(lint_text(text, NULL, 0, findings, sizeof(findings)), 0);
    CU_ASSERT_STRING_EQUAL(findings, "");
    free(text);
}

static void test_example_jobs_are_clean(void)
{
    static const char *const names[] = {"job-fixed.yaml", "job-mic.yaml", "job-second-pass.yaml",
                                        "job-joins.yaml"};
    for (size_t i = 0; i < SUITE_COUNT(names); i++) {
        char findings[4096];
        char *text = demo_text(names[i]);
        CU_ASSERT_EQUAL(lint_text(text, NULL, 0, findings, sizeof(findings)), 0);
        CU_ASSERT_STRING_EQUAL(findings, "");
        free(text);
    }
}

static void test_as_read(void)
{
    char *text = demo_text("job-joins.yaml");
    struct job *j = load_text(text);
    free(text);
    if (!j) return;
    char path[600];
    snprintf(path, sizeof(path), "file:%s/pins/issuer.pin", folder);
    CU_ASSERT_STRING_EQUAL(j->master_token.pin, path);
    CU_ASSERT_FALSE(j->separate_card_key_token);
    CU_ASSERT_EQUAL(j->input.csv.separator, ';');
    CU_ASSERT_TRUE(j->input.csv.header);
    CU_ASSERT_STRING_EQUAL(j->input.renames[0].field, "iep_id");
    CU_ASSERT_STRING_EQUAL(j->input.renames[0].column, "purse_number");
    CU_ASSERT_EQUAL(j->join_count, 2);
    CU_ASSERT_EQUAL(j->joins[0].missing, ON_MISSING_EMPTY);
    CU_ASSERT_EQUAL(j->joins[1].unused, ON_UNUSED_ERROR);
    CU_ASSERT_EQUAL(j->joins[1].input.fixed[1].start, 12);
    CU_ASSERT_STRING_EQUAL(j->applications[0].name, "purse-card-key");
    CU_ASSERT_STRING_EQUAL(j->chip_mic, "CHIP");
    CU_ASSERT_STRING_EQUAL(j->input.chip_mic, "CHIP");
    CU_ASSERT_EQUAL(j->counter_first, 1);
    const struct key_settings *newest = job_key(j, "KMC", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(newest);
    CU_ASSERT_EQUAL(newest->version, 2);
    CU_ASSERT_PTR_NULL(job_key(j, "KMC", 3));
    CU_ASSERT_PTR_NULL(job_key(j, "KMX", 0));
    job_free(j);
}

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

static const struct {
    const char *old, *by, *finding;
} wrong[] = {
    {"{name: KMU, version: 1, algorithm: des2, label: KMU-1, kcv: \"FBCDD1\"}",
     "{name: KMX, version: 1, algorithm: des2, label: KMU-1, kcv: \"FBCDD1\"}",
     "key KDU of application purse wants master KMU, which 'keys' does not name"},
    {"name: KMC, version: 1,", "name: KMX, version: 1,", "warning: "},
    {"algorithm: des2, label: KML-1, kcv: \"BF67BF\"", "algorithm: aes128, label: KML-1, kcv: \"BF67BF0000\"",
     "is aes128: method 'complement' does not make key KDL"},
    {"profile: purse, issuer_key: demo-issuer-key", "profile: purse", "'issuer_key' is missing"},
    {"aid: A000000003101001", "aid: A000000004101001", "the AID is not of the RID A000000003"},
    {"counter: {file: demo.counter, first: 1000001}\n", "",
     "element DF08 (identifier of the IEP) comes from the card number counter"},
    {"issuer: \"476173\"", "issuer: \"476174\"", "its certificate is for issuer 476173,"},
    {"{portrait}", "{portrate}", "group PHOTO: no input gives field 'portrate' (did you mean 'portrait'?)"},
    {"object_id: card_id", "object_id: cardid",
     "object_id: no input gives field 'cardid' (did you mean 'card_id'?)"},
    {"profile: purse, issuer_key", "profile: purse, fields: {blance: balance}, issuer_key",
     "asks for no field 'blance'"},
    {"profile: emv-credit, issuer_key", "profile: emv-credit, fields: {name: holder}, issuer_key",
     "element 5F20 (cardholder name): no input gives field 'holder'"},
    {"profile: loyalty, optional: yes", "profile: loyalty, protect: none",
     "'protect: none' copies an entry, but the input has none"},
    {"profile: emv-credit, issuer_key: demo-issuer-key", "profile: emv-debit-aes",
     "key MK-AC of application emv-debit-aes wants master MK-AC-AES"},
};

static void test_findings(void)
{
    char *text = demo_text("job.yaml");
    for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
        char findings[8192];
        char *changed = replaced(text, wrong[i].old, wrong[i].by);
        lint_text(changed, demo_columns, SUITE_COUNT(demo_columns), findings, sizeof(findings));
        bool found = strstr(findings, wrong[i].finding) != NULL;
        if (!found) fprintf(stderr, "wants \"%s\", got:\n%s\n", wrong[i].finding, findings);
        CU_ASSERT_TRUE(found);
        free(changed);
    }
    free(text);
}

static void find_with_issuer(const char *finding)
{
    char findings[8192];
    char *text = demo_text("job.yaml");
    CU_ASSERT_TRUE(lint_text(text, demo_columns, SUITE_COUNT(demo_columns), findings, sizeof(findings)) > 0);
    if (!strstr(findings, finding)) fprintf(stderr, "wants \"%s\", got:\n%s\n", finding, findings);
    CU_ASSERT_PTR_NOT_NULL(strstr(findings, finding));
    free(text);
}

static void test_certificate_chain(void)
{
    make_issuer(1408, 1408, in_2032, in_2031);
    find_with_issuer("outlives the CA key (12/31)");
    make_issuer(1024, 768, in_2032, in_2035);
    find_with_issuer("the card key (128 bytes) is larger than the issuer key (96)");
    make_issuer(1984, 1984, in_2032, in_2035);
    find_with_issuer("makes certificates that no record holds");
}

static void test_one_method_per_master_version(void)
{
    char findings[8192];
    char *text = demo_text("job-fixed.yaml");
    char *changed = replaced(
        text, "{aid: A0000000031010, profile: emv-debit-aes}",
        "{aid: A0000000031010, profile: emv-debit-aes}\n  - {aid: A000000003101002, profile: other.yaml}");
    CU_ASSERT_TRUE(issuer_files_text(
        folder, "other.yaml",
        "profile: other\nversion: 1\ntitle: t\n"
        "elements: [{tag: DF01, name: d, from: {field: pan}, convert: numeric, length: 16}]\n"
        "groupings: [{dgi: 8000, keys: [K]}, {dgi: 0101, template: 70, place: [DF01]}]\n"
        "keys: [{name: K, master: MK-AC-AES, kind: aes128, method: direct, data: {element: DF01}}]\n"));
    CU_ASSERT_EQUAL(lint_text(changed, NULL, 0, findings, sizeof(findings)), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(findings, "one master key version serves one method"));
    free(changed);
    free(text);
}

#define HEAD                                                                                                 \
    "job: j\nissuer: '476173'\ntokens: {master: {module: m.so, label: l}}\n"                                 \
    "kek: {version: 1, label: k, kcv: '0011223344'}\nsigning_key: {label: s}\n"
#define INPUT  "input: {format: csv, file: c.csv}\n"
#define APPS   "applications: [{aid: A000000003, profile: p}]\n"
#define OUTPUT "output: {file: o}\n"
static const struct {
    const char *text, *message;
} refusals[] = {
    {HEAD INPUT APPS, "j.yaml:1:1: key 'output' is missing in the job"},
    {HEAD INPUT APPS OUTPUT "worker: 2\n", "unknown key 'worker' in the job (did you mean 'workers'?)"},
    {HEAD INPUT APPS OUTPUT "workers: 0\n", "'workers' must be a whole number from 1 to 256"},
    {HEAD INPUT APPS OUTPUT "on_bad_record: set-aside\n", "needs 'set_aside'"},
    {HEAD INPUT APPS OUTPUT "keys: [{name: K, version: 0, algorithm: des2, label: k, kcv: '001122'}]\n",
     "from 1 to 65535"},
    {HEAD INPUT APPS OUTPUT "keys: [{name: K, version: 1, algorithm: des, label: k, kcv: '001122'}]\n",
     "(did you mean 'des2'?)"},
    {HEAD INPUT APPS OUTPUT "keys: [{name: K, version: 1, algorithm: des2, label: k, kcv: '0011223344'}]\n",
     "the check value of a key of des2 has 3 bytes"},
    {HEAD INPUT APPS OUTPUT "keys: [{name: K, version: 1, algorithm: des2, kcv: '001122'}]\n",
     "either 'label' or 'uri'"},
    {HEAD INPUT APPS OUTPUT
     "keys: [{name: K, version: 1, algorithm: des2, uri: 'pkcs11:object=k?pin-value=1', kcv: '001122'}]\n",
     "a PIN never stands in a URI"},
    {HEAD "input: {format: csv, file: c, fixed: [{name: a, start: 1, length: 1}]}\n" APPS OUTPUT,
     "'fixed' goes with format: fixed only"},
    {HEAD "input: {format: csv, file: c, header: no}\n" APPS OUTPUT, "without a header"},
    {HEAD "input: {format: csv, file: c, header: yes, columns: [a]}\n" APPS OUTPUT,
     "'columns' goes with 'header: no'"},
    {HEAD "input: {format: csv, file: c, columns: [a, a]}\n" APPS OUTPUT, "'a' is named twice"},
    {HEAD "input: {format: csv, file: c, separator: ';;'}\n" APPS OUTPUT, "one character, or tab"},
    {HEAD "input: {format: fixed, file: c}\n" APPS OUTPUT, "key 'fixed' is missing"},
    {HEAD "input: {format: fixed, file: c, fixed: [{name: a, start: 0, length: 1}]}\n" APPS OUTPUT,
     "from 1 to"},
    {HEAD "input: {format: mic, file: c, chip_mic: SEAL}\n" APPS OUTPUT, "'SEAL' is reserved"},
    {HEAD "input: {format: mic, file: c, framing: {first-mic: emboss}}\n" APPS OUTPUT,
     "no module identifier"},
    {HEAD INPUT "applications: [{aid: A0, profile: p}]\n" OUTPUT,
     "even number of 10 to 32 hexadecimal digits"},
    {HEAD INPUT "applications: [{aid: A000000003, profile: p}, {aid: A000000003, profile: q}]\n" OUTPUT,
     "named twice"},
    {HEAD INPUT "applications: [{aid: A000000003, profile: p, issuer_key: k}]\n" OUTPUT,
     "not among 'issuer_keys'"},
    {HEAD INPUT APPS OUTPUT "groups: [{mic: CHIP, text: a}]\n", "group CHIP is the chip's own"},
    {HEAD INPUT APPS OUTPUT "groups: [{mic: A, text: a}, {mic: A, text: b}]\n", "group A is composed twice"},
    {HEAD INPUT APPS OUTPUT "groups: [{mic: A}]\n", "either 'text' or 'file_field'"},
    {HEAD INPUT APPS OUTPUT "groups: [{mic: A, text: '{x'}]\n", "template, character 1"},
    {HEAD INPUT APPS OUTPUT "carry: {only: [A], drop: [B]}\n", "'carry' is all"},
    {HEAD INPUT APPS OUTPUT "tokens: {}\n", "key 'tokens' is given twice"},
    {HEAD INPUT APPS OUTPUT "chip_mic: toolongname\n", "no module identifier"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < SUITE_COUNT(refusals); i++) {
        struct err err = ERR_INIT;
        struct job *j = NULL;
        EXPECT_FAIL(job_parse(&j, "j.yaml", refusals[i].text, strlen(refusals[i].text), &err), ERR_CONFIG,
                    refusals[i].message);
        CU_ASSERT_PTR_NULL(j);
    }
}

static void test_profile_not_found(void)
{
    struct err err = ERR_INIT;
    struct job *j = NULL;
    char path[600];
    CU_ASSERT_TRUE(issuer_files_text(
        folder, "job.yaml", HEAD INPUT "applications: [{aid: A000000003, profile: nowhere}]\n" OUTPUT));
    snprintf(path, sizeof(path), "%s/job.yaml", folder);
    EXPECT_FAIL(job_load(&j, path, &err), ERR_CONFIG, "job.yaml:7: no profile 'nowhere'");
}

static void test_application_without_profile(void)
{
    char findings[4096];
    char *text = demo_text("job-mic.yaml");
    char *added = replaced(text, "applications:\n", "applications:\n  - {aid: F04C4F59414C5459}\n");
    CU_ASSERT_EQUAL(lint_text(added, NULL, 0, findings, sizeof(findings)), 0);
    free(added);
    free(text);
    text = demo_text("job-fixed.yaml");
    added = replaced(text, "applications:\n", "applications:\n  - {aid: F04C4F59414C5459}\n");
    CU_ASSERT_EQUAL(lint_text(added, NULL, 0, findings, sizeof(findings)), 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(findings, "application F04C4F59414C5459: without a profile only an open entry"));
    free(added);
    free(text);
}

static void test_unused_fields(void)
{
    static const char *const fields[] = {"card_id",     "pan",    "psx",   "portrait",
                                         "kmc_version", "points", "iep_id"};
    struct buf out;
    char *text = demo_text("job.yaml");
    make_issuer(1984, 1408, in_2032, in_2035);
    struct job *j = load_text(text);
    buf_init(&out, 4096);
    if (j) job_unused_fields(j, fields, SUITE_COUNT(fields), &out);
    const char *said = buf_text(&out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "field 'psx' of the input is used by nothing"));
    CU_ASSERT_PTR_NULL(strchr(strchr(said, '\n') + 1, '\n')); /* and no other */
    buf_release(&out);
    job_free(j);
    free(text);
}

static const struct test_case cases[] = {
    {"an application without a profile", test_application_without_profile},
    {"the demo's job is clean", test_demo_job_is_clean},
    {"example jobs are clean", test_example_jobs_are_clean},
    {"as read", test_as_read},
    {"canonical hash", test_canonical_hash},
    {"canonical text is sorted lines", test_canonical_text_is_sorted_lines},
    {"findings", test_findings},
    {"certificate chain", test_certificate_chain},
    {"one method per master version", test_one_method_per_master_version},
    {"refusals", test_refusals},
    {"profile not found", test_profile_not_found},
    {"fields that nothing asks for", test_unused_fields},
};

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    int status = suite_run("config/job", cases, SUITE_COUNT(cases));
    static const char *const files[] = {"job.yaml", "ca-key.yaml", "issuer-certificate.yaml", "other.yaml"};
    for (size_t i = 0; i < SUITE_COUNT(files); i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    return status;
}
