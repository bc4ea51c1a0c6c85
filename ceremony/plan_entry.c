#include "ceremony/plan_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/outfile.h"

enum { PLAN_MAX = 1 << 20 };

/* A YAML scalar in double quotes; texts of a plan hold no control characters. */
static void put_quoted(struct buf *out, const char *text)
{
    buf_put_text(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') buf_put_text(out, "\\");
        buf_put_u8(out, (uint8_t)*text);
    }
    buf_put_text(out, "\"");
}

/* "out/kek-1.handover" → "out/kek-2.handover"; where the old version does not stand before the last point: "…-2.…". */
static void put_file_name(struct buf *out, const char *path, const struct plan *p, unsigned version)
{
    char old[16];
    const char *plan_slash = strrchr(p->path, '/'), *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    size_t folder = plan_slash ? (size_t)(plan_slash - p->path) + 1 : 0;
    if (folder && strncmp(path, p->path, folder) == 0) path += folder; /* as the plan has it */
    if (!dot || (slash && dot < slash)) dot = path + strlen(path);
    size_t stem = (size_t)(dot - path);
    int n = snprintf(old, sizeof(old), "-%u", version - 1);
    if (n > 0 && stem > (size_t)n && strncmp(dot - n, old, (size_t)n) == 0) stem -= (size_t)n;
    buf_put_text(out, "\"");
    buf_put(out, path, stem);
    buf_put_format(out, "-%u%s\"", version, dot);
}

static void put_tokens(struct buf *out, const struct plan_key *k)
{
    buf_put_text(out, "    tokens: [");
    for (size_t i = 0; i < k->token_count; i++) {
        buf_put_text(out, i ? ", " : "");
        if (strcmp(k->token_roles[i], k->role) == 0)
            put_quoted(out, k->tokens[i]);
        else
            buf_put_format(out, "{%s: %s}", k->tokens[i], k->token_roles[i]);
    }
    buf_put_text(out, "]\n");
}

static bool put_components(struct buf *out, const struct plan_key *k, struct err *err)
{
    if (k->origin == ORIGIN_KEY_BLOCK)
        return err_set(err, ERR_CONFIG, "its next version comes from the partner: write its entry by hand");
    if (k->origin == ORIGIN_GENERATE) {
        buf_put_text(out, "    generate: yes\n");
        return true;
    }
    buf_put_text(out, "    components:\n");
    for (size_t i = 0; i < k->component_count; i++) {
        const struct plan_component *comp = &k->components[i];
        if (comp->source == COMPONENT_TEST || comp->source == COMPONENT_FILE)
            return err_set(
                err, ERR_CONFIG,
                "its components stand in the plan or in files: write the next version's entry by hand");
        buf_put_text(out, "      - {custodian: ");
        put_quoted(out, comp->custodian);
        if (comp->source == COMPONENT_PROMPT) {
            buf_put_text(out, ", prompt: yes}\n");
        } else {
            buf_put_text(out, ", letter: ");
            put_quoted(out, comp->text);
            buf_put_text(out, "}\n");
        }
    }
    return true;
}

static void put_life(struct buf *out, const struct plan *p, const struct plan_key *k)
{
    unsigned next = k->version + 1U;
    if (k->method) buf_put_format(out, "    method: %s\n", k->method);
    if (k->purpose) {
        buf_put_text(out, "    purpose: ");
        put_quoted(out, k->purpose);
        buf_put_text(out, "\n");
    }
    if (k->limit.blocks)
        buf_put_format(out, "    limit: {blocks: %" PRIu64 ", then: %s}\n", k->limit.blocks,
                       k->limit.stop ? "stop" : "warn");
    if (k->keep) buf_put_text(out, "    keep: yes\n");
    if (k->hand_over_count) buf_put_text(out, "    hand_over:\n");
    for (size_t i = 0; i < k->hand_over_count; i++) {
        buf_put_format(out, "      - {to: %s, under: %s, file: ", k->hand_overs[i].to,
                       k->hand_overs[i].under);
        put_file_name(out, k->hand_overs[i].path, p, next);
        buf_put_text(out, "}\n");
    }
}

bool plan_entry_next(const struct plan *p, const struct plan_key *key, struct buf *out, struct err *err)
{
    if (key->bits || !key->version)
        return err_set(
            err, ERR_CONFIG,
            "key '%s' has no versions: write an entry of another name for the pair that follows it",
            key->name);
    if (key->version == UINT16_MAX)
        return err_set(err, ERR_CONFIG, "key '%s' has no further version", key->name);
    buf_put_format(out, "  - name: %s\n    version: %u\n    role: %s\n    algorithm: %s\n", key->name,
                   key->version + 1U, key->role, key->algorithm);
    put_tokens(out, key);
    if (!put_components(out, key, err)) return false;
    put_life(out, p, key);
    return buf_ok(out, "plan entry", err);
}

/* Offset of the line with this number, from 1; the text's end behind the last. */
static size_t line_start(const struct buf *text, unsigned line)
{
    size_t at = 0;
    for (unsigned n = 1; n < line && at < text->len; n++) {
        const uint8_t *end = memchr(text->data + at, '\n', text->len - at);
        at = end ? (size_t)(end - text->data) + 1 : text->len;
    }
    return at;
}

/* Does a list item, or another key of the plan, begin on this line? */
static bool begins_another(const struct buf *text, size_t at)
{
    while (at < text->len && text->data[at] == ' ')
        at++;
    bool item = at + 1 < text->len && text->data[at] == '-' && text->data[at + 1] == ' ';
    bool top = at < text->len && (at == 0 || text->data[at - 1] == '\n') && text->data[at] != '#' &&
               text->data[at] != '\n' && text->data[at] != '}';
    return item || top;
}

bool plan_entry_insert(const struct plan *p, const struct plan_key *key, const struct buf *entry,
                       struct buf *out, struct err *err)
{
    struct buf text;
    buf_init(&text, PLAN_MAX);
    bool ok = file_read_all(p->path, PLAN_MAX, &text, err);
    unsigned line = key->last_line + 1;
    while (ok && line_start(&text, line) < text.len && !begins_another(&text, line_start(&text, line)))
        line++;
    size_t at = ok ? line_start(&text, line) : 0;
    buf_put(out, text.data, at);
    if (at && text.data[at - 1] != '\n') buf_put_text(out, "\n");
    buf_put(out, entry->data, entry->len);
    buf_put(out, text.data + at, text.len - at);
    buf_release(&text);
    return ok && buf_ok(out, "plan", err);
}
