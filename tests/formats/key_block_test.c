#include "formats/key_block.h"

#include <openssl/evp.h>

#include "base/hex.h"
#include "key_block_partner.h"
#include "suite.h"
#include "vectors.h"

/* Version D with KS and PB; version B without optional blocks. Under nobody's key: the parser does not care. */
#define D_BLOCK                                                                                              \
    "D0144E0AX00E0200KS1800604B120F9292800000PB080000BF74FAE12BC9478FC3B5D096E7D32DA62F8A52D8BA8A6D862E71"   \
    "AEFA099146B05928390FFCDD7F1AA74DAF644243BF70"
#define B_BLOCK "B0080K0TB00N00003EAF7C9A11F73C972D0510E8C586BBBC1EED86375167F0019C815B7C6BD1E486"

static bool read_text(const char *text, struct key_block *b, struct err *err)
{
    return key_block_read(text, strlen(text), b, err);
}

/* PB that says nothing but zeros: what key_block_put_header writes. */
static bool is_ours(const struct key_block *b)
{
    const struct key_block_optional *pb = key_block_optional(b, "PB");
    return !pb || bytes_all((const uint8_t *)pb->data, pb->len, '0');
}

static void expect_written_again(const struct key_block *b)
{
    struct err err = ERR_INIT;
    struct buf again;
    size_t count = b->optional_count - (key_block_optional(b, "PB") != NULL);
    buf_init(&again, KEY_BLOCK_MAX);
    EXPECT_OK(key_block_put_header(&b->header, b->optional, count, b->cipher_len, &again, &err));
    CU_ASSERT_TRUE(bytes_equal(again.data, again.len, b->text, b->bound_len));
    buf_release(&again);
}

static void test_vectors(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block v;
    struct key_block b;
    bool end = false;
    size_t read = 0, refused = 0, written = 0;
    EXPECT_OK(vector_file_open(&f, "tr31.txt", &err));
    while (vector_next(f, &v, &end, &err) && !end) {
        if (!vector_is_op(&v, "tr31")) continue;
        const char *text = vector_text(&v, "block");
        if (text[0] == 'A' || text[0] == 'C') {
            EXPECT_FAIL(read_text(text, &b, &err), ERR_INPUT, "is not supported");
            refused++;
            continue;
        }
        EXPECT_OK(read_text(text, &b, &err));
        read++;
        if (!is_ours(&b)) continue;
        expect_written_again(&b);
        written++;
    }
    vector_file_free(f);
    CU_ASSERT_EQUAL(read, 33);
    CU_ASSERT_EQUAL(refused, 14);
    CU_ASSERT_TRUE(written > 25);
}

static void test_extended_length(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block v;
    struct key_block b;
    bool end = false, seen = false;
    EXPECT_OK(vector_file_open(&f, "tr31.txt", &err));
    while (vector_next(f, &v, &end, &err) && !end) {
        if (!vector_is_op(&v, "tr31") || strncmp(vector_text(&v, "block"), "D1840", 5) != 0) continue;
        seen = true;
        EXPECT_OK(read_text(vector_text(&v, "block"), &b, &err));
        const struct key_block_optional *ct = key_block_optional(&b, "CT");
        const struct key_block_optional *kp = key_block_optional(&b, "KP");
        struct key_block_check_value value;
        CU_ASSERT_PTR_NOT_NULL_FATAL(ct);
        CU_ASSERT_EQUAL(ct->len, 0x5CC - 10);
        CU_ASSERT_TRUE(strncmp(ct->data, "020002F0MIIC", 12) == 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(kp);
        EXPECT_OK(key_block_check_value(kp, &value, &err));
        CU_ASSERT_STRING_EQUAL(value.kind, "01");
        CU_ASSERT_TRUE(bytes_equal(value.bytes, value.len, "\x23\x31\x55\x0B\xC9", 5));
        CU_ASSERT_PTR_NULL(key_block_optional(&b, "KS"));
    }
    CU_ASSERT_TRUE(seen);
    vector_file_free(f);
}

/* `blocks` is ID:data,ID:data. */
static size_t split(char *text, struct key_block_optional out[8])
{
    size_t count = 0;
    char *rest = NULL;
    for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
        snprintf(out[count].id, sizeof(out[count].id), "%.2s", part);
        out[count].data = part + 3;
        out[count].len = strlen(part + 3);
        count++;
    }
    return count;
}

