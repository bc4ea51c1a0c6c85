/* The conversation against recorded answers: no token, and a crypto that marks what it was asked for. */
#include "bureau/conversation.h"

#include <stdlib.h>

#include "formats/dgi.h"
#include "suite.h"

static struct err err;

/* Secures by setting the class bit; protects by telling the item's DGI. */
struct fake {
    unsigned opened, closed, secured;
    enum err_kind open_fails, secure_fails, protect_fails;
    bool new_keys, bad_answer, application_key;
    size_t data_max;
};

static bool fake_random(void *context, uint8_t out[8], struct err *e)
{
    (void)context;
    (void)e;
    memset(out, 0x11, 8);
    return true;
}

static bool fails(enum err_kind kind, struct err *e)
{
    if (kind == ERR_NONE) return false;
    err_set_text(e, kind, "as told");
    return true;
}

static bool fake_open(void *context, const struct scp_answer *answer, const uint8_t host[8],
                      struct buf *command, struct err *e)
{
    struct fake *f = context;
    (void)answer;
    (void)host;
    f->opened++;
    if (fails(f->open_fails, e)) return false;
    buf_put(command, "\x84\x82\x03\x00", 4);
    return true;
}

static bool fake_secure(void *context, const struct apdu *command, struct buf *out, struct err *e)
{
    struct fake *f = context;
    struct apdu a = *command;
    f->secured++;
    if (fails(f->secure_fails, e)) return false;
    a.cla |= 4;
    apdu_put(out, &a);
    return true;
}

static bool fake_answer(void *context, const struct apdu_answer *answer, struct buf *data, struct err *e)
{
    struct fake *f = context;
    if (f->bad_answer) return err_set(e, ERR_INTEGRITY, "the MAC of the card's answer does not verify");
    if (answer->len > 0) buf_put(data, answer->data, answer->len);
    return true;
}

static size_t fake_data_max(void *context, size_t lc_max)
{
    const struct fake *f = context;
    return f->data_max ? f->data_max : lc_max - 16;
}

static bool fake_protect(void *context, const struct open_item *item, struct buf *dgis, bool *application_key,
                         struct err *e)
{
    struct fake *f = context;
    *application_key = f->application_key;
    if (fails(f->protect_fails, e)) return false;
    dgi_put(dgis, item->dgi, "0123456789ABCDEF", 16);
    if (item->dgi == 0x8201) dgi_put(dgis, 0x8202, "0123456789ABCDEF", 16);
    return true;
}

static bool fake_new_keys(void *context, struct card_new_keys *out, struct err *e)
{
    struct fake *f = context;
    (void)e;
    out->needed = f->new_keys;
    out->old_version = 1;
    out->version = 2;
    buf_put(&out->data, "\x02keys", 5);
    buf_put(&out->checks, "\x02kcv", 4);
    return true;
}

static void fake_hang_up(void *context)
{
    struct fake *f = context;
    f->closed++;
}

static void fake_close(void *context)
{
    struct fake *f = context;
    f->closed++;
}

/* ---- a record of two applications ---- */

static struct bureau settings;
static struct ring ring = {.settings = &settings};
static struct entry entries[2] = {{.aid = {0xA0, 0, 0, 0, 1}, .aid_len = 5},
                                  {.aid = {0xA0, 0, 0, 0, 2}, .aid_len = 5}};
static struct open_application apps[2];
static struct open_record record = {.ring = &ring, .applications = apps, .application_count = 2};
static uint8_t clear_value[600];
static struct open_secret one_secret;

