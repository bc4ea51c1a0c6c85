/* Which groupings an application takes, and how they must look. Not in the table: 6A88. */
#include <string.h>

#include "card/inside.h"
#include "formats/dgi.h"
#include "formats/tlv.h"

enum { BITS_CLEAR = 0x00, BITS_APPLICATION = 0x20, PIN_BLOCK_LEN = 8, TRIES_LEN = 2 };

static bool is_record(const uint8_t *value, size_t len)
{
    enum { TAG_RECORD = 0x70, RECORD_MAX = 254 };
    struct cur c = cur_make(value, len, 0);
    struct err err = ERR_INIT;
    struct tlv t;
    return len <= RECORD_MAX && tlv_read(&c, &t, &err) && t.tag == TAG_RECORD && cur_left(&c) == 0;
}

static bool is_any(const uint8_t *value, size_t len)
{
    (void)value;
    return len > 0;
}

static bool is_list(const uint8_t *value, size_t len)
{
    struct cur c = cur_make(value, len, 0);
    struct err err = ERR_INIT;
    struct tlv t;
    while (cur_left(&c) > 0) {
        if (!tlv_read(&c, &t, &err)) return false;
    }
    return len > 0;
}

static bool is_check_values(const uint8_t *value, size_t len)
{
    (void)value;
    return len > 0 && len % CARD_KCV_LEN == 0;
}

static bool is_pin(const uint8_t *value, size_t len)
{
    return len == PIN_BLOCK_LEN && value[0] >> 4 == 2;
}

static bool is_tries(const uint8_t *value, size_t len)
{
    return len == TRIES_LEN && value[0] <= value[1] && value[1] > 0 && value[1] <= 15;
}

enum secrecy { CLEAR, SECRET };
enum { KEYED = FOR_PURSE | FOR_EMV | FOR_LOYALTY, PAIRED = FOR_PURSE | FOR_EMV };

static const struct row {
    uint16_t first, last;
    enum secrecy secrecy;
    unsigned who;
    bool (*is_sound)(const uint8_t *value, size_t len);
} rows[] = {
    {0x0101, 0x0AFF, CLEAR, KEYED, is_record}, /* SFI 1–10: templates */
    {0x0B01, 0x1EFF, CLEAR, KEYED, is_any},    /* SFI 11–30: whatever the application defines */
    {0x8000, 0x8000, SECRET, KEYED, is_any},   /* symmetric keys, checked with 9000 at the end */
    {0x8010, 0x8010, SECRET, PAIRED, is_pin},  /* reference PIN block, ISO 9564 format 2 */
    {0x8201, 0x8205, SECRET, PAIRED, is_any},  /* key pair, checked at the end */
    {0x9000, 0x9000, CLEAR, KEYED, is_check_values},
    {0x9010, 0x9010, CLEAR, PAIRED, is_tries}, /* PIN try counter ‖ limit */
    {0x9100, 0x91FF, CLEAR, KEYED, is_list},   /* 9102 FCI, 9104 processing options, others for GET DATA */
};

static const struct row *find(uint16_t dgi, uint8_t kind)
{
    static const unsigned bits[] = {
        [APP_PURSE] = FOR_PURSE, [APP_EMV] = FOR_EMV, [APP_LOYALTY] = FOR_LOYALTY};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        bool in = dgi >= row->first && dgi <= row->last && row->who & bits[kind];
        if (in && (dgi >> 8 > 0x1E || (dgi & 0xFF) != 0)) return row;
    }
    return NULL;
}

/* SCP02: ECB. SCP03: CBC from zeros, over the whole grouping. */
static bool decrypt(struct card *card, uint8_t bits, uint8_t *value, size_t len)
{
    const struct channel *c = &card->channel;
    const struct card_key *key = bits == BITS_APPLICATION ? &c->static_dek : &c->dek;

    if (len == 0 || len % card_block_len(key)) return false;
    return card->now.scp == 2 ? card_ecb(key, CARD_DECRYPT, value, len, &card->err)
                              : card_cbc(key, CARD_DECRYPT, NULL, value, len, &card->err);
}

/* Keys and check values that are both there must fit: then the wrong one is named by the answer to its own command. */
static bool keys_fit(struct card *card, size_t app)
{
    struct card_group group;
    struct card_key key;
    bool both = state_find(&card->now, app, 0x8000, &group) && state_find(&card->now, app, 0x9000, &group);
    size_t count = both ? card_app_key_count(card, app) : 0;

    for (size_t n = 1; n <= count; n++) {
        bool fits = card_app_key(card, app, n, &key);
        wipe(&key, sizeof(key));
        if (!fits) return false;
    }
    return true;
}

uint16_t card_store_group(struct card *card, size_t app, uint16_t dgi, uint8_t *value, size_t len,
                          uint8_t bits)
{
    const struct row *row = find(dgi, card->now.apps[app].kind);

    if (!row) return SW_NO_DATA;
    if (bits == BITS_CLEAR) {
        if (row->secrecy == SECRET) return SW_DATA;
    } else {
        if (!decrypt(card, bits, value, len)) return SW_DATA;
        /* keys and pairs know for themselves what is padding */
        bool padded = row->secrecy == CLEAR || (row->is_sound == is_pin && len > PIN_BLOCK_LEN);
        if (padded && !card_unpad(value, &len)) return SW_DATA;
    }
    if (!row->is_sound(value, len)) return SW_DATA;
    if (!state_put(&card->now, app, dgi, value, len)) return SW_NO_ROOM;
    return keys_fit(card, app) ? SW_OK : SW_DATA;
}
