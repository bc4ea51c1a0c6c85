#include "bureau/return_lines.h"

#include "suite.h"

static struct err err;

enum { BEGAN = 1790000000 }; /* 2026-09-21T14:13:20Z */

/* Plays events, one second apart; `said` gets "outcome serial reason/list" for each line. */
struct played {
    enum record_event event;
    enum record_state state;
    const char *serial, *text;
};
static void play(const struct played *events, size_t count, char *said, size_t size)
{
    struct return_record r;
    said[0] = '\0';
    return_record_begin(&r, 5);
    for (size_t i = 0; i < count; i++) {
        struct return_told told;
        struct registry_event e = {.number = 5, .pass = {7}, .state = events[i].state};
        e.note = (struct record_note){.event = events[i].event,
                                      .time = BEGAN + (time_t)i,
                                      .serial = events[i].serial,
                                      .text = events[i].text};
        EXPECT_OK(return_record_add(&r, &e, &told, &err));
        if (!told.any) continue;
        CU_ASSERT_EQUAL(told.line.record, 5);
        CU_ASSERT_EQUAL(told.pass[0], 7);
        const size_t len = strlen(said);
        snprintf(&said[len], size - len, "%s %02X%s%s%s;", return_outcome_name(told.line.outcome),
                 told.line.serial_len ? told.line.serial[0] : 0, told.line.reason[0] ? " " : "",
                 told.line.reason, told.line.list == 17 ? " 17" : "");
    }
}

static void expect_lines(const struct played *events, size_t count, const char *due)
{
    char said[400];
    play(events, count, said, sizeof(said));
    if (strcmp(said, due) != 0) fprintf(stderr, "%s\n", said);
    CU_ASSERT_STRING_EQUAL(said, due);
}
#define EXPECT_LINES(due, ...)                                                                               \
    expect_lines((const struct played[]){__VA_ARGS__},                                                       \
                 sizeof((const struct played[]){__VA_ARGS__}) / sizeof(struct played), due)

#define BEGUN                                                                                                \
    {                                                                                                        \
        EVENT_BEGUN, RECORD_UNDER_WAY, NULL, NULL                                                            \
    }
#define CARD(s)                                                                                              \
    {                                                                                                        \
        EVENT_CARD, RECORD_UNDER_WAY, s, NULL                                                                \
    }
#define MADE                                                                                                 \
    {                                                                                                        \
        EVENT_MADE, RECORD_MADE, NULL, NULL                                                                  \
    }
#define SPOILED(t)                                                                                           \
    {                                                                                                        \
        EVENT_SPOILED, RECORD_SPOILED, NULL, t                                                               \
    }
#define HALF_DONE                                                                                            \
    {                                                                                                        \
        EVENT_HALF_DONE, RECORD_HALF_DONE, NULL, NULL                                                        \
    }
#define REMAKE(t)                                                                                            \
    {                                                                                                        \
        EVENT_REMAKE, RECORD_OPEN, NULL, t                                                                   \
    }
#define DESTROYED                                                                                            \
    {                                                                                                        \
        EVENT_DESTROYED, RECORD_DESTROYED, NULL, NULL                                                        \
    }
#define EARLIER(state, s)                                                                                    \
    {                                                                                                        \
        EVENT_DESTROYED, state, s, "press"                                                                   \
    }
#define UNTOUCHED                                                                                            \
    {                                                                                                        \
        EVENT_UNTOUCHED, RECORD_OPEN, NULL, NULL                                                             \
    }

static void test_stories(void)
{
    EXPECT_LINES("", BEGUN);
    EXPECT_LINES("", BEGUN, CARD("a1"), UNTOUCHED);
    EXPECT_LINES("", BEGUN, CARD("a1"), HALF_DONE);
    EXPECT_LINES("made A1;", BEGUN, CARD("a1"), MADE);
    EXPECT_LINES("made A2;", BEGUN, CARD("a1"), UNTOUCHED, BEGUN, CARD("a2"), MADE);
    EXPECT_LINES("made A1;", BEGUN, CARD("a1"), HALF_DONE, BEGUN, CARD("a1"), MADE);
    EXPECT_LINES("spoiled A1 card-says-6982;", BEGUN, CARD("a1"), SPOILED("Card says: 6982!"));
    EXPECT_LINES("spoiled 00 spoiled;", BEGUN, CARD("unidentified"), SPOILED(" -- "));
    EXPECT_LINES("spoiled A1 x;remade A2 17;", BEGUN, CARD("a1"), SPOILED("x"), REMAKE("remake-17 lost"),
                 BEGUN, CARD("a2"), MADE);
    EXPECT_LINES("made A1;missing A1 fire;remade A2 17;", BEGUN, CARD("a1"), MADE, REMAKE("remake-17 fire"),
                 BEGUN, CARD("a2"), MADE);
    EXPECT_LINES("spoiled A1 half-done;remade A2 17;", BEGUN, CARD("a1"), HALF_DONE, REMAKE("remake-17 x"),
                 BEGUN, CARD("a2"), MADE);
    EXPECT_LINES("made A1;destroyed A1 destroyed;remade A2 17;", BEGUN, CARD("a1"), MADE, DESTROYED,
                 REMAKE("remake-17 x"), BEGUN, CARD("a2"), MADE);
}

