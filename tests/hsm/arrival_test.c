/* Blobs that arrive damaged, or hold another key than is asked for: nothing stays on the token. With the argument `nss` on
 * NSS. */
#include <openssl/evp.h>

#include "hsm/objects.h"
#include "suite.h"
#include "zone.h"

static struct softtoken soft;

/* Nothing that is received stays, and the message says why. */
static void refuse(struct zone_tokens *s, const struct hsm_travel_blob *blob, const struct hsm_key_ref *ref,
                   enum err_kind kind, const char *expected)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    size_t before = zone_kept_objects(s->bureau), session = zone_session_objects(s->bureau);
    EXPECT_FAIL(hsm_travel_receive(s->bureau, blob, ref, &key, &err), kind, expected);
    CU_ASSERT_EQUAL(key.handle, 0);
    CU_ASSERT_EQUAL(zone_kept_objects(s->bureau), before);
    CU_ASSERT_EQUAL(zone_session_objects(s->bureau), session);
}

/* The key's check value goes into the receiver's reference where the blob goes by RSA-OAEP. */
static void make_blob(struct zone_tokens *s, struct zone_journey *j, struct buf *blob)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_key_ref *ref = &j->at_bureau;
    EXPECT_OK(hsm_travel_generate(s->issuer, &j->at_issuer, &key, &err));
    if (j->public) EXPECT_OK(hsm_kcv(s->issuer, &key, HSM_ROLE_TRAVELLING, ref->kcv, &ref->kcv_len, &err));
    zone_wrap(s->issuer, j, &key, blob);
    hsm_key_destroy(s->issuer, &key);
}

static void test_damaged_kwp(void)
{
    struct zone_tokens s;
    struct zone z;
    struct buf blob;
    const struct hsm_key_ref ref = zone_ref("kek", HSM_ROLE_KEK_BUREAU, HSM_AES256);
    if (!zone_open(&soft, &s)) return;
    buf_init(&blob, 128);
    zone_make(&s, &z);
    struct zone_journey j = {zone_ref("kek", HSM_ROLE_KEK_ISSUER, HSM_AES256), ref, &z.sender, &z.receiver,
                             NULL};
    make_blob(&s, &j, &blob);
    CU_ASSERT_EQUAL_FATAL(blob.len, 40);
    struct hsm_travel_blob wrapped = {HSM_TRAVEL_KWP, &z.receiver, blob.data, blob.len};
    for (size_t bit = 0; bit < 8 * blob.len; bit++) {
        blob.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        refuse(&s, &wrapped, &ref, ERR_TOKEN, "receive key 'kek': C_UnwrapKey: CKR_");
        blob.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (wrapped.len = 0; wrapped.len < blob.len; wrapped.len++)
        refuse(&s, &wrapped, &ref, ERR_INPUT, "bytes are no wrapped AES-256 key");
    buf_put_fill(&blob, 0, 8);
    wrapped.data = blob.data;
    wrapped.len = blob.len;
    refuse(&s, &wrapped, &ref, ERR_INPUT, "48 bytes are no wrapped AES-256 key");
    zone_end(&s, &z);
    buf_release(&blob);
    zone_close(&s);
}

static void test_damaged_oaep(void)
{
    struct zone_tokens s;
    struct zone z;
    struct buf blob;
    struct hsm_key_ref no_check = zone_ref("zcmk", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256);
    if (!zone_open(&soft, &s)) return;
    buf_init(&blob, 1024);
    zone_make(&s, &z);
    struct zone_journey j = {zone_ref("zcmk", HSM_ROLE_ZCMK_SENDER, HSM_AES256), no_check, NULL, NULL,
                             &z.public};
    make_blob(&s, &j, &blob);
    const struct hsm_key_ref *ref = &j.at_bureau;
    CU_ASSERT_EQUAL_FATAL(blob.len, 256);
    struct hsm_travel_blob wrapped = {HSM_TRAVEL_OAEP, &z.exchange.private_key, blob.data, blob.len};
    for (size_t byte = 0; byte < blob.len; byte += 5) {
        blob.data[byte] ^= 0x10;
        refuse(&s, &wrapped, ref, ERR_TOKEN, "receive key 'zcmk': C_UnwrapKey: CKR_");
        blob.data[byte] ^= 0x10;
    }
    if (soft.kind == SOFTTOKEN_SOFTHSM)
        refuse(&s, &wrapped, &no_check, ERR_CONFIG, "'zcmk': by RSA-OAEP without a check value");
    wrapped.len = 255;
    refuse(&s, &wrapped, ref, ERR_TOKEN, "C_UnwrapKey: CKR_");
    wrapped.len = 0;
    refuse(&s, &wrapped, ref, ERR_TOKEN, "C_UnwrapKey: CKR_");
    zone_end(&s, &z);
    buf_release(&blob);
    zone_close(&s);
}

struct other_kind {
    enum hsm_algorithm is, asked;
    bool oaep;
    enum err_kind kind;
    const char *expected; /* NULL: no key is refused */
};

static void receive_other(struct zone_tokens *s, struct zone *z, const struct other_kind *row)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    struct buf blob;
    buf_init(&blob, 1024);
    struct zone_journey j = {zone_ref("is", HSM_ROLE_MASTER, row->is),
                             zone_ref("asked", HSM_ROLE_MASTER, row->asked), &z->sender, &z->receiver,
                             row->oaep ? &z->public : NULL};
    make_blob(s, &j, &blob);
    const struct hsm_travel_blob wrapped = {row->oaep ? HSM_TRAVEL_OAEP : HSM_TRAVEL_KWP,
                                            row->oaep ? &z->exchange.private_key : &z->receiver, blob.data,
                                            blob.len};
    if (row->expected) {
        refuse(s, &wrapped, &j.at_bureau, row->kind, row->expected);
    } else {
        EXPECT_OK(hsm_travel_receive(s->bureau, &wrapped, &j.at_bureau, &key, &err));
        j.at_bureau.kcv[0] ^= 1;
        hsm_key_destroy(s->bureau, &key);
        refuse(s, &wrapped, &j.at_bureau, ERR_TOKEN, "it is another key");
    }
    buf_release(&blob);
}

