#include "ceremony/request.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/hex.h"

enum { SIGNED_MAX = 1024, TBS_MAX = 4096 };

/* EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 9.2), then the raw private operation. */
static bool sign_raw_sha256(struct hsm_token *t, const struct hsm_pair *pair, const struct buf *message,
                            struct buf *out, struct err *err)
{
    static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                          0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    uint8_t hash[SHA256_LEN];
    struct buf block;
    bool ok = false;

    buf_init(&block, HSM_MODULUS_MAX);
    if (pair->modulus_len < sizeof(digest_info) + sizeof(hash) + 11) {
        err_set(err, ERR_CONFIG, "a key of %zu bytes is too small to sign its request", pair->modulus_len);
        goto out;
    }
    if (!sha256(message->data, message->len, hash, err)) goto out;
    buf_put_u8(&block, 0x00);
    buf_put_u8(&block, 0x01);
    buf_put_fill(&block, 0xFF, pair->modulus_len - sizeof(digest_info) - sizeof(hash) - 3);
    buf_put_u8(&block, 0x00);
    buf_put(&block, digest_info, sizeof(digest_info));
    buf_put(&block, hash, sizeof(hash));
    if (!buf_ok(&block, "signature block", err)) goto out;
    ok = hsm_sign_raw(t, &pair->private_key, block.data, block.len, out, err);
out:
    buf_release(&block);
    return ok;
}

static void put_hex(struct buf *out, const char *name, const uint8_t *data, size_t len)
{
    buf_put_format(out, "  %s: \"", name);
    hex_put(out, data, len);
    buf_put_text(out, "\"\n");
}

/* What `signature` covers and the fingerprint is taken of. */
static bool put_signed(const struct request *r, struct buf *out, struct err *err)
{
    static const char context[] = "cardprep-issuer-request-1"; /* its terminating zero is the separator */
    const struct emv_certificate *s = &r->subject;
    buf_put(out, context, sizeof(context));
    buf_put(out, s->subject, 4);
    buf_put(out, r->rid, sizeof(r->rid));
    buf_put_u8(out, r->ca_index);
    buf_put(out, s->expiry, sizeof(s->expiry));
    buf_put(out, s->serial, sizeof(s->serial));
    buf_put(out, s->key.modulus, s->key.modulus_len);
    buf_put(out, s->key.exponent, s->key.exponent_len);
    return buf_ok(out, "request", err);
}

bool request_fingerprint(const struct request *r, uint8_t out[static SHA256_LEN], struct err *err)
{
    struct buf message;
    buf_init(&message, SIGNED_MAX);
    bool ok = put_signed(r, &message, err) && sha256(message.data, message.len, out, err);
    buf_release(&message);
    return ok;
}

bool request_put(const struct request *r, struct hsm_token *t, const struct hsm_pair *pair, struct buf *out,
                 struct err *err)
{
    const struct emv_certificate *s = &r->subject;
    struct buf message, signature;
    bool ok = false;

    buf_init(&message, SIGNED_MAX);
    buf_init(&signature, HSM_MODULUS_MAX);
    if (!put_signed(r, &message, err)) goto out;
    if (!sign_raw_sha256(t, pair, &message, &signature, err)) goto out;
    if (r->test) buf_put_text(out, "# TEST: not for a real scheme\n");
    buf_put_text(out, "issuer_request:\n");
    put_hex(out, "issuer", s->subject, 4);
    put_hex(out, "rid", r->rid, sizeof(r->rid));
    put_hex(out, "ca_index", &r->ca_index, 1);
    put_hex(out, "expiry", s->expiry, sizeof(s->expiry));
    put_hex(out, "serial", s->serial, sizeof(s->serial));
    put_hex(out, "modulus", s->key.modulus, s->key.modulus_len);
    put_hex(out, "exponent", s->key.exponent, s->key.exponent_len);
    put_hex(out, "signature", signature.data, signature.len);
    if (r->test) buf_put_text(out, "  test: yes\n");
    ok = buf_ok(out, "request", err);
out:
    buf_release(&signature);
    buf_release(&message);
    return ok;
}

