/* A payment application's commands (EMV Book 3, 6.5): GET PROCESSING OPTIONS, GENERATE AC. */
#include <string.h>

#include "card/inside.h"
#include "formats/tlv.h"

enum {
    DGI_OPTIONS = 0x9104,
    TAG_PDOL = 0x9F38,
    TAG_CDOL1 = 0x8C,
    TAG_CDOL2 = 0x8D,
    TAG_AIP = 0x82,
    TAG_CID = 0x9F27,
    TAG_ATC = 0x9F36,
    TAG_AC = 0x9F26,
    TAG_ANSWER = 0x77,
    ATC_MAX = 0xFFFF,
    ANSWER_MAX = 512,
};

/* Data object list (Book 3, 5.4): tag ‖ length, without values. */
struct dol_entry {
    uint32_t tag;
    uint8_t len;
};

static bool dol_next(struct cur *c, struct dol_entry *out)
{
    struct err err = ERR_INIT;
    uint8_t byte = 0;

    if (cur_left(c) == 0 || !cur_take_u8(c, &byte, "tag", &err)) return false;
    out->tag = byte;
    if ((byte & 0x1F) == 0x1F) {
        do {
            if (!cur_take_u8(c, &byte, "tag", &err)) return false;
            out->tag = out->tag << 8 | byte;
        } while (byte & 0x80 && out->tag <= 0xFFFF);
    }
    return cur_take_u8(c, &out->len, "length", &err);
}

size_t card_dol_len(const uint8_t *dol, size_t len)
{
    struct cur c = cur_make(dol, len, 0);
    struct dol_entry entry;
    size_t sum = 0;
    while (dol_next(&c, &entry))
        sum += entry.len;
    return sum;
}

/* Appends the values that `data` has for the tags of `wanted`, in the order of `wanted`. */
static void pick(const uint8_t *dol, size_t dol_len, const uint8_t *data, struct buf *out)
{
    /* Book 2, 8.1.1: the minimum set of data elements, without those of the card itself. */
    static const uint32_t wanted[] = {0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct cur c = cur_make(dol, dol_len, 0);
        struct dol_entry entry;
        size_t at = 0;
        while (dol_next(&c, &entry)) {
            if (entry.tag == wanted[i]) buf_put(out, data + at, entry.len);
            at += entry.len;
        }
    }
}

static bool app_find(const struct card *card, uint32_t tag, const uint8_t **value, size_t *len)
{
    return card_app_find(card, (size_t)card->selected, tag, value, len);
}

/* The terminal's data: template 83 with as many bytes as the PDOL asks for. */
static bool options_data_fit(const struct card *card, const struct apdu *cmd)
{
    enum { TAG_COMMAND = 0x83 };
    struct err err = ERR_INIT;
    struct cur c = cur_make(cmd->data, cmd->len, 0);
    const uint8_t *pdol = NULL;
    size_t pdol_len = 0;
    struct tlv t;
    size_t wanted = app_find(card, TAG_PDOL, &pdol, &pdol_len) ? card_dol_len(pdol, pdol_len) : 0;

    return tlv_read(&c, &t, &err) && t.tag == TAG_COMMAND && cur_left(&c) == 0 && t.len == wanted;
}

uint16_t card_get_processing_options(struct card *card, const struct apdu *cmd, struct buf *out)
{
    struct card_app *app = card_selected_app(card);
    struct card_group group;

    if (cmd->p1 || cmd->p2) return SW_P1P2;
    if (card->gpo_done || app->atc == ATC_MAX) return SW_CONDITIONS;
    if (!state_find(&card->now, (size_t)card->selected, DGI_OPTIONS, &group)) return SW_CONDITIONS;
    if (!options_data_fit(card, cmd)) return SW_DATA;
    app->atc++;
    card->changed = true;
    card->gpo_done = true;
    if (group.value[0] == TAG_ANSWER)
        buf_put(out, group.value, group.len);
    else
        tlv_put(out, TAG_ANSWER, group.value, group.len);
    return SW_OK;
}

