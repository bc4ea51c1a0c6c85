/* attacker MODULE PARAMETERS|- TOKEN PIN-FILE|- WHAT [ARGUMENT…]: tests/e2e/attacker/attacker.h. */
#include <stdio.h>
#include <string.h>

#include "attacker.h"
#include "base/hex.h"

struct set {
    const char *name;
    void (*try)(struct attacker *);
};
static const struct set sets[] = {
    {"values", attack_values},     {"uses", attack_uses},
    {"oracles", attack_oracles},   {"wrapping", attack_wrapping},
    {"twisting", attack_twisting}, {"unwrapping", attack_unwrapping},
    {"deriving", attack_deriving}, {"attributes", attack_attributes},
    {"sight", attack_sight}, /* last: it destroys */
};

struct deed {
    const char *name;
    int arguments;
    bool (*do_it)(struct attacker *, char **);
};
static const struct deed deeds[] = {
    {"card-key", 2, deed_card_key}, {"replace", 1, deed_replace}, {"twin", 1, deed_twin},
    {"secret", 1, deed_secret},     {"public", 1, deed_public},   {"data", 3, deed_data},
};

/* NAME=HEX */
static bool take_blob(struct attacker *a, char *text)
{
    struct blob *b = &a->blobs[a->blob_count];
    struct err err = ERR_INIT;
    char *hex = strchr(text, '=');
    if (!hex || a->blob_count == BLOBS_MAX) return false;
    *hex++ = 0;
    b->name = text;
    b->len = strlen(hex) / 2;
    a->blob_count++;
    return b->len > 0 && b->len <= sizeof(b->bytes) &&
           hex_read_exact(hex, 2 * b->len, b->bytes, b->len, &err);
}

static bool run(struct attacker *a, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(argv[0], deeds[i].name) == 0 && argc - 1 == deeds[i].arguments)
            return deeds[i].do_it(a, argv + 1);
    }
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (strcmp(argv[0], sets[i].name) != 0) continue;
        for (int b = 1; b < argc; b++) {
            if (!take_blob(a, argv[b])) return false;
        }
        sets[i].try(a);
        return true;
    }
    fprintf(stderr, "attacker: unknown: %s\n", argv[0]);
    return false;
}

int main(int argc, char **argv)
{
    static struct attacker a;
    if (argc < 6) {
        fputs("usage: attacker MODULE PARAMETERS|- TOKEN PIN-FILE|- WHAT [ARGUMENT…]\n", stderr);
        return 2;
    }
    if (!attacker_start(&a, argv + 1)) return 1;
    bool ok = attacker_look(&a) && run(&a, argc - 5, argv + 5);
    attacker_end(&a);
    return ok ? 0 : 1;
}