/* Subject and public key; no attributes. */
static X509_REQ *unsigned_request(const struct request *r, const struct buf *spki)
{
    const unsigned char *at = spki->data;
    X509_REQ *req = X509_REQ_new();
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki->len);
    X509_NAME *name = req ? X509_REQ_get_subject_name(req) : NULL;
    bool ok = name && key && X509_REQ_set_version(req, 0) == 1 && X509_REQ_set_pubkey(req, key) == 1;
    if (ok && r->test)
        ok = X509_NAME_add_entry_by_txt(name, "OU", MBSTRING_ASC, (const unsigned char *)"TEST", -1, -1, 0) ==
             1;
    ok = ok && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)r->name, -1, -1,
                                          0) == 1;
    EVP_PKEY_free(key);
    if (ok) return req;
    X509_REQ_free(req);
    return NULL;
}

static bool attach_signature(X509_REQ *req, const struct buf *signature)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool ok = algorithm && bits &&
              X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL) == 1 &&
              ASN1_BIT_STRING_set(bits, signature->data, (int)signature->len) == 1 &&
              X509_REQ_set1_signature_algo(req, algorithm) == 1;
    if (ok) {
        bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
        bits->flags |= ASN1_STRING_FLAG_BITS_LEFT; /* no unused bits, whatever the last byte is */
        X509_REQ_set0_signature(req, bits);
        bits = NULL;
    }
    ASN1_BIT_STRING_free(bits);
    X509_ALGOR_free(algorithm);
    return ok;
}

/* The algorithm is part of nothing that is signed in PKCS #10, so the inner part can be signed first. */
static bool inner_der(X509_REQ *req, struct buf *out, struct err *err)
{
    unsigned char *der = NULL;
    int len = i2d_re_X509_REQ_tbs(req, &der);
    if (len > 0) buf_put(out, der, (size_t)len);
    OPENSSL_free(der);
    return (len > 0 || err_set(err, ERR_INTERNAL, "libcrypto: PKCS #10")) && buf_ok(out, "PKCS #10", err);
}

static bool put_pem(X509_REQ *req, struct buf *out, struct err *err)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    long len = bio && PEM_write_bio_X509_REQ(bio, req) == 1 ? BIO_get_mem_data(bio, &text) : 0;
    if (len > 0) buf_put(out, text, (size_t)len);
    BIO_free(bio);
    return (len > 0 || err_set(err, ERR_INTERNAL, "libcrypto: PKCS #10")) && buf_ok(out, "PKCS #10", err);
}

bool request_put_pkcs10(const struct request *r, struct hsm_token *t, const struct hsm_pair *pair,
                        struct buf *out, struct err *err)
{
    struct buf spki, tbs, signature;
    X509_REQ *req = NULL;
    bool ok = false;

    buf_init(&spki, HSM_SPKI_MAX);
    buf_init(&tbs, TBS_MAX);
    buf_init(&signature, HSM_MODULUS_MAX);
    if (!hsm_pair_spki(pair, &spki, err)) goto out;
    req = unsigned_request(r, &spki);
    if (!req) {
        err_set(err, ERR_INTERNAL, "libcrypto: PKCS #10");
        goto out;
    }
    if (!inner_der(req, &tbs, err)) goto out;
    if (!sign_raw_sha256(t, pair, &tbs, &signature, err)) goto out;
    if (!attach_signature(req, &signature)) {
        err_set(err, ERR_INTERNAL, "libcrypto: PKCS #10");
        goto out;
    }
    if (r->test) buf_put_text(out, "TEST: not for a real scheme\n");
    ok = put_pem(req, out, err);
out:
    X509_REQ_free(req);
    buf_release(&signature);
    buf_release(&tbs);
    buf_release(&spki);
    return ok;
}
