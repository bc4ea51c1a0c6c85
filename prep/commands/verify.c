/* cardprep verify FILE --signer PEM … [--ca-key FILE …]: everything that needs no secret key, and a list of what only
 * the bureau, which holds the KEK, can verify. */
#include "prep/commands/commands.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/hex.h"
#include "config/certificate_file.h"
#include "formats/mic_file.h"
#include "formats/public_check.h"
#include "formats/signers.h"

struct verify_options {
    struct arg_list signers, ca_keys;
    bool no_signer, json, help;
};

struct verify {
    const char *path;
    struct mic_file *file;
    struct signers signers;
    struct emv_ca_key ca_keys[ARG_LIST_MAX];
    struct public_check *records;
};

static bool verify_all(struct verify *v, struct err *err)
{
    const char *chip_mic = mic_file_summary(v->file)->job.chip_mic;
    struct mic_record *record = calloc(1, sizeof(*record));
    struct card_group card;
    bool end = false, ok = true;

    if (!record) return err_set_no_memory(err);
    while (ok && !end) {
        ok = mic_file_next(v->file, record, &card, &end, err);
        if (!ok || end) break;
        ok = public_check_record(v->records, record, &card, chip_mic, err);
        if (!ok) err_prefix(err, "record %" PRIu64, card.number);
    }
    free(record);
    if (!ok) err_prefix(err, "%s", v->path);
    return ok;
}

/* ---- what is said ---- */

static void print_not_verified(const struct public_counts *n, bool signature)
{
    if (!signature) puts("not verified: the signature (--no-signer)");
    if (n->no_ca_key)
        printf("not verified: certificates of %" PRIu64 " entries, no CA key for %s (--ca-key)\n",
               n->no_ca_key, n->missing_ca);
    if (n->entries_open) printf("not protected: %" PRIu64 " open entries\n", n->entries_open);
    printf("not verified, only the bureau with the KEK can:\n"
           "  MACs of %" PRIu64 " entries and %" PRIu64 " seals\n"
           "  %" PRIu64 " wrapped secrets and their check values\n"
           "  the KEK's own check value\n",
           n->entries_sealed, n->seals, n->secrets);
}

static void print_text(const struct verify *v)
{
    const struct mic_file_summary *s = mic_file_summary(v->file);
    const struct public_counts *n = public_check_counts(v->records);
    char id[2 * JOB_ID_LEN + 1], signer[2 * SHA256_LEN + 1];

    hex_write(id, sizeof(id), s->job.job_id, JOB_ID_LEN, true);
    hex_write(signer, sizeof(signer), s->signer, SHA256_LEN, true);
    printf("%s: job '%s' (%s), %s, by %s\n", v->path, s->job.name, id, s->job.created, s->job.program);
    printf("verified:\n  structure, order, numbers and bindings of %" PRIu64 " card records\n", n->records);
    if (s->set_aside_count) printf("  %" PRIu64 " records were set aside\n", s->set_aside_count);
    puts("  end record: count and SHA-256 of the file");
    if (s->signature_verified) printf("  signature of %s\n", signer);
    if (n->issuer_certificates)
        printf("  %" PRIu64 " issuer certificates, %" PRIu64 " signed static data, %" PRIu64
               " card certificates, %" PRIu64 " key pairs certified\n",
               n->issuer_certificates, n->static_data, n->card_certificates, n->key_pairs);
    print_not_verified(n, s->signature_verified);
}

