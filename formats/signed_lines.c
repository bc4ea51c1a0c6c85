#include "formats/signed_lines.h"

#include <string.h>

#include "base/hex.h"
#include "formats/line_value.h"

enum { SIGNATURE_MIN = 64, UNSENT_FLUSH = 1 << 16, UNSENT_MAX = 2 * UNSENT_FLUSH };

/* Context ‖ 00 ‖ hash. */
static void put_signed(const struct signed_lines_form *form, const uint8_t hash[SHA256_LEN], struct buf *b)
{
    buf_put(b, form->context, strlen(form->context) + 1);
    buf_put(b, hash, SHA256_LEN);
}

/* ---- writing ---- */

static bool flush(struct signed_lines_writer *w, struct err *err)
{
    if (!buf_ok(&w->unsent, w->form->what, err)) return false;
    if (!w->sink.put(w->sink.context, w->unsent.data, w->unsent.len, err)) return false;
    buf_clear(&w->unsent);
    return true;
}

static bool put_line(struct signed_lines_writer *w, const void *text, size_t len, struct err *err)
{
    buf_put(&w->unsent, text, len);
    buf_put_text(&w->unsent, "\n");
    if (!digest_add(w->digest, text, len, err) || !digest_add(w->digest, "\n", 1, err)) return false;
    return w->unsent.len < UNSENT_FLUSH || flush(w, err);
}

bool signed_lines_writer_begin(struct signed_lines_writer *w, const struct signed_lines_form *form,
                               struct signed_lines_sink sink, struct err *err)
{
    *w = (struct signed_lines_writer){.form = form, .sink = sink};
    buf_init(&w->unsent, UNSENT_MAX);
    return digest_new(&w->digest, DIGEST_SHA256, err) &&
           put_line(w, form->first_line, strlen(form->first_line), err);
}

void signed_lines_writer_release(struct signed_lines_writer *w)
{
    digest_free(w->digest);
    w->digest = NULL;
    buf_release(&w->unsent);
}

bool signed_lines_put(struct signed_lines_writer *w, const struct buf *line, bool is_entry, struct err *err)
{
    if (!buf_ok(line, "line", err) || !put_line(w, line->data, line->len, err)) return false;
    if (is_entry) w->entries++;
    return true;
}

static bool put_hex_line(struct signed_lines_writer *w, const char *name, const uint8_t *data, size_t len,
                         struct err *err)
{
    struct buf line;
    buf_init(&line, SIGNED_LINES_LINE_MAX);
    buf_put_format(&line, "%s: ", name);
    hex_put(&line, data, len);
    bool ok = buf_ok(&line, "line", err) && put_line(w, line.data, line.len, err);
    buf_release(&line);
    return ok;
}

static bool put_count(struct signed_lines_writer *w, struct err *err)
{
    struct buf line;
    buf_init(&line, SIGNED_LINES_LINE_MAX);
    buf_put_format(&line, "lines: %llu", (unsigned long long)w->entries);
    bool ok = buf_ok(&line, "line", err) && put_line(w, line.data, line.len, err);
    buf_release(&line);
    return ok;
}

bool signed_lines_put_end(struct signed_lines_writer *w, const struct signed_lines_signer *signer,
                          struct err *err)
{
    uint8_t hash[SHA256_LEN];
    struct buf tbs, signature;
    bool ok = false;
    buf_init(&tbs, SIGNED_LINES_LINE_MAX);
    buf_init(&signature, SIGNATURE_MAX);
    if (!put_count(w, err) || !put_hex_line(w, "signer", signer->id, SHA256_LEN, err)) goto out;
    if (!digest_peek(w->digest, hash, err) || !put_hex_line(w, "hash", hash, SHA256_LEN, err)) goto out;
    put_signed(w->form, hash, &tbs);
    if (!buf_ok(&tbs, "signed part", err)) goto out;
    if (!signer->sign(signer->context, tbs.data, tbs.len, &signature, err)) goto out;
    if (!buf_ok(&signature, "signature", err)) goto out;
    ok = signature.len >= SIGNATURE_MIN ||
         err_set(err, ERR_INTERNAL, "a signature of %zu bytes is too short", signature.len);
    ok = ok && put_hex_line(w, "signature", signature.data, signature.len, err) && flush(w, err);
out:
    buf_release(&tbs);
    buf_release(&signature);
    return ok;
}

/* ---- reading ---- */

