/* Key blocks under a KBPK on a token: known answers, and the other way round with OpenSSL as the other party. */
#include "hsm/key_block.h"

#include "base/hex.h"
#include "formats/key_block.h"
#include "hsm/crypto.h"
#include "key_block_partner.h"
#include "softtoken.h"
#include "suite.h"
#include "vectors.h"

static struct softtoken soft;
static struct hsm_token *t; /* open for the whole suite */

static enum hsm_algorithm kbpk_algorithm(char version, size_t len)
{
    if (version == 'B') return len == 16 ? HSM_DES2 : HSM_DES3;
    return len == 16 ? HSM_AES128 : len == 24 ? HSM_AES192 : HSM_AES256;
}

static bool import_kbpk(char version, const char *hex, struct hsm_key *out, struct err *err)
{
    struct hsm_key_ref ref = {.name = "KBPK",
                              .label = "KBPK",
                              .role = HSM_ROLE_KBPK,
                              .algorithm = kbpk_algorithm(version, strlen(hex) / 2)};
    return softtoken_import(t, &ref, hex, out, err);
}

static struct hsm_key_block describe(const struct hsm_key *kbpk, const struct key_block_inputs *in,
                                     const void *bound, size_t bound_len)
{
    return (struct hsm_key_block){.kbpk = kbpk,
                                  .cipher_input = in->cipher,
                                  .mac_input = in->mac,
                                  .input_len = in->len,
                                  .input_is_full = in->is_full,
                                  .bound = bound,
                                  .bound_len = bound_len};
}

/* The key in the block replaces `key`. */
static bool open_text(const char *text, size_t len, const struct hsm_key *kbpk, struct buf *key,
                      struct err *err)
{
    struct key_block b;
    struct key_block_inputs in;
    struct secret plain = SECRET_NONE;
    struct buf sealed;
    size_t key_len = 0;
    bool ok = false;
    buf_init(&sealed, KEY_BLOCK_MAX);
    if (!key_block_read(text, len, &b, err) || !key_block_sealed(&b, &sealed, err)) goto out;
    if (!key_block_inputs(b.header.version, hsm_algorithm_len(kbpk->algorithm), &in, err)) goto out;
    struct hsm_key_block block = describe(kbpk, &in, b.text, b.bound_len);
    if (!hsm_key_block_open(t, &block, sealed.data, sealed.len, &plain, err)) goto out;
    if (!key_block_plain_read(plain.data, plain.len, &key_len, err)) goto out;
    buf_clear(key);
    buf_put(key, plain.data + KEY_BLOCK_KEY_OFFSET, key_len);
    ok = buf_ok(key, "key", err);
out:
    if (!ok && err->kind == ERR_INTEGRITY) CU_ASSERT_PTR_NULL(plain.data); /* nothing of it is given out */
    secret_release(&plain);
    buf_release(&sealed);
    return ok;
}

static void expect_no_session_keys(void)
{
    struct err err = ERR_INIT;
    size_t all = 0, on_token = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &on_token, &err));
    CU_ASSERT_EQUAL(all, on_token);
}

static void test_vectors(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block v;
    struct buf due, key;
    bool end = false;
    size_t opened = 0, refused = 0;
    buf_init(&due, 2000);
    buf_init(&key, 2000);
    EXPECT_OK(vector_file_open(&f, "tr31.txt", &err));
    while (vector_next(f, &v, &end, &err) && !end) {
        const char *text = vector_text(&v, "block");
        bool invalid = vector_is_op(&v, "tr31_invalid");
        struct hsm_key kbpk = HSM_KEY_NONE;
        if ((!invalid && !vector_is_op(&v, "tr31")) || (text[0] != 'B' && text[0] != 'D')) continue;
        EXPECT_OK(import_kbpk(text[0], vector_text(&v, "kbpk"), &kbpk, &err));
        bool ok = open_text(text, strlen(text), &kbpk, &key, &err);
        if (ok == invalid) vector_show(&v);
        CU_ASSERT_NOT_EQUAL(ok, invalid);
        if (!invalid) {
            CU_ASSERT_TRUE(vector_hex(&v, "key", &due));
            CU_ASSERT_TRUE(bytes_equal(key.data, key.len, due.data, due.len));
        }
        opened += ok;
        refused += !ok;
        hsm_key_destroy(t, &kbpk);
    }
    CU_ASSERT_EQUAL(opened, 33);
    CU_ASSERT_EQUAL(refused, 4);
    expect_no_session_keys();
    vector_file_free(f);
    buf_release(&due);
    buf_release(&key);
}

