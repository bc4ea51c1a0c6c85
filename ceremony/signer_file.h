/* ceremony/signer_file.h - the signing pair's public key as a PEM file: what the bureau, and a second pass, check END
 * records with. */
#ifndef CEREMONY_SIGNER_FILE_H
#define CEREMONY_SIGNER_FILE_H

#include "ceremony/step.h"

size_t signer_file_count(const struct plan *p);
void signer_file_describe(const struct plan *p, size_t index, char *text, size_t size);
MUST_CHECK bool signer_file_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
/* False (ERR_FILE): the file is there and holds something else. */
MUST_CHECK bool signer_file_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

/* DER SubjectPublicKeyInfo of the plan's signing pair. False: the plan has none (ERR_CONFIG), not on the token. */
MUST_CHECK bool signer_file_spki(struct ceremony *c, struct buf *spki, struct err *err);

#endif
