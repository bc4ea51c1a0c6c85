/* The examination finds what is known of these tokens, and nothing of it stays. */
#include <stdlib.h>
#include <unistd.h>

#include "hsm/examine.h"
#include "hsm/probe.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;    /* the token itself */
static struct softtoken through; /* the same behind the proxy */

/* What does not work, and why; everything else does. */
struct known_outcome {
    const char *name;
    enum hsm_verdict verdict;
    const char *cause; /* part of it */
};
static const struct known_outcome softhsm[] = {
    {"oaep-sha256", HSM_REFUSED, "C_UnwrapKey: CKR_ARGUMENTS_BAD"},
    {"components-xor", HSM_REFUSED, "C_DeriveKey: CKR_MECHANISM_INVALID"},
    {"wrap-tdes-ecb-des2", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"wrap-tdes-ecb-des3", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"wrap-tdes-ecb-aes128", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"wrap-tdes-cbc-des2", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"wrap-aes-cbc-aes192", HSM_REFUSED, "C_WrapKey: CKR_GENERAL_ERROR"},
    {"unwrap-tdes-ecb-des2", HSM_REFUSED, "C_UnwrapKey: CKR_MECHANISM_INVALID"},
    {"unwrap-aes-cbc-aes128", HSM_REFUSED, "C_UnwrapKey: CKR_MECHANISM_INVALID"},
    {"wrap-aes-cbc-pad", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"wrap-tdes-cbc-pad", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"scp02-data", HSM_REFUSED, "C_WrapKey: CKR_MECHANISM_INVALID"},
    {"derive-template", HSM_REFUSED, "C_GenerateKey: CKR_ATTRIBUTE_TYPE_INVALID"},
    {"pin-lock", HSM_NOT_TRIED, "no wrong PIN is ever tried"},
    {"check-value-attribute", HSM_UNSAFE, "another value"},
    {"wrap-then-decrypt", HSM_UNSAFE, "in clear"},
    {"wrap-and-decrypt-made", HSM_UNSAFE, ""},
    {"wrap-and-unwrap-made", HSM_UNSAFE, ""},
    {"unwrap-and-encrypt-made", HSM_UNSAFE, ""},
    {"derive-and-encrypt-made", HSM_UNSAFE, ""},
    {"unwrap-wrap-and-decrypt", HSM_UNSAFE, ""},
    {"set-decrypt", HSM_UNSAFE, ""},
    {"set-unwrap", HSM_UNSAFE, ""},
    {"copy-decrypt", HSM_UNSAFE, ""},
    {"copy-unwrap", HSM_UNSAFE, ""},
    {"weaker-aes128", HSM_UNSAFE, ""},
    {"weaker-rsa", HSM_UNSAFE, ""},
    {"return-as-decrypt", HSM_UNSAFE, ""},
    {"return-readable", HSM_UNSAFE, ""},
    {"return-as-des", HSM_UNSAFE, ""},
    {"return-rsa-as-secret", HSM_UNSAFE, ""},
    {"derive-clear-tdes", HSM_UNSAFE, ""},
    {"derive-clear-aes", HSM_UNSAFE, ""},
    {"own-wrapping-key", HSM_UNSAFE, ""},
    {"own-public-key", HSM_UNSAFE, ""},
    {"exponent-one", HSM_UNSAFE, "as good as in clear"},
    {"processes-beside", HSM_NOT_TRIED, ""},
    {"fork-child", HSM_NOT_TRIED, ""},
};
static const struct known_outcome nss[] = {
    {"export-once", HSM_UNSAFE, "can be wrapped again"},
    {"rsa-1024-e3", HSM_REFUSED, "C_GenerateKeyPair: CKR_ARGUMENTS_BAD"},
    {"rsa-1152-e3", HSM_REFUSED, "C_GenerateKeyPair: CKR_ARGUMENTS_BAD"},
    {"rsa-1408-e3", HSM_REFUSED, "C_GenerateKeyPair: CKR_ARGUMENTS_BAD"},
    {"rsa-1984-e3", HSM_REFUSED, "C_GenerateKeyPair: CKR_ARGUMENTS_BAD"},
    {"rsa-2048-e3", HSM_REFUSED, "C_GenerateKeyPair: CKR_ARGUMENTS_BAD"},
    {"cmac-des2", HSM_REFUSED, "C_SignInit: CKR_MECHANISM_INVALID"},
    {"cmac-des3", HSM_REFUSED, "C_SignInit: CKR_MECHANISM_INVALID"},
    {"extractable", HSM_UNSAFE, "was wrapped"},
    {"derive-flag", HSM_UNSAFE, ""},
    {"allowed-mechanisms", HSM_UNSAFE, "stored and ignored"},
    {"wrap-template", HSM_UNSAFE, "stored and ignored"},
    {"unwrap-template", HSM_UNSAFE, "stored and ignored"},
    {"derive-template", HSM_UNSAFE, "stored and ignored"},
    {"wrap-with-trusted", HSM_UNSAFE, "stored and ignored"},
    {"copyable", HSM_UNSAFE, "stored and ignored"},
    {"destroyable", HSM_UNSAFE, "stored and ignored"},
    {"pin-lock", HSM_NOT_TRIED, ""},
    {"check-value-attribute", HSM_REFUSED, "C_GetAttributeValue"},
    {"wrap-then-decrypt", HSM_UNSAFE, "in clear"},
    {"wrap-and-decrypt-made", HSM_UNSAFE, ""},
    {"wrap-and-unwrap-made", HSM_UNSAFE, ""},
    {"unwrap-and-encrypt-made", HSM_UNSAFE, ""},
    {"derive-and-encrypt-made", HSM_UNSAFE, ""},
    {"unwrap-wrap-and-decrypt", HSM_UNSAFE, ""},
    {"set-decrypt", HSM_UNSAFE, ""},
    {"set-unwrap", HSM_UNSAFE, ""},
    {"copy-decrypt", HSM_UNSAFE, ""},
    {"copy-unwrap", HSM_UNSAFE, ""},
    {"copy-extractable", HSM_UNSAFE, ""},
    {"weaker-des2", HSM_UNSAFE, ""},
    {"weaker-aes128", HSM_UNSAFE, ""},
    {"weaker-rsa", HSM_UNSAFE, ""},
    {"return-as-decrypt", HSM_UNSAFE, ""},
    {"return-readable", HSM_UNSAFE, ""},
    {"return-as-des", HSM_UNSAFE, ""},
    {"derive-clear-tdes", HSM_UNSAFE, ""},
    {"derive-clear-aes", HSM_UNSAFE, ""},
    {"related-extract-byte", HSM_UNSAFE, "to be guessed"},
    {"own-wrapping-key", HSM_UNSAFE, ""},
    {"own-public-key", HSM_UNSAFE, ""},
    {"processes-beside", HSM_NOT_TRIED, ""},
    {"fork-child", HSM_NOT_TRIED, ""},
};

