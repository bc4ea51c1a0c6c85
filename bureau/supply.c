#include "bureau/supply.h"

#include <string.h>

struct work {
    const struct supply *s;
    struct batch_card card;
};

static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    const struct work *w = context;
    return w->s->transmit(w->s->context, turn, answer, why);
}

/* Before anything on the card changes. */
static bool known(void *context, const struct card_id *id, struct err *why)
{
    struct work *w = context;
    if (id->len != sizeof(w->card.key_data)) return err_set(why, ERR_INPUT, "the card tells no KEYDATA");
    memcpy(w->card.key_data, id->bytes, sizeof(w->card.key_data));
    return batch_is_new(w->s->batch, w->card.key_data, why);
}

bool supply_card(const struct supply *s, struct turns_result *result, struct err *err)
{
    struct work w = {.s = s};
    const struct turns_port port = {&w, transmit, known};
    const struct card_order order = {.purpose = s->again ? PURPOSE_PROVE : PURPOSE_SUPPLY, .tries = 1};
    turns_run(s->token, &order, &port, result);
    if (result->outcome != CARD_MADE) return true;
    w.card.key_version = result->checks[0];
    memcpy(w.card.checks, &result->checks[1], sizeof(w.card.checks));
    if (batch_add(s->batch, &w.card, err)) return true;
    err_prefix(err, "card %s has its keys and is not listed (another run with --again lists it)",
               result->serial);
    return false;
}
