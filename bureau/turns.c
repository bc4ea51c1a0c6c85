#include "bureau/turns.h"

#include <stdio.h>
#include <string.h>

#include "base/progress.h"

enum {
    INS_AT = 1,
    INITIALIZE_UPDATE = 0x50,
    KEYDATA_LEN = 10,
    ANSWER_MAX = 65538,
    LAST_WORDS_MAX = 4, /* turns that a conversation may want after its card has gone */
};
/* Commands that change nothing: SELECT, INITIALIZE UPDATE, GET DATA, GET STATUS, READ, GET RESPONSE. */
static const uint8_t harmless[] = {0xA4, INITIALIZE_UPDATE, 0xCA, 0xCB, 0xF2, 0xB0, 0xB2, 0xC0};

struct play {
    struct token_process *token;
    const struct turns_port *port;
    struct turns_result *result;
    struct card_turn turn;
    struct buf answer;
    bool known;   /* the port was told of the card */
    bool refused; /* and did not want it */
    bool changed; /* a command that may change the card was sent */
};

static bool is_harmless(uint8_t ins)
{
    for (size_t i = 0; i < sizeof(harmless); i++)
        if (harmless[i] == ins) return true;
    return false;
}

static uint8_t ins_of(const struct play *p)
{
    return p->turn.command.len > INS_AT ? p->turn.command.data[INS_AT] : 0;
}

/* Tells the port of the card. False: it is not to be used. */
static bool tell(struct play *p, const struct card_id *id)
{
    if (p->known || !p->port->known) return true;
    p->known = true;
    err_clear(&p->result->err);
    p->refused = !p->port->known(p->port->context, id, &p->result->err);
    return !p->refused;
}

/* Before the command goes out: a card that is to be changed is known. */
static bool tell_before(struct play *p)
{
    const struct card_id nobody = {.len = 0};
    return is_harmless(ins_of(p)) || tell(p, &nobody);
}

/* Before the answer goes to the token process: whose it is. */
static bool tell_after(struct play *p)
{
    struct card_id id = {.len = KEYDATA_LEN};
    const struct buf *a = &p->answer;
    if (ins_of(p) != INITIALIZE_UPDATE || a->len < KEYDATA_LEN + 2 || a->data[a->len - 2] != 0x90)
        return true;
    memcpy(id.bytes, a->data, KEYDATA_LEN);
    return tell(p, &id);
}

static void send(struct play *p)
{
    struct turns_result *r = p->result;

    buf_clear(&p->answer);
    snprintf(r->what, sizeof(r->what), "%s", p->turn.what ? p->turn.what : "");
    if (!tell_before(p)) return;
    r->commands++;
    p->changed = p->changed || !is_harmless(ins_of(p));
    err_clear(&r->err);
    bool came = p->port->transmit(p->port->context, &p->turn, &p->answer, &r->err);
    if (!came || !tell_after(p)) buf_clear(&p->answer);
}

/* The token process has failed, or does not end: what is known of the card decides. */
static void give_up(struct play *p, const struct err *why)
{
    p->result->token_lost = true;
    p->result->outcome = p->changed ? CARD_HALF_DONE : CARD_UNTOUCHED;
    p->result->err = *why;
}

static void take_outcome(struct play *p)
{
    struct turns_result *r = p->result;
    struct err gone = r->err; /* what the reader said, if it did */

    r->outcome = p->turn.outcome;
    snprintf(r->serial, sizeof(r->serial), "%s", p->turn.serial);
    if (r->outcome == CARD_MADE) {
        err_clear(&r->err);
        if (p->turn.command.len == sizeof(r->checks))
            memcpy(r->checks, p->turn.command.data, sizeof(r->checks));
        return;
    }
    r->err = p->turn.err;
    if (p->refused) {
        r->outcome = CARD_UNTOUCHED;
        r->err = gone;
    } else if (gone.kind != ERR_NONE && p->answer.len == 0) {
        r->err = gone;
        if (r->what[0]) err_prefix(&r->err, "%s", r->what);
    }
}

static void play(struct play *p, struct err *err)
{
    unsigned silent = 0;

    while (!p->turn.done) {
        send(p);
        silent = p->answer.len == 0 ? silent + 1 : 0;
        if (silent > LAST_WORDS_MAX) {
            err_set_text(err, ERR_INTERNAL, "the conversation goes on without a card");
            give_up(p, err);
            return;
        }
        if (!token_process_answer(p->token, p->answer.data, p->answer.len, &p->turn, err)) {
            give_up(p, err);
            return;
        }
    }
    take_outcome(p);
}

void turns_run(struct token_process *token, const struct card_order *order, const struct turns_port *port,
               struct turns_result *result)
{
    struct play p = {.token = token, .port = port, .result = result};
    struct err err = ERR_INIT;
    uint64_t begun = clock_monotonic_ms();

    *result = (struct turns_result){.outcome = CARD_UNTOUCHED};
    card_turn_init(&p.turn);
    buf_init(&p.answer, ANSWER_MAX);
    if (token_process_begin(token, order, &p.turn, &err))
        play(&p, &err);
    else
        give_up(&p, &err);
    result->ms = clock_monotonic_ms() - begun;
    buf_release(&p.answer);
    card_turn_release(&p.turn);
}
