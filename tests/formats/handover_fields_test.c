/* The lines of a hand-over file: what each may say, here and beside the others. */
#include "formats/handover.h"

#include "handover_draft.h"
#include "suite.h"

enum { LINES = 19 };

static bool same(const struct handover *a, const struct handover *b)
{
    return strcmp(a->sender, b->sender) == 0 && strcmp(a->receiver, b->receiver) == 0 &&
           a->serial == b->serial && strcmp(a->created, b->created) == 0 && strcmp(a->key, b->key) == 0 &&
           a->version == b->version && strcmp(a->role, b->role) == 0 && a->algorithm == b->algorithm &&
           bytes_equal(a->check_value, a->check_value_len, b->check_value, b->check_value_len) &&
           strcmp(a->not_before, b->not_before) == 0 && strcmp(a->not_after, b->not_after) == 0 &&
           strcmp(a->derivation, b->derivation) == 0 && a->test == b->test &&
           strcmp(a->under, b->under) == 0 && a->under_version == b->under_version &&
           a->method == b->method && bytes_equal(a->wrapped, a->wrapped_len, b->wrapped, b->wrapped_len) &&
           bytes_equal(a->signer, SHA256_LEN, b->signer, SHA256_LEN) &&
           bytes_equal(a->signature, a->signature_len, b->signature, b->signature_len);
}

/* Written, verified, read: the same, and the same bytes once more. */
static void there_and_back(struct handover *h)
{
    const struct public_key signer = draft_signer(&key);
    struct handover read, verified;
    struct buf text, again;
    buf_init(&text, HANDOVER_TEXT_MAX);
    buf_init(&again, HANDOVER_TEXT_MAX);
    sign(&key, h);
    EXPECT_OK(handover_put(h, &text, &err));
    EXPECT_OK(handover_parse(text.data, text.len, &read, &err));
    EXPECT_OK(handover_verify(text.data, text.len, &signer, &verified, &err));
    CU_ASSERT_TRUE(same(h, &read) && same(h, &verified));
    EXPECT_OK(handover_put(&read, &again, &err));
    CU_ASSERT_TRUE(bytes_equal(text.data, text.len, again.data, again.len));
    buf_release(&text);
    buf_release(&again);
}

static void test_round_trip(void)
{
    static const size_t kwp_lengths[] = {24, 32, 24, 32, 40};
    for (size_t i = 0; i <= HANDOVER_AES256; i++) {
        struct handover h = sample;
        h.algorithm = (enum handover_algorithm)i;
        h.check_value_len = handover_check_value_len(h.algorithm);
        h.wrapped_len = kwp_lengths[i];
        there_and_back(&h);
        enum handover_algorithm found = HANDOVER_DES2;
        CU_ASSERT_TRUE(handover_algorithm_find(handover_algorithm_name(h.algorithm), &found));
        CU_ASSERT_EQUAL(found, h.algorithm);
        CU_ASSERT_EQUAL(handover_algorithm_len(h.algorithm) + 8, h.wrapped_len);
        h.method = HANDOVER_OAEP_SHA1;
        h.under_version = 0;
        h.wrapped_len = i % 2 ? RSA_MODULUS_MAX : 64;
        h.not_before[0] = '\0';
        there_and_back(&h);
        h.not_after[0] = '\0';
        h.derivation[0] = '\0';
        h.test = true;
        there_and_back(&h);
    }
}

static void cannot_write(const struct handover *h, const char *said)
{
    struct buf text;
    buf_init(&text, HANDOVER_TEXT_MAX);
    buf_put_text(&text, "before");
    EXPECT_FAIL(handover_put(h, &text, &err), ERR_INPUT, said);
    CU_ASSERT_EQUAL(text.len, 6);
    buf_release(&text);
}

