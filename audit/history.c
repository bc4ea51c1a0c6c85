#include "audit/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/history_internal.h"
#include "audit/log.h"
#include "audit/read.h"
#include "audit/text.h"

static void key_release(struct history_key *k)
{
    free(k->name);
    free(k->role);
    free(k->algorithm);
    free(k->kcv);
    free(k->origin);
    free(k->method);
    free(k->token);
    free(k->label);
    free(k);
}

void history_free(struct history *h)
{
    if (!h) return;
    for (size_t i = 0; i < h->keys.count; i++)
        key_release(h->key_items[i]);
    for (size_t i = 0; i < h->copies.count; i++) {
        free(h->copy_items[i].token);
        free(h->copy_items[i].label);
        free(h->copy_items[i].role);
    }
    for (size_t i = 0; i < h->components.count; i++)
        free(h->component_items[i].custodian);
    for (size_t i = 0; i < h->partners.count; i++) {
        free(h->partner_items[i].sender);
        free(h->partner_items[i].key);
        free(h->partner_items[i].fingerprint);
    }
    free(h->key_items);
    free(h->copy_items);
    free(h->component_items);
    free(h->partner_items);
    free(h->begin_items);
    free(h);
}

static bool load(struct history *h, struct audit_read *r, struct err *err)
{
    const struct audit_line *line = NULL;
    do {
        if (!audit_read_next(r, &line, err)) return false;
        if (line && !history_take_line(h, line, err)) {
            err_prefix(err, "%s:%" PRIu64 ": event %s", audit_read_path(r), line->seq, line->event);
            return false;
        }
    } while (line);
    /* A run that never said its end may have made all that it had planned. */
    for (size_t i = 0; i < h->begins.count; i++)
        history_use(h->key_items[h->begin_items[i].key], h->begin_items[i].blocks);
    h->head = *audit_read_head(r);
    h->cut = audit_read_end(r).cut;
    return true;
}

static bool load_all(struct history **out, struct audit_read *r, struct err *err)
{
    struct history *h = calloc(1, sizeof(*h));
    bool ok = (h || err_set_no_memory(err)) && load(h, r, err);
    audit_read_free(r);
    if (ok)
        *out = h;
    else
        history_free(h);
    return ok;
}

bool history_load(struct history **out, const char *path, struct err *err)
{
    struct audit_read *r = NULL;
    return audit_read_open(&r, path, err) && load_all(out, r, err);
}

bool history_load_over(struct history **out, struct reader *reader, struct err *err)
{
    struct audit_read *r = NULL;
    return audit_read_over(&r, reader, err) && load_all(out, r, err);
}

bool history_load_log(struct history **out, const struct audit_log *log, struct err *err)
{
    struct reader *reader = NULL;
    return reader_open(&reader, audit_log_path(log), err) && history_load_over(out, reader, err);
}

const struct audit_head *history_head(const struct history *h)
{
    return &h->head;
}

uint64_t history_cut(const struct history *h)
{
    return h->cut;
}

bool history_custodian_may(const struct history *h, const char *custodian, const char *key, uint64_t version,
                           uint64_t component, struct err *err)
{
    const struct history_key *k = history_key(h, key, version);
    struct buf name;
    bool ok = false;

    buf_init(&name, 2 * AUDIT_TEXT_MAX);
    if (!audit_text_is_printable(custodian)) {
        err_set(err, ERR_CONFIG, "the custodian's name holds characters that cannot be printed");
        goto out;
    }
    audit_text_fold(custodian, &name);
    if (!buf_ok(&name, "name", err) || !buf_text(&name)) goto out;
    for (size_t i = 0; i < h->components.count; i++) {
        const struct history_component *c = &h->component_items[i];
        if (h->key_items[c->key] != k || strcmp(c->custodian, buf_text(&name)) != 0 || c->number == component)
            continue;
        err_set(err, ERR_CONFIG,
                "%s had component %" PRIu64 " of key %s/%" PRIu64 " already (line %" PRIu64
                " of the audit log), and nobody may have two",
                custodian, c->number, key, version, c->seq);
        goto out;
    }
    ok = true;
out:
    buf_release(&name);
    return ok;
}

const struct history_key *history_key(const struct history *h, const char *name, uint64_t version)
{
    for (size_t i = 0; i < h->keys.count; i++) {
        if (h->key_items[i]->version == version && strcmp(h->key_items[i]->name, name) == 0)
            return h->key_items[i];
    }
    return NULL;
}

size_t history_key_count(const struct history *h)
{
    return h->keys.count;
}

const struct history_key *history_key_at(const struct history *h, size_t index)
{
    return h->key_items[index];
}

bool history_key_is_destroyed(const struct history_key *k)
{
    return k->copies > 0 && k->copies_destroyed == k->copies;
}

size_t history_copy_count(const struct history *h)
{
    return h->copies.count;
}

const struct history_copy *history_copy_at(const struct history *h, size_t index)
{
    return &h->copy_items[index];
}

struct history_limit history_limit(const struct history_key *k, const char *algorithm)
{
    if (k && k->limit_given) return (struct history_limit){.blocks = k->limit_blocks, .stop = k->limit_stop};
    bool des = strncmp(algorithm, "des", 3) == 0;
    return (struct history_limit){.none = !des, .blocks = des ? HISTORY_LIMIT_DES : 0};
}

uint64_t history_serial(const struct history *h, const char *sender, const char *key)
{
    for (size_t i = 0; i < h->partners.count; i++) {
        const struct history_partner *p = &h->partner_items[i];
        if (p->key && strcmp(p->sender, sender) == 0 && strcmp(p->key, key) == 0) return p->serial;
    }
    return 0;
}

const char *history_trusted(const struct history *h, const char *sender)
{
    for (size_t i = 0; i < h->partners.count; i++) {
        const struct history_partner *p = &h->partner_items[i];
        if (!p->key && strcmp(p->sender, sender) == 0) return p->fingerprint;
    }
    return NULL;
}
