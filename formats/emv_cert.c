#include "formats/emv_cert.h"

#include <string.h>

#include "base/digest.h"
#include "formats/emv_key.h"

enum {
    HEADER = 0x6A,
    TRAILER = 0xBC,
    PAD = 0xBB,
    HASH_SHA1 = 0x01,
    KEY_RSA = 0x01,
    SSAD_FORMAT = 0x03,
    SSAD_OVERHEAD = 26,
    DAC_LEN = 2,
};

/* The two certificates differ in format byte and subject only (Book 2 tables 2 and 10 against 5 and 13). */
struct form {
    const char *name;
    uint8_t format;
    size_t subject_len;
    size_t overhead;
};
static const struct form issuer_form = {"issuer certificate", 0x02, 4, EMV_ISSUER_OVERHEAD};
static const struct form icc_form = {"card certificate", 0x04, 10, EMV_ICC_OVERHEAD};

struct bytes {
    const uint8_t *data;
    size_t len;
};

/* What a hash covers behind the block: remainder, exponent, static data. */
struct hashed {
    struct bytes block, tail[3];
};

static bool hash(const struct hashed *h, uint8_t out[SHA1_LEN], struct err *err)
{
    struct digest *d = NULL;
    bool ok = false;

    if (!digest_new(&d, DIGEST_SHA1, err)) goto out;
    if (!digest_add(d, h->block.data, h->block.len, err)) goto out;
    for (size_t i = 0; i < sizeof(h->tail) / sizeof(h->tail[0]); i++) {
        if (h->tail[i].len && !digest_add(d, h->tail[i].data, h->tail[i].len, err)) goto out;
    }
    ok = digest_final(d, out, err);
out:
    digest_free(d);
    return ok;
}

/* Appends hash and trailer to the block that starts at begin; the hash leaves the header out. */
static bool close_block(struct buf *out, size_t begin, const struct hashed *tails, struct err *err)
{
    struct hashed h = *tails;
    uint8_t digest[SHA1_LEN];

    if (!buf_ok(out, "certificate block", err)) return false;
    h.block = (struct bytes){out->data + begin + 1, out->len - begin - 1};
    if (!hash(&h, digest, err)) return false;
    buf_put(out, digest, SHA1_LEN);
    buf_put_u8(out, TRAILER);
    return buf_ok(out, "certificate block", err);
}

static bool check_sizes(const struct form *form, const struct emv_public_key *key, size_t signer_len,
                        struct err *err)
{
    if (signer_len > EMV_MODULUS_MAX)
        return err_set(err, ERR_CONFIG, "%s: signer's key has %zu bytes, more than %d", form->name,
                       signer_len, EMV_MODULUS_MAX);
    if (signer_len <= form->overhead)
        return err_set(err, ERR_CONFIG, "%s: signer's key has %zu bytes, which leaves no room for a key",
                       form->name, signer_len);
    if (key->modulus_len == 0 || key->modulus_len > signer_len)
        return err_set(err, ERR_CONFIG, "%s: key has %zu bytes, its signer's %zu", form->name,
                       key->modulus_len, signer_len);
    if (key->modulus[0] == 0)
        return err_set(err, ERR_CONFIG, "%s: modulus starts with a zero byte", form->name);
    if (!emv_exponent_is_valid(key->exponent, key->exponent_len))
        return err_set(err, ERR_CONFIG, "%s: exponent is neither 3 nor 65537", form->name);
    return true;
}

static bool put_template(const struct form *form, const struct emv_certificate *c, struct bytes static_data,
                         size_t signer_len, struct buf *out, struct buf *remainder, struct err *err)
{
    const struct emv_public_key *key = &c->key;
    size_t begin = out->len, remainder_begin = remainder->len;

    if (!check_sizes(form, key, signer_len, err)) return false;
    size_t room = signer_len - form->overhead;
    size_t inside = key->modulus_len < room ? key->modulus_len : room;

    buf_put_u8(out, HEADER);
    buf_put_u8(out, form->format);
    buf_put(out, c->subject, form->subject_len);
    buf_put(out, c->expiry, sizeof(c->expiry));
    buf_put(out, c->serial, sizeof(c->serial));
    buf_put_u8(out, HASH_SHA1);
    buf_put_u8(out, KEY_RSA);
    buf_put_be(out, key->modulus_len, 1);
    buf_put_be(out, key->exponent_len, 1);
    buf_put(out, key->modulus, inside);
    buf_put_fill(out, PAD, room - inside);
    buf_put(remainder, key->modulus + inside, key->modulus_len - inside);

    struct hashed tails = {.tail = {{key->modulus + inside, key->modulus_len - inside},
                                    {key->exponent, key->exponent_len},
                                    static_data}};
    if (!close_block(out, begin, &tails, err) || !buf_ok(remainder, "key remainder", err)) {
        buf_truncate(out, begin);
        buf_truncate(remainder, remainder_begin);
        err_prefix(err, "%s", form->name);
        return false;
    }
    return true;
}