static void stage(enum bureau_load first, enum bureau_load second)
{
    memset(apps, 0, sizeof apps);
    for (size_t i = 0; i < 2; i++)
        apps[i].entry = &entries[i];
    snprintf(apps[0].name, sizeof apps[0].name, "A000000001");
    snprintf(apps[1].name, sizeof apps[1].name, "A000000002");
    apps[0].load = first;
    apps[1].load = second;
    apps[0].items[0] = (struct open_item){.dgi = 0x0101, .value = clear_value, .len = 4};
    apps[0].items[1] = (struct open_item){.dgi = 0x8201, .secrets = &one_secret, .secret_count = 1};
    apps[0].item_count = 2;
    apps[1].items[0] = (struct open_item){.dgi = 0x3001, .value = clear_value, .len = 300};
    apps[1].item_count = 1;
    one_secret.wrapped.method = METHOD_KWP;
    settings = (struct bureau){.command_data_max = 280};
}

/* ---- a recorded talk: the start of each command, and the answer ---- */

struct line {
    const char *command, *answer; /* hex; command by its beginning, NULL: the end is due */
};

#define UPDATED_OF(version)                                                                                  \
    "00010203040506070809" version "0370"                                                                    \
    "B1B2B3B4B5B6B7B8"                                                                                       \
    "C1C2C3C4C5C6C7C8"                                                                                       \
    "000015"                                                                                                 \
    "9000"
#define UPDATED UPDATED_OF("01")
#define SELECT_SD                                                                                            \
    {                                                                                                        \
        "00A4040000", "9000"                                                                                 \
    }
#define UPDATE                                                                                               \
    {                                                                                                        \
        "8050000008"                                                                                         \
        "1111111111111111"                                                                                   \
        "00",                                                                                                \
            UPDATED                                                                                          \
    }
#define UPDATE_2                                                                                             \
    {                                                                                                        \
        "8050000008", UPDATED_OF("02")                                                                       \
    }
#define AUTH                                                                                                 \
    {                                                                                                        \
        "84820300", "9000"                                                                                   \
    }

static size_t hex_bytes(const char *hex, uint8_t *out)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

struct talk {
    struct fake fake;
    struct card_turn turn;
    unsigned tries;
    bool extended, repeated, failed;
};

static void talk(struct talk *t, const struct line *lines, size_t count)
{
    struct conversation *c = NULL;
    const struct card_crypto crypto = {&t->fake,      fake_random,  fake_open,     fake_secure,  fake_answer,
                                       fake_data_max, fake_protect, fake_new_keys, fake_hang_up, fake_close};
    const struct conversation_order order = {
        &record, crypto, NULL, t->tries, t->extended, t->repeated ? PURPOSE_REPEAT : PURPOSE_RECORD};
    t->failed = false;
    card_turn_init(&t->turn);
    EXPECT_OK(conversation_new(&c, &order, &t->turn, &err));
    for (size_t i = 0; i < count && !t->turn.done && !t->failed; i++) {
        uint8_t due[300], answer[300];
        size_t due_len = hex_bytes(lines[i].command, due), len = hex_bytes(lines[i].answer, answer);
        bool same = t->turn.command.len >= due_len && memcmp(t->turn.command.data, due, due_len) == 0;
        if (!same) fprintf(stderr, "line %zu: another command (%s)\n", i, t->turn.what);
        CU_ASSERT_TRUE(same);
        t->failed = !conversation_answer(c, answer, len, &t->turn, &err);
        if (t->failed) t->turn.outcome = conversation_outcome(c);
    }
    conversation_free(c);
    t->turn.what = "";
    CU_ASSERT_TRUE(t->fake.closed > 0);
}

#define TALK(t, lines) talk(&(t), (lines), SUITE_COUNT(lines))

static void expect_end(struct talk *t, enum card_outcome outcome, const char *text)
{
    CU_ASSERT_TRUE(t->turn.done && !t->failed);
    CU_ASSERT_EQUAL(t->turn.outcome, outcome);
    if (!strstr(t->turn.err.text, text)) fprintf(stderr, "got: %s\n", t->turn.err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(t->turn.err.text, text));
    card_turn_release(&t->turn);
}

