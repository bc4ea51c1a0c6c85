#include "scripted_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/groups.h"

struct scripted_token scripted_token = {.stores = 4};

struct token_process {
    uint64_t record;
    unsigned answers; /* to the present order */
    bool describes;
    uint8_t challenge[8];
    char what[64], serial[64];
};

static const char *const outcome_names[] = {[CARD_MADE] = "made",
                                            [CARD_UNTOUCHED] = "untouched",
                                            [CARD_HALF_DONE] = "half-done",
                                            [CARD_SPOILED] = "spoiled"};
const char *card_outcome_name(enum card_outcome outcome)
{
    return outcome_names[outcome];
}

void card_turn_init(struct card_turn *turn)
{
    *turn = (struct card_turn){.what = ""};
    buf_init(&turn->command, 65536);
}

void card_turn_release(struct card_turn *turn)
{
    buf_release(&turn->command);
}

bool token_process_start(struct token_process **out, const struct bureau *settings, struct err *err)
{
    (void)settings;
    if (scripted_token.refuses_to_start) return err_set(err, ERR_TOKEN, "C_Login: CKR_PIN_INCORRECT");
    *out = calloc(1, sizeof(**out));
    return *out || err_set_no_memory(err);
}

bool token_process_start_with(struct token_process **out, const struct bureau *settings, int pin_fd,
                              struct err *err)
{
    if (pin_fd >= 0) close(pin_fd);
    return token_process_start(out, settings, err);
}

void token_process_free(struct token_process *p)
{
    free(p);
}

static void end(struct token_process *p, struct card_turn *turn, enum card_outcome outcome, const char *why)
{
    turn->done = true;
    turn->outcome = outcome;
    err_clear(&turn->err);
    if (outcome != CARD_MADE) err_set_text(&turn->err, ERR_INPUT, "%s", why);
    snprintf(turn->serial, sizeof(turn->serial), "%s", p->serial);
}

/* The command that follows so many answers. */
static void next(struct token_process *p, struct card_turn *turn)
{
    static const char *const names[] = {"SELECT", "INITIALIZE UPDATE", "EXTERNAL AUTHENTICATE"};
    struct buf *c = &turn->command;

    buf_clear(c);
    turn->done = false;
    if (p->answers < SCRIPTED_BEFORE_STORE)
        snprintf(p->what, sizeof(p->what), "%s", names[p->answers]);
    else
        snprintf(p->what, sizeof(p->what), "STORE DATA %u of %u", p->answers - SCRIPTED_BEFORE_STORE + 1,
                 scripted_token.stores);
    turn->what = p->what;
    if (p->answers == SCRIPTED_BEFORE_STORE + scripted_token.stores) {
        end(p, turn, CARD_MADE, "");
    } else if (p->answers == 0) {
        buf_put(c, "\x00\xA4\x04\x00\x05\xA0\x00\x00\x00\x03", 10);
    } else if (p->answers == 1) {
        buf_put(c, "\x80\x50\x00\x00\x08", 5);
        buf_put(c, p->challenge, sizeof(p->challenge));
        buf_put_u8(c, 0);
    } else if (p->answers == 2) {
        buf_put(c, "\x84\x82\x03\x00\x02\x01\x02", 7);
    } else {
        buf_put(c, "\x84\xE2\x00\x00\x04", 5);
        buf_put_be(c, p->record, 4);
    }
}

static bool record_number(const struct card_order *order, uint64_t *number, struct err *err)
{
    struct mic_record record;
    struct card_group card;
    if (!mic_parse_record(order->record, order->len, 0, &record, err)) return false;
    const struct mic_group *group = mic_find(&record, MIC_CARD);
    if (!group) return err_set(err, ERR_INTERNAL, "no CARD group");
    if (!card_group_read(group, &card, err)) return false;
    *number = card.number;
    return true;
}

bool token_process_begin(struct token_process *p, const struct card_order *order, struct card_turn *turn,
                         struct err *err)
{
    *p = (struct token_process){.describes = order->purpose == PURPOSE_DESCRIBE};
    if (scripted_token.dies_at_once) return err_set(err, ERR_TOKEN, "C_UnwrapKey: CKR_DEVICE_REMOVED");
    if (!record_number(order, &p->record, err)) return false;
    memset(p->challenge, 0x11, sizeof(p->challenge));
    if (order->challenge) memcpy(p->challenge, order->challenge, sizeof(p->challenge));
    scripted_token.last_tries = order->tries;
    if (scripted_token.bad_record == p->record)
        end(p, turn, CARD_UNTOUCHED, "application purse: the MAC is wrong");
    else
        next(p, turn);
    return true;
}

static void take_serial(struct token_process *p, const uint8_t *answer, size_t len)
{
    for (size_t i = 0; i < 4 && i < len; i++)
        snprintf(p->serial + 2 * i, sizeof(p->serial) - 2 * i, "%02X", answer[i]);
}

bool token_process_answer(struct token_process *p, const uint8_t *answer, size_t len, struct card_turn *turn,
                          struct err *err)
{
    bool changed = p->answers >= 2; /* EXTERNAL AUTHENTICATE was sent */

    p->answers++;
    if (p->answers == scripted_token.dies_at) return err_set(err, ERR_TOKEN, "C_Sign: CKR_DEVICE_REMOVED");
    if (len < 2 || answer[len - 2] != 0x90 || answer[len - 1] != 0) {
        end(p, turn, changed ? CARD_HALF_DONE : CARD_UNTOUCHED, len < 2 ? "no answer" : "status");
        return true;
    }
    if (p->answers == 2) take_serial(p, answer, len);
    if (p->answers == 2 && scripted_token.wrong_key > 0) {
        scripted_token.wrong_key--;
        end(p, turn, CARD_UNTOUCHED, "the card's cryptogram is wrong");
        return true;
    }
    next(p, turn);
    return true;
}

bool token_process_check(struct token_process *p, const uint8_t *record, size_t len, bool keys_only,
                         struct err *err)
{
    (void)p;
    (void)record;
    (void)len;
    (void)keys_only;
    (void)err;
    return true;
}

bool token_process_sign(struct token_process *p, const uint8_t *data, size_t len, struct buf *signature,
                        uint8_t signer[32], struct err *err)
{
    (void)p;
    (void)data;
    (void)len;
    (void)signature;
    (void)signer;
    return err_set(err, ERR_TOKEN, "no return key");
}

bool token_process_return_key(struct token_process *p, struct buf *spki, struct err *err)
{
    (void)p;
    (void)spki;
    return err_set(err, ERR_TOKEN, "no return key");
}

bool token_process_signers(struct token_process *p, struct buf *spkis, struct err *err)
{
    (void)p;
    (void)spkis;
    (void)err;
    return true;
}
