/* Which operations a record and its conversation take, counted from the record and the commands. */
#include <stdio.h>
#include <string.h>

#include "bench/bureau/operation_internal.h"
#include "bureau/translate.h"
#include "formats/dgi.h"

enum {
    INS_INITIALIZE_UPDATE = 0x50,
    INS_EXTERNAL_AUTHENTICATE = 0x82,
    CLA_SECURE = 0x04,
    HEAD_AND_MAC = APDU_HEADER + 1 + SCP_MAC,
    CRT_PARTS = DGI_CRT_LAST - DGI_CRT_FIRST + 1
};

/* NULL when the list is full, which err then says. */
static struct bureau_operation *add(struct bureau_bench *b, enum operation_kind kind, struct err *err)
{
    if (b->count == BUREAU_OPERATIONS_MAX) {
        err_set(err, ERR_CONFIG, "a card of more than %d operations", BUREAU_OPERATIONS_MAX);
        return NULL;
    }
    struct bureau_operation *o = &b->list[b->count++];
    *o = (struct bureau_operation){.kind = kind, .times = 1};
    return o;
}

/* ---- MACs ---- */

struct mac_place {
    const uint8_t *kekid, *mackey;
    size_t len;
};

/* A MAC, and before it its key where that is another than the last one's. */
static bool add_mac(struct bureau_bench *b, struct mac_place *last, const struct mac_place *now,
                    struct err *err)
{
    struct bureau_operation *o;
    const bool same = last->kekid && memcmp(last->kekid, now->kekid, KEKID_LEN) == 0 &&
                      memcmp(last->mackey, now->mackey, MACKEY_LEN) == 0;
    if (!same) {
        if (!(o = add(b, OPERATION_MAC_KEY, err))) return false;
        o->kek = ring_kek(b->setup.ring, now->kekid);
        o->mackey = now->mackey;
        snprintf(o->what, sizeof(o->what), "AES256");
        *last = *now;
    }
    if (!(o = add(b, OPERATION_MAC, err))) return false;
    o->len = now->len;
    snprintf(o->what, sizeof(o->what), "%zu bytes", o->len);
    return true;
}

static bool add_macs(struct bureau_bench *b, struct err *err)
{
    const struct open_record *r = b->record;
    const uint8_t *bytes = NULL;
    struct mac_place last = {.kekid = NULL}, now = {r->card.seal.kekid, r->card.seal.mackey, 0};

    if (!seal_maced_bytes(&r->mic, &bytes, &now.len, err) || !add_mac(b, &last, &now, err)) return false;
    for (size_t i = 0; i < r->card.entry_count; i++) {
        const struct entry *e = &r->card.entries[i];
        now = (struct mac_place){e->kekid, e->mackey, e->maced_len};
        if (e->sealed && !add_mac(b, &last, &now, err)) return false;
    }
    const struct ring_kek *kek = ring_kek(b->setup.ring, r->card.seal.kekid);
    return bureau_unwrap_mac_key(b, kek, r->card.seal.mackey, &b->mac_key, err);
}

/* ---- secrets ---- */

static void name_secret(char what[48], const struct wrapped_secret *w)
{
    snprintf(what, 48, "%.30s, %s", w->name, secret_kind_row(w->kind)->name);
}

static bool add_secrets(struct bureau_bench *b, const struct open_application *a, struct err *err)
{
    for (size_t i = 0; i < a->secret_count; i++) {
        const struct open_secret *s = &a->secrets[i];
        if (s->wrapped.method != METHOD_KWP) continue;
        struct bureau_operation *o = add(b, OPERATION_SECRET, err);
        if (!o) return false;
        o->secret = s;
        name_secret(o->what, &s->wrapped);
    }
    return true;
}

static size_t padded(size_t len, size_t block, bool always)
{
    return always ? (len / block + 1) * block : (len + block - 1) / block * block;
}

static size_t secret_len(const struct wrapped_secret *w)
{
    return w->kind == SECRET_OPAQUE ? w->true_len : secret_kind_row(w->kind)->key_len;
}

