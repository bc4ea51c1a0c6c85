#include "formats/card_status.h"

#include "formats/tlv.h"

enum { TAG_ENTRY = 0xE3, TAG_AID = 0x4F, TAG_LIFE = 0x9F70, SELECTABLE = 0x07, OWN_STATES = 0x78 };

static bool read_template(struct cur *c, struct card_status *out, struct err *err)
{
    struct tlv entry, aid, life;
    bool has_aid = false, has_life = false;

    if (!tlv_read(c, &entry, err)) return false;
    if (entry.tag != TAG_ENTRY)
        return err_set(err, ERR_INPUT, "status: tag %X where E3 should be", (unsigned)entry.tag);
    const struct cur in = cur_make(entry.value, entry.len, entry.offset);
    if (!tlv_find(in, TAG_AID, &aid, &has_aid, err) || !tlv_find(in, TAG_LIFE, &life, &has_life, err))
        return false;
    if (!has_aid || !has_life || life.len == 0)
        return err_set(err, ERR_INPUT, "status: an entry without AID or life cycle state");
    *out = (struct card_status){aid.value, aid.len, life.value[0]};
    return true;
}

static bool read_plain(struct cur *c, struct card_status *out, struct err *err)
{
    struct card_status s = {.life = 0};
    uint8_t len = 0, privileges = 0;

    if (!cur_take_u8(c, &len, "status", err) || !cur_take(c, len, &s.aid, "AID of a status", err) ||
        !cur_take_u8(c, &s.life, "life cycle state", err) || !cur_take_u8(c, &privileges, "privileges", err))
        return false;
    s.aid_len = len;
    *out = s;
    return true;
}

bool card_status_next(struct cur *c, enum card_status_form form, struct card_status *out, struct err *err)
{
    struct cur moved = *c;
    if (!(form == CARD_STATUS_TLV ? read_template(&moved, out, err) : read_plain(&moved, out, err)))
        return false;
    *c = moved;
    return true;
}

bool card_status_is_personalized(uint8_t life)
{
    return (life & SELECTABLE) == SELECTABLE && (life & OWN_STATES) != 0;
}
