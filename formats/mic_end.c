/* END against the file that it ends. */
#include "formats/mic_scan.h"

#include <stdlib.h>
#include <string.h>

static bool check_hash(struct mic_scan *scan, const struct end_group *end, struct err *err)
{
    if (!digest_final(scan->file, scan->file_hash, err)) return false;
    if (bytes_equal(scan->file_hash, SHA256_LEN, end->file_hash, SHA256_LEN)) return true;
    return err_set(err, ERR_INTEGRITY, "hash of the file (DD) does not verify: the file was changed");
}

static const struct public_key *find_signer(const struct mic_trust *trust, const uint8_t id[SHA256_LEN],
                                            struct err *err)
{
    for (size_t i = 0; i < trust->signer_count; i++) {
        uint8_t hash[SHA256_LEN];
        if (!sha256(trust->signers[i].spki, trust->signers[i].len, hash, err)) return NULL;
        if (bytes_equal(hash, SHA256_LEN, id, SHA256_LEN)) return &trust->signers[i];
    }
    err_set(err, ERR_INTEGRITY, "signed by a key (DE) that is none of the %zu trusted ones",
            trust->signer_count);
    return NULL;
}

static bool check_signature(struct mic_scan *scan, const struct mic_group *group, const struct end_group *end,
                            const struct mic_trust *trust, struct err *err)
{
    struct buf text;
    memcpy(scan->signer, end->signer, SHA256_LEN);
    if (trust->flags & MIC_FILE_NO_SIGNER) return true;
    const struct public_key *signer = find_signer(trust, end->signer, err);
    if (!signer) return false;
    buf_init(&text, MIC_RECORD_MAX);
    end_group_to_be_signed(&text, group->data, end->signed_len);
    scan->signature_verified = buf_ok(&text, "signed part of END", err) &&
                               signature_verify(signer, end->algorithm, text.data, text.len, end->signature,
                                                end->signature_len, err);
    buf_release(&text);
    return scan->signature_verified;
}

/* Written records and CC together are every number once: CC begins with the gaps, and what it lists more are the
 * numbers behind the last record. Those are added to the gaps. */
static bool check_set_aside(struct mic_scan *scan, const struct end_group *end, struct err *err)
{
    size_t gaps = scan->gaps.count;
    for (size_t i = 0; i < end->set_aside_count; i++) {
        uint64_t number = bytes_be(&end->set_aside[8 * i], 8);
        uint64_t expected = i < gaps ? scan->gaps.items[i] : scan->next_number++;
        if (number != expected)
            return err_set(err, ERR_INTEGRITY,
                           "record %llu is set aside (CC) where %llu is the next to be missing",
                           (unsigned long long)number, (unsigned long long)expected);
        if (i >= gaps && !mic_scan_add_gap(scan, number, err)) return false;
    }
    if (end->set_aside_count >= gaps) return true;
    return err_set(err, ERR_INTEGRITY, "record %llu is missing and not set aside (CC)",
                   (unsigned long long)scan->gaps.items[end->set_aside_count]);
}

static bool check_numbers(struct mic_scan *scan, const struct end_group *end, struct err *err)
{
    const struct job_group *job = &scan->job;
    if (end->count != row_log_count(scan->rows))
        return err_set(err, ERR_INTEGRITY, "%llu card records are announced (DC), %llu stand in the file",
                       (unsigned long long)end->count, (unsigned long long)row_log_count(scan->rows));
    if (!check_set_aside(scan, end, err)) return false;
    uint64_t last = scan->next_number - 1;
    if (last > job->planned || (job->shard == job->shards && last != job->planned))
        return err_set(err, ERR_INTEGRITY,
                       "the file ends with record %llu, but %llu were planned (DC of " MIC_JOB ")",
                       (unsigned long long)last, (unsigned long long)job->planned);
    return true;
}