/* These say the length of the header alone. */
static void test_headers(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block v;
    bool end = false;
    size_t seen = 0;
    EXPECT_OK(vector_file_open(&f, "tr31.txt", &err));
    while (vector_next(f, &v, &end, &err) && !end) {
        struct key_block_optional optional[8];
        char blocks[256];
        struct buf header;
        if (!vector_is_op(&v, "tr31_header")) continue;
        const char *due = vector_text(&v, "header");
        struct key_block_header h = {due[0], "P0", 'T', 'E', "00", 'N', '0'};
        snprintf(blocks, sizeof(blocks), "%s", vector_text(&v, "blocks"));
        buf_init(&header, 256);
        EXPECT_OK(key_block_put_header(&h, optional, split(blocks, optional), 32, &header, &err));
        CU_ASSERT_EQUAL_FATAL(header.len, strlen(due));
        CU_ASSERT_TRUE(memcmp(header.data + 5, due + 5, header.len - 5) == 0);
        CU_ASSERT_EQUAL((size_t)atoi((const char[]){(char)header.data[1], (char)header.data[2],
                                                    (char)header.data[3], (char)header.data[4], 0}),
                        header.len + 2 * (32 + (due[0] == 'B' ? 8u : 16u)));
        buf_release(&header);
        seen++;
    }
    CU_ASSERT_EQUAL(seen, 5);
    vector_file_free(f);
}

static void test_cut(void)
{
    struct err err = ERR_INIT;
    struct key_block b = {.bound_len = 77};
    char longer[] = D_BLOCK "0";
    static const char *const blocks[] = {D_BLOCK, B_BLOCK};
    for (size_t i = 0; i < SUITE_COUNT(blocks); i++) {
        for (size_t len = 0; len < strlen(blocks[i]); len++) {
            char *copy = strndup(blocks[i], len); /* so that a read behind it is seen */
            EXPECT_FAIL(key_block_read(copy, len, &b, &err), ERR_INPUT, "offset");
            free(copy);
        }
    }
    EXPECT_FAIL(read_text(longer, &b, &err), ERR_INPUT, "it says 144 characters, there are 145");
    EXPECT_FAIL(key_block_read(NULL, 0, &b, &err), ERR_INPUT, "offset 0");
    CU_ASSERT_EQUAL(b.bound_len, 77);
}

/* The same with its length put right, so that the cut is found where it is. */
static void test_cut_with_right_length(void)
{
    struct err err = ERR_INIT;
    struct key_block b;
    for (size_t len = 5; len < strlen(D_BLOCK); len++) {
        char copy[] = D_BLOCK, length[8];
        bool whole = len >= 48 + 64 && (len - 48) % 32 == 0; /* a shorter key is a block as well */
        snprintf(length, sizeof(length), "%04zu", len);
        memcpy(copy + 1, length, 4);
        if (whole)
            EXPECT_OK(key_block_read(copy, len, &b, &err));
        else
            EXPECT_FAIL(key_block_read(copy, len, &b, &err), ERR_INPUT, "offset");
    }
}

struct wrong_row {
    size_t at;
    const char *text; /* written over the block at this offset */
    const char *part; /* of the message */
};
static const struct wrong_row wrong_rows[] = {
    {0, "A", "version A"},
    {0, "C", "version C"},
    {0, "E", "version of the block at offset 0: 'E' is none"},
    {0, "d", "version of the block at offset 0: 'd'"},
    {1, "0128", "offset 1: it says 128"},
    {1, "014x", "length of the block: no digit at offset 4"},
    {5, "e", "usage at offset 5: 'e'"},
    {6, "-", "usage at offset 6: '-'"},
    {7, "Q", "algorithm at offset 7: 'Q'"},
    {8, "Z", "mode of use at offset 8: 'Z'"},
    {9, "d", "key version at offset 9: 'd'"},
    {10, "c", "key version at offset 10: 'c'"},
    {11, "X", "exportability at offset 11: 'X'"},
    {12, "0A", "number of optional blocks: no digit at offset 13"},
    {12, "03", "offset 52"}, /* the key is no optional block */
    {12, "01", "header and optional blocks are no multiple of 16"},
    {14, "3", "key context at offset 14: '3'"},
    {15, "1", "reserved character at offset 15: '1'"},
    {16, "k", "id of an optional block at offset 16: 'k'"},
    {18, "1g", "length of an optional block at offset 19: 'g'"},
    {18, "03", "optional block KS at offset 16: 3 characters are too few"},
    {18, "00", "04 is the one in use"},
    {18, "00040009", "optional block KS at offset 16: 9 characters are too few"},
    {18, "0004FFFF", "data of an optional block at offset 26"},
    {20, "\x7F", "optional block KS at offset 20: data that are no text"},
    {20, "\n", "optional block KS at offset 20: data that are no text"},
    {40, "KS", "optional block KS at offset 40 stands there twice"},
    {42, "04", "header and optional blocks are no multiple of 16"},
    {48, "b", "encrypted key and MAC at offset 48: 'b'"},
    {143, " ", "encrypted key and MAC at offset 143: ' '"},
};

