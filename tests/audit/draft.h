/* tests/audit/draft.h - logs for tests: a fixed clock, a signer, and whole logs as bytes. */
#ifndef TESTS_AUDIT_DRAFT_H
#define TESTS_AUDIT_DRAFT_H

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "audit/log.h"
#include "base/outfile.h"
#include "../base/scratch.h"
#include "suite.h"

/* 2026-11-26T10:00:00Z and then a second more at each look. */
static inline time_t draft_clock(void *context)
{
    time_t *t = context;
    return (*t)++;
}

enum { DRAFT_START = 1795687200, DRAFT_MAX = 1 << 20 };

static inline struct audit_log *draft_open(const char *path, time_t *clock)
{
    struct err err = ERR_INIT;
    struct audit_log *log = NULL;
    const struct audit_log_settings settings = {"test 0.0", draft_clock, clock, true};
    EXPECT_OK(audit_log_open(&log, path, &settings, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    return log;
}

static inline bool draft_sign(void *context, const uint8_t *data, size_t len, struct buf *signature,
                              struct err *err)
{
    uint8_t bytes[512];
    size_t n = sizeof(bytes);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, context) == 1 &&
              EVP_DigestSign(md, bytes, &n, data, len) == 1;
    EVP_MD_CTX_free(md);
    if (!ok) return err_set(err, ERR_TOKEN, "signing fails");
    buf_put(signature, bytes, n);
    return true;
}

struct draft_signer {
    EVP_PKEY *key;
    uint8_t spki[1024];
    size_t spki_len;
    struct audit_signer signer;
};

static inline void draft_signer_init(struct draft_signer *s)
{
    struct err err = ERR_INIT;
    unsigned char *at = s->spki;
    s->key = EVP_RSA_gen(2048);
    if (!s->key || i2d_PUBKEY(s->key, NULL) > (int)sizeof(s->spki)) abort();
    s->spki_len = (size_t)i2d_PUBKEY(s->key, &at);
    s->signer = (struct audit_signer){.sign = draft_sign, .context = s->key};
    if (!sha256(s->spki, s->spki_len, s->signer.id, &err)) abort(); /* before the suite runs */
}

static inline void draft_append(struct audit_log *log, const char *event, uint64_t n)
{
    struct err err = ERR_INIT;
    struct audit_event e;
    audit_event_init(&e, event);
    audit_text(&e, "text", "quote \" back \\ slash / Jürgen");
    audit_number(&e, "n", n);
    EXPECT_OK(audit_log_append(log, &e, &err));
    audit_event_release(&e);
}

static inline void draft_close(struct audit_log *log, const struct audit_signer *signer)
{
    struct err err = ERR_INIT;
    struct audit_event e;
    audit_event_init(&e, AUDIT_CLOSING);
    audit_text(&e, "plan", "demo");
    EXPECT_OK(audit_log_append_closing(log, &e, signer, &err));
    audit_event_release(&e);
}

static inline void draft_read(const char *path, struct buf *out)
{
    struct err err = ERR_INIT;
    buf_init(out, DRAFT_MAX);
    EXPECT_OK(file_read_all(path, DRAFT_MAX, out, &err));
}

#endif
