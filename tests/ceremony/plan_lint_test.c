#include "ceremony/plan_lint.h"

#include "suite.h"

static char issuer[] = "issuer", bureau[] = "bureau", master[] = "master", pair[] = "signing-pair",
            session[] = "card-key";
static char des2[] = "des2", rsa[] = "rsa", label[] = "L", path[] = "plan.yaml";
static char *one_token[] = {issuer}, *two_tokens[] = {issuer, bureau}, *same_token[] = {issuer, issuer};
static char *masters[] = {master, master}, *mixed[] = {master, pair}, *pairs[] = {pair},
            *sessions[] = {session};
static struct plan_token tokens[] = {{.name = issuer}, {.name = bureau}};

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

static void test_shipped_plan(void)
{
    struct err err = ERR_INIT;
    struct plan *plan = NULL;
    EXPECT_OK(plan_lint_load(&plan, TEST_DATA_DIR "/../config/examples/demo/plan.yaml", &err));
    CU_ASSERT(plan && plan->test);
    plan_free(plan);
}

static const struct test_case cases[] = {{"the shipped demo plan keeps every rule", test_shipped_plan},
                                         {"each rule names key and line", test_rules}};

int main(void)
{
    return suite_run("ceremony/plan_lint", cases, SUITE_COUNT(cases));
}