static void test_wrong(void)
{
    struct err err = ERR_INIT;
    struct key_block b;
    for (size_t i = 0; i < SUITE_COUNT(wrong_rows); i++) {
        char copy[] = D_BLOCK;
        memcpy(copy + wrong_rows[i].at, wrong_rows[i].text, strlen(wrong_rows[i].text));
        EXPECT_FAIL(read_text(copy, &b, &err), ERR_INPUT, wrong_rows[i].part);
    }
    char zero[] = D_BLOCK, middle[] = D_BLOCK;
    zero[7] = 0;
    EXPECT_FAIL(key_block_read(zero, strlen(D_BLOCK), &b, &err), ERR_INPUT, "algorithm at offset 7");
    memcpy(middle + 16, "PB18", 4); /* in front of another */
    memcpy(middle + 40, "KS", 2);
    EXPECT_FAIL(read_text(middle, &b, &err), ERR_INPUT, "PB must be the last");
}

static void test_building(void)
{
    struct err err = ERR_INIT;
    static char data[KEY_BLOCK_MAX];
    struct key_block_header h = {'D', "K0", 'A', 'D', "01", 'N', '0'};
    struct key_block_optional o = {"CT", data, 251};
    struct key_block b;
    struct buf text;
    memset(data, 'x', sizeof(data));
    buf_init(&text, 2 * KEY_BLOCK_MAX);
    for (o.len = 250; o.len < 254; o.len++) { /* from 252 characters of data on the length is extended */
        buf_clear(&text);
        EXPECT_OK(key_block_put_header(&h, &o, 1, 48, &text, &err));
        CU_ASSERT_EQUAL(text.len % 16, 0);
        CU_ASSERT_EQUAL(memcmp(text.data + 16, o.len > 251 ? "CT0004" : "CTF", o.len > 251 ? 6 : 3), 0);
        buf_put_fill(&text, '7', 2 * (48 + 16));
        EXPECT_OK(key_block_read((const char *)text.data, text.len, &b, &err));
        CU_ASSERT_EQUAL(key_block_optional(&b, "CT")->len, o.len);
    }
    buf_clear(&text);
    o.len = KEY_BLOCK_MAX - 300;
    EXPECT_OK(key_block_put_header(&h, &o, 1, 48, &text, &err));
    buf_clear(&text);
    o.len = KEY_BLOCK_MAX - 100;
    EXPECT_FAIL(key_block_put_header(&h, &o, 1, 48, &text, &err), ERR_CONFIG, "a key block of 10");
    o.len = 3;
    o.data = "\xC3\xA4!";
    EXPECT_FAIL(key_block_put_header(&h, &o, 1, 48, &text, &err), ERR_CONFIG, "no text");
    h.mode = 'q';
    EXPECT_FAIL(key_block_put_header(&h, NULL, 0, 48, &text, &err), ERR_CONFIG, "mode of use");
    h.version = 'C';
    EXPECT_FAIL(key_block_put_header(&h, NULL, 0, 48, &text, &err), ERR_CONFIG, "version 'C'");
    CU_ASSERT_EQUAL(text.len, 0);
    buf_release(&text);
}

static void test_check_values(void)
{
    struct err err = ERR_INIT;
    struct key_block_check_value v = {.len = 0};
    struct key_block_optional o = {"KC", "0008D7B4", 8};
    EXPECT_OK(key_block_check_value(&o, &v, &err));
    CU_ASSERT_TRUE(bytes_equal(v.bytes, v.len, "\x08\xD7\xB4", 3));
    CU_ASSERT_STRING_EQUAL(v.kind, "00");
    static const char *const bad[] = {
        "", "0", "00", "0008", "0008D", "0008D7B", "0A08D7", "0008DG", "00001122334455667788"};
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        o.data = bad[i];
        o.len = strlen(bad[i]);
        EXPECT_FAIL(key_block_check_value(&o, &v, &err), ERR_INPUT, "optional block KC");
    }
}

