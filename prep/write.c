#include "prep/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "formats/card_record.h"

/* A rising list without repetition, of fixed-size items. */
struct rising {
    uint8_t *items;
    size_t count, room, size;
};

struct record_writer {
    struct outfile *file;
    struct digest *digest;
    struct job_group job;
    uint64_t next;           /* number that is due */
    uint64_t count;          /* card records written */
    struct rising set_aside; /* 8 bytes each */
    struct rising mackeys;   /* SHA-256 each */
    bool kek_used[JOB_KEKS_MAX];
    uint8_t last_mackey[MACKEY_LEN];
    bool has_last_mackey;
    struct mic_record record;  /* scratch */
    struct card_record parsed; /* scratch */
};

static bool rising_add(struct rising *r, const uint8_t *item, struct err *err)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(r->items + middle * r->size, item, r->size);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 16;
        uint8_t *items = reallocarray(r->items, room, r->size);
        if (!items) return err_set_no_memory(err);
        r->items = items;
        r->room = room;
    }
    memmove(r->items + (low + 1) * r->size, r->items + low * r->size, (r->count - low) * r->size);
    memcpy(r->items + low * r->size, item, r->size);
    r->count++;
    return true;
}

static bool append(struct record_writer *w, const uint8_t *data, size_t len, struct err *err)
{
    return outfile_append(w->file, data, len, err) && digest_add(w->digest, data, len, err);
}

bool record_writer_create(struct record_writer **out, const char *path, const struct job_group *job,
                          struct err *err)
{
    struct buf b;
    struct record_writer *w = calloc(1, sizeof(*w));

    if (!w) return err_set_no_memory(err);
    buf_init(&b, MIC_RECORD_MAX);
    w->job = *job;
    w->next = job->first_record;
    w->set_aside.size = 8;
    w->mackeys.size = SHA256_LEN;
    job_group_put(&b, job);
    bool ok = buf_ok(&b, "JOB record", err) && digest_new(&w->digest, DIGEST_SHA256, err) &&
              outfile_create(&w->file, path, err) && append(w, b.data, b.len, err);
    buf_release(&b);
    if (!ok) {
        record_writer_free(w, false);
        return false;
    }
    *out = w;
    return true;
}

void record_writer_free(struct record_writer *w, bool keep)
{
    if (!w) return;
    outfile_close(w->file, keep);
    digest_free(w->digest);
    free(w->set_aside.items);
    free(w->mackeys.items);
    free(w);
}

uint64_t record_writer_count(const struct record_writer *w)
{
    return w->count;
}

const char *record_writer_partial_path(const struct record_writer *w)
{
    return outfile_partial_path(w->file);
}

static bool note_mackey(struct record_writer *w, const uint8_t mackey[MACKEY_LEN], struct err *err)
{
    uint8_t hash[SHA256_LEN];

    if (w->has_last_mackey && memcmp(w->last_mackey, mackey, MACKEY_LEN) == 0) return true;
    if (!sha256(mackey, MACKEY_LEN, hash, err) || !rising_add(&w->mackeys, hash, err)) return false;
    memcpy(w->last_mackey, mackey, MACKEY_LEN);
    w->has_last_mackey = true;
    return true;
}

static void note_kek(struct record_writer *w, const uint8_t kekid[KEKID_LEN])
{
    for (size_t i = 0; i < w->job.kek_count; i++) {
        if (memcmp(w->job.keks[i].kekid, kekid, KEKID_LEN) == 0) w->kek_used[i] = true;
    }
}

/* A reader refuses a KEK in JOB that no record needs: one whose records were all refused after JOB was written. */
static bool check_keks(const struct record_writer *w, struct err *err)
{
    char id[2 * KEKID_LEN + 1];

    for (size_t i = 0; i < w->job.kek_count; i++) {
        if (w->kek_used[i]) continue;
        hex_write(id, sizeof(id), w->job.keks[i].kekid, KEKID_LEN, false);
        return err_set(err, ERR_INPUT,
                       "every record that needs KEK %s was refused: take them out of the input and run again",
                       id);
    }
    return true;
}

/* The MAC keys and KEKs of the record and of every sealed entry, those of earlier passes too. */
static bool note_keys(struct record_writer *w, struct err *err)
{
    for (size_t i = 0; i < w->parsed.entry_count; i++) {
        if (!w->parsed.entries[i].sealed) continue;
        note_kek(w, w->parsed.entries[i].kekid);
        if (!note_mackey(w, w->parsed.entries[i].mackey, err)) return false;
    }
    note_kek(w, w->parsed.seal.kekid);
    return note_mackey(w, w->parsed.seal.mackey, err);
}

/* A record that a bureau would refuse is refused here, whatever a worker made of it. */
static bool check(struct record_writer *w, const uint8_t *record, size_t len, struct err *err)
{
    if (!mic_parse_record(record, len, outfile_size(w->file), &w->record, err) ||
        !card_record_read(&w->record, &w->job, &w->parsed, err)) {
        err_prefix(err, "the record that a worker made is wrong");
        return false;
    }
    if (w->parsed.card.number == w->next) return true;
    return err_set(err, ERR_INTERNAL, "record %llu comes when %llu is due",
                   (unsigned long long)w->parsed.card.number, (unsigned long long)w->next);
}

bool record_writer_append(struct record_writer *w, const uint8_t *record, size_t len, struct err *err)
{
    if (!check(w, record, len, err) || !note_keys(w, err) || !append(w, record, len, err)) return false;
    w->next++;
    w->count++;
    return true;
}

bool record_writer_set_aside(struct record_writer *w, uint64_t number, struct err *err)
{
    uint8_t item[8];

    if (number != w->next)
        return err_set(err, ERR_INTERNAL, "record %llu is set aside when %llu is due",
                       (unsigned long long)number, (unsigned long long)w->next);
    for (size_t i = 0; i < sizeof(item); i++)
        item[7 - i] = (uint8_t)(number >> (8 * i));
    if (!rising_add(&w->set_aside, item, err)) return false;
    w->next++;
    return true;
}

bool record_writer_finish(struct record_writer *w, const struct record_signer *signer, struct err *err)
{
    struct buf part, message, signature, record;
    struct end_group end = {.count = w->count,
                            .set_aside = w->set_aside.items,
                            .set_aside_count = w->set_aside.count,
                            .mackey_hashes = w->mackeys.items,
                            .mackey_hash_count = w->mackeys.count,
                            .algorithm = signer->algorithm};

    buf_init(&part, MIC_RECORD_MAX);
    buf_init(&message, MIC_RECORD_MAX);
    buf_init(&signature, SIGNATURE_MAX);
    buf_init(&record, MIC_RECORD_MAX);
    memcpy(end.job_id, w->job.job_id, JOB_ID_LEN);
    memcpy(end.signer, signer->id, SHA256_LEN);
    bool ok = check_keks(w, err) && digest_peek(w->digest, end.file_hash, err);
    end_group_put_signed(&part, &end);
    end_group_to_be_signed(&message, part.data, part.len);
    ok = ok && buf_ok(&part, "END record", err) && buf_ok(&message, "END record", err) &&
         signer->sign(signer->context, message.data, message.len, &signature, err);
    if (ok) end_group_put(&record, &part, signature.data, signature.len);
    ok = ok && buf_ok(&record, "END record", err) && outfile_append(w->file, record.data, record.len, err) &&
         outfile_commit(w->file, err);
    buf_release(&part);
    buf_release(&message);
    buf_release(&signature);
    buf_release(&record);
    return ok;
}
