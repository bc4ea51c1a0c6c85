#include "ceremony/plan_lint.h"

#include "suite.h"

static char issuer[] = "issuer", bureau[] = "bureau", master[] = "master", pair[] = "signing-pair",
            session[] = "card-key", issuer_pair[] = "issuer-pair", zcmk[] = "Z", file[] = "f";
static char des2[] = "des2", rsa[] = "rsa", label[] = "L", path[] = "plan.yaml";
static char *one_token[] = {issuer}, *two_tokens[] = {issuer, bureau}, *same_token[] = {issuer, issuer};
static char *masters[] = {master, master}, *mixed[] = {master, pair}, *pairs[] = {pair, pair},
            *two_roles[] = {issuer_pair, pair}, *sessions[] = {session};
static struct plan_token tokens[] = {{.name = issuer, .site = issuer}, {.name = bureau, .site = bureau}};

static struct plan_key generated(void)
{
    return (struct plan_key){.name = label,
                             .version = 2,
                             .role = master,
                             .algorithm = des2,
                             .label = label,
                             .tokens = one_token,
                             .token_roles = masters,
                             .token_count = 1,
                             .origin = ORIGIN_GENERATE,
                             .line = 7};
}

static bool lint(struct plan_key key, struct err *err)
{
    const struct plan p = {
        .test = true, .path = path, .tokens = tokens, .token_count = 2, .keys = &key, .key_count = 1};
    return plan_lint(&p, err);
}

static void test_rules(void)
{
    struct err err = ERR_INIT;
    struct plan_key key = generated();
    EXPECT_OK(lint(key, &err));
    key.tokens = two_tokens;
    key.token_count = 2;
    EXPECT_FAIL(lint(key, &err), ERR_CONFIG,
                "plan.yaml:7: key L/2: a generated key cannot be on several tokens");
    key.token_roles = mixed;
    EXPECT_FAIL(lint(key, &err), ERR_CONFIG, "a pair on one token and a secret key on another");
    key = generated();
    key.tokens = same_token;
    key.token_count = 2;
    EXPECT_FAIL(lint(key, &err), ERR_CONFIG, "names token 'issuer' twice");
    key = generated();
    key.token_roles = sessions;
    EXPECT_FAIL(lint(key, &err), ERR_CONFIG, "for keys of a session");
    key = generated();
    key.algorithm = rsa;
    EXPECT_FAIL(lint(key, &err), ERR_CONFIG, "role master cannot be rsa");
    key = generated();
    key.token_roles = pairs;
    EXPECT_FAIL(lint(key, &err), ERR_CONFIG, "role signing-pair cannot be des2");
}

/* A signing pair that is handed over, and another pair that it signs for; `first` stands before `second`. */
static bool lint_two(struct plan_key first, struct plan_key second, struct err *err)
{
    struct plan_key keys[] = {first, second};
    struct plan_trust trust = {.signer = zcmk, .at = bureau};
    const struct plan p = {.test = true,
                           .path = path,
                           .tokens = tokens,
                           .token_count = 2,
                           .keys = keys,
                           .key_count = 2,
                           .trusts = &trust,
                           .trust_count = 1};
    return plan_lint(&p, err);
}

static struct plan_key handed_over(char *name, char **roles)
{
    struct plan_key key = generated();
    key.name = name;
    key.version = 0;
    key.algorithm = rsa;
    key.bits = 1024;
    key.exponent = 65537;
    key.tokens = two_tokens;
    key.token_count = 2;
    key.token_roles = roles;
    key.hand_overs[0] = (struct plan_hand_over){.to = bureau, .under = zcmk, .path = file};
    key.hand_over_count = 1;
    key.public_path = file;
    return key;
}

static void test_pairs_handed_over(void)
{
    static char *issuer_pairs[] = {issuer_pair, issuer_pair};
    struct err err = ERR_INIT;
    struct plan_key signer = handed_over(zcmk, pairs), other = handed_over(label, issuer_pairs);
    EXPECT_OK(lint_two(signer, other, &err)); /* without versions; the signer's own file it signs itself */
    EXPECT_FAIL(lint_two(other, signer, &err), ERR_CONFIG,
                "key L: its hand-over is signed by 'Z', which is handed over itself: put that key in front");
    other.token_roles = two_roles;
    EXPECT_FAIL(lint_two(signer, other, &err), ERR_CONFIG,
                "is a signing-pair on token 'bureau': a pair has one role on all its tokens");
    other = generated();
    other.version = 0;
    other.tokens = two_tokens;
    other.token_count = 2;
    other.hand_overs[0] = signer.hand_overs[0];
    other.hand_over_count = 1;
    EXPECT_FAIL(lint_two(signer, other, &err), ERR_CONFIG, "a key that is handed over needs a version");
}

/* Each text is a plan with one mistake. */
#define PEOPLE                                                                                               \
    "people: [{name: O 1, duty: officer}, {name: O 2, duty: officer}, {name: C 1, duty: custodian}]\n"
#define TWO                                                                                                  \
    "tokens:\n  - {name: issuer, module: m.so, label: i}\n  - {name: bureau, module: m.so, label: b}\n"
