#include "formats/mic_scan.h"

#include <stdlib.h>
#include <string.h>

#include "formats/card_record.h"

enum { ROWS_IN_MEMORY = 4096, NUMBERS_FIRST = 64 };

static const struct mic_framing framing = {.kind = MIC_FRAMING_RLEN};

bool mic_scan_add_gap(struct mic_scan *scan, uint64_t number, struct err *err)
{
    struct number_list *list = &scan->gaps;
    if (list->count == NUMBERS_MAX)
        return err_set(err, ERR_INPUT, "more than %d records are missing", (int)NUMBERS_MAX);
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : NUMBERS_FIRST;
        uint64_t *items = realloc(list->items, room * sizeof(*items));
        if (!items) return err_set_no_memory(err);
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = number;
    return true;
}

void mic_scan_release(struct mic_scan *scan)
{
    row_log_free(scan->rows);
    hash_set_release(&scan->mackeys);
    digest_free(scan->file);
    digest_free(scan->record);
    free(scan->gaps.items);
    *scan = (struct mic_scan){.rows = NULL};
}

static bool scan_begin(struct mic_scan *scan, struct reader *reader, struct err *err)
{
    *scan = (struct mic_scan){.reader = reader};
    hash_set_init(&scan->mackeys, MIC_RECORD_MAX / SHA256_LEN);
    return row_log_new(&scan->rows, sizeof(struct mic_row), ROWS_IN_MEMORY, err) &&
           digest_new(&scan->file, DIGEST_SHA256, err) && digest_new(&scan->record, DIGEST_SHA256, err);
}

/* One record, nothing but the group `name`. */
static bool is_single(const struct mic_record *record, const char *name)
{
    return record->group_count == 1 && strcmp(record->groups[0].name, name) == 0;
}

static bool add_mackey(struct mic_scan *scan, const uint8_t mackey[MACKEY_LEN], struct err *err)
{
    uint8_t hash[SHA256_LEN];
    if (scan->has_mackey && bytes_equal(scan->last_mackey, MACKEY_LEN, mackey, MACKEY_LEN)) return true;
    if (!sha256(mackey, MACKEY_LEN, hash, err)) return false;
    if (!hash_set_add(&scan->mackeys, hash, err)) return false;
    memcpy(scan->last_mackey, mackey, MACKEY_LEN);
    scan->has_mackey = true;
    return true;
}

static void use_kek(struct mic_scan *scan, const uint8_t kekid[KEKID_LEN])
{
    const struct job_kek *kek = job_group_kek(&scan->job, kekid);
    if (kek) scan->keks_used |= 1ull << (kek - scan->job.keks);
}

/* A pass seals all its records under one KEK: its job's. */
static bool check_seal_kek(struct mic_scan *scan, const struct card_record *record, struct err *err)
{
    if (row_log_count(scan->rows) == 0) memcpy(scan->seal_kekid, record->seal.kekid, KEKID_LEN);
    return bytes_equal(scan->seal_kekid, KEKID_LEN, record->seal.kekid, KEKID_LEN) ||
           err_set(err, ERR_INTEGRITY, "group " MIC_SEAL ": another KEK than in the seals before it");
}

static bool add_keys(struct mic_scan *scan, const struct card_record *record, struct err *err)
{
    if (!check_seal_kek(scan, record, err)) return false;
    if (!add_mackey(scan, record->seal.mackey, err)) return false;
    use_kek(scan, record->seal.kekid);
    for (size_t i = 0; i < record->entry_count; i++) {
        if (!record->entries[i].sealed) continue;
        if (!add_mackey(scan, record->entries[i].mackey, err)) return false;
        use_kek(scan, record->entries[i].kekid);
    }
    return true;
}

static bool add_number(struct mic_scan *scan, uint64_t number, struct err *err)
{
    if (number < scan->next_number)
        return err_set(err, ERR_INTEGRITY, "record numbers do not rise: %llu was expected, or more",
                       (unsigned long long)scan->next_number);
    for (; scan->next_number < number; scan->next_number++) {
        if (!mic_scan_add_gap(scan, scan->next_number, err)) return false;
    }
    scan->next_number = number + 1;
    return true;
}

static bool add_row(struct mic_scan *scan, const struct mic_record *record, const struct card_group *card,
                    struct err *err)
{
    /* Padding bytes go to the temporary file, too. */
    struct mic_row row;
    memset(&row, 0, sizeof(row));
    uint8_t hash[SHA256_LEN];
    row.number = card->number;
    row.len = (uint32_t)record->len;
    if (!digest_add(scan->record, record->bytes, record->len, err)) return false;
    if (!digest_final(scan->record, row.digest, err)) return false;
    if (!sha256(card->object_id, strlen(card->object_id), hash, err)) return false;
    memcpy(row.object, hash, OBJECT_HASH_LEN);
    return row_log_append(scan->rows, &row, err);
}

