#include "prep/commands/explain_card.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "prep/commands/inspect.h"

enum { PAN_LIKE = 13, KEEP_FRONT = 6, KEEP_BACK = 4, VALUE_SHOWN = 64, TAG_TRACK2 = 0x57 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void explain_text(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t run = 0;
        while (i + run < len && is_digit(text[i + run]))
            run++;
        for (size_t d = 0; d < run; d++) {
            bool hide = run >= PAN_LIKE && d >= KEEP_FRONT && d < run - KEEP_BACK;
            buf_put_u8(out, (uint8_t)(hide ? '*' : text[i + d]));
        }
        if (run == 0) buf_put_u8(out, (uint8_t)text[i]);
        i += run ? run : 1;
    }
}

static void put_hex(struct buf *out, const uint8_t *value, size_t len, bool masked)
{
    char text[2 * VALUE_SHOWN + 1];
    size_t shown = len < VALUE_SHOWN ? len : VALUE_SHOWN;
    hex_write(text, sizeof(text), value, shown, false);
    if (masked)
        explain_text(out, text, 2 * shown);
    else
        buf_put_text(out, text);
    if (shown < len) buf_put_format(out, "... (%zu bytes)", len);
}

void explain_hex(struct buf *out, const uint8_t *value, size_t len)
{
    put_hex(out, value, len, true);
}

/* What the profile fixes for all cards is nobody's card number. */
static bool is_personal(const struct profile_element *e, const struct planned_value *v)
{
    if (v->origin == VALUE_FROM_DEFAULT) return false;
    if (v->origin != VALUE_FROM_SOURCE) return true;
    enum source_kind kind = e->from.sources[v->source].kind;
    return kind != SOURCE_HEX && kind != SOURCE_CONSTANT;
}

const char *explain_field(const struct job_application *a, const char *field)
{
    for (size_t i = 0; i < a->field_count; i++) {
        if (strcmp(a->fields[i].field, field) == 0) return a->fields[i].column;
    }
    return field;
}

void explain_source(const struct job_application *a, const struct explained_source *s, struct buf *out)
{
    const struct source *source = &s->from->sources[s->source];
    const char *text = source->text ? source->text : "";
    switch (source->kind) {
    case SOURCE_FIELD:
        buf_put_format(out, "field '%s'", explain_field(a, text));
        break;
    case SOURCE_CONSTANT:
        buf_put_format(out, "the profile's constant '%s'", text);
        break;
    case SOURCE_HEX:
        buf_put_text(out, "fixed bytes of the profile");
        break;
    case SOURCE_TEMPLATE:
        buf_put_format(out, "template \"%s\"", text);
        break;
    case SOURCE_COUNTER:
        buf_put_text(out, "the card number counter");
        break;
    case SOURCE_COMPUTED:
        buf_put_format(out, "computed: %s", source_computed_name(source->computed));
        break;
    case SOURCE_TOKEN:
        buf_put_text(out, "the token's random generator");
        break;
    case SOURCE_KEY_VERSION:
        buf_put_format(out, "the version of %s that this card uses", text);
        break;
    }
    if (s->convert && source_gives_text(source)) buf_put_format(out, ", by %s", s->convert->name);
    if (source->kind != SOURCE_COUNTER && source_uses_counter(source))
        buf_put_text(out, " (the card number counter)");
    if (s->from->count > 1) buf_put_format(out, " (source %zu of %zu)", s->source + 1, s->from->count);
}

static void put_value(struct buf *out, const struct profile_element *e, const struct planned_value *v)
{
    const struct inspect_item track2 = {.form = FORM_TRACK2, .value = v->value, .value_len = v->len};
    if (e->tag == TAG_TRACK2)
        inspect_value(&track2, VALUE_SHOWN, out);
    else
        put_hex(out, v->value, v->len, is_personal(e, v));
}

