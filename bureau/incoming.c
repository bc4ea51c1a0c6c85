#include "bureau/incoming.h"

#include <stdlib.h>

#include "base/hex.h"
#include "bureau/trust.h"

struct incoming {
    struct mic_file *file;
};

static bool check_keks(const struct job_group *job, const struct bureau *settings, struct err *err)
{
    for (size_t i = 0; i < job->kek_count; i++) {
        const struct job_kek *kek = &job->keks[i];
        const struct bureau_kek *held = bureau_kek_of(settings, kek->kekid);
        char id[2 * KEKID_LEN + 1], kcv[2 * KEK_KCV_LEN + 1];
        hex_write(id, sizeof(id), kek->kekid, KEKID_LEN, false);
        hex_write(kcv, sizeof(kcv), kek->kcv, KEK_KCV_LEN, false);
        if (!held)
            return err_set(err, ERR_INPUT, "KEK %s (D7, check value %s) is not among this bureau's keks", id,
                           kcv);
        if (!bytes_equal(held->key.kcv, held->key.kcv_len, kek->kcv, KEK_KCV_LEN))
            return err_set(err, ERR_INTEGRITY,
                           "KEK %s has check value %s in D7, which is not that of the key held", id, kcv);
    }
    return true;
}

static bool open_file(struct incoming *in, const struct bureau *settings, struct token_process *p,
                      struct reader *reader, struct err *err)
{
    struct trust *t = NULL;
    bool ok = trust_new(&t, settings, p, err);
    if (!ok) reader_free(reader);
    ok = ok && mic_file_open(&in->file, reader, t->keys, t->count, 0, err);
    if (ok && !check_keks(&mic_file_summary(in->file)->job, settings, err)) {
        err_prefix(err, "%s: job record at offset 0: group " MIC_JOB, reader_name(reader));
        ok = false;
    }
    trust_free(t);
    return ok;
}

bool incoming_open_reader(struct incoming **out, const struct bureau *settings, struct token_process *p,
                          struct reader *reader, struct err *err)
{
    struct incoming *in = calloc(1, sizeof(*in));
    if (!in) {
        reader_free(reader);
        return err_set_no_memory(err);
    }
    if (!open_file(in, settings, p, reader, err)) {
        incoming_free(in);
        return false;
    }
    *out = in;
    return true;
}

bool incoming_open(struct incoming **out, const struct bureau *settings, struct token_process *p,
                   const char *path, struct err *err)
{
    struct reader *r = NULL;
    return reader_open(&r, path, err) && incoming_open_reader(out, settings, p, r, err);
}

void incoming_free(struct incoming *in)
{
    if (!in) return;
    mic_file_free(in->file);
    free(in);
}

const struct mic_file_summary *incoming_summary(const struct incoming *in)
{
    return mic_file_summary(in->file);
}

bool incoming_next(struct incoming *in, struct mic_record *record, struct card_group *card, bool *end,
                   struct err *err)
{
    return mic_file_next(in->file, record, card, end, err);
}

bool incoming_rewind(struct incoming *in, struct err *err)
{
    return mic_file_rewind(in->file, err);
}
