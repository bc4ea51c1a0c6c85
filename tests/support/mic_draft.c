#include "mic_draft.h"

#include <openssl/ecdsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

static const uint8_t draft_job_id[JOB_ID_LEN] = "draft of a job.";
static const uint8_t draft_kekid[KEKID_LEN] = {0x47, 0x61, 0x73, 0xFF, 0x00, 0x01};

bool draft_key_make(struct draft_key *key, enum signature_algorithm algorithm)
{
    unsigned char *at = key->spki;
    key->algorithm = algorithm;
    key->key = algorithm == SIGNATURE_RSA_SHA256 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    int len = key->key ? i2d_PUBKEY(key->key, NULL) : 0;
    if (len <= 0 || len > DRAFT_SPKI_MAX) return false;
    key->spki_len = (size_t)i2d_PUBKEY(key->key, &at);
    return true;
}

void draft_key_release(struct draft_key *key)
{
    EVP_PKEY_free(key->key);
    key->key = NULL;
}

struct public_key draft_signer(const struct draft_key *key)
{
    return (struct public_key){key->spki, key->spki_len};
}

void draft_init(struct draft *draft, size_t count)
{
    *draft = (struct draft){.count = count};
    struct job_group *job = &draft->job;
    memcpy(job->job_id, draft_job_id, JOB_ID_LEN);
    memcpy(job->name, "draft", 6);
    memcpy(job->created, "2026-01-02T03:04:05Z", 21);
    memcpy(job->program, "test", 5);
    memcpy(job->chip_mic, "CHIP", 5);
    memcpy(job->keks[0].kekid, draft_kekid, KEKID_LEN);
    job->kek_count = count > 0;
    job->first_record = 1;
    job->planned = count;
    job->shard = 1;
    job->shards = 1;
    for (size_t i = 0; i < count; i++) {
        struct draft_card *card = &draft->cards[i];
        memcpy(card->card.job_id, draft_job_id, JOB_ID_LEN);
        card->card.number = i + 1;
        object_id_default(card->card.object_id, draft_job_id, i + 1);
        card->bound_to = card->card;
        memcpy(card->seal_job, draft_job_id, JOB_ID_LEN);
        memcpy(card->seal_kekid, draft_kekid, KEKID_LEN);
        memcpy(card->entry_kekid, draft_kekid, KEKID_LEN);
        card->seal_mackey = 0xAA;
        card->entry_mackey = 0xAA;
        card->groups = "CEKS";
    }
}

static void put_chip(struct buf *b, const struct draft_card *card, const char *chip_mic)
{
    struct entry entry = {.aid = {0xA0, 0, 0, 0, 3}, .aid_len = AID_MIN};
    struct buf data;
    size_t begin = 0, mac_end = 0;
    buf_init(&data, 1000);
    binding_put(&data, &card->bound_to);
    tlv_put(&data, 0xDF01, "points", 6);
    memcpy(entry.kekid, card->entry_kekid, KEKID_LEN);
    memset(entry.mackey, card->entry_mackey, MACKEY_LEN);
    entry.data = data.data;
    entry.data_len = data.len;
    size_t group = mic_put_group_begin(b, chip_mic);
    entry_put_sealed(b, &entry, &begin, &mac_end);
    buf_put_fill(b, 0x4D, MAC_LEN);
    mic_put_group_end(b, group);
    buf_release(&data);
}

static void put_seal(struct buf *b, const struct draft_card *card)
{
    static const uint8_t mac[MAC_LEN] = {0x4D};
    struct seal_group seal;
    size_t begin = 0, mac_end = 0;
    memcpy(seal.job_id, card->seal_job, JOB_ID_LEN);
    memcpy(seal.kekid, card->seal_kekid, KEKID_LEN);
    memset(seal.mackey, card->seal_mackey, MACKEY_LEN);
    seal_group_put_begin(b, &seal, &begin, &mac_end);
    seal_group_put_mac(b, begin, mac);
}

void draft_put_card(struct buf *b, const struct draft_card *card, const char *chip_mic)
{
    size_t record = mic_put_record_begin(b);
    for (size_t i = 0; card->groups[i] != '\0'; i++) {
        char initial = card->groups[i];
        if (initial == 'C') card_group_put(b, &card->card);
        if (initial == 'E') mic_put_group(b, "EMBOSS", "JANE DOE", 8);
        if (initial == 'K') put_chip(b, card, chip_mic);
        if (initial == 'S') put_seal(b, card);
        if (initial == 'J') mic_put_group(b, MIC_JOB, "", 0);
        if (initial == 'D') mic_put_group(b, MIC_END, "", 0);
    }
    mic_put_record_end(b, record);
}

