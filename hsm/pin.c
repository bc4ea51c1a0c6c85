/* hsm/pin.c - see pin.h. */
#include "hsm/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIN_MAX = 255 };

struct source_row {
    const char *prefix;
    enum hsm_pin_source_kind kind;
};
static const struct source_row sources[] = {
    {"file:", HSM_PIN_FILE},
    {"fd:", HSM_PIN_FD},
    {"credential:", HSM_PIN_CREDENTIAL},
};

static bool read_number(const char *text, int *out)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != 0 || value < 0 || value > 65535) return false;
    *out = (int)value;
    return true;
}

bool hsm_pin_source_read(const char *text, struct hsm_pin_source *out, struct err *err)
{
    struct hsm_pin_source s = {HSM_PIN_PROMPT, NULL, -1};
    bool found = strcmp(text, "prompt") == 0;
    for (size_t i = 0; !found && i < sizeof sources / sizeof sources[0]; i++) {
        size_t len = strlen(sources[i].prefix);
        if (strncmp(text, sources[i].prefix, len) != 0 || text[len] == 0) continue;
        s.kind = sources[i].kind;
        s.name = text + len;
        found = true;
    }
    if (found && s.kind == HSM_PIN_FD) found = read_number(s.name, &s.fd);
    if (found && s.kind == HSM_PIN_CREDENTIAL) found = !strchr(s.name, '/') && s.name[0] != '.';
    if (!found) /* the text itself may be a PIN put in the wrong place: it is not repeated */
        return err_set(err, ERR_CONFIG,
                       "a PIN source is one of: prompt, file:PATH, fd:NUMBER, credential:NAME");
    *out = s;
    return true;
}

/* `others` are the permission bits that the file may not have. */
static bool read_file(const char *path, mode_t others, struct secret *pin, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok = false;
    if (fd < 0) return err_set_errno(err, ERR_TOKEN, errno, "PIN file %s", path);
    if (fstat(fd, &st) != 0) {
        err_set_errno(err, ERR_TOKEN, errno, "PIN file %s", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_TOKEN, "PIN file %s is no regular file", path);
        goto out;
    }
    if (st.st_mode & others) {
        err_set(err, ERR_TOKEN, "PIN file %s may be read by others: chmod 600 it", path);
        goto out;
    }
    if (st.st_size == 0) {
        err_set(err, ERR_TOKEN, "PIN file %s is empty", path);
        goto out;
    }
    ok = secret_read_line(pin, fd, path, err);
out:
    close(fd);
    return ok;
}

static bool read_credential(const char *name, struct secret *pin, struct err *err)
{
    char path[4096];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder)
        return err_set(err, ERR_TOKEN,
                       "PIN credential '%s': CREDENTIALS_DIRECTORY is not set; is this run by systemd "
                       "with LoadCredential=%s:…?",
                       name, name);
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return err_set(err, ERR_TOKEN, "PIN credential '%s': path too long", name);
    return read_file(path, 007, pin, err); /* systemd may show an ACL as group bits */
}

static bool fetch(const struct hsm_pin_source *source, const char *token, struct secret *pin, struct err *err)
{
    char text[256];
    switch (source->kind) {
    case HSM_PIN_PROMPT:
        snprintf(text, sizeof text, "PIN of %s: ", token);
        return secret_prompt(pin, text, err);
    case HSM_PIN_FILE:
        return read_file(source->name, 077, pin, err);
    case HSM_PIN_FD:
        snprintf(text, sizeof text, "PIN from file descriptor %d", source->fd);
        return secret_read_line(pin, source->fd, text, err);
    case HSM_PIN_CREDENTIAL:
        return read_credential(source->name, pin, err);
    }
    return err_set(err, ERR_INTERNAL, "PIN source %d", (int)source->kind);
}

bool hsm_pin_get(const struct hsm_pin_source *source, const char *token, struct secret *pin, struct err *err)
{
    struct secret read = SECRET_NONE;
    bool ok = false;
    if (!secret_init(&read, PIN_MAX, err)) return false;
    if (!fetch(source, token, &read, err)) goto out;
    if (read.len == 0) {
        err_set(err, ERR_TOKEN, "the PIN is empty");
        goto out;
    }
    *pin = read;
    read = (struct secret)SECRET_NONE;
    ok = true;
out:
    secret_release(&read);
    if (!ok) {
        if (err->kind != ERR_INTERRUPTED) err->kind = ERR_TOKEN;
        err_prefix(err, "%s", token);
    }
    return ok;
}
