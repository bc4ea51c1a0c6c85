/* A CA key file and an issuer certificate file. What is read can be written and read again, to the same bytes. */
#include "config/certificate_file.h"

#include "memory_file.h"

static void try_ca_key(const char *path)
{
    struct err err = ERR_INIT;
    struct ca_key_file key, again;
    struct buf text, second;
    char copy[32];
    if (!ca_key_file_load(path, &key, &err)) return;
    buf_init(&text, 1 << 16);
    buf_init(&second, 1 << 16);
    fuzz_must(ca_key_file_put(&key, &text, &err));
    int fd = memory_file(text.data, text.len, copy);
    fuzz_must(ca_key_file_load(copy, &again, &err) && ca_key_file_put(&again, &second, &err));
    fuzz_must(bytes_equal(text.data, text.len, second.data, second.len));
    close(fd);
    buf_release(&text);
    buf_release(&second);
}

static void try_certificate(const char *path)
{
    struct err err = ERR_INIT;
    struct certificate_file certificate, again;
    struct buf text, second;
    char copy[32];
    if (!certificate_file_load(path, &certificate, &err)) return;
    buf_init(&text, 1 << 16);
    buf_init(&second, 1 << 16);
    fuzz_must(certificate_file_put(&certificate, &text, &err));
    int fd = memory_file(text.data, text.len, copy);
    fuzz_must(certificate_file_load(copy, &again, &err) && certificate_file_put(&again, &second, &err));
    fuzz_must(bytes_equal(text.data, text.len, second.data, second.len));
    close(fd);
    buf_release(&text);
    buf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    int fd = memory_file(data, size, path);
    try_ca_key(path);
    try_certificate(path);
    close(fd);
    return 0;
}
