/* ceremony/certificate_import.h - a scheme's answer to an issuer key request, on its way to the plan's certificate file
 * (docs/formats/issuer-request.md, "The answer"). */
#ifndef CEREMONY_CERTIFICATE_IMPORT_H
#define CEREMONY_CERTIFICATE_IMPORT_H

#include "ceremony/certificate_request.h"
#include "config/certificate_file.h"
#include "formats/date.h"

/* What the caller names; NULL: not given. */
struct certificate_source {
    const char *answer;    /* path: as formats/issuer_answer.h, or a YAML certificate file */
    const char *remainder; /* path: binary or hex, where the answer is the certificate alone */
    const char *exponent;  /* hex, where the answer does not say it; default: the issuer pair's */
    const char *ca;        /* path: the scheme's CA key file, in place of the plan's ca_file */
};

struct certificate_import {
    struct certificate_request request; /* made by the caller: certificate_request_make */
    struct ca_key_file ca;              /* the rest by certificate_import_read */
    struct certificate_file file;
};

/* Reads the files and accepts the certificate as of today; changes nothing.
 * False: a file cannot be read (ERR_FILE) or is no such file (ERR_INPUT, ERR_CONFIG), a value is given twice (ERR_CONFIG),
 * the plan's ca_file holds another key than `ca`, the request that was sent is not the plan's, or a field is wrong
 * (ERR_INTEGRITY: certificate_accept.h, with the field in front). */
MUST_CHECK bool certificate_import_read(const struct certificate_source *source, const struct date *today,
                                        struct certificate_import *i, struct err *err);
/* Appends what it says, for people: lines of at most 80 columns. False: as digests fail (ERR_INTERNAL). */
MUST_CHECK bool certificate_import_words(const struct certificate_import *i, struct buf *out,
                                         struct err *err);
/* Writes the plan's certificate file, and its ca_file if that is not there. False (ERR_FILE): cannot be written, or the
 * certificate file is there and holds something else. */
MUST_CHECK bool certificate_import_store(const struct certificate_import *i, struct step_result *result,
                                         struct err *err);

#endif
