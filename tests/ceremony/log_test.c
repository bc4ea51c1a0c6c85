/* What a ceremony does about things that its audit log does not say, or says otherwise: TEST plans on SoftHSM tokens of the
 * test's own. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/outfile.h"
#include "hsm/data.h"
#include "hsm/objects.h"
#include "program.h"
#include "softtoken.h"
#include "suite.h"

#define KML_A     "0123456789ABCDEFFEDCBA9876543210"
#define KML_B     "00112233445566778899AABBCCDDEEFF"
#define KML_A_KCV "08D7B4"
#define OTHER_B   "F1112233445566778899AABBCCDDEEFF"

static struct softtoken soft;

static void file_path(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", soft.folder, name);
}

static void put_file(const char *name, const char *text)
{
    char path[256];
    file_path(path, name);
    unlink(path);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, 0600) != 0) abort();
}

static void move_file(const char *from, const char *to)
{
    char old[256], new[256];
    file_path(old, from);
    file_path(new, to);
    CU_ASSERT(rename(old, new) == 0);
}

/* How often it stands in the audit log. */
static size_t logged(const char *part)
{
    struct err err = ERR_INIT;
    char path[256];
    struct buf text;
    size_t count = 0;
    file_path(path, "plan.audit.jsonl");
    buf_init(&text, 1 << 20);
    EXPECT_OK(file_read_all(path, 1 << 20, &text, &err));
    for (const char *at = buf_text(&text); at && (at = strstr(at, part)); at++)
        count++;
    buf_release(&text);
    return count;
}

struct variant {
    const char *test;   /* yes or no */
    const char *token;  /* the plan's name for the issuer's token */
    const char *kml_b;  /* KML's second component */
    const char *kml;    /* more about KML */
    const char *bureau; /* label of the bureau's token */
};
static const struct variant good = {"yes", "issuer", KML_B, "", "l-bureau"};

static void put_plan(const struct variant *v)
{
    static char text[8192];
    snprintf(
        text, sizeof(text),
        "plan: log\ntest: %s\nissuer: \"476173\"\n"
        "people:\n  - {name: Ann, duty: officer}\n  - {name: Bob, duty: officer}\n"
        "  - {name: one, duty: custodian}\n  - {name: two, duty: custodian}\n"
        "tokens:\n"
        "  - {name: %s, site: head, module: %s, label: l-issuer, pin: \"file:pin\", so_pin: \"file:so\", "
        "initialise: yes}\n"
        "  - {name: bureau, site: bureau, module: %s, label: %s, pin: \"file:pin\", so_pin: \"file:so\", "
        "initialise: yes}\n"
        "keys:\n"
        "  - {name: signer, role: signing-pair, algorithm: rsa, bits: 1024, exponent: 65537, tokens: [%s],\n"
        "     generate: yes, public_file: signer.pem}\n"
        "  - {name: KML, version: 1, role: master, algorithm: des2, tokens: [%s], method: complement%s,\n"
        "     components: [{custodian: one, test: \"" KML_A "\"}, {custodian: two, test: \"%s\"}]}\n"
        "trust:\n  - {signer: signer, at: bureau}\n",
        v->test, v->token, soft.module, soft.module, v->bureau, v->token, v->token, v->kml, v->kml_b);
    put_file("plan.yaml", text);
}

/* Runs cardkeys VERB plan.yaml and up to three arguments; gives its exit status. */
static int cardkeys(const char *verb, const char *const args[3])
{
    char path[256];
    file_path(path, "plan.yaml");
    return program_run(CARDKEYS_PATH,
                       (const char *const[]){"cardkeys", verb, path, args[0], args[1], args[2], NULL}, NULL);
}

static const char *const none[3] = {NULL}, *const yes[3] = {"--yes"}, *const kml[3] = {"KML/1", "--yes"},
                         *const bureau[3] = {"--site", "bureau"},
                         *const bureau_yes[3] = {"--site", "bureau", "--yes"};

static void take_off(const char *token, const char *label)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    EXPECT_OK(softtoken_open(&soft, token, &t, &err));
    if (t) EXPECT_OK(hsm_key_remove(t, label, &err));
    hsm_token_close(t);
}

static void put_other_public_key(void)
{
    char path[256];
    EVP_PKEY *key = EVP_RSA_gen(1024);
    file_path(path, "signer.pem");
    FILE *f = fopen(path, "w");
    if (!key || !f || PEM_write_PUBKEY(f, key) != 1 || fclose(f) != 0) abort();
    EVP_PKEY_free(key);
}

/* Somebody with the PIN, or a run that was killed before it wrote its line, put a signer's key onto the token. The bureau's
 * token has no signing pair, so that it keeps no end of a log. */
static void test_signer_that_nobody_compared(void)
{
    put_plan(&good);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
    CU_ASSERT_EQUAL(logged("\"event\":\"trust\""), 1);
    move_file("plan.audit.jsonl", "kept.jsonl");
    put_file("plan.audit.jsonl", "");
    program_expect(cardkeys("verify", bureau), 3, "by the audit log nobody compared its fingerprint");
    program_expect(cardkeys("run", bureau_yes), 0, "1 made");
    CU_ASSERT_EQUAL(logged("\"event\":\"trust\""), 1);
    program_expect(cardkeys("verify", bureau), 0, "0 wrong");
    move_file("signer.pem", "kept.pem");
    put_other_public_key();
    put_file("plan.audit.jsonl", "");
    program_expect(cardkeys("run", bureau_yes), 5, "holds another key under 'signer-signer'");
    CU_ASSERT_EQUAL(logged("\"event\":\"trust\""), 0);
    move_file("kept.jsonl", "plan.audit.jsonl");
    program_expect(cardkeys("verify", none), 5, "is the public part of another pair than 'signer'");
    move_file("kept.pem", "signer.pem");
    program_expect(cardkeys("verify", none), 0, "0 wrong");
}

