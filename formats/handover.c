#include "formats/handover_fields.h"

#include <string.h>

#define FIRST_LINE "cardprep hand-over 1"

enum { SIGNATURE_FIELD = HANDOVER_FIELD_COUNT - 1, FIELDS_FROM_LINE = 2 };

/* The zero behind it is signed, too. */
static const char context[] = "cardprep-handover-1";

static bool named(size_t field, struct err *err)
{
    err_prefix(err, "line %zu: %s", field + FIELDS_FROM_LINE, handover_fields[field].name);
    return false;
}

/* The first `count` fields. Each value is read as it was written, so what a reader refuses is not written. */
static bool put_fields(const struct handover *h, size_t count, struct buf *b, struct err *err)
{
    struct handover same = {.serial = 0};
    buf_put_text(b, FIRST_LINE "\n");
    for (size_t i = 0; i < count; i++) {
        const struct handover_field *f = &handover_fields[i];
        buf_put_format(b, "%s: ", f->name);
        size_t at = b->len;
        f->put(f, h, b);
        if (!buf_ok(b, "hand-over file", err)) return named(i, err);
        if (!f->read(f, (const char *)&b->data[at], b->len - at, &same, err)) return named(i, err);
        buf_put_text(b, "\n");
    }
    return buf_ok(b, "hand-over file", err);
}

static bool put_all(const struct handover *h, size_t count, const char *front, size_t front_len,
                    struct buf *b, struct err *err)
{
    struct buf made;
    buf_init(&made, HANDOVER_TEXT_MAX);
    bool ok = put_fields(h, count, &made, err);
    if (ok) {
        size_t at = b->len;
        buf_put(b, front, front_len);
        buf_put(b, made.data, made.len);
        ok = buf_ok(b, "hand-over file", err);
        if (!ok) buf_truncate(b, at);
    }
    buf_release(&made);
    return ok;
}

bool handover_put_signed_part(const struct handover *h, struct buf *b, struct err *err)
{
    return put_all(h, SIGNATURE_FIELD, "", 0, b, err);
}

bool handover_to_be_signed(const struct handover *h, struct buf *b, struct err *err)
{
    return put_all(h, SIGNATURE_FIELD, context, sizeof(context), b, err);
}

bool handover_put(const struct handover *h, struct buf *b, struct err *err)
{
    return put_all(h, HANDOVER_FIELD_COUNT, "", 0, b, err);
}

/* Up to the next line feed, which is taken as well. */
static bool take_line(struct cur *c, const char **line, size_t *len, struct err *err)
{
    const uint8_t *bytes = NULL;
    if (cur_left(c) == 0) return err_set(err, ERR_INPUT, "the file ends before this line");
    const uint8_t *end = memchr(&c->data[c->pos], '\n', cur_left(c));
    if (!end) return err_set(err, ERR_INPUT, "the file ends inside this line");
    *len = (size_t)(end - &c->data[c->pos]);
    if (!cur_take(c, *len + 1, &bytes, "line", err)) return false;
    *line = (const char *)bytes;
    return true;
}

/* Length of "name: " if the line begins so, else 0. */
static size_t label_len(const struct handover_field *f, const char *line, size_t len)
{
    size_t name_len = strlen(f->name);
    bool begins = len >= name_len + 2 && memcmp(line, f->name, name_len) == 0 && line[name_len] == ':' &&
                  line[name_len + 1] == ' ';
    return begins ? name_len + 2 : 0;
}

static bool not_there(const char *line, size_t len, struct err *err)
{
    for (size_t i = 0; i < HANDOVER_FIELD_COUNT; i++) {
        if (label_len(&handover_fields[i], line, len))
            return err_set(err, ERR_INPUT, "the line is not this field's but '%s'", handover_fields[i].name);
    }
    return err_set(err, ERR_INPUT, "the line is not 'name: value' of this field");
}

static bool take_field(struct cur *c, const struct handover_field *f, struct handover *h, struct err *err)
{
    const char *line = NULL;
    size_t len = 0;
    if (!take_line(c, &line, &len, err)) return false;
    size_t label = label_len(f, line, len);
    if (label == 0) return not_there(line, len, err);
    return f->read(f, &line[label], len - label, h, err);
}

static bool take_first(struct cur *c, struct err *err)
{
    const char *line = NULL;
    size_t len = 0;
    if (take_line(c, &line, &len, err)) {
        if (bytes_equal(line, len, FIRST_LINE, strlen(FIRST_LINE))) return true;
        err_set(err, ERR_INPUT, "is not '" FIRST_LINE "': no hand-over file of a form known here");
    }
    err_prefix(err, "line 1");
    return false;
}

/* *signed_len: bytes before the signature's line. */
static bool parse(const void *text, size_t len, struct handover *out, size_t *signed_len, struct err *err)
{
    struct cur c = cur_make(text, len, 0);
    if (len > HANDOVER_TEXT_MAX)
        return err_set(err, ERR_INPUT, "has %zu bytes; a hand-over file has at most %d", len,
                       HANDOVER_TEXT_MAX);
    if (!take_first(&c, err)) return false;
    for (size_t i = 0; i < HANDOVER_FIELD_COUNT; i++) {
        *signed_len = c.pos;
        if (!take_field(&c, &handover_fields[i], out, err)) return named(i, err);
    }
    if (cur_left(&c) == 0) return true;
    return err_set(err, ERR_INPUT, "line %d: something stands behind the signature",
                   HANDOVER_FIELD_COUNT + FIELDS_FROM_LINE);
}

bool handover_parse(const void *text, size_t len, struct handover *out, struct err *err)
{
    struct handover made = {.serial = 0};
    size_t signed_len = 0;
    if (!parse(text, len, &made, &signed_len, err)) return false;
    *out = made;
    return true;
}

static bool check_signer(const struct handover *h, const struct public_key *signer, struct err *err)
{
    uint8_t id[SHA256_LEN];
    if (!sha256(signer->spki, signer->len, id, err)) return false;
    if (bytes_equal(id, SHA256_LEN, h->signer, SHA256_LEN)) return true;
    return err_set(err, ERR_INTEGRITY,
                   "the file is signed by another key than that of the sender given here");
}

bool handover_verify(const void *text, size_t len, const struct public_key *signer, struct handover *out,
                     struct err *err)
{
    struct handover made = {.serial = 0};
    size_t signed_len = 0;
    struct buf tbs;
    bool ok = false;
    buf_init(&tbs, sizeof(context) + HANDOVER_TEXT_MAX);
    if (!parse(text, len, &made, &signed_len, err)) goto out;
    if (!check_signer(&made, signer, err)) {
        named(SIGNATURE_FIELD - 1, err);
        goto out;
    }
    buf_put(&tbs, context, sizeof(context));
    buf_put(&tbs, text, signed_len);
    if (!buf_ok(&tbs, "signed part", err)) goto out;
    ok = signature_verify(signer, SIGNATURE_RSA_SHA256, tbs.data, tbs.len, made.signature, made.signature_len,
                          err);
    if (ok)
        *out = made;
    else
        named(SIGNATURE_FIELD, err);
out:
    buf_release(&tbs);
    return ok;
}