static bool is_nss(void)
{
    return soft.kind == SOFTTOKEN_NSS;
}

static struct hsm_outcome *new_outcomes(void)
{
    struct hsm_outcome *outcomes = calloc(hsm_trial_count(), sizeof *outcomes);
    CU_ASSERT_PTR_NOT_NULL_FATAL(outcomes);
    return outcomes;
}

static const struct hsm_outcome *outcome_of(const struct hsm_outcome *outcomes, const char *name)
{
    size_t index = 0;
    CU_ASSERT_TRUE_FATAL(hsm_trial_find(name, &index));
    return &outcomes[index];
}

static const struct known_outcome *expected(const char *name)
{
    const struct known_outcome *rows = is_nss() ? nss : softhsm;
    size_t count = is_nss() ? SUITE_COUNT(nss) : SUITE_COUNT(softhsm);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    return NULL;
}

static void compare(const struct hsm_outcome *outcomes)
{
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        const char *name = hsm_trial_at(i)->name;
        const struct known_outcome *due = expected(name);
        bool ok = outcomes[i].verdict == (due ? due->verdict : HSM_WORKS) &&
                  (!due || strstr(outcomes[i].cause, due->cause));
        if (!ok)
            fprintf(stderr, "%s: %s %s\n", name, hsm_verdict_name(outcomes[i].verdict), outcomes[i].cause);
        CU_ASSERT_TRUE(ok);
    }
}

