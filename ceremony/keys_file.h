/* ceremony/keys_file.h - the keys of a TEST plan in clear, so that anybody's reader can check the demo's files
 * (docs/formats/keys-file.md): {"kek": {identifier: value}, "derive": {"KML/1": {"master": …, "method": …}},
 * "ca": one {n, e, rid, index} or a list of them, "signer": SubjectPublicKeyInfo}. Hex in lower case; no private key. */
#ifndef CEREMONY_KEYS_FILE_H
#define CEREMONY_KEYS_FILE_H

#include "ceremony/step.h"

size_t keys_file_count(const struct plan *p);
void keys_file_describe(const struct plan *p, size_t index, char *text, size_t size);
bool keys_file_is_at(const struct plan *p, size_t index, const char *site);
void keys_file_tell(const struct plan *p, size_t index, struct step_story *s);
MUST_CHECK bool keys_file_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err);
/* False (ERR_CONFIG): the plan is not TEST; a master or KEK was generated, or its components are prompted for, so that its
 * value cannot be had here; a master without a method. */
MUST_CHECK bool keys_file_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err);

#endif
