#include "base/progress.h"
#include "suite.h"

#include <stdlib.h>

struct screen {
    char *text;
    size_t len;
    FILE *stream;
};

static void screen_init(struct screen *s)
{
    s->stream = open_memstream(&s->text, &s->len);
    if (!s->stream) abort();
}

static void screen_release(struct screen *s, const char *expected)
{
    fclose(s->stream);
    if (strcmp(s->text, expected) != 0) fprintf(stderr, "got \"%s\"\n", s->text);
    CU_ASSERT_STRING_EQUAL(s->text, expected);
    free(s->text);
}

static void test_durations(void)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {
        {0, "0 s"},
        {999, "0 s"},
        {8000, "8 s"},
        {59999, "59 s"},
        {60000, "1 min 00 s"},
        {750000, "12 min 30 s"},
        {3599999, "59 min 59 s"},
        {3600000, "1 h 00 min"},
        {11100000, "3 h 05 min"},
        {360000000, "100 h 00 min"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        char text[32];
        progress_duration(text, sizeof(text), rows[i].ms);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

static void test_bar_on_a_terminal(void)
{
    struct screen s;
    struct progress p;
    screen_init(&s);
    progress_init(&p, s.stream, true, "cards", 1000, 5000);
    progress_update(&p, 1, 5099);
    progress_update(&p, 250, 15000);
    progress_update(&p, 251, 15050);
    progress_update(&p, 500, 25000);
    progress_finish(&p, 1000, 45000);
    screen_release(&s, "\r[##--------] 250 of 1000 cards (25 %), 25 cards/s, 30 s left\x1b[K"
                       "\r[#####-----] 500 of 1000 cards (50 %), 25 cards/s, 20 s left\x1b[K"
                       "\r[##########] 1000 of 1000 cards (100 %), 25 cards/s, 40 s\x1b[K\n");
}

static void test_a_line_a_minute_elsewhere(void)
{
    struct screen s;
    struct progress p;
    screen_init(&s);
    progress_init(&p, s.stream, false, "cards", 1000, 0);
    for (uint64_t now = 0; now <= 150000; now += 1000)
        progress_update(&p, now / 1000, now);
    progress_finish(&p, 151, 151000);
    screen_release(&s, "60 of 1000 cards (6 %), 1.0 cards/s, 15 min 40 s left\n"
                       "120 of 1000 cards (12 %), 1.0 cards/s, 14 min 40 s left\n"
                       "151 of 1000 cards (15 %), 1.0 cards/s, 2 min 31 s\n");
}

static void test_unknown_total_and_no_progress(void)
{
    struct screen s;
    struct progress p;
    screen_init(&s);
    progress_init(&p, s.stream, false, "cards", 0, 0);
    progress_update(&p, 0, 60000);
    progress_update(&p, 600, 120000);
    progress_finish(&p, 600, 120000);
    screen_release(&s, "0 cards\n600 cards, 5.0 cards/s\n600 cards, 5.0 cards/s, 2 min 00 s\n");
    screen_init(&s);
    progress_init(&p, s.stream, true, "cards", 4, 7);
    progress_finish(&p, 0, 7);
    screen_release(&s, "\r[----------] 0 of 4 cards (0 %), 0 s\x1b[K\n");
}

static void test_more_than_the_total(void)
{
    struct screen s;
    struct progress p;
    screen_init(&s);
    progress_init(&p, s.stream, true, "cards", 10, 0);
    progress_update(&p, 20, 1000);
    screen_release(&s, "\r[##########] 20 of 10 cards (200 %), 20 cards/s\x1b[K");
}

static void test_silent(void)
{
    struct progress p;
    progress_init(&p, NULL, true, "cards", 10, 0);
    progress_update(&p, 5, 100000);
    progress_finish(&p, 10, 200000);
    CU_ASSERT_FALSE(p.drawn);
}

static void test_clock_does_not_run_backwards(void)
{
    uint64_t before = clock_monotonic_ms();
    CU_ASSERT_TRUE(clock_monotonic_ms() >= before);
}

static const struct test_case cases[] = {
    {"durations", test_durations},
    {"bar on a terminal", test_bar_on_a_terminal},
    {"a line a minute elsewhere", test_a_line_a_minute_elsewhere},
    {"unknown total and no progress", test_unknown_total_and_no_progress},
    {"more than the total", test_more_than_the_total},
    {"silent", test_silent},
    {"clock does not run backwards", test_clock_does_not_run_backwards},
};

int main(void)
{
    return suite_run("base/progress", cases, SUITE_COUNT(cases));
}