static void test_plain(void)
{
    struct err err = ERR_INIT;
    uint8_t plain[48];
    static const uint8_t key[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    size_t len = 0;
    CU_ASSERT_EQUAL(key_block_plain_len('B', 'T', 16), 32); /* as long as one of 24: the length is hidden */
    CU_ASSERT_EQUAL(key_block_plain_len('B', 'T', 24), 32);
    CU_ASSERT_EQUAL(key_block_plain_len('D', 'T', 16), 32);
    CU_ASSERT_EQUAL(key_block_plain_len('D', 'A', 16), 48);
    CU_ASSERT_EQUAL(key_block_plain_len('D', 'A', 32), 48);
    CU_ASSERT_EQUAL(key_block_plain_len('D', 'R', 1192), 1200);
    memset(plain, 0xA5, sizeof(plain));
    key_block_plain_put(plain, key, sizeof(key));
    EXPECT_OK(key_block_plain_read(plain, sizeof(plain), &len, &err));
    CU_ASSERT_EQUAL(len, 32);
    CU_ASSERT_TRUE(bytes_equal(plain + KEY_BLOCK_KEY_OFFSET, len, key, sizeof(key)));
    CU_ASSERT_EQUAL(plain[34], 0xA5);
    EXPECT_OK(key_block_plain_read(plain, 34, &len, &err)); /* exactly */
    EXPECT_FAIL(key_block_plain_read(plain, 33, &len, &err), ERR_INPUT, "256 bits, in 31 bytes");
    EXPECT_FAIL(key_block_plain_read(plain, 1, &len, &err), ERR_INPUT, "holds no key");
    plain[1] = 4;
    EXPECT_FAIL(key_block_plain_read(plain, 48, &len, &err), ERR_INPUT, "260 bits");
    plain[0] = plain[1] = 0;
    EXPECT_FAIL(key_block_plain_read(plain, 48, &len, &err), ERR_INPUT, "0 bits");
}

/* CMAC over one block is ECB over the block with its subkey: here K1 and K2 are had from OpenSSL's ECB of zeros. */
static void ecb(const uint8_t *key, size_t key_len, bool aes, const uint8_t *in, size_t len, uint8_t *out)
{
    int out_len = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = !aes            ? (key_len == 16 ? EVP_des_ede_ecb() : EVP_des_ede3_ecb())
                               : key_len == 16 ? EVP_aes_128_ecb()
                               : key_len == 24 ? EVP_aes_192_ecb()
                                               : EVP_aes_256_ecb();
    CU_ASSERT(EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL) == 1);
    CU_ASSERT(EVP_CIPHER_CTX_set_padding(ctx, 0) == 1);
    CU_ASSERT(EVP_EncryptUpdate(ctx, out, &out_len, in, (int)len) == 1);
    EVP_CIPHER_CTX_free(ctx);
}

static void twice(uint8_t *block, size_t len)
{
    unsigned carry = block[0] >> 7;
    for (size_t i = 0; i < len; i++)
        block[i] = (uint8_t)(block[i] << 1 | (i + 1 < len ? block[i + 1] >> 7 : 0));
    if (carry) block[len - 1] ^= len == 8 ? 0x1B : 0x87;
}

static void expect_keys(char version, const struct buf *kbpk, const uint8_t *kbek, const uint8_t *kbak)
{
    struct err err = ERR_INIT;
    struct key_block_inputs in;
    uint8_t subkey[16] = {0}, zeros[16] = {0}, out[32];
    size_t block = version == 'B' ? 8 : 16;
    EXPECT_OK(key_block_inputs(version, kbpk->len, &in, &err));
    ecb(kbpk->data, kbpk->len, version == 'D', zeros, block, subkey);
    twice(subkey, block);
    if (!in.is_full) twice(subkey, block);
    for (size_t i = 0; i < in.len; i++) {
        in.cipher[i] ^= subkey[i % block];
        in.mac[i] ^= subkey[i % block];
    }
    ecb(kbpk->data, kbpk->len, version == 'D', in.cipher, in.len, out);
    CU_ASSERT_EQUAL(memcmp(out, kbek, kbpk->len), 0);
    ecb(kbpk->data, kbpk->len, version == 'D', in.mac, in.len, out);
    CU_ASSERT_EQUAL(memcmp(out, kbak, kbpk->len), 0);
}

