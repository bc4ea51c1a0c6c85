#include "card/crypto.h"

#include <string.h>

#include "host_cipher.h"
#include "issue.h"
#include "suite.h"
#include "vectors.h"

static struct err err;

static struct card_key key_of(uint8_t type, const struct buf *bytes)
{
    struct card_key key = {.type = type, .len = (uint8_t)bytes->len};
    if (bytes->len <= CARD_KEY_MAX) memcpy(key.value, bytes->data, bytes->len);
    return key;
}

struct fields {
    struct buf key, iv, plain, cipher;
};

static void fields_init(struct fields *f)
{
    buf_init(&f->key, 64);
    buf_init(&f->iv, 64);
    buf_init(&f->plain, 1024);
    buf_init(&f->cipher, 1024);
}

static void fields_release(struct fields *f)
{
    buf_release(&f->key);
    buf_release(&f->iv);
    buf_release(&f->plain);
    buf_release(&f->cipher);
}

static const struct {
    const char *op;
    uint8_t type;
    bool cbc;
} ciphers[] = {{"tdes_ecb", CARD_KEY_DES, false},
               {"aes_ecb", CARD_KEY_AES, false},
               {"tdes_cbc", CARD_KEY_DES, true},
               {"aes_cbc", CARD_KEY_AES, true}};

static bool cipher_is_right(const struct vector_block *block, size_t n)
{
    struct fields f;
    uint8_t out[256];
    fields_init(&f);
    bool ok = vector_hex(block, "key", &f.key) && vector_hex(block, "plain", &f.plain) &&
              vector_hex(block, "cipher", &f.cipher) && f.plain.len <= sizeof(out);
    struct card_key key = key_of(ciphers[n].type, &f.key);
    if (ok) memcpy(out, f.plain.data, f.plain.len);
    if (ok && ciphers[n].cbc) {
        ok = vector_hex(block, "iv", &f.iv) &&
             card_cbc(&key, CARD_ENCRYPT, f.iv.data, out, f.plain.len, &err) &&
             memcmp(out, f.cipher.data, f.cipher.len) == 0 &&
             card_cbc(&key, CARD_DECRYPT, f.iv.data, out, f.plain.len, &err);
    } else if (ok) {
        ok = card_ecb(&key, CARD_ENCRYPT, out, f.plain.len, &err) &&
             memcmp(out, f.cipher.data, f.cipher.len) == 0 &&
             card_ecb(&key, CARD_DECRYPT, out, f.plain.len, &err);
    }
    ok = ok && memcmp(out, f.plain.data, f.plain.len) == 0;
    fields_release(&f);
    return ok;
}

static void test_ciphers(void)
{
    struct vector_file *file = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen = 0;

    EXPECT_OK(vector_file_open(&file, "cipher.txt", &err));
    while (vector_next(file, &block, &end, &err) && !end) {
        for (size_t n = 0; n < SUITE_COUNT(ciphers); n++) {
            if (!vector_is_op(&block, ciphers[n].op)) continue;
            bool right = cipher_is_right(&block, n);
            if (!right) vector_show(&block);
            CU_ASSERT_TRUE(right);
            seen++;
        }
    }
    CU_ASSERT_TRUE(seen >= 7);
    vector_file_free(file);
}

static void test_macs(void)
{
    struct vector_file *file = NULL;
    struct vector_block block;
    struct fields f;
    bool end = false;
    unsigned seen = 0;
    uint8_t mac[16];

    fields_init(&f);
    EXPECT_OK(vector_file_open(&file, "cmac.txt", &err));
    while (vector_next(file, &block, &end, &err) && !end) {
        if (!vector_is_op(&block, "aes_cmac")) continue;
        CU_ASSERT_TRUE(vector_hex(&block, "key", &f.key) && vector_hex(&block, "msg", &f.plain) &&
                       vector_hex(&block, "mac", &f.cipher));
        struct card_key key = key_of(CARD_KEY_AES, &f.key);
        EXPECT_OK(card_cmac(&key, NULL, f.plain.data, f.plain.len, mac, &err));
        CU_ASSERT_TRUE(memcmp(mac, f.cipher.data, f.cipher.len) == 0);
        if (f.plain.len >= 16) {
            EXPECT_OK(card_cmac(&key, f.plain.data, f.plain.data + 16, f.plain.len - 16, mac, &err));
            CU_ASSERT_TRUE(memcmp(mac, f.cipher.data, f.cipher.len) == 0);
        }
        seen++;
    }
    CU_ASSERT_TRUE(seen >= 12);
    vector_file_free(file);
    fields_release(&f);
}

