/* mutant_writer FOLDER: each mutant as FOLDER/NAME.mic, for the tests of programs that cannot be linked with this reader. */
#include <stdlib.h>

#include "mutants.h"

int main(int argc, char **argv)
{
    struct keys *keys = NULL;
    EVP_PKEY *signer = image_private("signer");
    bool ok = argc == 2 && keys_load(TEST_DATA_DIR "/samples/independent-5.keys.json", &keys);

    for (size_t i = 0; ok && i < mutant_count; i++) {
        struct image image = image_load();
        char path[512];
        mutants[i].edit(&image);
        image_seal(&image, keys, signer, mutants[i].seal);
        snprintf(path, sizeof(path), "%s/%s.mic", argv[1], mutants[i].name);
        FILE *out = fopen(path, "wb");
        ok = out && fwrite(image.bytes, 1, image.len, out) == image.len;
        if (out && fclose(out) != 0) ok = false;
        image_release(&image);
    }
    keys_free(keys);
    EVP_PKEY_free(signer);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
