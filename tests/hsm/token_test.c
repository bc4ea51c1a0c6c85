/* Opening tokens: which one, which PIN, several at once. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hsm/tokens.h"
#include "hsm/internal.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

static struct secret pin_of(const char *text)
{
    struct err err = ERR_INIT;
    struct secret pin = SECRET_NONE;
    EXPECT_OK(secret_copy(&pin, text, strlen(text), &err));
    return pin;
}

static void refuse(const struct hsm_token_choice *choice, const char *pin_text, enum err_kind kind,
                   const char *part)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct secret pin = pin_of(pin_text);
    EXPECT_FAIL(hsm_token_open(&t, choice, HSM_LOGIN_USER, &pin, 0, &err), kind, part);
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_PTR_NULL(strstr(err.text, pin_text));
    secret_release(&pin);
}

static void accept(const struct hsm_token_choice *choice, const char *label)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct secret pin = pin_of(SOFTTOKEN_PIN);
    EXPECT_OK(hsm_token_open(&t, choice, HSM_LOGIN_USER, &pin, 0, &err));
    if (t) CU_ASSERT_STRING_EQUAL(hsm_token_label(t), label);
    hsm_token_close(t);
    secret_release(&pin);
}

static void test_choice(void)
{
    char uri[512];
    struct hsm_token_choice choice = softtoken_choice(&soft, "issuer");
    accept(&choice, "issuer");
    choice = softtoken_choice(&soft, "nobody");
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "token 'nobody': no such token is present, only '");
    choice = softtoken_choice(&soft, NULL);
    refuse(&choice, SOFTTOKEN_PIN, ERR_CONFIG, "no token is named");
    choice.uri = "pkcs11:token=bureau";
    accept(&choice, "bureau");
    choice.label = "issuer"; /* both must fit */
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "no such token");
    choice = (struct hsm_token_choice){.uri = "pkcs11:token=issuer"};
    refuse(&choice, SOFTTOKEN_PIN, ERR_CONFIG, "no PKCS#11 module is named");
    snprintf(uri, sizeof uri, "pkcs11:token=issuer?module-path=%s", soft.module);
    choice.uri = uri;
    accept(&choice, "issuer");
    choice = softtoken_choice(&soft, "issuer");
    choice.serial = "0000";
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "no such token");
    choice = (struct hsm_token_choice){.module = "/nonexistent/module.so", .label = "issuer"};
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN,
           "token 'issuer': PKCS#11 module cannot be loaded: /nonexistent/module.so");
    choice.module = "libm.so.6";
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "is no PKCS#11 module");
}

static void test_uri(void)
{
    static const struct {
        const char *uri, *part;
        bool object;
    } bad[] = {
        {"token=issuer", "is no PKCS#11 URI", false},
        {"pkcs11:", "names no token", false},
        {"pkcs11:token=a;color=red", "a part that is not known", false},
        {"pkcs11:token=%zz", "is no PKCS#11 URI", false},
        {"pkcs11:token=issuer", "names no object", true},
        {"pkcs11:token=issuer?pin-value=1234", "may not hold a PIN", false},
    };
    struct err err = ERR_INIT;
    char name[64];
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        EXPECT_FAIL(hsm_uri_check(bad[i].uri, bad[i].object, &err), ERR_CONFIG, bad[i].part);
        CU_ASSERT_PTR_NULL(strstr(err.text, "1234"));
    }
    EXPECT_OK(hsm_uri_check("pkcs11:token=issuer;serial=12", false, &err));
    EXPECT_OK(hsm_uri_check("pkcs11:token=issuer;object=KML;type=secret-key", true, &err));
    struct hsm_token_choice choice = {.uri = "pkcs11:token=my%20token"};
    hsm_token_choice_name(&choice, name, sizeof name);
    CU_ASSERT_STRING_EQUAL(name, "token 'my token'");
    choice = (struct hsm_token_choice){.serial = "77"};
    hsm_token_choice_name(&choice, name, sizeof name);
    CU_ASSERT_STRING_EQUAL(name, "token with serial number '77'");
}

/* A wrong PIN is tried once: the log of the proxy shows one C_Login. */
static void test_pin(void)
{
    struct softtoken through = soft;
    char path[256], line[512];
    size_t logins = 0;
    softtoken_proxy(&through);
    struct hsm_token_choice choice = softtoken_choice(&through, "issuer");
    refuse(&choice, "987654", ERR_TOKEN, "token 'issuer': C_Login: CKR_PIN_INCORRECT (the PIN is wrong");
    softtoken_log_path(&through, path, sizeof path);
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f))
        logins += strstr(line, "C_Login") != NULL;
    fclose(f);
    CU_ASSERT_EQUAL(logins, 1);
}