static void test_derivation(void)
{
    struct err err = ERR_INIT;
    struct vector_file *f = NULL;
    struct vector_block v;
    struct buf kbpk, kbek, kbak;
    struct key_block_inputs in;
    bool end = false;
    size_t seen = 0;
    buf_init(&kbpk, 32);
    buf_init(&kbek, 32);
    buf_init(&kbak, 32);
    EXPECT_OK(vector_file_open(&f, "tr31.txt", &err));
    while (vector_next(f, &v, &end, &err) && !end) {
        if (!vector_is_op(&v, "tr31_derive")) continue;
        CU_ASSERT_TRUE(vector_hex(&v, "kbpk", &kbpk));
        CU_ASSERT_TRUE(vector_hex(&v, "kbek", &kbek));
        CU_ASSERT_TRUE(vector_hex(&v, "kbak", &kbak));
        expect_keys(vector_text(&v, "version")[0], &kbpk, kbek.data, kbak.data);
        seen++;
    }
    CU_ASSERT_EQUAL(seen, 4);
    vector_file_free(f);
    EXPECT_FAIL(key_block_inputs('B', 32, &in, &err), ERR_CONFIG, "256 bits");
    EXPECT_FAIL(key_block_inputs('C', 16, &in, &err), ERR_CONFIG, "version C");
    buf_release(&kbpk);
    buf_release(&kbek);
    buf_release(&kbak);
}

/* The lengths without a known answer, against OpenSSL's CMAC. */
static void test_derivation_by_cmac(void)
{
    static const struct {
        char version;
        size_t len;
    } rows[] = {{'B', 16}, {'B', 24}, {'D', 16}, {'D', 24}, {'D', 32}};
    uint8_t kbek[32], kbak[32];
    struct buf kbpk;
    buf_init(&kbpk, 32);
    for (size_t i = 0; i < 32; i++)
        buf_put_u8(&kbpk, (uint8_t)(0x31 + 7 * i));
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        kbpk.len = rows[i].len;
        CU_ASSERT_TRUE(partner_keys(rows[i].version, kbpk.data, kbpk.len, kbek, kbak));
        expect_keys(rows[i].version, &kbpk, kbek, kbak);
    }
    buf_release(&kbpk);
}

struct use_row {
    const char *usage;
    char algorithm, mode;
    enum key_block_purpose purpose;
    const char *part; /* of the message; NULL: may be */
};
static const struct use_row use_rows[] = {
    {"E0", 'T', 'X', KEY_BLOCK_DERIVES, NULL},
    {"E6", 'T', 'N', KEY_BLOCK_DERIVES, NULL},
    {"K0", 'T', 'D', KEY_BLOCK_UNWRAPS, NULL},
    {"K0", 'T', 'E', KEY_BLOCK_WRAPS, NULL},
    {"K0", 'T', 'B', KEY_BLOCK_WRAPS, NULL},
    {"K1", 'T', 'B', KEY_BLOCK_PROTECTS, NULL},
    {"E0", 'T', 'X', KEY_BLOCK_WRAPS,
     "usage E0 (EMV master for application cryptograms) is not for a key that wraps"},
    {"E0", 'T', 'X', KEY_BLOCK_PROTECTS, "usage E0"},
    {"K0", 'T', 'B', KEY_BLOCK_DERIVES, "usage K0 (key encryption) is not for a key that derives"},
    {"K0", 'T', 'B', KEY_BLOCK_PROTECTS, "usage K0"},
    {"K1", 'T', 'B', KEY_BLOCK_UNWRAPS, "usage K1 (key block protection) is not for a key that unwraps"},
    {"M3", 'T', 'G', KEY_BLOCK_DERIVES, "usage M3 (MAC by ISO 9797-1 algorithm 3) is not"},
    {"M6", 'T', 'G', KEY_BLOCK_WRAPS, "usage M6 (CMAC) is not"},
    {"D0", 'T', 'B', KEY_BLOCK_UNWRAPS, "usage D0 (data encryption) is not"},
    {"P0", 'T', 'E', KEY_BLOCK_DERIVES, "usage P0 is not known here"},
    {"E0", 'T', 'E', KEY_BLOCK_DERIVES, "mode of use E does not go with usage E0"},
    {"K0", 'T', 'X', KEY_BLOCK_WRAPS, "mode of use X does not go with usage K0"},
    {"K0", 'T', 'D', KEY_BLOCK_WRAPS, "mode of use D is not for a key that wraps"},
    {"K0", 'T', 'E', KEY_BLOCK_UNWRAPS, "mode of use E is not for a key that unwraps"},
    {"K1", 'T', 'D', KEY_BLOCK_PROTECTS, "mode of use D is not for a key that protects key blocks"},
    {"E0", 'A', 'X', KEY_BLOCK_DERIVES, "algorithm A: the key is to be of T"},
    {"E0", 'H', 'X', KEY_BLOCK_DERIVES, "algorithm H does not go with usage E0"},
};

