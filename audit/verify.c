#include "audit/verify.h"

#include <inttypes.h>
#include <string.h>

#include "audit/log.h"
#include "audit/read.h"
#include "base/hex.h"

enum { CLOSING_MAX = 1024 };

static bool find_signer(const struct audit_verify_settings *s, const uint8_t id[SHA256_LEN],
                        const struct public_key **out, struct err *err)
{
    *out = NULL;
    for (size_t i = 0; i < s->signer_count; i++) {
        uint8_t hash[SHA256_LEN];
        if (!sha256(s->signers[i].spki, s->signers[i].len, hash, err)) return false;
        if (memcmp(hash, id, SHA256_LEN) == 0) *out = &s->signers[i];
    }
    return true;
}

static bool read_closing(const struct audit_line *l, uint8_t id[SHA256_LEN], struct buf *signature,
                         struct err *err)
{
    const char *signer = audit_line_text(l, "signer");
    const char *hex = audit_line_text(l, "signature");
    if (!signer || !hex) return err_set(err, ERR_INTEGRITY, "is a closing without signer or signature");
    if (hex_read_exact(signer, strlen(signer), id, SHA256_LEN, err) &&
        hex_read(hex, strlen(hex), signature, err))
        return true;
    err->kind = ERR_INTEGRITY;
    return false;
}

static bool check_closing(const struct audit_line *l, const struct audit_verify_settings *s,
                          struct audit_verified *out, struct err *err)
{
    const struct public_key *signer = NULL;
    uint8_t id[SHA256_LEN];
    struct buf data, signature;
    bool ok = false;

    buf_init(&data, CLOSING_MAX);
    buf_init(&signature, AUDIT_LINE_MAX);
    if (!read_closing(l, id, &signature, err)) goto out;
    if (!find_signer(s, id, &signer, err)) goto out;
    out->closings++;
    if (signer) {
        audit_closing_data(&data, l->prev, l->seq, l->time);
        if (!buf_ok(&data, "closing", err)) goto out;
        if (!signature_verify(signer, SIGNATURE_RSA_SHA256, data.data, data.len, signature.data,
                              signature.len, err))
            goto out;
        out->closings_good++;
        out->last_good = l->seq;
        memcpy(out->last_good_time, l->time, sizeof(out->last_good_time));
    } else {
        out->closings_unknown++;
    }
    ok = true;
out:
    buf_release(&data);
    buf_release(&signature);
    return ok;
}

static bool check_line(const struct audit_line *l, const struct audit_verify_settings *s,
                       struct audit_verified *out, struct err *err)
{
    const struct audit_head *anchor = s->anchor;
    if (anchor && anchor->seq == l->seq && memcmp(anchor->hash, l->hash, SHA256_LEN) != 0)
        return err_set(err, ERR_INTEGRITY,
                       "is another line than the one whose hash was given: the log was written anew");
    if (strcmp(l->event, "cut-line") == 0) out->cut_lines++;
    return strcmp(l->event, AUDIT_CLOSING) != 0 || check_closing(l, s, out, err);
}

static bool check_end(const struct audit_read *r, const struct audit_verify_settings *s, struct err *err)
{
    struct audit_read_end end = audit_read_end(r);
    uint64_t lines = audit_read_head(r)->seq;
    const char *path = audit_read_path(r);
    if (end.cut > 0)
        return err_set(err, ERR_INTEGRITY, "%s:%" PRIu64 ": is cut: %" PRIu64 " bytes without a line's end",
                       path, lines + 1, end.cut);
    if (end.unended)
        return err_set(err, ERR_INTEGRITY, "%s:%" PRIu64 ": is cut: it lacks its line's end", path, lines);
    if (s->anchor && s->anchor->seq > lines)
        return err_set(err, ERR_INTEGRITY,
                       "%s: ends with line %" PRIu64 ", but line %" PRIu64 " was there: its end was removed",
                       path, lines, s->anchor->seq);
    return true;
}

static bool verify(struct audit_read *r, const struct audit_verify_settings *settings,
                   struct audit_verified *out, struct err *err)
{
    struct audit_verified v = {.closings = 0};
    const struct audit_line *line = NULL;
    do {
        if (!audit_read_next(r, &line, err)) return false;
        if (line && !check_line(line, settings, &v, err)) {
            err_prefix(err, "%s:%" PRIu64, audit_read_path(r), line->seq);
            return false;
        }
    } while (line);
    if (!check_end(r, settings, err)) return false;
    v.head = *audit_read_head(r);
    v.behind = v.head.seq - v.last_good;
    *out = v;
    return true;
}

bool audit_verify(const char *path, const struct audit_verify_settings *settings, struct audit_verified *out,
                  struct err *err)
{
    struct audit_read *r = NULL;
    if (!audit_read_open(&r, path, err)) return false;
    bool ok = verify(r, settings, out, err);
    audit_read_free(r);
    return ok;
}

bool audit_verify_over(struct reader *reader, const struct audit_verify_settings *settings,
                       struct audit_verified *out, struct err *err)
{
    struct audit_read *r = NULL;
    if (!audit_read_over(&r, reader, err)) return false;
    bool ok = verify(r, settings, out, err);
    audit_read_free(r);
    return ok;
}
