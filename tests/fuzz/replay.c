/* In builds without libFuzzer: the seed inputs of a target, once, also cut at their middle. Keeps the targets compiling, and a
 * seed that once failed from failing again. Usage: TARGET CORPUS-FOLDER */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

static void replay(const char *folder, const char *name)
{
    static uint8_t data[1 << 20];
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    fuzz_must(f != NULL);
    size_t size = fread(data, 1, sizeof(data), f);
    fclose(f);
    /* Copies of their own size, so that a byte too far is seen. */
    for (int part = 1; part <= 2; part++) {
        size_t len = size / (size_t)part;
        uint8_t *copy = malloc(len ? len : 1);
        fuzz_must(copy != NULL);
        memcpy(copy, data, len);
        fuzz_must(LLVMFuzzerTestOneInput(copy, len) == 0);
        free(copy);
    }
}

int main(int argc, char **argv)
{
    unsigned count = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) return 1;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        replay(argv[1], entry->d_name);
        count++;
    }
    closedir(folder);
    printf("%u inputs\n", count);
    return count ? 0 : 1;
}
