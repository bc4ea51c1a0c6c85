#include "config/lint.h"

#include <stdio.h>
#include <string.h>

#include "formats/tlv.h"

static void put(struct lint *l, const char *kind, unsigned line, const char *format, va_list args)
    PRINTF_LIKE(4, 0);

static void put(struct lint *l, const char *kind, unsigned line, const char *format, va_list args)
{
    char text[ERR_TEXT_MAX];
    vsnprintf(text, sizeof(text), format, args);
    if (line)
        buf_put_format(l->out, "%s%s:%u: %s\n", kind, l->file, line, text);
    else
        buf_put_format(l->out, "%s%s: %s\n", kind, l->file, text);
}

void lint_error(struct lint *l, unsigned line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(l, "", line, format, args);
    va_end(args);
    l->errors++;
}

void lint_warning(struct lint *l, unsigned line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(l, "warning: ", line, format, args);
    va_end(args);
}

/* The longest value that a conversion gives when the element sets no length; conversions that are not here
 * set no limit. */
static const struct {
    const char *convert;
    size_t least, most;
} natural[] = {
    {"pan", 4, 10},      {"pan-no-luhn", 4, 10}, {"date-yymmdd", 3, 3},   {"date-ymd", 4, 4},
    {"date-mmyy", 2, 2}, {"amount", 6, 6},       {"amount-binary", 4, 4}, {"track2", 8, 19},
};

static struct lint_length natural_length(const struct convert_row *row)
{
    for (size_t i = 0; i < sizeof(natural) / sizeof(natural[0]); i++) {
        if (strcmp(row->name, natural[i].convert) == 0)
            return (struct lint_length){natural[i].least, natural[i].most, false};
    }
    return (struct lint_length){1, 0, true};
}

static void widen(struct lint_length *all, const struct lint_length *one, bool first)
{
    if (first || one->least < all->least) all->least = one->least;
    if (first || one->most > all->most) all->most = one->most;
    all->open = (!first && all->open) || one->open;
}

static struct lint_length constant_length(const struct profile_element *e, const char *text)
{
    struct buf value;
    struct err why = ERR_INIT;
    struct lint_length length = natural_length(e->convert);
    buf_init(&value, CONVERT_VALUE_MAX);
    if (e->convert->run(text, strlen(text), &e->options, &value, &why))
        length = (struct lint_length){value.len, value.len, false};
    buf_release(&value);
    return length;
}

static struct lint_length source_length(const struct profile_element *e, const struct source *s)
{
    if (s->kind == SOURCE_HEX) return (struct lint_length){s->len, s->len, false};
    if (s->kind == SOURCE_KEY_VERSION) return (struct lint_length){1, 1, false};
    if (s->kind == SOURCE_CONSTANT) return constant_length(e, s->text);
    struct lint_length length = natural_length(e->convert);
    if (e->options.min_len > length.least) length.least = e->options.min_len;
    if (e->options.max_len && (length.open || e->options.max_len < length.most)) {
        length.most = e->options.max_len;
        length.open = false;
    }
    return length;
}

struct lint_length lint_element_length(const struct profile_element *e)
{
    const struct convert_options *o = &e->options;
    struct lint_length all = {o->min_len ? o->min_len : 1, o->max_len, o->max_len == 0};
    if (o->len) return (struct lint_length){o->len, o->len, false};
    for (size_t i = 0; i < e->from.count; i++) {
        struct lint_length one = source_length(e, &e->from.sources[i]);
        widen(&all, &one, i == 0);
    }
    if (e->fallback) {
        struct lint_length one = constant_length(e, e->fallback);
        widen(&all, &one, e->from.count == 0);
    }
    return all;
}

static struct lint_length exactly(size_t len)
{
    return (struct lint_length){len, len, len == 0};
}

