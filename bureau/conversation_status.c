/* How far a card has come, by its own word: GET STATUS (GlobalPlatform Card Specification 2.3.1, 11.4). */
#include <stdio.h>

#include "bureau/conversation_internal.h"

enum {
    CLA_GP = 0x80,
    INS_GET_STATUS = 0xF2,
    P1_DOMAIN = 0x80, /* whose state is the card's */
    P1_APPLICATIONS = 0x40,
    P2_NEXT = 0x01,
    SW_MORE_STATUS = 0x6310,
    SW_WRONG_P1_P2 = 0x6A86,
    PAGES_MAX = 64,
};

bool conversation_asks_status(const struct conversation *c)
{
    return c->step == STEP_APPLICATIONS_STATUS || c->step == STEP_CARD_STATUS;
}

bool conversation_give_get_status(struct conversation *c, struct card_turn *turn, struct err *err)
{
    static const uint8_t all[] = {0x4F, 0x00}; /* whatever its AID */
    const bool of_card = c->step == STEP_CARD_STATUS;
    const struct apdu a = {CLA_GP,
                           INS_GET_STATUS,
                           of_card ? P1_DOMAIN : P1_APPLICATIONS,
                           (uint8_t)(c->status.form | (c->status.pages > 0 ? P2_NEXT : 0)),
                           all,
                           sizeof(all),
                           APDU_SHORT_LE_MAX};
    c->status.asked = true;
    snprintf(c->what, sizeof(c->what), "GET STATUS of the %s", of_card ? "card" : "applications");
    return conversation_give_secured(c, &a, turn, err);
}

static void note_application(struct conversation *c, const struct card_status *s)
{
    for (size_t i = 0; i < c->order.record->application_count; i++) {
        const struct entry *e = c->order.record->applications[i].entry;
        if (bytes_equal(e->aid, e->aid_len, s->aid, s->aid_len)) c->status.applications[i] = s->life;
    }
}

/* What can be read of it: what is no status behind that tells nothing. */
static void note(struct conversation *c, const struct apdu_answer *a)
{
    struct cur cur = cur_make(a->data, a->len, 0);
    struct err unread = ERR_INIT;
    struct card_status s;
    while (cur_left(&cur) > 0 && card_status_next(&cur, c->status.form, &s, &unread)) {
        if (c->step == STEP_CARD_STATUS)
            c->status.card = s.life;
        else
            note_application(c, &s);
    }
}

bool conversation_read_status(struct conversation *c, const struct apdu_answer *a)
{
    if (a->sw == SW_WRONG_P1_P2 && c->status.form == CARD_STATUS_TLV) {
        c->status.form = CARD_STATUS_PLAIN;
        return true;
    }
    if (a->sw == SW_OK || a->sw == SW_MORE_STATUS) note(c, a);
    const bool more = a->sw == SW_MORE_STATUS && ++c->status.pages < PAGES_MAX;
    if (!more) c->status.pages = 0;
    return more;
}

bool conversation_is_finished(const struct conversation *c, size_t application)
{
    return card_status_is_personalized(c->status.applications[application]);
}

bool conversation_is_locked(const struct conversation *c)
{
    return c->status.card == CARD_STATUS_SECURED;
}

bool conversation_is_closed(const struct conversation *c)
{
    return c->status.card != 0 && c->status.card != CARD_STATUS_OP_READY &&
           c->status.card != CARD_STATUS_INITIALIZED && c->status.card != CARD_STATUS_SECURED;
}