static void test_destruction_without_a_line(void)
{
    put_plan(&good);
    take_off("l-issuer", "KML-1");
    program_expect(cardkeys("destroy", kml), 0, "was gone already: KML/1 on issuer");
    CU_ASSERT_EQUAL(logged("\"event\":\"destroy\",\"key\":\"KML\""), 1);
    program_expect(cardkeys("destroy", kml), 3, "on none of its tokens here");
    CU_ASSERT_EQUAL(logged("\"event\":\"destroy\",\"key\":\"KML\""), 1);
    program_expect(cardkeys("run", yes), 0, "0 waiting"); /* made anew */
}

/* The components of a key that its token lost must give the key that the log knows. */
static void test_other_components(void)
{
    struct variant other = good;
    other.kml_b = OTHER_B;
    put_plan(&other);
    take_off("l-issuer", "KML-1");
    program_expect(cardkeys("run", yes), 3, "the audit log has");
    put_plan(&good);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
}

/* The plan cannot overrule the log: whoever exchanges a key can write its check value into the plan as well. */
static void test_exchanged_key(void)
{
    struct variant other = good;
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_key key = HSM_KEY_NONE;
    const struct hsm_key_ref ref = {
        .name = "KML", .label = "KML-1", .role = HSM_ROLE_MASTER, .algorithm = HSM_DES2};
    other.kml = ", kcv: \"" KML_A_KCV "\"";
    put_plan(&other);
    take_off("l-issuer", "KML-1");
    EXPECT_OK(softtoken_open(&soft, "l-issuer", &t, &err));
    EXPECT_OK(softtoken_import(t, &ref, KML_A, &key, &err));
    hsm_token_close(t);
    program_expect(cardkeys("verify", none), 3, "check value is " KML_A_KCV ", the audit log has");
    take_off("l-issuer", "KML-1");
    put_plan(&good);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
}

/* A token by another name, and the key on it is found anew: its dates are not. */
static void test_dates_of_a_key_that_is_found(void)
{
    struct variant dated = good, renamed = good;
    dated.kml = ", not_after: 2031-01-01";
    renamed.kml = ", not_after: 2041-01-01";
    renamed.token = "renamed";
    put_plan(&dated);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
    CU_ASSERT_EQUAL(logged("\"event\":\"key-dates\""), 1);
    put_plan(&renamed);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
    CU_ASSERT_EQUAL(logged("\"event\":\"key-dates\""), 2);
    put_plan(&good);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
}

/* A TEST plan asks nobody, so it does not go on in the log of one that is not TEST. */
static void test_log_of_another_kind(void)
{
    const struct audit_log_settings settings = {"cardkeys 0.1.0", clock_now, NULL, true};
    struct err err = ERR_INIT;
    struct audit_log *log = NULL;
    struct audit_event e;
    char path[256];
    file_path(path, "plan.audit.jsonl");
    put_plan(&good);
    move_file("plan.audit.jsonl", "kept.jsonl");
    audit_event_init(&e, "begin");
    audit_text(&e, "test", "no");
    EXPECT_OK(audit_log_open(&log, path, &settings, &err));
    EXPECT_OK(audit_log_append(log, &e, &err));
    audit_event_release(&e);
    audit_log_free(log);
    program_expect(cardkeys("destroy", kml), 2,
                   "is the log of a plan that is not TEST, and this plan is TEST");
    move_file("kept.jsonl", "plan.audit.jsonl");
}

/* A sitting was killed behind its signature. */
static void test_end_that_the_token_does_not_keep(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    put_plan(&good);
    program_expect(cardkeys("run", yes), 0, "0 waiting");
    program_expect(cardkeys("run", yes), 0, "0 made");
    EXPECT_OK(softtoken_open(&soft, "l-issuer", &t, &err));
    EXPECT_OK(hsm_data_remove(t, "cardkeys-audit-end", &err));
    hsm_token_close(t);
    size_t closings = logged("\"event\":\"close\"");
    program_expect(cardkeys("run", yes), 0, "1 made");
    CU_ASSERT_EQUAL(logged("\"event\":\"close\""), closings);
    program_expect(cardkeys("verify", none), 0, "its end is as the token keeps it");
}

static const struct test_case cases[] = {
    {"a signer's key that the log does not know is not believed", test_signer_that_nobody_compared},
    {"a destruction that was not written down is, afterwards", test_destruction_without_a_line},
    {"other components than those of the key that the log knows", test_other_components},
    {"a key that was exchanged together with its check value in the plan", test_exchanged_key},
    {"a key that is found keeps the dates that the log has", test_dates_of_a_key_that_is_found},
    {"a log that is closed, and its token does not keep that", test_end_that_the_token_does_not_keep},
    {"a TEST plan and a log that is not", test_log_of_another_kind},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    put_file("pin", SOFTTOKEN_PIN "\n");
    put_file("so", SOFTTOKEN_SO_PIN "\n");
    int status = suite_run("ceremony/log", cases, SUITE_COUNT(cases));
    softtoken_stop(&soft);
    return status;
}