/* Of a pair of 512 to 4096 bits, with or without a version. */
static void test_pair(void)
{
    static const size_t lengths[] = {296, 640, HANDOVER_WRAPPED_MAX};
    struct handover h = sample;
    h.algorithm = HANDOVER_RSA;
    h.check_value_len = 3;
    h.derivation[0] = '\0';
    for (size_t i = 0; i < SUITE_COUNT(lengths); i++) {
        h.wrapped_len = lengths[i];
        h.version = i % 2 ? 0 : 2;
        there_and_back(&h);
    }
    enum handover_algorithm found = HANDOVER_DES2;
    CU_ASSERT_TRUE(handover_algorithm_find("rsa", &found));
    CU_ASSERT_EQUAL(found, HANDOVER_RSA);
    CU_ASSERT_EQUAL(handover_algorithm_len(HANDOVER_RSA), 0);
    CU_ASSERT_EQUAL(handover_check_value_len(HANDOVER_RSA), 3);
    h.wrapped_len = 288;
    cannot_write(&h, "line 17: wrapped: is not 592 to 4784 hex digits");
    h.wrapped_len = 644;
    cannot_write(&h, "line 17: wrapped: is not a multiple of 16 hex digits");
    h.wrapped_len = HANDOVER_WRAPPED_MAX + 8;
    cannot_write(&h, "line 17: wrapped: is not");
    h = sample;
    h.algorithm = HANDOVER_RSA;
    cannot_write(&h, "line 10: check-value: is not 6 hex digits");
    h.check_value_len = 3;
    h.method = HANDOVER_OAEP_SHA1;
    h.under_version = 0;
    cannot_write(&h, "line 16: method: oaep-sha1 has no room for a pair");
}

/* Every text and number as long as it may be. */
static void test_longest(void)
{
    struct handover h = sample;
    memset(h.sender, 's', HANDOVER_NAME_MAX);
    memset(h.receiver, 'r', HANDOVER_NAME_MAX);
    memset(h.key, 'k', HANDOVER_NAME_MAX);
    memset(h.role, 'r', HANDOVER_NAME_MAX);
    memset(h.under, 'u', HANDOVER_NAME_MAX);
    memset(h.derivation, 'd', HANDOVER_DERIVATION_MAX);
    h.serial = INT64_MAX;
    h.version = UINT16_MAX;
    h.under_version = UINT16_MAX;
    there_and_back(&h);
    h.under_version = 0;
    h.method = HANDOVER_OAEP_SHA1;
    h.wrapped_len = RSA_MODULUS_MAX;
    h.signature_len = SIGNATURE_MAX;
    struct buf text;
    buf_init(&text, HANDOVER_TEXT_MAX);
    EXPECT_OK(handover_put(&h, &text, &err));
    EXPECT_OK(parses(text.data, text.len));
    buf_release(&text);
}

struct line {
    const char *text;
    size_t len; /* with its line feed */
};

static void split(struct line lines[LINES])
{
    const char *at = (const char *)file.data;
    for (size_t i = 0; i < LINES; i++) {
        lines[i] = (struct line){at, (size_t)(strchr(at, '\n') + 1 - at)};
        at += lines[i].len;
    }
    CU_ASSERT_EQUAL(at, (const char *)file.data + file.len);
}

static void expect_parse_fail(const struct buf *text, size_t line, const char *part)
{
    char said[16];
    snprintf(said, sizeof(said), "line %zu: ", line);
    EXPECT_FAIL(parses(text->data, text->len), ERR_INPUT, part);
    CU_ASSERT_EQUAL(strncmp(err.text, said, strlen(said)), 0);
}

static void test_order(void)
{
    struct line lines[LINES];
    struct buf text;
    split(lines);
    buf_init(&text, 2 * HANDOVER_TEXT_MAX);
    for (size_t at = 0; at < LINES; at++) {
        buf_clear(&text); /* missing */
        for (size_t i = 0; i < LINES; i++)
            if (i != at) buf_put(&text, lines[i].text, lines[i].len);
        expect_parse_fail(&text, at + 1,
                          at == 0           ? "is not 'cardprep hand-over 1'"
                          : at + 1 == LINES ? "the file ends before this line"
                                            : "is not this field's but '");
        buf_clear(&text); /* twice */
        for (size_t i = 0; i < LINES; i++) {
            buf_put(&text, lines[i].text, lines[i].len);
            if (i == at) buf_put(&text, lines[i].text, lines[i].len);
        }
        expect_parse_fail(&text, at + 2,
                          at == 0           ? "sender: the line is not 'name: value' of this field"
                          : at + 1 == LINES ? "stands behind the signature"
                                            : "is not this field's but '");
        for (size_t with = at + 1; with < LINES; with++) { /* swapped */
            buf_clear(&text);
            for (size_t i = 0; i < LINES; i++) {
                const struct line *line = &lines[i == at ? with : i == with ? at : i];
                buf_put(&text, line->text, line->len);
            }
            expect_parse_fail(&text, at + 1,
                              at == 0 ? "is not 'cardprep hand-over 1'" : "is not this field's but '");
        }
    }
    buf_release(&text);
}

