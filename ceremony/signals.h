/* ceremony/signals.h - a SIGTERM during a hidden prompt must end the prompt, so that echo comes back on. */
#ifndef CEREMONY_SIGNALS_H
#define CEREMONY_SIGNALS_H

#include "base/err.h"

/* From now on SIGTERM ends a read (base/secret.h gives ERR_INTERRUPTED then); a second one ends the program wherever it is. */
MUST_CHECK bool signals_let_prompts_end(struct err *err);

#endif
