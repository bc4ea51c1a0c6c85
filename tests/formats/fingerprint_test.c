#include "formats/fingerprint.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "suite.h"

enum { VALUES = 256, LISTS = 2 };

static struct err err;

/* 00 01 … 1F, and its words. */
static uint8_t sample[SHA256_LEN];
static char words[FINGERPRINT_WORDS_MAX];

static bool reads(const char *typed, struct err *e)
{
    uint8_t out[FINGERPRINT_SPOKEN_LEN];
    return fingerprint_read(typed, out, e);
}

static void reads_sample(const char *typed)
{
    uint8_t out[FINGERPRINT_SPOKEN_LEN] = {0xFF};
    EXPECT_OK(fingerprint_read(typed, out, &err));
    CU_ASSERT_TRUE(fingerprint_equal(sample, out));
}

static const char *word_at(size_t i)
{
    return fingerprint_word(i / VALUES, (uint8_t)(i % VALUES));
}

static void test_lists(void)
{
    for (size_t i = 0; i < LISTS * VALUES; i++) {
        const char *word = word_at(i);
        size_t len = strlen(word);
        CU_ASSERT_TRUE_FATAL(len >= FINGERPRINT_WORD_MIN && len <= FINGERPRINT_WORD_MAX);
        CU_ASSERT_EQUAL(strspn(word, "abcdefghijklmnopqrstuvwxyz"), len);
        CU_ASSERT_TRUE(strspn(word, "abcdef") < FINGERPRINT_WORD_MIN);
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_NOT_EQUAL(strncmp(word, word_at(j), FINGERPRINT_WORD_MIN), 0);
        if (i % VALUES > 0) CU_ASSERT_TRUE(strcmp(word_at(i - 1), word) < 0);
    }
}

/* Every byte at every place, whole and cut to four letters. */
static void test_round_trip(void)
{
    for (size_t value = 0; value < VALUES; value++) {
        uint8_t hash[SHA256_LEN], out[FINGERPRINT_SPOKEN_LEN];
        char text[FINGERPRINT_WORDS_MAX];
        struct buf cut;
        buf_init(&cut, 200);
        for (size_t i = 0; i < sizeof(hash); i++)
            hash[i] = (uint8_t)(value + 5 * i);
        fingerprint_words(hash, text);
        EXPECT_OK(fingerprint_read(text, out, &err));
        CU_ASSERT_TRUE(fingerprint_equal(hash, out));
        for (size_t i = 0; i < FINGERPRINT_SPOKEN_LEN; i++) {
            buf_put(&cut, fingerprint_word(i, hash[i]), FINGERPRINT_WORD_MIN);
            buf_put_text(&cut, "-");
        }
        EXPECT_OK(fingerprint_read(buf_text(&cut), out, &err));
        CU_ASSERT_TRUE(fingerprint_equal(hash, out));
        out[value % FINGERPRINT_SPOKEN_LEN] ^= 1;
        CU_ASSERT_FALSE(fingerprint_equal(hash, out));
        buf_release(&cut);
    }
}

static void test_longest(void)
{
    uint8_t hash[SHA256_LEN] = {0};
    char text[FINGERPRINT_WORDS_MAX], line[FINGERPRINT_LINE_MAX];
    for (size_t i = 0; i < FINGERPRINT_SPOKEN_LEN; i++) {
        while (strlen(fingerprint_word(i, hash[i])) < FINGERPRINT_WORD_MAX)
            hash[i]++;
    }
    fingerprint_words(hash, text);
    CU_ASSERT_EQUAL(strlen(text), sizeof(text) - 1);
    fingerprint_line(hash, 3, line);
    CU_ASSERT_EQUAL(strlen(line), sizeof(line) - 1);
}

static void test_lines(void)
{
    char line[FINGERPRINT_LINE_MAX];
    struct buf text;
    buf_init(&text, 200);
    for (size_t i = 0; i < FINGERPRINT_LINES; i++) {
        fingerprint_line(sample, i, line);
        buf_put_format(&text, "%s%s", i ? " " : "", line);
    }
    CU_ASSERT_STRING_EQUAL(buf_text(&text), words);
    buf_release(&text);
}

