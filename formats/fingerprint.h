/* formats/fingerprint.h - the fingerprint of a public key, as two people read it to each other: docs/formats/fingerprints.md.
 *
 * The fingerprint is SHA-256 of the key's DER SubjectPublicKeyInfo. Spoken are its first 16 bytes, one word each. The 1st, 3rd,
 * … word is from a list of two-syllable words, the 2nd, 4th, … from one of three-syllable words, so a word that is missing,
 * doubled or swapped with its neighbour is noticed at once. */
#ifndef FORMATS_FINGERPRINT_H
#define FORMATS_FINGERPRINT_H

#include "base/digest.h"
#include "formats/public_key.h"

enum {
    FINGERPRINT_SPOKEN_LEN = 16, /* bytes, and words */
    FINGERPRINT_LINES = 4,
    FINGERPRINT_LINE_WORDS = 4,
    FINGERPRINT_WORD_MIN = 4, /* letters */
    FINGERPRINT_WORD_MAX = 9,
    FINGERPRINT_LINE_MAX = FINGERPRINT_LINE_WORDS * (FINGERPRINT_WORD_MAX + 1),
    FINGERPRINT_WORDS_MAX = FINGERPRINT_SPOKEN_LEN * (FINGERPRINT_WORD_MAX + 1),
    FINGERPRINT_HEX_MAX = 2 * SHA256_LEN + SHA256_LEN / 2,
};

/* False (ERR_INTERNAL): libcrypto refuses. */
MUST_CHECK bool fingerprint_make(const struct public_key *key, uint8_t hash[SHA256_LEN], struct err *err);

/* The 16 words in lower case, parted by single spaces, and a zero. */
void fingerprint_words(const uint8_t hash[SHA256_LEN], char text[FINGERPRINT_WORDS_MAX]);
/* The same in lines of four: line 0 to FINGERPRINT_LINES − 1. */
void fingerprint_line(const uint8_t hash[SHA256_LEN], size_t line, char text[FINGERPRINT_LINE_MAX]);
/* All 64 digits, upper case, in groups of four parted by single spaces. The first eight groups are what is spoken. */
void fingerprint_hex(const uint8_t hash[SHA256_LEN], char text[FINGERPRINT_HEX_MAX]);

/* Appends both, as they are shown to whoever reads them aloud: the words in lines of four, then the digits in a line. */
void fingerprint_put(const uint8_t hash[SHA256_LEN], struct buf *out);

/* What a person typed: the 16 words, of either case, parted by white space or hyphens, each whole or cut to its first four or
 * more letters; or the 32 hex digits of the same bytes, of either case, parted anyhow.
 * False (ERR_INPUT, out unchanged): a word that is in no list, or in the list of the other places, named with its place; other
 * than 16 words or 32 digits. */
MUST_CHECK bool fingerprint_read(const char *typed, uint8_t out[FINGERPRINT_SPOKEN_LEN], struct err *err);
/* Are these the spoken bytes of the fingerprint? */
bool fingerprint_equal(const uint8_t hash[SHA256_LEN], const uint8_t typed[FINGERPRINT_SPOKEN_LEN]);

/* The word for a byte at a place, counted from 0. Each of the two lists is in alphabetical order; within both together, all words
 * differ in their first four letters, and none has there only letters that are hex digits. */
const char *fingerprint_word(size_t place, uint8_t value);

#endif