/* Names are unique, since programs and people go by them; a required trial says by whom. */
static void test_table(void)
{
    size_t index = 0;
    CU_ASSERT_TRUE(hsm_trial_count() > 100);
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        const struct hsm_trial *t = hsm_trial_at(i);
        CU_ASSERT_TRUE(hsm_trial_find(t->name, &index));
        CU_ASSERT_EQUAL(index, i);
        CU_ASSERT_TRUE(strlen(t->name) <= 23 && t->help[0]); /* what the table for people has room for */
        CU_ASSERT_EQUAL(t->severity == HSM_REQUIRED, t->required_by != 0);
        CU_ASSERT_EQUAL(t->required_by & t->used_by, 0);
        CU_ASSERT_TRUE(t->advice || !(t->required_by | t->used_by) ||
                       strncmp(t->name, "kwp-generic", 11) == 0);
    }
    CU_ASSERT_FALSE(hsm_trial_find("kwp", &index));
    for (size_t i = 0; i < hsm_exception_count(); i++) {
        const char *unless = hsm_exception_at(i)->unless;
        CU_ASSERT_TRUE(!unless || hsm_trial_find(unless, &index));
    }
    for (size_t i = 0; i < SUITE_COUNT(softhsm); i++)
        CU_ASSERT_TRUE(hsm_trial_find(softhsm[i].name, &index));
    for (size_t i = 0; i < SUITE_COUNT(nss); i++)
        CU_ASSERT_TRUE(hsm_trial_find(nss[i].name, &index));
}

static void test_token(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_outcome *outcomes = new_outcomes();
    size_t all_before = 0, kept_before = 0, all = 1, kept = 1;
    EXPECT_OK(softtoken_open(&soft, "examined", &t, &err));
    if (!t) goto out;
    EXPECT_OK(hsm_token_count_objects(t, &all_before, &kept_before, &err));
    EXPECT_OK(hsm_examine(t, HSM_FOR_ALL, outcomes, &err));
    compare(outcomes);
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    CU_ASSERT_EQUAL(all, all_before);
    CU_ASSERT_EQUAL(kept, kept_before);
    for (unsigned program = HSM_FOR_PREP; program <= HSM_FOR_BUREAU; program <<= 1)
        CU_ASSERT_TRUE(hsm_examined_can_run(outcomes, program));
    if (!is_nss())
        CU_ASSERT_STRING_EQUAL(outcome_of(outcomes, "kwp-generic-13")->cause,
                               "leaves with zeros behind it, 16 bytes");
    if (is_nss()) CU_ASSERT_STRING_EQUAL(outcome_of(outcomes, "kwp-generic-13")->cause, "");
    for (size_t i = 0; i < hsm_exception_count(); i++) {
        const char *name = hsm_exception_at(i)->name;
        bool needless =
            strcmp(name, "aes-under-dek") == 0 ||
            (is_nss() && (strcmp(name, "tdes-under-dek") == 0 || strcmp(name, "components") == 0));
        CU_ASSERT_EQUAL(hsm_exception_taken(outcomes, i), !needless);
    }
out:
    hsm_token_close(t);
    free(outcomes);
}

