/* Jobs for the tests of config/job*.c: the demo's texts, changed and loaded from a folder of the test's own, with an issuer
 * certificate beside them. */
#ifndef TESTS_CONFIG_JOB_FILES_H
#define TESTS_CONFIG_JOB_FILES_H

#include <stdlib.h>
#include <unistd.h>

#include "config/job.h"
#include "issuer_files.h"
#include "suite.h"

static char folder[] = "/tmp/job-test-XXXXXX";
static const uint8_t in_2032[2] = {0x12, 0x32}, in_2035[2] = {0x12, 0x35};

/* Reads a file; the text is the caller's. */
static inline char *read_text(const char *path)
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

static inline char *demo_text(const char *name)
{
    char path[600];
    snprintf(path, sizeof(path), EXAMPLES_DIR "/demo/%s", name);
    return read_text(path);
}

/* A copy of text, the caller's, with the first `old` replaced. */
static inline char *replaced(const char *text, const char *old, const char *by)
{
    const char *at = strstr(text, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    size_t room = strlen(text) + strlen(by) + 1;
    char *out = malloc(room);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    snprintf(out, room, "%.*s%s%s", (int)(at - text), text, by, at + strlen(old));
    return out;
}

static inline struct job *load_text(const char *text)
{
    struct err err = ERR_INIT;
    struct job *j = NULL;
    char path[600];
    CU_ASSERT_TRUE(issuer_files_text(folder, "job.yaml", text));
    snprintf(path, sizeof(path), "%s/job.yaml", folder);
    EXPECT_OK(job_load(&j, path, &err));
    return j;
}

static inline void make_issuer(unsigned ca_bits, unsigned bits, const uint8_t expiry[2],
                               const uint8_t ca_expiry[2])
{
    struct err err = ERR_INIT;
    struct issuer_files f;
    EXPECT_OK(issuer_files_make(&f, ca_bits, bits, expiry, ca_expiry, &err));
    EXPECT_OK(issuer_files_write(&f, folder, &err));
}

/* suite_run, with the folder made before and removed after. */
static inline int job_suite_run(const char *name, const struct test_case *cases, size_t count)
{
    static const char *const files[] = {"job.yaml", "ca-key.yaml", "issuer-certificate.yaml", "other.yaml"};
    if (!mkdtemp(folder)) return 1;
    int status = suite_run(name, cases, count);
    for (size_t i = 0; i < SUITE_COUNT(files); i++) {
        char path[600];
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    return status;
}

#endif
