#include "formats/signers.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/outfile.h"

enum { PEM_MAX = 64 * 1024 };

/* Owned by libcrypto's allocator. */
static bool to_der(const struct buf *pem, struct mic_signer *out, struct err *err)
{
    unsigned char *der = NULL;
    int len = 0;
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    if (key) len = i2d_PUBKEY(key, &der);
    EVP_PKEY_free(key);
    BIO_free(bio);
    ERR_clear_error();
    if (len <= 0) return err_set(err, ERR_CONFIG, "holds no public key in PEM form");
    *out = (struct mic_signer){der, (size_t)len};
    return true;
}

static bool load_one(struct mic_signer *out, const char *path, struct err *err)
{
    struct buf pem;
    buf_init(&pem, PEM_MAX);
    bool read = file_read_all(path, PEM_MAX, &pem, err);
    bool ok = read && to_der(&pem, out, err);
    if (read && !ok) err_prefix(err, "%s", path);
    buf_release(&pem);
    return ok;
}

bool signers_load(struct signers *out, char *const *paths, size_t count, struct err *err)
{
    *out = (struct signers){.count = 0};
    if (count > SIGNERS_MAX) return err_set(err, ERR_CONFIG, "more than %d signers", SIGNERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!load_one(&out->keys[i], paths[i], err)) {
            signers_release(out);
            return false;
        }
        out->count++;
    }
    return true;
}

void signers_release(struct signers *s)
{
    for (size_t i = 0; i < s->count; i++) {
        void *der = (void *)(uintptr_t)s->keys[i].spki; /* const only for the readers */
        OPENSSL_free(der);
    }
    s->count = 0;
}
