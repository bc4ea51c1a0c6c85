#include "formats/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/convert.h"

struct part;
typedef bool put_fn(const struct part *p, const char *text, size_t len, struct buf *out, struct err *err);

/* A literal has a text and no field; a place has a field. */
struct part {
    char *literal;
    char *field;
    put_fn *put;
    size_t width;
};

struct template
{
    char *text;
    struct part parts[TEMPLATE_PARTS_MAX];
    size_t count;
    size_t places[TEMPLATE_PARTS_MAX]; /* which parts are fields */
    size_t place_count;
};

static bool too_long(const struct part *p, size_t len, struct err *err)
{
    return err_set(err, ERR_INPUT, "%zu characters where %zu have room", len, p->width);
}

static bool check_digits(const char *text, size_t len, struct err *err)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return err_set(err, ERR_INPUT, "character %zu is no digit", i + 1);
    }
    return true;
}

static bool put_plain(const struct part *p, const char *text, size_t len, struct buf *out, struct err *err)
{
    (void)p;
    (void)err;
    buf_put(out, text, len);
    return true;
}

static bool put_padded(const struct part *p, const char *text, size_t len, struct buf *out, struct err *err)
{
    if (len > p->width) return too_long(p, len, err);
    buf_put(out, text, len);
    buf_put_fill(out, ' ', p->width - len);
    return true;
}

static bool put_zero_padded(const struct part *p, const char *text, size_t len, struct buf *out,
                            struct err *err)
{
    if (len > p->width) return too_long(p, len, err);
    if (!check_digits(text, len, err)) return false;
    buf_put_fill(out, '0', p->width - len);
    buf_put(out, text, len);
    return true;
}

static bool put_spaced(const struct part *p, const char *text, size_t len, struct buf *out, struct err *err)
{
    (void)p;
    if (!check_digits(text, len, err)) return false;
    for (size_t i = 0; i < len; i++) {
        if (i && i % 4 == 0) buf_put_u8(out, ' ');
        buf_put(out, text + i, 1);
    }
    return true;
}

static bool put_upper(const struct part *p, const char *text, size_t len, struct buf *out, struct err *err)
{
    (void)p;
    (void)err;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        buf_put_u8(out, (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
    }
    return true;
}

static bool put_month_year(const struct part *p, const char *text, size_t len, struct buf *out,
                           struct err *err)
{
    struct date d;
    (void)p;
    if (!date_read(text, len, &d, err)) return false;
    buf_put_format(out, "%02d/%02d", d.month, d.year % 100);
    return true;
}

static bool put_year_month(const struct part *p, const char *text, size_t len, struct buf *out,
                           struct err *err)
{
    struct date d;
    (void)p;
    if (!date_read(text, len, &d, err)) return false;
    buf_put_format(out, "%02d%02d", d.year % 100, d.month);
    return true;
}

struct modifier {
    const char *name;
    put_fn *put;
};
static const struct modifier modifiers[] = {
    {"spaced", put_spaced}, {"upper", put_upper}, {"mm/yy", put_month_year}, {"yymm", put_year_month}};

/* A width: digits; a leading zero asks for zeros. */
static bool read_width(struct part *p, const char *text, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || width > TEMPLATE_WIDTH_MAX) return false;
        width = 10 * width + (size_t)(text[i] - '0');
    }
    p->width = width;
    p->put = text[0] == '0' ? put_zero_padded : put_padded;
    return width > 0 && width <= TEMPLATE_WIDTH_MAX;
}

static bool read_modifier(struct part *p, const char *text, size_t len, struct err *err)
{
    for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
        if (!bytes_equal(text, len, modifiers[i].name, strlen(modifiers[i].name))) continue;
        p->put = modifiers[i].put;
        return true;
    }
    if (len && read_width(p, text, len)) return true;
    return err_set(err, ERR_CONFIG,
                   "unknown modifier '%.*s': a width from 1 to %d (with a leading 0 for zeros), spaced, "
                   "upper, mm/yy or yymm",
                   (int)len, text, TEMPLATE_WIDTH_MAX);
}

