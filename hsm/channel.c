#include "hsm/channel.h"

#include <stdio.h>
#include <string.h>

#include "hsm/examine.h"
#include "hsm/probe_internal.h"

static const uint8_t zeros[16];

static struct hsm_key_ref ref_of(const char *name, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = name, .role = role, .algorithm = a};
}

/* ---- static keys ---- */

bool hsm_card_keys_derive(struct hsm_token *t, const struct hsm_key *master,
                          const struct hsm_card_keys_data *data, enum hsm_algorithm algorithm,
                          struct hsm_card_keys *out, struct err *err)
{
    struct hsm_card_keys keys = HSM_CARD_KEYS_NONE;
    /* The data key of an AES channel is the static one, that of a TDES channel is derived from it. */
    const enum hsm_role dek_role =
        hsm_algorithm_is_tdes(algorithm) ? HSM_ROLE_CHANNEL_BASE : HSM_ROLE_CHANNEL_DATA;
    const struct hsm_key_ref enc = ref_of("ENC of the card", HSM_ROLE_CHANNEL_BASE, algorithm),
                             mac = ref_of("MAC of the card", HSM_ROLE_CHANNEL_BASE, algorithm),
                             dek = ref_of("DEK of the card", dek_role, algorithm);
    if (hsm_algorithm_is_tdes(algorithm) != hsm_algorithm_is_tdes(master->algorithm))
        return err_set(err, ERR_CONFIG, "a master of %s makes no card keys of %s",
                       hsm_algorithm_name(master->algorithm), hsm_algorithm_name(algorithm));
    if (data->len > HSM_CHANNEL_DATA_MAX) return err_set(err, ERR_INTERNAL, "%zu bytes", data->len);
    if (!hsm_derive(t, master, data->enc, data->len, &enc, &keys.enc, err) ||
        !hsm_derive(t, master, data->mac, data->len, &mac, &keys.mac, err) ||
        !hsm_derive(t, master, data->dek, data->len, &dek, &keys.dek, err)) {
        hsm_card_keys_destroy(t, &keys);
        err_prefix(err, "derive the card's keys");
        return false;
    }
    *out = keys;
    return true;
}

void hsm_card_keys_destroy(struct hsm_token *t, struct hsm_card_keys *keys)
{
    hsm_key_destroy(t, &keys->enc);
    hsm_key_destroy(t, &keys->mac);
    hsm_key_destroy(t, &keys->dek);
}

/* ---- session keys ---- */

static bool derive_cbc(struct hsm_token *t, const struct hsm_key *base, const uint8_t data[16],
                       const struct hsm_key_ref *result, struct hsm_key *out, struct err *err)
{
    uint8_t copy[16];
    struct hsm_template tp;
    CK_OBJECT_HANDLE handle = 0;
    memcpy(copy, data, sizeof copy);
    CK_DES_CBC_ENCRYPT_DATA_PARAMS parameter = {{0}, copy, sizeof copy};
    CK_MECHANISM mechanism = {CKM_DES3_CBC_ENCRYPT_DATA, &parameter, sizeof parameter};
    hsm_template_init(&tp);
    hsm_template_secret(&tp, result->algorithm, HSM_DERIVED, 0);
    if (!hsm_template_role(t, &tp, result, HSM_PART_SECRET, err)) return false;
    CK_RV rv = t->fn->C_DeriveKey(t->session, &mechanism, base->handle, tp.attr, tp.count, &handle);
    if (!hsm_call(t, "C_DeriveKey", rv, err)) return false;
    *out = (struct hsm_key){handle, result->algorithm};
    return true;
}

/* The left half twice: the first block, whose chaining value is zero, so that ECB gives it as well. */
static bool derive_left(struct hsm_token *t, const struct hsm_key *base, const uint8_t data[16],
                        const struct hsm_key_ref *result, struct hsm_key *out, struct err *err)
{
    uint8_t twice[16];
    memcpy(twice, data, 8);
    memcpy(&twice[8], data, 8);
    return hsm_derive(t, base, twice, sizeof twice, result, out, err);
}

