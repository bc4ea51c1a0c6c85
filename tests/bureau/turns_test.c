/* One card's turns: outcomes at every answer, and who is asked before a card is changed. */
#include "bureau/turns.h"

#include "bureau/station_wire.h"
#include "mic_draft.h"
#include "scripted_token.h"
#include "suite.h"

#include <sys/socket.h>
#include <unistd.h>

enum { COMMANDS = SCRIPTED_BEFORE_STORE + 4 };

/* A card that answers up to a point. */
struct paper_card {
    unsigned pulled_at; /* 0: never */
    unsigned commands, asked;
    bool unwanted, mute_keydata;
    struct card_id seen;
    unsigned commands_when_asked;
};

static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    struct paper_card *c = context;
    if (++c->commands == c->pulled_at) return err_set(why, ERR_FILE, "the card was pulled out");
    if (turn->command.data[1] == 0x50 && !c->mute_keydata) buf_put(answer, "0123456789behind it", 19);
    buf_put(answer, "\x90\x00", 2);
    return true;
}

static bool known(void *context, const struct card_id *id, struct err *why)
{
    struct paper_card *c = context;
    c->asked++;
    c->seen = *id;
    c->commands_when_asked = c->commands;
    return !c->unwanted || err_set(why, ERR_INPUT, "card holds record 7");
}

static void play(struct paper_card *card, struct turns_result *result)
{
    struct err err = ERR_INIT;
    struct token_process *p = NULL;
    struct draft draft;
    struct buf record;
    const struct turns_port port = {card, transmit, known};

    buf_init(&record, 1 << 16);
    draft_init(&draft, 1);
    draft_put_card(&record, &draft.cards[0], "CHIP");
    EXPECT_OK(token_process_start(&p, NULL, &err));
    const struct card_order order = {.record = record.data, .len = record.len, .tries = 1};
    turns_run(p, &order, &port, result);
    token_process_free(p);
    buf_release(&record);
}

static void test_made(void)
{
    struct turns_result r;
    struct paper_card card = {0};
    play(&card, &r);
    CU_ASSERT_EQUAL(r.outcome, CARD_MADE);
    CU_ASSERT_EQUAL(r.commands, COMMANDS);
    CU_ASSERT_EQUAL(card.asked, 1);
    CU_ASSERT_EQUAL(card.commands_when_asked, 2);
    CU_ASSERT_TRUE(bytes_equal(card.seen.bytes, card.seen.len, "0123456789", 10));
    CU_ASSERT_STRING_EQUAL(r.what, "STORE DATA 4 of 4");
    CU_ASSERT_STRING_EQUAL(r.serial, "30313233");
}

static void test_pulled_at_every_command(void)
{
    for (unsigned at = 1; at <= COMMANDS; at++) {
        struct turns_result r;
        struct paper_card card = {.pulled_at = at};
        play(&card, &r);
        CU_ASSERT_EQUAL(r.outcome, at >= SCRIPTED_BEFORE_STORE ? CARD_HALF_DONE : CARD_UNTOUCHED);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "the card was pulled out"));
        CU_ASSERT_EQUAL(r.commands, at);
        CU_ASSERT_FALSE(r.token_lost);
    }
}

static void test_an_unwanted_card_is_not_changed(void)
{
    struct turns_result r;
    struct paper_card card = {.unwanted = true};
    play(&card, &r);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_STRING_EQUAL(r.err.text, "card holds record 7");
    CU_ASSERT_EQUAL(card.commands, 2);
}

static void test_a_card_that_tells_nothing_is_asked_for_before_it_is_changed(void)
{
    struct turns_result r;
    struct paper_card card = {.mute_keydata = true};
    play(&card, &r);
    CU_ASSERT_EQUAL(r.outcome, CARD_MADE);
    CU_ASSERT_EQUAL(card.asked, 1);
    CU_ASSERT_EQUAL(card.seen.len, 0);
    CU_ASSERT_EQUAL(card.commands_when_asked, 2);
    card = (struct paper_card){.mute_keydata = true, .unwanted = true};
    play(&card, &r);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_EQUAL(card.commands, 2);
}