static void test_programs(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_outcome *outcomes = new_outcomes(), one;
    EXPECT_OK(softtoken_open(&soft, "examined", &t, &err));
    if (!t) goto out;
    EXPECT_OK(hsm_examine(t, HSM_FOR_CEREMONY, outcomes, &err));
    CU_ASSERT_EQUAL(outcome_of(outcomes, "kwp-aes256")->verdict, HSM_WORKS);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "scp02-mac")->verdict, HSM_NOT_TRIED);
    CU_ASSERT_TRUE(hsm_examined_can_run(outcomes, HSM_FOR_CEREMONY));
    CU_ASSERT_FALSE(hsm_examined_can_run(outcomes, HSM_FOR_BUREAU));
    EXPECT_OK(hsm_examine_one(t, "scp02-mac", &one, &err));
    CU_ASSERT_EQUAL(one.verdict, HSM_WORKS);
    EXPECT_FAIL(hsm_examine_one(t, "scp04", &one, &err), ERR_INTERNAL, "scp04");
    EXPECT_FAIL(hsm_examine_one(t, "fork-child", &one, &err), ERR_INTERNAL, "fork-child");
out:
    hsm_token_close(t);
    free(outcomes);
}

/* The examination of a token of which each call of `fault` fails. */
static bool examine_with(const char *fault, struct hsm_outcome *outcomes, struct err *err)
{
    struct hsm_token *t = NULL;
    setenv("P11PROXY_FAIL", fault, 1);
    bool ok = softtoken_open(&through, "examined", &t, err) && hsm_examine(t, HSM_FOR_ALL, outcomes, err);
    hsm_token_close(t);
    unsetenv("P11PROXY_FAIL");
    return ok;
}

static void test_refusing(void)
{
    struct err err = ERR_INIT;
    struct hsm_outcome *outcomes = new_outcomes();
    if (is_nss()) goto out; /* the proxy is the same */
    EXPECT_OK(examine_with("C_DeriveKey:+1:0x70", outcomes, &err));
    CU_ASSERT_EQUAL(outcome_of(outcomes, "derive-tdes-ecb-des2")->verdict, HSM_REFUSED);
    CU_ASSERT_STRING_EQUAL(outcome_of(outcomes, "derive-tdes-ecb-des2")->cause,
                           "C_DeriveKey: CKR_MECHANISM_INVALID");
    CU_ASSERT_EQUAL(outcome_of(outcomes, "scp03-session-128")->verdict, HSM_REFUSED);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "kwp-des2")->verdict, HSM_WORKS);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "derive-clear-aes")->verdict, HSM_WORKS);
    CU_ASSERT_FALSE(hsm_examined_can_run(outcomes, HSM_FOR_PREP));
    CU_ASSERT_FALSE(hsm_examined_can_run(outcomes, HSM_FOR_BUREAU));

    EXPECT_OK(examine_with("C_WrapKey:+1:0x70", outcomes, &err));
    CU_ASSERT_EQUAL(outcome_of(outcomes, "kwp-des2")->verdict, HSM_REFUSED);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "extractable")->verdict, HSM_NOT_TRIED);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "derive-tdes-ecb-des2")->verdict, HSM_WORKS);
    CU_ASSERT_FALSE(hsm_examined_can_run(outcomes, HSM_FOR_CEREMONY));
out:
    free(outcomes);
}

/* Many tokens take no key in clear: then known keys come in encrypted for a pair of the token's own. */
static void test_no_clear_keys(void)
{
    struct err err = ERR_INIT;
    struct hsm_outcome *outcomes = new_outcomes();
    if (is_nss()) goto out;
    EXPECT_OK(examine_with("C_CreateObject:+1:0xD1", outcomes, &err));
    CU_ASSERT_EQUAL(outcome_of(outcomes, "derive-tdes-ecb-des2")->verdict, HSM_WORKS);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "kwp-rsa-1024")->verdict, HSM_WORKS);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "scp02-mac")->verdict, HSM_WORKS);
    CU_ASSERT_EQUAL(outcome_of(outcomes, "exponent-one")->verdict, HSM_WORKS);
    for (unsigned program = HSM_FOR_PREP; program <= HSM_FOR_BUREAU; program <<= 1)
        CU_ASSERT_TRUE(hsm_examined_can_run(outcomes, program));
out:
    free(outcomes);
}