static bool add_part(struct template *t, struct part **out, struct err *err)
{
    if (t->count == TEMPLATE_PARTS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d parts", TEMPLATE_PARTS_MAX);
    *out = &t->parts[t->count++];
    return true;
}

/* `inside` is what stands between the braces. */
static bool add_place(struct template *t, const char *inside, size_t len, struct err *err)
{
    struct part *p = NULL;
    const char *colon = memchr(inside, ':', len);
    size_t name_len = colon ? (size_t)(colon - inside) : len;
    if (!name_len) return err_set(err, ERR_CONFIG, "no field name between the braces");
    if (name_len > TEMPLATE_FIELD_MAX)
        return err_set(err, ERR_CONFIG, "a field name of more than %d characters", TEMPLATE_FIELD_MAX);
    if (!add_part(t, &p, err)) return false;
    p->put = put_plain;
    if (!(p->field = strndup(inside, name_len))) return err_set_no_memory(err);
    t->places[t->place_count++] = t->count - 1;
    return !colon || read_modifier(p, colon + 1, len - name_len - 1, err);
}

static bool add_literal(struct template *t, struct buf *text, struct err *err)
{
    struct part *p = NULL;
    const char *literal = buf_text(text);
    if (literal && !text->len) return true;
    if (!literal) return err_set_no_memory(err);
    if (!add_part(t, &p, err)) return false;
    if (!(p->literal = strdup(literal))) return err_set_no_memory(err);
    buf_clear(text);
    return true;
}

/* One place or one character at `at`; *at moves behind it. */
static bool compile_step(struct template *t, size_t *at, struct buf *literal, struct err *err)
{
    const char *text = t->text + *at;
    bool doubled = (text[0] == '{' || text[0] == '}') && text[1] == text[0];
    if (doubled || (text[0] != '{' && text[0] != '}')) {
        buf_put(literal, text, 1);
        *at += doubled ? 2 : 1;
        return true;
    }
    if (text[0] == '}') return err_set(err, ERR_CONFIG, "a '}' without its '{' (write }} for the character)");
    size_t len = strcspn(text + 1, "{}");
    if (text[1 + len] != '}')
        return err_set(err, ERR_CONFIG, "a '{' that is not closed (write {{ for the character)");
    if (!add_literal(t, literal, err) || !add_place(t, text + 1, len, err)) return false;
    *at += len + 2;
    return true;
}

bool template_compile(struct template **out, const char *text, struct err *err)
{
    struct buf literal;
    struct template *t = calloc(1, sizeof(*t));
    size_t at = 0;
    bool ok = t && (t->text = strdup(text)) != NULL;
    buf_init(&literal, strlen(text) + 1);
    if (!ok) err_set_no_memory(err);
    while (ok && t->text[at])
        ok = compile_step(t, &at, &literal, err);
    ok = ok && add_literal(t, &literal, err);
    buf_release(&literal);
    if (ok) {
        *out = t;
        return true;
    }
    err_prefix(err, "template, character %zu", at + 1);
    template_free(t);
    return false;
}

void template_free(struct template *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->parts[i].literal);
        free(t->parts[i].field);
    }
    free(t->text);
    free(t);
}

size_t template_field_count(const struct template *t)
{
    return t->place_count;
}

const char *template_field(const struct template *t, size_t index)
{
    return t->parts[t->places[index]].field;
}

const char *template_text(const struct template *t)
{
    return t->text;
}

static bool render_place(const struct part *p, template_lookup_fn *lookup, void *context, struct buf *out,
                         bool *absent, struct err *err)
{
    const char *text = NULL;
    size_t len = 0;
    if (!lookup(context, p->field, &text, &len, err)) return false;
    if (!text || !len) {
        *absent = true;
        return true;
    }
    if (p->put(p, text, len, out, err)) return true;
    err_prefix(err, "field '%s'", p->field);
    return false;
}

bool template_render(const struct template *t, template_lookup_fn *lookup, void *context, struct buf *out,
                     bool *missing, struct err *err)
{
    size_t begin = out->len;
    bool absent = false;
    bool ok = true;
    for (size_t i = 0; ok && i < t->count; i++) {
        const struct part *p = &t->parts[i];
        if (p->literal)
            buf_put_text(out, p->literal);
        else
            ok = render_place(p, lookup, context, out, &absent, err);
    }
    ok = ok && buf_ok(out, "text of a template", err);
    if (ok)
        *missing = absent;
    else
        buf_truncate(out, begin);
    return ok;
}
