#include <stdio.h>
#include <string.h>

#include "bureau/conversation_internal.h"
#include "formats/dgi.h"

enum {
    CLA_ISO = 0x00,
    CLA_GP = 0x80,
    INS_SELECT = 0xA4,
    INS_INITIALIZE_UPDATE = 0x50,
    INS_PUT_KEY = 0xD8,
    INS_INSTALL = 0xE6,
    INS_STORE_DATA = 0xE2,
    INS_SET_STATUS = 0xF0,
    INS_GET_RESPONSE = 0xC0,
    P1_SELECT_BY_NAME = 0x04,
    P1_FOR_PERSONALIZATION = 0x20,
    P1_STORE_LAST = 0x80,
    P1_STORE_ENCRYPTED = 0x60,
    P1_STORE_APPLICATION = 0x20,
    P1_STATUS_OF_DOMAIN = 0x80,
    KEY_VERSION_MAX = 0x7F,
    KEY_INDEX_SEVERAL = 0x81, /* keys 1 to 3 in one command */
    STORE_BLOCKS = 256,       /* P2 is one byte */
};

/* ---- giving commands ---- */

static bool give(struct conversation *c, struct card_turn *turn, struct err *err)
{
    conversation_set_turn(c, turn);
    turn->done = false;
    buf_clear(&turn->command);
    buf_put(&turn->command, c->command.data, c->command.len);
    return buf_ok(&turn->command, "command", err);
}

static bool give_apdu(struct conversation *c, const struct apdu *a, bool secure, struct card_turn *turn,
                      struct err *err)
{
    const struct card_crypto *k = &c->order.crypto;
    struct err why = ERR_INIT;
    buf_clear(&c->command);
    buf_clear(&c->collected);
    c->fetches = 0;
    c->fetching = false;
    c->in_channel = secure;
    bool ok = true;
    if (secure)
        ok = k->secure(k->context, a, &c->command, &why);
    else
        apdu_put(&c->command, a);
    ok = ok && buf_ok(&c->command, "command", &why);
    return ok ? give(c, turn, err) : conversation_fail(c, turn, &why, err);
}

bool conversation_give_secured(struct conversation *c, const struct apdu *a, struct card_turn *turn,
                               struct err *err)
{
    return give_apdu(c, a, true, turn, err);
}

const struct open_application *conversation_application(const struct conversation *c)
{
    return &c->order.record->applications[c->application];
}

static bool give_select(struct conversation *c, struct card_turn *turn, struct err *err)
{
    const bool domain = c->step == STEP_SELECT_DOMAIN;
    const struct entry *e = domain ? NULL : conversation_application(c)->entry;
    const struct apdu a = {CLA_ISO,           INS_SELECT,         P1_SELECT_BY_NAME, 0,
                           e ? e->aid : NULL, e ? e->aid_len : 0, APDU_SHORT_LE_MAX};
    c->order.crypto.hang_up(c->order.crypto.context); /* selecting ends a channel */
    if (domain)
        snprintf(c->what, sizeof(c->what), "SELECT the security domain");
    else
        snprintf(c->what, sizeof(c->what), "SELECT application %s", conversation_application(c)->name);
    return give_apdu(c, &a, false, turn, err);
}

static bool give_initialize(struct conversation *c, struct card_turn *turn, struct err *err)
{
    const struct card_crypto *k = &c->order.crypto;
    const struct apdu a = {CLA_GP, INS_INITIALIZE_UPDATE, 0, 0, c->host, sizeof(c->host), APDU_SHORT_LE_MAX};
    struct err why = ERR_INIT;
    snprintf(c->what, sizeof(c->what), "INITIALIZE UPDATE");
    if (c->order.challenge)
        memcpy(c->host, c->given, sizeof(c->host));
    else if (!k->random(k->context, c->host, &why))
        return conversation_fail(c, turn, &why, err);
    return give_apdu(c, &a, false, turn, err);
}

static bool give_authenticate(struct conversation *c, struct card_turn *turn, struct err *err)
{
    snprintf(c->what, sizeof(c->what), "EXTERNAL AUTHENTICATE");
    buf_clear(&c->command);
    buf_clear(&c->collected);
    c->fetches = 0;
    c->fetching = false;
    c->in_channel = false; /* its answer has no MAC at any level */
    buf_put(&c->command, c->authenticate.data, c->authenticate.len);
    return give(c, turn, err);
}