static void replace(size_t line, const char *name, const char *value, struct buf *text)
{
    struct line lines[LINES];
    split(lines);
    buf_clear(text);
    for (size_t i = 0; i < LINES; i++) {
        if (i + 1 == line)
            buf_put_format(text, "%s%s\n", name, value);
        else
            buf_put(text, lines[i].text, lines[i].len);
    }
}

static const char *const names[] = {
    "",        "sender: ",    "receiver: ",    "serial: ",     "created: ",   "key: ",        "version: ",
    "role: ",  "algorithm: ", "check-value: ", "not-before: ", "not-after: ", "derivation: ", "test: ",
    "under: ", "method: ",    "wrapped: ",     "signer: ",     "signature: "};
static const struct {
    size_t line;
    const char *value, *said;
} wrong[] = {
    {1, "", "is not 'cardprep hand-over 1'"},
    {1, "cardprep hand-over 2", "is not 'cardprep hand-over 1'"},
    {1, "cardprep hand-over 1 ", "is not 'cardprep hand-over 1'"},
    {2, "", "sender: is empty"},
    {2, "abcdefghijklmnopqrstuvwxyz0123456", "sender: has more than 32 characters"},
    {2, "head quarters", "sender: character 5 may not stand there"},
    {2, "b\xC3\xBCro", "sender: character 2 may not stand there"},
    {3, "a/b", "receiver: character 2 may not stand there"},
    {4, "", "serial: is empty"},
    {4, "0", "serial: is no number from 1 without leading zeros"},
    {4, "017", "serial: is no number from 1"},
    {4, "+17", "serial: is no number from 1"},
    {4, "17 ", "serial: is no number from 1"},
    {4, "1x", "serial: is no number from 1"},
    {4, "9223372036854775808", "serial: is more than 9223372036854775807"},
    {4, "18446744073709551617", "serial: is more than 9223372036854775807"},
    {5, "2026-11-26", "created: is no time YYYY-MM-DDThh:mm:ssZ"},
    {5, "2026-11-26 10:00:00Z", "created: is no time"},
    {5, "2026-11-26T10:00:00z", "created: is no time"},
    {5, "2026-11-26T24:00:00Z", "created: is no time"},
    {5, "2026-11-26T10:60:00Z", "created: is no time"},
    {5, "2026-11-26T10:00:60Z", "created: is no time"},
    {5, "2026-11-26T1a:00:00Z", "created: is no time"},
    {5, "2026-11-26T10-00-00Z", "created: is no time"},
    {5, "2026-11-31T10:00:00Z", "created: date: month 11 of 2026 has no day 31"},
    {5, "20261126--T10:00:00Z", "created: date is none of"},
    {6, "", "key: is empty"},
    {7, "0", "version: is no number from 1"},
    {7, "65536", "version: is more than 65535"},
    {8, "Kmc", "role: character 1 may not stand there"},
    {8, "kmc_bureau", "role: character 4 may not stand there"},
    {9, "AES256", "algorithm: is none of des2, des3, aes128, aes192, aes256, rsa"},
    {9, "aes", "algorithm: is none of"},
    {10, "", "check-value: is not 10 hex digits"},
    {10, "C67F91", "check-value: is not 10 hex digits"},
    {10, "c67F916CD4", "check-value: character 1 is no upper-case hex digit"},
    {10, "C67F916CDG", "check-value: character 10 is no upper-case hex digit"},
    {11, "", "not-before: is neither a date YYYY-MM-DD nor -"},
    {11, "20261126", "not-before: is neither a date"},
    {11, "2026-02-30", "not-before: date: month 2 of 2026 has no day 30"},
    {12, "2026-11-25", "not-after: is before the first day, 2026-11-26"},
    {12, "--", "not-after: is neither a date"},
    {13, "", "derivation: is empty"},
    {13, "abcdefghijklmnopq", "derivation: has more than 16 characters"},
    {13, "KMC", "derivation: character 1 may not stand there"},
    {14, "", "test: is neither yes nor no"},
    {14, "No", "test: is neither yes nor no"},
    {15, "/1", "under: is empty"},
    {15, "ZCMK/", "under: is empty"},
    {15, "ZCMK/0", "under: is no number from 1"},
    {15, "ZCMK/1/1", "under: is no number from 1"},
    {15, "ZCMK/65536", "under: is more than 65535"},
    {16, "", "method: is none of kwp, oaep-sha1"},
    {16, "oaep-sha1", "method: oaep-sha1 is under a key-exchange pair, which has no version"},
    {17, "", "wrapped: is not 80 hex digits"},
    {17, "00112233445566778899AABBCCDDEEFF0011223344556677", "wrapped: is not 80 hex digits"},
    {18, "00", "signer: is not 64 hex digits"},
    {19, "00", "signature: is not 128 to 1024 hex digits, an even number"},
    {19, "", "signature: is not 128 to 1024 hex digits"},
};

