/* The events of docs/formats/audit-log.md that a history knows, one function each. */
#include <stdlib.h>
#include <string.h>

#include "audit/history_internal.h"
#include "audit/text.h"
#include "formats/date.h"

static bool text(const struct audit_line *l, const char *name, const char **out, struct err *err)
{
    *out = audit_line_text(l, name);
    return *out || err_set(err, ERR_INTEGRITY, "has no text '%s'", name);
}

static bool number(const struct audit_line *l, const char *name, uint64_t *out, struct err *err)
{
    return audit_line_number(l, name, out) || err_set(err, ERR_INTEGRITY, "has no number '%s'", name);
}

/* A date, or "" where the event has none. */
static bool date(const struct audit_line *l, const char *name, char out[11], struct err *err)
{
    const char *value = audit_line_text(l, name);
    struct date read;
    if (!value || !value[0]) {
        out[0] = '\0';
        return true;
    }
    if (strlen(value) != 10 || !date_read(value, 10, &read, err))
        return err_set(err, ERR_INTEGRITY, "'%s' is no date YYYY-MM-DD", name);
    memcpy(out, value, 11);
    return true;
}

static bool set(char **into, const char *value, struct err *err)
{
    char *copy = strdup(value ? value : "");
    if (!copy) return err_set_no_memory(err);
    free(*into);
    *into = copy;
    return true;
}

/* Room for one more; *items is realloced. */
static bool grow(void **items, struct history_list *list, size_t size, struct err *err)
{
    if (list->count < list->room) return true;
    size_t room = list->room ? 2 * list->room : 16;
    void *more = realloc(*items, room * size);
    if (!more) return err_set_no_memory(err);
    *items = more;
    list->room = room;
    return true;
}

static bool new_key(struct history *h, const char *name, uint64_t version, struct err *err)
{
    void *items = h->key_items;
    if (!grow(&items, &h->keys, sizeof(void *), err)) return false;
    h->key_items = items;
    struct history_key *k = calloc(1, sizeof(*k));
    if (!k) return err_set_no_memory(err);
    h->key_items[h->keys.count++] = k;
    k->version = version;
    return set(&k->name, name, err) && set(&k->role, "", err) && set(&k->algorithm, "", err) &&
           set(&k->kcv, "", err) && set(&k->origin, "", err) && set(&k->method, "", err) &&
           set(&k->token, "", err) && set(&k->label, "", err);
}

/* The key of an event's members "key" and "version": its index, known before or not. */
static bool find_key(struct history *h, const struct audit_line *l, const char *version_name, size_t *out,
                     struct err *err)
{
    const char *name = NULL;
    uint64_t version = 0;
    if (!text(l, "key", &name, err) || !number(l, version_name, &version, err)) return false;
    for (*out = 0; *out < h->keys.count; (*out)++) {
        const struct history_key *k = h->key_items[*out];
        if (k->version == version && strcmp(k->name, name) == 0) return true;
    }
    return new_key(h, name, version, err);
}

static bool take_component(struct history *h, const struct audit_line *l, struct err *err)
{
    struct history_component c = {.seq = l->seq};
    const char *custodian = NULL;
    struct buf name;
    bool ok = false;

    buf_init(&name, 2 * AUDIT_TEXT_MAX);
    if (!find_key(h, l, "version", &c.key, err) || !number(l, "component", &c.number, err)) goto out;
    if (!text(l, "custodian", &custodian, err)) goto out;
    audit_text_fold(custodian, &name);
    if (!buf_ok(&name, "name", err) || !buf_text(&name)) goto out;
    for (size_t i = 0; i < h->components.count; i++) {
        const struct history_component *known = &h->component_items[i];
        ok = known->key == c.key && known->number == c.number &&
             strcmp(known->custodian, buf_text(&name)) == 0;
        if (ok) goto out;
    }
    void *items = h->component_items;
    if (!grow(&items, &h->components, sizeof(c), err)) goto out;
    h->component_items = items;
    if (!set(&c.custodian, buf_text(&name), err)) goto out;
    h->component_items[h->components.count++] = c;
    ok = true;
out:
    buf_release(&name);
    return ok;
}

