#include "workbench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"

/* Names as configuration would own them. */
#define NAME(text) ((char[]){text})

enum { MK_AC, MK_AES, KML, KMC, KEY_COUNT };
static struct key_settings keys[KEY_COUNT] = {
    [MK_AC] = {.name = NAME("MK-AC"), .version = 1, .algorithm = NAME("des2"), .label = NAME("MK-AC-1")},
    [MK_AES] = {.name = NAME("MK-AES"), .version = 3, .algorithm = NAME("aes128"), .label = NAME("MK-AES-3")},
    [KML] = {.name = NAME("KML"), .version = 2, .algorithm = NAME("des2"), .label = NAME("KML-2")},
    [KMC] = {.name = NAME("KMC"), .version = 1, .algorithm = NAME("aes128"), .label = NAME("KMC-1")},
};
/* TEST values. */
static const char *const values[KEY_COUNT] = {
    [MK_AC] = "EFF7CB7F43CD5E58C2A720168A07AEAD",
    [MK_AES] = "000102030405060708090A0B0C0D0E0F",
    [KML] = "0BC1BAC1018FF297E54F293BCBC2ADF7",
    [KMC] = "101112131415161718191A1B1C1D1E1F",
};
static const char *const methods[KEY_COUNT] = {"emv-a", "emv-c", "complement", "kmc-aes"};
static const char kek_value[] = "3BA43B73B9EC3BA168A4DE3B72AA17DF95600AFE3F8249F03758351363777FB8";
static const char keydata[] = "00112233445566778899";