bool signed_lines_named(const struct signed_lines *s, const char *name, struct err *err)
{
    if (name) err_prefix(err, "%s", name);
    err_prefix(err, "line %llu", (unsigned long long)s->line);
    return false;
}

/* Takes one line, which must end with a line feed and nothing else. It is hashed by hash_line. */
static bool take_line(struct signed_lines *s, const char **text, size_t *len, struct err *err)
{
    const uint8_t *bytes = NULL;
    uint64_t before = reader_offset(s->reader);
    s->line++;
    if (!reader_take_line(s->reader, SIGNED_LINES_LINE_MAX, &bytes, len, err)) return false;
    if (!bytes) return err_set(err, ERR_INPUT, "the file ends before this line");
    uint64_t taken = reader_offset(s->reader) - before;
    if (taken == *len) return err_set(err, ERR_INPUT, "the file ends inside this line");
    if (taken != *len + 1) return err_set(err, ERR_INPUT, "the line ends with more than one line feed");
    *text = (const char *)bytes;
    return true;
}

static bool hash_line(struct signed_lines *s, const char *text, size_t len, struct err *err)
{
    return digest_add(s->digest, text, len, err) && digest_add(s->digest, "\n", 1, err);
}

/* The value, if the line is "name: value". */
static bool after_label(const char *name, const char **text, size_t *len)
{
    size_t name_len = strlen(name);
    if (*len < name_len + 2 || memcmp(*text, name, name_len) != 0 || (*text)[name_len] != ':' ||
        (*text)[name_len + 1] != ' ')
        return false;
    *text += name_len + 2;
    *len -= name_len + 2;
    return true;
}

static bool take_first(struct signed_lines *s, struct err *err)
{
    const char *text = NULL;
    size_t len = 0;
    if (!take_line(s, &text, &len, err)) return false;
    if (!bytes_equal(text, len, s->form->first_line, strlen(s->form->first_line)))
        return err_set(err, ERR_INPUT, "is not '%s': no %s of a form known here", s->form->first_line,
                       s->form->what);
    return hash_line(s, text, len, err);
}

bool signed_lines_begin(struct signed_lines *s, const struct signed_lines_form *form, struct reader *reader,
                        struct err *err)
{
    *s = (struct signed_lines){.form = form, .reader = reader};
    if (!digest_new(&s->digest, DIGEST_SHA256, err) || !reader_seek(reader, 0, err)) return false;
    return take_first(s, err) || signed_lines_named(s, NULL, err);
}

void signed_lines_release(struct signed_lines *s)
{
    digest_free(s->digest);
    s->digest = NULL;
}

bool signed_lines_again(struct signed_lines *s, struct err *err)
{
    uint8_t unused[SHA256_LEN];
    s->line = 0;
    s->entries = 0;
    if (!digest_final(s->digest, unused, err) || !reader_seek(s->reader, 0, err)) return false;
    return take_first(s, err) || signed_lines_named(s, NULL, err);
}

bool signed_lines_value(struct signed_lines *s, const char *name, const char **value, size_t *len,
                        struct err *err)
{
    const char *text = NULL;
    size_t text_len = 0;
    if (!take_line(s, &text, &text_len, err)) return signed_lines_named(s, name, err);
    if (!hash_line(s, text, text_len, err)) return false;
    if (!after_label(name, &text, &text_len)) {
        err_set_text(err, ERR_INPUT, "the line is not '%s: value'", name);
        return signed_lines_named(s, NULL, err);
    }
    *value = text;
    *len = text_len;
    return true;
}

/* ---- the end ---- */

static const struct public_key *find_signer(const struct signed_lines_trust *trust,
                                            const uint8_t id[SHA256_LEN], struct err *err)
{
    uint8_t hash[SHA256_LEN];
    for (size_t i = 0; i < trust->count; i++) {
        if (!sha256(trust->signers[i].spki, trust->signers[i].len, hash, err)) return NULL;
        if (bytes_equal(hash, SHA256_LEN, id, SHA256_LEN)) return &trust->signers[i];
    }
    err_set(err, ERR_INTEGRITY, "signed by a key that is none of the %zu trusted ones", trust->count);
    return NULL;
}

