/* INSTALL [for personalization] and STORE DATA (GlobalPlatform 11.5, 11.11; EMV Card Personalization): groupings go into the
 * store of one application, which is personalized after the last block. */
#include <string.h>

#include "card/inside.h"
#include "formats/dgi.h"

enum {
    P1_LAST = 0x80,
    P1_ENCRYPTED = 0x60, /* bits 7–6 */
    BITS_CLEAR = 0x00,
    BITS_APPLICATION = 0x20,
    BITS_CHANNEL = 0x60,
    P1_STRUCTURE = 0x18,
    STRUCTURE_DGI = 0x08,
    HEAD_SHORT = 3,
    HEAD_LONG = 5,
    LENGTH_LONG = 0xFF,
};

uint16_t card_install(struct card *card, const struct apdu *cmd, struct buf *out)
{
    enum { FOR_PERSONALIZATION = 0x20 };
    const uint8_t *at = cmd->data;

    if (cmd->p1 != FOR_PERSONALIZATION || cmd->p2) return SW_P1P2;
    /* two empty fields, the AID, three empty fields */
    if (cmd->len < 6 || at[0] || at[1] || cmd->len != 6 + (size_t)at[2]) return SW_DATA;
    size_t aid_len = at[2];
    if (at[3 + aid_len] || at[4 + aid_len] || at[5 + aid_len]) return SW_DATA;
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        const struct card_app *app = &card->now.apps[i];
        if (app->kind == APP_NONE || !bytes_equal(app->aid, app->aid_len, at + 3, aid_len)) continue;
        if (app->life != APP_SELECTABLE || app->locked) return SW_CONDITIONS;
        wipe(&card->perso, sizeof(card->perso));
        card->perso.app = (int)i;
        buf_put_u8(out, 0);
        return SW_OK;
    }
    return SW_NO_DATA;
}

/* One byte of the head: DGI (2), length (1), or FF and two bytes. */
static uint16_t take_head(struct personalization *p, uint8_t byte)
{
    p->head_bytes[p->head++] = byte;
    if (p->head < HEAD_SHORT || (p->head < HEAD_LONG && p->head_bytes[2] == LENGTH_LONG)) return SW_OK;
    p->dgi = (uint16_t)(p->head_bytes[0] << 8 | p->head_bytes[1]);
    p->len = p->head_bytes[2];
    if (p->head == HEAD_LONG) {
        p->len = (size_t)p->head_bytes[3] << 8 | p->head_bytes[4];
        if (p->len < LENGTH_LONG) return SW_DATA;
    }
    p->have = 0;
    return p->len > sizeof(p->value) ? SW_NO_ROOM : SW_OK;
}

static bool head_is_whole(const struct personalization *p)
{
    return p->head == HEAD_LONG || (p->head == HEAD_SHORT && p->head_bytes[2] != LENGTH_LONG);
}

/* The data of one command: groupings that end here are stored, the last may go on in the next command. */
static uint16_t feed(struct card *card, size_t app, const struct apdu *cmd)
{
    struct personalization *p = &card->perso;
    uint8_t bits = cmd->p1 & P1_ENCRYPTED;
    uint16_t sw = SW_OK;
    size_t at = 0;

    if (p->head && p->bits != bits && cmd->len) return SW_DATA;
    p->bits = bits;
    while (at < cmd->len || head_is_whole(p)) {
        if (!head_is_whole(p)) {
            sw = take_head(p, cmd->data[at++]);
            if (sw != SW_OK) return sw;
            continue;
        }
        size_t take = p->len - p->have < cmd->len - at ? p->len - p->have : cmd->len - at;
        if (take) memcpy(p->value + p->have, cmd->data + at, take);
        p->have += take;
        at += take;
        if (p->have < p->len) return SW_OK;
        sw = card_store_group(card, app, p->dgi, p->value, p->len, bits);
        wipe(p->value, p->len);
        p->head = 0;
        if (sw != SW_OK) return sw;
    }
    return SW_OK;
}

static uint16_t finish(struct card *card, size_t app)
{
    enum { DGI_PIN = 0x8010, DGI_TRIES = 0x9010, TRIES_DEFAULT = 3 };
    struct card_app *a = &card->now.apps[app];
    struct card_group group;
    struct card_rsa pair;
    bool keys = state_find(&card->now, app, 0x8000, &group);

    if (card->perso.head) return SW_DATA;
    if (keys != (card_app_key_count(card, app) > 0)) return SW_DATA;
    for (unsigned dgi = DGI_CRT_FIRST; dgi <= DGI_CRT_LAST; dgi++) {
        if (state_find(&card->now, app, (uint16_t)dgi, &group) && !card_app_rsa(card, app, &pair))
            return SW_DATA;
    }
    if (state_find(&card->now, app, DGI_PIN, &group)) a->pin_left = a->pin_limit = TRIES_DEFAULT;
    if (state_find(&card->now, app, DGI_TRIES, &group)) {
        a->pin_left = group.value[0];
        a->pin_limit = group.value[1];
    }
    a->life = APP_PERSONALIZED;
    card->perso.app = ISD;
    card->perso.started = false;
    return SW_OK;
}

static uint16_t store(struct card *card, size_t app, const struct apdu *cmd)
{
    struct personalization *p = &card->perso;
    uint8_t bits = cmd->p1 & P1_ENCRYPTED, structure = cmd->p1 & P1_STRUCTURE;

    if (bits != BITS_CLEAR && bits != BITS_APPLICATION && bits != BITS_CHANNEL) return SW_P1P2;
    if (structure != 0 && structure != STRUCTURE_DGI) return SW_P1P2;
    if (!p->started) {
        if (cmd->p2) return SW_P1P2;
        state_drop(&card->now, app);
        p->started = true;
    } else if (cmd->p2 != p->next) {
        return SW_P1P2;
    }
    p->next = (uint8_t)(cmd->p2 + 1);
    card->changed = true;
    uint16_t sw = feed(card, app, cmd);
    if (sw == SW_OK && cmd->p1 & P1_LAST) sw = finish(card, app);
    return sw;
}

uint16_t card_store_data(struct card *card, const struct apdu *cmd, struct buf *out)
{
    int app = card->selected >= 0 ? card->selected : card->perso.app;

    (void)out;
    if (app < 0) return SW_CONDITIONS;
    if (card->now.life == CARD_LOCKED || card->now.apps[app].life != APP_SELECTABLE) return SW_CONDITIONS;
    uint16_t sw = store(card, (size_t)app, cmd);
    if (sw != SW_OK) {
        wipe(&card->perso, sizeof(card->perso));
        card->perso.app = card->selected >= 0 ? ISD : app;
    }
    return sw;
}
