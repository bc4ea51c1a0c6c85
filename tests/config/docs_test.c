/* Every example of the format pages is read by the code that they describe. */
#include <stdlib.h>
#include <unistd.h>

#include "base/outfile.h"
#include "config/bureau.h"
#include "config/plan.h"
#include "suite.h"

typedef bool read_fn(const char *text, size_t len, struct err *err);

static bool read_profile(const char *text, size_t len, struct err *err)
{
    struct profile *p = NULL;
    struct buf findings;
    buf_init(&findings, 1 << 16);
    bool ok = profile_parse(&p, "example", text, len, err);
    if (ok && profile_lint(p, &findings)) ok = err_set(err, ERR_CONFIG, "%s", buf_text(&findings));
    buf_release(&findings);
    profile_free(p);
    return ok;
}

static bool read_job(const char *text, size_t len, struct err *err)
{
    struct job *j = NULL;
    bool ok = job_parse(&j, "example", text, len, err);
    job_free(j);
    return ok;
}

static bool read_plan(const char *text, size_t len, struct err *err)
{
    struct plan *p = NULL;
    bool ok = plan_parse(&p, "example", text, len, err);
    plan_free(p);
    return ok;
}

static bool read_bureau(const char *text, size_t len, struct err *err)
{
    struct bureau *b = NULL;
    bool ok = bureau_parse(&b, "example", text, len, err);
    bureau_free(b);
    return ok;
}

/* Certificate files are read from files only. */
static bool write_temporary(const char *text, size_t len, char path[static 32])
{
    snprintf(path, 32, "/tmp/docs-test-XXXXXX");
    int fd = mkstemp(path);
    bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    if (fd >= 0) close(fd);
    return ok;
}

static bool read_ca_key(const char *text, size_t len, struct err *err)
{
    char path[32];
    struct ca_key_file ca;
    bool ok = write_temporary(text, len, path) && ca_key_file_load(path, &ca, err);
    unlink(path);
    return ok;
}

static bool read_certificate(const char *text, size_t len, struct err *err)
{
    char path[32];
    struct certificate_file c;
    bool ok = write_temporary(text, len, path) && certificate_file_load(path, &c, err);
    unlink(path);
    return ok;
}

static const struct {
    const char *begin;
    read_fn *read;
} readers[] = {
    {"profile:", read_profile}, {"job:", read_job},       {"plan:", read_plan},
    {"bureau:", read_bureau},   {"ca_key:", read_ca_key}, {"issuer_certificate:", read_certificate},
};

/* Reads each fenced block of YAML; counts them. */
static size_t read_examples(const char *page)
{
    static const char fence[] = "```yaml\n";
    struct err err = ERR_INIT;
    struct buf text;
    char path[512];
    size_t count = 0;
    snprintf(path, sizeof(path), DOCS_DIR "/formats/%s.md", page);
    buf_init(&text, 1 << 20);
    EXPECT_OK(file_read_all(path, 1 << 20, &text, &err));
    const char *at = buf_text(&text);
    while (at && (at = strstr(at, fence)) != NULL) {
        at += strlen(fence);
        const char *end = strstr(at, "\n```");
        bool known = false;
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        for (size_t i = 0; i < SUITE_COUNT(readers); i++) {
            if (strncmp(at, readers[i].begin, strlen(readers[i].begin)) != 0) continue;
            EXPECT_OK(readers[i].read(at, (size_t)(end - at) + 1, &err));
            known = true;
        }
        CU_ASSERT_TRUE(known);
        count++;
        at = end;
    }
    buf_release(&text);
    return count;
}

static void test_profiles(void)
{
    CU_ASSERT_EQUAL(read_examples("profiles"), 1);
}

static void test_jobs(void)
{
    CU_ASSERT_EQUAL(read_examples("jobs"), 1);
}

static void test_plans(void)
{
    CU_ASSERT_EQUAL(read_examples("plans"), 2);
}

static void test_bureau(void)
{
    CU_ASSERT_EQUAL(read_examples("bureau"), 1);
}

static void test_certificate_files(void)
{
    CU_ASSERT_EQUAL(read_examples("certificate-files"), 2);
}

static const struct test_case cases[] = {
    {"examples of the page on profiles", test_profiles},
    {"examples of the page on jobs", test_jobs},
    {"examples of the page on plans", test_plans},
    {"examples of the page on a bureau's settings", test_bureau},
    {"examples of the page on certificate files", test_certificate_files},
};

int main(void)
{
    return suite_run("config/docs", cases, SUITE_COUNT(cases));
}