/* An application with a channel of its own, then one through the domain, which is opened again and locked. */
static void test_whole(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"00A4040005A00000000100", "9000"},
        UPDATE,
        AUTH,
        {"84E2000007010104", "9000"}, /* clear */
        {"84E2600113820110", "9000"}, /* encrypted under the channel's key */
        {"84E2E00213820210", "9000"}, /* and the last one */
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E620000B000005A000000002000000", "9000"},
        {"84E20000EF3001FF012C", "9000"},
        {"84E2800142", "9000"}, /* 5 + 300 bytes in two parts */
        {"84F0800F", "9000"},
    };
    struct talk t = {.fake = {0}};
    stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_INSTALL);
    TALK(t, lines);
    CU_ASSERT_EQUAL(t.fake.opened, 3);
    CU_ASSERT_STRING_EQUAL(t.turn.serial, "00010203040506070809");
    expect_end(&t, CARD_MADE, "");
}

/* The same grouping of 305 bytes: as much as the settings allow in an extended command, the rest in a short one; and where the rest
 * would need an extended one for its encryption alone, two short ones. */
static void test_extended(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E620000B000005A000000002000000", "9000"},
        {"84E20000000108"
         "3001FF012C",
         "9000"},
        {"84E2800129", "9000"},
        {"84F0800F", "9000"},
    };
    static const struct line both[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E62000", "9000"},
        {"84E20000EF3001F2", "9000"},
        {"84E2800106", "9000"},
        {"84F0800F", "9000"},
    };
    struct talk t = {.extended = true};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    apps[0].item_count = 0;
    TALK(t, lines);
    expect_end(&t, CARD_MADE, "");
    apps[1].items[0].len = 242;
    TALK(t, both);
    expect_end(&t, CARD_MADE, "");
}

/* A card that does not tell how far it is. */
#define TELLS_NOTHING                                                                                        \
    {"84F24002024F0000", "6D00"},                                                                            \
    {                                                                                                        \
        "84F28002024F0000", "6D00"                                                                           \
    }

/* On the card that had it before: the first application was finished then, the second not, the card is locked or not. Without that word,
 * and anywhere but at a first block, the same answers are the end. */
static void test_repeated(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        TELLS_NOTHING,
        {"00A4040005A00000000100", "9000"},
        UPDATE,
        AUTH,
        {"84E2000007010104", "6985"},
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E620000B000005A000000002000000", "9000"},
        {"84E20000EF3001FF012C", "6985"},
        {"84F0800F", "6985"},
        {"84F08007", "6985"},
    };
    static const struct line once[] = {
        SELECT_SD, UPDATE, AUTH, {"00A4", "9000"}, UPDATE, AUTH, {"84E2000007010104", "6985"}};
    static const struct line later[] = {SELECT_SD,           UPDATE, AUTH, TELLS_NOTHING,
                                        {"00A4", "9000"},    UPDATE, AUTH, {"84E20000", "9000"},
                                        {"84E26001", "6985"}};
    struct talk t = {.repeated = true}, first = {.repeated = false}, middle = {.repeated = true};
    stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_INSTALL);
    TALK(t, lines);
    expect_end(&t, CARD_MADE, "");
    TALK(first, once);
    expect_end(&first, CARD_UNTOUCHED, "6985");
    TALK(middle, later);
    expect_end(&middle, CARD_HALF_DONE, "6985");
}

/* The same with both applications through the domain. */
static void test_repeated_install(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84F24002024F0000", "6D00"}, /* it does not tell */
        {"84F28002024F0000", "6D00"},
        {"84E620000B000005A000000001000000", "6985"},
        {"84E620000B000005A000000002000000", "6985"},
        {"84F0800F", "6985"},
        {"84F08007", "6985"},
    };
    static const struct line refusal[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E620000B000005A000000001000000", "6985"},
    };
    struct talk t = {.repeated = true}, first = {.repeated = false};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    TALK(t, lines);
    expect_end(&t, CARD_MADE, "");
    TALK(first, refusal);
    expect_end(&first, CARD_UNTOUCHED, "6985");
}

#define STATUS_OF(aid, life) "E30B4F05" aid "9F7001" life
#define PURSE                "A000000001"
#define SECOND               "A000000002"

