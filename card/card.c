#include "card/card.h"

#include <openssl/rand.h>
#include <string.h>

#include "card/image.h"
#include "card/inside.h"

static bool draw_by_libcrypto(void *context, uint8_t *out, size_t len)
{
    (void)context;
    return RAND_bytes(out, (int)len) == 1;
}

static bool make(struct card **out, struct err *err)
{
    struct secret memory = SECRET_NONE;

    if (!secret_init(&memory, sizeof(struct card), err)) return false;
    memset(memory.data, 0, sizeof(struct card));
    struct card *card = (struct card *)(void *)memory.data;
    card->memory = memory;
    card->random = draw_by_libcrypto;
    *out = card;
    return true;
}

void card_free(struct card *card)
{
    if (!card) return;
    struct secret memory = card->memory;
    secret_release(&memory);
}

void card_test_settings(struct card_settings *out, uint8_t scp, uint8_t i)
{
    static const struct {
        uint8_t kind, len, aid[CARD_AID_MAX];
    } apps[] = {
        {APP_PURSE, 8, {0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10, 0x01}},
        {APP_EMV, 7, {0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10}},
        {APP_EMV, 7, {0xA0, 0x00, 0x00, 0x00, 0x03, 0x20, 0x10}},
        {APP_LOYALTY, 8, {0xF0, 0x4C, 0x4F, 0x59, 0x41, 0x4C, 0x54, 0x59}},
        {APP_LOYALTY, 7, {0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01}},
    };
    *out =
        (struct card_settings){.key_data = {0, 0, 0, 0, 0, 0, 0, 1}, .scp = scp, .i = i, .keys.version = 1};
    for (size_t k = 0; k < KEY_COUNT; k++) {
        struct card_key *key = &out->keys.key[k];
        key->type = scp == 2 ? CARD_KEY_DES : CARD_KEY_AES;
        key->len = 16;
        for (uint8_t n = 0; n < 16; n++)
            key->value[n] = (uint8_t)(0x40 + n);
    }
    for (size_t n = 0; n < sizeof(apps) / sizeof(apps[0]); n++) {
        out->apps[n].kind = apps[n].kind;
        out->apps[n].aid_len = apps[n].len;
        memcpy(out->apps[n].aid, apps[n].aid, CARD_AID_MAX);
    }
}

static bool fill(struct card_state *s, const struct card_settings *settings, struct err *err)
{
    memcpy(s->key_data, settings->key_data, CARD_KEY_DATA_LEN);
    s->scp = settings->scp;
    s->i = settings->i;
    s->protocol = settings->protocol;
    s->life = CARD_OP_READY;
    s->keysets[0] = settings->keys;
    s->keysets[0].failures = 0;
    s->keysets[0].sequence = 0;
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        const struct card_app *app = &settings->apps[i];
        if (app->kind == APP_NONE) continue;
        s->apps[i] = (struct card_app){
            .kind = app->kind, .aid_len = app->aid_len, .life = APP_SELECTABLE, .pin_limit = 0};
        memcpy(s->apps[i].aid, app->aid, CARD_AID_MAX);
    }
    if (state_check(s, err)) return true;
    err->kind = ERR_CONFIG;
    return false;
}

bool card_new(struct card **out, const struct card_settings *settings, struct err *err)
{
    struct card *card = NULL;

    if (!make(&card, err)) return false;
    if (!fill(&card->now, settings, err)) {
        card_free(card);
        return false;
    }
    card->kept = card->now;
    card_power_on(card);
    *out = card;
    return true;
}

bool card_from_image(struct card **out, const uint8_t *image, size_t len, struct err *err)
{
    struct card *card = NULL;

    if (!make(&card, err)) return false;
    if (!image_read(image, len, &card->now, err)) {
        card_free(card);
        return false;
    }
    card->kept = card->now;
    card_power_on(card);
    *out = card;
    return true;
}

bool card_image(const struct card *card, struct secret *image, struct err *err)
{
    return image_write(&card->now, image, err);
}

void card_set_random(struct card *card, card_random_fn *fn, void *context)
{
    card->random = fn;
    card->random_context = context;
}

void card_set_keeper(struct card *card, card_keep_fn *fn, void *context)
{
    card->keep = fn;
    card->keep_context = context;
}

void card_lie_about_cryptogram(struct card *card, bool lie)
{
    card->lies = lie;
}

const struct err *card_error(const struct card *card)
{
    return &card->err;
}

bool card_draw(struct card *card, uint8_t *out, size_t len)
{
    return card->random(card->random_context, out, len) ||
           err_set(&card->err, ERR_INTERNAL, "card: no random bytes");
}

bool card_commit(struct card *card)
{
    if (card->keep && !card->keep(card->keep_context, card, &card->err)) return false;
    card->kept = card->now;
    card->changed = false;
    return true;
}

static void roll_back(struct card *card)
{
    card->now = card->kept;
    card->changed = false;
}

uint16_t card_broken(const struct card *card)
{
    (void)card;
    return SW_INTERNAL;
}

struct card_app *card_selected_app(struct card *card)
{
    return card->selected >= 0 ? &card->now.apps[card->selected] : NULL;
}

void card_power_on(struct card *card)
{
    uint8_t *from = (uint8_t *)&card->selected;
    roll_back(card);
    wipe(from, (size_t)((uint8_t *)card + sizeof(*card) - from));
    card->selected = ISD;
    card->perso.app = ISD;
}

