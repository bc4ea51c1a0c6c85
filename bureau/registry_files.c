/* Files in the books: what comes again, too late, or not whole. */
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "bureau/registry_internal.h"

enum { LINEAGE_MAX = JOB_PASSES_MAX * JOB_ID_LEN };

/* A file that is in the books already, as far as it is compared. */
struct known {
    uint8_t job[JOB_ID_LEN], hash[SHA256_LEN];
    uint8_t lineage[LINEAGE_MAX];
    size_t passes;
    unsigned shard, shards;
    uint64_t first, last, planned;
};

static bool has_pass(const uint8_t *lineage, size_t passes, const uint8_t job_id[JOB_ID_LEN])
{
    for (size_t i = 0; i < passes; i++) {
        if (bytes_equal(&lineage[i * JOB_ID_LEN], JOB_ID_LEN, job_id, JOB_ID_LEN)) return true;
    }
    return false;
}

static void read_known(sqlite3_stmt *s, struct known *k)
{
    const void *hash = sqlite3_column_blob(s, 1), *lineage = sqlite3_column_blob(s, 2);
    const size_t len = (size_t)sqlite3_column_bytes(s, 2);
    memset(k, 0, sizeof(*k));
    registry_column_id(s, 0, k->job);
    if (hash && sqlite3_column_bytes(s, 1) == SHA256_LEN) memcpy(k->hash, hash, SHA256_LEN);
    if (lineage && len <= LINEAGE_MAX) {
        memcpy(k->lineage, lineage, len);
        k->passes = len / JOB_ID_LEN;
    }
    k->shard = (unsigned)sqlite3_column_int(s, 3);
    k->shards = (unsigned)sqlite3_column_int(s, 4);
    k->first = (uint64_t)sqlite3_column_int64(s, 5);
    k->last = (uint64_t)sqlite3_column_int64(s, 6);
    k->planned = (uint64_t)sqlite3_column_int64(s, 7);
}

static bool compare_same_shard(const struct known *k, const struct mic_file_summary *file, bool *same,
                               struct err *err)
{
    const struct job_group *job = &file->job;
    char id[2 * JOB_ID_LEN + 1];
    hex_write(id, sizeof(id), k->job, JOB_ID_LEN, true);
    if (k->first != job->first_record || k->last != mic_file_last_record(file))
        return err_set(err, ERR_INPUT, "shard %u had records %llu to %llu when it came before", job->shard,
                       (unsigned long long)k->first, (unsigned long long)k->last);
    if (bytes_equal(k->job, JOB_ID_LEN, job->job_id, JOB_ID_LEN)) {
        *same = bytes_equal(k->hash, SHA256_LEN, file->file_hash, SHA256_LEN);
        return *same ||
               err_set(err, ERR_INPUT, "this job's shard %u came before as another file", job->shard);
    }
    if (has_pass(k->lineage, k->passes, job->job_id))
        return err_set(err, ERR_INPUT, "this is an older pass: its records are known in the later pass %s",
                       id);
    if (job_group_has_pass(job, k->job)) return true;
    return err_set(err, ERR_INPUT, "its records are known in another pass, %s, which is none of this file's",
                   id);
}

static bool compare(const struct known *k, const struct mic_file_summary *file, bool *same, struct err *err)
{
    const struct job_group *job = &file->job;
    if (k->planned != job->planned || k->shards != job->shards)
        return err_set(
            err, ERR_INPUT,
            "shard %u of this job came with %llu records planned in %u shards, here it is %llu in %u",
            k->shard, (unsigned long long)k->planned, k->shards, (unsigned long long)job->planned,
            job->shards);
    if (k->shard == job->shard) return compare_same_shard(k, file, same, err);
    if (k->last < job->first_record || mic_file_last_record(file) < k->first || k->last < k->first ||
        mic_file_last_record(file) < job->first_record)
        return true;
    return err_set(err, ERR_INPUT, "its record numbers are those of shard %u, which has %llu to %llu",
                   k->shard, (unsigned long long)k->first, (unsigned long long)k->last);
}

/* All files of this first job; shards_seen counts those of passes as deep as this one. */
static bool compare_all(struct registry *r, const struct mic_file_summary *file,
                        struct registry_counts *counts, struct err *err)
{
    static const char sql[] = "SELECT job, hash, lineage, shard, shards, first, last, planned FROM files"
                              " WHERE first_job = ? ORDER BY shard, passes";
    sqlite3_stmt *s = NULL;
    unsigned last_shard = 0;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_blob(s, 1, job_group_first_job(&file->job), JOB_ID_LEN, SQLITE_STATIC);
    counts->shards = file->job.shards;
    counts->shards_seen = 1;
    bool ok = registry_step(r, s, &row, err);
    while (ok && row) {
        struct known k;
        bool same = false;
        read_known(s, &k);
        ok = compare(&k, file, &same, err);
        counts->seen_before = counts->seen_before || same;
        if (k.passes == file->job.pass_count && k.shard != file->job.shard && k.shard != last_shard) {
            counts->shards_seen++;
            last_shard = k.shard;
        }
        ok = ok && registry_step(r, s, &row, err);
    }
    sqlite3_finalize(s);
    return ok;
}

