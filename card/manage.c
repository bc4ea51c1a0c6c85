/* GET DATA, GET STATUS and SET STATUS (GlobalPlatform 11.3, 11.4, 11.10; EMV Book 3, 6.5.7). */
#include <string.h>

#include "card/inside.h"
#include "formats/tlv.h"

static const uint8_t domain[] = {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00};
enum { DATA_MAX = 256 };

/* Card production life cycle data: the fields that a card has here are fabricator, serial and batch; the rest is zero. */
static bool put_cplc(struct card *card, struct buf *value)
{
    enum { CPLC_LEN = 42, SERIAL_AT = 12, SERIAL_LEN = 4, BATCH_LEN = 2 };
    const uint8_t *key_data = card->now.key_data;
    size_t at = buf_reserve(value, CPLC_LEN);

    buf_set(value, at + SERIAL_AT, key_data + 4, SERIAL_LEN);
    buf_set(value, at + SERIAL_AT + SERIAL_LEN, key_data + 8, BATCH_LEN);
    return true;
}

/* Card recognition data (H.3): GlobalPlatform, its version 2.3, and the secure channel protocol with its option i. */
static bool put_recognition(struct card *card, struct buf *value)
{
    const uint8_t data[] = {
        0x06,          0x07,       0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01,             /* GlobalPlatform */
        0x60,          0x0B,       0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x02, /* card management */
        0x02,          0x03,                                                             /* version 2.3 */
        0x63,          0x09,       0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x03, /* identification */
        0x64,          0x0B,       0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04, /* secure channel */
        card->now.scp, card->now.i};
    tlv_put(value, 0x73, data, sizeof(data));
    return true;
}

static bool put_key_information(struct card *card, struct buf *value)
{
    for (size_t i = 0; i < CARD_KEYSETS_MAX; i++) {
        const struct card_keyset *set = &card->now.keysets[i];
        for (size_t k = 0; set->version && k < KEY_COUNT; k++) {
            const uint8_t entry[] = {(uint8_t)(k + 1), set->version, set->key[k].type, set->key[k].len};
            tlv_put(value, 0xC0, entry, sizeof(entry));
        }
    }
    return true;
}

static bool put_serial(struct card *card, struct buf *value)
{
    buf_put(value, card->now.key_data, CARD_KEY_DATA_LEN);
    return true;
}

static bool put_sequence(struct card *card, struct buf *value)
{
    const struct card_keyset *set = state_keyset(&card->now, 0);
    buf_put_be(value, set ? set->sequence : 0, card->now.scp == 2 ? 2 : 3);
    return true;
}

static bool put_atc(struct card *card, struct buf *value)
{
    buf_put_be(value, card_selected_app(card)->atc, 2);
    return true;
}

static bool put_last_online(struct card *card, struct buf *value)
{
    buf_put_be(value, card_selected_app(card)->last_online, 2);
    return true;
}

static bool put_tries(struct card *card, struct buf *value)
{
    const struct card_app *app = card_selected_app(card);
    if (app->pin_limit == 0) return false;
    buf_put_u8(value, app->pin_left);
    return true;
}

static const struct row {
    uint32_t tag;
    bool of_domain;
    bool (*put)(struct card *card, struct buf *value); /* false: there is no such data */
} rows[] = {
    {0x45, true, put_serial},         {0x66, true, put_recognition},     {0xC1, true, put_sequence},
    {0xCF, true, put_serial},         {0xE0, true, put_key_information}, {0x9F7F, true, put_cplc},
    {0x9F13, false, put_last_online}, {0x9F17, false, put_tries},        {0x9F36, false, put_atc},
};

/* What no row makes may have been loaded with a grouping: 9F4F, for one. */
static bool loaded(struct card *card, uint32_t tag, struct buf *value)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    const struct card_app *app = card_selected_app(card);

    if (!app || app->life != APP_PERSONALIZED ||
        !card_app_find(card, (size_t)card->selected, tag, &data, &len))
        return false;
    buf_put(value, data, len);
    return true;
}

uint16_t card_get_data(struct card *card, const struct apdu *cmd, struct buf *out)
{
    uint32_t tag = (uint32_t)cmd->p1 << 8 | cmd->p2;
    bool domain_asked = card->selected == ISD, found = false;
    struct buf value;

    if (!tlv_is_tag(tag)) return SW_NO_DATA;
    buf_init(&value, DATA_MAX);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].tag == tag && rows[i].of_domain == domain_asked) found = rows[i].put(card, &value);
    }
    if (!found && (cmd->p1 == 0x9F || cmd->p1 == 0xBF) && !domain_asked) found = loaded(card, tag, &value);
    if (found) tlv_put(out, tag, value.data, value.len);
    if (value.failed) buf_put_be(out, UINT64_MAX, 1); /* marks the answer as failed */
    buf_release(&value);
    return found ? SW_OK : SW_NO_DATA;
}

