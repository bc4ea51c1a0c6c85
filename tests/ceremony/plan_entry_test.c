/* The next version of a key, set into the text of a plan that is then read again. */
#include "ceremony/plan_entry.h"

#include <stdlib.h>
#include <unistd.h>

#include "ceremony/ceremony.h"
#include "ceremony/plan_lint.h"
#include "suite.h"

#define HEAD                                                                                                 \
    "plan: p\nissuer: '476173'\n"                                                                            \
    "people: [{name: Officer 1, duty: officer}, {name: C 1, duty: custodian}, {name: C 2, duty: "            \
    "custodian}]\n"                                                                                          \
    "tokens:\n  - {name: issuer, module: m.so, label: i}\n  - {name: bureau, module: m.so, label: "          \
    "b}\nkeys:\n"
#define SIGNER                                                                                               \
    "  - {name: s, role: signing-pair, algorithm: rsa, bits: 2048, exponent: 65537, tokens: [issuer], "      \
    "generate: yes}\n"                                                                                       \
    "  - {name: x, role: key-exchange-pair, algorithm: rsa, bits: 2048, exponent: 65537, tokens: "           \
    "[bureau],\n"                                                                                            \
    "     generate: yes, public_file: x.pem}\n"
#define ZCMK                                                                                                 \
    "  - name: Z\n    version: 3\n    role: zcmk-sender\n    algorithm: aes256\n"                            \
    "    tokens: [issuer, {bureau: zcmk-receiver}]\n    generate: yes\n    purpose: \"for \\\"tests\\\"\"\n" \
    "    not_after: 2030-01-31\n"                                                                            \
    "    hand_over: [{to: bureau, under: x, file: out/z-3.handover}]   # the file\n"
#define MASTER                                                                                               \
    "  # a comment before the next key\n"                                                                    \
    "  - {name: KML, version: 1, role: master, algorithm: des2, method: complement, tokens: [issuer], "      \
    "keep: yes,\n"                                                                                           \
    "     limit: {blocks: 99, then: stop}, kcv: 'BF67BF',\n"                                                 \
    "     components: [{custodian: C 1, prompt: yes, kcv: 'B5874D'}, {custodian: C 2, prompt: yes}]}\n"
#define TAIL "trust: [{signer: s, at: bureau}]\nsigner_file: s.pem\n"

static char path[] = "/tmp/cardprep-test-XXXXXX";

/* The plan of this text with the next version of `key` in it; freed by the caller. */
static struct plan *grow(const char *text, const char *key, struct buf *grown)
{
    struct err err = ERR_INIT;
    struct plan *p = NULL, *next = NULL;
    const struct plan_key *k = NULL;
    struct buf entry;
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) abort();
    buf_init(&entry, 1 << 14);
    buf_init(grown, 1 << 16);
    EXPECT_OK(plan_lint_load(&p, path, &err));
    if (!p) return NULL;
    EXPECT_OK(plan_key_find(p, key, &k, &err));
    EXPECT_OK(plan_entry_next(p, k, &entry, &err));
    EXPECT_OK(plan_entry_insert(p, k, &entry, grown, &err));
    EXPECT_OK(plan_parse(&next, path, grown->data, grown->len, &err));
    if (next) EXPECT_OK(plan_lint(next, &err));
    if (!next) fprintf(stderr, "%s\n", buf_text(grown));
    buf_release(&entry);
    plan_free(p);
    return next;
}

static void test_handed_over(void)
{
    struct err err = ERR_INIT;
    struct buf grown;
    const struct plan_key *k = NULL;
    struct plan *p = grow(HEAD SIGNER ZCMK MASTER TAIL, "Z", &grown);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    EXPECT_OK(plan_key_find(p, "Z", &k, &err));
    CU_ASSERT_EQUAL(k->version, 4);
    CU_ASSERT_STRING_EQUAL(k->label, "Z-4");
    CU_ASSERT_STRING_EQUAL(k->purpose, "for \"tests\"");
    CU_ASSERT_STRING_EQUAL(k->token_roles[1], "zcmk-receiver");
    CU_ASSERT_PTR_NULL(k->not_after); /* the officers' to say */
    CU_ASSERT_EQUAL(k->hand_over_count, 1);
    CU_ASSERT_STRING_EQUAL(k->hand_overs[0].path, "/tmp/out/z-4.handover");
    CU_ASSERT_STRING_EQUAL(k->hand_overs[0].under, "x");
    CU_ASSERT_EQUAL(p->key_count, 5);
    CU_ASSERT_STRING_EQUAL(p->keys[4].name, "KML"); /* it stands behind its predecessor */
    plan_free(p);
    buf_release(&grown);
}

static void test_components(void)
{
    struct err err = ERR_INIT;
    struct buf grown;
    const struct plan_key *k = NULL;
    struct plan *p = grow(HEAD SIGNER ZCMK MASTER TAIL, "KML/1", &grown);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    EXPECT_OK(plan_key_find(p, "KML/2", &k, &err));
    CU_ASSERT_EQUAL(k->component_count, 2);
    CU_ASSERT_STRING_EQUAL(k->components[1].custodian, "C 2");
    CU_ASSERT_EQUAL(k->components[0].kcv_len + k->kcv_len, 0); /* of another value */
    CU_ASSERT_TRUE(k->keep && k->limit.stop && k->limit.blocks == 99);
    CU_ASSERT_STRING_EQUAL(k->method, "complement");
    plan_free(p);
    buf_release(&grown);
}

/* At the very end of the file, which lacks its last newline. */
static void test_last_line(void)
{
    struct err err = ERR_INIT;
    struct buf grown;
    const struct plan_key *k = NULL;
    struct plan *p =
        grow("issuer: '476173'\nplan: p\ntest: yes\ntokens: [{name: issuer, module: m.so, label: i}]\nkeys:\n"
             "  - {name: K, version: 9, role: master, algorithm: aes256, tokens: [issuer], generate: yes}",
             "K", &grown);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    EXPECT_OK(plan_key_find(p, "K", &k, &err));
    CU_ASSERT_EQUAL(k->version, 10);
    plan_free(p);
    buf_release(&grown);
}

static void test_refusals(void)
{
    struct err err = ERR_INIT;
    struct buf out;
    struct plan p = {.path = path};
    struct plan_key pair = {.name = (char[]){"s"}, .bits = 2048},
                    test = {.name = (char[]){"K"}, .version = 1};
    buf_init(&out, 1 << 14);
    EXPECT_FAIL(plan_entry_next(&p, &pair, &out, &err), ERR_CONFIG, "key 's' has no versions");
    test.origin = ORIGIN_COMPONENTS;
    test.component_count = 1;
    test.components[0].source = COMPONENT_TEST;
    test.role = test.algorithm = test.name;
    EXPECT_FAIL(plan_entry_next(&p, &test, &out, &err), ERR_CONFIG, "write the next version's entry by hand");
    test.origin = ORIGIN_KEY_BLOCK;
    EXPECT_FAIL(plan_entry_next(&p, &test, &out, &err), ERR_CONFIG, "comes from the partner");
    buf_release(&out);
}

static const struct test_case cases[] = {
    {"a key that is handed over gets files of its own, and stands behind its predecessor", test_handed_over},
    {"a key of components keeps custodians and limits, and forgets check values", test_components},
    {"a plan that ends with the key", test_last_line},
    {"pairs, TEST components and a partner's keys are left to people", test_refusals},
};

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    int status = suite_run("ceremony/plan_entry", cases, SUITE_COUNT(cases));
    unlink(path);
    return status;
}
