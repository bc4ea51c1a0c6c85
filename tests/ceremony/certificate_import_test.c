/* `cardkeys certificate`, with a SoftHSM token of the test's own and a payment scheme that shares no code with it
 * (tests/support/scheme_ca.c). The program asks the clock, so what must not have expired ends in 2077. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outfile.h"
#include "config/certificate_file.h"
#include "program.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

static void put_file(const char *name, const char *text, mode_t mode)
{
    FILE *f = fopen(name, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(name, mode) != 0) abort();
}

static bool is_there(const char *name)
{
    return access(name, F_OK) == 0;
}

#define CARDKEYS(...) program_run(CARDKEYS_PATH, (const char *const[]){"cardkeys", __VA_ARGS__, NULL}, NULL)
#define SCHEME(...)   program_run(SCHEME_CA_PATH, (const char *const[]){"scheme_ca", __VA_ARGS__, NULL}, NULL)
#define IMPORT(...)   CARDKEYS("certificate", "import", "--yes", "plan.yaml", __VA_ARGS__)
#define SIGN(...)     SCHEME("sign", "ca.pem", "issuer.request.yaml", "answer", __VA_ARGS__)

/* On a terminal, where somebody types the answer. */
static int import_on_terminal(const char *typed)
{
    return program_run_on_terminal(
        CARDKEYS_PATH,
        (const char *const[]){"cardkeys", "certificate", "import", "plan.yaml", "answer", NULL}, typed);
}

static void put_plan(const char *name, const char *test, const char *stem, const char *serial)
{
    char text[4096];
    snprintf(text, sizeof(text),
             "plan: suite\ntest: %s\naudit_log: test-%s.jsonl\nissuer: \"476173\"\n%stokens:\n"
             "  - {name: issuer, module: %s, label: t-issuer, pin: \"file:pin\", so_pin: \"file:so\", "
             "initialise: yes}\n"
             "keys:\n"
             "  - {name: issuer-key, version: 1, role: issuer-pair, algorithm: rsa, tokens: [issuer], "
             "generate: yes, bits: 1024, exponent: 65537}\n"
             "certificates:\n"
             "  - {issuer_key: issuer-key, rid: A000000003, ca_index: \"92\", issuer: \"476173\", expiry: "
             "\"1277\", ca_expiry: \"1278\", serial: \"%s\", certificate: %s.yaml, ca_file: %s-ca.yaml}\n",
             test, test, test[0] == 'n' ? "people: [{name: Officer 1, duty: officer}]\n" : "", soft.module,
             serial, stem, stem);
    put_file(name, text, 0644);
}

/* The ceremony as far as the scheme's part; the token and its pair are made here. */
static void test_request(void)
{
    char printed[65] = "", *due;
    size_t len = 0;
    put_plan("plan.yaml", "yes", "first", "000001"); /* a plan that is not TEST is not run without people */
    program_expect(CARDKEYS("run", "plan.yaml", "--yes"), 0,
                   "waiting: send first.request.yaml to the scheme, then: cardkeys certificate import");
    put_plan("plan.yaml", "no", "issuer", "000001");
    program_expect(CARDKEYS("run", "plan.yaml", "--yes"), 2,
                   "--yes asks nobody, and so is for TEST plans alone");
    program_expect(CARDKEYS("certificate", "request", "plan.yaml"), 0, "issuer-key, made:");
    CU_ASSERT(is_there("issuer.request.yaml") && is_there("issuer.request.csr"));
    program_expect(CARDKEYS("certificate", "request", "plan.yaml", "--key", "issuer-key"), 0,
                   "already there");
    const char *at = strstr(program_output, "read to the scheme:\n");
    for (at = at ? at + 20 : ""; *at && len < 64; at++) {
        if (*at != ' ' && *at != '\n') printed[len++] = *at;
    }
    CU_ASSERT_EQUAL(SCHEME("key", "ca.pem", "scheme.yaml", "--bits", "1152"), 0);
    CU_ASSERT_EQUAL(SIGN("--form", "raw"), 0); /* which says what the scheme computes of the file */
    due = strtok(program_output, "\n");
    CU_ASSERT(due && strcmp(due, printed) == 0 && len == 64);
    program_expect(CARDKEYS("certificate", "request", "plan.yaml", "--key", "issuer-kee"), 2,
                   "no certificate in the plan is of key 'issuer-kee'");
}

