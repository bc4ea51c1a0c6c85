/* Known answers for every method, so that the reader's derivation does not only agree with itself. */
#include "suite.h"

#include <stdlib.h>

#include "keys.h"

/* C2 of the EMV methods is PAN and PSN in BCD. Origins: derivation.txt of the known-answer vectors;
 * pyemv (MIT) for the first of emv-a and emv-b, otherwise computed with python3-cryptography;
 * complement and direct: computed with it, too. */
static const struct {
    enum method method;
    int kind;
    const char *master, *data, *key;
} CARD_KEYS[] = {
    {EMV_A, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "09901234567890123445",
     "67F8292358083E5EA7AB7FDA58D53B6B"},
    {EMV_A, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "541333008902001101",
     "73C4677545D991E986074A16BFBACD75"},
    {EMV_A, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "040000000000000203",
     "C21CCD388CE96B98F2A86440C1F1BAC1"},
    {EMV_B, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "0679999890000020001102",
     "1FCBDFA8B5CD10BCF7C7073708CD51A4"},
    {EMV_B, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "06799998900000200000",
     "6120B6948092E5DF62D36DCEDFF7FB20"},
    {EMV_B, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "047617390101011901",
     "54CD4613C279A4A729040B79B952D6D5"},
    {EMV_C, KIND_AES128, "404142434445464748494A4B4C4D4E4F", "541333008902001101",
     "6AF688CA362024CC77E1992F92764747"},
    {EMV_C, KIND_AES192, "404142434445464748494A4B4C4D4E4F5051525354555657", "541333008902001101",
     "422A368F6BA60D4D9CC494669E946533ED2240EB9077B2F9"},
    {EMV_C, KIND_AES256, "404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F",
     "541333008902001101", "3D7C4501968665C36B6B8434AB5D077CED4BBC438ADCE3015144477DC374924E"},
    {COMPLEMENT, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "6000000000000001",
     "FA91707DF9F05E3085FF6F854B655F3E"},
    {DIRECT, KIND_DES2, "0123456789ABCDEFFEDCBA9876543210", "0102030405060708090A0B0C0D0E0F10",
     "A85CEB8CDADFF80855D4ED36CA9AF7AB"},
    {DIRECT, KIND_DES3, "0123456789ABCDEFFEDCBA9876543210",
     "0102030405060708090A0B0C0D0E0F101112131415161718", "A85CEB8CDADFF80855D4ED36CA9AF7AB64E96B5084AB2DC6"},
    {DIRECT, KIND_AES128, "404142434445464748494A4B4C4D4E4F", "0102030405060708090A0B0C0D0E0F10",
     "2C11D959ACCC6F9B9CE35C7ACA65EA97"},
    {DIRECT, KIND_AES256, "404142434445464748494A4B4C4D4E4F",
     "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20",
     "2C11D959ACCC6F9B9CE35C7ACA65EA9788D2F039092A32A9EC16A530262735B3"},
};

static const struct {
    enum method method;
    const char *kmc, *keydata;
    uint8_t n;
    const char *key;
} STATIC_KEYS[] = {
    {KMC_CPS, "404142434445464748494A4B4C4D4E4F", "00005B2A3C4D5E6F7081", 1,
     "A0ACC7D07FD13E31CB77B1CE06217BB1"},
    {KMC_CPS, "404142434445464748494A4B4C4D4E4F", "00005B2A3C4D5E6F7081", 3,
     "4BDA28C24A5C57C405A8A1BCDC673AB0"},
    {KMC_VISA2, "404142434445464748494A4B4C4D4E4F", "00005B2A3C4D5E6F7081", 2,
     "4A54B4E1E0146D5A43B86ECB5393AD62"},
    {KMC_AES, "404142434445464748494A4B4C4D4E4F", "00005B2A3C4D5E6F7081", 3,
     "2A6017E9EC8336623084B8158FCBEC11"},
    {KMC_AES, "8C72C72CF908411653018807950D82FBAD947562F0828A0B10B8B9606ABF3BCD", "D9B1DE5D0362DEDCE4FB", 1,
     "9AAC5D0B3601F89438A0D9D0B6B256CFB47E6462DFA5228D3420C4AC7C224781"}, /* GlobalPlatformPro's external vector */
};

