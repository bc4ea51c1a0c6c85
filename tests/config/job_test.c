#include "config/job.h"

#include "job_files.h"

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

static const struct test_case cases[] = {
    {"as read", test_as_read},
    {"refusals", test_refusals},
    {"profile not found", test_profile_not_found},
};

int main(void)
{
    return job_suite_run("config/job", cases, SUITE_COUNT(cases));
}
