/* tests/prep/job_fixture.h - a job with the shipped profiles and inputs written on the spot, without token or certificates. */
#ifndef TESTS_PREP_JOB_FIXTURE_H
#define TESTS_PREP_JOB_FIXTURE_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "prep/plan.h"
#include "prep/read.h"
#include "suite.h"

struct fixture {
    char folder[64];
    char path[512];
    struct job *job;
    struct card_reader *reader;
    struct planner *planner;
    struct job_identity identity;
    struct card_input input;
    struct card_plan plan;
};

static inline const char *fixture_path(struct fixture *f, const char *name)
{
    snprintf(f->path, sizeof(f->path), "%s/%s", f->folder, name);
    return f->path;
}

static inline void fixture_write(struct fixture *f, const char *name, const void *data, size_t len)
{
    FILE *file = fopen(fixture_path(f, name), "wb");
    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0) abort();
}

static inline void fixture_text(struct fixture *f, const char *name, const char *text)
{
    fixture_write(f, name, text, strlen(text));
}

static inline struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f) abort();
    snprintf(f->folder, sizeof(f->folder), "/tmp/cardprep-prep-XXXXXX");
    if (!mkdtemp(f->folder)) abort();
    memset(f->identity.job_id, 0xAB, sizeof(f->identity.job_id));
    f->identity.counter_first = 5001;
    card_input_init(&f->input);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    planner_free(f->planner);
    card_reader_free(f->reader);
    job_free(f->job);
    DIR *d = opendir(f->folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        unlinkat(dirfd(d), e->d_name, 0);
    if (d) closedir(d);
    rmdir(f->folder);
    free(f);
}

#define FIXTURE_KEYS                                                                                         \
    "job: test\nissuer: \"476173\"\n"                                                                        \
    "tokens: {master: {module: /nowhere.so, label: t}}\n"                                                    \
    "kek: {version: 1, label: kek, kcv: 0102030405}\n"                                                       \
    "signing_key: {label: sign}\n"                                                                           \
    "keys:\n"                                                                                                \
    "  - {name: KML, version: 1, algorithm: des2, label: a, kcv: 010203}\n"                                  \
    "  - {name: KML, version: 2, algorithm: des2, label: b, kcv: 010203}\n"                                  \
    "  - {name: KMU, version: 1, algorithm: des2, label: c, kcv: 010203}\n"                                  \
    "  - {name: KMC, version: 3, algorithm: des2, label: d, kcv: 010203}\n"                                  \
    "  - {name: MK-AC, version: 1, algorithm: des2, label: e, kcv: 010203}\n"                                \
    "  - {name: MK-SMI, version: 1, algorithm: des2, label: f, kcv: 010203}\n"                               \
    "  - {name: MK-SMC, version: 1, algorithm: des2, label: g, kcv: 010203}\n"                               \
    "issuer_keys: [{name: ISS, label: i, certificate: c.yaml, ca_key: ca.yaml}]\n"                           \
    "output: {file: out.mic, set_aside: bad.mic}\n"

/* Parses FIXTURE_KEYS ‖ text, loads the shipped profiles, sets the certificates' dates: issuer 11/30, CA 12/30. */
static inline bool fixture_job(struct fixture *f, const char *text, struct err *err)
{
    char whole[8192];
    snprintf(whole, sizeof(whole), "%s%s", FIXTURE_KEYS, text);
    if (!job_parse(&f->job, fixture_path(f, "job.yaml"), whole, strlen(whole), err)) return false;
    for (size_t i = 0; i < f->job->application_count; i++) {
        struct job_application *a = &f->job->applications[i];
        char path[512];
        snprintf(path, sizeof(path), "%s/../config/examples/profiles/%s.yaml", TEST_DATA_DIR,
                 a->profile_path);
        if (strchr(a->profile_path, '/')) fixture_path(f, a->profile_path + 2);
        if (!profile_load(&a->profile, strchr(a->profile_path, '/') ? f->path : path, err)) return false;
        if (!a->name) a->name = strdup(a->profile->name);
    }
    for (size_t i = 0; i < f->job->issuer_key_count; i++) {
        memcpy(f->job->issuer_keys[i].certificate.recovered.expiry, "\x11\x30", 2);
        memcpy(f->job->issuer_keys[i].ca.key.expiry, "\x12\x30", 2);
    }
    return true;
}

static inline bool fixture_open(struct fixture *f, const char *text, struct err *err)
{
    return fixture_job(f, text, err) && card_reader_open(&f->reader, f->job, err) &&
           planner_new(&f->planner, f->job, card_reader_fields(f->reader), err);
}

#endif