/* T=1 (or T=0) alone, as EMV's basic answers (Book 1, 8.3): no programming voltage, no extra guard time, and for T=1 blocks of up
 * to 254 bytes, BWI 4 and CWI 5. Historical bytes name the program. */
size_t card_atr(const struct card *card, uint8_t out[static CARD_ATR_MAX])
{
    static const uint8_t t1[] = {0x3B, 0xE8, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45,
                                 's',  'o',  'f',  't',  'c',  'a',  'r',  'd'};
    static const uint8_t t0[] = {0x3B, 0x68, 0x00, 0x00, 's', 'o', 'f', 't', 'c', 'a', 'r', 'd'};
    size_t len = sizeof(t0);

    if (card->now.protocol == CARD_T0) {
        memcpy(out, t0, len);
        return len;
    }
    len = sizeof(t1);
    memcpy(out, t1, len);
    uint8_t check = 0;
    for (size_t i = 1; i < len; i++)
        check ^= out[i];
    out[len++] = check;
    return len;
}

/* One whole command, as a transaction: what it changed is kept if it succeeds, and undone if not. */
static uint16_t run(struct card *card, const struct apdu *cmd, struct buf *out)
{
    struct apdu plain = *cmd;
    uint16_t sw = channel_unwrap(card, cmd, &plain);

    if (sw != SW_OK) return sw;
    sw = card_dispatch(card, &plain, out);
    bool good = sw == SW_OK || sw >> 8 == 0x62 || sw >> 8 == 0x63;
    if (out->failed) sw = SW_INTERNAL;
    if (!good || out->failed) {
        buf_clear(out);
        roll_back(card);
    } else if (card->changed && !card_commit(card)) {
        buf_clear(out);
        roll_back(card);
        channel_close(card);
        return SW_MEMORY;
    }
    return channel_wrap(card, &plain, out, sw) ? sw : card_broken(card);
}

static void put_sw(struct buf *answer, unsigned sw)
{
    buf_put_be(answer, sw & 0xFFFF, 2);
}

/* Keeps what does not go out now for GET RESPONSE. */
static void hand_over(struct card *card, const struct buf *data, uint16_t sw)
{
    card->rest_len = data->len;
    card->rest_at = 0;
    card->rest_sw = sw;
    memcpy(card->rest, data->data, data->len);
}

static unsigned more(size_t left)
{
    return SW_MORE | (left < 256 ? (unsigned)left : 0u);
}

/* ISO/IEC 7816-3, 12.2: how data leave depends on Le, and under T=0 Le must be exact. */
static void deliver(struct card *card, const struct apdu *cmd, struct buf *data, uint16_t sw)
{
    bool exact = card->now.protocol == CARD_T0 && cmd->len == 0;
    size_t len = data->len;

    if (len == 0) {
        put_sw(data, sw);
    } else if (len > sizeof(card->rest)) {
        buf_clear(data);
        put_sw(data, SW_INTERNAL);
    } else if (!cmd->has_le || (card->now.protocol == CARD_T0 && cmd->len > 0)) {
        hand_over(card, data, sw);
        buf_clear(data);
        put_sw(data, more(len));
    } else if (exact && len <= APDU_LE_SHORT_MAX && cmd->le != len) {
        buf_clear(data);
        put_sw(data, SW_WRONG_LE | (unsigned)(len & 0xFF));
    } else if (len > cmd->le) {
        hand_over(card, data, sw);
        card->rest_at = cmd->le;
        buf_truncate(data, cmd->le);
        put_sw(data, more(len - cmd->le));
    } else {
        put_sw(data, sw);
    }
}

static void get_response(struct card *card, const struct apdu *cmd, struct buf *answer)
{
    size_t left = card->rest_len - card->rest_at;
    size_t take = cmd->has_le && cmd->le < left ? cmd->le : left;

    if (left == 0 || cmd->len || cmd->p1 || cmd->p2) {
        put_sw(answer, left == 0 ? SW_CONDITIONS : SW_P1P2);
        return;
    }
    if (card->now.protocol == CARD_T0 && cmd->le > left) {
        put_sw(answer, SW_WRONG_LE | (unsigned)(left & 0xFF));
        return;
    }
    buf_put(answer, card->rest + card->rest_at, take);
    card->rest_at += take;
    put_sw(answer, take < left ? more(left - take) : card->rest_sw);
}

void card_process(struct card *card, const uint8_t *apdu, size_t len, struct buf *answer)
{
    enum { INS_GET_RESPONSE = 0xC0, CLA_CHAINED = 0x10, CLA_OF_COMMAND = 0x84 };
    struct apdu cmd = {0};

    buf_clear(answer);
    err_clear(&card->err);
    if (!card_apdu_read(apdu, len, &cmd)) {
        put_sw(answer, SW_LENGTH);
        return;
    }
    /* It only fetches, outside of any channel, so it may have the class of the command it belongs to. */
    if (cmd.ins == INS_GET_RESPONSE && (cmd.cla & ~CLA_OF_COMMAND) == 0) {
        get_response(card, &cmd, answer);
        return;
    }
    card->rest_len = card->rest_at = 0;
    if (cmd.cla & CLA_CHAINED && (cmd.cla & 0x60) == 0) {
        put_sw(answer, SW_NO_CHAINING);
        return;
    }
    uint16_t sw = run(card, &cmd, answer);
    deliver(card, &cmd, answer, sw);
    wipe(card->work, sizeof(card->work));
}
