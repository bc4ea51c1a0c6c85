#include "config/profile.h"
#include "suite.h"

static const char *const shipped[] = {"purse",   "emv-credit",     "emv-debit-aes",
                                      "loyalty", "purse-card-key", "purse-card-key-des"};

static struct profile *load_shipped(const char *name)
{
    struct err err = ERR_INIT;
    struct profile *p = NULL;
    char path[512];
    snprintf(path, sizeof(path), EXAMPLES_DIR "/profiles/%s.yaml", name);
    EXPECT_OK(profile_load(&p, path, &err));
    return p;
}

static void test_shipped_profiles_load(void)
{
    for (size_t i = 0; i < SUITE_COUNT(shipped); i++) {
        struct profile *p = load_shipped(shipped[i]);
        if (p) CU_ASSERT_STRING_EQUAL(p->name, shipped[i]);
        profile_free(p);
    }
}

static void test_purse_as_read(void)
{
    struct profile *p = load_shipped("purse");
    if (!p) return;
    int id = profile_element_index(p, 0xDF08);
    CU_ASSERT_TRUE(id >= 0);
    const struct profile_element *e = &p->elements[id];
    CU_ASSERT_EQUAL(e->from.count, 2);
    CU_ASSERT_STRING_EQUAL(source_field(&e->from.sources[0], 0), "iep_id");
    CU_ASSERT_TRUE(source_uses_counter(&e->from.sources[1]));
    CU_ASSERT_PTR_NULL(source_field(&e->from.sources[1], 0));
    CU_ASSERT_EQUAL(e->options.len, 8);
    CU_ASSERT_EQUAL(p->key_count, 3);
    CU_ASSERT_EQUAL(p->keys[0].version.rule, VERSION_FIELD);
    CU_ASSERT_EQUAL(p->keys[0].method, DERIVE_COMPLEMENT);
    CU_ASSERT_TRUE(p->keys[2].optional);
    CU_ASSERT_EQUAL(p->key_pair.exponent, 65537);
    CU_ASSERT_TRUE(p->certificates.present);
    profile_free(p);
}

static void test_card_key_decides_the_method(void)
{
    struct profile *aes = load_shipped("purse-card-key");
    struct profile *des = load_shipped("purse-card-key-des");
    if (aes) CU_ASSERT_EQUAL(aes->keys[0].protection, METHOD_CARD_AES_CBC);
    if (des) CU_ASSERT_EQUAL(des->keys[0].protection, METHOD_CARD_TDES_ECB);
    profile_free(aes);
    profile_free(des);
}