/* A key of one kind asked for as another: the length shows, what has the same length is left to the check value. */
static void test_other_kind(void)
{
    static const struct other_kind rows[] = {
        {HSM_AES128, HSM_DES3, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_AES256, HSM_DES2, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_DES2, HSM_AES256, true, ERR_TOKEN, "receive key 'asked': "},
        {HSM_DES3, HSM_DES2, false, ERR_INPUT, "32 bytes are no wrapped DES2 key"},
        {HSM_AES128, HSM_AES256, false, ERR_INPUT, "24 bytes are no wrapped AES-256 key"},
    };
    /* The right check value, another length: only the signer himself can say so. SoftHSM uses the key as long as it is. */
    static const struct other_kind lies[] = {
        {HSM_DES3, HSM_DES2, true, ERR_TOKEN, "C_UnwrapKey: CKR_KEY_SIZE_RANGE"},
        {HSM_DES2, HSM_DES3, true, ERR_TOKEN, "C_UnwrapKey: CKR_KEY_SIZE_RANGE"},
        {HSM_AES128, HSM_AES256, true, ERR_TOKEN, "it is a key of 16 bytes, not AES-256"},
        {HSM_AES256, HSM_AES128, true, ERR_TOKEN, "it is a key of 32 bytes, not AES-128"},
    };
    struct zone_tokens s;
    struct zone z;
    if (!zone_open(&soft, &s)) return;
    zone_make(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        receive_other(&s, &z, &rows[i]);
    for (size_t i = 0; i < SUITE_COUNT(lies); i++) {
        struct other_kind row = lies[i];
        if (soft.kind == SOFTTOKEN_SOFTHSM) row.expected = NULL;
        receive_other(&s, &z, &row);
    }
    zone_end(&s, &z);
    zone_close(&s);
}

/* A KEK asked for as a master, a DES2 key as AES-128: only the check value of the header tells. */
static void test_same_length(void)
{
    static const struct {
        enum hsm_role sent, asked;
        enum hsm_algorithm is, as;
    } rows[] = {
        {HSM_ROLE_KEK_ISSUER, HSM_ROLE_MASTER, HSM_AES256, HSM_AES256},
        {HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_DES2, HSM_AES128},
        {HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_AES192, HSM_DES3},
    };
    struct err err = ERR_INIT;
    struct zone_tokens s;
    struct zone z;
    if (!zone_open(&soft, &s)) return;
    zone_make(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct buf blob;
        struct hsm_key key = HSM_KEY_NONE;
        buf_init(&blob, 128);
        struct zone_journey j = {zone_ref("sent", rows[i].sent, rows[i].is),
                                 zone_ref("asked", rows[i].asked, rows[i].as), &z.sender, &z.receiver, NULL};
        make_blob(&s, &j, &blob);
        const struct hsm_travel_blob wrapped = {HSM_TRAVEL_KWP, &z.receiver, blob.data, blob.len};
        EXPECT_OK(hsm_travel_receive(s.bureau, &wrapped, &j.at_bureau, &key, &err));
        EXPECT_OK(hsm_key_remove(s.bureau, "asked", &err));
        j.at_bureau.kcv_len = 3;
        refuse(&s, &wrapped, &j.at_bureau, ERR_TOKEN, "it should be 000000");
        buf_release(&blob);
    }
    zone_end(&s, &z);
    zone_close(&s);
}

/* RFC 5649 by OpenSSL under the bytes 00 01 … 1F. */
static size_t wrap_outside(const uint8_t *key, size_t len, uint8_t *out)
{
    uint8_t kek[32];
    int n = 0, rest = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    for (uint8_t i = 0; i < sizeof kek; i++)
        kek[i] = i;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    CU_ASSERT_EQUAL(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek, NULL), 1);
    CU_ASSERT_EQUAL(EVP_EncryptUpdate(ctx, out, &n, key, (int)len), 1);
    CU_ASSERT_EQUAL(EVP_EncryptFinal_ex(ctx, out + n, &rest), 1);
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)(n + rest);
}

