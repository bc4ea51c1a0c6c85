#include "config/profile.h"
#include "suite.h"

#define HEAD      "profile: p\nversion: 1\ntitle: t\n"
#define PAN       "{tag: 5A, name: pan, from: {field: pan}, convert: pan}"
#define KEY(rest) "keys: [{name: K, master: M, kind: des2, " rest "}]\n"
#define PLACED    "groupings: [{dgi: 0101, template: 70, place: [5A]}, {dgi: 8000, keys: [K]}]\n"

static size_t lint(const char *text, char *findings, size_t size)
{
    struct err err = ERR_INIT;
    struct profile *p = NULL;
    struct buf out;
    size_t errors = 0;
    buf_init(&out, 1 << 16);
    EXPECT_OK(profile_parse(&p, "p.yaml", text, strlen(text), &err));
    if (p) errors = profile_lint(p, &out);
    snprintf(findings, size, "%s", buf_text(&out));
    profile_free(p);
    buf_release(&out);
    return errors;
}

static void test_shipped_profiles_are_clean(void)
{
    static const char *const shipped[] = {"purse",   "emv-credit",     "emv-debit-aes",
                                          "loyalty", "purse-card-key", "purse-card-key-des"};
    for (size_t i = 0; i < SUITE_COUNT(shipped); i++) {
        struct err err = ERR_INIT;
        struct profile *p = NULL;
        struct buf out;
        char path[512];
        buf_init(&out, 1 << 16);
        snprintf(path, sizeof(path), EXAMPLES_DIR "/profiles/%s.yaml", shipped[i]);
        EXPECT_OK(profile_load(&p, path, &err));
        if (p) CU_ASSERT_EQUAL(profile_lint(p, &out), 0);
        if (out.len) fprintf(stderr, "%s", buf_text(&out));
        CU_ASSERT_EQUAL(out.len, 0);
        profile_free(p);
        buf_release(&out);
    }
}

