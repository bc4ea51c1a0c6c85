#include "bench/bureau/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/run_cardprep.h"
#include "bureau/incoming.h"

enum { RECORDS_BYTES_MAX = 1 << 28 };

static bool read_all(struct bureau_records *out, struct incoming *in, uint64_t cards, struct err *err)
{
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    bool end = false, ok = record != NULL || err_set_no_memory(err);

    while (ok && !end && out->count < cards && out->count < RECORDS_MAX) {
        ok = incoming_next(in, record, &card, &end, err);
        if (!ok || end) break;
        out->at[out->count] = out->bytes.len;
        out->len[out->count++] = record->len;
        buf_put(&out->bytes, record->bytes, record->len);
    }
    free(record);
    if (ok && out->count == 0) ok = err_set(err, ERR_INPUT, "the job makes no card");
    return ok && buf_ok(&out->bytes, "records", err);
}

bool bureau_records_make(struct bureau_records *out, const char *cardprep, const struct bench_input *input,
                         const struct bureau *settings, uint64_t cards, struct err *err)
{
    char *path = NULL, *partial = NULL;
    struct incoming *in = NULL;

    *out = (struct bureau_records){.count = 0};
    buf_init(&out->bytes, RECORDS_BYTES_MAX);
    if (asprintf(&path, "%s.cardbench-%d", input->job->output_path, (int)getpid()) < 0 ||
        asprintf(&partial, "%s.partial", path) < 0) {
        free(path);
        return err_set_no_memory(err);
    }
    bool ok = run_cardprep_into(cardprep, input, cards, path, err) &&
              incoming_open(&in, settings, NULL, path, err) && read_all(out, in, cards, err);
    incoming_free(in);
    unlink(path);
    unlink(partial);
    free(path);
    free(partial);
    if (!ok) bureau_records_release(out);
    return ok;
}

void bureau_records_release(struct bureau_records *r)
{
    buf_release(&r->bytes);
    r->count = 0;
}
