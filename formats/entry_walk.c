/* DATA of an entry: its order, and what §3 says of names and data groupings. */
#include "formats/entry.h"

#include <string.h>

#include "formats/dgi.h"

enum {
    TAG_BINDING = 0xC1,
    TAG_DERIVATION_DATA = 0xC2,
    TAG_SECRET = 0xE1,
    TAG_GROUPING = 0xE2,
    BINDING_LEN = JOB_ID_LEN + 8,
};

/* How far a walk has come; what belongs to an earlier stage may not follow. */
enum stage { STAGE_BEGIN, STAGE_BINDING, STAGE_DERIVATION_DATA, STAGE_GROUPINGS, STAGE_LOOSE };

/* The tags that are ours: never data elements. */
static bool is_reserved_tag(uint32_t tag)
{
    return (tag >= 0xC0 && tag <= 0xCF) || (tag >= 0xD0 && tag <= 0xDE) || tag == TAG_SECRET ||
           tag == TAG_GROUPING;
}

static bool refused(const struct tlv *tlv, const char *text, struct err *err)
{
    return err_set(err, ERR_INPUT, "tag %02X at offset %llu: %s", (unsigned)tlv->tag,
                   (unsigned long long)tlv->offset, text);
}

void binding_put(struct buf *b, const struct card_group *card)
{
    tlv_put_head(b, TAG_BINDING, BINDING_LEN);
    buf_put(b, card->job_id, JOB_ID_LEN);
    buf_put_be(b, card->number, 8);
}

void entry_walk_begin(struct entry_walk *w, const struct entry *entry)
{
    /* The two arrays are read only as far as their counts, and they are large. */
    w->data = cur_make(entry->data, entry->data_len, entry->data_offset);
    w->stage = STAGE_BEGIN;
    w->name_count = 0;
    w->dgi_count = 0;
    w->last_is_secret = false;
    w->has_rsa = false;
    w->derivation_data = (struct tlv){.tag = 0};
}

static bool is_crt_dgi(uint16_t dgi)
{
    return dgi >= DGI_CRT_FIRST && dgi <= DGI_CRT_LAST;
}

static const char *add_dgi(struct entry_walk *w, uint16_t dgi, bool secret)
{
    /* The RSA key stands for all of them. */
    if (w->has_rsa && is_crt_dgi(dgi)) return "the RSA key already stands for this DGI";
    for (size_t i = 0; i < w->dgi_count; i++) {
        if (w->dgis[i].dgi != dgi) continue;
        if (w->dgis[i].secret != secret) return "this DGI is both clear and secret";
        return secret ? "secrets of this DGI do not stand next to each other" : "this DGI stands twice";
    }
    if (w->dgi_count == WALK_DGIS_MAX) return "too many DGIs in one entry";
    w->dgis[w->dgi_count].dgi = dgi;
    w->dgis[w->dgi_count].secret = secret;
    w->dgi_count++;
    return NULL;
}

static const char *add_rsa(struct entry_walk *w)
{
    if (w->has_rsa) return "a second RSA key";
    for (size_t i = 0; i < w->dgi_count; i++) {
        if (is_crt_dgi(w->dgis[i].dgi)) return "the RSA key stands for a DGI that stands before it";
    }
    w->has_rsa = true;
    return NULL;
}

static const char *add_name(struct entry_walk *w, const char *name)
{
    for (size_t i = 0; i < w->name_count; i++) {
        if (strcmp(w->names[i], name) == 0) return "this name of a secret stands twice";
    }
    if (w->name_count == WALK_NAMES_MAX) return "too many secrets in one entry";
    memcpy(w->names[w->name_count++], name, SECRET_NAME_MAX + 1);
    return NULL;
}

/* A secret joins the one before it when both are for one DGI. What goes to the card together was made in one way
 * and, where the card itself decrypts it, under one key. */
static const char *add_secret_dgi(struct entry_walk *w, const struct wrapped_secret *secret)
{
    bool joins = w->last_is_secret && w->last.dgi == secret->dgi && secret->kind != SECRET_RSA;
    if (joins && !(w->has_rsa && is_crt_dgi(secret->dgi))) {
        if (w->last.method != secret->method) return "two methods for one DGI";
        if (strcmp(w->last.card_key, secret->card_key) != 0) return "two keys of the card for one DGI";
        return NULL;
    }
    return secret->kind == SECRET_RSA ? add_rsa(w) : add_dgi(w, secret->dgi, true);
}

static const char *check_derivation_data(const struct entry_walk *w, const struct wrapped_secret *secret)
{
    bool derived = secret->kind != SECRET_RSA && secret->kind != SECRET_OPAQUE;
    const struct tlv *entrys = &w->derivation_data;
    if (!derived) return NULL;
    if (!secret->derivation_data && entrys->tag == 0)
        return "there is no derivation data (C2) for this secret";
    if (secret->derivation_data && entrys->tag != 0 &&
        bytes_equal(secret->derivation_data, secret->derivation_data_len, entrys->value, entrys->len))
        return "its own derivation data (C2) is the entry's";
    return NULL;
}

static bool walk_secret(struct entry_walk *w, struct entry_item *out, struct err *err)
{
    const struct wrapped_secret *secret = &out->secret;
    out->kind = ITEM_SECRET;
    if (!wrapped_secret_read(&out->tlv, &out->secret, err)) return false;
    const char *fault = add_name(w, secret->name);
    if (!fault) fault = add_secret_dgi(w, secret);
    if (!fault) fault = check_derivation_data(w, secret);
    if (fault)
        return err_set(err, ERR_INPUT, "E1 at offset %llu: secret %s: DGI %04X: %s",
                       (unsigned long long)out->tlv.offset, secret->name, secret->dgi, fault);
    w->last_is_secret = true;
    w->last.dgi = secret->dgi;
    w->last.method = secret->method;
    memcpy(w->last.card_key, secret->card_key, sizeof(w->last.card_key));
    return true;
}

