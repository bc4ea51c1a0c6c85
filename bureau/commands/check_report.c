#include "bureau/commands/check_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/hex.h"

static void print_certificates(const struct public_counts *n)
{
    if (n->issuer_certificates)
        printf("  %" PRIu64 " issuer certificates, %" PRIu64 " signed static data, %" PRIu64
               " card certificates, %" PRIu64 " key pairs certified\n",
               n->issuer_certificates, n->static_data, n->card_certificates, n->key_pairs);
    if (n->no_ca_key)
        printf("not verified: certificates of %" PRIu64 " entries, no CA key for %s (ca_keys)\n",
               n->no_ca_key, n->missing_ca);
    if (n->entries_open) printf("not protected: %" PRIu64 " open entries\n", n->entries_open);
}

static const char *channel_name(const struct way *w)
{
    return w->aes ? "SCP03" : "SCP02";
}

static bool goes_with(const struct way *a, const struct way *b)
{
    return a->aes == b->aes && strcmp(a->words, b->words) == 0;
}

/* One way: how many take it, and which, an application a line. Gives the index behind its rows. */
static size_t print_way(const struct ways *ways, size_t first)
{
    const struct way *rows = ways->rows;
    uint64_t secrets = 0;
    size_t end = first;
    for (; end < ways->count && goes_with(&rows[end], &rows[first]); end++)
        secrets += rows[end].count;
    printf("  %" PRIu64 " %s", secrets, rows[first].words);
    for (size_t i = first; i < end; i++) {
        if (i == first || strcmp(rows[i].application, rows[i - 1].application) != 0)
            printf("\n    %s: %s", rows[i].application, rows[i].secret);
        else
            printf(", %s", rows[i].secret);
    }
    putchar('\n');
    return end;
}

static void print_ways(const struct ways *ways)
{
    for (size_t i = 0; i < ways->count;) {
        if (i == 0 || ways->rows[i].aes != ways->rows[i - 1].aes)
            printf("secrets on their way to a card with %s:\n", channel_name(&ways->rows[i]));
        i = print_way(ways, i);
    }
    if (ways->unlisted) printf("  %" PRIu64 " more secrets are not listed\n", ways->unlisted);
}

static void print_books(const struct check_report *r)
{
    const struct registry_counts *n = &r->counts;
    if (n->shards > 1) printf("shards: %u of %u have been checked\n", n->shards_seen, n->shards);
    if (r->whole)
        printf("books: %s; %" PRIu64 " records open, %" PRIu64 " half done, %" PRIu64 " made, %" PRIu64
               " spoiled, %" PRIu64 " destroyed\n",
               n->seen_before ? "known already" : "accepted", n->open, n->half_done, n->made, n->spoiled,
               n->destroyed);
    else
        puts("books: nothing noted, the file was not checked as a whole");
}

static void print_text(const struct check_report *r)
{
    const struct mic_file_summary *s = r->file;
    const struct public_counts *n = r->records;
    char id[2 * JOB_ID_LEN + 1], signer[2 * SHA256_LEN + 1];

    hex_write(id, sizeof(id), s->job.job_id, JOB_ID_LEN, true);
    hex_write(signer, sizeof(signer), s->signer, SHA256_LEN, true);
    printf("%s: job '%s' (%s), %s, by %s\n", r->path, s->job.name, id, s->job.created, s->job.program);
    printf("verified:\n  end record: count, numbers, SHA-256 of the file, signature of %s\n", signer);
    printf("  %zu KEKs by their check values\n", s->job.kek_count);
    printf("  %" PRIu64 " of %" PRIu64 " card records", r->checked, s->count);
    if (s->set_aside_count) printf(" (%" PRIu64 " more were set aside)", s->set_aside_count);
    printf("\n  %" PRIu64 " wrapped secrets and their check values\n", n->secrets);
    if (r->keys_only)
        puts("not verified: MACs (--keys-only)");
    else
        printf("  MACs of %" PRIu64 " entries and %" PRIu64 " seals\n", n->entries_sealed, n->seals);
    print_certificates(n);
    print_ways(r->ways);
    print_books(r);
}

static json_t *json_books(const struct check_report *r)
{
    const struct registry_counts *n = &r->counts;
    return json_pack("{s:b, s:b, s:i, s:i, s:I, s:I, s:I, s:I, s:I}", "noted", r->whole, "known_already",
                     n->seen_before, "shards", (int)n->shards, "shards_seen", (int)n->shards_seen, "open",
                     (json_int_t)n->open, "half_done", (json_int_t)n->half_done, "made", (json_int_t)n->made,
                     "spoiled", (json_int_t)n->spoiled, "destroyed", (json_int_t)n->destroyed);
}

static json_t *json_verified(const struct check_report *r)
{
    const struct public_counts *n = r->records;
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "signature",
                     r->file->signature_verified, "keks", (json_int_t)r->file->job.kek_count, "secrets",
                     (json_int_t)n->secrets, "entry_macs", (json_int_t)(r->keys_only ? 0 : n->entries_sealed),
                     "seals", (json_int_t)(r->keys_only ? 0 : n->seals), "issuer_certificates",
                     (json_int_t)n->issuer_certificates, "static_data", (json_int_t)n->static_data,
                     "card_certificates", (json_int_t)n->card_certificates, "key_pairs",
                     (json_int_t)n->key_pairs);
}

static json_t *json_ways(const struct ways *ways)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < ways->count; i++) {
        const struct way *w = &ways->rows[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:I}", "channel", channel_name(w),
                                              "application", w->application, "secret", w->secret, "way",
                                              w->words, "count", (json_int_t)w->count));
    }
    return list;
}

static bool print_json(const struct check_report *r, struct err *err)
{
    const struct mic_file_summary *s = r->file;
    char id[2 * JOB_ID_LEN + 1], signer[2 * SHA256_LEN + 1];

    hex_write(id, sizeof(id), s->job.job_id, JOB_ID_LEN, true);
    hex_write(signer, sizeof(signer), s->signer, SHA256_LEN, true);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "file", r->path, "job",
                  s->job.name, "job_id", id, "signer", signer, "records", (json_int_t)s->count, "checked",
                  (json_int_t)r->checked, "set_aside", (json_int_t)s->set_aside_count, "open_entries",
                  (json_int_t)r->records->entries_open, "certificates_without_ca_key",
                  (json_int_t)r->records->no_ca_key, "milliseconds", (json_int_t)r->took_ms, "verified",
                  json_verified(r), "ways", json_ways(r->ways), "books", json_books(r));
    if (!o) return err_set_no_memory(err);
    json_dumpf(o, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(o);
    return true;
}

bool check_report_print(const struct check_report *r, bool json, struct err *err)
{
    if (json && !print_json(r, err)) return false;
    if (!json) print_text(r);
    if (fflush(stdout) == 0) return true;
    return err_set(err, ERR_FILE, "standard output cannot be written");
}
