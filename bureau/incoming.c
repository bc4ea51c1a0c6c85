#include "bureau/incoming.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "formats/signers.h"

enum { TRUSTED_MAX = 16, SPKIS_MAX = TRUSTED_MAX * (2 + PUBLIC_KEY_SPKI_MAX) };

struct incoming {
    struct mic_file *file;
};

/* Whose files are taken: of PEM files, and of the token. */
struct trust {
    struct signers files;
    struct buf spkis;
    struct public_key keys[SIGNERS_MAX + TRUSTED_MAX];
    size_t count;
};

static bool trust_token(struct trust *t, struct token_process *p, struct err *err)
{
    if (!token_process_signers(p, &t->spkis, err)) return false;
    struct cur c = cur_make(t->spkis.data, t->spkis.len, 0);
    while (cur_left(&c)) {
        uint64_t len = 0;
        struct public_key *key = &t->keys[t->count];
        if (t->count == SIGNERS_MAX + TRUSTED_MAX)
            return err_set(err, ERR_CONFIG, "more than %d trusted signers on the token", TRUSTED_MAX);
        if (!cur_take_be(&c, 2, &len, "length of a signer's key", err) ||
            !cur_take(&c, (size_t)len, &key->spki, "a signer's key", err))
            return false;
        key->len = (size_t)len;
        t->count++;
    }
    return true;
}

static bool trust_load(struct trust *t, const struct bureau *settings, struct token_process *p,
                       struct err *err)
{
    if (settings->signer_count &&
        !signers_load(&t->files, settings->signer_paths, settings->signer_count, err))
        return false;
    for (; t->count < t->files.count; t->count++)
        t->keys[t->count] = t->files.keys[t->count];
    return !settings->trusted_count || trust_token(t, p, err);
}

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
    struct trust *t = calloc(1, sizeof(*t));
    bool ok = t != NULL;
    if (!t) {
        err_set_no_memory(err);
    } else {
        buf_init(&t->spkis, SPKIS_MAX);
        ok = trust_load(t, settings, p, err);
    }
    if (!ok) reader_free(reader);
    ok = ok && mic_file_open(&in->file, reader, t->keys, t->count, 0, err);
    if (ok && !check_keks(&mic_file_summary(in->file)->job, settings, err)) {
        err_prefix(err, "%s: job record at offset 0: group " MIC_JOB, reader_name(reader));
        ok = false;
    }
    if (t) {
        signers_release(&t->files);
        buf_release(&t->spkis);
    }
    free(t);
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