static void test_broken(void)
{
    struct err err = ERR_INIT;
    struct hsm_outcome *outcomes = new_outcomes();
    if (!is_nss())
        EXPECT_FAIL(examine_with("C_DeriveKey:3:0x30", outcomes, &err), ERR_TOKEN,
                    "in trial derive-tdes-ecb-aes128: C_DeriveKey: CKR_DEVICE_ERROR");
    free(outcomes);
}

static bool processes(const struct softtoken *s, const char *pin_text, struct hsm_outcome *outcomes,
                      struct err *err)
{
    struct hsm_token_choice choice = softtoken_choice(s, "examined");
    struct secret pin = SECRET_NONE;
    bool ok = secret_copy(&pin, pin_text, strlen(pin_text), err) &&
              hsm_examine_processes(&choice, &pin, outcomes, err);
    secret_release(&pin);
    return ok;
}

/* The ratio itself is this machine's. */
static void test_processes(void)
{
    struct err err = ERR_INIT;
    struct hsm_outcome *outcomes = new_outcomes();
    EXPECT_OK(processes(&soft, SOFTTOKEN_PIN, outcomes, &err));
    CU_ASSERT_EQUAL(outcome_of(outcomes, "processes-beside")->verdict, HSM_WORKS);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome_of(outcomes, "processes-beside")->cause, "times the work of one"));
    CU_ASSERT_EQUAL(outcome_of(outcomes, "fork-child")->verdict, HSM_WORKS);
    CU_ASSERT_STRING_EQUAL(outcome_of(outcomes, "fork-child")->cause, "a child keeps its parent's session");
    free(outcomes);
}

static size_t lines_with(const char *word)
{
    char path[256], line[4096];
    size_t count = 0;
    softtoken_log_path(&through, path, sizeof path);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        count += strstr(line, word) != NULL;
    if (f) fclose(f);
    return count;
}

static void test_wrong_pin(void)
{
    struct err err = ERR_INIT;
    struct hsm_outcome *outcomes = new_outcomes();
    if (!is_nss()) {
        size_t before = lines_with(" C_Login ");
        EXPECT_FAIL(processes(&through, "99999999", outcomes, &err), ERR_TOKEN, "CKR_PIN_INCORRECT");
        CU_ASSERT_EQUAL(lines_with(" C_Login ") - before, 1);
    }
    free(outcomes);
}

static void test_dying_module(void)
{
    struct err err = ERR_INIT;
    struct hsm_outcome *outcomes = new_outcomes();
    if (!is_nss()) {
        setenv("P11PROXY_KILL", "C_DeriveKey:20", 1);
        EXPECT_OK(processes(&through, SOFTTOKEN_PIN, outcomes, &err));
        unsetenv("P11PROXY_KILL");
        CU_ASSERT_EQUAL(outcome_of(outcomes, "processes-beside")->verdict, HSM_REFUSED);
        CU_ASSERT_PTR_NOT_NULL(strstr(outcome_of(outcomes, "processes-beside")->cause, "ends early"));
        CU_ASSERT_EQUAL(outcome_of(outcomes, "fork-child")->verdict, HSM_WORKS);
    }
    free(outcomes);
}

static const struct test_case cases[] = {
    {"names are unique, and who needs a trial is said", test_table},
    {"processes side by side, and a forked child", test_processes}, /* before the module is loaded here */
    {"a wrong PIN is tried once", test_wrong_pin},
    {"a module that dies in a process is an outcome", test_dying_module},
    {"the outcomes are those known of this token, and nothing stays", test_token},
    {"one program's trials, and a single trial", test_programs},
    {"a refused operation is named, and programs cannot run", test_refusing},
    {"a token that takes no key in clear is examined all the same", test_no_clear_keys},
    {"a lost device ends the examination, naming the trial", test_broken},
};

int main(int argc, char **argv)
{
    bool second = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, second ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    int status = 1;
    if (softtoken_add(&soft, "examined")) {
        through = soft;
        softtoken_proxy(&through);
        status = suite_run("hsm/examine", cases, SUITE_COUNT(cases));
    }
    softtoken_stop(&soft);
    return status;
}