#define KBPK_16 "404142434445464748494A4B4C4D4E4F"
#define KBPK_24 KBPK_16 "5051525354555657"
#define KBPK_32 KBPK_24 "58595A5B5C5D5E5F"
#define KEY_16  "0123456789ABCDEFFEDCBA9876543210"
#define KEY_32  KEY_16 "00112233445566778899AABBCCDDEEFF"

struct case_row {
    char version;
    const char *kbpk, *key;
    char algorithm;
};
static const struct case_row rows[] = {
    {'B', KBPK_16, KEY_16, 'T'}, {'B', KBPK_24, KEY_16, 'T'}, {'B', KBPK_24, KBPK_24, 'T'},
    {'D', KBPK_16, KEY_16, 'A'}, {'D', KBPK_24, KEY_16, 'T'}, {'D', KBPK_24, KBPK_24, 'A'},
    {'D', KBPK_32, KEY_32, 'A'}, {'D', KBPK_32, KEY_16, 'A'}, {'D', KBPK_32, KBPK_24, 'T'},
};

static const struct key_block_optional some_optional[] = {{"KS", "00604B120F9292800000", 20},
                                                          {"TS", "20260101T000000Z", 16}};

/* What this program writes for a row, appended to text. */
static bool protect(const struct case_row *r, const struct hsm_key *kbpk, const struct key_block_optional *o,
                    size_t count, struct buf *text, struct err *err)
{
    struct key_block_header h = {r->version, "K0", r->algorithm, 'B', "00", 'N', '0'};
    struct key_block_inputs in;
    struct secret plain = SECRET_NONE;
    struct buf sealed;
    uint8_t key[32];
    size_t key_len = strlen(r->key) / 2, plain_len = key_block_plain_len(r->version, r->algorithm, key_len);
    bool ok = false;
    buf_init(&sealed, 200);
    if (!hex_read_exact(r->key, 2 * key_len, key, key_len, err)) goto out;
    if (!secret_init(&plain, plain_len, err)) goto out;
    plain.len = plain_len;
    if (!hsm_random(t, plain.data, plain.len, err)) goto out;
    key_block_plain_put(plain.data, key, key_len);
    if (!key_block_put_header(&h, o, count, plain_len, text, err)) goto out;
    if (!key_block_inputs(r->version, strlen(r->kbpk) / 2, &in, err)) goto out;
    struct hsm_key_block block = describe(kbpk, &in, text->data, text->len);
    if (!hsm_key_block_protect(t, &block, &plain, &sealed, err)) goto out;
    hex_put(text, sealed.data, sealed.len);
    ok = buf_ok(text, "block", err);
out:
    secret_release(&plain);
    buf_release(&sealed);
    return ok;
}

static void both_ways(const struct case_row *r, const struct key_block_optional *o, size_t count)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE;
    struct key_block_header h = {r->version, "K0", r->algorithm, 'B', "00", 'E', '0'};
    struct key_block b;
    struct buf ours, theirs, key;
    uint8_t clear_kbpk[32], due[32];
    size_t kbpk_len = strlen(r->kbpk) / 2, due_len = strlen(r->key) / 2;
    size_t plain_len = key_block_plain_len(r->version, r->algorithm, due_len);
    buf_init(&ours, KEY_BLOCK_MAX);
    buf_init(&theirs, KEY_BLOCK_MAX);
    buf_init(&key, 100);
    EXPECT_OK(hex_read_exact(r->kbpk, 2 * kbpk_len, clear_kbpk, kbpk_len, &err));
    EXPECT_OK(hex_read_exact(r->key, 2 * due_len, due, due_len, &err));
    EXPECT_OK(import_kbpk(r->version, r->kbpk, &kbpk, &err));

    EXPECT_OK(protect(r, &kbpk, o, count, &ours, &err));
    EXPECT_OK(key_block_read((const char *)ours.data, ours.len, &b, &err));
    CU_ASSERT_TRUE(partner_open((const char *)ours.data, ours.len, b.bound_len, clear_kbpk, kbpk_len, &key));
    CU_ASSERT_TRUE(bytes_equal(key.data, key.len, due, due_len));

    EXPECT_OK(key_block_put_header(&h, o, count, plain_len, &theirs, &err));
    CU_ASSERT_TRUE(partner_seal(&theirs, clear_kbpk, kbpk_len, due, due_len, plain_len));
    EXPECT_OK(open_text((const char *)theirs.data, theirs.len, &kbpk, &key, &err));
    CU_ASSERT_TRUE(bytes_equal(key.data, key.len, due, due_len));
    hsm_key_destroy(t, &kbpk);
    buf_release(&ours);
    buf_release(&theirs);
    buf_release(&key);
}