/* Up to 7 bytes may be missing, and what is wrapped is as long as if they were there. */
static void test_odd_length(void)
{
    static const struct {
        enum hsm_role role;
        enum hsm_algorithm asked;
        size_t len;
    } rows[] = {
        {HSM_ROLE_MASTER, HSM_AES128, 16},        {HSM_ROLE_MASTER, HSM_DES2, 16},
        {HSM_ROLE_MASTER, HSM_AES192, 24},        {HSM_ROLE_MASTER, HSM_DES3, 24},
        {HSM_ROLE_MASTER, HSM_AES256, 32},        {HSM_ROLE_KEK_BUREAU, HSM_AES128, 16},
        {HSM_ROLE_ZCMK_RECEIVER, HSM_AES192, 24}, {HSM_ROLE_KEK_BUREAU, HSM_AES256, 32},
    };
    static const uint8_t key[32] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA,
                                    0x98, 0x76, 0x54, 0x32, 0x10, 0x13, 0x57, 0x9B, 0xDF, 0x02, 0x46,
                                    0x8A, 0xCE, 0xFD, 0xB9, 0x75, 0x31, 0xEC, 0xA8, 0x64, 0x20};
    struct err err = ERR_INIT;
    uint8_t out[64];
    struct hsm_key receiver = HSM_KEY_NONE;
    const struct hsm_key_ref ref = zone_ref("zcmk", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256);
    struct zone_tokens s;
    if (!zone_open(&soft, &s)) return;
    EXPECT_OK(softtoken_import(
        s.bureau, &ref, "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", &receiver, &err));
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        const struct hsm_key_ref odd = zone_ref("odd", rows[i].role, rows[i].asked);
        for (size_t missing = 1; missing < 8; missing++) {
            size_t len = wrap_outside(key, rows[i].len - missing, out);
            const struct hsm_travel_blob blob = {HSM_TRAVEL_KWP, &receiver, out, len};
            CU_ASSERT_EQUAL(blob.len, rows[i].len + 8);
            refuse(&s, &blob, &odd, ERR_TOKEN, "receive key 'odd': ");
        }
    }
    hsm_key_destroy(s.bureau, &receiver);
    zone_close(&s);
}

static const struct test_case cases[] = {
    {"each flipped bit, each shorter and a longer blob by RFC 5649 is refused", test_damaged_kwp},
    {"flipped and shorter blobs by RSA-OAEP are refused", test_damaged_oaep},
    {"a key of another length than asked for is refused, save by RSA-OAEP one that its signer gave out so",
     test_other_kind},
    {"a key of the same length passes without a check value, and is refused with one", test_same_length},
    {"a wrapped secret that lacks 1 to 7 bytes is no key", test_odd_length},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = zone_add(&soft) ? suite_run("hsm/arrival", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
