/* ceremony/fingerprint_command.c - `cardkeys fingerprint FILE`: the fingerprint of a public key file, as it is read aloud; or whether it
 * is the one that was heard. */
#include <stdio.h>

#include "base/args.h"
#include "base/outfile.h"
#include "ceremony/commands.h"
#include "formats/fingerprint.h"

enum { TEXT_MAX = 4 * FINGERPRINT_LINE_MAX + FINGERPRINT_HEX_MAX + 64 };

static bool make(const char *path, uint8_t hash[SHA256_LEN], struct err *err)
{
    struct buf text, spki;
    buf_init(&text, PUBLIC_KEY_PEM_MAX);
    buf_init(&spki, PUBLIC_KEY_SPKI_MAX);
    bool ok = file_read_all(path, PUBLIC_KEY_PEM_MAX, &text, err);
    if (ok && !public_key_read_pem(text.data, text.len, &spki, err)) {
        err_prefix(err, "%s", path);
        ok = false;
    }
    const struct public_key key = {spki.data, spki.len};
    ok = ok && fingerprint_make(&key, hash, err);
    buf_release(&spki);
    buf_release(&text);
    return ok;
}

static bool show(const uint8_t hash[SHA256_LEN], struct err *err)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    fingerprint_put(hash, &text);
    bool ok = buf_ok(&text, "fingerprint", err);
    if (ok)
        ok = fwrite(text.data, 1, text.len, stdout) == text.len ||
             err_set(err, ERR_FILE, "standard output cannot be written");
    buf_release(&text);
    return ok;
}

/* What the file has is not shown: it would be compared with a glance. */
static bool compare(const char *path, const uint8_t hash[SHA256_LEN], const char *heard, struct err *err)
{
    uint8_t typed[FINGERPRINT_SPOKEN_LEN];
    if (!fingerprint_read(heard, typed, err)) {
        err->kind = ERR_CONFIG;
        err_prefix(err, "--heard");
        return false;
    }
    if (!fingerprint_equal(hash, typed))
        return err_set(err, ERR_INTEGRITY, "the fingerprint of %s is not what was read out", path);
    printf("%s: the key is the one whose fingerprint was read out\n", path);
    return true;
}

static int command_fingerprint(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *path = NULL, *heard = NULL;
    uint8_t hash[SHA256_LEN];
    bool help = false;
    const struct arg_option options[] = {
        {"heard", ARG_TEXT, "WORDS", "compare with these words or digits, show nothing", {.text = &heard}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&fingerprint_command, argc, argv, options, count, &path, &status)) return status;
    bool ok = make(path, hash, &err) && (heard ? compare(path, hash, heard, &err) : show(hash, &err));
    return ok ? 0 : args_fail(&fingerprint_command, &err);
}

const struct arg_command fingerprint_command = {
    "cardkeys",
    "fingerprint",
    "FILE",
    1,
    "the words of a public key file, or whether they are those heard",
    command_fingerprint};