enum { OF_DOMAIN = 0x80, OF_APPLICATIONS = 0x40, OF_LOAD_FILES = 0x20, OF_MODULES = 0x10 };

/* One entry: the old form, or the TLV form of P2 = 02. */
static void put_status(struct buf *out, bool tlv, const uint8_t *aid, size_t aid_len, uint8_t life,
                       uint8_t privileges)
{
    if (!tlv) {
        buf_put_u8(out, (uint8_t)aid_len);
        buf_put(out, aid, aid_len);
        buf_put_u8(out, life);
        buf_put_u8(out, privileges);
        return;
    }
    const uint8_t more[] = {privileges, 0, 0};
    tlv_put_head(out, 0xE3, tlv_size(0x4F, aid_len) + tlv_size(0x9F70, 1) + tlv_size(0xC5, sizeof(more)));
    tlv_put(out, 0x4F, aid, aid_len);
    tlv_put(out, 0x9F70, &life, 1);
    tlv_put(out, 0xC5, more, sizeof(more));
}

uint16_t card_get_status(struct card *card, const struct apdu *cmd, struct buf *out)
{
    enum { TAG_AID = 0x4F, DOMAIN_PRIVILEGES = 0x9E, LOCKED_BIT = 0x80 };
    bool tlv = cmd->p2 & 0x02;

    if (cmd->p2 & (uint8_t)~0x02) return SW_P1P2;
    if (cmd->p1 == OF_LOAD_FILES || cmd->p1 == OF_MODULES) return SW_NO_DATA;
    if (cmd->p1 != OF_DOMAIN && cmd->p1 != OF_APPLICATIONS) return SW_P1P2;
    if (cmd->len < 2 || cmd->data[0] != TAG_AID || cmd->data[1] > CARD_AID_MAX ||
        cmd->len < 2 + (size_t)cmd->data[1])
        return SW_DATA;
    const uint8_t *wanted = cmd->data + 2;
    size_t wanted_len = cmd->data[1];
    if (cmd->p1 == OF_DOMAIN) {
        if (wanted_len > sizeof(domain) || memcmp(domain, wanted, wanted_len) != 0) return SW_NO_DATA;
        put_status(out, tlv, domain, sizeof(domain), card->now.life, DOMAIN_PRIVILEGES);
        return SW_OK;
    }
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        const struct card_app *app = &card->now.apps[i];
        bool fits = app->kind && wanted_len <= app->aid_len && memcmp(app->aid, wanted, wanted_len) == 0;
        uint8_t life = app->locked ? (uint8_t)(app->life | LOCKED_BIT) : app->life;
        if (fits) put_status(out, tlv, app->aid, app->aid_len, life, 0);
    }
    return out->len ? SW_OK : SW_NO_DATA;
}

/* GlobalPlatform 5.1.2: forwards step by step, LOCKED back to SECURED, TERMINATED from anywhere. */
static uint16_t set_card_life(struct card *card, uint8_t to)
{
    static const struct {
        uint8_t from, to;
    } steps[] = {{CARD_OP_READY, CARD_INITIALIZED},
                 {CARD_INITIALIZED, CARD_SECURED},
                 {CARD_OP_READY, CARD_SECURED},
                 {CARD_SECURED, CARD_LOCKED},
                 {CARD_LOCKED, CARD_SECURED}};
    bool allowed = to == CARD_TERMINATED;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i].from == card->now.life && steps[i].to == to) allowed = true;
    }
    if (!allowed) return state_life_is_valid(to) ? SW_CONDITIONS : SW_DATA;
    card->now.life = to;
    card->changed = true;
    return SW_OK;
}

static uint16_t set_app_life(struct card *card, const struct apdu *cmd)
{
    enum { LOCK = 0x80 };

    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        struct card_app *app = &card->now.apps[i];
        if (app->kind == APP_NONE || !bytes_equal(app->aid, app->aid_len, cmd->data, cmd->len)) continue;
        app->locked = cmd->p2 & LOCK ? 1 : 0;
        card->changed = true;
        return SW_OK;
    }
    return SW_NO_DATA;
}

uint16_t card_set_status(struct card *card, const struct apdu *cmd, struct buf *out)
{
    (void)out;
    if (cmd->p1 == OF_DOMAIN) return set_card_life(card, cmd->p2);
    if (cmd->p1 == OF_APPLICATIONS) return set_app_life(card, cmd);
    return SW_P1P2;
}