static void test_values(void)
{
    struct buf text;
    buf_init(&text, HANDOVER_TEXT_MAX);
    for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
        replace(wrong[i].line, names[wrong[i].line - 1], wrong[i].value, &text);
        expect_parse_fail(&text, wrong[i].line, wrong[i].said);
    }
    replace(15, names[14], "ZCMK-BUREAU", &text);
    expect_parse_fail(&text, 16, "method: kwp is under a key that has a version");
    replace(9, names[8], "des2", &text);
    expect_parse_fail(&text, 10, "check-value: is not 6 hex digits");
    replace(9, names[8], "aes128", &text);
    expect_parse_fail(&text, 17, "wrapped: is not 48 hex digits");
    replace(12, names[11], "2026-11-26", &text);
    EXPECT_OK(parses(text.data, text.len));
    replace(6, "key:", "KEK", &text);
    expect_parse_fail(&text, 6, "key: the line is not 'name: value' of this field");
    replace(6, "name: ", "KEK", &text);
    expect_parse_fail(&text, 6, "key: the line is not 'name: value' of this field");
    buf_release(&text);
}

static void test_not_written(void)
{
    struct handover h = sample;
    memcpy(h.sender, "a\nb", 4);
    cannot_write(&h, "line 2: sender: character 2 may not stand there");
    memset(h.sender, 'a', sizeof(h.sender));
    cannot_write(&h, "line 2: sender: has more than 32 characters");
    h = sample;
    h.serial = 0;
    cannot_write(&h, "line 4: serial: is no number from 1");
    h.serial = UINT64_MAX;
    cannot_write(&h, "line 4: serial: is more than");
    h = sample;
    h.version = 0;
    cannot_write(&h, "line 9: algorithm: aes256 is of a key that has a version");
    h = sample;
    h.algorithm = (enum handover_algorithm)6;
    cannot_write(&h, "line 9: algorithm: is none of");
    h = sample;
    h.check_value_len = 1000;
    cannot_write(&h, "line 10: check-value: is not 10 hex digits");
    h = sample;
    memcpy(h.not_before, "-", 2);
    cannot_write(&h, "line 11: not-before: is neither a date");
    h = sample;
    memcpy(h.derivation, "-", 2);
    cannot_write(&h, "line 13: derivation: is empty");
    h = sample;
    h.method = (enum handover_method)2;
    cannot_write(&h, "line 16: method: is none of");
    h = sample;
    h.wrapped_len = 48;
    cannot_write(&h, "line 17: wrapped: is not 80 hex digits");
    h = sample;
    h.signature_len = SIGNATURE_MAX + 1;
    cannot_write(&h, "line 19: signature: is not 128 to 1024 hex digits");
    h.signature_len = 0;
    cannot_write(&h, "line 19: signature: is not 128 to 1024 hex digits");
    struct buf small;
    buf_init(&small, file.len - 1);
    EXPECT_FAIL(handover_put(&sample, &small, &err), ERR_INPUT, "hand-over file");
    CU_ASSERT_EQUAL(small.len, 0);
    buf_release(&small);
}

static void test_names(void)
{
    enum handover_algorithm found = HANDOVER_DES3;
    CU_ASSERT_FALSE(handover_algorithm_find("RSA", &found));
    CU_ASSERT_EQUAL(found, HANDOVER_DES3);
    CU_ASSERT_STRING_EQUAL(handover_algorithm_name((enum handover_algorithm)6), "");
    CU_ASSERT_EQUAL(handover_algorithm_len((enum handover_algorithm)6), 0);
    CU_ASSERT_STRING_EQUAL(handover_method_name(HANDOVER_OAEP_SHA1), "oaep-sha1");
}

static const struct test_case cases[] = {
    {"a file to try with", make_sample},
    {"there and back, every algorithm and method", test_round_trip},
    {"pairs", test_pair},
    {"the longest values", test_longest},
    {"lines missing, doubled, swapped", test_order},
    {"wrong values", test_values},
    {"what is not written", test_not_written},
    {"names", test_names},
};

int main(void)
{
    if (!draft_key_make(&key, SIGNATURE_RSA_SHA256)) return 1;
    int result = suite_run("formats/handover_fields", cases, SUITE_COUNT(cases));
    buf_release(&file);
    draft_key_release(&key);
    return result;
}