static void put_element(const struct planned_application *a, size_t index, struct buf *out)
{
    const struct profile_element *e = &a->application->profile->elements[index];
    const struct planned_value *v = &a->values[index];
    const struct explained_source source = {&e->from, v->source, e->convert};
    buf_put_format(out, "    %-6X %s", (unsigned)e->tag, e->name);
    if (v->value) {
        buf_put_text(out, " = ");
        put_value(out, e, v);
    }
    buf_put_text(out, ": ");
    switch (v->origin) {
    case VALUE_ABSENT:
        buf_put_text(out, "left out, nothing gives it");
        break;
    case VALUE_FROM_RECORD:
        buf_put_text(out, a->entry && a->entry->sealed
                              ? "the derivation data (C2) of the entry that is replaced"
                              : "the record's own entry");
        break;
    case VALUE_FROM_SOURCE:
        explain_source(a->application, &source, out);
        break;
    case VALUE_FROM_DEFAULT:
        buf_put_format(out, "the profile's default '%s'", e->fallback);
        break;
    case VALUE_FROM_TOKEN:
        buf_put_format(out, "%zu random bytes of the token", v->len);
        break;
    case VALUE_FROM_CERTIFICATES:
        buf_put_text(out, "made with the certificates");
        break;
    }
    buf_put_text(out, "\n");
}

static const char *why(const struct planned_application *a)
{
    if (a->action == APPLICATION_LEAVE_OUT) return "left out: it is optional and its selector field is empty";
    if (a->action == APPLICATION_COPY && !a->application)
        return a->entry->sealed ? "sealed, not named by the job: copied byte for byte"
                                : "open, not named by the job: copied byte for byte";
    if (a->action == APPLICATION_COPY) return "`protect: none`: stays open";
    if (!a->entry) return "the record lacks it: made from the profile's sources and sealed";
    return a->entry->sealed ? "sealed before and replaced: made anew from the profile's sources and the old "
                              "derivation data"
                            : "open in the record: prepared and sealed";
}

static void put_application(const struct job *job, const struct planned_application *a, struct buf *out)
{
    const struct job_application *rule = a->application;
    const uint8_t *aid = rule ? rule->aid : a->entry->aid;
    buf_put_format(out, "\napplication %s%s", rule ? rule->name : "", rule ? " (" : "");
    hex_put(out, aid, rule ? rule->aid_len : a->entry->aid_len);
    buf_put_format(out, "%s\n  %s\n", rule ? ")" : "", why(a));
    if (!rule || !rule->profile || !a->values || a->action == APPLICATION_LEAVE_OUT) return;
    buf_put_format(out, "  profile %s, version %u\n  elements\n", rule->profile->name,
                   (unsigned)rule->profile->version);
    for (size_t i = 0; i < rule->profile->element_count; i++)
        put_element(a, i, out);
    for (size_t i = 0; i < a->loose_count; i++)
        buf_put_format(out, "    %-6X kept from the record's entry, in no data grouping\n",
                       (unsigned)a->loose[i].tag);
    if (a->action != APPLICATION_PREPARE) return;
    explain_keys(job, a, out);
    explain_groupings(a, out);
}

static void put_groups(const struct card_plan *plan, struct buf *out)
{
    buf_put_text(out, "\ngroups of the record, in order\n  CARD     written by preparation\n");
    for (size_t i = 0; i < plan->group_count; i++) {
        const struct planned_group *g = &plan->groups[i];
        if (g->is_chip) {
            buf_put_format(out, "  %-8s the applications above\n", g->mic);
            continue;
        }
        bool carried = mic_find(&plan->record, g->mic) && mic_find(&plan->record, g->mic)->data == g->data;
        buf_put_format(out, "  %-8s %zu bytes, %s\n", g->mic, g->len,
                       carried ? "as the input has it" : "composed by the job");
    }
    buf_put_text(out, "  SEAL     one MAC over all of them\n");
}

void explain_card(const struct job *job, const struct card_reader *reader, const struct card_plan *plan,
                  struct buf *out)
{
    const struct card_input *in = plan->input;
    buf_put_format(out, "%s\nrecord %" PRIu64 ", card object identifier %s\n", card_reader_place(reader),
                   in->number, in->card.object_id);
    if (job->counter_path)
        buf_put_format(out, "card number counter %" PRIu64 ", if the run reserved its numbers now\n",
                       in->counter);
    card_reader_put_inputs(reader, out);
    for (size_t i = 0; i < plan->application_count; i++)
        put_application(job, &plan->applications[i], out);
    put_groups(plan, out);
}
