#include "formats/fingerprint.h"

#include <string.h>

#include "base/hex.h"

enum { HEX_GROUP = 2 /* bytes */, VALUES = 256 };

bool fingerprint_make(const struct public_key *key, uint8_t hash[SHA256_LEN], struct err *err)
{
    return sha256(key->spki, key->len, hash, err);
}

static void put_words(const uint8_t *bytes, size_t first, size_t count, char *text)
{
    size_t at = 0;
    for (size_t place = first; place < first + count; place++) {
        const char *word = fingerprint_word(place, bytes[place]);
        size_t len = strlen(word);
        if (place > first) text[at++] = ' ';
        memcpy(text + at, word, len);
        at += len;
    }
    text[at] = '\0';
}

void fingerprint_words(const uint8_t hash[SHA256_LEN], char text[FINGERPRINT_WORDS_MAX])
{
    put_words(hash, 0, FINGERPRINT_SPOKEN_LEN, text);
}

void fingerprint_line(const uint8_t hash[SHA256_LEN], size_t line, char text[FINGERPRINT_LINE_MAX])
{
    put_words(hash, line * FINGERPRINT_LINE_WORDS, FINGERPRINT_LINE_WORDS, text);
}

void fingerprint_hex(const uint8_t hash[SHA256_LEN], char text[FINGERPRINT_HEX_MAX])
{
    for (size_t i = 0; i < SHA256_LEN; i += HEX_GROUP) {
        char *group = &text[i / HEX_GROUP * (2 * HEX_GROUP + 1)];
        hex_write(group, 2 * HEX_GROUP + 1, hash + i, HEX_GROUP, false);
        if (i + HEX_GROUP < SHA256_LEN) group[2 * HEX_GROUP] = ' ';
    }
}

static bool is_gap(char c)
{
    return c == ' ' || c == '-' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f');
}

/* Only hex digits and gaps? No word can be cut so that it looks like that. */
static bool all_hex(const char *typed)
{
    for (; *typed; typed++) {
        if (!is_hex(*typed) && !is_gap(*typed)) return false;
    }
    return true;
}

static bool read_hex(const char *typed, uint8_t out[FINGERPRINT_SPOKEN_LEN], struct err *err)
{
    char digits[2 * FINGERPRINT_SPOKEN_LEN];
    size_t count = 0;
    for (; *typed; typed++) {
        if (is_gap(*typed)) continue;
        if (count < sizeof(digits)) digits[count] = *typed;
        count++;
    }
    if (count != sizeof(digits))
        return err_set(err, ERR_INPUT,
                       "%zu hex digits; the first %zu of the fingerprint are needed, or its %d words", count,
                       sizeof(digits), FINGERPRINT_SPOKEN_LEN);
    return hex_read_exact(digits, count, out, FINGERPRINT_SPOKEN_LEN, err);
}

static bool is_meant(const char *word, const char *typed, size_t len)
{
    if (len < FINGERPRINT_WORD_MIN || len > strlen(word)) return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(typed[i]) != word[i]) return false;
    }
    return true;
}

static bool find(size_t place, const char *typed, size_t len, uint8_t *value)
{
    for (unsigned i = 0; i < VALUES; i++) {
        if (!is_meant(fingerprint_word(place, (uint8_t)i), typed, len)) continue;
        *value = (uint8_t)i;
        return true;
    }
    return false;
}

/* What cannot be shown becomes a question mark. */
static void show(const char *typed, size_t len, char out[FINGERPRINT_WORD_MAX + 4])
{
    size_t shown = len > FINGERPRINT_WORD_MAX ? FINGERPRINT_WORD_MAX : len;
    for (size_t i = 0; i < shown; i++)
        out[i] = typed[i];
    for (size_t i = 0; i < shown; i++) {
        if (out[i] <= ' ' || out[i] > '~') out[i] = '?';
    }
    memcpy(out + shown, shown < len ? "..." : "", shown < len ? 4 : 1);
}

static bool read_word(size_t place, const char *typed, size_t len, uint8_t *value, struct err *err)
{
    char shown[FINGERPRINT_WORD_MAX + 4];
    uint8_t other = 0;
    if (find(place, typed, len, value)) return true;
    show(typed, len, shown);
    if (find(place + 1, typed, len, &other))
        return err_set(
            err, ERR_INPUT,
            "word %zu '%s' cannot stand there: a word is missing or doubled, or two words are swapped",
            place + 1, shown);
    return err_set(err, ERR_INPUT, "word %zu '%s' is not in the list", place + 1, shown);
}

static bool read_words(const char *typed, uint8_t out[FINGERPRINT_SPOKEN_LEN], struct err *err)
{
    size_t count = 0;
    while (*typed) {
        size_t len = 0;
        while (typed[len] && !is_gap(typed[len]))
            len++;
        if (len == 0) {
            typed++;
            continue;
        }
        if (count == FINGERPRINT_SPOKEN_LEN)
            return err_set(err, ERR_INPUT, "more than %d words", FINGERPRINT_SPOKEN_LEN);
        if (!read_word(count, typed, len, &out[count], err)) return false;
        count++;
        typed += len;
    }
    if (count == FINGERPRINT_SPOKEN_LEN) return true;
    return err_set(err, ERR_INPUT, "%zu words; the fingerprint has %d: word %zu is missing", count,
                   FINGERPRINT_SPOKEN_LEN, count + 1);
}

bool fingerprint_read(const char *typed, uint8_t out[FINGERPRINT_SPOKEN_LEN], struct err *err)
{
    uint8_t made[FINGERPRINT_SPOKEN_LEN] = {0};
    bool ok = all_hex(typed) ? read_hex(typed, made, err) : read_words(typed, made, err);
    if (!ok) return false;
    memcpy(out, made, sizeof(made));
    return true;
}

void fingerprint_put(const uint8_t hash[SHA256_LEN], struct buf *out)
{
    char text[FINGERPRINT_HEX_MAX];
    for (size_t line = 0; line < FINGERPRINT_LINES; line++) {
        char words[FINGERPRINT_LINE_MAX];
        fingerprint_line(hash, line, words);
        buf_put_format(out, "%s\n", words);
    }
    fingerprint_hex(hash, text);
    buf_put_format(out, "%s\n", text);
}

bool fingerprint_equal(const uint8_t hash[SHA256_LEN], const uint8_t typed[FINGERPRINT_SPOKEN_LEN])
{
    return bytes_equal(hash, FINGERPRINT_SPOKEN_LEN, typed, FINGERPRINT_SPOKEN_LEN);
}