static void test_use(void)
{
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(use_rows); i++) {
        const struct use_row *r = &use_rows[i];
        struct key_block_header h = {'B', "", r->algorithm, r->mode, "00", 'N', '0'};
        memcpy(h.usage, r->usage, 3);
        if (r->part)
            EXPECT_FAIL(key_block_check_use(&h, r->purpose, 'T', &err), ERR_INPUT, r->part);
        else
            EXPECT_OK(key_block_check_use(&h, r->purpose, 'T', &err));
    }
    struct key_block_header h = {'B', "E0", 'T', 'X', "c1", 'N', '0'};
    EXPECT_FAIL(key_block_check_use(&h, KEY_BLOCK_DERIVES, 'T', &err), ERR_INPUT, "a component, not a key");
    h.key_version[0] = '0';
    h.context = '1';
    EXPECT_FAIL(key_block_check_use(&h, KEY_BLOCK_DERIVES, 'T', &err), ERR_INPUT, "made for storage");
    h.context = '2';
    EXPECT_OK(key_block_check_use(&h, KEY_BLOCK_DERIVES, 'T', &err));
}

/* A key leaves with the mode that its receiver needs, and nothing else's usage. */
static void test_export(void)
{
    struct err err = ERR_INIT;
    static const struct {
        const char *usage;
        enum key_block_purpose here, there;
    } rows[] = {{"E1", KEY_BLOCK_DERIVES, KEY_BLOCK_DERIVES},
                {"K0", KEY_BLOCK_WRAPS, KEY_BLOCK_UNWRAPS},
                {"K0", KEY_BLOCK_UNWRAPS, KEY_BLOCK_WRAPS},
                {"K1", KEY_BLOCK_PROTECTS, KEY_BLOCK_PROTECTS}};
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct key_block_header h = {'D', "", 'A', key_block_receiver_mode(rows[i].here), "00", 'N', '0'};
        memcpy(h.usage, rows[i].usage, 3);
        EXPECT_OK(key_block_check_export(&h, rows[i].here, &err));
        EXPECT_OK(key_block_check_use(&h, rows[i].there, 'A', &err));
        memcpy(h.usage, "D0", 3);
        EXPECT_FAIL(key_block_check_export(&h, rows[i].here, &err), ERR_CONFIG, "usage D0");
    }
}

static void test_strength(void)
{
    static const struct {
        char algorithm;
        size_t len;
    } order[] = {{'T', 16}, {'T', 24}, {'A', 16}, {'A', 24}, {'A', 32}};
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(order); i++) {
        for (size_t k = 0; k < SUITE_COUNT(order); k++) {
            if (i >= k)
                EXPECT_OK(key_block_check_strength(order[i].algorithm, order[i].len, order[k].algorithm,
                                                   order[k].len, &err));
            else
                EXPECT_FAIL(key_block_check_strength(order[i].algorithm, order[i].len, order[k].algorithm,
                                                     order[k].len, &err),
                            ERR_CONFIG, "no key travels under a weaker one");
        }
    }
}

static const struct test_case cases[] = {
    {"blocks of versions B and D are read and written again; A and C refused", test_vectors},
    {"an extended length, and check values in KP", test_extended_length},
    {"headers with padding equal the known answers", test_headers},
    {"cut at every character, one more, nothing", test_cut},
    {"cut at every character with the length put right", test_cut_with_right_length},
    {"each field wrong is refused with its offset", test_wrong},
    {"lengths around 255, the longest block, what would not be read", test_building},
    {"check values: kinds, lengths, no digits", test_check_values},
    {"what is encrypted: its length, exact and one over", test_plain},
    {"the block's keys equal the known answers", test_derivation},
    {"the block's keys are those of CMAC, for every KBPK", test_derivation_by_cmac},
    {"usage, algorithm, mode and context must fit the key's purpose", test_use},
    {"a key leaves with its receiver's mode", test_export},
    {"no key travels under a weaker one", test_strength},
};

int main(void)
{
    return suite_run("formats/key_block", cases, SUITE_COUNT(cases));
}
