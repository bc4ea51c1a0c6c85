/* The audit log, twice: the input as it stands, and with a chain of right hashes around its lines, since no fuzzer finds
 * those. Whatever a reader takes has numbers from 1 on, and a history is made of it or refused. */
#include <stdio.h>
#include <string.h>

#include "audit/history.h"
#include "audit/read.h"
#include "base/hex.h"
#include "fuzz.h"

static uint64_t read_all(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct reader *reader = NULL;
    struct audit_read *r = NULL;
    const struct audit_line *line = NULL;
    uint64_t count = 0;

    fuzz_must(reader_open_memory(&reader, data, size, "fuzz", &err) && audit_read_over(&r, reader, &err));
    while (audit_read_next(r, &line, &err) && line) {
        struct audit_member m;
        fuzz_must(line->seq == ++count);
        for (size_t i = 0; audit_line_member(line, i, &m); i++)
            fuzz_must(m.text ? audit_line_text(line, m.name) == m.text : m.number <= AUDIT_NUMBER_MAX);
    }
    fuzz_must(err.kind == ERR_NONE || err.kind == ERR_INTEGRITY);
    fuzz_must(audit_read_end(r).whole + audit_read_end(r).cut <= size);
    audit_read_free(r);
    return count;
}

static void ask(const struct history *h)
{
    struct err err = ERR_INIT;
    for (size_t i = 0; i < history_key_count(h); i++) {
        const struct history_key *k = history_key_at(h, i);
        fuzz_must(k->copies_destroyed <= k->copies && history_key(h, k->name, k->version) == k);
        history_limit(k, k->algorithm);
        err_ignore(history_custodian_may(h, "Carol", k->name, k->version, 1, &err), "either answer is right");
        history_serial(h, k->role, k->name);
    }
    for (size_t i = 0; i < history_copy_count(h); i++)
        fuzz_must(history_copy_at(h, i)->key->copies > 0);
    history_trusted(h, "issuer");
}

static void try_all(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct reader *reader = NULL;
    struct history *h = NULL;
    uint64_t lines = read_all(data, size);
    fuzz_must(reader_open_memory(&reader, data, size, "fuzz", &err));
    if (history_load_over(&h, reader, &err)) {
        fuzz_must(history_head(h)->seq == lines);
        ask(h);
    } else {
        fuzz_must(err.kind == ERR_INTEGRITY);
    }
    history_free(h);
}

/* Each line of the input is an event and its members. */
static void chain(const uint8_t *data, size_t size, struct buf *out)
{
    struct err err = ERR_INIT;
    uint8_t hash[SHA256_LEN] = {0};
    char hex[2 * SHA256_LEN + 1];
    uint64_t seq = 1;
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size, start = out->len;
        hex_write(hex, sizeof(hex), hash, sizeof(hash), true);
        buf_put_format(out, "{\"seq\":%llu,\"time\":\"2026-11-26T10:00:00Z\",\"program\":\"p\",\"event\":",
                       (unsigned long long)seq++);
        buf_put(out, data, len);
        buf_put_format(out, ",\"prev\":\"%s\"", hex);
        fuzz_must(buf_ok(out, "log", &err) && sha256(out->data + start, out->len - start, hash, &err));
        hex_write(hex, sizeof(hex), hash, sizeof(hash), true);
        buf_put_format(out, ",\"hash\":\"%s\"}\n", hex);
        data += end ? len + 1 : len;
        size -= end ? len + 1 : len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf log;
    if (size > 1 << 16) return 0;
    try_all(data, size);
    buf_init(&log, 64 << 20);
    chain(data, size, &log);
    if (log.len) try_all(log.data, log.len);
    buf_release(&log);
    return 0;
}
