/* What all applications have: records, a challenge, and a proof of each loaded key. */
#include <string.h>

#include "card/inside.h"
#include "formats/dgi.h"
#include "formats/tlv.h"

uint16_t card_read_record(struct card *card, const struct apdu *cmd, struct buf *out)
{
    enum { BY_NUMBER = 0x04, SFI_LAST = 30 };
    struct card_group group;
    uint8_t sfi = cmd->p2 >> 3;
    bool file = false;
    size_t at = 0;

    if (cmd->len) return SW_LENGTH;
    if ((cmd->p2 & 7) != BY_NUMBER || sfi == 0 || sfi > SFI_LAST || cmd->p1 == 0) return SW_P1P2;
    if (card->selected < 0) return card_read_directory(card, cmd, out);
    if (card_selected_app(card)->life != APP_PERSONALIZED) return SW_CONDITIONS;
    while (state_next(&card->now, &at, &group)) {
        if (group.app != card->selected || !dgi_is_record(group.dgi) || dgi_record_sfi(group.dgi) != sfi)
            continue;
        file = true;
        if (dgi_record_number(group.dgi) != cmd->p1) continue;
        buf_put(out, group.value, group.len);
        return SW_OK;
    }
    return file ? SW_NO_RECORD : SW_NO_FILE;
}

uint16_t card_get_challenge(struct card *card, const struct apdu *cmd, struct buf *out)
{
    if (cmd->p1 || cmd->p2) return SW_P1P2;
    if (cmd->len) return SW_LENGTH;
    if (!card_draw(card, card->challenge, sizeof(card->challenge))) return card_broken(card);
    card->has_challenge = true;
    buf_put(out, card->challenge, sizeof(card->challenge));
    return SW_OK;
}

/* Not of any standard: a MAC over "PROVE" ‖ key number ‖ challenge, so that a test can know which key was loaded. */
uint16_t card_prove_key(struct card *card, const struct apdu *cmd, struct buf *out)
{
    enum { LABEL_LEN = 5, CHALLENGE_MIN = 8, CHALLENGE_MAX = 32 };
    uint8_t text[LABEL_LEN + 1 + CHALLENGE_MAX] = {'P', 'R', 'O', 'V', 'E', cmd->p1};
    uint8_t mac[CARD_MAC_LEN];
    struct card_key key;

    if (cmd->p2 || cmd->p1 == 0) return SW_P1P2;
    if (cmd->len < CHALLENGE_MIN || cmd->len > CHALLENGE_MAX) return SW_LENGTH;
    if (!card_app_key(card, (size_t)card->selected, cmd->p1, &key)) return SW_NO_DATA;
    memcpy(text + LABEL_LEN + 1, cmd->data, cmd->len);
    bool ok = card_mac(&key, text, LABEL_LEN + 1 + cmd->len, mac, &card->err);
    wipe(&key, sizeof(key));
    if (!ok) return card_broken(card);
    buf_put(out, mac, sizeof(mac));
    return SW_OK;
}

/* In one group's value: directly, or inside a template. */
static bool find_in(struct cur list, uint32_t tag, const uint8_t **value, size_t *len, int depth)
{
    struct err err = ERR_INIT;
    struct tlv t;

    while (cur_left(&list) > 0 && tlv_read(&list, &t, &err)) {
        if (t.tag == tag) {
            *value = t.value;
            *len = t.len;
            return true;
        }
        if (depth > 0 && tlv_is_constructed(t.tag) &&
            find_in(cur_make(t.value, t.len, 0), tag, value, len, depth - 1))
            return true;
    }
    return false;
}

bool card_app_find(const struct card *card, size_t app, uint32_t tag, const uint8_t **value, size_t *len)
{
    enum { DEPTH = 3, DATA_FIRST = 0x9100, DATA_LAST = 0x91FF };
    struct card_group group;
    size_t at = 0;

    while (state_next(&card->now, &at, &group)) {
        bool readable = dgi_is_record(group.dgi) || (group.dgi >= DATA_FIRST && group.dgi <= DATA_LAST);
        if (group.app == app && readable &&
            find_in(cur_make(group.value, group.len, 0), tag, value, len, DEPTH))
            return true;
    }
    return false;
}