static void test_hex(void)
{
    char text[FINGERPRINT_HEX_MAX];
    fingerprint_hex(sample, text);
    CU_ASSERT_EQUAL(strlen(text), sizeof(text) - 1);
    CU_ASSERT_STRING_EQUAL(text, "0001 0203 0405 0607 0809 0A0B 0C0D 0E0F "
                                 "1011 1213 1415 1617 1819 1A1B 1C1D 1E1F");
    reads_sample("0001 0203 0405 0607 0809 0A0B 0C0D 0E0F");
    reads_sample("000102030405060708090a0b0c0d0e0f");
    reads_sample(" 00-01-02-03\n04 05 06 07\t08 09 0a0b 0C 0d 0E0f\n");
    EXPECT_FAIL(reads(text, &err), ERR_INPUT, "64 hex digits; the first 32 of the fingerprint are needed");
    EXPECT_FAIL(reads("000102030405060708090a0b0c0d0e0", &err), ERR_INPUT, "31 hex digits");
    EXPECT_FAIL(reads("000102030405060708090a0b0c0d0e0f0", &err), ERR_INPUT, "33 hex digits");
    EXPECT_FAIL(reads("", &err), ERR_INPUT, "0 hex digits");
    EXPECT_FAIL(reads(" - \n", &err), ERR_INPUT, "0 hex digits");
    EXPECT_FAIL(reads("000102030405060708090a0b0c0d0e0g", &err), ERR_INPUT,
                "word 1 '000102030...' is not in the list");
}

/* For whoever reads it aloud: five lines, which together say the same twice. */
static void test_put(void)
{
    char all[600], text[FINGERPRINT_HEX_MAX];
    struct buf out;
    size_t lines = 0;
    buf_init(&out, sizeof(all));
    fingerprint_put(sample, &out);
    snprintf(all, sizeof(all), "%s", buf_text(&out) ? buf_text(&out) : "");
    for (char *c = all; *c; c++) {
        lines += *c == '\n';
        if (*c == '\n') *c = ' ';
    }
    CU_ASSERT_EQUAL(lines, FINGERPRINT_LINES + 1);
    CU_ASSERT_EQUAL(strncmp(all, words, strlen(words)), 0);
    fingerprint_hex(sample, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(all, text));
    buf_release(&out);
}

static void test_typed(void)
{
    struct buf text;
    buf_init(&text, 400);
    for (size_t i = 0; words[i]; i++) {
        bool upper = words[i] >= 'a' && i % 3;
        buf_put_u8(&text, (uint8_t)(upper ? words[i] - 'a' + 'A' : words[i]));
        if (words[i] == ' ') buf_put_text(&text, i % 2 ? "\n" : "-");
    }
    buf_put_text(&text, "\r\n");
    reads_sample(buf_text(&text));
    buf_release(&text);
}

/* The words of sample at these places. */
static void arrange(const size_t *places, size_t count, struct buf *text)
{
    buf_init(text, 400);
    for (size_t i = 0; i < count; i++)
        buf_put_format(text, "%s ", fingerprint_word(places[i], sample[places[i]]));
}

static void refused_at(const size_t *places, size_t count, size_t place)
{
    struct buf text;
    char said[32];
    arrange(places, count, &text);
    snprintf(said, sizeof(said), "word %zu ", place);
    EXPECT_FAIL(reads(buf_text(&text), &err), ERR_INPUT, said);
    buf_release(&text);
}

static void test_moved(void)
{
    for (size_t at = 0; at < FINGERPRINT_SPOKEN_LEN; at++) {
        size_t places[FINGERPRINT_SPOKEN_LEN + 1], count = 0;
        for (size_t i = 0; i < FINGERPRINT_SPOKEN_LEN; i++) /* without the word at `at` */
            if (i != at) places[count++] = i;
        refused_at(places, count, at + 1);
        count = 0;
        for (size_t i = 0; i < FINGERPRINT_SPOKEN_LEN; i++) { /* with it twice */
            places[count++] = i;
            if (i == at) places[count++] = i;
        }
        if (at + 1 < FINGERPRINT_SPOKEN_LEN) refused_at(places, count, at + 2);
        if (at + 1 == FINGERPRINT_SPOKEN_LEN) continue;
        for (size_t i = 0; i < FINGERPRINT_SPOKEN_LEN; i++) /* swapped with the next */
            places[i] = i == at ? at + 1 : i == at + 1 ? at : i;
        refused_at(places, FINGERPRINT_SPOKEN_LEN, at + 1);
    }
}

