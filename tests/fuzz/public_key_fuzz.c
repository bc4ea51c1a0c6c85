/* A PEM text. A key that is read can be written and read again, to the same bytes. */
#include "formats/public_key.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct public_key_rsa rsa;
    struct buf der, pem, again;
    buf_init(&der, PUBLIC_KEY_SPKI_MAX);
    buf_init(&again, PUBLIC_KEY_SPKI_MAX);
    buf_init(&pem, PUBLIC_KEY_PEM_MAX);
    if (public_key_read_pem(data, size, &der, &err)) {
        const struct public_key key = {der.data, der.len};
        public_key_put_pem(&key, &pem);
        fuzz_must(public_key_read_pem(pem.data, pem.len, &again, &err));
        fuzz_must(bytes_equal(der.data, der.len, again.data, again.len));
        if (public_key_read_rsa(&key, &rsa, &err)) fuzz_must(rsa.modulus_len >= RSA_MODULUS_MIN);
    }
    buf_release(&der);
    buf_release(&pem);
    buf_release(&again);
    return 0;
}
