/* ceremony/trust.h - public keys of others, taken after their fingerprint was read to us: a foreign signer's, put onto our
 * token as the one whose files we accept; and a receiver's, under which a transport key is wrapped once.
 *
 * The fingerprint is not shown to whoever takes the key: they type the words (or digits) as they hear them, so that nobody
 * can nod. Unattended, in TEST plans, the file is taken as it is. */
#ifndef CEREMONY_TRUST_H
#define CEREMONY_TRUST_H

#include "ceremony/step.h"

/* The label on the token is this and the signer's name. */
#define TRUST_LABEL_PREFIX "signer-"

size_t trust_count(const struct plan *p);
void trust_describe(const struct plan *p, size_t index, char *text, size_t size);
bool trust_is_at(const struct plan *p, size_t index, const char *site);
void trust_tell(const struct plan *p, size_t index, struct step_story *s);
/* In a signer that is handed over: it is made with the secret keys. */
bool trust_is_late(const struct plan *p, size_t index);
MUST_CHECK bool trust_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
MUST_CHECK bool trust_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

/* A public key file whose fingerprint the person at the keyboard types as it is read to them; spki gets its DER.
 * False: not readable (ERR_FILE), no public key (ERR_INPUT), another fingerprint three times (ERR_INTEGRITY). */
MUST_CHECK bool trust_take_file(const struct ceremony *c, const char *path, const char *whose,
                                struct buf *spki, struct err *err);
/* The SubjectPublicKeyInfo of the signer whose files this token accepts from `sender` (a site).
 * False: there is none yet: nothing is accepted without it (ERR_TOKEN); one that nobody compared, by the audit log, or another
 * than they did (ERR_INTEGRITY). */
MUST_CHECK bool trust_signer_of(struct ceremony *c, const char *token, const char *sender, struct buf *spki,
                                struct err *err);

#endif
