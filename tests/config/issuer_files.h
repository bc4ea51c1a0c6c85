/* A TEST scheme CA and an issuer certificate made by OpenSSL and written as files, for tests of jobs. */
#ifndef TESTS_CONFIG_ISSUER_FILES_H
#define TESTS_CONFIG_ISSUER_FILES_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "config/certificate_file.h"

static inline EVP_PKEY *issuer_files_pair(unsigned bits)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1)
        err_ignore(EVP_PKEY_generate(ctx, &key) == 1, "key stays NULL");
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static inline void issuer_files_public(EVP_PKEY *key, struct emv_public_key *out)
{
    BIGNUM *n = NULL;
    static const uint8_t exponent[] = {1, 0, 1};
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    out->modulus_len = (size_t)BN_num_bytes(n);
    BN_bn2bin(n, out->modulus);
    BN_free(n);
    memcpy(out->exponent, exponent, sizeof(exponent));
    out->exponent_len = sizeof(exponent);
}

static inline bool issuer_files_sign(EVP_PKEY *key, const struct buf *block, uint8_t *out)
{
    size_t len = block->len;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
              EVP_PKEY_sign(ctx, out, &len, block->data, block->len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

struct issuer_files {
    struct ca_key_file ca;
    struct certificate_file certificate;
};

/* Expiry as MMYY. */
static inline bool issuer_files_make(struct issuer_files *f, unsigned ca_bits, unsigned bits,
                                     const uint8_t expiry[2], const uint8_t ca_expiry[2], struct err *err)
{
    static const uint8_t rid[5] = {0xA0, 0, 0, 0, 3};
    static const uint8_t subject[4] = {0x47, 0x61, 0x73, 0xFF};
    EVP_PKEY *ca = issuer_files_pair(ca_bits);
    EVP_PKEY *issuer = issuer_files_pair(bits);
    struct emv_certificate c = {.serial = {0, 0, 1}};
    struct buf block, remainder;
    memset(f, 0, sizeof(*f));
    memcpy(f->ca.key.rid, rid, sizeof(rid));
    memcpy(f->certificate.rid, rid, sizeof(rid));
    f->ca.key.index = f->certificate.ca_index = 0x92;
    memcpy(f->ca.key.expiry, ca_expiry, 2);
    f->ca.test = f->certificate.test = true;
    issuer_files_public(ca, &f->ca.key.key);
    memcpy(c.subject, subject, sizeof(subject));
    memcpy(c.expiry, expiry, 2);
    issuer_files_public(issuer, &c.key);
    memcpy(f->certificate.exponent, c.key.exponent, 3);
    f->certificate.exponent_len = 3;
    buf_init(&block, 512);
    buf_init(&remainder, 512);
    bool ok = emv_issuer_template(&c, f->ca.key.key.modulus_len, &block, &remainder, err) &&
              issuer_files_sign(ca, &block, f->certificate.certificate);
    f->certificate.certificate_len = block.len;
    f->certificate.remainder_len = remainder.len;
    if (remainder.len) memcpy(f->certificate.remainder, remainder.data, remainder.len);
    buf_release(&block);
    buf_release(&remainder);
    EVP_PKEY_free(ca);
    EVP_PKEY_free(issuer);
    return ok;
}

static inline bool issuer_files_text(const char *folder, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    bool ok = file && fputs(text, file) >= 0;
    if (file) ok = fclose(file) == 0 && ok;
    return ok;
}

/* Writes ca-key.yaml and issuer-certificate.yaml. */
static inline bool issuer_files_write(const struct issuer_files *f, const char *folder, struct err *err)
{
    struct buf text;
    buf_init(&text, 8192);
    bool ok =
        ca_key_file_put(&f->ca, &text, err) && issuer_files_text(folder, "ca-key.yaml", buf_text(&text));
    buf_clear(&text);
    ok = ok && certificate_file_put(&f->certificate, &text, err) &&
         issuer_files_text(folder, "issuer-certificate.yaml", buf_text(&text));
    buf_release(&text);
    return ok;
}

#endif