static struct profile_element emv_elements[] = {
    {.tag = 0x5A, .name = NAME("PAN")},
    {.tag = 0x5F24, .name = NAME("expiry")},
    {.tag = 0x82, .name = NAME("AIP")},
    {.tag = 0x94, .name = NAME("AFL")},
    {.tag = 0x9F4A, .name = NAME("tags")},
    {.tag = 0xDF01, .name = NAME("random")},
    {.tag = 0x90, .name = NAME("issuer certificate")},
};
static struct profile_key emv_keys[] = {
    {.name = NAME("MK-AC"),
     .master = NAME("MK-AC"),
     .kind = SECRET_DES2,
     .method = DERIVE_EMV_A,
     .protection = METHOD_KWP},
    {.name = NAME("MK-SMI"),
     .master = NAME("MK-AES"),
     .kind = SECRET_AES128,
     .method = DERIVE_EMV_C,
     .protection = METHOD_KWP},
};
/* The record with the signature stands before the records that it is over. */
static struct profile_grouping emv_groupings[] = {
    {.dgi = 0x9104, .kind = GROUPING_ELEMENTS, .tags = {0x82, 0x94}, .count = 2},
    {.dgi = 0x9000, .kind = GROUPING_CHECK_VALUES, .keys = {0, 1}, .count = 2},
    {.dgi = 0x8000, .kind = GROUPING_KEYS, .keys = {0, 1}, .count = 2},
    {.dgi = 0x0202, .kind = GROUPING_ELEMENTS, .template_tag = 0x70, .tags = {0x93}, .count = 1},
    {.dgi = 0x0201,
     .kind = GROUPING_ELEMENTS,
     .template_tag = 0x70,
     .tags = {0x5A, 0x5F24, 0x9F4A},
     .count = 3},
    {.dgi = 0x0203,
     .kind = GROUPING_ELEMENTS,
     .template_tag = 0x70,
     .tags = {0x8F, 0x90, 0x92, 0x9F32, 0x9F47},
     .count = 5},
    {.dgi = 0x0204, .kind = GROUPING_ELEMENTS, .template_tag = 0x70, .tags = {0x9F46, 0x9F48}, .count = 2},
    {.dgi = 0x0101, .kind = GROUPING_ELEMENTS, .template_tag = 0x70, .tags = {0xDF01}, .count = 1},
    {.dgi = 0x8201, .kind = GROUPING_KEY_PAIR},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static struct profile emv = {
    .name = NAME("emv"),
    .check_value = CHECK_VALUE_GP,
    .elements = emv_elements,
    .element_count = COUNT(emv_elements),
    .groupings = emv_groupings,
    .grouping_count = COUNT(emv_groupings),
    .keys = emv_keys,
    .key_count = COUNT(emv_keys),
    .key_pair = {.present = true, .name = NAME("card-key"), .bits = 768, .exponent = 65537},
    .certificates = {.present = true, .ssad = true, .dac = {0xDA, 0xC0}},
};

static struct profile_element purse_elements[] = {{.tag = 0xDF08, .name = NAME("identifier")}};
#define UNDER_CARD_KEY                                                                                       \
    .protection = METHOD_CARD_AES_CBC,                                                                       \
    .card_key = {.master = NAME("KMC"), .method = DERIVE_KMC_AES, .which = CARD_KEY_DEK}
static struct profile_key purse_keys[] = {
    {.name = NAME("KDL"),
     .master = NAME("KML"),
     .kind = SECRET_DES2,
     .method = DERIVE_COMPLEMENT,
     .protection = METHOD_KWP},
    {.name = NAME("K1"),
     .master = NAME("MK-AES"),
     .kind = SECRET_AES128,
     .method = DERIVE_EMV_C,
     UNDER_CARD_KEY},
    {.name = NAME("K2"),
     .master = NAME("MK-AES"),
     .kind = SECRET_AES128,
     .method = DERIVE_EMV_C,
     UNDER_CARD_KEY},
    {.name = NAME("KX"),
     .master = NAME("none"),
     .kind = SECRET_DES2,
     .method = DERIVE_COMPLEMENT,
     .optional = true},
};
static struct profile_grouping purse_groupings[] = {
    {.dgi = 0x0701, .kind = GROUPING_ELEMENTS, .tags = {0xDF08}, .count = 1},
    {.dgi = 0x8001, .kind = GROUPING_KEYS, .keys = {1, 2}, .count = 2},
    {.dgi = 0x8000, .kind = GROUPING_KEYS, .keys = {0, 3}, .count = 2},
    {.dgi = 0x9000, .kind = GROUPING_CHECK_VALUES, .keys = {0, 3}, .count = 2},
};
static struct profile purse = {
    .name = NAME("purse"),
    .check_value = CHECK_VALUE_CMAC,
    .elements = purse_elements,
    .element_count = COUNT(purse_elements),
    .groupings = purse_groupings,
    .grouping_count = COUNT(purse_groupings),
    .keys = purse_keys,
    .key_count = COUNT(purse_keys),
};

static struct job_application applications[] = {
    {.aid = {0xA0, 0, 0, 0, 3, 0x10, 0x10},
     .aid_len = 7,
     .name = NAME("emv"),
     .profile = &emv,
     .issuer_key = 0},
    {.aid = {0xA0, 0, 0, 0, 3, 0x10, 0x10, 1},
     .aid_len = 8,
     .name = NAME("purse"),
     .profile = &purse,
     .issuer_key = -1},
    {.aid = {0xA0, 0, 0, 0, 3, 0x99}, .aid_len = 6, .name = NAME("loyalty"), .issuer_key = -1},
};
static struct issuer_key_settings issuer = {
    .name = NAME("issuer"), .label = NAME("issuer"), .certificate_path = NAME("issuer.yaml")};

/* ---- keys ---- */

static bool make_secrets(struct hsm_token *t, struct err *err)
{
    struct hsm_key_ref kek = {
        .name = "KEK", .label = "KEK-1", .role = HSM_ROLE_KEK_ISSUER, .algorithm = HSM_AES256};
    struct hsm_key key;
    if (!softtoken_import(t, &kek, kek_value, &key, err)) return false;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct hsm_key_ref ref = {.name = keys[i].name, .label = keys[i].label, .role = HSM_ROLE_MASTER};
        if (!hsm_algorithm_find(keys[i].algorithm, &ref.algorithm, err)) return false;
        if (!softtoken_import(t, &ref, values[i], &key, err)) return false;
    }
    return true;
}

static bool make_pair(struct hsm_token *t, const char *label, enum hsm_role role, unsigned bits,
                      struct hsm_pair *pair, struct err *err)
{
    const struct hsm_pair_ref ref = {
        {.name = label, .label = label, .role = role, .algorithm = HSM_RSA}, bits, 65537};
    return hsm_pair_generate(t, &ref, pair, err);
}

static void public_key(const struct hsm_pair *pair, struct emv_public_key *out)
{
    memcpy(out->modulus, pair->modulus, pair->modulus_len);
    out->modulus_len = pair->modulus_len;
    memcpy(out->exponent, pair->exponent, pair->exponent_len);
    out->exponent_len = pair->exponent_len;
}

