#include "stage.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "formats/card_record.h"
#include "formats/dgi.h"
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

static const uint8_t job_id[16] = {0x70, 1, 2, 3};

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
static struct bureau_application apps[1];

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

/* ---- OpenSSL's part ---- */

size_t stage_wrap(const uint8_t *key, const uint8_t *in, size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    CU_ASSERT_EQUAL_FATAL(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, key, NULL), 1);
    CU_ASSERT_EQUAL_FATAL(EVP_EncryptUpdate(ctx, out, &n, in, (int)len), 1);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)n;
}

static EVP_PKEY *pair;

EVP_PKEY *stage_pair(void)
{
    if (!pair) pair = EVP_RSA_gen(1024);
    CU_ASSERT_PTR_NOT_NULL_FATAL(pair);
    return pair;
}

void stage_end(void)
{
    EVP_PKEY_free(pair);
    pair = NULL;
}

static const char *const parts[] = {OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
                                    OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
                                    OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
                                    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

/* The same key with p and q (and what hangs on them) exchanged. */
static EVP_PKEY *swapped_pair(void)
{
    static const size_t from[] = {0, 1, 2, 4, 3, 6, 5};
    BIGNUM *n[8] = {NULL};
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    BN_CTX *ctx = BN_CTX_new();
    EVP_PKEY *out = NULL;
    for (size_t i = 0; i < 7; i++) {
        EVP_PKEY_get_bn_param(stage_pair(), parts[from[i]], &n[i]);
        OSSL_PARAM_BLD_push_BN(b, parts[i], n[i]);
    }
    n[7] = BN_mod_inverse(NULL, n[4], n[3], ctx);
    OSSL_PARAM_BLD_push_BN(b, parts[7], n[7]);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    CU_ASSERT_TRUE_FATAL(EVP_PKEY_fromdata_init(make) == 1 &&
                         EVP_PKEY_fromdata(make, &out, EVP_PKEY_KEYPAIR, params) == 1);
    EVP_PKEY_CTX_free(make);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    for (size_t i = 0; i < 8; i++)
        BN_free(n[i]);
    BN_CTX_free(ctx);
    return out;
}

static bool is_ordered(EVP_PKEY *key)
{
    BIGNUM *p = NULL, *q = NULL;
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR1, &p);
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_FACTOR2, &q);
    bool ordered = BN_cmp(p, q) > 0;
    BN_free(p);
    BN_free(q);
    return ordered;
}

/* PKCS#8 with p > q, or the other way. */
static size_t pkcs8(bool ordered, uint8_t *out, size_t room)
{
    EVP_PKEY *key = is_ordered(stage_pair()) == ordered ? stage_pair() : swapped_pair();
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    unsigned char *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    CU_ASSERT_TRUE_FATAL(len > 0 && (size_t)len <= room);
    memcpy(out, der, (size_t)len);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (key != pair) EVP_PKEY_free(key);
    return (size_t)len;
}

static void modulus_kcv(uint8_t out[3])
{
    BIGNUM *n = NULL;
    struct err err = ERR_INIT;
    uint8_t bytes[512], hash[32];
    EVP_PKEY_get_bn_param(stage_pair(), OSSL_PKEY_PARAM_RSA_N, &n);
    int len = BN_bn2bin(n, bytes);
    EXPECT_OK(sha256(bytes, (size_t)len, hash, &err));
    memcpy(out, hash, 3);
    BN_free(n);
}

static size_t kcv_of(enum secret_kind kind, const uint8_t *key, size_t len, uint8_t out[5])
{
    static const uint8_t zeros[16];
    uint8_t block[16], wide[24];
    if (kind == SECRET_RSA) modulus_kcv(out);
    if (kind == SECRET_RSA) return 3;
    if (kind == SECRET_OPAQUE) return 0;
    if (kind == SECRET_DES2) {
        plastic_tdes_ecb(true, key, zeros, 8, block);
    } else if (kind == SECRET_DES3) {
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        int n = 0;
        memcpy(wide, key, 24);
        EVP_EncryptInit_ex(ctx, EVP_des_ede3_ecb(), NULL, wide, NULL);
        EVP_CIPHER_CTX_set_padding(ctx, 0);
        EVP_EncryptUpdate(ctx, block, &n, zeros, 8);
        EVP_CIPHER_CTX_free(ctx);
    } else {
        plastic_cmac(key, len, zeros, 16, block);
        memcpy(out, block, 5);
        return 5;
    }
    memcpy(out, block, 3);
    return 3;
}

