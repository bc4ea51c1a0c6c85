/* hsm/pin.h - where a PIN comes from. Never from an argument, never from the plain environment. */
#ifndef HSM_PIN_H
#define HSM_PIN_H

#include "base/secret.h"

enum hsm_pin_source_kind {
    HSM_PIN_PROMPT,     /* terminal, echo off: the default */
    HSM_PIN_FILE,       /* pin-source file; refused if others may read it (mode & 077) */
    HSM_PIN_FD,         /* an open file descriptor, first line */
    HSM_PIN_CREDENTIAL, /* systemd: $CREDENTIALS_DIRECTORY/NAME */
};
struct hsm_pin_source {
    enum hsm_pin_source_kind kind;
    const char *name; /* path, or credential's name */
    int fd;
};
/* Reads "prompt", "file:PATH", "fd:N" or "credential:NAME" (borrowing the text). False (ERR_CONFIG): another form. */
MUST_CHECK bool hsm_pin_source_read(const char *text, struct hsm_pin_source *out, struct err *err);
/* Fetches the PIN; `token` names the token in the prompt. False: ERR_TOKEN (empty, unreadable, too open). */
MUST_CHECK bool hsm_pin_get(const struct hsm_pin_source *source, const char *token, struct secret *pin,
                            struct err *err);

#endif