bool emv_issuer_template(const struct emv_certificate *c, size_t signer_len, struct buf *out,
                         struct buf *remainder, struct err *err)
{
    return put_template(&issuer_form, c, (struct bytes){NULL, 0}, signer_len, out, remainder, err);
}

bool emv_icc_template(const struct emv_certificate *c, const uint8_t *static_data, size_t static_len,
                      size_t signer_len, struct buf *out, struct buf *remainder, struct err *err)
{
    return put_template(&icc_form, c, (struct bytes){static_data, static_len}, signer_len, out, remainder,
                        err);
}

bool emv_ssad_template(const uint8_t dac[2], const uint8_t *static_data, size_t static_len, size_t signer_len,
                       struct buf *out, struct err *err)
{
    size_t begin = out->len;

    if (signer_len > EMV_MODULUS_MAX || signer_len < SSAD_OVERHEAD)
        return err_set(err, ERR_CONFIG, "signed static data: signer's key has %zu bytes, not %d to %d",
                       signer_len, SSAD_OVERHEAD, EMV_MODULUS_MAX);
    buf_put_u8(out, HEADER);
    buf_put_u8(out, SSAD_FORMAT);
    buf_put_u8(out, HASH_SHA1);
    buf_put(out, dac, DAC_LEN);
    buf_put_fill(out, PAD, signer_len - SSAD_OVERHEAD);

    struct hashed tails = {.tail = {{static_data, static_len}}};
    if (!close_block(out, begin, &tails, err)) {
        buf_truncate(out, begin);
        err_prefix(err, "signed static data");
        return false;
    }
    return true;
}

/* Opens a signed value: header, format and trailer must stand. *c is left behind the format byte, before the hash. */
static bool open_block(const struct emv_public_key *signer, struct bytes value, uint8_t format,
                       uint8_t block[EMV_BLOCK_MAX], struct cur *c, struct err *err)
{
    if (!emv_rsa_public(signer, value.data, value.len, block, err)) return false;
    if (value.len < SSAD_OVERHEAD) return err_set(err, ERR_INTEGRITY, "%zu bytes are too few", value.len);
    if (block[0] != HEADER)
        return err_set(err, ERR_INTEGRITY, "header is not %02X: wrong key or changed", HEADER);
    if (block[value.len - 1] != TRAILER) return err_set(err, ERR_INTEGRITY, "trailer is not %02X", TRAILER);
    if (block[1] != format) return err_set(err, ERR_INTEGRITY, "format is %02X, not %02X", block[1], format);
    *c = cur_make(block + 2, value.len - 2 - SHA1_LEN - 1, 2);
    return true;
}

static bool check_hash(const uint8_t *block, size_t len, const struct hashed *tails, struct err *err)
{
    struct hashed h = *tails;
    uint8_t digest[SHA1_LEN];

    h.block = (struct bytes){block + 1, len - 1 - SHA1_LEN - 1};
    if (!hash(&h, digest, err)) return false;
    if (!bytes_equal(digest, SHA1_LEN, block + len - 1 - SHA1_LEN, SHA1_LEN))
        return err_set(err, ERR_INTEGRITY, "hash differs");
    return true;
}

static bool take_bytes(struct cur *c, void *out, size_t len, const char *what, struct err *err)
{
    const uint8_t *bytes;
    if (!cur_take(c, len, &bytes, what, err)) return false;
    memcpy(out, bytes, len);
    return true;
}

/* The fields in front of the modulus. */
static bool read_fields(const struct form *form, struct cur *c, const struct emv_signed *s,
                        struct emv_certificate *out, struct err *err)
{
    uint8_t codes[4]; /* hash algorithm, key algorithm, modulus length, exponent length */

    if (!take_bytes(c, out->subject, form->subject_len, "subject", err)) return false;
    if (!take_bytes(c, out->expiry, sizeof(out->expiry), "expiry", err)) return false;
    if (!take_bytes(c, out->serial, sizeof(out->serial), "serial number", err)) return false;
    if (!take_bytes(c, codes, sizeof(codes), "algorithms and lengths", err)) return false;
    if (codes[0] != HASH_SHA1) return err_set(err, ERR_INTEGRITY, "hash algorithm %02X is unknown", codes[0]);
    if (codes[1] != KEY_RSA) return err_set(err, ERR_INTEGRITY, "key algorithm %02X is unknown", codes[1]);
    if (codes[2] == 0 || codes[2] > s->len)
        return err_set(err, ERR_INTEGRITY, "key of %u bytes under a signer's of %zu", codes[2], s->len);
    if (codes[3] != s->exponent_len)
        return err_set(err, ERR_INTEGRITY, "exponent has %zu bytes, the certificate says %u", s->exponent_len,
                       codes[3]);
    if (!emv_exponent_is_valid(s->exponent, s->exponent_len))
        return err_set(err, ERR_INTEGRITY, "exponent is neither 3 nor 65537");
    out->key.modulus_len = codes[2];
    out->key.exponent_len = s->exponent_len;
    memcpy(out->key.exponent, s->exponent, s->exponent_len);
    return true;
}

