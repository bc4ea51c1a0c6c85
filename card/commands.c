/* The card's commands in one table. What is not in it is refused. */
#include "card/inside.h"

enum { ANY_APP = FOR_PURSE | FOR_EMV | FOR_LOYALTY, ANYBODY = FOR_ISD | ANY_APP | FOR_DIRECTORY };

/* What must be true besides. */
enum need { NOTHING, CHANNEL, PERSONALIZED };

static const struct row {
    uint8_t cla, ins;
    uint8_t who;
    uint8_t need;
    card_command *run;
} rows[] = {
    {0x00, 0xA4, ANYBODY, NOTHING, card_select},
    {0x80, 0x50, FOR_ISD | ANY_APP, NOTHING, card_initialize_update},
    {0x84, 0x82, FOR_ISD | ANY_APP, NOTHING, card_external_authenticate},
    {0x00, 0xCA, FOR_ISD, NOTHING, card_get_data},
    {0x80, 0xCA, FOR_ISD | FOR_EMV, NOTHING, card_get_data},
    {0x80, 0xF2, FOR_ISD, CHANNEL, card_get_status},
    {0x80, 0xF0, FOR_ISD, CHANNEL, card_set_status},
    {0x80, 0xD8, FOR_ISD, CHANNEL, card_put_key},
    {0x80, 0xE6, FOR_ISD, CHANNEL, card_install},
    {0x80, 0xE2, FOR_ISD | ANY_APP, CHANNEL, card_store_data},
    {0x00, 0xB2, ANY_APP | FOR_DIRECTORY, NOTHING, card_read_record},
    {0x00, 0x84, ANYBODY, NOTHING, card_get_challenge},
    {0x80, 0x88, ANY_APP, PERSONALIZED, card_prove_key},
    {0x80, 0xA8, FOR_EMV, PERSONALIZED, card_get_processing_options},
    {0x80, 0xAE, FOR_EMV, PERSONALIZED, card_generate_ac},
    {0x00, 0x88, FOR_EMV | FOR_PURSE, PERSONALIZED, card_internal_authenticate},
    {0x00, 0x20, FOR_EMV | FOR_PURSE, PERSONALIZED, card_verify},
};

static uint8_t who_is_selected(struct card *card)
{
    static const uint8_t kinds[] = {
        [APP_PURSE] = FOR_PURSE, [APP_EMV] = FOR_EMV, [APP_LOYALTY] = FOR_LOYALTY};
    const struct card_app *app = card_selected_app(card);

    if (app) return kinds[app->kind];
    return card->selected == ISD ? FOR_ISD : FOR_DIRECTORY;
}

/* A locked or terminated card has nothing but its security domain, a terminated one only GET DATA. */
static uint16_t life_refuses(const struct card *card, const struct row *row)
{
    bool reads = row->run == card_get_data || row->run == card_select;
    return card->now.life == CARD_TERMINATED && !reads ? SW_CONDITIONS : SW_OK;
}

static uint16_t refusal(struct card *card, const struct row *row)
{
    const struct card_app *app = card_selected_app(card);

    if (row->need == CHANNEL && !channel_is_open(card)) return SW_SECURITY;
    if (row->need == PERSONALIZED && (!app || app->life != APP_PERSONALIZED)) return SW_CONDITIONS;
    return life_refuses(card, row);
}

uint16_t card_dispatch(struct card *card, const struct apdu *cmd, struct buf *out)
{
    uint8_t who = who_is_selected(card);
    bool class_known = false;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        if (row->cla == cmd->cla) class_known = true;
        if (row->cla != cmd->cla || row->ins != cmd->ins || !(row->who & who)) continue;
        uint16_t sw = refusal(card, row);
        return sw == SW_OK ? row->run(card, cmd, out) : sw;
    }
    return class_known ? SW_INS : SW_CLA;
}