static const struct {
    const char *text, *finding;
} errors[] = {
    {HEAD "elements: [" PAN
          "]\ngroupings: [{dgi: 0101, template: 70, place: [5A]}, {dgi: 0102, template: 70, place: [5A]}]\n",
     "p.yaml:5: DGI 0101: tag 5A is placed twice"},
    {HEAD "elements: [" PAN "]\ngroupings: [{dgi: 0101, template: 70, place: [5A, 57]}]\n",
     "nothing gives tag 57"},
    {HEAD "elements: [" PAN "]\ngroupings: [{dgi: 0101, template: 70, place: [5A, 90]}]\n",
     "'certificates' would"},
    {HEAD "elements: [" PAN "]\ngroupings: [{dgi: 0101, place: [5A]}]\n", "is a template 70"},
    {HEAD "elements: [{tag: DF01, name: n, from: {field: a}, convert: hex, max_length: 250}]\n"
          "groupings: [{dgi: 0101, template: 70, place: [DF01]}]\n",
     "the record can reach 257 bytes, a record holds 254"},
    {HEAD "elements: [" PAN ", {tag: 94, name: afl, from: {hex: '08010200'}}]\n"
          "groupings: [{dgi: 0101, template: 70, place: [5A]}, {dgi: 9104, place: [94]}]\n",
     "names record 2 of SFI 1, which no grouping writes (DGI 0102)"},
    {HEAD "elements: [" PAN
          ", {tag: 94, name: afl, from: {hex: '0801'}}]\ngroupings: [{dgi: 9104, place: [94]}]\n",
     "the AFL (94): "},
    {HEAD "elements: [" PAN ", {tag: 94, name: afl, from: {hex: '08010101'}}]\n"
          "groupings: [{dgi: 0101, template: 70, place: [5A, 93]}, {dgi: 9104, place: [94]}]\n"
          "certificates: {subject: 5A, expiry: issuer, ssad: {dac: DAC1}}\n",
     "it holds the signature itself"},
    {HEAD "elements: [" PAN ", {tag: 9F4A, name: l, from: {hex: '82'}}]\n", "no element 82"},
    {HEAD "elements: [" PAN ", {tag: 9F4A, name: l, from: {hex: '8294'}}]\n", "may hold 82 only"},
    {HEAD "elements: [" PAN
          "]\ngroupings: [{dgi: 0101, template: 70, place: [5A]}, {dgi: 8201, place: [5A]}]\n",
     "DGI 8201 belongs to the key pair"},
    {HEAD "elements: [" PAN "]\n" KEY("method: emv-a, data: {pan: 5A}"), "key K is placed in no grouping"},
    {HEAD "elements: [" PAN "]\n" KEY("method: emv-c, data: {pan: 5A}") PLACED,
     "does not make a key of kind"},
    {HEAD "elements: [" PAN "]\n" KEY("method: emv-a, data: {element: 5A}") PLACED,
     "take their data from {pan"},
    {HEAD "elements: [" PAN "]\n" KEY("method: complement, data: {pan: 5A}") PLACED,
     "with the emv methods only"},
    {HEAD "elements: [" PAN "]\n" KEY("method: emv-a, data: {pan: 57}") PLACED, "K needs element 57"},
    {HEAD "elements: [" PAN ", {tag: DF01, name: d, from: {field: d}, convert: hex, length: 7}]\n" KEY(
         "method: complement, data: {element: DF01}") PLACED,
     "takes 8 to 8 bytes of derivation data, this gives 7"},
    {HEAD "elements: [" PAN "]\nkeys: [{name: K, master: M, kind: des2, method: emv-a, data: {pan: 5A}},"
          " {name: L, master: M, kind: des2, method: emv-b, data: {pan: 5A}}]\n"
          "groupings: [{dgi: 8000, keys: [K, L]}]\n",
     "one master key version serves one method"},
    {HEAD "elements: [" PAN "]\n" KEY(
         "method: emv-a, data: {pan: 5A}") "groupings: [{dgi: 8000, keys: [K]}, {dgi: 8000, place: [5A]}]\n",
     "DGI 8000 stands twice"},
    {HEAD "elements: [" PAN
          "]\n" KEY("method: emv-a, data: {pan: 5A}") "groupings: [{dgi: 8000, keys: [K, K]}]\n",
     "key K is placed twice"},
    {HEAD "elements: [" PAN "]\nkey_pair: {bits: 1024, exponent: 3}\n",
     "the key pair is placed in no grouping"},
    {HEAD "elements: [" PAN
          "]\nkey_pair: {bits: 1024, exponent: 3}\ngroupings: [{dgi: 8202, key_pair: yes}]\n",
     "the key pair goes to DGI 8201"},
    {HEAD "elements: [" PAN "]\ngroupings: [{dgi: 8201, key_pair: yes}]\n", "'key_pair' is missing"},
    {HEAD "elements: [" PAN "]\ncertificates: {subject: 5A, expiry: issuer}\n", "nothing to certify"},
    {HEAD "elements: [" PAN "]\ncertificates: {subject: 57, expiry: {element: 5F24}, ssad: {dac: DAC1}}\n",
     "expiry needs element 5F24"},
    {HEAD "elements: [" PAN "]\ncertificates: {subject: 5A, expiry: issuer, ssad: {dac: DAC1}}\n",
     "certificate tag 93 is placed in no grouping"},
    {HEAD "elements: [{tag: 5F24, name: e, from: {constant: '2030-02-31'}, convert: date-yymmdd}]\n",
     "the constant does not convert"},
    {HEAD "elements: [{tag: 87, name: e, from: {field: p}, convert: hex, length: 1, default: '0102'}]\n",
     "the default does not convert"},
    {HEAD "elements: [{tag: 87, name: e, from: {hex: '0102'}, length: 1}]\n", "has not the element's length"},
    {HEAD "elements: [" PAN "]\nunique: [57]\n", "'unique' names tag 57"},
    {HEAD
     "elements: [" PAN "]\nkeys: [{name: K, master: M, kind: aes128, method: direct,"
     " data: {from: {field: d}, convert: hex, length: 16}},"
     " {name: L, master: M, kind: aes128, method: direct, data: {from: {field: d}, convert: hex, length: 16},"
     " protection: card-key, card_key: {master: C, method: kmc-aes, which: dek, keydata: kd}}]\n"
     "groupings: [{dgi: 8000, keys: [K, L]}]\n",
     "are protected by different methods"},
    {HEAD "elements: [" PAN "]\nkeys: [{name: K, master: M, kind: aes128, method: direct,"
          " data: {from: {field: d}, convert: hex, length: 16}, protection: card-key,"
          " card_key: {master: C, method: kmc-visa2, which: dek, keydata: kd}}]\n"
          "groupings: [{dgi: 8000, keys: [K]}]\n",
     "cannot go under the card's own TDES key"},
};

static void test_errors(void)
{
    for (size_t i = 0; i < SUITE_COUNT(errors); i++) {
        char findings[4096];
        size_t count = lint(errors[i].text, findings, sizeof(findings));
        bool found = count > 0 && strstr(findings, errors[i].finding);
        if (!found) fprintf(stderr, "case %zu wants \"%s\", got:\n%s\n", i, errors[i].finding, findings);
        CU_ASSERT_TRUE(found);
    }
}

static void test_loose_element_is_a_warning(void)
{
    char findings[1024];
    CU_ASSERT_EQUAL(lint(HEAD "elements: [" PAN "]\n", findings, sizeof(findings)), 0);
    CU_ASSERT_STRING_EQUAL(
        findings, "warning: p.yaml:4: element 5A (pan) is placed in no grouping: it stays loose, no card "
                  "receives it\n");
}

static const struct test_case cases[] = {
    {"shipped profiles are clean", test_shipped_profiles_are_clean},
    {"errors", test_errors},
    {"a loose element is a warning", test_loose_element_is_a_warning},
};

int main(void)
{
    return suite_run("config/profile_lint", cases, SUITE_COUNT(cases));
}
