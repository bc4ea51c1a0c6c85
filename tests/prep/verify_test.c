/* `cardprep verify` and `inspect` as a user starts them, on a file that another program wrote. */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "config/certificate_file.h"
#include "prep/commands/commands.h"
#include "suite.h"

static const char sample[] = TEST_DATA_DIR "/samples/independent-5.mic";
static const char sample_keys[] = TEST_DATA_DIR "/samples/independent-5.keys.json";
enum { SAMPLE_MAX = 1 << 20, SAID_MAX = 1 << 16 };

static char folder[] = "/tmp/cardprep-verify-XXXXXX";
static char ca_path[64], signer_path[64], changed_path[64], said_path[64];

static bool write_signer(const char *hex, struct err *err)
{
    struct buf der;
    bool ok = false;
    buf_init(&der, 1024);
    if (!hex_read(hex, strlen(hex), &der, err)) return false;
    const unsigned char *at = der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
    FILE *f = fopen(signer_path, "w");
    if (key && f) ok = PEM_write_PUBKEY(f, key) == 1;
    if (f) fclose(f);
    EVP_PKEY_free(key);
    buf_release(&der);
    return ok;
}

static bool write_ca(const char *n, const char *rid, const char *index, struct err *err)
{
    struct ca_key_file *ca = calloc(1, sizeof(*ca));
    struct buf bytes, text;
    bool ok = false;

    buf_init(&bytes, 512);
    buf_init(&text, 1 << 16);
    if (!ca || !hex_read(n, strlen(n), &bytes, err)) goto out;
    if (!hex_read_exact(rid, 10, ca->key.rid, 5, err) || !hex_read_exact(index, 2, &ca->key.index, 1, err))
        goto out;
    memcpy(ca->key.key.modulus, bytes.data, bytes.len);
    ca->key.key.modulus_len = bytes.len;
    ca->key.key.exponent[0] = 3;
    ca->key.key.exponent_len = 1;
    memcpy(ca->key.expiry, "\x12\x79", 2);
    ca->test = true;
    if (!ca_key_file_put(ca, &text, err)) goto out;
    FILE *f = fopen(ca_path, "w");
    ok = f && fwrite(text.data, 1, text.len, f) == text.len;
    if (f) fclose(f);
out:
    free(ca);
    buf_release(&bytes);
    buf_release(&text);
    return ok;
}

static bool set_up(struct err *err)
{
    const char *n = NULL, *rid = NULL, *index = NULL, *signer = NULL;
    json_t *root = json_load_file(sample_keys, 0, NULL);
    bool ok = mkdtemp(folder) != NULL;

    snprintf(ca_path, sizeof(ca_path), "%s/ca.yaml", folder);
    snprintf(signer_path, sizeof(signer_path), "%s/signer.pem", folder);
    snprintf(changed_path, sizeof(changed_path), "%s/changed.mic", folder);
    snprintf(said_path, sizeof(said_path), "%s/said", folder);
    ok = ok && root &&
         json_unpack(root, "{s:{s:s, s:s, s:s}, s:s}", "ca", "n", &n, "rid", &rid, "index", &index, "signer",
                     &signer) == 0;
    ok = ok && write_signer(signer, err) && write_ca(n, rid, index, err);
    json_decref(root);
    return ok;
}

static void clean_up(void)
{
    unlink(ca_path);
    unlink(signer_path);
    unlink(changed_path);
    unlink(said_path);
    rmdir(folder);
}

/* Runs a command with stdout and stderr in `said`; gives its exit status. */
static int start(int (*command)(int, char **), const char *const *words, char said[SAID_MAX])
{
    char *argv[12] = {NULL};
    int argc = 0;
    for (; words[argc]; argc++)
        argv[argc] = strdup(words[argc]);
    fflush(NULL);
    const int out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
    FILE *f = fopen(said_path, "w+");
    dup2(fileno(f), STDOUT_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    const int status = command(argc, argv);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close(out);
    close(errors);
    rewind(f);
    said[fread(said, 1, SAID_MAX - 1, f)] = '\0';
    fclose(f);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return status;
}

static char said[SAID_MAX];

static void expect_said(const char *part)
{
    if (!strstr(said, part)) fprintf(stderr, "\"%s\" is not in:\n%s\n", part, said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, part));
}