static void test_both_ways(void)
{
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        for (size_t count = 0; count <= SUITE_COUNT(some_optional); count++)
            both_ways(&rows[i], some_optional, count);
    }
    expect_no_session_keys();
}

/* Every character another one that may stand there, or that may not. */
static void changed_everywhere(const struct case_row *r)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE;
    struct buf text, key;
    size_t by_mac = 0;
    static const char instead[] = "0123456789ABCDEGNSTX";
    buf_init(&text, KEY_BLOCK_MAX);
    buf_init(&key, 100);
    EXPECT_OK(import_kbpk(r->version, r->kbpk, &kbpk, &err));
    EXPECT_OK(protect(r, &kbpk, some_optional, 1, &text, &err));
    for (size_t at = 0; at < text.len; at++) {
        uint8_t is = text.data[at];
        for (size_t k = 0; instead[k]; k++) {
            if (instead[k] == (char)is) continue;
            text.data[at] = (uint8_t)instead[k];
            err_clear(&err);
            CU_ASSERT_FALSE(open_text((const char *)text.data, text.len, &kbpk, &key, &err));
            by_mac += err.kind == ERR_INTEGRITY;
        }
        text.data[at] = is;
    }
    CU_ASSERT_TRUE(by_mac > 20 * 16);
    EXPECT_OK(open_text((const char *)text.data, text.len, &kbpk, &key, &err));
    hsm_key_destroy(t, &kbpk);
    buf_release(&text);
    buf_release(&key);
}

static void test_changed(void)
{
    changed_everywhere(&rows[0]);
    changed_everywhere(&rows[3]);
}

static void test_cut(void)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE;
    struct buf text, key;
    buf_init(&text, KEY_BLOCK_MAX);
    buf_init(&key, 100);
    EXPECT_OK(import_kbpk('D', KBPK_32, &kbpk, &err));
    EXPECT_OK(protect(&rows[6], &kbpk, NULL, 0, &text, &err));
    for (size_t len = 0; len < text.len; len++) {
        char copy[256], length[24];
        memcpy(copy, text.data, text.len);
        CU_ASSERT_FALSE(open_text(copy, len, &kbpk, &key, &err));
        snprintf(length, sizeof(length), "%04zu", len); /* and as if it were meant so */
        if (len >= 5) memcpy(copy + 1, length, 4);
        CU_ASSERT_FALSE(open_text(copy, len, &kbpk, &key, &err));
    }
    hsm_key_destroy(t, &kbpk);
    buf_release(&text);
    buf_release(&key);
}

static void test_other_kbpk(void)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE, other = HSM_KEY_NONE;
    struct buf text, key;
    struct hsm_key_ref ref = {
        .name = "other", .label = "other", .role = HSM_ROLE_KBPK, .algorithm = HSM_AES128};
    buf_init(&text, KEY_BLOCK_MAX);
    buf_init(&key, 100);
    EXPECT_OK(import_kbpk('D', KBPK_16, &kbpk, &err));
    EXPECT_OK(softtoken_import(t, &ref, "404142434445464748494A4B4C4D4E4E", &other, &err));
    EXPECT_OK(protect(&rows[3], &kbpk, NULL, 0, &text, &err));
    EXPECT_FAIL(open_text((const char *)text.data, text.len, &other, &key, &err), ERR_INTEGRITY,
                "the MAC is wrong");
    expect_no_session_keys();
    hsm_key_destroy(t, &kbpk);
    hsm_key_destroy(t, &other);
    buf_release(&text);
    buf_release(&key);
}