static void test_twins(void)
{
    struct err err = ERR_INIT;
    struct hsm_module *m = NULL;
    unsigned long rv = 0;
    void *list = NULL;
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_TOKEN_INFO info;
    unsigned char label[32], pin[] = SOFTTOKEN_SO_PIN;
    struct hsm_token_choice choice = softtoken_choice(&soft, "twin");
    CU_ASSERT_TRUE(softtoken_add(&soft, "twin"));
    accept(&choice, "twin");

    memset(label, ' ', sizeof label);
    memcpy(label, "twin", 4);
    EXPECT_OK(hsm_module_open(&m, soft.module, NULL, &rv, &err));
    CU_ASSERT_EQUAL_FATAL(hsm_module_entry(m)(&list), CKR_OK);
    CK_FUNCTION_LIST *fn = list;
    CU_ASSERT_EQUAL(fn->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        if (fn->C_GetTokenInfo(slots[i], &info) == CKR_OK && !(info.flags & CKF_TOKEN_INITIALIZED))
            CU_ASSERT_EQUAL(fn->C_InitToken(slots[i], pin, sizeof pin - 1, label), CKR_OK);
    }
    hsm_module_release(m);
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "token 'twin': 2 tokens fit: name its serial number too");
}

static void test_initialise(void)
{
    struct err err = ERR_INIT;
    struct secret pin = pin_of(SOFTTOKEN_PIN), so = pin_of(SOFTTOKEN_SO_PIN);
    struct hsm_token_init init = {soft.module, NULL, "issuer", &so, &pin};
    EXPECT_FAIL(hsm_token_initialise(&init, &err), ERR_TOKEN,
                "token 'issuer': there is a token of this name already");
    init.label = "";
    EXPECT_FAIL(hsm_token_initialise(&init, &err), ERR_CONFIG, "1 to 32 bytes");
    secret_release(&pin);
    secret_release(&so);
}

/* A PIN that the token would refuse is refused before the token is made. */
static void test_pin_lengths(void)
{
    struct err err = ERR_INIT;
    struct secret good = pin_of(SOFTTOKEN_PIN), small = pin_of("123");
    struct hsm_token_init init = {soft.module, NULL, "lengths", &good, &small};
    bool is = true;
    EXPECT_FAIL(hsm_token_initialise(&init, &err), ERR_TOKEN,
                "token 'lengths': the user PIN is too short: the token wants 4 to 255 characters");
    init.user_pin = &good;
    init.so_pin = &small;
    EXPECT_FAIL(hsm_token_initialise(&init, &err), ERR_TOKEN, "the security officer's PIN is too short");
    EXPECT_OK(hsm_token_is_initialised(soft.module, NULL, "lengths", &is, &err));
    CU_ASSERT_FALSE(is);
    struct hsm_token_choice choice = softtoken_choice(&soft, "lengths");
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "no such token is present");
    secret_release(&good);
    secret_release(&small);
}

static void test_beside(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *first = NULL, *second = NULL;
    struct hsm_token_choice choice = softtoken_choice(&soft, "bureau");
    struct secret pin = pin_of(SOFTTOKEN_PIN);
    uint8_t random[16] = {0};
    EXPECT_OK(softtoken_open(&soft, "issuer", &first, &err));
    EXPECT_FAIL(hsm_token_open(&second, &choice, HSM_LOGIN_USER, &pin, 0, &err), ERR_TOKEN,
                "beside the first");
    EXPECT_OK(hsm_token_open_beside(&second, first, &choice, &pin, 0, &err));
    CU_ASSERT_STRING_EQUAL(hsm_token_label(second), "bureau");
    hsm_token_close(first);
    EXPECT_OK(hsm_random(second, random, sizeof random, &err));
    CU_ASSERT_FALSE(bytes_all(random, sizeof random, 0));
    hsm_token_close(second);
    secret_release(&pin);
}

struct seen {
    bool issuer, bureau;
};

static void see(void *context, const char *label, const char *serial, const char *model)
{
    struct seen *seen = context;
    seen->issuer |= strcmp(label, "issuer") == 0 && serial[0] && model[0];
    seen->bureau |= strcmp(label, "bureau") == 0;
}

static void test_list(void)
{
    struct err err = ERR_INIT;
    struct seen seen = {false, false};
    EXPECT_OK(hsm_token_list(soft.module, NULL, see, &seen, &err));
    CU_ASSERT_TRUE(seen.issuer && seen.bureau);
}