/* ---- a card that tells how far it is ---- */

/* The first application is finished, the second not, the card not locked. */
static const struct line tells_half[] = {
    SELECT_SD,
    UPDATE,
    AUTH,
    {"84F24002024F0000", STATUS_OF(PURSE, "0F") STATUS_OF(SECOND, "07") "9000"},
    {"84F28002024F0000", STATUS_OF("A000000151", "07") "9000"},
    {"84E620000B000005A000000002000000", "9000"},
    {"84E20000EF3001FF012C", "9000"},
    {"84E28001", "9000"},
    {"84F0800F", "9000"},
};
/* Everything was done: in two pages, the older form, with a locked application and another that is not of the record. */
static const struct line tells_whole[] = {
    SELECT_SD,
    UPDATE,
    AUTH,
    {"84F24002024F0000", "6A86"},
    {"84F24000024F0000", "05" SECOND "8F00"
                         "05A0000000090700"
                         "6310"},
    {"84F24001024F0000", "05" PURSE "1F00"
                         "9000"},
    {"84F28000024F0000", "08A0000001510000000F9E"
                         "9000"},
};
/* It says that it is not finished, and refuses as if it were; it says nothing of the second. */
static const struct line tells_contradicts[] = {
    SELECT_SD,
    UPDATE,
    AUTH,
    {"84F24002024F0000", STATUS_OF(PURSE, "07") "9000"},
    {"84F28002024F0000", STATUS_OF("A000000151", "07") "9000"},
    {"84E62000", "9000"},
    {"84E2000007010104", "6985"},
};
/* Nor is the lock believed. */
static const struct line tells_unlocked[] = {
    SELECT_SD,
    UPDATE,
    AUTH,
    {"84F24002024F0000", STATUS_OF(PURSE, "0F") STATUS_OF(SECOND, "0F") "9000"},
    {"84F28002024F0000", STATUS_OF("A000000151", "07") "9000"},
    {"84F0800F", "6985"},
    {"84F08007", "6985"},
};
static const struct line tells_terminated[] = {
    SELECT_SD,
    UPDATE,
    AUTH,
    {"84F24002024F0000", "6A88"},
    {"84F28002024F0000", STATUS_OF("A000000151", "FF") "9000"},
};

/* The card tells: what is finished is left out, what is not must be accepted. */
static void test_told(void)
{
    const struct {
        const struct line *lines;
        size_t count;
        enum card_outcome outcome;
        const char *text;
    } rows[] = {
        {tells_half, SUITE_COUNT(tells_half), CARD_MADE, ""},
        {tells_whole, SUITE_COUNT(tells_whole), CARD_MADE, ""},
        {tells_contradicts, SUITE_COUNT(tells_contradicts), CARD_UNTOUCHED,
         "STORE DATA 1 of 2 (DGI 0101), application A000000001: the card "
         "answers 6985"},
        {tells_unlocked, SUITE_COUNT(tells_unlocked), CARD_UNTOUCHED,
         "SET STATUS: the card is initialized: the card answers 6985"},
        {tells_terminated, SUITE_COUNT(tells_terminated), CARD_UNTOUCHED,
         "GET STATUS of the card: the card's life cycle state is FF"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct talk t = {.repeated = true};
        stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
        talk(&t, rows[i].lines, rows[i].count);
        expect_end(&t, rows[i].outcome, rows[i].text);
    }
}

/* An answer that is no status tells nothing; a card that always has more is asked for the rest only so often. */
static void test_told_nonsense(void)
{
    static const struct line nonsense[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84F24002024F0000", "E30A4F05"
                             "9000"},
        {"84F28002024F0000", "4F00"
                             "9000"},
        {"84E62000", "9000"},
        {"84E2000007010104", "6985"},
        {"84E62000", "9000"},
        {"84E20000", "9000"},
        {"84E28001", "9000"},
        {"84F0800F", "9000"},
    };
    struct line endless[80] = {SELECT_SD, UPDATE, AUTH, {"84F24002024F0000", "6310"}};
    struct talk t = {.repeated = true};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    TALK(t, nonsense);
    expect_end(&t, CARD_MADE, "");
    for (size_t i = 4; i < 3 + 64; i++)
        endless[i] = (struct line){"84F24003024F0000", "6310"};
    endless[3 + 64] = (struct line){"84F28002024F0000", "6D00"};
    endless[4 + 64] = (struct line){"84E62000", "6A88"};
    talk(&t, endless, 5 + 64);
    expect_end(&t, CARD_UNTOUCHED, "6A88");
}