static bool give_put_key(struct conversation *c, struct card_turn *turn, struct err *err)
{
    /* Initial keys have version FF, which P1 cannot name: new ones are added, and take their place (GP 11.8.2.1). */
    const uint8_t replaced = c->keys.old_version > KEY_VERSION_MAX ? 0 : c->keys.old_version;
    const struct apdu a = {CLA_GP,           INS_PUT_KEY,      replaced, KEY_INDEX_SEVERAL, c->keys.data.data,
                           c->keys.data.len, APDU_SHORT_LE_MAX};
    snprintf(c->what, sizeof(c->what), "PUT KEY, version %u for %u", (unsigned)c->keys.version,
             (unsigned)c->keys.old_version);
    return give_apdu(c, &a, true, turn, err);
}

/* Length of what, AID, no privileges, parameters, token: all but the AID empty (GP 11.5.2.3.6). */
static bool give_install(struct conversation *c, struct card_turn *turn, struct err *err)
{
    const struct entry *e = conversation_application(c)->entry;
    uint8_t data[2 + 1 + AID_MAX + 3] = {0};
    data[2] = (uint8_t)e->aid_len;
    memcpy(&data[3], e->aid, e->aid_len);
    const struct apdu a = {
        CLA_GP, INS_INSTALL, P1_FOR_PERSONALIZATION, 0, data, 2 + 1 + e->aid_len + 3, APDU_SHORT_LE_MAX};
    snprintf(c->what, sizeof(c->what), "INSTALL [for personalization] of application %s",
             conversation_application(c)->name);
    return give_apdu(c, &a, true, turn, err);
}

static bool give_status(struct conversation *c, struct card_turn *turn, struct err *err)
{
    const bool lock = c->step == STEP_LOCK;
    const struct apdu a = {CLA_GP,
                           INS_SET_STATUS,
                           P1_STATUS_OF_DOMAIN,
                           lock ? CARD_STATUS_SECURED : CARD_STATUS_INITIALIZED,
                           NULL,
                           0,
                           0};
    snprintf(c->what, sizeof(c->what), "SET STATUS: %s",
             lock ? "the card is locked" : "the card is initialized");
    return give_apdu(c, &a, true, turn, err);
}

/* ---- STORE DATA ---- */

/* Makes the groupings of the item under way, once. */
static bool prepare_item(struct conversation *c, struct err *why)
{
    const struct card_crypto *k = &c->order.crypto;
    const struct open_item *item = &conversation_application(c)->items[c->item];
    bool application_key = false;
    if (c->dgis.len > 0) return true;
    c->dgi_at = c->sent = 0;
    c->encryption = 0;
    if (!item->secrets) {
        dgi_put(&c->dgis, item->dgi, item->value, item->len);
        return buf_ok(&c->dgis, "data grouping", why);
    }
    if (!k->protect(k->context, item, &c->dgis, &application_key, why)) {
        err_prefix(why, "DGI %04X", item->dgi);
        return false;
    }
    c->encryption = application_key ? P1_STORE_APPLICATION : P1_STORE_ENCRYPTED;
    return true;
}

/* The DGI under way: its number, and where it ends. */
static bool dgi_now(const struct conversation *c, uint16_t *id, size_t *len, struct err *why)
{
    struct cur cur = cur_make(&c->dgis.data[c->dgi_at], c->dgis.len - c->dgi_at, 0);
    struct dgi dgi;
    if (!dgi_read(&cur, &dgi, why)) return false;
    *id = dgi.id;
    *len = cur.pos;
    return true;
}

/* Of what is left of a DGI, what goes into the next command. An extended command always carries more than a short one could
 * without encryption: SCP02 MACs the length from before the encryption, which says then as well that it is extended. */
static size_t part_of(const struct conversation *c, size_t left)
{
    const struct card_crypto *k = &c->order.crypto;
    const size_t short_max = APDU_SHORT_DATA_MAX - SCP_MAC;
    size_t room = 0;
    if (c->order.extended && left > short_max)
        room = k->data_max(k->context, c->order.record->ring->settings->command_data_max);
    if (room <= short_max) room = k->data_max(k->context, APDU_SHORT_DATA_MAX);
    return left < room ? left : room;
}