static bool derive_mac_pair(struct hsm_token *t, const struct hsm_key *base, const uint8_t data[16],
                            struct hsm_key *whole, struct hsm_key *left, struct err *err)
{
    const struct hsm_key_ref ref = ref_of("MAC of the session", HSM_ROLE_CHANNEL_MAC, HSM_DES2);
    return derive_cbc(t, base, data, &ref, whole, err) && derive_left(t, base, data, &ref, left, err);
}

static bool open_tdes(struct hsm_token *t, const struct hsm_card_keys *keys,
                      const struct hsm_channel_data *data, struct hsm_channel *c, struct err *err)
{
    const struct hsm_key_ref enc = ref_of("ENC of the session", HSM_ROLE_CHANNEL_CIPHER, HSM_DES2),
                             dek = ref_of("DEK of the session", HSM_ROLE_CHANNEL_DATA, HSM_DES2);
    return derive_cbc(t, &keys->enc, data->enc, &enc, &c->enc, err) &&
           derive_mac_pair(t, &keys->mac, data->mac, &c->mac, &c->mac_left, err) &&
           (!data->rmac || derive_mac_pair(t, &keys->mac, data->rmac, &c->rmac, &c->rmac_left, err)) &&
           derive_cbc(t, &keys->dek, data->data, &dek, &c->data, err);
}

static bool encrypt_ecb(struct hsm_token *t, const struct hsm_key *key, const uint8_t block[16],
                        uint8_t out[16], struct err *err)
{
    return hsm_encrypt_once(t, CKM_AES_ECB, key->handle, block, 16, out, err);
}

/* The session key is CMAC(B1 ‖ B2) under the static one, for keys of more than 16 bytes of two such inputs. */
static bool derive_kdf(struct hsm_token *t, const struct hsm_key *base, const uint8_t *blocks,
                       const struct hsm_key_ref *result, struct hsm_key *out, struct err *err)
{
    const size_t count = hsm_algorithm_len(result->algorithm) > 16 ? 2 : 1;
    uint8_t l[16], k1[16], inner[HSM_CHANNEL_DATA_MAX];
    bool ok = encrypt_ecb(t, base, zeros, l, err);
    if (ok) hsm_cmac_double(l, k1, sizeof k1);
    for (size_t n = 0; ok && n < count; n++) {
        const uint8_t *in = &blocks[32 * n];
        ok = encrypt_ecb(t, base, in, &inner[16 * n], err);
        for (size_t i = 0; ok && i < 16; i++)
            inner[16 * n + i] = (uint8_t)(inner[16 * n + i] ^ in[16 + i] ^ k1[i]);
    }
    ok = ok && hsm_derive(t, base, inner, 16 * count, result, out, err);
    wipe(l, sizeof l);
    wipe(k1, sizeof k1);
    wipe(inner, sizeof inner);
    return ok;
}

static bool open_aes(struct hsm_token *t, const struct hsm_card_keys *keys,
                     const struct hsm_channel_data *data, struct hsm_channel *c, struct err *err)
{
    const struct hsm_key_ref enc = ref_of("ENC of the session", HSM_ROLE_CHANNEL_CIPHER, keys->enc.algorithm),
                             mac = ref_of("MAC of the session", HSM_ROLE_CHANNEL_MAC, keys->mac.algorithm);
    if (!derive_kdf(t, &keys->enc, data->enc, &enc, &c->enc, err) ||
        !derive_kdf(t, &keys->mac, data->mac, &mac, &c->mac, err) ||
        (data->rmac && !derive_kdf(t, &keys->mac, data->rmac, &mac, &c->rmac, err)))
        return false;
    c->data = keys->dek;
    return true;
}

bool hsm_channel_open(struct hsm_token *t, const struct hsm_card_keys *keys,
                      const struct hsm_channel_data *data, struct hsm_channel *out, struct err *err)
{
    struct hsm_channel c = {.aes = !hsm_algorithm_is_tdes(keys->enc.algorithm)};
    if (!(c.aes ? open_aes(t, keys, data, &c, err) : open_tdes(t, keys, data, &c, err))) {
        hsm_channel_close(t, &c);
        err_prefix(err, "derive the session's keys");
        return false;
    }
    *out = c;
    return true;
}