static bool walk_grouping(struct entry_walk *w, struct entry_item *out, struct err *err)
{
    out->kind = ITEM_GROUPING;
    if (!clear_grouping_read(&out->tlv, &out->grouping, err)) return false;
    const char *fault = add_dgi(w, out->grouping.dgi, false);
    if (fault)
        return err_set(err, ERR_INPUT, "E2 at offset %llu: DGI %04X: %s", (unsigned long long)out->tlv.offset,
                       out->grouping.dgi, fault);
    w->last_is_secret = false;
    return true;
}

static bool walk_derivation_data(struct entry_walk *w, struct entry_item *out, struct err *err)
{
    out->kind = ITEM_DERIVATION_DATA;
    if (out->tlv.len < 1 || out->tlv.len > DERIVATION_DATA_MAX)
        return refused(&out->tlv, "derivation data of the wrong length", err);
    w->derivation_data = out->tlv;
    return true;
}

static bool walk_binding(struct entry_walk *w, struct entry_item *out, struct err *err)
{
    (void)w;
    out->kind = ITEM_BINDING;
    return out->tlv.len == BINDING_LEN ? true : refused(&out->tlv, "a binding (C1) has 24 bytes", err);
}

static bool walk_loose(struct entry_walk *w, struct entry_item *out, struct err *err)
{
    (void)w;
    out->kind = ITEM_LOOSE;
    return is_reserved_tag(out->tlv.tag) ? refused(&out->tlv, "does not belong here", err) : true;
}

struct place {
    uint32_t tag;           /* 0: every other */
    enum stage first, last; /* stages in which it may stand */
    enum stage then;
    bool (*walk)(struct entry_walk *w, struct entry_item *out, struct err *err);
};

static const struct place *find_place(uint32_t tag)
{
    static const struct place places[] = {
        {TAG_BINDING, STAGE_BEGIN, STAGE_BEGIN, STAGE_BINDING, walk_binding},
        {TAG_DERIVATION_DATA, STAGE_BINDING, STAGE_BINDING, STAGE_DERIVATION_DATA, walk_derivation_data},
        {TAG_SECRET, STAGE_BINDING, STAGE_GROUPINGS, STAGE_GROUPINGS, walk_secret},
        {TAG_GROUPING, STAGE_BINDING, STAGE_GROUPINGS, STAGE_GROUPINGS, walk_grouping},
        {0, STAGE_BINDING, STAGE_LOOSE, STAGE_LOOSE, walk_loose},
    };
    size_t i = 0;
    while (places[i].tag != 0 && places[i].tag != tag)
        i++;
    return &places[i];
}

bool entry_walk_next(struct entry_walk *w, struct entry_item *out, struct err *err)
{
    if (cur_left(&w->data) == 0) {
        out->kind = ITEM_END;
        if (w->stage == STAGE_BEGIN)
            return err_set(err, ERR_INPUT, "DATA at offset %llu has no binding (C1)",
                           (unsigned long long)cur_offset(&w->data));
        return true;
    }
    struct cur before = w->data;
    if (!tlv_read(&w->data, &out->tlv, err)) return false;
    const struct place *place = find_place(out->tlv.tag);
    enum stage stage = (enum stage)w->stage;
    bool ok = stage >= place->first && stage <= place->last;
    if (!ok && stage == STAGE_BEGIN)
        refused(&out->tlv, "stands before the binding (C1)", err);
    else if (!ok)
        refused(&out->tlv, "is out of order or stands twice", err);
    else
        ok = place->walk(w, out, err);
    if (!ok) {
        w->data = before;
        return false;
    }
    w->stage = (int)place->then;
    return true;
}

static bool check_binding(const struct tlv *tlv, const struct card_group *card, struct err *err)
{
    uint64_t number = bytes_be(tlv->value + JOB_ID_LEN, 8);
    if (number != card->number)
        return err_set(
            err, ERR_INTEGRITY, "tag C1 at offset %llu: bound to record %llu, not to this one (%llu)",
            (unsigned long long)tlv->offset, (unsigned long long)number, (unsigned long long)card->number);
    if (!bytes_equal(tlv->value, JOB_ID_LEN, card->job_id, JOB_ID_LEN))
        return err_set(err, ERR_INTEGRITY, "tag C1 at offset %llu: bound to a record of another job",
                       (unsigned long long)tlv->offset);
    return true;
}

bool entry_check_open(const struct entry *entry, struct err *err)
{
    struct cur c = cur_make(entry->data, entry->data_len, entry->data_offset);
    struct tlv tlv;
    while (cur_left(&c) > 0) {
        if (!tlv_read(&c, &tlv, err)) return false;
        if (is_reserved_tag(tlv.tag)) return refused(&tlv, "is not allowed in an open entry", err);
    }
    return true;
}

bool entry_check(const struct entry *entry, const struct card_group *card, struct err *err)
{
    struct entry_walk walk;
    struct entry_item item;
    if (!entry->sealed) return entry_check_open(entry, err);
    entry_walk_begin(&walk, entry);
    do {
        if (!entry_walk_next(&walk, &item, err)) return false;
        if (item.kind == ITEM_BINDING && !check_binding(&item.tlv, card, err)) return false;
    } while (item.kind != ITEM_END);
    return true;
}