static struct history_copy *find_copy(const struct history *h, const struct history_key *k, const char *token,
                                      const char *label)
{
    for (size_t i = 0; i < h->copies.count; i++) {
        struct history_copy *c = &h->copy_items[i];
        if (c->key == k && strcmp(c->token, token) == 0 && strcmp(c->label, label) == 0) return c;
    }
    return NULL;
}

/* The copy of an event's members "token" and "label", known before or not. */
static bool copy_of(struct history *h, const struct audit_line *l, struct history_key *k,
                    struct history_copy **out, struct err *err)
{
    const char *token = NULL, *label = NULL;
    struct history_copy made = {.key = k};
    void *items = h->copy_items;

    if (!text(l, "token", &token, err) || !text(l, "label", &label, err)) return false;
    *out = find_copy(h, k, token, label);
    if (*out) return true;
    if (!grow(&items, &h->copies, sizeof(made), err)) return false;
    h->copy_items = items;
    bool ok = set(&made.token, token, err) && set(&made.label, label, err) && set(&made.role, "", err);
    h->copy_items[h->copies.count++] = made; /* history_free frees it also when it is half made */
    *out = &h->copy_items[h->copies.count - 1];
    k->copies++;
    return ok;
}

static bool take_key(struct history *h, const struct audit_line *l, struct err *err)
{
    size_t index = 0;
    struct history_copy *copy = NULL;
    const char *role = NULL, *algorithm = NULL;

    if (!find_key(h, l, "version", &index, err)) return false;
    struct history_key *k = h->key_items[index];
    if (!text(l, "role", &role, err) || !text(l, "algorithm", &algorithm, err)) return false;
    if (!copy_of(h, l, k, &copy, err) || !set(&copy->role, role, err)) return false;
    if (copy->destroyed) k->copies_destroyed--;
    copy->destroyed = false;
    k->recorded = true;
    return date(l, "not_before", k->not_before, err) && date(l, "not_after", k->not_after, err) &&
           set(&k->role, role, err) && set(&k->algorithm, algorithm, err) &&
           set(&k->kcv, audit_line_text(l, "kcv"), err) &&
           set(&k->origin, audit_line_text(l, "origin"), err) &&
           set(&k->method, audit_line_text(l, "method"), err) && set(&k->token, copy->token, err) &&
           set(&k->label, copy->label, err);
}

static bool take_key_dates(struct history *h, const struct audit_line *l, struct err *err)
{
    size_t index = 0;
    if (!find_key(h, l, "version", &index, err)) return false;
    struct history_key *k = h->key_items[index];
    return date(l, "not_before", k->not_before, err) && date(l, "not_after", k->not_after, err);
}

static bool take_rotate(struct history *h, const struct audit_line *l, struct err *err)
{
    size_t index = 0;
    uint64_t to = 0;
    if (!number(l, "to", &to, err) || !find_key(h, l, "from", &index, err)) return false;
    struct history_key *k = h->key_items[index];
    k->followed_by = to;
    memcpy(k->followed_on, l->time, sizeof(k->followed_on));
    return true;
}

static bool take_destroy(struct history *h, const struct audit_line *l, struct err *err)
{
    size_t index = 0;
    struct history_copy *copy = NULL;
    if (!find_key(h, l, "version", &index, err)) return false;
    struct history_key *k = h->key_items[index];
    if (!copy_of(h, l, k, &copy, err)) return false;
    if (!copy->destroyed) k->copies_destroyed++;
    copy->destroyed = true;
    memcpy(k->destroyed_on, l->time, sizeof(k->destroyed_on));
    return true;
}

static bool take_limit(struct history *h, const struct audit_line *l, struct err *err)
{
    size_t index = 0;
    uint64_t blocks = 0;
    const char *then = NULL;
    if (!find_key(h, l, "version", &index, err) || !number(l, "blocks", &blocks, err) ||
        !text(l, "then", &then, err))
        return false;
    bool stop = strcmp(then, "stop") == 0;
    if (!stop && strcmp(then, "warn") != 0)
        return err_set(err, ERR_INTEGRITY, "'then' is neither warn nor stop");
    struct history_key *k = h->key_items[index];
    k->limit_given = true;
    k->limit_blocks = blocks;
    k->limit_stop = stop;
    return true;
}