/* What is encrypted for a readable item: its keys together, or five parts of a private key. */
static bool measure_item(struct bureau_bench *b, struct bureau_operation *o, struct err *err)
{
    const size_t block = b->line.channel.aes ? HSM_CHANNEL_AES_BLOCK : HSM_CHANNEL_TDES_BLOCK;
    const struct open_secret *first = &o->item->secrets[0];
    uint8_t modulus[HSM_MODULUS_MAX];
    size_t len = 0;

    o->encryptions = 1;
    if (first->wrapped.kind == SECRET_RSA) {
        if (!hsm_private_modulus(b->setup.token, &first->key, modulus, &len, err)) return false;
        o->len = padded(len / 2, block, true);
        o->encryptions = CRT_PARTS;
        return true;
    }
    for (size_t i = 0; i < o->item->secret_count; i++)
        len += secret_len(&o->item->secrets[i].wrapped);
    o->len = padded(len, block, false);
    return true;
}

static bool add_item(struct bureau_bench *b, const struct open_item *item, struct err *err)
{
    const enum translate_way way = translate_way(&b->setup.ring->abilities, item, b->line.channel.aes);
    struct bureau_operation *o;

    if (way == TRANSLATE_READABLE) {
        if (!(o = add(b, OPERATION_TRANSLATE, err))) return false;
        o->item = item;
        snprintf(o->what, sizeof(o->what), "DGI %04X, %zu secrets", item->dgi, item->secret_count);
        return measure_item(b, o, err);
    }
    for (size_t i = 0; way == TRANSLATE_INSIDE && i < item->secret_count; i++) {
        if (!(o = add(b, OPERATION_REWRAP, err))) return false;
        o->secret = &item->secrets[i];
        name_secret(o->what, &o->secret->wrapped);
    }
    return true;
}

static bool add_record(struct bureau_bench *b, struct err *err)
{
    if (!add_macs(b, err)) return false;
    for (size_t i = 0; i < b->record->application_count; i++) {
        if (!add_secrets(b, &b->record->applications[i], err)) return false;
    }
    for (size_t i = 0; i < b->record->application_count; i++) {
        const struct open_application *a = &b->record->applications[i];
        for (size_t k = 0; k < a->item_count; k++) {
            if (a->items[k].secrets && !add_item(b, &a->items[k], err)) return false;
        }
    }
    return true;
}

/* ---- the conversation ---- */

/* The same again counts once more. */
static bool add_again(struct bureau_bench *b, const struct bureau_operation *one, struct err *err)
{
    for (size_t i = b->of_record; i < b->count; i++) {
        struct bureau_operation *o = &b->list[i];
        if (o->kind != one->kind || o->len != one->len || o->encryptions != one->encryptions) continue;
        o->times++;
        return true;
    }
    struct bureau_operation *o = add(b, one->kind, err);
    if (!o) return false;
    *o = *one;
    o->times = 1;
    return true;
}

/* The card's keys are derived once for all its channels. */
static bool add_channel(struct bureau_bench *b, struct err *err)
{
    struct bureau_operation o = {.kind = OPERATION_CARD_KEYS};
    bool derived = false;

    snprintf(o.what, sizeof(o.what), "SCP%02X", (unsigned)b->setup.card.protocol);
    for (size_t i = b->of_record; i < b->count; i++)
        derived = derived || b->list[i].kind == OPERATION_CARD_KEYS;
    if (!derived && !add_again(b, &o, err)) return false;
    o.kind = OPERATION_CHANNEL;
    return add_again(b, &o, err);
}

static bool add_command(struct bureau_bench *b, const struct script_command *c, struct err *err)
{
    struct bureau_operation o = {.kind = OPERATION_COMMAND};
    const bool authenticates = c->ins == INS_EXTERNAL_AUTHENTICATE;

    if (c->ins == INS_INITIALIZE_UPDATE) return add_channel(b, err);
    if (!(c->cla & CLA_SECURE) || c->len <= HEAD_AND_MAC) return true;
    o.len = (size_t)c->len - HEAD_AND_MAC;
    o.encryptions = !authenticates && b->setup.ring->settings->level == BUREAU_LEVEL_MAC_ENCRYPTION;
    snprintf(o.what, sizeof(o.what), "%zu bytes, %s", o.len, o.encryptions ? "encrypted" : "MAC alone");
    return add_again(b, &o, err);
}

bool bureau_operations_list(struct bureau_bench *b, const struct script_part *part, struct err *err)
{
    b->count = 0;
    if (!add_record(b, err)) return false;
    b->of_record = b->count;
    for (size_t i = 0; part && i < part->count; i++) {
        if (!add_command(b, &part->commands[i], err)) return false;
    }
    return true;
}