/* A session that may only read refuses a token object, in words. */
static void test_read_only(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_token_choice choice = softtoken_choice(&soft, "issuer");
    struct secret pin = pin_of(SOFTTOKEN_PIN);
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_key_ref ref = {.name = "KML", .label = "KML", .role = HSM_ROLE_MASTER, .algorithm = HSM_DES2};
    EXPECT_OK(hsm_token_open(&t, &choice, HSM_LOGIN_USER, &pin, 0, &err));
    EXPECT_FAIL(hsm_key_generate(t, &ref, &key, &err), ERR_TOKEN,
                "generate key 'KML': C_GenerateKey: CKR_SESSION_READ_ONLY");
    hsm_token_close(t);
    secret_release(&pin);
}

/* Opens the token `times` over; the exit status tells whether each start succeeded. */
static int start_over(int times)
{
    struct err err = ERR_INIT;
    for (int i = 0; i < times; i++) {
        struct hsm_token *t = NULL;
        if (!softtoken_open(&soft, "issuer", &t, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        hsm_token_close(t);
    }
    return 0;
}

static void test_simultaneous(void)
{
    enum { PROCESSES = 4, STARTS = 10 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(start_over(STARTS));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;
        CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
        CU_ASSERT_EQUAL(status, 0);
    }
}

/* Without the lock, the retry alone must heal what is transient, and nothing else. */
static void test_retry(void)
{
    static const char *const transient[] = {"C_Initialize:1:0x5", "C_OpenSession:1:0xE1", "C_Login:1:0x5",
                                            "C_Login:1:0x102"};
    struct err err = ERR_INIT;
    char once[256];
    struct softtoken through = soft;
    softtoken_proxy(&through);
    snprintf(once, sizeof once, "%s/once", soft.folder);
    setenv("P11PROXY_ONCE", once, 1);
    for (size_t i = 0; i < SUITE_COUNT(transient); i++) {
        struct hsm_token *t = NULL;
        unlink(once);
        setenv("P11PROXY_FAIL", transient[i], 1);
        EXPECT_OK(softtoken_open(&through, "issuer", &t, &err));
        CU_ASSERT_EQUAL(access(once, F_OK), 0);
        hsm_token_close(t);
    }
    unsetenv("P11PROXY_ONCE");
    setenv("P11PROXY_FAIL", "C_Login:1:0xA4", 1);
    struct hsm_token_choice choice = softtoken_choice(&through, "issuer");
    refuse(&choice, SOFTTOKEN_PIN, ERR_TOKEN, "C_Login: CKR_PIN_LOCKED");
    unsetenv("P11PROXY_FAIL");
}

/* The faults that tests of workers use: which signal ended a process that opened the token, or 0. */
static int ended_by(const char *variable, const char *fault)
{
    struct softtoken through = soft;
    int status = 0;
    softtoken_proxy(&through);
    setenv(variable, fault, 1);
    pid_t child = fork();
    if (child == 0) {
        struct err err = ERR_INIT;
        struct hsm_token *t = NULL;
        alarm(2); /* ends a process that hangs */
        bool ok = softtoken_open(&through, "issuer", &t, &err);
        hsm_token_close(t);
        _exit(ok ? 0 : 1);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    unsetenv(variable);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_proxy_faults(void)
{
    char once[256];
    CU_ASSERT_EQUAL(ended_by("P11PROXY_KILL", "C_Login:1"), SIGKILL);
    CU_ASSERT_EQUAL(ended_by("P11PROXY_HANG", "C_OpenSession:1"), SIGALRM);
    snprintf(once, sizeof once, "%s/once-more", soft.folder);
    setenv("P11PROXY_ONCE", once, 1);
    CU_ASSERT_EQUAL(ended_by("P11PROXY_KILL", "C_Login:1"), SIGKILL);
    CU_ASSERT_EQUAL(ended_by("P11PROXY_KILL", "C_Login:1"), 0);
    unsetenv("P11PROXY_ONCE");
}

static const struct test_case cases[] = {
    {"a token is found by label, serial or URI, and all that is given must fit", test_choice},
    {"URIs are checked without a token", test_uri},
    {"a wrong PIN is tried once and not repeated in the message", test_pin},
    {"two tokens of one label are refused", test_twins},
    {"a token is not initialised over another", test_initialise},
    {"PINs of a length that the token refuses make no token", test_pin_lengths},
    {"a second token of the module is opened beside the first", test_beside},
    {"tokens of a module are listed", test_list},
    {"a session that may only read makes no token object", test_read_only},
    {"four processes start at once, again and again", test_simultaneous},
    {"the proxy kills or hangs a process at a call, if asked only once", test_proxy_faults},
    {"a transient failure at start is tried again, another is not", test_retry},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "issuer") && softtoken_add(&soft, "bureau");
    int status = ready ? suite_run("hsm/token", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
