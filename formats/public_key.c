#include "formats/public_key_evp.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

enum { PEM_LINE = 48 /* bytes in a line of 64 characters */ };

/* Only one encoding of a key has its fingerprint, so no other is taken. */
static bool is_canonical(const EVP_PKEY *key, const struct public_key *from)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    bool same = len > 0 && bytes_equal(der, (size_t)len, from->spki, from->len);
    OPENSSL_free(der);
    return same;
}

bool public_key_evp(const struct public_key *key, EVP_PKEY **out, struct err *err)
{
    const unsigned char *at = key->spki;
    EVP_PKEY *made = key->len <= LONG_MAX ? d2i_PUBKEY(NULL, &at, (long)key->len) : NULL;
    if (!made || at != key->spki + key->len || !is_canonical(made, key)) {
        EVP_PKEY_free(made);
        return err_set(err, ERR_INTEGRITY, "the public key is no DER SubjectPublicKeyInfo");
    }
    *out = made;
    return true;
}

/* One block that says PUBLIC KEY. */
static bool take_block(const char *header, const uint8_t *data, size_t len, struct buf *found,
                       struct err *err)
{
    const struct public_key key = {data, len};
    EVP_PKEY *evp = NULL;
    if (found->len) return err_set(err, ERR_CONFIG, "holds more than one public key");
    if (header[0] != '\0')
        return err_set(err, ERR_CONFIG, "the public key has PEM headers; it must have none");
    if (!public_key_evp(&key, &evp, err)) {
        err->kind = ERR_CONFIG;
        return false;
    }
    EVP_PKEY_free(evp);
    buf_put(found, data, len);
    return buf_ok(found, "public key", err);
}

static bool read_blocks(BIO *bio, struct buf *found, struct err *err)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    bool ok = true;
    while (ok && PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
        if (strcmp(name, PEM_STRING_PUBLIC) == 0) ok = take_block(header, data, (size_t)len, found, err);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    if (!ok) return false;
    if (found->len && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) return true;
    return err_set(err, ERR_CONFIG, "holds no public key in PEM form");
}

bool public_key_read_pem(const void *text, size_t len, struct buf *out, struct err *err)
{
    struct buf found;
    bool ok = false;
    if (len > PUBLIC_KEY_PEM_MAX)
        return err_set(err, ERR_CONFIG, "more than %d bytes; no public key has so many", PUBLIC_KEY_PEM_MAX);
    BIO *bio = BIO_new_mem_buf(len ? text : "", (int)len);
    if (!bio) return err_set_no_memory(err);
    buf_init(&found, PUBLIC_KEY_SPKI_MAX);
    ERR_clear_error();
    if (!read_blocks(bio, &found, err)) goto out;
    buf_put(out, found.data, found.len);
    ok = buf_ok(out, "public key", err);
out:
    buf_release(&found);
    BIO_free(bio);
    ERR_clear_error();
    return ok;
}

void public_key_put_pem(const struct public_key *key, struct buf *out)
{
    unsigned char line[4 * PEM_LINE / 3 + 1];
    buf_put_text(out, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t at = 0; at < key->len; at += PEM_LINE) {
        size_t len = key->len - at < PEM_LINE ? key->len - at : PEM_LINE;
        int n = EVP_EncodeBlock(line, key->spki + at, (int)len);
        buf_put(out, line, (size_t)n);
        buf_put_text(out, "\n");
    }
    buf_put_text(out, "-----END PUBLIC KEY-----\n");
}

/* A number of the key into out; 0 if it has more than max bytes. */
static size_t take_number(const EVP_PKEY *key, const char *name, uint8_t *out, size_t max)
{
    BIGNUM *n = NULL;
    size_t len = 0;
    if (EVP_PKEY_get_bn_param(key, name, &n) == 1 && (size_t)BN_num_bytes(n) <= max)
        len = (size_t)BN_bn2bin(n, out);
    BN_free(n);
    return len;
}

static bool read_numbers(const EVP_PKEY *key, struct public_key_rsa *out, struct err *err)
{
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return err_set(err, ERR_INTEGRITY, "is no RSA key");
    out->modulus_len = take_number(key, OSSL_PKEY_PARAM_RSA_N, out->modulus, sizeof(out->modulus));
    if (out->modulus_len < RSA_MODULUS_MIN)
        return err_set(err, ERR_INTEGRITY, "the RSA modulus has not %d to %d bytes", RSA_MODULUS_MIN,
                       RSA_MODULUS_MAX);
    out->exponent_len = take_number(key, OSSL_PKEY_PARAM_RSA_E, out->exponent, sizeof(out->exponent));
    if (out->exponent_len == 0 || bytes_be(out->exponent, out->exponent_len) == 1 ||
        out->exponent[out->exponent_len - 1] % 2 == 0)
        return err_set(err, ERR_INTEGRITY,
                       "the RSA exponent is not an odd number from 3, of at most 4 bytes");
    return true;
}

bool public_key_read_rsa(const struct public_key *key, struct public_key_rsa *out, struct err *err)
{
    struct public_key_rsa made = {.modulus_len = 0};
    EVP_PKEY *evp = NULL;
    bool ok = public_key_evp(key, &evp, err) && read_numbers(evp, &made, err);
    if (ok) *out = made;
    EVP_PKEY_free(evp);
    ERR_clear_error();
    return ok;
}