static bool is_set_aside(const struct mic_file_summary *file, uint64_t number)
{
    size_t from = 0, to = (size_t)file->set_aside_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (file->set_aside[middle] == number) return true;
        if (file->set_aside[middle] < number)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

static void count_state(struct registry_counts *n, enum record_state state)
{
    n->half_done += state == RECORD_HALF_DONE || state == RECORD_UNDER_WAY || state == RECORD_REPEATED;
    n->made += state == RECORD_MADE;
    n->spoiled += state == RECORD_SPOILED;
    n->destroyed += state == RECORD_DESTROYED;
}

/* Records that got their identity from this pass and have a history. */
static bool count_records(struct registry *r, const struct mic_file_summary *file, const uint8_t *job_id,
                          struct registry_counts *counts, struct err *err)
{
    static const char sql[] = "SELECT number, state, max(sequence) FROM events"
                              " WHERE job = ? AND number BETWEEN ? AND ? GROUP BY number";
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_blob(s, 1, job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)file->job.first_record);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)mic_file_last_record(file));
    bool ok = registry_step(r, s, &row, err);
    while (ok && row) {
        if (!is_set_aside(file, (uint64_t)sqlite3_column_int64(s, 0)))
            count_state(counts, (enum record_state)sqlite3_column_int(s, 1));
        ok = registry_step(r, s, &row, err);
    }
    sqlite3_finalize(s);
    return ok;
}

static bool count_all(struct registry *r, const struct mic_file_summary *file, struct registry_counts *counts,
                      struct err *err)
{
    const struct job_group *job = &file->job;
    bool ok = count_records(r, file, job->job_id, counts, err);
    for (size_t i = 0; ok && i < job->pass_count; i++)
        ok = count_records(r, file, job->passes[i], counts, err);
    counts->records = file->count;
    const uint64_t known = counts->half_done + counts->made + counts->spoiled + counts->destroyed;
    counts->open = known < file->count ? file->count - known : 0;
    return ok;
}

static bool something_left(const struct registry_counts *counts, unsigned flags, struct err *err)
{
    if (!counts->records || counts->open || counts->half_done || flags & REGISTRY_NOTHING_LEFT) return true;
    return err_set(err, ERR_INPUT,
                   "personalized before: of %llu records %llu are made, %llu spoiled and %llu destroyed",
                   (unsigned long long)counts->records, (unsigned long long)counts->made,
                   (unsigned long long)counts->spoiled, (unsigned long long)counts->destroyed);
}

static bool insert(struct registry *r, const struct mic_file_summary *file, struct err *err)
{
    static const char sql[] =
        "INSERT INTO files (first_job, job, passes, lineage, shard, shards, name, first,"
        " last, planned, records, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct job_group *job = &file->job;
    sqlite3_stmt *s = NULL;
    bool row = false;
    if (!registry_prepare(r, sql, &s, err)) return false;
    sqlite3_bind_blob(s, 1, job_group_first_job(job), JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, job->job_id, JOB_ID_LEN, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)job->pass_count);
    sqlite3_bind_blob(s, 4, job->passes, (int)(job->pass_count * JOB_ID_LEN), SQLITE_STATIC);
    sqlite3_bind_int(s, 5, job->shard);
    sqlite3_bind_int(s, 6, job->shards);
    sqlite3_bind_text(s, 7, job->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 8, (sqlite3_int64)job->first_record);
    sqlite3_bind_int64(s, 9, (sqlite3_int64)mic_file_last_record(file));
    sqlite3_bind_int64(s, 10, (sqlite3_int64)job->planned);
    sqlite3_bind_int64(s, 11, (sqlite3_int64)file->count);
    sqlite3_bind_blob(s, 12, file->file_hash, SHA256_LEN, SQLITE_STATIC);
    bool ok = registry_step(r, s, &row, err);
    sqlite3_finalize(s);
    return ok;
}

static bool shards_complete(const struct registry_counts *counts, unsigned flags, struct err *err)
{
    if (flags & REGISTRY_INCOMPLETE_SET || counts->shards_seen == counts->shards) return true;
    return err_set(
        err, ERR_INPUT,
        "an incomplete set: %u of %u shards of this job have been checked so far (--incomplete-set takes "
        "it as it is)",
        counts->shards_seen, counts->shards);
}

bool registry_accept_file(struct registry *r, const struct mic_file_summary *file, unsigned flags,
                          struct registry_counts *counts, struct err *err)
{
    struct registry_counts n = {.records = 0};
    if (file->job.planned > INT64_MAX)
        return err_set(err, ERR_INPUT, "more records are planned than the books can count");
    if (!registry_begin(r, err)) return false;
    bool ok = compare_all(r, file, &n, err) && count_all(r, file, &n, err) && something_left(&n, flags, err);
    if (ok && !n.seen_before && !(flags & REGISTRY_LOOK_ONLY)) ok = insert(r, file, err);
    if (!registry_end(r, ok, err) || !shards_complete(&n, flags, err)) return false;
    if (counts) *counts = n;
    return true;
}