void hsm_channel_close(struct hsm_token *t, struct hsm_channel *channel)
{
    struct hsm_key *keys[] = {&channel->enc, &channel->mac, &channel->mac_left, &channel->rmac,
                              &channel->rmac_left};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        hsm_key_destroy(t, keys[i]);
    if (channel->aes)
        channel->data.handle = 0;
    else
        hsm_key_destroy(t, &channel->data);
}

/* ---- what is computed with them ---- */

struct text {
    const uint8_t *data;
    size_t len;
    uint8_t *out;
};

static bool check_len(const struct hsm_key *key, size_t len, struct err *err)
{
    const size_t block =
        hsm_algorithm_is_tdes(key->algorithm) ? HSM_CHANNEL_TDES_BLOCK : HSM_CHANNEL_AES_BLOCK;
    if (len > 0 && len <= HSM_CHANNEL_TEXT_MAX && len % block == 0) return true;
    return err_set(err, ERR_INTERNAL, "%zu bytes are no whole blocks", len);
}

static bool cbc(struct hsm_token *t, const struct hsm_key *key, const uint8_t *iv, const struct text *text,
                struct err *err)
{
    const bool tdes = hsm_algorithm_is_tdes(key->algorithm);
    uint8_t copy[16];
    CK_ULONG out_len = text->len;
    if (!check_len(key, text->len, err)) return false;
    memcpy(copy, iv, tdes ? 8 : 16);
    CK_MECHANISM m = {tdes ? CKM_DES3_CBC : CKM_AES_CBC, copy, tdes ? 8 : 16};
    if (!hsm_call(t, "C_EncryptInit", t->fn->C_EncryptInit(t->session, &m, key->handle), err)) return false;
    CK_RV rv = t->fn->C_Encrypt(t->session, hsm_bytes(text->data), text->len, text->out, &out_len);
    if (!hsm_call(t, "C_Encrypt", rv, err)) return false;
    if (out_len == text->len) return true;
    return err_set(err, ERR_TOKEN, "C_Encrypt: %lu bytes came back for %zu without padding", out_len,
                   text->len);
}

bool hsm_channel_encrypt(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t *iv,
                         const uint8_t *data, size_t len, uint8_t *out, struct err *err)
{
    return cbc(t, &channel->enc, channel->aes ? iv : zeros, &(struct text){data, len, out}, err);
}

bool hsm_channel_encrypt_block(struct hsm_token *t, const struct hsm_channel *channel,
                               const uint8_t block[16], uint8_t out[16], struct err *err)
{
    if (!channel->aes) return err_set(err, ERR_INTERNAL, "a block cipher of 8 bytes");
    return encrypt_ecb(t, &channel->enc, block, out, err);
}

bool hsm_channel_decrypt(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t iv[16],
                         const uint8_t *data, size_t len, uint8_t *out, struct err *err)
{
    uint8_t copy[16];
    CK_ULONG out_len = len;
    if (!channel->aes) return err_set(err, ERR_INTERNAL, "a TDES channel encrypts no answers");
    if (!check_len(&channel->enc, len, err)) return false;
    memcpy(copy, iv, sizeof copy);
    CK_MECHANISM m = {CKM_AES_CBC, copy, sizeof copy};
    CK_RV rv = t->fn->C_DecryptInit(t->session, &m, channel->enc.handle);
    if (!hsm_call(t, "C_DecryptInit", rv, err)) return false;
    rv = t->fn->C_Decrypt(t->session, hsm_bytes(data), len, out, &out_len);
    if (!hsm_call(t, "C_Decrypt", rv, err)) return false;
    if (out_len == len) return true;
    return err_set(err, ERR_TOKEN, "C_Decrypt: %lu bytes came back for %zu without padding", out_len, len);
}