/* signer, hash, signature, and nothing behind them. */
static bool take_end(struct signed_lines *s, const struct signed_lines_trust *trust, struct err *err)
{
    static const struct line_value_sizes hash_size = {SHA256_LEN, SHA256_LEN};
    static const struct line_value_sizes signature_size = {SIGNATURE_MIN, SIGNATURE_MAX};
    uint8_t signer[SHA256_LEN], hash[SHA256_LEN], due[SHA256_LEN], signature[SIGNATURE_MAX];
    size_t len = 0, signature_len = 0;
    const char *text = NULL;
    struct buf tbs;

    if (!signed_lines_value(s, "signer", &text, &len, err)) return false;
    if (!line_value_hex(text, len, hash_size, signer, NULL, err)) return signed_lines_named(s, "signer", err);
    if (!digest_peek(s->digest, due, err) || !signed_lines_value(s, "hash", &text, &len, err)) return false;
    if (!line_value_hex(text, len, hash_size, hash, NULL, err)) return signed_lines_named(s, "hash", err);
    if (!bytes_equal(hash, SHA256_LEN, due, SHA256_LEN)) {
        err_set_text(err, ERR_INTEGRITY, "does not verify: the file was changed");
        return signed_lines_named(s, "hash", err);
    }
    if (!signed_lines_value(s, "signature", &text, &len, err)) return false;
    if (!line_value_hex(text, len, signature_size, signature, &signature_len, err))
        return signed_lines_named(s, "signature", err);
    if (reader_offset(s->reader) != reader_size(s->reader))
        return err_set(err, ERR_INPUT, "line %llu: something stands behind the signature",
                       (unsigned long long)s->line + 1);
    const struct public_key *key = find_signer(trust, signer, err);
    if (!key) return signed_lines_named(s, "signature", err);
    buf_init(&tbs, SIGNED_LINES_LINE_MAX);
    put_signed(s->form, hash, &tbs);
    bool ok = buf_ok(&tbs, "signed part", err) &&
              signature_verify(key, SIGNATURE_RSA_SHA256, tbs.data, tbs.len, signature, signature_len, err);
    buf_release(&tbs);
    if (!ok) return signed_lines_named(s, "signature", err);
    memcpy(trust->signer, signer, SHA256_LEN);
    return true;
}

/* "lines: N" is there. */
static bool take_count(struct signed_lines *s, const char *text, size_t len, struct err *err)
{
    uint64_t count = 0;
    if (!bytes_equal(text, len, "0", 1) && !line_value_number(text, len, UINT64_MAX, &count, err))
        return signed_lines_named(s, "lines", err);
    if (count == s->entries) return true;
    err_set_text(err, ERR_INTEGRITY, "%llu are announced, %llu stand in the file", (unsigned long long)count,
                 (unsigned long long)s->entries);
    return signed_lines_named(s, "lines", err);
}

static bool is_same(struct signed_lines *s, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    if (!digest_peek(s->digest, hash, err)) return false;
    return bytes_equal(hash, SHA256_LEN, s->hash, SHA256_LEN) ||
           err_set(err, ERR_INTEGRITY, "the file was changed while it was in use");
}

bool signed_lines_entry(struct signed_lines *s, const struct signed_lines_trust *trust, const char **text,
                        size_t *len, bool *end, struct err *err)
{
    *end = false;
    if (!take_line(s, text, len, err)) return signed_lines_named(s, NULL, err);
    const char *value = *text;
    size_t value_len = *len;
    if (!after_label("lines", &value, &value_len)) {
        s->entries++;
        return hash_line(s, *text, *len, err);
    }
    *end = true;
    if (s->verified) return is_same(s, err);
    if (!digest_peek(s->digest, s->hash, err) || !hash_line(s, *text, *len, err)) return false;
    s->verified = take_count(s, value, value_len, err) && take_end(s, trust, err);
    return s->verified;
}

bool signed_lines_split(const char *text, size_t len, struct signed_lines_field *fields, size_t count,
                        struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const char *blank = i + 1 < count ? memchr(&text[at], ' ', len - at) : NULL;
        if (!blank && i + 1 < count)
            return err_set(err, ERR_INPUT, "has %zu fields instead of %zu, with one blank between them",
                           i + 1, count);
        size_t field_len = blank ? (size_t)(blank - &text[at]) : len - at;
        if (field_len == 0) return err_set(err, ERR_INPUT, "field %zu is empty", i + 1);
        fields[i] = (struct signed_lines_field){&text[at], field_len};
        at += field_len + 1;
    }
    if (memchr(fields[count - 1].text, ' ', fields[count - 1].len))
        return err_set(err, ERR_INPUT, "has more than %zu fields", count);
    return true;
}