static void test_application_key(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E62000", "9000"},
        {"84E20000", "9000"},
        {"84E22001", "9000"},
        {"84E2A002", "6A80"},
    };
    struct talk t = {.fake = {.application_key = true}};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    TALK(t, lines);
    expect_end(&t, CARD_HALF_DONE,
               "STORE DATA 2 of 2 (DGI 8202), application A000000001: the card answers 6A80 (wrong data)");
}

static void test_pieces(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        {"8050", "611F"},
        {"00C000001F", "00010203040506070809"
                       "01"
                       "0370"
                       "B1B2"
                       "6110"},
        {"00C0000010", "6C12"}, /* of GET RESPONSE, not of the command before */
    };
    struct talk t = {.fake = {0}};
    stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_SELECT);
    TALK(t, lines);
    CU_ASSERT_FALSE(t.turn.done); /* fetches with the right length */
    CU_ASSERT_TRUE(bytes_equal(t.turn.command.data, t.turn.command.len, "\x00\xC0\x00\x00\x12", 5));
    card_turn_release(&t.turn);
}

static void test_wrong_le(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        {"8050000008111111111111111100", "6C20"},
        {"8050000008111111111111111120", UPDATED},
        AUTH,
    };
    struct talk t = {.fake = {0}};
    stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_SELECT);
    TALK(t, lines);
    CU_ASSERT_FALSE(t.turn.done);
    card_turn_release(&t.turn);
}

/* A card that never stops. */
static void test_endless(void)
{
    struct line lines[80] = {{"00A4", "6C10"}};
    struct talk t = {.fake = {0}};
    for (size_t i = 1; i < SUITE_COUNT(lines); i++)
        lines[i] = (struct line){"00", i % 2 ? "6C11" : "6C10"};
    stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_SELECT);
    TALK(t, lines);
    expect_end(&t, CARD_UNTOUCHED, "6C1");
}

static void test_ends(void)
{
    static const struct line mute[] = {{"00A4", ""}};
    static const struct line half[] = {{"00A4", "90"}};
    static const struct line missing[] = {SELECT_SD, UPDATE, AUTH, {"00A4", "6A82"}};
    static const struct line refuses[] = {SELECT_SD, UPDATE, {"8482", "6300"}};
    static const struct line other[] = {SELECT_SD,
                                        {"8050", "00010203040506070809"
                                                 "01"
                                                 "0155"
                                                 "9000"}};
    static const struct line blocked[] = {SELECT_SD, {"8050", "6983"}};
    const struct {
        const struct line *lines;
        size_t count;
        const char *text;
    } rows[] = {
        {mute, 1, "SELECT the security domain: no answer: the card was pulled out"},
        {half, 1, "no status word"},
        {missing, 4, "SELECT application A000000001: the card answers 6A82 (file or application not found)"},
        {refuses, 3, "EXTERNAL AUTHENTICATE: the card answers 6300 (authentication of the host failed)"},
        {other, 2, "the card speaks SCP01"},
        {blocked, 2, "INITIALIZE UPDATE: the card answers 6983 (authentication is blocked)"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct talk t = {.fake = {0}};
        stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_SELECT);
        talk(&t, rows[i].lines, rows[i].count);
        expect_end(&t, CARD_UNTOUCHED, rows[i].text);
    }
}

