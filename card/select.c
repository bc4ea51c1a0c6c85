/* SELECT by name (ISO/IEC 7816-4, 11.2.2; EMV Book 1, 11.3), and the directories of payment applications (12.2). */
#include <string.h>

#include "card/inside.h"
#include "formats/tlv.h"

enum {
    DGI_FCI = 0x9102,
    TAG_FCI = 0x6F,
    TAG_NAME = 0x84,
    TAG_PROPRIETARY = 0xA5,
    TAG_LABEL = 0x50,
    TAG_PRIORITY = 0x87,
    TAG_SFI = 0x88,
    TAG_ISSUER_DATA = 0xBF0C,
    TAG_ENTRY = 0x61,
    TAG_AID = 0x4F,
    TAG_RECORD = 0x70,
    BY_NAME = 0x04,
    NEXT = 0x02,
    FCI_MAX = 1024,
};

static const uint8_t domain[] = {0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00};
static const struct {
    int number;
    const char *name;
} directories[] = {{PSE, "1PAY.SYS.DDF01"}, {PPSE, "2PAY.SYS.DDF01"}};

static bool begins(const uint8_t *name, size_t name_len, const uint8_t *part, size_t len)
{
    return len <= name_len && (len == 0 || memcmp(name, part, len) == 0);
}

static bool is_there(const struct card *card, size_t i)
{
    return card->now.apps[i].kind != APP_NONE && !card->now.apps[i].locked;
}

static bool has_name(const struct card_app *app, const struct apdu *cmd)
{
    return bytes_equal(app->aid, app->aid_len, cmd->data, cmd->len);
}

/* The place of an application among those whose AID begins so: who has just this AID comes first, else the order of the table.
 * Negative: its AID begins otherwise. */
static int rank_of(const struct card *card, size_t i, const struct apdu *cmd)
{
    const struct card_app *app = &card->now.apps[i];

    if (!is_there(card, i) || !begins(app->aid, app->aid_len, cmd->data, cmd->len)) return -1;
    return has_name(app, cmd) ? 0 : (int)i + 1;
}

/* The first of them, or the next one after that which is selected. */
static bool find(const struct card *card, const struct apdu *cmd, int *out)
{
    bool next = cmd->p2 & NEXT && card->selected >= 0;
    int after = next ? rank_of(card, (size_t)card->selected, cmd) : -1, best = CARD_APPS_MAX + 1;

    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        int rank = rank_of(card, i, cmd);
        if (rank <= after || rank >= best) continue;
        best = rank;
        *out = (int)i;
    }
    return best <= CARD_APPS_MAX;
}

static void put_fci(struct buf *out, const uint8_t *name, size_t name_len, const uint8_t *rest,
                    size_t rest_len)
{
    tlv_put_head(out, TAG_FCI, tlv_size(TAG_NAME, name_len) + rest_len);
    tlv_put(out, TAG_NAME, name, name_len);
    buf_put(out, rest, rest_len);
}

static void put_domain(struct buf *out)
{
    /* GlobalPlatform 11.9.3.1: the longest command's data. */
    static const uint8_t rest[] = {TAG_PROPRIETARY, 0x04, 0x9F, 0x65, 0x01, 0xFF};
    put_fci(out, domain, sizeof(domain), rest, sizeof(rest));
}

static void put_app(const struct card *card, size_t index, struct buf *out)
{
    static const uint8_t nothing[] = {TAG_PROPRIETARY, 0x00};
    const struct card_app *app = &card->now.apps[index];
    struct card_group fci;

    if (app->life != APP_PERSONALIZED || !state_find(&card->now, index, DGI_FCI, &fci))
        fci = (struct card_group){.value = nothing, .len = sizeof(nothing)};
    if (fci.len && fci.value[0] == TAG_FCI)
        buf_put(out, fci.value, fci.len);
    else
        put_fci(out, app->aid, app->aid_len, fci.value, fci.len);
}