/* Book 2, A1.3.1: common session key derivation from the ATC. */
bool card_session_key(struct card *card, const struct card_key *master, uint16_t atc, struct card_key *out)
{
    uint8_t r[2 * CARD_BLOCK_MAX] = {(uint8_t)(atc >> 8), (uint8_t)atc};
    size_t block = card_block_len(master);

    *out = (struct card_key){.type = master->type, .len = master->len};
    if (master->len == block) {
        memcpy(out->value, r, block);
        return card_ecb(master, CARD_ENCRYPT, out->value, block, &card->err);
    }
    memcpy(r + block, r, block);
    r[2] = 0xF0;
    r[block + 2] = 0x0F;
    if (!card_ecb(master, CARD_ENCRYPT, r, 2 * block, &card->err)) return false;
    memcpy(out->value, r, master->len <= 2 * block ? master->len : 2 * block);
    wipe(r, sizeof(r));
    return true;
}

/* Book 2, 8.1.2: MAC over the terminal's data elements, the AIP and the ATC, under the session key of MK-AC. */
static bool cryptogram(struct card *card, const struct buf *data, uint8_t out[static CARD_MAC_LEN])
{
    const struct card_app *app = card_selected_app(card);
    struct card_key master, session = {0};
    bool ok = card_app_key(card, (size_t)card->selected, 1, &master) &&
              card_session_key(card, &master, app->atc, &session) &&
              card_mac(&session, data->data, data->len, out, &card->err);

    wipe(&master, sizeof(master));
    wipe(&session, sizeof(session));
    return ok;
}

static void put_cryptogram(struct card *card, uint8_t type, const uint8_t *ac, struct buf *out)
{
    const struct card_app *app = card_selected_app(card);
    struct buf inner;

    buf_init(&inner, ANSWER_MAX);
    tlv_put(&inner, TAG_CID, &type, 1);
    tlv_put_be(&inner, TAG_ATC, app->atc, 2);
    tlv_put(&inner, TAG_AC, ac, CARD_MAC_LEN);
    tlv_put(out, TAG_ANSWER, inner.data, inner.len);
    buf_release(&inner);
}

/* Which cryptogram the card gives: the first time what was asked, the second time no second ARQC. */
static uint16_t admit(const struct card *card, uint8_t type)
{
    enum { AAC = 0x00, TC = 0x40, ARQC = 0x80 };

    if (type & 0x3F) return SW_P1P2; /* combined DDA is not offered */
    if (type != AAC && type != TC && type != ARQC) return SW_P1P2;
    if (!card->gpo_done || (card->ac_done && (!card->arqc_done || type == ARQC))) return SW_CONDITIONS;
    return SW_OK;
}

uint16_t card_generate_ac(struct card *card, const struct apdu *cmd, struct buf *out)
{
    struct card_app *app = card_selected_app(card);
    const uint8_t *dol = NULL, *aip = NULL;
    size_t dol_len = 0, aip_len = 0;
    uint8_t ac[CARD_MAC_LEN];
    struct buf data;

    if (cmd->p2) return SW_P1P2;
    uint16_t sw = admit(card, cmd->p1);
    if (sw != SW_OK) return sw;
    if (!app_find(card, card->ac_done ? TAG_CDOL2 : TAG_CDOL1, &dol, &dol_len)) return SW_CONDITIONS;
    if (cmd->len != card_dol_len(dol, dol_len)) return SW_LENGTH;
    if (card_app_key_count(card, (size_t)card->selected) == 0) return SW_CONDITIONS;
    buf_init(&data, ANSWER_MAX);
    pick(dol, dol_len, cmd->data, &data);
    if (app_find(card, TAG_AIP, &aip, &aip_len)) buf_put(&data, aip, aip_len);
    buf_put_be(&data, app->atc, 2);
    bool ok = !data.failed && cryptogram(card, &data, ac);
    buf_release(&data);
    if (!ok) return card_broken(card);
    if (card->arqc_done && cmd->p1 != 0) {
        app->last_online = app->atc;
        card->changed = true;
    }
    card->arqc_done = !card->ac_done && cmd->p1 == 0x80;
    card->ac_done = true;
    put_cryptogram(card, cmd->p1, ac, out);
    return SW_OK;
}
