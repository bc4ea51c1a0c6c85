#include "config/job.h"

#include "job_files.h"

static const uint8_t in_2031[2] = {0x12, 0x31};

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
    make_issuer(1024, 1024, in_2032, in_2035);
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
    {"findings", test_findings},
    {"certificate chain", test_certificate_chain},
    {"one method per master version", test_one_method_per_master_version},
    {"fields that nothing asks for", test_unused_fields},
};

int main(void)
{
    return job_suite_run("config/job_lint", cases, SUITE_COUNT(cases));
}
