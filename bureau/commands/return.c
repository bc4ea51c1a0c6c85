/* cardbureau return FILE --settings BUREAU.yaml --output OUT: the return file of a MIC file, signed with the bureau's return key. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/outfile.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"
#include "bureau/ledger.h"
#include "bureau/returns.h"
#include "formats/public_key.h"

struct options {
    const char *settings, *output;
    bool help;
};

struct command {
    struct bureau *settings;
    struct token_process *process;
    struct incoming *file;
    struct registry *books;
    struct outfile *out;
};

static bool sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err)
{
    uint8_t signer[SHA256_LEN];
    return token_process_sign(context, data, len, signature, signer, err);
}

static bool put(void *context, const void *data, size_t len, struct err *err)
{
    return outfile_append(context, data, len, err);
}

static bool ask_signer(struct command *c, uint8_t id[SHA256_LEN], struct err *err)
{
    struct buf spki;
    buf_init(&spki, PUBLIC_KEY_SPKI_MAX);
    bool ok = token_process_return_key(c->process, &spki, err) && sha256(spki.data, spki.len, id, err);
    buf_release(&spki);
    return ok;
}

static bool begin(struct command *c, const char *path, const struct options *o, struct err *err)
{
    if (!bureau_load(&c->settings, o->settings, err)) return false;
    return has_return_key(c->settings, err) && outfile_is_new(o->output, err) &&
           token_process_start(&c->process, c->settings, err) &&
           incoming_open(&c->file, c->settings, c->process, path, err) &&
           registry_open(&c->books, c->settings->books_path, err) &&
           ledger_catch_up(c->books, c->settings->books_path, &incoming_summary(c->file)->job, clock_now,
                           NULL, err);
}

static bool write_file(struct command *c, const char *path, const struct options *o, struct err *err)
{
    struct signed_lines_signer signer = {.sign = sign, .context = c->process};
    const struct returns_order order = {
        .books = c->books, .file = c->file, .bureau = c->settings->name, .now = clock_now(NULL)};
    uint64_t lines = 0;
    if (!ask_signer(c, signer.id, err) || !outfile_create(&c->out, o->output, err)) return false;
    const struct signed_lines_sink sink = {put, c->out};
    if (!returns_write(&order, sink, &signer, &lines, err)) {
        err_prefix(err, "%s", path);
        return false;
    }
    if (!outfile_commit(c->out, err)) return false;
    printf("%s: %" PRIu64 " lines about %" PRIu64 " records\n", o->output, lines,
           incoming_summary(c->file)->count);
    return true;
}

static int run(const char *path, const struct options *o)
{
    struct command c = {.settings = NULL};
    struct err err = ERR_INIT;
    bool ok = begin(&c, path, o, &err) && write_file(&c, path, o, &err);
    outfile_close(c.out, false);
    registry_close(c.books);
    incoming_free(c.file);
    token_process_free(c.process);
    bureau_free(c.settings);
    return ok ? 0 : args_fail(&return_command, &err);
}

static int command_return(int argc, char **argv)
{
    int status = 0;
    struct options o = {.settings = NULL};
    struct err err = ERR_INIT;
    const char *path = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"output", ARG_TEXT, "FILE", "the return file", {.text = &o.output}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&return_command, argc, argv, options, count, &path, &status)) return status;
    if (o.settings && o.output) return run(path, &o);
    err_set(&err, ERR_CONFIG,
            o.settings ? "name the return file: --output FILE"
                       : "name the bureau's settings: --settings FILE");
    return args_fail(&return_command, &err);
}

const struct arg_command return_command = {
    "cardbureau", "return", "FILE", 1, "tell the issuer what became of each record", command_return};