static void test_tries(void)
{
    static const struct line lines[] = {SELECT_SD, UPDATE, UPDATE, UPDATE};
    for (unsigned tries = 0; tries < 4; tries++) {
        struct talk t = {.fake = {.open_fails = ERR_INTEGRITY}, .tries = tries};
        stage(BUREAU_LOAD_SELECT, BUREAU_LOAD_SELECT);
        TALK(t, lines);
        CU_ASSERT_EQUAL(t.fake.opened, tries ? tries : 1);
        expect_end(&t, CARD_UNTOUCHED, "as told");
    }
    /* what is no matter of keys is not tried again */
    struct talk t = {.fake = {.open_fails = ERR_CONFIG}, .tries = 3};
    TALK(t, lines);
    CU_ASSERT_EQUAL(t.fake.opened, 1);
    expect_end(&t, CARD_UNTOUCHED, "as told");
}

/* A token that fails is no outcome of the card's; how it is left is told apart. */
static void test_token_fails(void)
{
    static const struct line lines[] = {SELECT_SD, UPDATE, AUTH, {"84E6", "9000"}, {"84E2", "9000"}};
    for (int i = 0; i < 3; i++) {
        struct talk t = {.fake = {0}};
        if (i == 0) t.fake.open_fails = ERR_TOKEN;
        if (i == 1) t.fake.secure_fails = ERR_TOKEN;
        if (i == 2) t.fake.protect_fails = ERR_TOKEN;
        stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
        TALK(t, lines);
        CU_ASSERT_TRUE(t.failed && !t.turn.done && err.kind == ERR_TOKEN);
        CU_ASSERT_EQUAL(t.turn.outcome, i == 2 ? CARD_HALF_DONE : CARD_UNTOUCHED);
        if (i == 2) CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "DGI 8201: as told"));
        card_turn_release(&t.turn);
    }
}

static void test_put_key(void)
{
    static const struct line right[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84D8018105026B65797300", "026B6376"
                                   "9000"},
        SELECT_SD,
        UPDATE_2,
        AUTH,
        {"84E6", "6A88"},
    };
    static const struct line old[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84D8", "026B6376"
                 "9000"},
        SELECT_SD,
        UPDATE,
    };
    static const struct line wrong[] = {SELECT_SD,
                                        UPDATE,
                                        AUTH,
                                        {"84D8", "026B6300"
                                                 "9000"}};
    static const struct line refused[] = {SELECT_SD, UPDATE, AUTH, {"84D8", "6982"}};
    struct talk t = {.fake = {.new_keys = true}};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    settings.replace_keys = true;
    TALK(t, right);
    expect_end(&t, CARD_HALF_DONE,
               "INSTALL [for personalization] of application A000000001: the card answers 6A88");
    TALK(t, old);
    expect_end(&t, CARD_SPOILED, "the card took keys of version 2 and still answers with version 1");
    TALK(t, wrong);
    expect_end(&t, CARD_SPOILED, "PUT KEY, version 2 for 1: the card answers with other check values");
    TALK(t, refused);
    expect_end(&t, CARD_UNTOUCHED, "PUT KEY, version 2 for 1: the card answers 6982");
}

/* What is under the card's own key is loaded before its keys are replaced; whether it has that key is asked before anything changes. */
static void test_own_keys(void)
{
    static const struct line lines[] = {
        SELECT_SD,
        UPDATE,
        AUTH,
        {"84E62000", "9000"},
        {"84E20000", "9000"},
        {"84E22001", "9000"},
        {"84E2A002", "9000"},
        {"84E62000", "9000"},
        {"84E20000", "9000"},
        {"84E28001", "9000"},
        {"84D80181", "026B6376"
                     "9000"},
        SELECT_SD,
        UPDATE_2,
        AUTH,
        {"84F0800F", "9000"},
    };
    struct talk t = {.fake = {.new_keys = true, .application_key = true}};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    one_secret.wrapped.method = METHOD_CARD_TDES_ECB;
    settings.replace_keys = true;
    TALK(t, lines);
    expect_end(&t, CARD_MADE, "");
    struct talk other = {.fake = {.new_keys = true, .protect_fails = ERR_CONFIG}};
    TALK(other, lines);
    expect_end(&other, CARD_UNTOUCHED, "application A000000001: as told");
}

