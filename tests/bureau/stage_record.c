/* The sealed card records of stage.h, and the JOB record that goes with them. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "formats/card_record.h"
#include "formats/dgi.h"
#include "plastic_cipher.h"
#include "stage.h"
#include "suite.h"

static const uint8_t job_id[16] = {0x70, 1, 2, 3};

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
    const uint8_t record[] = {0x70, 9, 0xDF, 0x08, 2, 0x12, 0x34, 0xDF, 0x11, 1, (uint8_t)r->kmc};
    uint8_t checks[6], kcv[5];
    if (r->kmc)
        clear_grouping_put(b, 0x0701, record, sizeof record);
    else
        clear_grouping_put(b, 0x0701, &record[2], 5);
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
