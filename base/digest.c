#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct digest {
    const EVP_MD *method;
    EVP_MD_CTX *state;
};

static const EVP_MD *method_of(enum digest_kind kind)
{
    return kind == DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
}

static bool refused(struct err *err, const EVP_MD *method)
{
    return err_set(err, ERR_INTERNAL, "libcrypto refuses %s", EVP_MD_get0_name(method));
}

size_t digest_len(enum digest_kind kind)
{
    return kind == DIGEST_SHA1 ? SHA1_LEN : SHA256_LEN;
}

bool digest_new(struct digest **out, enum digest_kind kind, struct err *err)
{
    struct digest *d = calloc(1, sizeof(*d));
    if (!d) return err_set_no_memory(err);
    d->method = method_of(kind);
    d->state = EVP_MD_CTX_new();
    if (!d->state) {
        digest_free(d);
        return err_set_no_memory(err);
    }
    if (EVP_DigestInit_ex(d->state, d->method, NULL) != 1) {
        refused(err, d->method);
        digest_free(d);
        return false;
    }
    *out = d;
    return true;
}

bool digest_add(struct digest *d, const void *data, size_t len, struct err *err)
{
    if (len == 0) return true;
    if (EVP_DigestUpdate(d->state, data, len) != 1) return refused(err, d->method);
    return true;
}

bool digest_final(struct digest *d, uint8_t *out, struct err *err)
{
    if (EVP_DigestFinal_ex(d->state, out, NULL) != 1) return refused(err, d->method);
    if (EVP_DigestInit_ex(d->state, d->method, NULL) != 1) return refused(err, d->method);
    return true;
}

bool digest_peek(const struct digest *d, uint8_t *out, struct err *err)
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    if (!copy) return err_set_no_memory(err);
    bool ok = EVP_MD_CTX_copy_ex(copy, d->state) == 1 && EVP_DigestFinal_ex(copy, out, NULL) == 1;
    EVP_MD_CTX_free(copy);
    return ok ? true : refused(err, d->method);
}

void digest_free(struct digest *d)
{
    if (!d) return;
    EVP_MD_CTX_free(d->state);
    free(d);
}

static bool digest_once(enum digest_kind kind, const void *data, size_t len, uint8_t *out, struct err *err)
{
    const EVP_MD *method = method_of(kind);
    if (EVP_Digest(len ? data : "", len, out, NULL, method, NULL) != 1) return refused(err, method);
    return true;
}

bool sha256(const void *data, size_t len, uint8_t out[static SHA256_LEN], struct err *err)
{
    return digest_once(DIGEST_SHA256, data, len, out, err);
}

bool sha1(const void *data, size_t len, uint8_t out[static SHA1_LEN], struct err *err)
{
    return digest_once(DIGEST_SHA1, data, len, out, err);
}
