/* ceremony/certificate_words.c - what a certificate says, before somebody says yes to it. */
#include <string.h>

#include "base/hex.h"
#include "ceremony/certificate_accept.h"
#include "ceremony/certificate_import.h"

static unsigned exponent_of(const struct emv_public_key *key)
{
    return (unsigned)bytes_be(key->exponent, key->exponent_len);
}

static void put_certificate(const struct emv_certificate *is, struct buf *out)
{
    char issuer[ISSUER_TEXT_MAX], month[MONTH_TEXT_MAX];
    buf_put_format(out, "  Issuer identifier %s, valid to the end of %s, serial ",
                   certificate_issuer_text(is->subject, issuer), certificate_month_text(is->expiry, month));
    hex_put(out, is->serial, sizeof(is->serial));
    buf_put_format(out,
                   ",\n  key of %zu bits with exponent %u (the issuer pair on the token),\n"
                   "  hash by SHA-1, algorithm RSA,\n",
                   8 * is->key.modulus_len, exponent_of(&is->key));
}

/* The checksum is what a scheme publishes with its key. */
static bool put_ca(const struct ca_key_file *ca, struct buf *out, struct err *err)
{
    const struct emv_ca_key *key = &ca->key;
    uint8_t checksum[SHA1_LEN];
    char month[MONTH_TEXT_MAX];
    if (!emv_ca_checksum(key, checksum, err)) return false;
    buf_put_format(out, "  certified by %sscheme key ", ca->test ? "TEST " : "");
    hex_put(out, key->rid, sizeof(key->rid));
    buf_put_format(out,
                   " index %02X (%zu bits with exponent %u,\n  valid to the end of %s, checksum as the "
                   "scheme publishes it:\n  ",
                   key->index, 8 * key->key.modulus_len, exponent_of(&key->key),
                   certificate_month_text(key->expiry, month));
    for (size_t i = 0; i < sizeof(checksum); i += 2) {
        if (i) buf_put_text(out, " ");
        hex_put(out, checksum + i, 2);
    }
    buf_put_text(out, ").\n");
    return true;
}

/* What a scheme may decide otherwise than it was asked. */
static void put_differences(const struct emv_certificate *is, const struct emv_certificate *due,
                            struct buf *out)
{
    char month[MONTH_TEXT_MAX];
    if (memcmp(is->serial, due->serial, sizeof(is->serial)) != 0) {
        buf_put_text(out, "NOTE: the plan asked for serial ");
        hex_put(out, due->serial, sizeof(due->serial));
        buf_put_text(out, "; the scheme assigned its own.\n");
    }
    if (memcmp(is->expiry, due->expiry, sizeof(is->expiry)) != 0)
        buf_put_format(out, "NOTE: the plan asked for validity to the end of %s.\n",
                       certificate_month_text(due->expiry, month));
}

bool certificate_import_words(const struct certificate_import *i, struct buf *out, struct err *err)
{
    const struct emv_certificate *is = &i->file.recovered;
    buf_put_format(out, "%sThe certificate for %s says:\n", i->file.test ? "TEST. " : "",
                   i->request.entry->issuer_key);
    put_certificate(is, out);
    if (!put_ca(&i->ca, out, err)) return false;
    put_differences(is, &i->request.request.subject, out);
    return buf_ok(out, "text", err);
}