static bool print_json(const struct verify *v, struct err *err)
{
    const struct mic_file_summary *s = mic_file_summary(v->file);
    const struct public_counts *n = public_check_counts(v->records);
    char id[2 * JOB_ID_LEN + 1], signer[2 * SHA256_LEN + 1];

    hex_write(id, sizeof(id), s->job.job_id, JOB_ID_LEN, true);
    hex_write(signer, sizeof(signer), s->signer, SHA256_LEN, true);
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:{s:b, s:I, s:I, s:I, s:I}, s:{s:b, s:I, s:I, s:I, s:I}}",
        "file", v->path, "job", s->job.name, "job_id", id, "signer", signer, "records",
        (json_int_t)n->records, "set_aside", (json_int_t)s->set_aside_count, "open_entries",
        (json_int_t)n->entries_open, "verified", "signature", s->signature_verified, "issuer_certificates",
        (json_int_t)n->issuer_certificates, "static_data", (json_int_t)n->static_data, "card_certificates",
        (json_int_t)n->card_certificates, "key_pairs", (json_int_t)n->key_pairs, "not_verified", "signature",
        !s->signature_verified, "certificates_without_ca_key", (json_int_t)n->no_ca_key, "entry_macs",
        (json_int_t)n->entries_sealed, "seals", (json_int_t)n->seals, "secrets", (json_int_t)n->secrets);
    if (!o) return err_set_no_memory(err);
    json_dumpf(o, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(o);
    return true;
}

/* ---- the command ---- */

static bool load_keys(struct verify *v, const struct verify_options *o, struct err *err)
{
    for (size_t i = 0; i < o->ca_keys.count; i++) {
        struct ca_key_file file;
        if (!ca_key_file_load(o->ca_keys.items[i], &file, err)) return false;
        v->ca_keys[i] = file.key;
    }
    return signers_load(&v->signers, o->signers.items, o->signers.count, err);
}

static bool verify(struct verify *v, const struct verify_options *o, struct err *err)
{
    struct reader *r = NULL;
    const unsigned flags = o->signers.count ? 0 : MIC_FILE_NO_SIGNER;

    if (!load_keys(v, o, err)) return false;
    if (!public_check_new(&v->records, v->ca_keys, o->ca_keys.count, err)) return false;
    if (!reader_open(&r, v->path, err)) return false;
    if (!mic_file_open(&v->file, r, v->signers.keys, v->signers.count, flags, err)) return false;
    if (!verify_all(v, err)) return false;
    if (o->json && !print_json(v, err)) return false;
    if (!o->json) print_text(v);
    if (fflush(stdout) == 0) return true;
    return err_set(err, ERR_FILE, "standard output cannot be written");
}

static int run(const char *path, const struct verify_options *o)
{
    struct err err = ERR_INIT;
    struct verify *v = calloc(1, sizeof(*v));
    bool ok = false;

    if (v) {
        v->path = path;
        ok = verify(v, o, &err);
        mic_file_free(v->file);
        public_check_free(v->records);
        signers_release(&v->signers);
        free(v);
    } else {
        err_set_no_memory(&err);
    }
    return ok ? 0 : args_fail(&verify_command, &err);
}

static int command_verify(int argc, char **argv)
{
    int status = 0;
    struct verify_options o = {.json = false};
    struct err err = ERR_INIT;
    const char *path = NULL;
    const struct arg_option options[] = {
        {"signer",
         ARG_LIST,
         "PEM",
         "a public key that may have signed the file; again for more",
         {.list = &o.signers}},
        {"ca-key",
         ARG_LIST,
         "FILE",
         "a scheme's CA key, to check certificates; again for more",
         {.list = &o.ca_keys}},
        {"no-signer", ARG_FLAG, NULL, "check all but the signature", {.flag = &o.no_signer}},
        {"json", ARG_FLAG, NULL, "as JSON", {.flag = &o.json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&verify_command, argc, argv, options, count, &path, &status)) return status;
    if ((o.signers.count == 0) != o.no_signer) {
        err_set(&err, ERR_CONFIG,
                "name who may have signed the file (--signer PEM), or say --no-signer to check all else");
        return args_fail(&verify_command, &err);
    }
    return run(path, &o);
}

const struct arg_command verify_command = {
    "cardprep", "verify", "FILE", 1, "check a MIC file as far as no key is needed", command_verify};
