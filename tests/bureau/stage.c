#include "stage.h"

#include <sys/stat.h>

#include "hsm/trust.h"
#include "suite.h"

/* clang-format off */
const uint8_t stage_kek[32] = {0x82, 0xB7, 0x0E, 0xEE, 0x7F, 0x1A, 0x50, 0x39, 0xBE, 0xF0, 0x7E, 0xC2, 0x34, 0x7F, 0x06, 0x6E, 0xD0, 0x8F, 0x5D, 0xC7, 0x51, 0x24, 0x47, 0xE3, 0x40, 0x43, 0x00, 0x02, 0x6B, 0x6E, 0x54, 0x55};
const uint8_t stage_mac_key[32] = {0x94, 0xA0, 0x65, 0x68, 0x5D, 0x64, 0xC4, 0x98, 0x0B, 0xB8, 0xD4, 0x54, 0x4A, 0x87, 0x21, 0xA9, 0x9A, 0x01, 0xAD, 0x21, 0x9E, 0xB5, 0x9C, 0xF6, 0xA1, 0x5E, 0xF6, 0xF1, 0x5A, 0x1D, 0x83, 0x0B};
const uint8_t stage_kmc_tdes[16] = {0x40, 0x43, 0x43, 0x45, 0x45, 0x46, 0x46, 0x49, 0x49, 0x4A, 0x4A, 0x4C, 0x4C, 0x4F, 0x4F, 0x51};
const uint8_t stage_kmc_aes[32] = {0xB7, 0xCE, 0x09, 0xD6, 0xBB, 0xC0, 0x04, 0xE7, 0x17, 0x5C, 0x64, 0x3C, 0x7D, 0xEC, 0xB0, 0xB5, 0x80, 0xEC, 0x37, 0xBC, 0x97, 0x12, 0xDD, 0x2E, 0x6A, 0xAE, 0xB9, 0x4B, 0xAE, 0x8D, 0x2F, 0x9F};
const uint8_t stage_kdl[16] = {0xD0, 0xD3, 0xD5, 0xD6, 0xD9, 0xDA, 0xDC, 0xDF, 0xE0, 0xE3, 0xE5, 0xE6, 0xE9, 0xEA, 0xEC, 0xEF};
const uint8_t stage_kdu[16] = {0x10, 0x13, 0x15, 0x16, 0x19, 0x1A, 0x1C, 0x1F, 0x20, 0x23, 0x25, 0x26, 0x29, 0x2A, 0x2C, 0x2F};
const uint8_t stage_kd3[24] = {0x80, 0x83, 0x85, 0x86, 0x89, 0x8A, 0x8C, 0x8F, 0x91, 0x92, 0x94, 0x97, 0x98, 0x9B, 0x9D, 0x9E, 0xA1, 0xA2, 0xA4, 0xA7, 0xA8, 0xAB, 0xAD, 0xAE};
const uint8_t stage_mkac[16] = {0xB7, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0x01};
const uint8_t stage_pin[8] = {0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
const uint8_t stage_own[16] = {0xF1, 0xF2, 0xF4, 0xF7, 0xF8, 0xFB, 0xFD, 0xFE, 0x01, 0x02, 0x04, 0x07, 0x08, 0x0B, 0x0D, 0x0E};
const uint8_t stage_kekid[6] = {0x47, 0x61, 0x73, 0xFF, 0, 1};
const uint8_t stage_purse[5] = {0xA0, 0, 0, 0, 1}, stage_emv[7] = {0xA0, 0, 0, 0, 3, 0x10, 0x10}, stage_loyalty[6] = {0xA0, 0, 0, 0, 3, 0x99};
/* clang-format on */

/* ---- the token ---- */

static bool import(struct hsm_token *t, const char *label, enum hsm_role role, enum hsm_algorithm a,
                   const uint8_t *value, struct err *err)
{
    const struct hsm_key_ref ref = {.name = label, .label = label, .role = role, .algorithm = a};
    struct secret s = SECRET_NONE;
    struct hsm_key key;
    bool ok = secret_copy(&s, value, hsm_algorithm_len(a), err) && hsm_key_import(t, &ref, &s, &key, err);
    secret_release(&s);
    return ok;
}

bool stage_token(const struct softtoken *soft)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct hsm_public public;
    const struct hsm_pair_ref return_ref = {
        {.name = "return", .label = "return", .role = HSM_ROLE_SIGNING_PAIR, .algorithm = HSM_RSA},
        1024,
        65537};
    const struct hsm_key_ref signer = {
        .name = "signer", .label = "signer", .role = HSM_ROLE_TRUSTED_SIGNER, .algorithm = HSM_RSA};
    bool ok = softtoken_open(soft, "bureau", &t, &err) &&
              import(t, "KEK-1", HSM_ROLE_KEK_BUREAU, HSM_AES256, stage_kek, &err) &&
              import(t, "KMC-1", HSM_ROLE_MASTER, HSM_DES2, stage_kmc_tdes, &err) &&
              import(t, "KMC-2", HSM_ROLE_MASTER, HSM_AES128, stage_kmc_aes, &err) &&
              import(t, "KMC-3", HSM_ROLE_MASTER, HSM_AES256, stage_kmc_aes, &err) &&
              hsm_pair_generate(t, &return_ref, &pair, &err);
    if (ok) hsm_public_of_pair(&pair, &public);
    ok = ok && hsm_trust_import(t, &signer, &public, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    hsm_token_close(t);
    return ok;
}

static char text_issuer[] = "476173", text_kek[] = "KEK", text_kek1[] = "KEK-1", text_kmc[] = "KMC",
            text_aes256[] = "aes256", text_aes128[] = "aes128", text_des2[] = "des2", text_cps[] = "kmc-cps",
            text_aes[] = "kmc-aes", text_return[] = "return", text_signer[] = "signer",
            text_bureau[] = "bureau";
static char labels[3][8] = {"KMC-1", "KMC-2", "KMC-3"};
static char *signers[] = {text_signer};
static char module[256], parameters[512], pin_text[256];
static struct bureau_kek keks[1];
static struct bureau_card_key card_keys[3];
static struct bureau_loose loose[] = {{0xDF01, 0x0101}, {0xDF02, 0x0101}};
static struct bureau_application apps[1], kmc_apps[2];

static bool write_pin(const struct softtoken *soft)
{
    char path[200];
    snprintf(path, sizeof path, "%s/pin", soft->folder);
    snprintf(pin_text, sizeof pin_text, "file:%s", path);
    FILE *f = fopen(path, "wx");
    if (!f) return true; /* written before */
    bool ok = fputs(SOFTTOKEN_PIN "\n", f) >= 0;
    ok = fchmod(fileno(f), 0600) == 0 && ok;
    return fclose(f) == 0 && ok;
}

void stage_settings(struct bureau *s, const struct softtoken *soft)
{
    snprintf(module, sizeof module, "%s", soft->module);
    snprintf(parameters, sizeof parameters, "%s", soft->parameters);
    if (!write_pin(soft)) fprintf(stderr, "the PIN file cannot be written\n");
    memset(s, 0, sizeof *s);
    s->name = text_bureau;
    s->token = (struct token_settings){.module = module,
                                       .label = text_bureau,
                                       .parameters = parameters[0] ? parameters : NULL,
                                       .pin = pin_text};
    keks[0] = (struct bureau_kek){
        text_issuer, {.name = text_kek, .version = 1, .algorithm = text_aes256, .label = text_kek1}};
    s->keks = keks;
    s->kek_count = 1;
    for (unsigned i = 0; i < 3; i++) {
        card_keys[i] = (struct bureau_card_key){
            {.name = text_kmc, .version = (uint16_t)(i + 1), .label = labels[i]}, text_aes, i + 1};
        card_keys[i].key.algorithm = i == 0 ? text_des2 : i == 1 ? text_aes128 : text_aes256;
    }
    card_keys[0].method = text_cps;
    s->card_keys = card_keys;
    s->card_key_count = 3;
    s->trusted_labels = signers;
    s->trusted_count = 1;
    s->return_label = text_return;
    s->level = BUREAU_LEVEL_MAC_ENCRYPTION;
    s->response_mac = true;
    apps[0] = (struct bureau_application){.aid_len = sizeof stage_loyalty, .load = BUREAU_LOAD_INSTALL};
    memcpy(apps[0].aid, stage_loyalty, sizeof stage_loyalty);
    apps[0].loose = loose;
    apps[0].loose_count = 2;
    s->applications = apps;
    s->application_count = 1;
}

void stage_kmc_settings(struct bureau *out, const struct bureau *s)
{
    *out = *s;
    kmc_apps[0] = s->applications[0];
    kmc_apps[1] = (struct bureau_application){.aid_len = sizeof stage_purse, .kmc_version = 0xDF11};
    memcpy(kmc_apps[1].aid, stage_purse, sizeof stage_purse);
    out->applications = kmc_apps;
    out->application_count = 2;
}

bool stage_open(const struct softtoken *soft, const struct bureau *s, struct hsm_token **t,
                struct ring **ring)
{
    struct err err = ERR_INIT;
    *ring = NULL;
    EXPECT_OK(softtoken_open(soft, "bureau", t, &err));
    if (!*t) return false;
    EXPECT_OK(ring_open(ring, s, *t, &err));
    return *ring != NULL;
}

void stage_close(struct hsm_token *t, struct ring *ring)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 1;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, kept);
    CU_ASSERT_FALSE(hsm_token_is_broken(t));
    ring_free(ring);
    hsm_token_close(t);
}

/* ---- the card ---- */

void stage_card(struct plastic *card, int protocol, uint8_t options, uint8_t kvn)
{
    const uint8_t *kmc = kvn == STAGE_KVN_TDES ? stage_kmc_tdes : stage_kmc_aes;
    plastic_init(card, protocol, options);
    plastic_keys_from(&card->keys, protocol, kvn, kmc, kvn == STAGE_KVN_AES256 ? 32 : 16, card->key_data);
    plastic_add(card, stage_purse, sizeof stage_purse);
    plastic_add(card, stage_emv, sizeof stage_emv);
    plastic_add(card, stage_loyalty, sizeof stage_loyalty);
}