static void expect_stored(const char *ca_file)
{
    struct err err = ERR_INIT;
    struct ca_key_file ca;
    struct certificate_file file;
    EXPECT_OK(ca_key_file_load(ca_file, &ca, &err));
    EXPECT_OK(certificate_file_load("issuer.yaml", &file, &err));
    EXPECT_OK(certificate_file_recover(&file, &ca, &err));
    program_expect(CARDKEYS("check", "plan.yaml"), 0, "3 there, 0 to be made"); /* token, login, key … */
    unlink("issuer.yaml");
    unlink("issuer-ca.yaml");
}

static void test_forms(void)
{
    static const char *const forms[] = {"raw", "hex", "tlv", "tlvhex", "yaml"};
    static const char *const apart[] = {"raw", "hex", "tlv"};
    for (size_t i = 0; i < SUITE_COUNT(forms); i++) {
        CU_ASSERT_EQUAL(SIGN("--form", forms[i]), 0);
        program_expect(IMPORT("answer", "--ca", "scheme.yaml"), 0, "Certificate made: ");
        CU_ASSERT(is_there("issuer-ca.yaml")); /* kept where jobs look for it */
        expect_stored("scheme.yaml");
    }
    for (size_t i = 0; i < SUITE_COUNT(apart); i++) {
        CU_ASSERT_EQUAL(SIGN("--form", apart[i], "--remainder", "rest"), 0);
        program_expect(IMPORT("answer", "--ca", "scheme.yaml", "--remainder", "rest", "--exponent", "010001"),
                       0, "Certificate made: ");
        expect_stored("scheme.yaml");
    }
}

/* A CA key with room for the whole modulus; it is the plan's own file here. */
static void test_no_remainder(void)
{
    CU_ASSERT_EQUAL(SCHEME("key", "long.pem", "issuer-ca.yaml", "--bits", "1408", "--exponent", "03"), 0);
    for (int tlv = 0; tlv < 2; tlv++) {
        CU_ASSERT_EQUAL(
            SCHEME("sign", "long.pem", "issuer.request.yaml", "answer", "--form", tlv ? "tlv" : "raw"), 0);
        program_expect(IMPORT("answer"), 0, "1408 bits with exponent 3");
        CU_ASSERT_EQUAL(unlink("issuer.yaml"), 0);
    }
    CU_ASSERT_EQUAL(SCHEME("sign", "long.pem", "issuer.request.yaml", "answer", "--add", "1"), 0);
    program_expect(IMPORT("answer"), 5, "remainder has 1 bytes, not 0");
    CU_ASSERT_EQUAL(SCHEME("sign", "long.pem", "issuer.request.yaml", "answer", "--wrong", "padding"), 0);
    program_expect(IMPORT("answer"), 5, "padding");
    unlink("issuer-ca.yaml");
}

static void test_words(void)
{
    CU_ASSERT_EQUAL(SIGN("--serial", "0A0B0C", "--expiry", "1176"), 0);
    program_expect(
        IMPORT("answer", "--ca", "scheme.yaml"), 0,
        "Issuer identifier 476173, valid to the end of 11/2076, serial 0A0B0C,\n  key of 1024 bits "
        "with exponent 65537");
    CU_ASSERT_PTR_NOT_NULL(strstr(program_output, "certified by scheme key A000000003 index 92 (1152 bits"));
    CU_ASSERT_PTR_NOT_NULL(strstr(program_output, "NOTE: the plan asked for serial 000001"));
    CU_ASSERT_PTR_NOT_NULL(strstr(program_output, "NOTE: the plan asked for validity to the end of 12/2077"));
    CU_ASSERT_PTR_NULL(strstr(program_output, "TEST"));
    for (const char *line = program_output; *line; line += strcspn(line, "\n") + 1)
        CU_ASSERT(strcspn(line, "\n") <= 80);
    expect_stored("scheme.yaml");
}