static bool certify(struct hsm_token *t, const struct hsm_pair *ca, const struct hsm_pair *pair,
                    struct certificate_file *out, struct err *err)
{
    struct emv_certificate c = {
        .subject = {0x47, 0x61, 0x73, 0xFF}, .expiry = {0x12, 0x35}, .serial = {0, 0, 1}};
    struct buf block, remainder, signature;
    bool ok = false;

    public_key(pair, &c.key);
    buf_init(&block, 512);
    buf_init(&remainder, 512);
    buf_init(&signature, 512);
    if (!emv_issuer_template(&c, ca->modulus_len, &block, &remainder, err)) goto out;
    if (!hsm_sign_raw(t, &ca->private_key, block.data, block.len, &signature, err)) goto out;
    memset(out, 0, sizeof(*out));
    memcpy(out->rid, applications[0].aid, 5);
    out->ca_index = 0x92;
    memcpy(out->certificate, signature.data, signature.len);
    out->certificate_len = signature.len;
    memcpy(out->remainder, remainder.data, remainder.len);
    out->remainder_len = remainder.len;
    memcpy(out->exponent, pair->exponent, pair->exponent_len);
    out->exponent_len = pair->exponent_len;
    out->recovered = c;
    ok = true;
out:
    buf_release(&block);
    buf_release(&remainder);
    buf_release(&signature);
    return ok;
}

bool workbench_make_keys(struct hsm_token *t, struct workbench *w, struct err *err)
{
    struct hsm_pair ca, issuer_pair, signer;

    if (!make_secrets(t, err) || !make_pair(t, "ca", HSM_ROLE_SCHEME_CA_PAIR, 1408, &ca, err)) return false;
    if (!make_pair(t, "issuer", HSM_ROLE_ISSUER_PAIR, 1152, &issuer_pair, err)) return false;
    if (!make_pair(t, "signer", HSM_ROLE_SIGNING_PAIR, 2048, &signer, err)) return false;
    memcpy(w->ca.rid, applications[0].aid, 5);
    w->ca.index = 0x92;
    memcpy(w->ca.expiry, "\x12\x40", 2);
    public_key(&ca, &w->ca.key);
    return certify(t, &ca, &issuer_pair, &issuer.certificate, err);
}

/* ---- the plan of one card ---- */

static const uint8_t pan[] = {0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10};
static const uint8_t expiry[] = {0x30, 0x12, 0x31}, aip[] = {0x5C, 0x00}, tag_list[] = {0x82};
static const uint8_t afl[] = {0x10, 0x01, 0x04, 0x01, 0x08, 0x01, 0x01, 0x01};
static const uint8_t identifier[] = {0x60, 0, 0, 0, 0, 0, 0, 1};
static const uint8_t points[] = {0, 0, 1, 0x50};

static struct planned_value emv_values[COUNT(emv_elements)] = {
    {.origin = VALUE_FROM_SOURCE, .value = pan, .len = sizeof(pan)},
    {.origin = VALUE_FROM_SOURCE, .value = expiry, .len = sizeof(expiry)},
    {.origin = VALUE_FROM_SOURCE, .value = aip, .len = sizeof(aip)},
    {.origin = VALUE_FROM_SOURCE, .value = afl, .len = sizeof(afl)},
    {.origin = VALUE_FROM_SOURCE, .value = tag_list, .len = sizeof(tag_list)},
    {.origin = VALUE_FROM_TOKEN, .len = 8},
    {.origin = VALUE_FROM_CERTIFICATES},
};
static struct planned_value purse_values[COUNT(purse_elements)] = {
    {.origin = VALUE_FROM_SOURCE, .value = identifier, .len = sizeof(identifier)}};
static struct planned_key emv_planned[COUNT(emv_keys)], purse_planned[COUNT(purse_keys)];
static struct tlv loyalty_loose[] = {{.tag = 0xDF20, .value = points, .len = sizeof(points)}};