static bool give_store(struct conversation *c, struct card_turn *turn, struct err *err)
{
    const struct open_application *app = conversation_application(c);
    struct err why = ERR_INIT;
    uint16_t id = 0;
    size_t len = 0;
    snprintf(c->what, sizeof(c->what), "STORE DATA %zu of %zu, application %s", c->item + 1, app->item_count,
             app->name);
    if (!prepare_item(c, &why) || !dgi_now(c, &id, &len, &why)) return conversation_fail(c, turn, &why, err);
    if (c->block == STORE_BLOCKS) {
        err_set(&why, ERR_INPUT, "more than %d commands", STORE_BLOCKS);
        return conversation_fail(c, turn, &why, err);
    }
    snprintf(c->what, sizeof(c->what), "STORE DATA %zu of %zu (DGI %04X), application %s", c->item + 1,
             app->item_count, (unsigned)id, app->name);
    c->sending = part_of(c, len - c->sent);
    const bool last =
        c->item + 1 == app->item_count && c->dgi_at + len == c->dgis.len && c->sent + c->sending == len;
    const struct apdu a = {CLA_GP,
                           INS_STORE_DATA,
                           (uint8_t)(c->encryption | (last ? P1_STORE_LAST : 0)),
                           (uint8_t)c->block,
                           &c->dgis.data[c->dgi_at + c->sent],
                           c->sending,
                           0};
    return give_apdu(c, &a, true, turn, err);
}

void conversation_stored(struct conversation *c)
{
    struct err unused = ERR_INIT;
    uint16_t id = 0;
    size_t len = 0;
    c->block++;
    c->sent += c->sending;
    if (!dgi_now(c, &id, &len, &unused) || c->sent < len) return;
    c->dgi_at += len;
    c->sent = 0;
    if (c->dgi_at < c->dgis.len) return;
    buf_clear(&c->dgis);
    c->item++;
}

/* ---- the order of steps ---- */

typedef bool give_fn(struct conversation *c, struct card_turn *turn, struct err *err);
static give_fn *const givers[] = {
    [STEP_SELECT_DOMAIN] = give_select,
    [STEP_SELECT_APPLICATION] = give_select,
    [STEP_INITIALIZE_UPDATE] = give_initialize,
    [STEP_AUTHENTICATE] = give_authenticate,
    [STEP_PUT_KEY] = give_put_key,
    [STEP_APPLICATIONS_STATUS] = conversation_give_get_status,
    [STEP_CARD_STATUS] = conversation_give_get_status,
    [STEP_INSTALL] = give_install,
    [STEP_STORE] = give_store,
    [STEP_INITIALIZED] = give_status,
    [STEP_LOCK] = give_status,
};

bool conversation_give(struct conversation *c, struct card_turn *turn, struct err *err)
{
    return givers[c->step](c, turn, err);
}

bool conversation_give_fetch(struct conversation *c, unsigned sw, struct card_turn *turn, struct err *err)
{
    const uint8_t more = (uint8_t)sw;
    const struct apdu get = {CLA_ISO, INS_GET_RESPONSE, 0, 0, NULL, 0, more == 0 ? APDU_SHORT_LE_MAX : more};
    c->fetching = true;
    conversation_set_turn(c, turn);
    turn->done = false;
    buf_clear(&turn->command);
    apdu_put(&turn->command, &get);
    return buf_ok(&turn->command, "command", err);
}

bool conversation_give_again(struct conversation *c, unsigned sw, struct card_turn *turn, struct err *err)
{
    struct err why = ERR_INIT;
    struct buf with_le;
    buf_init(&with_le, COMMAND_MAX);
    bool ok = apdu_put_again(&with_le, c->command.data, c->command.len, (uint8_t)sw, &why);
    if (ok) {
        buf_clear(&c->command);
        buf_put(&c->command, with_le.data, with_le.len);
    }
    buf_release(&with_le);
    return ok ? give(c, turn, err) : conversation_fail(c, turn, &why, err);
}