#define SIGNER                                                                                               \
    "  - {name: s, role: signing-pair, algorithm: rsa, bits: 2048, exponent: 65537, tokens: [issuer], "      \
    "generate: yes}\n"
#define KEY_Z                                                                                                \
    "  - {name: Z, version: 1, role: zcmk-sender, algorithm: aes256, tokens: [issuer, {bureau: "             \
    "zcmk-receiver}], generate: yes, hand_over: [{to: bureau, under: x, file: f}]}\n"
#define EXCHANGE                                                                                             \
    "  - {name: x, role: key-exchange-pair, algorithm: rsa, bits: 2048, exponent: 65537, tokens: [bureau], " \
    "generate: yes, public_file: x.pem}\n"
#define MASTER(rest) "  - {name: K, version: 1, role: master, algorithm: des2, tokens: [issuer], " rest "}\n"
static const struct {
    const char *text, *message;
} mistakes[] = {
    {TWO "keys:\n" SIGNER, "a ceremony needs people"},
    {"dual_control: yes\n" PEOPLE TWO "keys:\n" SIGNER, "token 'issuer': dual_control wants 'pin: halves'"},
    {"people: [{name: O 1, duty: officer}]\ntokens: [{name: issuer, module: m.so, label: i, pin: "
     "halves}]\nkeys:\n" SIGNER,
     "a PIN in halves takes two officers, the plan names 1"},
    {PEOPLE TWO
     "keys:\n" MASTER("components: [{custodian: C 1, prompt: yes}, {custodian: C 3, prompt: yes}]"),
     "key K/1: 'C 3' is not among the plan's people with 'duty: custodian'"},
    {PEOPLE TWO
     "keys:\n" MASTER("components: [{custodian: C 1, prompt: yes}, {custodian: O 1, prompt: yes}]"),
     "'O 1' is not among the plan's people with 'duty: custodian'"},
    {PEOPLE TWO
     "keys:\n" MASTER("components: [{custodian: C 1, letter: letter.pdf}, {custodian: C 1 , prompt: yes}]"),
     "no custodian holds two components"},
    {"people: [{name: O 1, duty: officer}, {name: C 1, duty: custodian}, {name: C 2, duty: custodian}]\n"
     "tokens:\n  - {name: issuer, site: here, module: m.so, label: i}\n"
     "  - {name: vault, site: there, module: m.so, label: v}\nkeys:\n"
     "  - {name: K, version: 1, role: master, algorithm: des2, tokens: [issuer, vault], components: "
     "[{custodian: C 1, letter: \"printer:p\"}, {custodian: C 2, prompt: yes}]}\n",
     "key K/1: letters are drawn at site 'here': say how token 'vault' gets the key (hand_over)"},
    {PEOPLE TWO
     "keys:\n  - {name: Z, version: 1, role: zcmk-sender, algorithm: aes256, tokens: [issuer], generate: "
     "yes, limit: {blocks: 5}}\n",
     "a limit is for masters"},
    {PEOPLE TWO "keys:\n" EXCHANGE KEY_Z,
     "a hand-over is signed: site 'issuer' has no signing-pair in the plan"},
    {PEOPLE TWO "keys:\n" SIGNER EXCHANGE KEY_Z,
     "token 'bureau' accepts nothing from site 'issuer' unless 'trust' names"},
    {PEOPLE TWO "keys:\n" SIGNER EXCHANGE KEY_Z "trust: [{signer: s, at: bureau}]\n",
     "key s: others need its public part: say public_file"},
};

static void test_mistakes(void)
{
    for (size_t i = 0; i < SUITE_COUNT(mistakes); i++) {
        struct err err = ERR_INIT;
        struct plan *p = NULL;
        char text[4096];
        snprintf(text, sizeof(text), "plan: p\nissuer: '476173'\n%s", mistakes[i].text);
        bool ok = plan_parse(&p, "plan.yaml", text, strlen(text), &err) && plan_lint(p, &err);
        CU_ASSERT_FALSE(ok);
        if (ok || !strstr(err.text, mistakes[i].message))
            fprintf(stderr, "not \"%s\" but \"%s\"\n", mistakes[i].message, err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, mistakes[i].message));
        plan_free(p);
    }
}

static void test_shipped_plan(void)
{
    struct err err = ERR_INIT;
    struct plan *plan = NULL;
    EXPECT_OK(plan_lint_load(&plan, TEST_DATA_DIR "/../config/examples/demo/plan.yaml", &err));
    CU_ASSERT(plan && plan->test);
    plan_free(plan);
    plan = NULL;
    EXPECT_OK(plan_lint_load(&plan, TEST_DATA_DIR "/../config/examples/ceremony/plan.yaml", &err));
    CU_ASSERT(plan && !plan->test);
    plan_free(plan);
}

static const struct test_case cases[] = {{"the shipped plans keep every rule", test_shipped_plan},
                                         {"each mistake is told", test_mistakes},
                                         {"pairs that are handed over", test_pairs_handed_over},
                                         {"each rule names key and line", test_rules}};

int main(void)
{
    return suite_run("ceremony/plan_lint", cases, SUITE_COUNT(cases));
}