static void test_all(void)
{
    const char *const words[] = {"verify", sample, "--signer", signer_path, "--ca-key", ca_path, NULL};
    CU_ASSERT_EQUAL(start(verify_command.run, words, said), 0);
    expect_said("structure, order, numbers and bindings of 5 card records");
    expect_said("signature of ");
    expect_said("5 issuer certificates, 5 signed static data, 5 card certificates, 5 key pairs certified");
    expect_said("MACs of 15 entries and 5 seals");
    expect_said("20 wrapped secrets");
}

static void test_less(void)
{
    const char *const words[] = {"verify", "--no-signer", sample, NULL};
    CU_ASSERT_EQUAL(start(verify_command.run, words, said), 0);
    expect_said("not verified: the signature (--no-signer)");
    expect_said("not verified: certificates of 5 entries, no CA key for RID A000000003 index 92");
}

static void test_json(void)
{
    const char *const words[] = {"verify",    "--json",   sample,  "--signer",
                                 signer_path, "--ca-key", ca_path, NULL};
    CU_ASSERT_EQUAL(start(verify_command.run, words, said), 0);
    json_t *root = json_loads(said, 0, NULL);
    int signature = 0, records = 0, cards = 0;
    CU_ASSERT_EQUAL(json_unpack(root, "{s:i, s:{s:b, s:i}}", "records", &records, "verified", "signature",
                                &signature, "card_certificates", &cards),
                    0);
    CU_ASSERT_EQUAL(records, 5);
    CU_ASSERT_EQUAL(cards, 5);
    CU_ASSERT_TRUE(signature);
    json_decref(root);
}

static void write_changed(size_t at, size_t len)
{
    struct buf file;
    struct err err = ERR_INIT;
    buf_init(&file, SAMPLE_MAX);
    EXPECT_OK(file_read_all(sample, SAMPLE_MAX, &file, &err));
    if (at < file.len) file.data[at] ^= 0x01;
    FILE *f = fopen(changed_path, "w");
    CU_ASSERT_EQUAL(fwrite(file.data, 1, len ? len : file.len, f), len ? len : file.len);
    fclose(f);
    buf_release(&file);
}

static void test_changed(void)
{
    const char *const words[] = {"verify", changed_path, "--signer", signer_path, NULL};
    write_changed(3000, 0);
    CU_ASSERT_EQUAL(start(verify_command.run, words, said), 5);
    expect_said("changed.mic");
    write_changed(SAMPLE_MAX, 5000);
    const int status = start(verify_command.run, words, said);
    CU_ASSERT_TRUE(status == 4 || status == 5);
}

static void test_usage(void)
{
    const char *const none[] = {"verify", NULL}, *const unknown[] = {"verify", sample, "--signers", "x",
                                                                     NULL};
    const char *const help[] = {"verify", "--help", NULL}, *const missing[] = {"verify", "--no-signer",
                                                                               "/nowhere", NULL};
    const char *const unsaid[] = {"verify", sample, NULL};
    CU_ASSERT_EQUAL(start(verify_command.run, unsaid, said), 2);
    expect_said("name who may have signed the file");
    CU_ASSERT_EQUAL(start(verify_command.run, none, said), 2);
    CU_ASSERT_EQUAL(start(verify_command.run, unknown, said), 2);
    expect_said("did you mean '--signer'");
    CU_ASSERT_EQUAL(start(verify_command.run, help, said), 0);
    CU_ASSERT_EQUAL(start(verify_command.run, missing, said), 6);
}

static void test_inspect(void)
{
    const char *const one[] = {"inspect", sample, "--record", "4", NULL};
    const char *const none[] = {"inspect", sample, "--record", "9", NULL};
    const char *const cut[] = {"inspect", changed_path, NULL};
    CU_ASSERT_EQUAL(start(inspect_command.run, one, said), 0);
    expect_said("record 4 at offset");
    CU_ASSERT_EQUAL(start(inspect_command.run, none, said), 4);
    expect_said("no record 9");
    write_changed(SAMPLE_MAX, 5000);
    CU_ASSERT_EQUAL(start(inspect_command.run, cut, said), 4);
    expect_said("could not be explained");
}

static const struct test_case cases[] = {
    {"signature and certificates, and what only the bureau can verify", test_all},
    {"without signer and CA key it says so", test_less},
    {"as JSON", test_json},
    {"a changed byte, a cut file", test_changed},
    {"usage", test_usage},
    {"inspect: one record, none, a cut file", test_inspect},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!set_up(&err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int status = suite_run("prep/verify", cases, SUITE_COUNT(cases));
    clean_up();
    return status;
}
