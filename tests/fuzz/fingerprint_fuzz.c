/* What a person typed. What is read is written as words that are read the same. */
#include "formats/fingerprint.h"

#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    uint8_t hash[SHA256_LEN] = {0}, again[FINGERPRINT_SPOKEN_LEN];
    char words[FINGERPRINT_WORDS_MAX];
    char *typed = malloc(size + 1);
    fuzz_must(typed != NULL);
    if (size) memcpy(typed, data, size);
    typed[size] = '\0';
    if (fingerprint_read(typed, hash, &err)) {
        fingerprint_words(hash, words);
        fuzz_must(fingerprint_read(words, again, &err) && fingerprint_equal(hash, again));
    }
    free(typed);
    return 0;
}