/* ---- records ---- */

struct piece {
    const char *name;
    enum secret_kind kind;
    const uint8_t *value;
    size_t len;
    uint16_t dgi;
    bool wrong_kcv;
};

static void put_secret(struct buf *out, const struct piece *s)
{
    uint8_t wrapped[1024];
    struct wrapped_secret w = {.kind = s->kind, .method = METHOD_KWP, .dgi = s->dgi, .ciphertext = wrapped};
    snprintf(w.name, sizeof w.name, "%s", s->name);
    w.kcv_len = kcv_of(s->kind, s->value, s->len, w.kcv);
    if (s->wrong_kcv) w.kcv[0] ^= 1;
    if (s->kind == SECRET_OPAQUE) w.true_len = s->len;
    if (s->kind < SECRET_RSA) snprintf(w.master, sizeof w.master, "%s/1", s->name);
    w.ciphertext_len = stage_wrap(stage_kek, s->value, s->len, wrapped);
    wrapped_secret_put(out, &w);
}

/* A key under the card's own data key, as the issuer made it. */
static void put_own(struct buf *out, int protocol)
{
    static const uint8_t zeros[16];
    struct plastic card;
    uint8_t text[16];
    struct wrapped_secret w = {.kind = protocol == 2 ? SECRET_DES2 : SECRET_AES128,
                               .method = protocol == 2 ? METHOD_CARD_TDES_ECB : METHOD_CARD_AES_CBC,
                               .dgi = 0x8002,
                               .ciphertext = text,
                               .ciphertext_len = sizeof text};
    stage_card(&card, protocol, 0x70, protocol == 2 ? STAGE_KVN_TDES : STAGE_KVN_AES);
    if (protocol == 2)
        plastic_tdes_ecb(true, card.keys.dek, stage_own, 16, text);
    else
        plastic_aes_cbc(true, card.keys.dek, card.keys.len, zeros, stage_own, 16, text);
    snprintf(w.name, sizeof w.name, "OWN");
    snprintf(w.master, sizeof w.master, "MK-OWN/1");
    snprintf(w.card_key, sizeof w.card_key, "KMC/%d/DEK", protocol == 2 ? 1 : 2);
    w.kcv_len = kcv_of(w.kind, stage_own, 16, w.kcv);
    wrapped_secret_put(out, &w);
}

static void put_purse(struct buf *b, const struct stage_record *r)
{
    static const uint8_t element[] = {0xDF, 0x08, 2, 0x12, 0x34};
    uint8_t checks[6], kcv[5];
    clear_grouping_put(b, 0x0701, element, sizeof element);
    put_secret(b, &(struct piece){"KDL", SECRET_DES2, stage_kdl, r->wrong_length ? 8 : 16, 0x8000, false});
    put_secret(b, &(struct piece){"KDU", SECRET_DES2, stage_kdu, 16, 0x8000, r->wrong_kcv});
    kcv_of(SECRET_DES2, stage_kdl, 16, kcv);
    memcpy(checks, kcv, 3);
    kcv_of(SECRET_DES2, stage_kdu, 16, kcv);
    memcpy(&checks[3], kcv, 3);
    if (r->wrong_card_kcv) checks[4] ^= 1;
    clear_grouping_put(b, 0x9000, checks, sizeof checks);
    put_secret(b, &(struct piece){"PIN", SECRET_OPAQUE, stage_pin, 8, 0x8010, false});
    put_secret(b, &(struct piece){"KD3", SECRET_DES3, stage_kd3, 24, 0x8001, false});
}

static void put_emv(struct buf *b, const struct stage_record *r)
{
    uint8_t big[400], der[1024];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)i;
    const size_t der_len = pkcs8(!r->swapped, der, sizeof der);
    put_secret(b, &(struct piece){"MK-AC", SECRET_AES128, stage_mkac, 16, 0x8003, false});
    clear_grouping_put(b, 0x3001, big, sizeof big);
    put_secret(b, &(struct piece){"card-key", SECRET_RSA, der, der_len, 0x8201, false});
    if (r->protocol) put_own(b, r->protocol);
}