/* Against the host's way to the same MAC, for each length up to some blocks. */
static void test_retail_mac(void)
{
    static const uint8_t icv[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct card_key key = {.type = CARD_KEY_DES, .len = 16};
    uint8_t data[70], mine[8], theirs[8];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(3 * i + 1);
    memcpy(key.value, data + 20, 16);
    for (size_t len = 0; len <= sizeof(data); len++) {
        EXPECT_OK(card_retail_mac(&key, icv, data, len, mine, &err));
        host_retail_mac(key.value, icv, data, len, theirs);
        CU_ASSERT_TRUE(memcmp(mine, theirs, 8) == 0);
    }
}

static void test_check_values(void)
{
    static const struct {
        uint8_t type, len;
    } kinds[] = {
        {CARD_KEY_DES, 16}, {CARD_KEY_DES, 24}, {CARD_KEY_AES, 16}, {CARD_KEY_AES, 24}, {CARD_KEY_AES, 32}};
    uint8_t mine[3], theirs[3];

    for (size_t n = 0; n < SUITE_COUNT(kinds); n++) {
        struct card_key key = {.type = kinds[n].type, .len = kinds[n].len, .value = {0x40, 0x41, 7, 9}};
        EXPECT_OK(card_check_value(&key, mine, &err));
        host_kcv(key.type == CARD_KEY_AES, key.value, key.len, theirs);
        CU_ASSERT_TRUE(memcmp(mine, theirs, 3) == 0);
    }
}

static void test_refused(void)
{
    struct card_key des = {.type = CARD_KEY_DES, .len = 8}, aes = {.type = CARD_KEY_AES, .len = 16};
    struct card_key none = {0};
    uint8_t block[32] = {0}, mac[16];

    EXPECT_FAIL(card_ecb(&des, CARD_ENCRYPT, block, 8, &err), ERR_INTERNAL, "key of 8");
    EXPECT_FAIL(card_ecb(&none, CARD_ENCRYPT, block, 8, &err), ERR_INTERNAL, "key of 0");
    EXPECT_FAIL(card_cbc(&aes, CARD_ENCRYPT, NULL, block, 8, &err), ERR_INTERNAL, "8 bytes");
    EXPECT_FAIL(card_cmac(&des, NULL, block, 8, mac, &err), ERR_INTERNAL, "AES key");
    EXPECT_FAIL(card_retail_mac(&aes, block, block, 8, mac, &err), ERR_INTERNAL, "DES key");
    EXPECT_OK(card_ecb(&aes, CARD_ENCRYPT, block, 0, &err));
}

static struct card_rsa rsa_of(const struct pair *p)
{
    struct card_rsa key;
    for (size_t i = 0; i < CARD_RSA_PARTS; i++) {
        key.part[i] = p->part[i];
        key.len[i] = p->part_len[i];
    }
    return key;
}

static void test_rsa(void)
{
    static const size_t sound[] = {1, 2, 3, 4}; /* places in crt.txt */
    uint8_t in[256], mine[256], theirs[256];

    for (size_t n = 0; n < SUITE_COUNT(sound); n++) {
        static struct pair p;
        pair_read(&p, sound[n]);
        struct card_rsa key = rsa_of(&p);
        CU_ASSERT_EQUAL(card_rsa_len(&key), p.key.modulus_len);
        memset(in, 0x6A, sizeof(in));
        EXPECT_OK(card_rsa_private(&key, in, mine, &err));
        pair_sign(&p, in, theirs);
        CU_ASSERT_TRUE(memcmp(mine, theirs, p.key.modulus_len) == 0);
        memset(in, 0xFF, sizeof(in));
        EXPECT_FAIL(card_rsa_private(&key, in, mine, &err), ERR_INTERNAL, "private operation");
        /* any bit of any part */
        for (size_t part = 0; part < CARD_RSA_PARTS; part++) {
            p.part[part][p.part_len[part] - 2] ^= 0x04;
            CU_ASSERT_EQUAL(card_rsa_len(&key), 0);
            p.part[part][p.part_len[part] - 2] ^= 0x04;
        }
        key.part[CARD_RSA_P] = p.part[CARD_RSA_Q];
        CU_ASSERT_EQUAL(card_rsa_len(&key), 0);
        key = rsa_of(&p);
        key.len[CARD_RSA_DP] = 0;
        CU_ASSERT_EQUAL(card_rsa_len(&key), 0);
    }
}

static const struct test_case cases[] = {{"ciphers of the standards", test_ciphers},
                                         {"CMACs of the standards, chained too", test_macs},
                                         {"retail MAC", test_retail_mac},
                                         {"check values", test_check_values},
                                         {"refused", test_refused},
                                         {"RSA, sound and damaged", test_rsa}};

int main(void)
{
    return suite_run("card/crypto", cases, SUITE_COUNT(cases));
}