/* It derives and nothing else, and has the check value of any key of its value. */
static void test_role(void)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE, found = HSM_KEY_NONE;
    struct hsm_key_ref ref = {.name = "KBPK",
                              .label = "KBPK",
                              .role = HSM_ROLE_KBPK,
                              .algorithm = HSM_AES256,
                              .kcv = {0x23, 0x31, 0x55, 0x0B, 0xC9}, /* as X9.143's example 8.6 says */
                              .kcv_len = 5};
    uint8_t mac[16];
    EXPECT_OK(
        import_kbpk('D', "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6", &kbpk, &err));
    EXPECT_OK(hsm_key_find(t, &ref, &found, &err));
    CU_ASSERT_FALSE(hsm_cmac(t, &kbpk, (const uint8_t[16]){0}, 16, mac, &err));
    ref.role = HSM_ROLE_MASTER; /* no attribute tells them apart: names and plans do */
    ref.kcv[0] ^= 1;
    EXPECT_FAIL(hsm_key_find(t, &ref, &found, &err), ERR_TOKEN, "its check value is 2331550BC9");
    ref.role = HSM_ROLE_KEK_ISSUER;
    EXPECT_FAIL(hsm_key_find(t, &ref, &found, &err), ERR_TOKEN, "role kek-issuer");
    hsm_key_destroy(t, &kbpk);
}

static void test_misuse(void)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE;
    struct key_block_inputs in;
    struct secret plain = SECRET_NONE;
    struct buf dst;
    const uint8_t sealed[40] = {0};
    buf_init(&dst, 100);
    EXPECT_OK(import_kbpk('D', KBPK_16, &kbpk, &err));
    EXPECT_OK(key_block_inputs('D', 16, &in, &err));
    struct hsm_key_block b = describe(&kbpk, &in, "", 0);
    static const size_t lengths[] = {0, 8, 16, 17, 31, 33, 40};
    for (size_t i = 0; i < SUITE_COUNT(lengths); i++)
        EXPECT_FAIL(hsm_key_block_open(t, &b, sealed, lengths[i], &plain, &err), ERR_INTERNAL,
                    "whole blocks");
    EXPECT_FAIL(hsm_key_block_open(t, &b, sealed, 32, &plain, &err), ERR_INTEGRITY, "MAC is wrong");
    EXPECT_OK(secret_copy(&plain, sealed, 17, &err));
    EXPECT_FAIL(hsm_key_block_protect(t, &b, &plain, &dst, &err), ERR_INTERNAL, "whole blocks");
    plain.len = 16;
    b.input_len = 17;
    EXPECT_FAIL(hsm_key_block_protect(t, &b, &plain, &dst, &err), ERR_INTERNAL, "derivation data");
    CU_ASSERT_EQUAL(dst.len, 0);
    secret_release(&plain);
    hsm_key_destroy(t, &kbpk);
    buf_release(&dst);
}

/* NSS has no CMAC by TDES: version B is refused there by the mechanism's name, version D works. */
static void test_second_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_key kbpk = HSM_KEY_NONE;
    struct buf text, key;
    buf_init(&text, KEY_BLOCK_MAX);
    buf_init(&key, 100);
    EXPECT_OK(import_kbpk('B', KBPK_16, &kbpk, &err));
    EXPECT_FAIL(open_text("B0080K0TB00N00003EAF7C9A11F73C972D0510E8C586BBBC1EED86375167F0019C815B7C6BD1E486",
                          80, &kbpk, &key, &err),
                ERR_TOKEN, "CKM_DES3_CMAC: C_SignInit: CKR_MECHANISM_INVALID");
    EXPECT_FAIL(protect(&rows[0], &kbpk, NULL, 0, &text, &err), ERR_TOKEN, "CKM_DES3_CMAC");
    hsm_key_destroy(t, &kbpk);
    buf_release(&text);
    buf_release(&key);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        if (rows[i].version == 'D') both_ways(&rows[i], some_optional, 2);
    }
}

static const struct test_case cases[] = {
    {"every known block opens, and the wrong ones do not", test_vectors},
    {"OpenSSL opens what we make, and we what OpenSSL makes", test_both_ways},
    {"any character changed is refused", test_changed},
    {"cut at every character is refused", test_cut},
    {"a block under another KBPK is refused", test_other_kbpk},
    {"a KBPK may only derive, and has a check value", test_role},
    {"lengths that are none", test_misuse},
};
static const struct test_case nss_cases[] = {
    {"no CMAC by TDES: version B is refused by name, D works", test_second_token},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    struct err err = ERR_INIT;
    int status = 1;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    if (softtoken_add(&soft, "blocks") && softtoken_open(&soft, "blocks", &t, &err)) {
        status = nss ? suite_run("hsm/key_block on NSS", nss_cases, SUITE_COUNT(nss_cases))
                     : suite_run("hsm/key_block", cases, SUITE_COUNT(cases));
        hsm_token_close(t);
    } else {
        fprintf(stderr, "%s\n", err.text);
    }
    softtoken_stop(&soft);
    return status;
}
