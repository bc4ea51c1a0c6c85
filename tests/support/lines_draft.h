/* tests/support/lines_draft.h - for files that end with a signature: a signer made for the run, a sink into memory, and files
 * that are wrong in one line and signed anew. */
#ifndef TESTS_SUPPORT_LINES_DRAFT_H
#define TESTS_SUPPORT_LINES_DRAFT_H

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "formats/signed_lines.h"
#include "mic_draft.h"

static inline bool lines_sign(void *context, const uint8_t *data, size_t len, struct buf *signature,
                              struct err *err)
{
    const struct draft_key *key = context;
    uint8_t out[SIGNATURE_MAX];
    size_t out_len = draft_key_sign(key, data, len, out);
    if (out_len == 0) return err_set(err, ERR_TOKEN, "the draft's key does not sign");
    buf_put(signature, out, out_len);
    return true;
}

static inline struct signed_lines_signer lines_signer(struct draft_key *key)
{
    struct signed_lines_signer s = {.sign = lines_sign, .context = key};
    struct err err;
    if (!sha256(key->spki, key->spki_len, s.id, &err)) memset(s.id, 0, sizeof(s.id));
    return s;
}

static inline bool lines_put(void *context, const void *data, size_t len, struct err *err)
{
    struct buf *b = context;
    buf_put(b, data, len);
    return buf_ok(b, "file", err);
}

static inline struct signed_lines_sink lines_sink(struct buf *b)
{
    return (struct signed_lines_sink){lines_put, b};
}

/* The text with its first `from` replaced, its count, hash and signature made anew. */
static inline void lines_edit(const struct buf *file, const char *from, const char *to, const char *context,
                              struct draft_key *key, struct buf *out)
{
    struct err err = ERR_INIT;
    struct buf signature, tbs;
    uint8_t hash[SHA256_LEN];
    const char *text = (const char *)file->data, *at = strstr(text, from), *end = strstr(text, "\nhash: ");
    buf_clear(out);
    if (!at || !end || at > end) {
        fprintf(stderr, "'%s' is not in the file\n", from);
        out->failed = true;
        return;
    }
    buf_put(out, text, (size_t)(at - text));
    buf_put_text(out, to);
    at += strlen(from);
    buf_put(out, at, (size_t)(end + 1 - at));
    buf_init(&signature, SIGNATURE_MAX);
    buf_init(&tbs, 200);
    if (!sha256(out->data, out->len, hash, &err)) out->failed = true;
    buf_put(&tbs, context, strlen(context) + 1);
    buf_put(&tbs, hash, SHA256_LEN);
    if (!lines_sign(key, tbs.data, tbs.len, &signature, &err)) out->failed = true;
    buf_put_text(out, "hash: ");
    hex_put(out, hash, SHA256_LEN);
    buf_put_text(out, "\nsignature: ");
    hex_put(out, signature.data, signature.len);
    buf_put_text(out, "\n");
    buf_release(&signature);
    buf_release(&tbs);
}

#endif