static bool check_keys(const struct mic_scan *scan, const struct end_group *end, struct err *err)
{
    uint8_t(*found)[SHA256_LEN] = NULL;
    if (!hash_set_sorted(&scan->mackeys, &found, err)) return false;
    bool same = bytes_equal(found, scan->mackeys.count * SHA256_LEN, end->mackey_hashes,
                            end->mackey_hash_count * SHA256_LEN);
    free(found);
    if (!same) return err_set(err, ERR_INTEGRITY, "the MACKEYs of the file are not those listed (CF)");
    for (size_t i = 0; i < scan->job.kek_count; i++) {
        if (!(scan->keks_used >> i & 1))
            return err_set(err, ERR_INTEGRITY,
                           "group " MIC_JOB " lists a KEK (D7, number %zu) that no record uses", i + 1);
    }
    return true;
}

bool mic_end_check(struct mic_scan *scan, const struct mic_group *group, const struct mic_trust *trust,
                   struct err *err)
{
    struct end_group end;
    if (!end_group_read(group, &end, err)) return false;
    bool ok = check_hash(scan, &end, err) && check_signature(scan, group, &end, trust, err);
    if (ok && !bytes_equal(end.job_id, JOB_ID_LEN, scan->job.job_id, JOB_ID_LEN))
        ok = err_set(err, ERR_INTEGRITY, "job id (D2) is not that of the job record");
    ok = ok && check_numbers(scan, &end, err) && check_keys(scan, &end, err);
    if (!ok) err_prefix(err, "group " MIC_END " at offset %llu", (unsigned long long)group->offset);
    return ok;
}

/* Rows are parted by the first bytes of their hash into as many bins as are needed for one to fit; each bin is then
 * collected in a pass of its own and sorted. */
enum { BIN_ROWS = 32768, BIN_ROWS_MAX = 2 * BIN_ROWS };

struct object {
    uint8_t hash[OBJECT_HASH_LEN];
    uint64_t number;
};

static int compare_objects(const void *a, const void *b)
{
    const struct object *left = a;
    const struct object *right = b;
    int order = memcmp(left->hash, right->hash, OBJECT_HASH_LEN);
    if (order != 0) return order;
    return left->number < right->number ? -1 : left->number > right->number;
}

static bool collect(struct row_log *rows, uint64_t bin, uint64_t bins, struct object *out, size_t *count,
                    struct err *err)
{
    *count = 0;
    for (uint64_t i = 0; i < row_log_count(rows) && *count < BIN_ROWS_MAX; i++) {
        struct mic_row row;
        if (!row_log_read(rows, i, &row, err)) return false;
        if (bytes_be(row.object, 6) % bins != bin) continue;
        memcpy(out[*count].hash, row.object, OBJECT_HASH_LEN);
        out[(*count)++].number = row.number;
    }
    return true;
}

static bool check_bin(struct object *objects, size_t count, struct err *err)
{
    qsort(objects, count, sizeof(*objects), compare_objects);
    for (size_t i = 1; i < count; i++) {
        if (memcmp(objects[i - 1].hash, objects[i].hash, OBJECT_HASH_LEN) == 0)
            return err_set(err, ERR_INTEGRITY, "records %llu and %llu have the same card object identifier",
                           (unsigned long long)objects[i - 1].number, (unsigned long long)objects[i].number);
    }
    /* With twice the room that chance needs, only identifiers made for this purpose fill a bin. */
    if (count == BIN_ROWS_MAX)
        return err_set(err, ERR_INPUT, "card object identifiers whose hashes are alike");
    return true;
}

bool mic_end_check_objects(struct row_log *rows, struct err *err)
{
    uint64_t count = row_log_count(rows);
    uint64_t bins = count / BIN_ROWS + 1;
    size_t room = count < BIN_ROWS_MAX ? (size_t)count + 1 : BIN_ROWS_MAX;
    struct object *objects = calloc(room, sizeof(*objects));
    bool ok = true;
    if (!objects) return err_set_no_memory(err);
    for (uint64_t bin = 0; ok && bin < bins; bin++) {
        size_t collected = 0;
        ok = collect(rows, bin, bins, objects, &collected, err) && check_bin(objects, collected, err);
    }
    free(objects);
    return ok;
}
