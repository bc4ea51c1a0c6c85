/* A scheme's answer; the first byte is the CA key's length. What is read has the lengths that it says, and as TLV it reads the
 * same again. */
#include "formats/issuer_answer.h"

#include "formats/tlv.h"
#include "fuzz.h"

static void try_again(const struct issuer_answer *a)
{
    struct err err = ERR_INIT;
    struct issuer_answer again;
    struct buf b;
    buf_init(&b, ISSUER_ANSWER_FILE_MAX);
    tlv_put(&b, 0x90, a->certificate, a->certificate_len);
    if (a->remainder_len) tlv_put(&b, 0x92, a->remainder, a->remainder_len);
    if (a->exponent_len) tlv_put(&b, 0x9F32, a->exponent, a->exponent_len);
    if (a->has_ca_index) tlv_put(&b, 0x8F, &a->ca_index, 1);
    fuzz_must(issuer_answer_read(b.data, b.len, a->certificate_len, &again, &err));
    fuzz_must(bytes_equal(a->certificate, a->certificate_len, again.certificate, again.certificate_len));
    fuzz_must(bytes_equal(a->remainder, a->remainder_len, again.remainder, again.remainder_len));
    fuzz_must(bytes_equal(a->exponent, a->exponent_len, again.exponent, again.exponent_len));
    fuzz_must(a->has_ca_index == again.has_ca_index && a->ca_index == again.ca_index);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct issuer_answer a;
    struct buf bytes;
    if (size == 0) return 0;
    buf_init(&bytes, ISSUER_ANSWER_FILE_MAX);
    if (issuer_answer_bytes(data + 1, size - 1, &bytes, &err) &&
        issuer_answer_read(bytes.data, bytes.len, data[0], &a, &err)) {
        fuzz_must(a.certificate_len == data[0] && a.remainder_len <= ISSUER_REMAINDER_MAX);
        fuzz_must(a.exponent_len <= 3);
        try_again(&a);
    }
    buf_release(&bytes);
    return 0;
}
