/* The sources of a value, one after another: fields, templates, constants, what is computed. */
#include "prep/planning/plan_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DECIMAL_SIZE = 24 };

struct field_text plan_field(const struct card_input *in, const struct bound_field *field)
{
    if (field->index < 0 || in->fields[field->index].len == 0) return (struct field_text){NULL, 0};
    return in->fields[field->index];
}

bool plan_check_len(const struct convert_options *options, size_t len, struct err *err)
{
    if (options->len > 0 && len != options->len)
        return err_set(err, ERR_INPUT, "%zu bytes where %zu are due", len, options->len);
    if (len < options->min_len)
        return err_set(err, ERR_INPUT, "%zu bytes, fewer than %zu", len, options->min_len);
    if (options->max_len > 0 && len > options->max_len)
        return err_set(err, ERR_INPUT, "%zu bytes, more than %zu", len, options->max_len);
    return true;
}

struct lookup {
    const struct card_input *in;
    const struct bound_template *t;
    struct rendered *seen;
    char decimal[DECIMAL_SIZE];
};

/* Names are the template's own pointers; comparing texts is for a template that copies them. */
static const struct bound_field *bound_by_name(const struct bound_template *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        const char *own = template_field(t->text, i);
        if (own == name || strcmp(own, name) == 0) return &t->fields[i];
    }
    return NULL;
}

static bool look_up(void *context, const char *name, const char **text, size_t *len, struct err *err)
{
    struct lookup *l = context;
    const struct bound_field *field = bound_by_name(l->t, name);
    if (!field) return err_set(err, ERR_INTERNAL, "template field '%s' is not bound", name);
    if (!field->name) {
        uint64_t number = strcmp(name, "counter") == 0 ? l->in->counter : l->in->number;
        snprintf(l->decimal, sizeof(l->decimal), "%" PRIu64, number);
        *text = l->decimal;
        *len = strlen(l->decimal);
        return true;
    }
    struct field_text found = plan_field(l->in, field);
    *text = found.text;
    *len = found.len;
    if (found.text) {
        l->seen->filled++;
    } else {
        if (l->seen->empty == 0) l->seen->first_empty = field->name;
        l->seen->empty++;
    }
    return true;
}

bool plan_render(struct planner *p, const struct card_input *in, const struct bound_template *t,
                 struct rendered *out, struct err *err)
{
    bool missing = false;
    *out = (struct rendered){0, 0, NULL};
    struct lookup lookup = {.in = in, .t = t, .seen = out};
    buf_clear(&p->text);
    return template_render(t->text, look_up, &lookup, &p->text, &missing, err) &&
           buf_ok(&p->text, "template", err);
}

static bool put_track2(struct plan_work *w, const struct bound_source *s, bool *given, struct err *err)
{
    struct field_text pan = plan_field(w->in, &s->track2[0]);
    struct field_text expiry = plan_field(w->in, &s->track2[1]);
    struct field_text service = plan_field(w->in, &s->track2[2]);
    struct field_text more = plan_field(w->in, &s->track2[3]);
    struct date date;
    *given = pan.text && expiry.text && service.text;
    if (!*given) return true;
    if (!date_read(expiry.text, expiry.len, &date, err)) {
        err_prefix(err, "field '%s'", s->track2[1].name);
        return false;
    }
    buf_put(&w->p->text, pan.text, pan.len);
    buf_put_format(&w->p->text, "=%02d%02d", date.year % 100, date.month);
    buf_put(&w->p->text, service.text, service.len);
    if (more.text) buf_put(&w->p->text, more.text, more.len);
    return buf_ok(&w->p->text, "track 2", err);
}

/* The text of one source into p->text; *given false when it has none. */
static bool source_text(struct plan_work *w, const struct bound_source *s, bool *given, struct err *err)
{
    struct buf *text = &w->p->text;
    struct rendered rendered;
    struct field_text field;
    *given = !s->lacks_counter;
    buf_clear(text);
    if (s->lacks_counter) return true;
    switch (s->rule->kind) {
    case SOURCE_FIELD:
        field = plan_field(w->in, &s->field);
        *given = field.text != NULL;
        if (field.text) buf_put(text, field.text, field.len);
        break;
    case SOURCE_TEMPLATE:
        if (!plan_render(w->p, w->in, &s->template, &rendered, err)) return false;
        *given = rendered.empty == 0;
        break;
    case SOURCE_COUNTER:
        buf_put_format(text, "%" PRIu64, w->in->counter);
        break;
    case SOURCE_COMPUTED:
        if (s->rule->computed == COMPUTED_TRACK2) return put_track2(w, s, given, err);
        if (s->rule->computed == COMPUTED_RECORD_NUMBER)
            buf_put_format(text, "%" PRIu64, w->in->number);
        else
            buf_put_text(text, w->in->card.object_id);
        break;
    default:
        return err_set(err, ERR_INTERNAL, "source gives no text");
    }
    return buf_ok(text, "source", err);
}

