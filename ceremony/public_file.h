/* ceremony/public_file.h - public parts of the plan's pairs as PEM files for others (RFC 7468, SubjectPublicKeyInfo): that of
 * the first signing pair where the plan says `signer_file`, and any pair's where it says `public_file`. Whoever gets such a
 * file compares its fingerprint with what is read to them (trust.h). */
#ifndef CEREMONY_PUBLIC_FILE_H
#define CEREMONY_PUBLIC_FILE_H

#include "ceremony/step.h"

size_t public_file_count(const struct plan *p);
void public_file_describe(const struct plan *p, size_t index, char *text, size_t size);
bool public_file_is_at(const struct plan *p, size_t index, const char *site);
void public_file_tell(const struct plan *p, size_t index, struct step_story *s);
/* Of a pair that is handed over: it is made with the secret keys. */
bool public_file_is_late(const struct plan *p, size_t index);
MUST_CHECK bool public_file_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool public_file_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

/* Where this pair's public part is written; NULL: nowhere. */
const char *public_file_path(const struct plan *p, const struct plan_key *key);
/* The SubjectPublicKeyInfo of a pair that is on its token, and its SHA-256. False: as place_find_pair. */
MUST_CHECK bool public_file_spki(struct ceremony *c, const struct plan_key *key, struct buf *spki,
                                 struct err *err);
/* Of the pair that signs at `site` (NULL: the plan's first). False: the plan has none (ERR_CONFIG). */
MUST_CHECK bool public_file_signer(struct ceremony *c, const char *site, struct buf *spki, struct err *err);

#endif
