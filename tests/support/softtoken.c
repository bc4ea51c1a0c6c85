#include "softtoken.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"

static const char *const modules[][4] = {
    [SOFTTOKEN_SOFTHSM] = {"/usr/lib/softhsm/libsofthsm2.so",
                           "/usr/lib/" LIBRARY_ARCHITECTURE "/softhsm/libsofthsm2.so",
                           "/usr/lib64/pkcs11/libsofthsm2.so", NULL},
    [SOFTTOKEN_NSS] = {"/usr/lib/" LIBRARY_ARCHITECTURE "/libsoftokn3.so",
                       "/usr/lib/" LIBRARY_ARCHITECTURE "/nss/libsoftokn3.so", "/usr/lib64/libsoftokn3.so",
                       NULL},
};

static bool find_module(struct softtoken *s)
{
    for (size_t i = 0; i < 4 && modules[s->kind][i]; i++) {
        if (access(modules[s->kind][i], R_OK) != 0) continue;
        snprintf(s->real_module, sizeof s->real_module, "%s", modules[s->kind][i]);
        snprintf(s->module, sizeof s->module, "%s", modules[s->kind][i]);
        return true;
    }
    return false;
}

static bool write_conf(const struct softtoken *s)
{
    char path[256], tokens[256];
    snprintf(tokens, sizeof tokens, "%s/tokens", s->folder);
    snprintf(path, sizeof path, "%s/softhsm2.conf", s->folder);
    if (mkdir(tokens, 0700) != 0) return false;
    FILE *f = fopen(path, "w");
    if (!f) return false;
    fprintf(
        f,
        "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        tokens);
    return fclose(f) == 0 && setenv("SOFTHSM2_CONF", path, 1) == 0;
}

bool softtoken_start(struct softtoken *s, enum softtoken_kind kind)
{
    struct err err = ERR_INIT;
    *s = (struct softtoken){.kind = kind};
    if (!secret_start(&err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    if (!find_module(s)) {
        fprintf(stderr, "skipped: %s is not installed\n", kind == SOFTTOKEN_SOFTHSM ? "softhsm2" : "libnss3");
        return false;
    }
    snprintf(s->folder, sizeof s->folder, "/tmp/cardprep-test-XXXXXX");
    if (!mkdtemp(s->folder)) return false;
    if (kind == SOFTTOKEN_SOFTHSM) return write_conf(s);
    return true;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void softtoken_stop(struct softtoken *s)
{
    if (s->folder[0]) nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    s->folder[0] = 0;
}

static bool secret_of(struct secret *out, const char *text, struct err *err)
{
    return secret_copy(out, text, strlen(text), err);
}

bool softtoken_add(struct softtoken *s, const char *label)
{
    struct err err = ERR_INIT;
    struct secret so = SECRET_NONE, user = SECRET_NONE;
    if (s->kind == SOFTTOKEN_NSS)
        snprintf(
            s->parameters, sizeof s->parameters,
            "configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags= tokenDescription='%s' "
            "dbTokenDescription='%s'",
            s->folder, label, label);
    bool ok = secret_of(&so, s->kind == SOFTTOKEN_NSS ? "" : SOFTTOKEN_SO_PIN, &err) &&
              secret_of(&user, SOFTTOKEN_PIN, &err);
    struct hsm_token_init init = {s->real_module, s->parameters[0] ? s->parameters : NULL, label, &so, &user};
    ok = ok && hsm_token_initialise(&init, &err);
    secret_release(&so);
    secret_release(&user);
    if (!ok) fprintf(stderr, "softtoken_add: %s\n", err.text);
    return ok;
}

void softtoken_log_path(const struct softtoken *s, char *path, size_t size)
{
    snprintf(path, size, "%s/calls.log", s->folder);
}

void softtoken_proxy(struct softtoken *s)
{
    char log[256];
    softtoken_log_path(s, log, sizeof log);
    snprintf(s->module, sizeof s->module, "%s", P11PROXY_PATH);
    setenv("P11PROXY_MODULE", s->real_module, 1);
    setenv("P11PROXY_LOG", log, 1);
}

struct hsm_token_choice softtoken_choice(const struct softtoken *s, const char *label)
{
    return (struct hsm_token_choice){
        .module = s->module, .label = label, .parameters = s->parameters[0] ? s->parameters : NULL};
}

bool softtoken_open(const struct softtoken *s, const char *label, struct hsm_token **out, struct err *err)
{
    struct hsm_token_choice choice = softtoken_choice(s, label);
    struct secret pin = SECRET_NONE;
    bool ok = secret_of(&pin, SOFTTOKEN_PIN, err) &&
              hsm_token_open(out, &choice, HSM_LOGIN_USER, &pin, HSM_READ_WRITE, err);
    secret_release(&pin);
    return ok;
}

bool softtoken_import(struct hsm_token *t, const struct hsm_key_ref *ref, const char *hex,
                      struct hsm_key *out, struct err *err)
{
    uint8_t bytes[64];
    struct secret value = SECRET_NONE;
    size_t len = strlen(hex) / 2;
    bool ok = len <= sizeof bytes && hex_read_exact(hex, 2 * len, bytes, len, err) &&
              secret_copy(&value, bytes, len, err) && hsm_key_import(t, ref, &value, out, err);
    secret_release(&value);
    return ok;
}
