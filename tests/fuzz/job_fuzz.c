/* The job's own text; profiles and certificates stay unread. */
#include <stdlib.h>

#include "config/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct job *j = NULL;
    struct buf text;
    if (!job_parse(&j, "fuzz", data, size, &err)) return err.kind == ERR_CONFIG ? 0 : (abort(), 0);
    buf_init(&text, 1 << 24);
    if (!job_canonical(j, &text, &err)) abort();
    buf_release(&text);
    job_free(j);
    return 0;
}