static void test_other_words(void)
{
    static const size_t first[] = {0, 1, 2, 3, 4, 5};
    static const char *const typed[][2] = {
        {"", "6 words; the fingerprint has 16: word 7 is missing"},
        {"foo", "word 7 'foo' is not in the list"},
        {"aco", "word 7 'aco' is not in the list"},
        {"acorns", "word 7 'acorns' is not in the list"},
        {"acob", "word 7 'acob' is not in the list"},
        {"acrobat", "word 7 'acrobat' cannot stand there"},
        {"acro", "word 7 'acro' cannot stand there"},
        {"b\xC3\xBCgle", "word 7 'b??gle' is not in the list"},
        {"unfathomable", "word 7 'unfathoma...' is not in the list"},
    };
    struct buf text;
    arrange(first, 6, &text);
    for (size_t i = 0; i < SUITE_COUNT(typed); i++) {
        size_t len = text.len;
        buf_put_text(&text, typed[i][0]);
        EXPECT_FAIL(reads(buf_text(&text), &err), ERR_INPUT, typed[i][1]);
        buf_truncate(&text, len);
    }
    buf_clear(&text);
    buf_put_format(&text, "%s acorn", words);
    EXPECT_FAIL(reads(buf_text(&text), &err), ERR_INPUT, "more than 16 words");
    buf_release(&text);
}

static void test_untouched(void)
{
    uint8_t out[FINGERPRINT_SPOKEN_LEN] = {1, 2, 3}, before[FINGERPRINT_SPOKEN_LEN] = {1, 2, 3};
    EXPECT_FAIL(fingerprint_read("antique", out, &err), ERR_INPUT, "1 words");
    EXPECT_FAIL(fingerprint_read("FFFF", out, &err), ERR_INPUT, "4 hex digits");
    CU_ASSERT_TRUE(bytes_equal(out, sizeof(out), before, sizeof(before)));
}

static void test_make(void)
{
    static const uint8_t text[] = {'a', 'b', 'c'}; /* FIPS 180-4's example */
    uint8_t hash[SHA256_LEN];
    char hex[FINGERPRINT_HEX_MAX];
    EXPECT_OK(fingerprint_make(&(struct public_key){text, sizeof(text)}, hash, &err));
    fingerprint_hex(hash, hex);
    CU_ASSERT_STRING_EQUAL(hex, "BA78 16BF 8F01 CFEA 4141 40DE 5DAE 2223 "
                                "B003 61A3 9617 7A9C B410 FF61 F200 15AD");
}

/* The page shows both lists as they are: hex, two-syllable word, three-syllable word. */
static void test_page(void)
{
    struct buf page;
    char row[64];
    buf_init(&page, 1 << 16);
    EXPECT_OK(file_read_all(TEST_DATA_DIR "/../docs/formats/fingerprints.md", 1 << 16, &page, &err));
    const char *text = buf_text(&page);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (unsigned i = 0; i < VALUES; i++) {
        snprintf(row, sizeof(row), "%02X %-9s %s", i, word_at(i), word_at(VALUES + i));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, row));
    }
    buf_release(&page);
}

static const struct test_case cases[] = {
    {"512 words, told apart by four letters", test_lists},
    {"every byte at every place", test_round_trip},
    {"the longest words", test_longest},
    {"lines of four", test_lines},
    {"hex digits", test_hex},
    {"both, as they are read aloud", test_put},
    {"case and gaps as people type", test_typed},
    {"missing, doubled and swapped words", test_moved},
    {"words that are none", test_other_words},
    {"out is unchanged when refused", test_untouched},
    {"SHA-256", test_make},
    {"the page's table", test_page},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(sample); i++)
        sample[i] = (uint8_t)i;
    fingerprint_words(sample, words);
    return suite_run("formats/fingerprint", cases, SUITE_COUNT(cases));
}