static bool plan_key(struct planned_key *out, const struct profile_key *rule, int master, const uint8_t *data,
                     size_t len, bool own, struct err *err)
{
    const struct derivation_input in = {.method = rule->method, .data = data, .len = len, .kind = rule->kind};
    const bool tdes = master == MK_AC || master == KML;

    *out = (struct planned_key){
        .rule = rule, .master = {.key = &keys[master]}, .data_len = len, .own_data = own};
    memcpy(out->data, data, len);
    if (!derivation_make(&in, tdes ? CIPHER_TDES : CIPHER_AES, &out->master.block, err)) return false;
    if (rule->protection == METHOD_KWP) return true;

    uint8_t key_data[10];
    const struct derivation_input card = {.method = rule->card_key.method,
                                          .data = key_data,
                                          .len = sizeof(key_data),
                                          .kind = SECRET_AES128,
                                          .which = rule->card_key.which};
    if (!hex_read_exact(keydata, strlen(keydata), key_data, sizeof(key_data), err)) return false;
    out->card_key.key = &keys[KMC];
    return derivation_make(&card, CIPHER_AES, &out->card_key.block, err);
}

static bool plan_keys(struct err *err)
{
    static const uint8_t psn1[] = {0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10, 0x01};
    static const uint8_t psn2[] = {0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10, 0x02};
    purse_planned[3] = (struct planned_key){.rule = &purse_keys[3], .left_out = true};
    return plan_key(&emv_planned[0], &emv_keys[0], MK_AC, psn1, sizeof(psn1), false, err) &&
           plan_key(&emv_planned[1], &emv_keys[1], MK_AES, psn1, sizeof(psn1), false, err) &&
           plan_key(&purse_planned[0], &purse_keys[0], KML, identifier, sizeof(identifier), false, err) &&
           plan_key(&purse_planned[1], &purse_keys[1], MK_AES, psn1, sizeof(psn1), true, err) &&
           plan_key(&purse_planned[2], &purse_keys[2], MK_AES, psn2, sizeof(psn2), true, err);
}

static void plan_card(struct workbench *w)
{
    struct planned_application *a = w->plan.applications;
    static const uint8_t embossed[] = "4761 7390 0101 0010";

    memset(&w->plan, 0, sizeof(w->plan));
    w->plan.input = &w->input;
    w->plan.application_count = COUNT(applications);
    for (size_t i = 0; i < COUNT(applications); i++)
        a[i].application = &applications[i];
    a[0].values = emv_values;
    a[0].keys = emv_planned;
    a[0].c2 = &emv_planned[0];
    memset(a[0].certificate.subject, 0xFF, sizeof(a[0].certificate.subject));
    memcpy(a[0].certificate.subject, pan, sizeof(pan));
    memcpy(a[0].certificate.expiry, "\x12\x30", 2);
    a[1].values = purse_values;
    a[1].keys = purse_planned;
    a[1].c2 = &purse_planned[0];
    a[2].loose = loyalty_loose;
    a[2].loose_count = COUNT(loyalty_loose);
    w->plan.groups[0] =
        (struct planned_group){.mic = "EMBOSS", .data = embossed, .len = sizeof(embossed) - 1};
    w->plan.groups[1] = (struct planned_group){.mic = "CHIP", .is_chip = true};
    w->plan.group_count = 2;
}

static const struct job settings = {
    .name = NAME("bench"),
    .issuer = NAME("476173"),
    .kek = {.name = NAME("KEK"), .version = 1, .algorithm = NAME("aes256"), .label = NAME("KEK-1")},
    .keys = keys,
    .key_count = KEY_COUNT,
    .signing_key = {.name = NAME("signer"), .label = NAME("signer")},
    .issuer_keys = &issuer,
    .issuer_key_count = 1,
    .applications = applications,
    .application_count = COUNT(applications),
};

bool workbench_init(struct workbench *w, struct hsm_token *t, struct err *err)
{
    w->token = t;
    w->tokens = (struct keyring_tokens){.master = t, .card_key = t};
    w->job = settings;
    memset(w->identity.job_id, 0x4A, JOB_ID_LEN);
    memset(&w->input, 0, sizeof(w->input));
    w->input.number = 1;
    w->input.card.number = 1;
    memcpy(w->input.card.job_id, w->identity.job_id, JOB_ID_LEN);
    snprintf(w->input.card.object_id, sizeof(w->input.card.object_id), "card-1");
    plan_card(w);
    return plan_keys(err);
}

/* ---- the file ---- */

static bool put_job(const struct workbench *w, const struct keyring *ring, struct buf *out)
{
    struct job_group *job = calloc(1, sizeof(*job));
    if (!job) return false;
    memcpy(job->job_id, w->identity.job_id, JOB_ID_LEN);
    snprintf(job->name, sizeof(job->name), "bench");
    snprintf(job->created, sizeof(job->created), "2024-02-29T12:00:00Z");
    snprintf(job->program, sizeof(job->program), "test");
    snprintf(job->chip_mic, sizeof(job->chip_mic), "CHIP");
    job->first_record = job->planned = 1;
    job->shard = job->shards = 1;
    job->kek_count = 1;
    keyring_kek(ring, &job->keks[0]);
    job_group_put(out, job);
    free(job);
    return true;
}

