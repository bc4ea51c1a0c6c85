#include "formats/mic_file.h"

#include <stdlib.h>
#include <string.h>

#include "formats/mic_scan.h"

struct mic_file {
    struct reader *reader;
    struct mic_scan scan;
    struct mic_file_summary summary;
    uint64_t next; /* index of the next card record */
};

static bool summarize(struct mic_file *f, struct err *err)
{
    struct mic_scan *scan = &f->scan;
    struct mic_file_summary *summary = &f->summary;
    if (!hash_set_sorted(&scan->mackeys, &summary->mackey_hashes, err)) return false;
    summary->mackey_hash_count = scan->mackeys.count;
    summary->job = scan->job;
    summary->count = row_log_count(scan->rows);
    summary->set_aside = scan->gaps.items;
    summary->set_aside_count = scan->gaps.count;
    memcpy(summary->signer, scan->signer, SHA256_LEN);
    memcpy(summary->file_hash, scan->file_hash, SHA256_LEN);
    summary->whole_len = scan->whole_len;
    summary->incomplete = scan->incomplete;
    summary->signature_verified = scan->signature_verified;
    return true;
}

bool mic_file_open(struct mic_file **out, struct reader *reader, const struct public_key *signers,
                   size_t signer_count, unsigned flags, struct err *err)
{
    struct mic_trust trust = {signers, signer_count, flags};
    struct mic_file *f = calloc(1, sizeof(*f));
    if (!f) {
        reader_free(reader);
        return err_set_no_memory(err);
    }
    f->reader = reader;
    if (!mic_scan_run(&f->scan, reader, &trust, err)) goto out;
    if (!summarize(f, err)) goto out;
    if (!mic_file_rewind(f, err)) goto out;
    *out = f;
    return true;
out:
    mic_file_free(f);
    return false;
}

void mic_file_free(struct mic_file *f)
{
    if (!f) return;
    free(f->summary.mackey_hashes);
    mic_scan_release(&f->scan);
    reader_free(f->reader);
    free(f);
}

uint64_t mic_file_last_record(const struct mic_file_summary *s)
{
    return s->job.first_record + s->count + s->set_aside_count - 1;
}

const struct mic_file_summary *mic_file_summary(const struct mic_file *f)
{
    return &f->summary;
}

bool mic_file_rewind(struct mic_file *f, struct err *err)
{
    if (!reader_seek(f->reader, f->scan.first_card, err)) return false;
    f->next = 0;
    return true;
}

/* The record's bytes once more. A file that shrank is a changed file, too. */
static bool take_same(struct mic_file *f, const struct mic_row *row, const uint8_t **bytes, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    bool taken = reader_take(f->reader, row->len, row->len, "record", bytes, err);
    if (!taken && err->kind != ERR_INPUT) return false;
    if (taken && *bytes) {
        if (!digest_add(f->scan.record, *bytes, row->len, err)) return false;
        if (!digest_final(f->scan.record, digest, err)) return false;
        if (bytes_equal(digest, SHA256_LEN, row->digest, SHA256_LEN)) return true;
    }
    return err_set(err, ERR_INTEGRITY, "%s: record %llu was changed while the file was in use",
                   reader_name(f->reader), (unsigned long long)row->number);
}

bool mic_file_next(struct mic_file *f, struct mic_record *record, struct card_group *card, bool *end,
                   struct err *err)
{
    struct mic_row row;
    const uint8_t *bytes = NULL;
    uint64_t offset = reader_offset(f->reader);
    if (f->next == f->summary.count) {
        *end = true;
        return true;
    }
    if (!row_log_read(f->scan.rows, f->next, &row, err)) return false;
    if (!take_same(f, &row, &bytes, err)) return false;
    if (!mic_parse_record(bytes, row.len, offset, record, err)) return false;
    if (!card_group_read(&record->groups[0], card, err)) return false;
    f->next++;
    *end = false;
    return true;
}

static bool record_is_sealed(const struct mic_record *record, const char *chip_mic, bool *sealed,
                             struct err *err)
{
    struct entry entries[ENTRIES_MAX];
    *sealed = mic_find(record, MIC_SEAL) != NULL;
    for (size_t g = 0; g < record->group_count && !*sealed; g++) {
        size_t count = 0;
        if (strcmp(record->groups[g].name, chip_mic) != 0) continue;
        if (!entry_read_all(&record->groups[g], entries, &count, err)) return false;
        for (size_t i = 0; i < count; i++)
            *sealed = *sealed || entries[i].sealed;
    }
    return true;
}

bool mic_is_sealed(struct reader *r, const struct mic_framing *framing, const char *chip_mic, bool *sealed,
                   struct err *err)
{
    struct mic_record record;
    bool found = false;
    bool end = false;
    if (!reader_seek(r, 0, err)) return false;
    while (!found) {
        if (!mic_read_record(r, framing, &record, &end, err)) return false;
        if (end) break;
        if (record_is_sealed(&record, chip_mic, &found, err)) continue;
        err_prefix(err, "%s", reader_name(r));
        return false;
    }
    if (!reader_seek(r, 0, err)) return false;
    *sealed = found;
    return true;
}