#define HEAD     "profile: p\nversion: 1\ntitle: t\n"
#define ELEMENTS "elements: [{tag: 5A, name: n, from: {field: pan}, convert: pan}]\n"
static const struct {
    const char *text, *message;
} refusals[] = {
    {HEAD, "p.yaml:1:1: key 'elements' is missing in the profile"},
    {HEAD ELEMENTS "colour: red\n", "p.yaml:5:1: unknown key 'colour' in the profile"},
    {HEAD "elements: [{tag: 5A, name: n, fro: {field: pan}, convert: pan}]\n",
     "p.yaml:4:31: unknown key 'fro' in an element (did you mean 'from'?)"},
    {HEAD "elements: [{tag: 5A, name: n, from: {filed: pan}, convert: pan}]\n", "(did you mean 'field'?)"},
    {HEAD "elements: [{tag: 5A, name: n, from: {field: pan}, convert: pann}]\n",
     "unknown conversion 'pann' (did you mean 'pan'?)"},
    {HEAD "elements: [{tag: 5A, name: n, from: {field: pan}}]\n", "key 'convert' is missing"},
    {HEAD "elements: [{tag: C1, name: n}]\n", "p.yaml:4:18: tag C1 is reserved"},
    {HEAD "elements: [{tag: E2, name: n}]\n", "tag E2 is reserved"},
    {HEAD "elements: [{tag: 5A5A, name: n}]\n", "no BER tag"},
    {HEAD "elements: [{tag: 5A, name: n}, {tag: 5A, name: m}]\n",
     "tag 5A is described twice; first in line 4"},
    {HEAD "elements: [{tag: 5A, name: n, length: 3, max_length: 4}]\n", "either length or"},
    {HEAD "elements: {}\n", "'elements' must be a list"},
    {HEAD "elements: []\n", "empty list"},
    {HEAD "version: 2\n" ELEMENTS, "key 'version' is given twice; first in line 2"},
    {"profile: p\nversion: one\ntitle: t\n" ELEMENTS, "p.yaml:2:10: 'version' must be a whole number"},
    {"profile: [p]\nversion: 1\ntitle: t\n" ELEMENTS,
     "p.yaml:1:10: 'profile' must be a single value, not a list"},
    {HEAD ELEMENTS "luhn: 'yes'\n", "must be yes or no, without quotes"},
    {HEAD ELEMENTS "luhn: maybe\n", "'maybe' is none of: no, yes, false, true"},
    {HEAD ELEMENTS "groupings: [{dgi: 01, place: [5A]}]\n", "'dgi' must be 4 hexadecimal digits"},
    {HEAD ELEMENTS "groupings: [{dgi: 0101, place: [5A], key_pair: yes}]\n", "exactly one of place"},
    {HEAD ELEMENTS "groupings: [{dgi: 8000, keys: [KDL]}]\n", "key 'KDL' is not among this profile's keys"},
    {HEAD ELEMENTS "groupings: [{dgi: 0101, template: 5A, place: [5A]}]\n", "is no template"},
    {HEAD ELEMENTS "keys: [{name: K, master: M, kind: des2, method: emv-a, data: {}}]\n",
     "derivation data is one of"},
    {HEAD ELEMENTS "keys: [{name: K, master: M, kind: des2, method: emv-x, data: {pan: 5A}}]\n",
     "(did you mean 'emv-a'?)"},
    {HEAD ELEMENTS "keys: [{name: K, master: M, kind: des2, method: kmc-cps, data: {pan: 5A}}]\n",
     "under 'card_key'"},
    {HEAD ELEMENTS
     "keys: [{name: K, master: M, kind: des2, method: emv-a, data: {pan: 5A}, protection: card-key}]\n",
     "needs 'card_key'"},
    {HEAD ELEMENTS "keys: [{name: K/1, master: M, kind: des2, method: emv-a, data: {pan: 5A}}]\n",
     "no space and no '/'"},
    {HEAD ELEMENTS "keys: [{name: K, master: M, version: old, kind: des2, method: emv-a, data: {pan: 5A}}]\n",
     "a version is newest"},
    {HEAD ELEMENTS "key_pair: {bits: 1025, exponent: 3}\n", "multiple of 8"},
    {HEAD ELEMENTS "key_pair: {bits: 1024, exponent: 3, crt_padding: never}\n",
     "'never' is none of: always, when-needed"},
    {HEAD "elements: [{tag: DF01, name: n, from: {token: random}}]\n", "needs the element's length"},
    {HEAD ELEMENTS "key_pair: {bits: 1024, exponent: 5}\n", "'5' is none of: 3, 65537"},
    {HEAD "elements: [{tag: DF01, name: n, from: {template: '{a'}, convert: text}]\n",
     "p.yaml:4:50: template, character 1"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < SUITE_COUNT(refusals); i++) {
        struct err err = ERR_INIT;
        struct profile *p = NULL;
        EXPECT_FAIL(profile_parse(&p, "p.yaml", refusals[i].text, strlen(refusals[i].text), &err), ERR_CONFIG,
                    refusals[i].message);
        CU_ASSERT_PTR_NULL(p);
    }
}

/* How CRT parts are padded is the bureau's to do, but the profile says it, and the settings' hash covers it. */
static void test_padding_of_crt_parts(void)
{
    static const struct {
        const char *text;
        bool when_needed;
        const char *canonical;
    } rows[] = {
        {HEAD ELEMENTS "key_pair: {bits: 1024, exponent: 3}\n", false, "crt_padding = \"always\"\n"},
        {HEAD ELEMENTS "key_pair: {bits: 1024, exponent: 3, crt_padding: always}\n", false,
         "crt_padding = \"always\"\n"},
        {HEAD ELEMENTS "key_pair: {bits: 1024, exponent: 3, crt_padding: when-needed}\n", true,
         "crt_padding = \"when-needed\"\n"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct err err = ERR_INIT;
        struct profile *p = NULL;
        struct buf text;
        buf_init(&text, 1 << 16);
        EXPECT_OK(profile_parse(&p, "p.yaml", rows[i].text, strlen(rows[i].text), &err));
        if (!p) continue;
        CU_ASSERT_EQUAL(p->key_pair.crt_padding_when_needed, rows[i].when_needed);
        profile_canonical(p, &text);
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&text), rows[i].canonical));
        buf_release(&text);
        profile_free(p);
    }
}

static const struct test_case cases[] = {
    {"shipped profiles load", test_shipped_profiles_load},
    {"purse as read", test_purse_as_read},
    {"card key decides the method", test_card_key_decides_the_method},
    {"padding of CRT parts", test_padding_of_crt_parts},
    {"refusals", test_refusals},
};

int main(void)
{
    return suite_run("config/profile", cases, SUITE_COUNT(cases));
}