static void test_token_dies_at_every_answer(void)
{
    for (unsigned at = 1; at <= COMMANDS; at++) {
        struct turns_result r;
        struct paper_card card = {0};
        scripted_token.dies_at = at;
        play(&card, &r);
        CU_ASSERT_EQUAL(r.outcome, at >= SCRIPTED_BEFORE_STORE ? CARD_HALF_DONE : CARD_UNTOUCHED);
        CU_ASSERT_TRUE(r.token_lost);
        CU_ASSERT_EQUAL(r.err.kind, ERR_TOKEN);
    }
    scripted_token.dies_at = 0;
}

static void test_a_bad_record_sends_nothing(void)
{
    struct turns_result r;
    struct paper_card card = {0};
    scripted_token.bad_record = 1;
    play(&card, &r);
    scripted_token.bad_record = 0;
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_EQUAL(r.commands, 0);
}

static void test_results_over_the_wire(void)
{
    struct err err = ERR_INIT;
    struct turns_result sent = {.outcome = CARD_SPOILED, .commands = 12, .ms = 345, .token_lost = true}, got;
    struct buf b;
    err_set_text(&sent.err, ERR_TOKEN, "why");
    memcpy(sent.serial, "0102", 5);
    memcpy(sent.what, "SELECT", 7);
    memset(sent.checks, 0x5A, sizeof(sent.checks));
    buf_init(&b, 4096);
    station_put_result(&b, &sent);
    struct cur c = cur_make(b.data, b.len, 0);
    EXPECT_OK(station_get_result(&c, &got, &err));
    CU_ASSERT_TRUE(got.outcome == CARD_SPOILED && got.commands == 12 && got.ms == 345 && got.token_lost);
    CU_ASSERT_STRING_EQUAL(got.err.text, "why");
    CU_ASSERT_STRING_EQUAL(got.what, "SELECT");
    CU_ASSERT_EQUAL(memcmp(got.checks, sent.checks, sizeof(got.checks)), 0);
    CU_ASSERT_EQUAL(cur_left(&c), 0);
    for (size_t len = 0; len < b.len; len++) {
        c = cur_make(b.data, len, 0);
        EXPECT_FAIL(station_get_result(&c, &got, &err), ERR_INTERNAL, "");
    }
    b.data[0] = CARD_SPOILED + 1;
    c = cur_make(b.data, b.len, 0);
    EXPECT_FAIL(station_get_result(&c, &got, &err), ERR_INTERNAL, "outcome 4");
    buf_release(&b);
}

static void test_nonsense_over_the_wire(void)
{
    struct err err = ERR_INIT;
    struct buf payload;
    enum station_message type;
    bool closed = false;
    int ends[2];
    static const uint8_t unknown[] = {99, 0, 0, 0, 0}, giant[] = {STATION_CARD, 0xFF, 0xFF, 0xFF, 0xFF},
                         cut[] = {STATION_CARD, 0, 0, 0, 9, 1};
    const struct {
        const uint8_t *bytes;
        size_t len;
        bool ok;
    } tries[] = {{unknown, 5, false}, {giant, 5, false}, {cut, 6, true}, {cut, 3, true}, {cut, 0, true}};
    buf_init(&payload, STATION_PAYLOAD_MAX);
    for (size_t i = 0; i < SUITE_COUNT(tries); i++) {
        CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        CU_ASSERT_EQUAL(send(ends[0], tries[i].bytes, tries[i].len, 0), (ssize_t)tries[i].len);
        close(ends[0]);
        CU_ASSERT_EQUAL(station_receive(ends[1], &type, &payload, &closed, &err), tries[i].ok);
        CU_ASSERT_EQUAL(closed, tries[i].ok);
        close(ends[1]);
    }
    buf_release(&payload);
}

static const struct test_case cases[] = {
    {"made", test_made},
    {"pulled at every command", test_pulled_at_every_command},
    {"an unwanted card is not changed", test_an_unwanted_card_is_not_changed},
    {"a card that tells nothing is asked for",
     test_a_card_that_tells_nothing_is_asked_for_before_it_is_changed},
    {"the token dies at every answer", test_token_dies_at_every_answer},
    {"a bad record sends nothing", test_a_bad_record_sends_nothing},
    {"results over the wire", test_results_over_the_wire},
    {"nonsense over the wire", test_nonsense_over_the_wire},
};

int main(void)
{
    return suite_run("bureau/turns", cases, SUITE_COUNT(cases));
}