/* What does not fit into the certificate: nothing when all fits. */
static struct lint_length remainder_length(size_t modulus, size_t signer, size_t overhead)
{
    if (!modulus || !signer) return (struct lint_length){0, 0, true};
    size_t room = signer > overhead ? signer - overhead : 0;
    size_t rest = modulus > room ? modulus - room : 0;
    return (struct lint_length){rest, rest, false};
}

struct lint_length lint_certificate_length(const struct profile *p, uint32_t tag,
                                           const struct lint_sizes *sizes)
{
    switch (tag) {
    case 0x8F:
        return exactly(1);
    case 0x90:
        return exactly(sizes->ca);
    case 0x93:
    case 0x9F46:
        return exactly(sizes->issuer);
    case 0x92:
        return remainder_length(sizes->issuer, sizes->ca, EMV_ISSUER_OVERHEAD);
    case 0x9F48:
        return remainder_length(sizes->card, sizes->issuer, EMV_ICC_OVERHEAD);
    case 0x9F47:
        return exactly(p->key_pair.exponent == 3 ? 1 : 3);
    default:
        return (struct lint_length){1, 3, false}; /* 9F32, the issuer's exponent */
    }
}

bool lint_constant(const struct profile_element *e, uint8_t *out, size_t room, size_t *len)
{
    const struct source *s = e->from.count ? &e->from.sources[0] : NULL;
    struct buf value;
    struct err why = ERR_INIT;
    if (!s || (s->kind != SOURCE_HEX && s->kind != SOURCE_CONSTANT)) return false;
    buf_init(&value, room);
    bool ok = true;
    if (s->kind == SOURCE_HEX)
        buf_put(&value, s->bytes, s->len);
    else
        ok = e->convert->run(s->text, strlen(s->text), &e->options, &value, &why);
    ok = ok && !value.failed;
    if (ok) memcpy(out, value.data, value.len);
    if (ok) *len = value.len;
    buf_release(&value);
    return ok;
}

static void check_constant(struct lint *l, const struct profile_element *e, const char *what,
                           const char *text)
{
    struct buf value;
    struct err why = ERR_INIT;
    buf_init(&value, CONVERT_VALUE_MAX);
    if (!e->convert->run(text, strlen(text), &e->options, &value, &why))
        lint_error(l, e->line, "element %X (%s): the %s does not convert by '%s': %s", e->tag, e->name, what,
                   e->convert->name, why.text);
    buf_release(&value);
}

void lint_element_constants(struct lint *l, const struct profile_element *e)
{
    const struct convert_options *o = &e->options;
    for (size_t i = 0; i < e->from.count; i++) {
        const struct source *s = &e->from.sources[i];
        if (s->kind == SOURCE_CONSTANT) check_constant(l, e, "constant", s->text);
        if (s->kind != SOURCE_HEX) continue;
        if ((o->len && s->len != o->len) || s->len < o->min_len || (o->max_len && s->len > o->max_len))
            lint_error(l, e->line, "element %X (%s): the hex value of %zu bytes has not the element's length",
                       e->tag, e->name, s->len);
    }
    if (e->fallback) check_constant(l, e, "default", e->fallback);
}

bool lint_method_fits(enum derivation_method method, enum secret_kind kind, enum derivation_cipher cipher)
{
    const struct derivation_row *row = derivation_row(method);
    const struct secret_kind_row *made = secret_kind_row(kind);
    uint8_t data[DERIVATION_DATA_MAX];
    struct derivation_block block;
    struct err why = ERR_INIT;
    if (cipher == CIPHER_TDES ? !row->tdes_master : !row->aes_master) return false;
    memset(data, 0x11, sizeof(data)); /* BCD, not zero: only the shapes matter */
    size_t len = method == DERIVE_DIRECT ? made->key_len : row->data_min;
    struct derivation_input in = {method, data, len, kind, CARD_KEY_DEK};
    return len <= sizeof(data) && derivation_make(&in, cipher, &block, &why);
}