static bool converted(struct plan_work *w, const struct bound_list *list, struct sourced *out,
                      struct err *err)
{
    struct planner *p = w->p;
    const struct buf *bytes = &p->text;
    if (list->convert) {
        buf_clear(&p->value);
        if (!list->convert->run(p->text.data ? (const char *)p->text.data : "", p->text.len, list->options,
                                &p->value, err))
            return false;
        bytes = &p->value;
    }
    out->len = bytes->len;
    return buf_ok(bytes, "value", err) && plan_check_len(list->options, bytes->len, err) &&
           arena_copy(&p->card, bytes->data, bytes->len, &out->value, err);
}

static bool key_version(struct plan_work *w, const struct bound_source *s, struct sourced *out,
                        struct err *err)
{
    const struct key_settings *key = derivation_master_named(w, s->rule->text);
    uint8_t version = 0;
    out->given = key != NULL;
    if (!key) return true;
    if (key->version > UINT8_MAX)
        return err_set(err, ERR_INPUT, "version %u of %s does not fit into 1 byte", (unsigned)key->version,
                       key->name);
    version = (uint8_t)key->version;
    out->len = 1;
    return arena_copy(&w->p->card, &version, 1, &out->value, err);
}

static bool try_source(struct plan_work *w, const struct bound_list *list, const struct bound_source *s,
                       struct sourced *out, struct err *err)
{
    switch (s->rule->kind) {
    case SOURCE_CONSTANT:
    case SOURCE_HEX:
        *out = (struct sourced){true, 0, s->constant, s->constant_len};
        return true;
    case SOURCE_TOKEN:
        *out = (struct sourced){true, 0, NULL, list->options->len};
        return true;
    case SOURCE_KEY_VERSION:
        return key_version(w, s, out, err);
    default:
        if (!source_text(w, s, &out->given, err)) return false;
        return !out->given || converted(w, list, out, err);
    }
}

bool plan_from_sources(struct plan_work *w, const struct bound_list *list, struct sourced *out,
                       struct err *err)
{
    *out = (struct sourced){.given = false};
    for (size_t i = 0; i < list->count; i++) {
        const struct bound_source *s = &list->sources[i];
        if (!try_source(w, list, s, out, err)) {
            if (s->rule->kind == SOURCE_FIELD)
                err_prefix(err, "field '%s'", s->field.name);
            else
                err_prefix(err, "%s", source_kind_name(s->rule->kind));
            return false;
        }
        if (!out->given) continue;
        out->source = i;
        return true;
    }
    return true;
}

static void put_empty(struct buf *b, const struct bound_field *field)
{
    if (b->len > 0) buf_put_text(b, "; ");
    if (field->index < 0)
        buf_put_format(b, "the input has no field '%s'", field->name);
    else
        buf_put_format(b, "field '%s' is empty", field->name);
}

static void put_why(struct plan_work *w, const struct bound_source *s, struct buf *b)
{
    if (s->lacks_counter) buf_put_format(b, "%sthe job has no card number counter", b->len ? "; " : "");
    if (s->rule->kind == SOURCE_FIELD) put_empty(b, &s->field);
    for (size_t i = 0; s->rule->kind == SOURCE_TEMPLATE && i < s->template.count; i++) {
        const struct bound_field *field = &s->template.fields[i];
        if (field->name && !plan_field(w->in, field).text) put_empty(b, field);
    }
    bool track2 = s->rule->kind == SOURCE_COMPUTED && s->rule->computed == COMPUTED_TRACK2;
    for (size_t i = 0; track2 && i < TRACK2_FIELDS - 1; i++) {
        if (!plan_field(w->in, &s->track2[i]).text) put_empty(b, &s->track2[i]);
    }
    if (s->rule->kind == SOURCE_KEY_VERSION)
        buf_put_format(b, "%sthe job has no key '%s'", b->len ? "; " : "", s->rule->text);
}

bool plan_no_source(struct plan_work *w, const struct bound_list *list, struct err *err)
{
    struct buf *b = &w->p->value;
    buf_clear(b);
    for (size_t i = 0; i < list->count; i++)
        put_why(w, &list->sources[i], b);
    if (list->count == 0)
        buf_put_text(b, w->out->entry ? "the record's entry lacks it" : "only an entry in the record could");
    const char *why = buf_text(b);
    return err_set(err, ERR_INPUT, "no source gives it (%s)", why ? why : "all are empty");
}