bool hsm_channel_retail_mac(struct hsm_token *t, const struct hsm_channel *channel,
                            enum hsm_channel_side side, const uint8_t iv[8], const struct hsm_span *data,
                            uint8_t out[8], struct err *err)
{
    const bool command = side == HSM_CHANNEL_COMMAND;
    const struct hsm_key *whole = command ? &channel->mac : &channel->rmac;
    const struct hsm_key *left = command ? &channel->mac_left : &channel->rmac_left;
    uint8_t chain[HSM_CHANNEL_TEXT_MAX] = {0};
    if (channel->aes || !whole->handle) return err_set(err, ERR_INTERNAL, "the channel has no such key");
    if (!check_len(whole, data->len, err)) return false;
    const size_t before = data->len - 8;
    const uint8_t *last_iv = iv;
    if (before > 0) {
        if (!cbc(t, left, iv, &(struct text){data->data, before, chain}, err)) return false;
        last_iv = &chain[before - 8];
    }
    return cbc(t, whole, last_iv, &(struct text){&data->data[before], 8, out}, err);
}

bool hsm_channel_next_iv(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t mac[8],
                         uint8_t out[8], struct err *err)
{
    if (channel->aes) return err_set(err, ERR_INTERNAL, "the channel has no such key");
    return hsm_encrypt_once(t, CKM_DES3_ECB, channel->mac_left.handle, mac, 8, out, err);
}

bool hsm_channel_cmac(struct hsm_token *t, const struct hsm_channel *channel, enum hsm_channel_side side,
                      const uint8_t *data, size_t len, uint8_t out[16], struct err *err)
{
    const struct hsm_key *key = side == HSM_CHANNEL_COMMAND ? &channel->mac : &channel->rmac;
    if (!channel->aes || !key->handle) return err_set(err, ERR_INTERNAL, "the channel has no such key");
    return hsm_cmac(t, key, data, len, out, err);
}

/* ---- secrets for the card ---- */

static bool probe_one(struct hsm_token *t, const char *name, bool *can, char why[96], struct err *err)
{
    struct hsm_outcome outcome = {.verdict = HSM_NOT_TRIED};
    if (!hsm_examine_one(t, name, &outcome, err)) return false;
    *can = outcome.verdict == HSM_WORKS;
    /* A fault is no answer: taken for one, it would make secrets readable that need not be. */
    if (outcome.verdict == HSM_REFUSED && !hsm_probe_is_answer(t->last))
        return err_set(err, ERR_TOKEN, "trying whether the token wraps for cards: %s", outcome.cause);
    snprintf(why, 96, "%s", *can ? "" : outcome.cause);
    return true;
}

bool hsm_channel_probe(struct hsm_token *t, struct hsm_channel_abilities *out, struct err *err)
{
    struct hsm_channel_abilities a;
    if (!probe_one(t, "scp02-data", &a.wraps_tdes, a.why_not_tdes, err) ||
        !probe_one(t, "scp03-data", &a.wraps_aes, a.why_not_aes, err))
        return false;
    *out = a;
    return true;
}

bool hsm_channel_can_wrap(const struct hsm_channel_abilities *abilities, bool aes,
                          enum hsm_algorithm algorithm)
{
    const size_t len = hsm_algorithm_len(algorithm); /* 0 for pairs and generic secrets */
    const size_t block = aes ? HSM_CHANNEL_AES_BLOCK : HSM_CHANNEL_TDES_BLOCK;
    return (aes ? abilities->wraps_aes : abilities->wraps_tdes) && len > 0 && len % block == 0;
}

bool hsm_channel_wrap(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t *iv,
                      const struct hsm_key *key, struct buf *dst, struct err *err)
{
    return channel->aes ? hsm_wrap_aes_cbc(t, &channel->data, iv, key, dst, err)
                        : hsm_wrap_tdes_ecb(t, &channel->data, key, dst, err);
}

bool hsm_channel_encrypt_data(struct hsm_token *t, const struct hsm_channel *channel, const uint8_t *iv,
                              const uint8_t *data, size_t len, uint8_t *out, struct err *err)
{
    if (channel->aes) return cbc(t, &channel->data, iv, &(struct text){data, len, out}, err);
    return check_len(&channel->data, len, err) &&
           hsm_encrypt_once(t, CKM_DES3_ECB, channel->data.handle, data, len, out, err);
}
