#include "bureau/supply.h"

#include <string.h>

bool supply_known(const struct batch *b, const struct card_id *id, struct err *err)
{
    if (id->len != SCP_KEY_DATA) return err_set(err, ERR_INPUT, "the card tells no KEYDATA");
    return batch_is_new(b, id->bytes, err);
}

bool supply_made(struct batch *b, const struct card_id *id, const struct turns_result *made, struct err *err)
{
    struct batch_card card = {.key_version = made->checks[0]};
    memcpy(card.key_data, id->bytes, sizeof(card.key_data));
    memcpy(card.checks, &made->checks[1], sizeof(card.checks));
    if (batch_add(b, &card, err)) return true;
    err_prefix(err, "card %s has its keys and is not listed (another run with --again lists it)",
               made->serial);
    return false;
}