void draft_put_body(struct buf *b, const struct draft *draft)
{
    job_group_put(b, &draft->job);
    for (size_t i = 0; i < draft->count; i++)
        draft_put_card(b, &draft->cards[i], draft->job.chip_mic);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_LEN);
}

static bool hash_mackey(uint8_t filler, uint8_t out[SHA256_LEN])
{
    uint8_t mackey[MACKEY_LEN];
    struct err err;
    memset(mackey, filler, sizeof(mackey));
    return sha256(mackey, sizeof(mackey), out, &err);
}

static size_t list_mackeys(const struct draft *draft, uint8_t out[][SHA256_LEN])
{
    bool used[256] = {false};
    size_t count = 0;
    for (size_t i = 0; i < draft->count; i++) {
        used[draft->cards[i].seal_mackey] = true;
        if (strchr(draft->cards[i].groups, 'K')) used[draft->cards[i].entry_mackey] = true;
    }
    used[0] = draft->lists_one_mackey_more;
    for (size_t i = 0; i < 256 && !draft->lists_no_mackey; i++) {
        if (used[i] && hash_mackey((uint8_t)i, out[count])) count++;
    }
    qsort(out, count, SHA256_LEN, compare);
    return count;
}

size_t draft_key_sign(const struct draft_key *key, const uint8_t *data, size_t len,
                      uint8_t out[SIGNATURE_MAX])
{
    size_t out_len = SIGNATURE_MAX;
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    bool ok = EVP_DigestSignInit(state, NULL, EVP_sha256(), NULL, key->key) == 1 &&
              EVP_DigestSign(state, out, &out_len, data, len) == 1;
    EVP_MD_CTX_free(state);
    if (!ok) return 0;
    if (key->algorithm == SIGNATURE_RSA_SHA256) return out_len;
    const unsigned char *at = out;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)out_len);
    uint8_t raw[64];
    ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32) == 32;
    ECDSA_SIG_free(pair);
    memcpy(out, raw, sizeof(raw));
    return ok ? sizeof(raw) : 0;
}

void draft_write(struct buf *b, const struct draft *draft, const struct draft_key *key)
{
    const struct draft_key *signer = draft->signed_by ? draft->signed_by : key;
    uint8_t hashes[DRAFT_CARDS_MAX * 2 + 1][SHA256_LEN];
    uint8_t set_aside[8][8];
    uint8_t signature[SIGNATURE_MAX];
    struct end_group end = {.set_aside = set_aside[0], .set_aside_count = draft->set_aside_count};
    struct buf part, text;
    struct err err;
    buf_init(&part, 4000);
    buf_init(&text, 4000);
    size_t begin = b->len;
    draft_put_body(b, draft);
    for (size_t i = 0; i < draft->set_aside_count; i++) {
        for (size_t byte = 0; byte < 8; byte++)
            set_aside[i][byte] = (uint8_t)(draft->set_aside[i] >> (56 - 8 * byte));
    }
    memcpy(end.job_id, draft->job.job_id, JOB_ID_LEN);
    end.job_id[0] ^= draft->other_job;
    end.count = draft->count + (uint64_t)(int64_t)draft->count_off;
    end.mackey_hashes = hashes[0];
    end.mackey_hash_count = list_mackeys(draft, hashes);
    if (!sha256(b->data + begin, b->len - begin, end.file_hash, &err)) b->failed = true;
    if (!sha256(key->spki, key->spki_len, end.signer, &err)) b->failed = true;
    end.file_hash[0] ^= draft->other_hash;
    end.signer[0] ^= draft->other_signer;
    end.algorithm = draft->algorithm ? draft->algorithm : key->algorithm;
    end_group_put_signed(&part, &end);
    end_group_to_be_signed(&text, part.data, part.len);
    size_t len = draft_key_sign(signer, text.data, text.len, signature);
    if (len == 0) b->failed = true;
    end_group_put(b, &part, signature, len);
    buf_release(&part);
    buf_release(&text);
}
