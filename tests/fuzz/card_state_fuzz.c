/* A card's image, as it is and with its digest made right: what is read is a state that a card can have, and is the same again
 * after writing and reading. */
#include <string.h>

#include "base/digest.h"
#include "card/image.h"

#include "fuzz.h"

static void try_image(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct secret image = SECRET_NONE, again = SECRET_NONE;
    struct card_state *s = calloc(2, sizeof(*s));

    fuzz_must(s != NULL);
    if (image_read(data, size, &s[0], &err)) {
        fuzz_must(state_check(&s[0], &err));
        fuzz_must(image_write(&s[0], &image, &err));
        fuzz_must(image_read(image.data, image.len, &s[1], &err));
        fuzz_must(image_write(&s[1], &again, &err));
        fuzz_must(again.len == image.len && memcmp(again.data, image.data, image.len) == 0);
    }
    secret_release(&image);
    secret_release(&again);
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;

    fuzz_must(secret_start(&err));
    try_image(data, size);
    if (size < SHA256_LEN || size > IMAGE_MAX) return 0;
    uint8_t *copy = malloc(size);
    fuzz_must(copy != NULL);
    memcpy(copy, data, size);
    fuzz_must(sha256(copy, size - SHA256_LEN, copy + size - SHA256_LEN, &err));
    try_image(copy, size);
    free(copy);
    return 0;
}
