/* hsm/data.h - small data objects on a token (CKO_DATA): private, so that only a login reads or replaces them. They anchor
 * what lies in files, such as the head of the audit log. Public objects of the same label are as if they were not there.
 *
 * NSS takes no private data objects on its token: there hsm_data_put is refused. */
#ifndef HSM_DATA_H
#define HSM_DATA_H

#include "hsm/token.h"

enum { HSM_DATA_MAX = 4096 };

/* Is a newer than b? Both are bytes of one label. */
typedef bool hsm_data_newer_fn(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* Does the token take such objects at all? Tried with one of the session, which is gone again. False: the session is lost,
 * or the trial's object cannot be destroyed (ERR_TOKEN). */
MUST_CHECK bool hsm_data_possible(struct hsm_token *t, bool *possible, struct err *err);
/* Puts 1 to HSM_DATA_MAX bytes under the label. Older objects of the label are destroyed once the new one is there: a power
 * cut leaves the old, both, or the new.
 * False: no bytes or too many (ERR_INTERNAL), the token refuses (ERR_TOKEN). If an old one cannot be destroyed, both are
 * there. */
MUST_CHECK bool hsm_data_put(struct hsm_token *t, const char *label, const uint8_t *data, size_t len,
                             struct err *err);
/* Appends the bytes under the label to out; of several, the newest. *found: whether there is one; if not, out is unchanged.
 * False (ERR_TOKEN): the token refuses, an object is longer than HSM_DATA_MAX, more than 16 are there, or more than one
 * and `newer` is NULL; (ERR_INPUT): out is full. */
MUST_CHECK bool hsm_data_get(struct hsm_token *t, const char *label, hsm_data_newer_fn *newer,
                             struct buf *out, bool *found, struct err *err);
/* Destroys all of the label; none is fine. */
MUST_CHECK bool hsm_data_remove(struct hsm_token *t, const char *label, struct err *err);

#endif
