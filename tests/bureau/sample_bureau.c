#include "sample_bureau.h"

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hex.h"
#include "config/certificate_file.h"
#include "suite.h"

enum { WORDS_MAX = 16 };
static const char sample_kcv[] = "00D2C759B3";

static bool write_signer(const char *path, const char *hex, struct err *err)
{
    struct buf der;
    buf_init(&der, 1024);
    bool ok = hex_read(hex, strlen(hex), &der, err);
    const unsigned char *at = der.data;
    EVP_PKEY *key = ok ? d2i_PUBKEY(NULL, &at, (long)der.len) : NULL;
    FILE *f = fopen(path, "w");
    ok = key && f && PEM_write_PUBKEY(f, key) == 1;
    if (f) fclose(f);
    EVP_PKEY_free(key);
    buf_release(&der);
    return ok;
}

static bool write_ca(const char *path, const char *n, const char *rid, const char *index, struct err *err)
{
    struct ca_key_file *ca = calloc(1, sizeof(*ca));
    struct buf bytes, text;
    bool ok = ca != NULL;

    buf_init(&bytes, 512);
    buf_init(&text, 1 << 16);
    ok = ok && hex_read(n, strlen(n), &bytes, err) && hex_read_exact(rid, 10, ca->key.rid, 5, err) &&
         hex_read_exact(index, 2, &ca->key.index, 1, err);
    if (ok) {
        memcpy(ca->key.key.modulus, bytes.data, bytes.len);
        ca->key.key.modulus_len = bytes.len;
        ca->key.key.exponent[0] = 3;
        ca->key.key.exponent_len = 1;
        memcpy(ca->key.expiry, "\x12\x79", 2);
        ca->test = true;
    }
    ok = ok && ca_key_file_put(ca, &text, err);
    FILE *f = ok ? fopen(path, "w") : NULL;
    ok = f && fwrite(text.data, 1, text.len, f) == text.len;
    if (f) fclose(f);
    free(ca);
    buf_release(&bytes);
    buf_release(&text);
    return ok;
}

bool sample_bureau_settings(struct sample_bureau *b, const char *kcv, const char *more)
{
    FILE *f = fopen(b->settings, "w");
    if (!f) return false;
    fprintf(f,
            "bureau: test\n"
            "token: {module: none, label: test, pin: \"file:none\", parameters: \"" SAMPLE_KEYS "\"}\n"
            "keks: [{issuer: \"476173\", version: 1, label: KEK-1, kcv: \"%s\"}]\n"
            "books: books.sqlite\n%s",
            kcv ? kcv : sample_kcv, more ? more : "signers: [signer.pem]\nca_keys: [ca.yaml]\n");
    return fclose(f) == 0;
}

bool sample_bureau_start(struct sample_bureau *b)
{
    const char *n = NULL, *rid = NULL, *index = NULL, *signer = NULL;
    json_t *root = json_load_file(SAMPLE_KEYS, 0, NULL);
    struct err err = ERR_INIT;

    memset(b, 0, sizeof(*b));
    memcpy(b->folder, "/tmp/cardprep-bureau-XXXXXX", 28);
    bool ok = mkdtemp(b->folder) != NULL;
    snprintf(b->settings, sizeof(b->settings), "%s/bureau.yaml", b->folder);
    snprintf(b->signer, sizeof(b->signer), "%s/signer.pem", b->folder);
    snprintf(b->ca, sizeof(b->ca), "%s/ca.yaml", b->folder);
    snprintf(b->books, sizeof(b->books), "%s/books.sqlite", b->folder);
    snprintf(b->said_path, sizeof(b->said_path), "%s/said", b->folder);
    snprintf(b->changed, sizeof(b->changed), "%s/changed.mic", b->folder);
    ok = ok && root &&
         json_unpack(root, "{s:{s:s, s:s, s:s}, s:s}", "ca", "n", &n, "rid", &rid, "index", &index, "signer",
                     &signer) == 0;
    ok = ok && write_signer(b->signer, signer, &err) && write_ca(b->ca, n, rid, index, &err) &&
         sample_bureau_settings(b, NULL, NULL);
    json_decref(root);
    if (!ok) fprintf(stderr, "the sample's bureau cannot be made: %s\n", err.text);
    return ok;
}

void sample_bureau_forget(struct sample_bureau *b)
{
    unlink(b->books);
}

void sample_bureau_stop(struct sample_bureau *b)
{
    sample_bureau_forget(b);
    unlink(b->settings);
    unlink(b->signer);
    unlink(b->ca);
    unlink(b->said_path);
    unlink(b->changed);
    rmdir(b->folder);
}

int sample_bureau_run(struct sample_bureau *b, int (*command)(int, char **), const char *const *words)
{
    char *argv[WORDS_MAX] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    fflush(NULL);
    const int out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
    FILE *f = fopen(b->said_path, "w+");
    dup2(fileno(f), STDOUT_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    const int status = command(argc, argv);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close(out);
    close(errors);
    rewind(f);
    b->said[fread(b->said, 1, SAID_MAX - 1, f)] = '\0';
    fclose(f);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

void expect_said(const struct sample_bureau *b, const char *part)
{
    if (!strstr(b->said, part)) fprintf(stderr, "\"%s\" is not in:\n%s\n", part, b->said);
    CU_ASSERT_PTR_NOT_NULL(strstr(b->said, part));
}