/* A card is destroyed after its record was given up for another: its own line, and the record's next card is told as ever. */
static void test_destroyed_after_a_remake(void)
{
    EXPECT_LINES("spoiled A1 x;destroyed A1 press;remade A2 17;", BEGUN, CARD("a1"), SPOILED("x"),
                 REMAKE("remake-17 lost"), EARLIER(RECORD_OPEN, "a1"), BEGUN, CARD("a2"), MADE);
    EXPECT_LINES("spoiled A1 x;remade A2 17;destroyed A1 press;destroyed A2 destroyed;", BEGUN, CARD("a1"),
                 SPOILED("x"), REMAKE("remake-17 lost"), BEGUN, CARD("a2"), MADE, EARLIER(RECORD_MADE, "a1"),
                 DESTROYED);
    EXPECT_LINES("spoiled A1 x;remade A2 17;destroyed A1 press;missing A2 fire;", BEGUN, CARD("a1"),
                 SPOILED("x"), REMAKE("remake-17 lost"), BEGUN, CARD("a2"), MADE, EARLIER(RECORD_MADE, "a1"),
                 REMAKE("remake-18 fire"));
    EXPECT_LINES("destroyed A1 destroyed;destroyed A2 press;", BEGUN, CARD("a1"), HALF_DONE, DESTROYED,
                 EARLIER(RECORD_DESTROYED, "a2"));
}

static void test_made_on_no_card(void)
{
    struct return_record r;
    struct return_told told;
    const struct registry_event e = {.number = 5, .note = {.event = EVENT_MADE, .time = BEGAN}};
    return_record_begin(&r, 5);
    EXPECT_FAIL(return_record_add(&r, &e, &told, &err), ERR_INTEGRITY,
                "record 5: the books do not say which card it is on");
}

static void test_clock_set_back(void)
{
    struct return_record r;
    struct return_told told;
    struct registry_event e = {.number = 5,
                               .note = {.event = EVENT_SPOILED, .time = BEGAN + 100, .serial = "a1"}};
    return_record_begin(&r, 5);
    EXPECT_OK(return_record_add(&r, &e, &told, &err));
    e.note.event = EVENT_DESTROYED;
    e.note.time = BEGAN;
    EXPECT_OK(return_record_add(&r, &e, &told, &err));
    CU_ASSERT_STRING_EQUAL(told.line.time, "2026-09-21T14:15:00Z");
}

static void test_words(void)
{
    char text[REMAKE_TEXT_MAX];
    const char *reason = NULL;
    uint8_t serial[RETURN_SERIAL_MAX];
    remake_text(INT64_MAX, "a-reason-of-more-than-32-characters", text);
    CU_ASSERT_EQUAL(remake_text_list(text, &reason), INT64_MAX);
    CU_ASSERT_STRING_EQUAL(reason, "a-reason-of-more-than-32-charact");
    CU_ASSERT_EQUAL(remake_text_list("remake-0 x", &reason), 0);
    CU_ASSERT_EQUAL(remake_text_list("remake-1x", &reason), 0);
    CU_ASSERT_EQUAL(remake_text_list("by telephone", &reason), 0);
    CU_ASSERT_EQUAL(remake_text_list(NULL, &reason), 0);
    CU_ASSERT_EQUAL(card_serial_read("00aB", serial), 2);
    CU_ASSERT_EQUAL(card_serial_read("00a", serial), 0);
    CU_ASSERT_EQUAL(card_serial_read("", serial), 0);
    CU_ASSERT_EQUAL(card_serial_read(NULL, serial), 0);
    CU_ASSERT_EQUAL(card_serial_read("unidentified", serial), 0);
}

static const struct test_case cases[] = {
    {"what events mean", test_stories},
    {"destroyed after a remake", test_destroyed_after_a_remake},
    {"made on no card", test_made_on_no_card},
    {"a clock that was set back", test_clock_set_back},
    {"words", test_words},
};

int main(void)
{
    return suite_run("bureau/return_lines", cases, SUITE_COUNT(cases));
}
