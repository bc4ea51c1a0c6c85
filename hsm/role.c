/* hsm/role.c - names of algorithms and roles. The attributes of each role stand in template.c. */
#include "hsm/role.h"

#include <string.h>

struct algorithm_row {
    enum hsm_algorithm algorithm;
    const char *name;
    const char *word; /* as configuration files write it */
    size_t len;
};
static const struct algorithm_row algorithms[] = {
    {HSM_DES2, "DES2", "des2", 16},         {HSM_DES3, "DES3", "des3", 24},
    {HSM_AES128, "AES-128", "aes128", 16},  {HSM_AES192, "AES-192", "aes192", 24},
    {HSM_AES256, "AES-256", "aes256", 32},  {HSM_RSA, "RSA", "rsa", 0},
    {HSM_GENERIC, "generic", "generic", 0},
};
enum { ALGORITHM_COUNT = sizeof algorithms / sizeof algorithms[0] };

static const struct algorithm_row *algorithm_row(enum hsm_algorithm a)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if (algorithms[i].algorithm == a) return &algorithms[i];
    }
    return NULL;
}

size_t hsm_algorithm_len(enum hsm_algorithm a)
{
    const struct algorithm_row *row = algorithm_row(a);
    return row ? row->len : 0;
}

bool hsm_algorithm_is_tdes(enum hsm_algorithm a)
{
    return a == HSM_DES2 || a == HSM_DES3;
}

bool hsm_algorithm_is_aes(enum hsm_algorithm a)
{
    return a == HSM_AES128 || a == HSM_AES192 || a == HSM_AES256;
}

const char *hsm_algorithm_name(enum hsm_algorithm a)
{
    const struct algorithm_row *row = algorithm_row(a);
    return row ? row->name : "?";
}

bool hsm_algorithm_find(const char *name, enum hsm_algorithm *out, struct err *err)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if (strcmp(algorithms[i].name, name) != 0 && strcmp(algorithms[i].word, name) != 0) continue;
        *out = algorithms[i].algorithm;
        return true;
    }
    return err_set(err, ERR_CONFIG,
                   "unknown algorithm '%s': one of des2, des3, aes128, aes192, aes256, rsa, generic", name);
}

struct role_row {
    enum hsm_role role;
    const char *name;
    bool on_token;
    bool pair;
};
static const struct role_row roles[HSM_ROLE_COUNT] = {
    {HSM_ROLE_MASTER, "master", true, false},
    {HSM_ROLE_ZCMK_SENDER, "zcmk-sender", true, false},
    {HSM_ROLE_ZCMK_RECEIVER, "zcmk-receiver", true, false},
    {HSM_ROLE_KEK_ISSUER, "kek-issuer", true, false},
    {HSM_ROLE_KEK_BUREAU, "kek-bureau", true, false},
    {HSM_ROLE_KBPK, "kbpk", true, false},
    {HSM_ROLE_ISSUER_PAIR, "issuer-pair", true, true},
    {HSM_ROLE_SIGNING_PAIR, "signing-pair", true, true},
    {HSM_ROLE_SCHEME_CA_PAIR, "scheme-ca-pair", true, true},
    {HSM_ROLE_KEY_EXCHANGE_PAIR, "key-exchange-pair", true, true},
    {HSM_ROLE_CARD_KEY, "card-key", false, false},
    {HSM_ROLE_CARD_PAIR, "card-pair", false, true},
    {HSM_ROLE_CARD_STATIC, "card-static", false, false},
    {HSM_ROLE_MAC_KEY, "mac-key", false, false},
    {HSM_ROLE_TRAVELLING, "travelling", false, false},
    {HSM_ROLE_COMBINING, "combining", false, false},
    {HSM_ROLE_TRAVELLING_PAIR, "travelling-pair", false, true},
    {HSM_ROLE_PROVING_PAIR, "proving-pair", false, true},
    {HSM_ROLE_FERRY, "ferry", false, false},
    {HSM_ROLE_TRUSTED_SIGNER, "trusted-signer", true, false},
    {HSM_ROLE_BLOCK_CIPHER, "block-cipher", false, false},
    {HSM_ROLE_BLOCK_MAC, "block-mac", false, false},
    {HSM_ROLE_CHANNEL_BASE, "channel-base", false, false},
    {HSM_ROLE_CHANNEL_CIPHER, "channel-cipher", false, false},
    {HSM_ROLE_CHANNEL_MAC, "channel-mac", false, false},
    {HSM_ROLE_CHANNEL_DATA, "channel-data", false, false},
    {HSM_ROLE_READABLE, "readable", false, false},
};

const char *hsm_role_name(enum hsm_role role)
{
    return roles[role].name;
}

bool hsm_role_find(const char *name, enum hsm_role *out, struct err *err)
{
    for (size_t i = 0; i < HSM_ROLE_COUNT; i++) {
        if (strcmp(roles[i].name, name) != 0) continue;
        *out = roles[i].role;
        return true;
    }
    return err_set(err, ERR_CONFIG, "unknown role '%s'", name);
}

bool hsm_role_is_token_object(enum hsm_role role)
{
    return roles[role].on_token;
}

bool hsm_role_is_pair(enum hsm_role role)
{
    return roles[role].pair;
}
