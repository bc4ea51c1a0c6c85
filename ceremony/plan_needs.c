#include "ceremony/plan_needs.h"

#include <string.h>

enum { ANY, DES, AES, RSA };

/* What a role needs of its token to be of use, by algorithm. */
static const struct {
    enum hsm_role role;
    int algorithms;
    enum hsm_ability ability;
} needs[] = {
    {HSM_ROLE_MASTER, DES, HSM_CAN_DERIVE_TDES},      {HSM_ROLE_MASTER, AES, HSM_CAN_DERIVE_AES},
    {HSM_ROLE_KEK_ISSUER, ANY, HSM_CAN_KWP},          {HSM_ROLE_KEK_ISSUER, ANY, HSM_CAN_CMAC},
    {HSM_ROLE_KEK_BUREAU, ANY, HSM_CAN_KWP},          {HSM_ROLE_KEK_BUREAU, ANY, HSM_CAN_CMAC},
    {HSM_ROLE_ZCMK_SENDER, ANY, HSM_CAN_KWP},         {HSM_ROLE_ZCMK_SENDER, ANY, HSM_CAN_CMAC},
    {HSM_ROLE_ZCMK_RECEIVER, ANY, HSM_CAN_KWP},       {HSM_ROLE_ZCMK_RECEIVER, ANY, HSM_CAN_CMAC},
    {HSM_ROLE_ISSUER_PAIR, ANY, HSM_CAN_RSA_RAW},     {HSM_ROLE_SCHEME_CA_PAIR, ANY, HSM_CAN_RSA_RAW},
    {HSM_ROLE_SIGNING_PAIR, ANY, HSM_CAN_RSA_SHA256}, {HSM_ROLE_KEY_EXCHANGE_PAIR, ANY, HSM_CAN_OAEP},
};

static bool fits(const struct plan_key *key, int algorithms)
{
    bool des = strncmp(key->algorithm, "des", 3) == 0, aes = strncmp(key->algorithm, "aes", 3) == 0;
    return algorithms == ANY || (algorithms == DES && des) || (algorithms == AES && aes) ||
           (algorithms == RSA && key->bits);
}

struct asker {
    const struct hsm_profile *profile;
    plan_lack_fn *lack;
    void *context;
};

static void ask(const struct asker *a, const struct plan_key *key, enum hsm_ability ability)
{
    if (!a->profile->can[ability])
        a->lack(a->context, key, hsm_ability_row(ability), a->profile->why[ability]);
}

static void ask_for_role(const struct asker *a, const struct plan_key *key, const char *role)
{
    for (size_t n = 0; n < sizeof(needs) / sizeof(needs[0]); n++) {
        if (strcmp(hsm_role_name(needs[n].role), role) == 0 && fits(key, needs[n].algorithms))
            ask(a, key, needs[n].ability);
    }
    if (key->bits) ask(a, key, key->exponent == 3 ? HSM_CAN_RSA_E3 : HSM_CAN_RSA_E65537);
}

void plan_needs_each_lack(const struct plan *p, size_t token, const struct hsm_profile *profile,
                          plan_lack_fn *lack, void *context)
{
    const struct asker a = {profile, lack, context};
    for (size_t i = 0; i < p->key_count; i++) {
        const struct plan_key *key = &p->keys[i];
        for (size_t t = 0; t < key->token_count; t++) {
            if (strcmp(key->tokens[t], p->tokens[token].name) == 0)
                ask_for_role(&a, key, key->token_roles[t]);
        }
    }
}