static void test_bad_answer(void)
{
    static const struct line lines[] = {SELECT_SD, UPDATE, AUTH, {"84E6", "9000"}};
    struct talk t = {.fake = {.bad_answer = true}};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    TALK(t, lines);
    expect_end(&t, CARD_UNTOUCHED, "the MAC of the card's answer does not verify");
}

/* Status words of STORE DATA and what they leave behind. */
static void test_outcomes(void)
{
    static const struct {
        const char *sw;
        enum card_outcome outcome;
    } rows[] = {
        {"6982", CARD_UNTOUCHED}, {"6A84", CARD_UNTOUCHED}, {"6400", CARD_UNTOUCHED},
        {"6500", CARD_HALF_DONE}, {"6581", CARD_SPOILED},   {"6200", CARD_HALF_DONE},
        {"6310", CARD_HALF_DONE}, {"6F00", CARD_UNTOUCHED}, {"", CARD_HALF_DONE},
        {"90", CARD_HALF_DONE},   {"1234", CARD_UNTOUCHED},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        const struct line lines[] = {SELECT_SD, UPDATE, AUTH, {"84E6", "9000"}, {"84E2", rows[i].sw}};
        struct talk t = {.fake = {0}};
        stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
        TALK(t, lines);
        expect_end(&t, rows[i].outcome, "STORE DATA 1 of 2 (DGI 0101), application A000000001: ");
    }
}

/* OP_READY → INITIALIZED → SECURED, and never round and round. */
static void test_lock(void)
{
    static const struct line lines[] = {
        SELECT_SD, UPDATE, AUTH, {"84F0800F", "6985"}, {"84F08007", "9000"}, {"84F0800F", "9000"},
    };
    static const struct line round[] = {
        SELECT_SD, UPDATE, AUTH, {"84F0800F", "6985"}, {"84F08007", "9000"}, {"84F0800F", "6985"},
    };
    struct talk t = {.fake = {0}};
    stage(BUREAU_LOAD_INSTALL, BUREAU_LOAD_INSTALL);
    apps[0].item_count = apps[1].item_count = 0;
    TALK(t, lines);
    expect_end(&t, CARD_MADE, "");
    TALK(t, round);
    expect_end(&t, CARD_HALF_DONE, "SET STATUS: the card is locked: the card answers 6985");
}

static void test_names(void)
{
    CU_ASSERT_STRING_EQUAL(card_outcome_name(CARD_MADE), "made");
    CU_ASSERT_STRING_EQUAL(card_outcome_name(CARD_HALF_DONE), "half-done");
}

static const struct test_case cases[] = {
    {"a whole talk, both ways of loading", test_whole},
    {"commands of extended length", test_extended},
    {"the same record again on its card", test_repeated},
    {"the same through the security domain", test_repeated_install},
    {"on a card that tells how far it is", test_told},
    {"on a card that tells nonsense", test_told_nonsense},
    {"secrets under the card's own key", test_application_key},
    {"answers in pieces", test_pieces},
    {"a wrong Le", test_wrong_le},
    {"a card that asks for ever", test_endless},
    {"ends before anything is on the card", test_ends},
    {"a wrong cryptogram", test_tries},
    {"a token that fails", test_token_fails},
    {"new keys", test_put_key},
    {"new keys behind what is under the old ones", test_own_keys},
    {"a wrong R-MAC", test_bad_answer},
    {"what each status word of STORE DATA leaves behind", test_outcomes},
    {"locking", test_lock},
    {"names of outcomes", test_names},
};

int main(void)
{
    return suite_run("bureau/conversation", cases, SUITE_COUNT(cases));
}
