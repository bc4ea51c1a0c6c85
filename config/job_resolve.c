/* What a job names beside itself: profiles, certificates, CA keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "config/job_read.h"

static bool is_path(const char *text)
{
    size_t len = strlen(text);
    return strchr(text, '/') || (len > 5 && strcmp(text + len - 5, ".yaml") == 0);
}

/* *path is NULL if there is no such file. */
static bool try_place(const struct job *j, const char *folder, const char *name, char **path, struct err *err)
{
    char *relative = NULL;
    if (asprintf(&relative, "%s%s.yaml", folder, name) < 0) return err_set_no_memory(err);
    bool ok = file_path_beside(j->path, relative, path, err);
    free(relative);
    if (ok && access(*path, F_OK) != 0) {
        free(*path);
        *path = NULL;
    }
    return ok;
}

static bool find_profile(const struct job *j, const struct job_application *a, char **path, struct err *err)
{
    static const char *const folders[] = {"", "profiles/", CARDPREP_DATA_DIR "/profiles/"};
    if (is_path(a->profile_path)) return file_path_beside(j->path, a->profile_path, path, err);
    for (size_t i = 0; i < SCHEMA_COUNT(folders); i++) {
        if (!try_place(j, folders[i], a->profile_path, path, err)) return false;
        if (*path) return true;
    }
    return err_set(err, ERR_CONFIG,
                   "%s:%u: no profile '%s': neither %s.yaml nor profiles/%s.yaml beside the job, nor "
                   "in " CARDPREP_DATA_DIR "/profiles",
                   j->path, a->line, a->profile_path, a->profile_path, a->profile_path);
}

/* Without a profile the AID is all that messages can say. */
static bool name_by_aid(struct job_application *a, struct err *err)
{
    char aid[2 * AID_MAX + 1];
    if (a->name) return true;
    hex_write(aid, sizeof(aid), a->aid, a->aid_len, false);
    a->name = strdup(aid);
    return a->name || err_set_no_memory(err);
}

static bool load_profile(const struct job *j, struct job_application *a, struct err *err)
{
    char *path = NULL;
    if (!a->profile_path) return name_by_aid(a, err);
    if (!find_profile(j, a, &path, err)) return false;
    bool ok = profile_load(&a->profile, path, err);
    free(path);
    if (!ok) return false;
    if (!a->name && !(a->name = strdup(a->profile->name))) return err_set_no_memory(err);
    return true;
}

static bool load_certificate(struct issuer_key_settings *k, struct err *err)
{
    bool ok = ca_key_file_load(k->ca_path, &k->ca, err) &&
              certificate_file_load(k->certificate_path, &k->certificate, err);
    if (!ok) {
        err_prefix(err, "issuer key '%s'", k->name);
        return false;
    }
    if (certificate_file_recover(&k->certificate, &k->ca, err)) return true;
    err_prefix(err, "issuer key '%s': %s", k->name, k->certificate_path);
    return false;
}

bool job_resolve(struct job *j, struct err *err)
{
    for (size_t i = 0; i < j->application_count; i++) {
        if (!load_profile(j, &j->applications[i], err)) return false;
    }
    for (size_t i = 0; i < j->issuer_key_count; i++) {
        if (!load_certificate(&j->issuer_keys[i], err)) return false;
    }
    return true;
}
