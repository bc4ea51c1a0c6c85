/* cardbureau return-key --settings BUREAU.yaml [--output PEM]: the public part of the key that signs return files, for issuers, and its
 * fingerprint, to be read to them. */
#include <stdio.h>

#include "base/args.h"
#include "base/outfile.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"
#include "formats/fingerprint.h"

enum { FILE_MAX = PUBLIC_KEY_PEM_MAX, TEXT_MAX = 4 * FINGERPRINT_LINE_MAX + FINGERPRINT_HEX_MAX + 64 };

struct options {
    const char *settings, *output;
    bool help;
};

static bool ask_key(const struct bureau *settings, struct buf *spki, struct err *err)
{
    struct token_process *process = NULL;
    bool ok = token_process_start(&process, settings, err) && token_process_return_key(process, spki, err);
    token_process_free(process);
    return ok;
}

/* RFC 7468, with a line of explanation in front, which readers skip. */
static bool write_file(const struct bureau *settings, const struct public_key *key, const char *path,
                       struct err *err)
{
    struct outfile *f = NULL;
    struct buf text;
    buf_init(&text, FILE_MAX);
    buf_put_format(&text, "Public key that signs the return files of %s\n", settings->name);
    public_key_put_pem(key, &text);
    bool ok = buf_ok(&text, "public key", err) && outfile_create(&f, path, err) &&
              outfile_append(f, text.data, text.len, err) && outfile_commit(f, err);
    outfile_close(f, false);
    buf_release(&text);
    return ok;
}

static bool show(const struct public_key *key, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    struct buf text;
    buf_init(&text, TEXT_MAX);
    bool ok = fingerprint_make(key, hash, err);
    if (ok) fingerprint_put(hash, &text);
    ok = ok && buf_ok(&text, "fingerprint", err);
    if (ok)
        ok = fwrite(text.data, 1, text.len, stdout) == text.len ||
             err_set(err, ERR_FILE, "standard output cannot be written");
    buf_release(&text);
    return ok;
}

static bool tell(const struct bureau *settings, const struct options *o, struct err *err)
{
    struct buf spki;
    if (!has_return_key(settings, err) || (o->output && !outfile_is_new(o->output, err))) return false;
    buf_init(&spki, PUBLIC_KEY_SPKI_MAX);
    bool ok = ask_key(settings, &spki, err);
    const struct public_key key = {spki.data, spki.len};
    ok = ok && (!o->output || write_file(settings, &key, o->output, err)) && show(&key, err);
    buf_release(&spki);
    return ok;
}

static int command_return_key(int argc, char **argv)
{
    int status = 0;
    struct options o = {.help = false};
    struct err err = ERR_INIT;
    struct bureau *settings = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"output", ARG_TEXT, "PEM", "where the public key goes, a new file", {.text = &o.output}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&return_key_command, argc, argv, options, count, NULL, &status)) return status;
    bool ok = o.settings || err_set(&err, ERR_CONFIG, "name the bureau's settings: --settings FILE");
    ok = ok && bureau_load(&settings, o.settings, &err) && tell(settings, &o, &err);
    bureau_free(settings);
    return ok ? 0 : args_fail(&return_key_command, &err);
}

const struct arg_command return_key_command = {
    "cardbureau",      "return-key", "", 0, "the public key that signs return files, for issuers",
    command_return_key};
