/* Whatever is read as a profile can be looked at by the lint and put in canonical form. */
#include <stdlib.h>

#include "config/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct profile *p = NULL;
    struct buf text;
    if (!profile_parse(&p, "fuzz", data, size, &err)) return err.kind == ERR_CONFIG ? 0 : (abort(), 0);
    buf_init(&text, 1 << 24);
    if (profile_lint(p, &text) && !text.len) abort();
    buf_clear(&text);
    profile_canonical(p, &text);
    if (text.failed || !text.len) abort();
    buf_release(&text);
    profile_free(p);
    return 0;
}
