/* Under a key whose public operation changes nothing (exponent 1, modulus all FF) the input is the block itself, so
 * that the checks behind the RSA operation are reached. Bytes: which form, lengths of remainder and exponent, then block,
 * remainder, exponent and static data. A block that recovers makes the same template again. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "formats/emv_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTINGS = 4, BLOCK = 64, TAIL = 21 };

/* A right hash and trailer, which chance would never find. */
static void close_block(uint8_t block[BLOCK], const uint8_t *behind, size_t len)
{
    struct err err = ERR_INIT;
    struct digest *d = NULL;
    if (!digest_new(&d, DIGEST_SHA1, &err)) abort();
    if (!digest_add(d, block + 1, BLOCK - 1 - TAIL, &err)) abort();
    if (!digest_add(d, behind, len, &err)) abort();
    if (!digest_final(d, block + BLOCK - TAIL, &err)) abort();
    block[BLOCK - 1] = 0xBC;
    digest_free(d);
}

static void same_again(bool card, const struct emv_certificate *c, const struct emv_signed *s,
                       const uint8_t *static_data, size_t static_len)
{
    struct err err = ERR_INIT;
    struct buf out, remainder;
    buf_init(&out, 256);
    buf_init(&remainder, 256);
    bool ok = card ? emv_icc_template(c, static_data, static_len, BLOCK, &out, &remainder, &err)
                   : emv_issuer_template(c, BLOCK, &out, &remainder, &err);
    if (ok && !bytes_equal(out.data, out.len, s->certificate, s->len)) abort();
    if (ok && !bytes_equal(remainder.data, remainder.len, s->remainder, s->remainder_len)) abort();
    buf_release(&out);
    buf_release(&remainder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct emv_public_key key = {.modulus_len = BLOCK, .exponent = {1}, .exponent_len = 1};
    struct emv_certificate got;
    uint8_t block[BLOCK], dac[2];

    if (size < SETTINGS + BLOCK) return 0;
    memset(key.modulus, 0xFF, BLOCK);
    memcpy(block, data + SETTINGS, BLOCK);
    const uint8_t *behind = data + SETTINGS + BLOCK;
    size_t left = size - SETTINGS - BLOCK;
    size_t remainder_len = data[1] < left ? data[1] : left;
    size_t exponent_len = (data[2] & 3U) < left - remainder_len ? data[2] & 3U : left - remainder_len;
    if (data[3] & 1) close_block(block, behind, left);

    struct emv_signed s = {block, BLOCK, behind, remainder_len, behind + remainder_len, exponent_len};
    const uint8_t *static_data = s.exponent + exponent_len;
    size_t static_len = left - remainder_len - exponent_len;
    switch (data[0] % 3) {
    case 0:
        if (emv_issuer_recover(&s, &key, &got, &err)) same_again(false, &got, &s, NULL, 0);
        break;
    case 1:
        if (emv_icc_recover(&s, &key, static_data, static_len, &got, &err))
            same_again(true, &got, &s, static_data, static_len);
        break;
    default:
        err_ignore(emv_ssad_recover(block, BLOCK, &key, behind, left, dac, &err), "any bytes may come");
    }
    return 0;
}