/* One 61 entry for each payment application that can be used. */
static void put_entries(const struct card *card, struct buf *out)
{
    static const uint32_t tags[] = {TAG_LABEL, TAG_PRIORITY};
    struct buf entry;

    buf_init(&entry, FCI_MAX);
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        const struct card_app *app = &card->now.apps[i];
        const uint8_t *value = NULL;
        size_t len = 0;
        if (!is_there(card, i) || app->kind != APP_EMV || app->life != APP_PERSONALIZED) continue;
        buf_clear(&entry);
        tlv_put(&entry, TAG_AID, app->aid, app->aid_len);
        for (size_t t = 0; t < sizeof(tags) / sizeof(tags[0]); t++) {
            if (card_app_find(card, i, tags[t], &value, &len)) tlv_put(&entry, tags[t], value, len);
        }
        tlv_put(out, TAG_ENTRY, entry.data, entry.len);
    }
    buf_release(&entry);
}

uint16_t card_put_directory(struct card *card, bool contactless, struct buf *out)
{
    static const uint8_t sfi_one[] = {0x01};
    struct buf entries, inner;

    buf_init(&entries, FCI_MAX);
    buf_init(&inner, FCI_MAX);
    put_entries(card, &entries);
    if (contactless) {
        tlv_put(&inner, TAG_ISSUER_DATA, entries.data, entries.len);
    } else {
        tlv_put(&inner, TAG_SFI, sfi_one, sizeof(sfi_one));
    }
    const char *name = directories[contactless ? 1 : 0].name;
    tlv_put_head(out, TAG_FCI, tlv_size(TAG_NAME, strlen(name)) + tlv_size(TAG_PROPRIETARY, inner.len));
    tlv_put(out, TAG_NAME, name, strlen(name));
    tlv_put(out, TAG_PROPRIETARY, inner.data, inner.len);
    bool full = entries.failed || inner.failed;
    buf_release(&entries);
    buf_release(&inner);
    return full ? SW_INTERNAL : SW_OK;
}

uint16_t card_read_directory(struct card *card, const struct apdu *cmd, struct buf *out)
{
    enum { SFI_ONE = 0x0C };
    struct buf entries;

    if (card->selected != PSE || cmd->p2 != SFI_ONE) return SW_NO_FILE;
    if (cmd->p1 != 1) return SW_NO_RECORD;
    buf_init(&entries, FCI_MAX);
    put_entries(card, &entries);
    bool any = entries.len > 0;
    if (any) tlv_put(out, TAG_RECORD, entries.data, entries.len);
    buf_release(&entries);
    return any ? SW_OK : SW_NO_RECORD;
}

static bool any_payment_app(const struct card *card)
{
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        const struct card_app *app = &card->now.apps[i];
        if (is_there(card, i) && app->kind == APP_EMV && app->life == APP_PERSONALIZED) return true;
    }
    return false;
}

/* Who answers to the name; false: nobody. An empty name is the security domain. */
static bool resolve(const struct card *card, const struct apdu *cmd, int *out)
{
    if (cmd->len == 0 || (begins(domain, sizeof(domain), cmd->data, cmd->len) && !(cmd->p2 & NEXT))) {
        *out = ISD;
        return true;
    }
    if (card->now.life == CARD_LOCKED || card->now.life == CARD_TERMINATED) return false;
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        if (!bytes_equal(cmd->data, cmd->len, directories[i].name, strlen(directories[i].name))) continue;
        *out = directories[i].number;
        return any_payment_app(card);
    }
    return find(card, cmd, out);
}

uint16_t card_select(struct card *card, const struct apdu *cmd, struct buf *out)
{
    int found = ISD;

    if (cmd->p1 != BY_NAME || cmd->p2 & (uint8_t)~NEXT) return SW_P1P2;
    if (cmd->len > CARD_AID_MAX) return SW_DATA;
    if (!resolve(card, cmd, &found)) return SW_NO_FILE;
    channel_close(card);
    card->selected = found;
    card->gpo_done = card->ac_done = card->arqc_done = card->pin_verified = card->has_challenge = false;
    if (found == PSE || found == PPSE) return card_put_directory(card, found == PPSE, out);
    if (found >= 0) {
        put_app(card, (size_t)found, out);
        return SW_OK;
    }
    put_domain(out);
    return card->now.life == CARD_LOCKED ? SW_SELECTED_LOCKED : SW_OK;
}
