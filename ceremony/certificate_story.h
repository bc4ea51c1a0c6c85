/* ceremony/certificate_story.h - what people are told of certifying an issuer key, and where it is done. */
#ifndef CEREMONY_CERTIFICATE_STORY_H
#define CEREMONY_CERTIFICATE_STORY_H

#include "ceremony/step.h"

bool certificate_is_at(const struct plan *p, size_t index, const char *site);
void certificate_tell(const struct plan *p, size_t index, struct step_story *s);

#endif