void history_use(struct history_key *k, uint64_t blocks)
{
    k->blocks_used = blocks > UINT64_MAX - k->blocks_used ? UINT64_MAX : k->blocks_used + blocks;
}

static bool take_use_begin(struct history *h, const struct audit_line *l, struct err *err)
{
    struct history_begin b = {.seq = l->seq};
    void *items = h->begin_items;
    if (!find_key(h, l, "version", &b.key, err) || !number(l, "blocks", &b.blocks, err)) return false;
    if (!grow(&items, &h->begins, sizeof(b), err)) return false;
    h->begin_items = items;
    h->begin_items[h->begins.count++] = b;
    return true;
}

/* Takes the place of the use-begin that it names. */
static bool take_use(struct history *h, const struct audit_line *l, struct err *err)
{
    size_t index = 0;
    uint64_t begin = 0, blocks = 0;
    if (!find_key(h, l, "version", &index, err) || !number(l, "begin", &begin, err) ||
        !number(l, "actual_blocks", &blocks, err))
        return false;
    for (size_t i = 0; i < h->begins.count; i++) {
        if (h->begin_items[i].seq != begin || h->begin_items[i].key != index) continue;
        h->begin_items[i] = h->begin_items[--h->begins.count];
        history_use(h->key_items[index], blocks);
        return true;
    }
    return err_set(err, ERR_INTEGRITY,
                   "ends no run: line %llu began none with this key, or it was ended before",
                   (unsigned long long)begin);
}

/* The entry of a sender, and of a key of theirs or (key NULL) of their trust; made if it is not there. */
static bool partner(struct history *h, const char *sender, const char *key, struct history_partner **out,
                    struct err *err)
{
    struct history_partner made = {.sender = NULL};
    void *items = h->partner_items;
    for (size_t i = 0; i < h->partners.count; i++) {
        struct history_partner *p = &h->partner_items[i];
        bool same_key = key && p->key ? strcmp(p->key, key) == 0 : !key && !p->key;
        if (!same_key || strcmp(p->sender, sender) != 0) continue;
        *out = p;
        return true;
    }
    if (!grow(&items, &h->partners, sizeof(made), err)) return false;
    h->partner_items = items;
    bool ok = set(&made.sender, sender, err) && (!key || set(&made.key, key, err));
    h->partner_items[h->partners.count++] = made;
    *out = &h->partner_items[h->partners.count - 1];
    return ok;
}

static bool take_import(struct history *h, const struct audit_line *l, struct err *err)
{
    const char *sender = NULL, *key = NULL;
    uint64_t serial = 0;
    struct history_partner *p = NULL;
    if (!text(l, "sender", &sender, err) || !text(l, "key", &key, err) || !number(l, "serial", &serial, err))
        return false;
    if (!partner(h, sender, key, &p, err)) return false;
    if (serial > p->serial) p->serial = serial;
    return true;
}

static bool take_trust(struct history *h, const struct audit_line *l, struct err *err)
{
    const char *sender = NULL, *fingerprint = NULL;
    struct history_partner *p = NULL;
    return text(l, "sender", &sender, err) && text(l, "fingerprint", &fingerprint, err) &&
           partner(h, sender, NULL, &p, err) && set(&p->fingerprint, fingerprint, err);
}

static const struct {
    const char *event;
    bool (*take)(struct history *h, const struct audit_line *l, struct err *err);
} events[] = {
    {"component", take_component},
    {"component-letter", take_component},
    {"key", take_key},
    {"key-dates", take_key_dates},
    {"rotate", take_rotate},
    {"destroy", take_destroy},
    {"limit", take_limit},
    {"use-begin", take_use_begin},
    {"use", take_use},
    {"import", take_import},
    {"trust", take_trust},
};

bool history_take_line(struct history *h, const struct audit_line *l, struct err *err)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (strcmp(events[i].event, l->event) == 0) return events[i].take(h, l, err);
    }
    return true;
}
