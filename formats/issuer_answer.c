#include "formats/issuer_answer.h"

#include <string.h>

#include "base/hex.h"
#include "formats/tlv.h"

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool is_hex(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]) && !is_white(text[i])) return false;
    }
    return true;
}

static bool decode(const uint8_t *text, size_t len, struct buf *out, struct err *err)
{
    struct buf digits;
    bool ok = false;

    buf_init(&digits, len);
    for (size_t i = 0; i < len; i++) {
        if (!is_white(text[i])) buf_put_u8(&digits, text[i]);
    }
    const char *all = buf_text(&digits);
    if (!buf_ok(&digits, "hex text", err)) goto out;
    if (digits.len == 0) {
        err_set(err, ERR_INPUT, "nothing is in it");
        goto out;
    }
    ok = hex_read(all, digits.len, out, err);
out:
    buf_release(&digits);
    return ok;
}

bool issuer_answer_bytes(const void *file, size_t len, struct buf *out, struct err *err)
{
    if (len == 0) return err_set(err, ERR_INPUT, "nothing is in it");
    if (is_hex(file, len)) return decode(file, len, out, err);
    buf_put(out, file, len);
    return buf_ok(out, "answer", err);
}

/* The four objects that an answer may hold. */
enum { INDEX, CERTIFICATE, REMAINDER, EXPONENT, OBJECTS };
static const struct {
    uint32_t tag;
    const char *name;
    size_t min, max;
} objects[OBJECTS] = {
    [INDEX] = {0x8F, "CA key index (8F)", 1, 1},
    [CERTIFICATE] = {0x90, "certificate (90)", 1, EMV_MODULUS_MAX},
    [REMAINDER] = {0x92, "remainder (92)", 0, ISSUER_REMAINDER_MAX},
    [EXPONENT] = {0x9F32, "exponent (9F32)", 1, 3},
};

static size_t object_of(uint32_t tag)
{
    size_t i = 0;
    while (i < OBJECTS && objects[i].tag != tag)
        i++;
    return i;
}

/* Is all of it these objects? Where it is not, it is bare: no error. */
static bool is_tlv(const uint8_t *data, size_t len, size_t signer_len, struct tlv found[OBJECTS])
{
    struct err unused = ERR_INIT;
    struct cur c = cur_make(data, len, 0);
    bool seen[OBJECTS] = {false};
    while (cur_left(&c) > 0) {
        struct tlv object;
        if (!tlv_read(&c, &object, &unused)) return false;
        size_t i = object_of(object.tag);
        if (i == OBJECTS || seen[i]) return false;
        seen[i] = true;
        found[i] = object;
    }
    return seen[CERTIFICATE] && found[CERTIFICATE].len == signer_len;
}

static bool check_lengths(const struct tlv found[OBJECTS], struct err *err)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (!found[i].tag || (found[i].len >= objects[i].min && found[i].len <= objects[i].max)) continue;
        return err_set(err, ERR_INTEGRITY, "%s has %zu bytes", objects[i].name, found[i].len);
    }
    return true;
}

static void take(const struct tlv *object, uint8_t *out, size_t *len)
{
    if (object->len) memcpy(out, object->value, object->len);
    *len = object->len;
}

static bool from_tlv(const struct tlv found[OBJECTS], struct issuer_answer *out, struct err *err)
{
    size_t index_len = 0;
    if (!check_lengths(found, err)) return false;
    take(&found[CERTIFICATE], out->certificate, &out->certificate_len);
    take(&found[REMAINDER], out->remainder, &out->remainder_len);
    take(&found[EXPONENT], out->exponent, &out->exponent_len);
    take(&found[INDEX], &out->ca_index, &index_len);
    out->has_ca_index = index_len > 0;
    return true;
}

static bool from_bare(const uint8_t *data, size_t len, size_t signer_len, struct issuer_answer *out,
                      struct err *err)
{
    if (len < signer_len || len - signer_len > ISSUER_REMAINDER_MAX)
        return err_set(err, ERR_INTEGRITY,
                       "length: %zu bytes, where the certificate has %zu and a remainder %d at most", len,
                       signer_len, ISSUER_REMAINDER_MAX);
    memcpy(out->certificate, data, signer_len);
    out->certificate_len = signer_len;
    out->remainder_len = len - signer_len;
    if (out->remainder_len) memcpy(out->remainder, data + signer_len, out->remainder_len);
    return true;
}

bool issuer_answer_read(const uint8_t *data, size_t len, size_t signer_len, struct issuer_answer *out,
                        struct err *err)
{
    struct tlv found[OBJECTS] = {{0}};
    struct issuer_answer made = {.certificate_len = 0};
    if (signer_len == 0 || signer_len > EMV_MODULUS_MAX)
        return err_set(err, ERR_INTEGRITY, "the CA key has %zu bytes, not 1 to %d", signer_len,
                       EMV_MODULUS_MAX);
    bool ok = is_tlv(data, len, signer_len, found) ? from_tlv(found, &made, err)
                                                   : from_bare(data, len, signer_len, &made, err);
    if (ok) *out = made;
    return ok;
}