struct wrong {
    const char *options[5]; /* of the scheme */
    const char *part;       /* of the message */
};

static void refuse(const struct wrong *w, const char *ca)
{
    const char *arguments[16] = {"scheme_ca", "sign", "ca.pem", "issuer.request.yaml", "answer"};
    for (size_t i = 0; i < 4 && w->options[i]; i++)
        arguments[5 + i] = w->options[i];
    CU_ASSERT_EQUAL(program_run(SCHEME_CA_PATH, arguments, NULL), 0);
    program_expect(IMPORT("answer", "--ca", ca), 5, w->part);
    CU_ASSERT(!is_there("issuer.yaml") && !is_there("issuer-ca.yaml"));
    CU_ASSERT(!is_there("issuer.yaml.partial"));
}

static void test_fields(void)
{
    static const struct wrong rows[] = {
        {{"--wrong", "header"}, "header is not 6A"},
        {{"--wrong", "format"}, "format is 04"},
        {{"--wrong", "trailer"}, "trailer is not BC"},
        {{"--wrong", "hash"}, "hash differs"},
        {{"--wrong", "remainder"}, "hash differs"},
        {{"--wrong", "hash-algorithm"}, "hash algorithm 02"},
        {{"--wrong", "key-algorithm"}, "key algorithm 02"},
        {{"--wrong", "modulus-length"}, "remainder has 20 bytes, not 19"},
        {{"--wrong", "exponent-length"}, "exponent has 3 bytes, the certificate says 4"},
        {{"--wrong", "modulus"}, "modulus: the certificate is of another key"},
        {{"--other-bits", "1024"}, "modulus: the certificate is of another key"},
        {{"--other-bits", "1032"},
         "modulus length: the certificate is of 129 bytes, the issuer pair has 128"},
        {{"--exponent", "03", "--form", "tlv"}, "exponent: the answer says 03, the issuer pair has 010001"},
        {{"--exponent", "03"}, "exponent has 3 bytes, the certificate says 1"},
        {{"--issuer", "476174FF"},
         "issuer identifier: the certificate names another issuer than the plan: 476174"},
        {{"--issuer", "47617FFF"}, "47617, not 476173"},
        {{"--expiry", "0124"}, "expiry: the certificate has expired at the end of 01/2024"},
        {{"--expiry", "0179"}, "expiry: the certificate, valid to 01/2079, outlives the CA key (12/2078)"},
        {{"--expiry", "1332"}, "expiry: the certificate has 1332, which is no MMYY"},
        {{"--expiry", "0ABC"}, "expiry: the certificate has 0ABC, which is no MMYY"},
        {{"--index", "93", "--form", "tlv"}, "CA key index: the certificate has 93, the plan names 92"},
        {{"--index", "93", "--form", "yaml"}, "CA key index: the certificate has 93"},
        {{"--rid", "A000000004", "--form", "yaml"}, "RID: the certificate is of A000000004"},
        {{"--test", "yes", "--form", "yaml"}, "mark: the certificate is marked TEST and the plan is not"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        refuse(&rows[i], "scheme.yaml");
}

/* Under a wrong key, or changed, a block has any bytes: which of its fields is found wrong first is chance. */
#define ANY_FIELD "issuer certificate: "

static void test_damage(void)
{
    static const struct wrong rows[] = {
        {{"--cut", "1"}, "remainder has 19 bytes, not 20"},
        {{"--cut", "20"}, "remainder has 0 bytes, not 20"},
        {{"--cut", "21"}, "length: 143 bytes, where the certificate has 144"},
        {{"--cut", "155"}, "length: 9 bytes"}, /* fewer might be hex digits by chance */
        {{"--add", "1"}, "remainder has 21 bytes, not 20"},
        {{"--add", "17"}, "length: 181 bytes"},
        {{"--flip", "7"}, ANY_FIELD},
        {{"--flip", "700"}, ANY_FIELD},
        {{"--flip", "1151"}, ANY_FIELD},
        {{"--flip", "1152"}, "hash differs"},
        {{"--flip", "1311"}, "hash differs"},
        {{"--form", "tlv", "--cut", "1"}, "read as a certificate of 144 bytes and a remainder of"},
        {{"--form", "tlv", "--flip", "71"}, ANY_FIELD},
        {{"--form", "tlv", "--flip", "1230"}, "hash differs"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++)
        refuse(&rows[i], "scheme.yaml");
    put_file("answer", "", 0600);
    program_expect(IMPORT("answer", "--ca", "scheme.yaml"), 4, "answer: nothing is in it");
    CU_ASSERT_EQUAL(SIGN("--form", "hex"), 0);
    program_expect(IMPORT("absent", "--ca", "scheme.yaml"), 6, "absent");
}

static void test_ca_keys(void)
{
    static const struct wrong rows[] = {
        {{"--bits", "1152"}, ANY_FIELD},
        {{"--rid", "A000000004"}, "RID: the CA key file is of A000000004, the plan names A000000003"},
        {{"--index", "93"}, "CA key index: the CA key file has 93, the plan names 92"},
        {{"--expiry", "0124"}, "expiry: the CA key has expired at the end of 01/2024"},
        {{"--expiry", "1279"}, "expiry: the CA key is valid to 12/2079, the plan says 12/2078"},
        {{"--wrong", "checksum"}, "the checksum is not that of"},
        {{"--test", "yes"}, "mark: the CA key file is marked TEST and the plan is not"},
    };
    CU_ASSERT_EQUAL(SIGN("--form", "raw"), 0);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        CU_ASSERT_EQUAL(SCHEME("key", "other.pem", "other.yaml", rows[i].options[0], rows[i].options[1]), 0);
        program_expect(IMPORT("answer", "--ca", "other.yaml"), 5, rows[i].part);
        CU_ASSERT(!is_there("issuer.yaml") && !is_there("issuer-ca.yaml"));
    }
    program_expect(IMPORT("answer"), 6, "issuer-ca.yaml");
    CU_ASSERT_EQUAL(SCHEME("key", "other.pem", "issuer-ca.yaml", "--bits", "1152"), 0);
    program_expect(IMPORT("answer", "--ca", "scheme.yaml"), 5,
                   "CA key: scheme.yaml holds another key than issuer-ca.yaml");
    unlink("issuer-ca.yaml");
}

/* In a TEST plan, everything the other way round. */
static void test_test_plan(void)
{
    put_plan("test-plan.yaml", "yes", "test", "000001");
    program_expect(CARDKEYS("certificate", "request", "test-plan.yaml"), 0,
                   "TEST. Request to certify issuer-key");
    CU_ASSERT_EQUAL(SCHEME("sign", "ca.pem", "test.request.yaml", "answer"), 0);
    program_expect(
        CARDKEYS("certificate", "import", "--yes", "test-plan.yaml", "answer", "--ca", "scheme.yaml"), 5,
        "mark: the plan is TEST and the CA key file is not");
    CU_ASSERT_EQUAL(SCHEME("key", "test.pem", "test-ca.yaml", "--bits", "1152", "--test", "yes"), 0);
    CU_ASSERT_EQUAL(SCHEME("sign", "test.pem", "test.request.yaml", "answer", "--form", "yaml"), 0);
    program_expect(CARDKEYS("certificate", "import", "--yes", "test-plan.yaml", "answer"), 5,
                   "mark: the plan is TEST and the certificate is not");
    CU_ASSERT_EQUAL(SCHEME("sign", "test.pem", "test.request.yaml", "answer", "--expiry", "1176"), 0);
    program_expect(CARDKEYS("certificate", "import", "--yes", "test-plan.yaml", "answer"), 5,
                   "expiry: the certificate is valid to 11/2076, the plan says 12/2077");
    CU_ASSERT(!is_there("test.yaml"));
    CU_ASSERT_EQUAL(SCHEME("sign", "test.pem", "test.request.yaml", "answer", "--serial", "000007"), 0);
    program_expect(CARDKEYS("certificate", "import", "--yes", "test-plan.yaml", "answer"), 0,
                   "certified by TEST scheme key");
}

static void test_another_request(void)
{
    put_plan("plan.yaml", "no", "issuer", "000002");
    CU_ASSERT_EQUAL(SIGN("--form", "raw"), 0);
    program_expect(IMPORT("answer", "--ca", "scheme.yaml"), 5, "is not the request that this plan makes");
    program_expect(CARDKEYS("certificate", "request", "plan.yaml"), 6, "holds something else");
    put_plan("plan.yaml", "no", "issuer", "000001");
}

static void test_given_twice(void)
{
    CU_ASSERT_EQUAL(SIGN("--form", "yaml", "--remainder", "rest"), 0);
    program_expect(IMPORT("answer", "--ca", "scheme.yaml", "--remainder", "rest"), 2,
                   "leave the options out");
    CU_ASSERT_EQUAL(SIGN("--form", "tlv"), 0);
    program_expect(IMPORT("answer", "--ca", "scheme.yaml", "--remainder", "rest"), 2,
                   "leave --remainder out");
    program_expect(IMPORT("answer", "--ca", "scheme.yaml", "--exponent", "03"), 5,
                   "exponent: the answer holds");
    program_expect(IMPORT("answer", "--ca", "scheme.yaml", "--exponent", "0g"), 2, "--exponent '0g'");
    CU_ASSERT_EQUAL(SIGN("--form", "raw", "--remainder", "rest"), 0);
    put_file("long", "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF0011223344", 0600);
    program_expect(IMPORT("answer", "--ca", "scheme.yaml", "--remainder", "long"), 5,
                   "remainder: long has 37");
    CU_ASSERT(!is_there("issuer.yaml"));
}

static void test_question(void)
{
    CU_ASSERT_EQUAL(SCHEME("key", "ca.pem", "issuer-ca.yaml", "--bits", "1152"), 0);
    CU_ASSERT_EQUAL(SIGN("--form", "raw"), 0);
    program_expect(CARDKEYS("certificate", "import", "plan.yaml", "answer"), 2, "call it with --yes");
    program_expect(import_on_terminal("no\n"), 130, "nothing was stored");
    program_expect(import_on_terminal("y\n"), 130, "Store this certificate? [yes/no]");
    program_expect(import_on_terminal("\x04"), 130, "nothing was stored");
    CU_ASSERT(!is_there("issuer.yaml"));
    program_expect(import_on_terminal("yes\n"), 0, "Certificate made: ");
    CU_ASSERT(is_there("issuer.yaml"));
}

/* After the question's: the certificate is there. */
static void test_stored_before(void)
{
    struct stat before, after;
    CU_ASSERT(stat("issuer.yaml", &before) == 0);
    program_expect(import_on_terminal(""), 0, "Certificate already there: ");
    CU_ASSERT_EQUAL(SIGN("--serial", "000009"), 0);
    program_expect(IMPORT("answer"), 6, "holds something else");
    CU_ASSERT(stat("issuer.yaml", &after) == 0 && after.st_ino == before.st_ino);
    CU_ASSERT_EQUAL(after.st_mode & 0777, 0600);
    program_expect(CARDKEYS("check", "plan.yaml"), 0, "0 to be made");
}

static const struct test_case cases[] = {
    {"requests are written, and the scheme computes the printed fingerprint", test_request},
    {"every form of answer is taken", test_forms},
    {"a modulus that fits has no remainder", test_no_remainder},
    {"what a certificate says in words, within 80 columns", test_words},
    {"every wrong field is refused by name", test_fields},
    {"cut, longer and changed answers are refused", test_damage},
    {"wrong CA keys are refused by name", test_ca_keys},
    {"TEST and real do not mix", test_test_plan},
    {"the request that was sent is still the plan's", test_another_request},
    {"values given twice", test_given_twice},
    {"nothing is stored without a yes", test_question},
    {"a stored certificate is never replaced", test_stored_before},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    if (chdir(soft.folder) != 0) return 1;
    put_file("pin", SOFTTOKEN_PIN "\n", 0600);
    put_file("so", SOFTTOKEN_SO_PIN "\n", 0600);
    int status = suite_run("ceremony/certificate_import", cases, SUITE_COUNT(cases));
    if (chdir("/") != 0) return 1;
    softtoken_stop(&soft);
    return status;
}