static bool scan_card(struct mic_scan *scan, const struct mic_record *record, struct err *err)
{
    struct card_record card;
    if (!card_record_read(record, &scan->job, &card, err)) return false;
    if (add_number(scan, card.card.number, err) && add_keys(scan, &card, err) &&
        add_row(scan, record, &card.card, err))
        return true;
    err_prefix(err, "record %llu at offset %llu", (unsigned long long)card.card.number,
               (unsigned long long)record->offset);
    return false;
}

/* RLEN of the record that begins here, as far as the file has its digits; *got is how many bytes of it are there.
 * *digits false: nothing is there, or something else. */
static bool peek_rlen(struct reader *r, size_t *got, uint64_t *len, bool *digits, struct err *err)
{
    const uint8_t *bytes = NULL;
    struct err unused = ERR_INIT;
    if (!reader_peek(r, MIC_DIGITS, &bytes, got, err)) return false;
    struct cur c = cur_make(bytes, *got, 0);
    *digits = *got > 0 && cur_take_digits(&c, *got, len, "RLEN", &unused);
    return true;
}

/* Says so where a file is something else, before its bytes are taken for lengths. */
static bool begins_like_mic(struct reader *r, struct err *err)
{
    size_t got = 0;
    uint64_t len = 0;
    bool digits = false;
    if (!peek_rlen(r, &got, &len, &digits, err)) return false;
    if (got == 0) return err_set(err, ERR_INPUT, "%s: the file is empty", reader_name(r));
    return digits ||
           err_set(err, ERR_INPUT, "%s: is no MIC file: it does not begin with the length of a record",
                   reader_name(r));
}

static bool scan_job(struct mic_scan *scan, struct err *err)
{
    struct mic_record record;
    bool end = false;

    if (!begins_like_mic(scan->reader, err)) return false;
    if (!mic_read_record(scan->reader, &framing, &record, &end, err)) return false;
    if (end || !is_single(&record, MIC_JOB))
        err_set(err, ERR_INPUT, "does not begin with a job record");
    else if (job_group_read(&record.groups[0], &scan->job, err) &&
             digest_add(scan->file, record.bytes, record.len, err)) {
        scan->next_number = scan->job.first_record;
        scan->first_card = reader_offset(scan->reader);
        scan->whole_len = scan->first_card;
        return true;
    }
    err_prefix(err, "%s", reader_name(scan->reader));
    return false;
}

/* Does the file end inside the record that begins here, as it does when a run was killed? Wrong digits are no cut. */
static bool is_cut(struct reader *r, bool *cut, struct err *err)
{
    size_t got = 0;
    uint64_t len = 0;
    bool digits = false;
    if (!peek_rlen(r, &got, &len, &digits, err)) return false;
    *cut = digits && (got < MIC_DIGITS || len > reader_size(r) - reader_offset(r) - MIC_DIGITS);
    return true;
}

static bool end_of_scan(struct mic_scan *scan, const struct mic_record *record, const struct mic_trust *trust,
                        struct err *err)
{
    if (reader_offset(scan->reader) != reader_size(scan->reader))
        return err_set(err, ERR_INPUT, "offset %llu: data stands behind the end record",
                       (unsigned long long)reader_offset(scan->reader));
    if (!mic_end_check(scan, &record->groups[0], trust, err)) return false;
    scan->whole_len = reader_size(scan->reader);
    return true;
}

static bool without_end(struct mic_scan *scan, const struct mic_trust *trust, bool cut, struct err *err)
{
    scan->incomplete = true;
    if (trust->flags & MIC_FILE_ALLOW_INCOMPLETE) return true;
    return err_set(err, ERR_INPUT,
                   "incomplete: %s at offset %llu; the run that wrote it did not finish: run the job again",
                   cut ? "cut inside the record" : "no end record", (unsigned long long)scan->whole_len);
}

/* *end: there is nothing more to scan. */
static bool scan_next(struct mic_scan *scan, const struct mic_trust *trust, bool *end, struct err *err)
{
    struct mic_record record;
    bool cut = false;
    if (!is_cut(scan->reader, &cut, err)) return false;
    if (!cut && !mic_read_record(scan->reader, &framing, &record, end, err)) return false;
    bool ok = true;
    if (cut || *end) {
        *end = true;
        ok = without_end(scan, trust, cut, err);
    } else if (is_single(&record, MIC_END)) {
        *end = true;
        ok = end_of_scan(scan, &record, trust, err);
    } else {
        ok = scan_card(scan, &record, err) && digest_add(scan->file, record.bytes, record.len, err);
        scan->whole_len = reader_offset(scan->reader);
    }
    if (!ok) err_prefix(err, "%s", reader_name(scan->reader));
    return ok;
}

bool mic_scan_run(struct mic_scan *scan, struct reader *reader, const struct mic_trust *trust,
                  struct err *err)
{
    bool end = false;
    if (!scan_begin(scan, reader, err)) return false;
    if (!scan_job(scan, err)) return false;
    while (!end) {
        if (!scan_next(scan, trust, &end, err)) return false;
    }
    if (!mic_end_check_objects(scan->rows, err)) {
        err_prefix(err, "%s", reader_name(reader));
        return false;
    }
    return true;
}