static struct span unhex(const char *text)
{
    uint8_t *bytes;
    size_t len;
    if (!hex_decode(text, &bytes, &len)) abort();
    return span_of(bytes, len);
}

static void drop(struct span s)
{
    free((void *)(uintptr_t)s.at);
}

static void expect_key(const char *name, struct span expected, const uint8_t *made, bool des)
{
    bool same = true;
    for (size_t i = 0; i < expected.len; i++)
        same &= ((made[i] ^ expected.at[i]) & (des ? 0xFE : 0xFF)) == 0;
    if (!same) fprintf(stderr, "key %s is not made\n", name);
    CU_ASSERT_TRUE(same);
}

static void test_card_keys(void)
{
    for (size_t i = 0; i < SUITE_COUNT(CARD_KEYS); i++) {
        struct master master = {unhex(CARD_KEYS[i].master), CARD_KEYS[i].method};
        struct span data = unhex(CARD_KEYS[i].data), key = unhex(CARD_KEYS[i].key);
        uint8_t made[32] = {0};
        const char *why;
        CU_ASSERT_EQUAL(key.len, kind_key_len(CARD_KEYS[i].kind));
        CU_ASSERT_TRUE(derive_card_key(&master, CARD_KEYS[i].kind, data, made, &why));
        expect_key(CARD_KEYS[i].key, key, made, kind_is_des(CARD_KEYS[i].kind));
        drop(master.key);
        drop(data);
        drop(key);
    }
}

static void test_static_keys(void)
{
    for (size_t i = 0; i < SUITE_COUNT(STATIC_KEYS); i++) {
        struct master kmc = {unhex(STATIC_KEYS[i].kmc), STATIC_KEYS[i].method};
        struct span keydata = unhex(STATIC_KEYS[i].keydata), key = unhex(STATIC_KEYS[i].key);
        uint8_t made[32] = {0};
        size_t len;
        CU_ASSERT_TRUE(derive_static_key(&kmc, keydata, STATIC_KEYS[i].n, made, &len));
        CU_ASSERT_EQUAL(len, key.len);
        expect_key(STATIC_KEYS[i].key, key, made, kmc.method != KMC_AES);
        drop(kmc.key);
        drop(keydata);
        drop(key);
    }
}

static void test_refused(void)
{
    static const uint8_t BYTES[32] = {0x54, 0x13};
    struct master master = {span_of(BYTES, 16), COMPLEMENT};
    uint8_t made[32];
    const char *why;
    CU_ASSERT_FALSE(derive_card_key(&master, KIND_DES2, span_of(BYTES + 8, 8), made, &why)); /* all zero */
    CU_ASSERT_FALSE(derive_card_key(&master, KIND_DES2, span_of(BYTES, 9), made, &why));
    CU_ASSERT_FALSE(derive_card_key(&master, KIND_AES128, span_of(BYTES, 8), made, &why));
    master.method = DIRECT;
    CU_ASSERT_FALSE(derive_card_key(&master, KIND_AES192, span_of(BYTES, 24), made, &why));
    master.method = EMV_A;
    CU_ASSERT_FALSE(derive_card_key(&master, KIND_DES2, span_text("\x5A\x13"), made, &why)); /* no digits */
    master.method = KMC_AES;
    CU_ASSERT_FALSE(derive_card_key(&master, KIND_AES128, span_of(BYTES, 16), made, &why));
}

static const struct test_case CASES[] = {
    {"card keys as published", test_card_keys},
    {"cards' own keys as published", test_static_keys},
    {"data that does not fit the method is refused", test_refused},
};

int main(void)
{
    return suite_run("reader/derive", CASES, SUITE_COUNT(CASES));
}
