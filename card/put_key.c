/* PUT KEY (GlobalPlatform 11.8, Amendment D 7.2): a key set of three is added, or replaces one. */
#include <string.h>

#include "card/inside.h"

enum { VERSION_MAX = 0x7F, VERSION_INITIAL = 0xFF, ALL_THREE = 0x81 };

/* DES: type ‖ 10 ‖ key under the data key ‖ 03 ‖ check value. AES: type ‖ length + 1 ‖ length of the key ‖ the key, filled up to
 * whole blocks ‖ 03 ‖ check value; a key that is whole blocks may also come as in DES. */
static bool read_key(struct card *card, struct cur *c, struct card_key *out)
{
    const struct card_key *dek = &card->channel.dek;
    const uint8_t *value = NULL, *check = NULL;
    uint8_t type = 0, len = 0, true_len = 0, check_len = 0, clear[CARD_KEY_MAX], kcv[CARD_KCV_LEN];
    struct err *err = &card->err;

    if (!cur_take_u8(c, &type, "key type", err) || !cur_take_u8(c, &len, "length", err)) return false;
    true_len = len;
    if (type == CARD_KEY_AES && len % CARD_BLOCK_MAX == 1) {
        if (!cur_take_u8(c, &true_len, "length of the key", err)) return false;
        len--;
    }
    if (len > CARD_KEY_MAX || true_len > len || len - true_len >= CARD_BLOCK_MAX || len % card_block_len(dek))
        return err_set(err, ERR_INPUT, "the key's length is wrong");
    if (!cur_take(c, len, &value, "key", err) || !cur_take_u8(c, &check_len, "length", err) ||
        check_len != CARD_KCV_LEN || !cur_take(c, CARD_KCV_LEN, &check, "check value", err))
        return false;
    memcpy(clear, value, len);
    bool ok = card->now.scp == 2 ? card_ecb(dek, CARD_DECRYPT, clear, len, err)
                                 : card_cbc(dek, CARD_DECRYPT, NULL, clear, len, err);
    *out = (struct card_key){.type = type, .len = true_len};
    if (ok) memcpy(out->value, clear, true_len);
    wipe(clear, sizeof(clear));
    return ok && card_check_value(out, kcv, err) && memcmp(kcv, check, CARD_KCV_LEN) == 0;
}

static bool read_keyset(struct card *card, const struct apdu *cmd, struct card_keyset *out)
{
    struct cur c = cur_make(cmd->data, cmd->len, 0);

    *out = (struct card_keyset){0};
    if (!cur_take_u8(&c, &out->version, "key version", &card->err)) return false;
    for (size_t k = 0; k < KEY_COUNT; k++) {
        if (!read_key(card, &c, &out->key[k])) return false;
    }
    return cur_left(&c) == 0 && out->version <= VERSION_MAX && state_keyset_is_valid(out, card->now.scp);
}

/* Where the set goes: onto the one of version P1; where P1 is 0 into a free place, or onto the initial set, whose version FF no P1
 * can name. */
static uint16_t find_place(struct card *card, uint8_t old, uint8_t version, struct card_keyset **out)
{
    struct card_keyset *same = state_keyset(&card->now, version);

    *out = NULL;
    if (old) {
        *out = state_keyset(&card->now, old);
        if (!*out) return SW_NO_DATA;
        return same && same != *out ? SW_CONDITIONS : SW_OK;
    }
    if (same) return SW_CONDITIONS;
    *out = state_keyset(&card->now, VERSION_INITIAL);
    for (size_t i = 0; i < CARD_KEYSETS_MAX && !*out; i++) {
        if (card->now.keysets[i].version == 0) *out = &card->now.keysets[i];
    }
    return *out ? SW_OK : SW_NO_ROOM;
}

uint16_t card_put_key(struct card *card, const struct apdu *cmd, struct buf *out)
{
    struct card_keyset set, *place = NULL;
    uint8_t kcv[CARD_KCV_LEN];
    uint16_t sw = SW_DATA;

    if (cmd->p2 != ALL_THREE || cmd->p1 > VERSION_MAX) return SW_P1P2;
    if (!read_keyset(card, cmd, &set)) goto out;
    sw = find_place(card, cmd->p1, set.version, &place);
    if (sw != SW_OK) goto out;
    *place = set;
    card->changed = true;
    buf_put_u8(out, set.version);
    for (size_t k = 0; k < KEY_COUNT; k++) {
        if (!card_check_value(&set.key[k], kcv, &card->err)) sw = card_broken(card);
        buf_put(out, kcv, sizeof(kcv));
    }
out:
    wipe(&set, sizeof(set));
    return sw;
}