static void put_loyalty(struct buf *b)
{
    tlv_put(b, 0xDF01, "abc", 3);
    tlv_put(b, 0xDF03, "not loaded", 10);
    tlv_put(b, 0xDF02, "x", 1);
}

static void mac_and_put(struct buf *b, size_t begin, size_t end)
{
    uint8_t mac[16];
    plastic_cmac(stage_mac_key, sizeof stage_mac_key, &b->data[begin], end - begin, mac);
    buf_put(b, mac, sizeof mac);
}

static void put_entry(struct buf *chip, const uint8_t *aid, size_t aid_len, const struct stage_record *r)
{
    struct card_group card = {.number = r->foreign_binding ? 8 : 7};
    struct entry e = {.aid_len = aid_len, .sealed = true};
    struct buf data;
    size_t begin = 0, end = 0;
    buf_init(&data, 100000);
    memcpy(card.job_id, job_id, sizeof job_id);
    memcpy(e.aid, aid, aid_len);
    memcpy(e.kekid, stage_kekid, sizeof e.kekid);
    if (r->other_kek) e.kekid[5] = 9;
    stage_wrap(stage_kek, stage_mac_key, sizeof stage_mac_key, e.mackey);
    binding_put(&data, &card);
    if (aid != stage_loyalty) tlv_put(&data, 0xC2, stage_pin, sizeof stage_pin); /* some derivation data */
    if (aid == stage_purse) put_purse(&data, r);
    if (aid == stage_emv) put_emv(&data, r);
    if (aid == stage_loyalty) put_loyalty(&data);
    e.data = data.data;
    e.data_len = data.len;
    entry_put_sealed(chip, &e, &begin, &end);
    mac_and_put(chip, begin, end);
    buf_release(&data);
}

void stage_put_record(struct buf *out, const struct stage_record *r)
{
    struct card_group card = {.number = 7, .object_id = "card-7"};
    struct seal_group seal;
    struct buf chip;
    size_t group = 0, end = 0;
    buf_init(&chip, 200000);
    memcpy(card.job_id, job_id, sizeof job_id);
    memcpy(seal.job_id, job_id, sizeof job_id);
    memcpy(seal.kekid, stage_kekid, sizeof seal.kekid);
    stage_wrap(stage_kek, stage_mac_key, sizeof stage_mac_key, seal.mackey);
    put_entry(&chip, stage_purse, sizeof stage_purse, r);
    if (!r->only_purse) put_entry(&chip, stage_emv, sizeof stage_emv, r);
    if (!r->only_purse) put_entry(&chip, stage_loyalty, sizeof stage_loyalty, r);
    const size_t record = mic_put_record_begin(out), groups = out->len;
    card_group_put(out, &card);
    mic_put_group(out, "EMBOSS", "TEST CARD", 9);
    mic_put_group(out, "CHIP", chip.data, chip.len);
    seal_group_put_begin(out, &seal, &group, &end);
    uint8_t mac[16];
    plastic_cmac(stage_mac_key, sizeof stage_mac_key, &out->data[groups], end - groups, mac);
    seal_group_put_mac(out, group, mac);
    mic_put_record_end(out, record);
    CU_ASSERT_FALSE(out->failed);
    buf_release(&chip);
}

void stage_put_job(struct buf *out, bool other_kcv)
{
    static const uint8_t zeros[16];
    uint8_t kcv[16];
    struct job_group *job = calloc(1, sizeof *job);
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    memcpy(job->job_id, job_id, sizeof job_id);
    snprintf(job->name, sizeof job->name, "stage");
    snprintf(job->created, sizeof job->created, "2031-05-09T10:11:12Z");
    snprintf(job->program, sizeof job->program, "test");
    snprintf(job->chip_mic, sizeof job->chip_mic, "CHIP");
    job->first_record = 1;
    job->planned = 10;
    job->shard = job->shards = 1;
    job->kek_count = 1;
    memcpy(job->keks[0].kekid, stage_kekid, 6);
    plastic_cmac(stage_kek, sizeof stage_kek, zeros, 16, kcv);
    memcpy(job->keks[0].kcv, kcv, 5);
    if (other_kcv) job->keks[0].kcv[0] ^= 1;
    job_group_put(out, job);
    free(job);
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
