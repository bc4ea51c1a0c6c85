#include "prep/commands/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/mic_file.h"
#include "prep/input/counter.h"

enum { SHARDS_MAX = 65535 };

static bool parse_shard(const char *text, uint16_t *shard, uint16_t *shards, struct err *err)
{
    const char *slash = strchr(text, '/');
    struct cur before = cur_make((const uint8_t *)text, slash ? (size_t)(slash - text) : 0, 0);
    struct cur after = cur_make((const uint8_t *)(slash ? slash + 1 : ""), slash ? strlen(slash + 1) : 0, 0);
    uint64_t k = 0, n = 0;
    struct err unused = ERR_INIT;

    if (cur_left(&before) == 0 || cur_left(&before) > 5 || cur_left(&after) == 0 || cur_left(&after) > 5 ||
        !cur_take_digits(&before, cur_left(&before), &k, "shard", &unused) ||
        !cur_take_digits(&after, cur_left(&after), &n, "shards", &unused) || k == 0 || k > n ||
        n > SHARDS_MAX)
        return err_set(err, ERR_CONFIG, "--shard '%s' is not of the form 2/4", text);
    *shard = (uint16_t)k;
    *shards = (uint16_t)n;
    return true;
}

bool run_read_shard(struct run *r, const struct run_options *options, struct err *err)
{
    struct job_group *g = &r->job_group;

    g->shard = g->shards = 1;
    if (options->shard && !parse_shard(options->shard, &g->shard, &g->shards, err)) return false;
    return g->shards == 1 || options->session.job_id ||
           err_set(err, ERR_CONFIG, "--shard needs --job-id: the same for all %u shards",
                   (unsigned)g->shards);
}

/* Shard k of n takes the k-th of n runs of numbers, as equal as can be. */
void run_share_out(struct run *r)
{
    uint64_t shard = r->job_group.shard, shards = r->job_group.shards;
    uint64_t planned = r->session.survey.planned;
    r->first = planned * (shard - 1) / shards + 1;
    r->last = planned * shard / shards;
    r->due = r->first;
}

static void add_passes(struct job_group *g, const struct mic_file_summary *earlier)
{
    if (!earlier) return;
    memcpy(g->passes, earlier->job.passes, sizeof(g->passes));
    g->pass_count = earlier->job.pass_count;
    memcpy(g->passes[g->pass_count++], earlier->job.job_id, JOB_ID_LEN);
    g->first_record = earlier->job.first_record;
    g->planned = earlier->job.planned;
    g->shard = earlier->job.shard;
    g->shards = earlier->job.shards;
}

static bool add_kek(struct job_group *g, const struct job_kek *kek, struct err *err)
{
    for (size_t i = 0; i < g->kek_count; i++) {
        if (memcmp(g->keks[i].kekid, kek->kekid, KEKID_LEN) == 0) return true;
    }
    if (g->kek_count == JOB_KEKS_MAX)
        return err_set(err, ERR_INPUT, "more than %d KEKs in one file", JOB_KEKS_MAX);
    g->keks[g->kek_count++] = *kek;
    return true;
}

uint64_t run_expected_records(const struct run *r)
{
    const struct mic_file_summary *earlier = card_reader_earlier_pass(r->session.reader);
    uint64_t count = r->last >= r->first ? r->last - r->first + 1 : 0;

    if (earlier) count -= earlier->set_aside_count;
    for (size_t i = 0; i < r->session.survey.bad_count; i++)
        count -= r->session.survey.bad[i] >= r->first && r->session.survey.bad[i] <= r->last;
    return count;
}

bool run_fill_job_group(struct run *r, struct err *err)
{
    struct session *s = &r->session;
    struct job_group *g = &r->job_group;
    const struct mic_file_summary *earlier = card_reader_earlier_pass(s->reader);

    memcpy(g->job_id, s->identity.job_id, JOB_ID_LEN);
    snprintf(g->name, sizeof(g->name), "%s", s->job->name);
    memcpy(g->settings_hash, s->settings_hash, SHA256_LEN);
    memcpy(g->created, s->identity.created, sizeof(g->created));
    snprintf(g->program, sizeof(g->program), "cardprep %s", CARDPREP_VERSION);
    snprintf(g->chip_mic, sizeof(g->chip_mic), "%s", s->job->chip_mic);
    g->first_record = r->first;
    g->planned = s->survey.planned;
    if (earlier && earlier->job.pass_count == JOB_PASSES_MAX)
        return err_set(err, ERR_INPUT, "the input has had too many passes");
    add_passes(g, earlier);
    for (size_t i = 0; i < s->survey.kek_count; i++) {
        if (!add_kek(g, &s->survey.keks[i], err)) return false;
    }
    /* JOB D7 lists no KEK for a file without any record. */
    return run_expected_records(r) == 0 || add_kek(g, &pool_token_report(s->pool)->kek, err);
}

/* What one shard of several needs is not known card by card: as much as its cards can need, or as all shards together. */
static void plan_shard(struct run *r)
{
    const struct job *job = r->session.job;
    const struct usage *all = r->session.survey.usage;

    usage_add_most(r->used, job);
    usage_add_all(r->planned, r->used, job->key_count, run_expected_records(r));
    memset(r->used, 0, job->key_count * sizeof(*r->used));
    for (size_t i = 0; i < job->key_count; i++) {
        if (all[i].derivations < r->planned[i].derivations) r->planned[i].derivations = all[i].derivations;
        if (all[i].blocks < r->planned[i].blocks) r->planned[i].blocks = all[i].blocks;
    }
}

bool run_plan_uses(struct run *r, struct err *err)
{
    struct session *s = &r->session;
    struct buf warnings;

    if (!s->history) return true;
    r->planned = calloc(s->job->key_count + 1, sizeof(*r->planned));
    r->used = calloc(s->job->key_count + 1, sizeof(*r->used));
    if (!r->planned || !r->used) return err_set_no_memory(err);
    if (r->job_group.shards > 1 && !card_reader_earlier_pass(s->reader))
        plan_shard(r);
    else
        usage_add_all(r->planned, s->survey.usage, s->job->key_count, 1);
    buf_init(&warnings, 1 << 16);
    bool ok = key_history_limits(s->history, s->job, r->planned, &warnings, err);
    const char *text = buf_text(&warnings);
    if (ok && text && text[0]) fprintf(stderr, "%s", text);
    buf_release(&warnings);
    return ok;
}

bool run_reserve_numbers(struct session *s, struct err *err)
{
    struct counter_claim claim = {.count = s->survey.planned};

    memcpy(claim.job_id, s->identity.job_id, JOB_ID_LEN);
    return counter_fingerprint(s->job->input.path, claim.input, err) &&
           counter_reserve(s->job->counter_path, s->job->counter_first, &claim, &s->identity.counter_first,
                           err);
}