/* The modulus: its left part and padding from the block, the rest from the remainder. */
static bool read_modulus(struct cur *c, const struct emv_signed *s, struct emv_public_key *key,
                         struct err *err)
{
    size_t room = cur_left(c);
    size_t inside = key->modulus_len < room ? key->modulus_len : room;
    const uint8_t *padding;

    if (s->remainder_len != key->modulus_len - inside)
        return err_set(err, ERR_INTEGRITY, "remainder has %zu bytes, not %zu", s->remainder_len,
                       key->modulus_len - inside);
    if (!take_bytes(c, key->modulus, inside, "modulus", err)) return false;
    if (!cur_take(c, room - inside, &padding, "padding", err)) return false;
    if (!bytes_all(padding, room - inside, PAD))
        return err_set(err, ERR_INTEGRITY, "padding is not all %02X", PAD);
    if (s->remainder_len) memcpy(key->modulus + inside, s->remainder, s->remainder_len);
    return true;
}

static bool recover(const struct form *form, const struct emv_signed *s, const struct emv_public_key *signer,
                    struct bytes static_data, struct emv_certificate *out, struct err *err)
{
    struct emv_certificate made = {.key = {.modulus_len = 0}};
    uint8_t block[EMV_BLOCK_MAX];
    struct cur c;
    struct hashed tails = {
        .tail = {{s->remainder, s->remainder_len}, {s->exponent, s->exponent_len}, static_data}};
    bool ok = false;

    if (s->len > EMV_MODULUS_MAX || s->len <= form->overhead) {
        err_set(err, ERR_INTEGRITY, "%zu bytes are not %zu to %d", s->len, form->overhead + 1,
                EMV_MODULUS_MAX);
        goto out;
    }
    if (!open_block(signer, (struct bytes){s->certificate, s->len}, form->format, block, &c, err)) goto out;
    if (!read_fields(form, &c, s, &made, err)) goto out;
    if (!read_modulus(&c, s, &made.key, err)) goto out;
    if (!check_hash(block, s->len, &tails, err)) goto out;
    *out = made;
    ok = true;
out:
    if (!ok) err_prefix(err, "%s", form->name);
    return ok;
}

bool emv_issuer_recover(const struct emv_signed *s, const struct emv_public_key *ca,
                        struct emv_certificate *out, struct err *err)
{
    return recover(&issuer_form, s, ca, (struct bytes){NULL, 0}, out, err);
}

bool emv_icc_recover(const struct emv_signed *s, const struct emv_public_key *issuer,
                     const uint8_t *static_data, size_t static_len, struct emv_certificate *out,
                     struct err *err)
{
    return recover(&icc_form, s, issuer, (struct bytes){static_data, static_len}, out, err);
}

bool emv_ssad_recover(const uint8_t *ssad, size_t len, const struct emv_public_key *issuer,
                      const uint8_t *static_data, size_t static_len, uint8_t dac[2], struct err *err)
{
    struct hashed tails = {.tail = {{static_data, static_len}}};
    uint8_t block[EMV_BLOCK_MAX], algorithm, code[DAC_LEN];
    struct cur c;
    bool ok = false;

    if (!open_block(issuer, (struct bytes){ssad, len}, SSAD_FORMAT, block, &c, err)) goto out;
    if (!cur_take_u8(&c, &algorithm, "hash algorithm", err)) goto out;
    if (algorithm != HASH_SHA1) {
        err_set(err, ERR_INTEGRITY, "hash algorithm %02X is unknown", algorithm);
        goto out;
    }
    if (!take_bytes(&c, code, DAC_LEN, "data authentication code", err)) goto out;
    if (!bytes_all(c.data + c.pos, cur_left(&c), PAD)) {
        err_set(err, ERR_INTEGRITY, "padding is not all %02X", PAD);
        goto out;
    }
    if (!check_hash(block, len, &tails, err)) goto out;
    memcpy(dac, code, DAC_LEN);
    ok = true;
out:
    if (!ok) err_prefix(err, "signed static data");
    return ok;
}