static bool put_end(const struct workbench *w, struct keyring *ring, const struct seal_group *seal,
                    struct buf *out, struct buf *spki, struct err *err)
{
    struct end_group end = {.count = 1, .mackey_hash_count = 1, .algorithm = SIGNATURE_RSA_SHA256};
    uint8_t hash[SHA256_LEN];
    struct buf text, covered, signature;
    bool ok = false;

    buf_init(&text, 4096);
    buf_init(&covered, 4096);
    buf_init(&signature, SIGNATURE_MAX);
    memcpy(end.job_id, w->identity.job_id, JOB_ID_LEN);
    if (!sha256(seal->mackey, MACKEY_LEN, hash, err) || !sha256(out->data, out->len, end.file_hash, err))
        goto out;
    end.mackey_hashes = hash;
    if (!keyring_signer(ring, end.signer, spki, err)) goto out;
    end_group_put_signed(&text, &end);
    end_group_to_be_signed(&covered, text.data, text.len);
    if (!keyring_sign(ring, covered.data, covered.len, &signature, err)) goto out;
    end_group_put(out, &text, signature.data, signature.len);
    ok = buf_ok(out, "file", err);
out:
    buf_release(&text);
    buf_release(&covered);
    buf_release(&signature);
    return ok;
}

static bool write_keys(const struct workbench *w, const struct keyring *ring, const struct buf *spki,
                       const char *path)
{
    char kek[2 * KEKID_LEN + 1], n[2 * EMV_MODULUS_MAX + 1], signer[2 * HSM_SPKI_MAX + 1];
    struct job_kek id;
    FILE *f = fopen(path, "w");

    if (!f) return false;
    keyring_kek(ring, &id);
    hex_write(kek, sizeof(kek), id.kekid, KEKID_LEN, true);
    hex_write(n, sizeof(n), w->ca.key.modulus, w->ca.key.modulus_len, true);
    hex_write(signer, sizeof(signer), spki->data, spki->len, true);
    fprintf(f, "{\"kek\": {\"%s\": \"%s\"}, \"derive\": {", kek, kek_value);
    for (size_t i = 0; i < KEY_COUNT; i++)
        fprintf(f, "%s\"%s/%u\": {\"master\": \"%s\", \"method\": \"%s\"}", i ? ", " : "", keys[i].name,
                (unsigned)keys[i].version, values[i], methods[i]);
    fprintf(f, "}, \"ca\": {\"n\": \"%s\", \"e\": 65537, \"rid\": \"A000000003\", \"index\": \"92\"}, ", n);
    fprintf(f, "\"signer\": \"%s\", \"keydata\": {\"card-1\": \"%s\"}}\n", signer, keydata);
    return fclose(f) == 0;
}

static bool write_bytes(const char *path, const struct buf *bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    const bool whole = fwrite(bytes->data, 1, bytes->len, f) == bytes->len;
    return fclose(f) == 0 && whole;
}

bool workbench_write_file(const struct workbench *w, struct keyring *ring, const struct buf *record,
                          const char *path, const char *keys_path, struct err *err)
{
    struct buf file, spki;
    struct mic_record *parsed = calloc(1, sizeof(*parsed));
    struct seal_group seal;
    bool ok = false;

    buf_init(&file, 1 << 20);
    buf_init(&spki, HSM_SPKI_MAX);
    if (!parsed || !put_job(w, ring, &file)) goto out;
    buf_put(&file, record->data, record->len);
    if (!mic_parse_record(record->data, record->len, 0, parsed, err)) goto out;
    const struct mic_group *group = mic_find(parsed, MIC_SEAL);
    if (!group || !seal_group_read(group, &seal, err) || !put_end(w, ring, &seal, &file, &spki, err))
        goto out;
    ok = write_bytes(path, &file) && write_keys(w, ring, &spki, keys_path);
    if (!ok) err_set(err, ERR_FILE, "%s cannot be written", path);
out:
    free(parsed);
    buf_release(&file);
    buf_release(&spki);
    return ok;
}
