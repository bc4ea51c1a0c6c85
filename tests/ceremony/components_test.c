#include "ceremony/components.h"

#include <openssl/evp.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hex.h"
#include "suite.h"

#define PART_A "0123456789ABCDEFFEDCBA9876543210"
#define PART_B "00112233445566778899AABBCCDDEEFF"
#define PART_C "8F7E6D5C4B3A29180716253443526170"

static struct plan test_plan = {.test = true};
static struct ceremony ceremony = {.plan = &test_plan, .dialogue.keyboard = -1};

static struct plan_key key_of(char *algorithm, char *a, char *b, char *c)
{
    struct plan_key key = {
        .name = (char[]){"KML"}, .version = 1, .algorithm = algorithm, .origin = ORIGIN_COMPONENTS};
    char *const parts[] = {a, b, c};
    static char custodians[3][8] = {"one", "two", "three"};
    for (size_t i = 0; i < 3 && parts[i]; i++) {
        key.components[i] =
            (struct plan_component){.custodian = custodians[i], .source = COMPONENT_TEST, .text = parts[i]};
        key.component_count++;
    }
    return key;
}

static char des2[] = "des2", des3[] = "des3", aes128[] = "aes128";
static char part_a[] = PART_A, part_b[] = PART_B, part_c[] = PART_C;

static bool combine(const struct plan_key *key, struct secret *value, struct check_value *check,
                    struct err *err)
{
    *value = (struct secret)SECRET_NONE;
    return components_combine(&ceremony, key, value, check, err);
}

/* The XOR and its check value, from OpenSSL alone. */
static void xor_of(uint8_t out[16], const char *a, const char *b, const char *c)
{
    struct err err = ERR_INIT;
    uint8_t part[16];
    memset(out, 0, 16);
    for (const char *const *p = (const char *const[]){a, b, c, NULL}; *p; p++) {
        EXPECT_OK(hex_read_exact(*p, 32, part, 16, &err));
        for (size_t i = 0; i < 16; i++)
            out[i] ^= part[i];
    }
}

static void test_combination(void)
{
    struct err err = ERR_INIT;
    struct plan_key key = key_of(aes128, part_a, part_b, part_c);
    struct secret value;
    struct check_value check;
    uint8_t due[16];
    xor_of(due, PART_A, PART_B, PART_C);
    EXPECT_OK(combine(&key, &value, &check, &err));
    CU_ASSERT(bytes_equal(value.data, value.len, due, sizeof(due)));
    CU_ASSERT_EQUAL(check.len, 5);
    secret_release(&value);
}

static void test_parity(void)
{
    struct err err = ERR_INIT;
    struct plan_key key = key_of(des2, part_a, part_b, NULL);
    struct secret value;
    struct check_value check;
    uint8_t due[16], kcv[16];
    int len = 0;
    xor_of(due, PART_A, PART_B, NULL);
    EXPECT_OK(combine(&key, &value, &check, &err));
    CU_ASSERT_EQUAL(value.len, 16);
    for (size_t i = 0; i < value.len; i++) {
        CU_ASSERT_EQUAL(value.data[i] & 0xFE, due[i] & 0xFE);
        CU_ASSERT_EQUAL(__builtin_popcount(value.data[i]) % 2, 1);
    }
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CU_ASSERT(EVP_EncryptInit_ex(ctx, EVP_des_ede_ecb(), NULL, due, NULL) == 1);
    CU_ASSERT(EVP_EncryptUpdate(ctx, kcv, &len, (const uint8_t[8]){0}, 8) == 1);
    EVP_CIPHER_CTX_free(ctx);
    CU_ASSERT(bytes_equal(check.bytes, check.len, kcv, 3));
    secret_release(&value);
}

static void test_check_values(void)
{
    struct err err = ERR_INIT;
    struct plan_key key = key_of(des2, part_a, part_b, NULL);
    struct secret value;
    struct check_value check;
    /* published: TDES check value of 0123…3210 begins 08D7 (pyemv) */
    memcpy(key.components[0].kcv, "\x08\xD7", 2);
    key.components[0].kcv_len = 2;
    EXPECT_OK(combine(&key, &value, &check, &err));
    secret_release(&value);
    memcpy(key.kcv, check.bytes, 3);
    key.kcv_len = 3;
    EXPECT_OK(combine(&key, &value, &check, &err));
    secret_release(&value);
    key.kcv[2] ^= 1;
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_TOKEN, "combined key: check value is");
    key.components[0].kcv[1] ^= 1;
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_TOKEN,
                "component 1 of 2 (one): check value is 08D7");
    CU_ASSERT_PTR_NULL(value.data);
}

static void test_bad_text(void)
{
    struct err err = ERR_INIT;
    struct secret value;
    struct check_value check;
    char shorter[] = "0123456789ABCDEFFEDCBA98765432", wrong[] = "0123456789ABCDEFFEDCBA987654321G";
    char spaced[] = "0123 4567 89ab cdef fedc-ba98-7654-3210";
    struct plan_key key = key_of(aes128, part_a, shorter, NULL);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_INPUT, "component 2 of 2 (two): has 30 hex digits");
    key = key_of(aes128, wrong, part_b, NULL);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_INPUT, "no hex digit");
    CU_ASSERT_PTR_NULL(strstr(err.text, "0123")); /* nothing of it is shown */
    key = key_of(des3, part_a, part_b, NULL);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_INPUT, "as long as its key: 48");
    key = key_of(aes128, spaced, part_b, NULL);
    EXPECT_OK(combine(&key, &value, &check, &err));
    secret_release(&value);
}

static void test_weak(void)
{
    struct err err = ERR_INIT;
    struct secret value;
    struct check_value check;
    char left[] = "0123456789ABCDEF0123456789ABCDEF", right[] = "1111111111111111"
                                                                "1111111111111111";
    struct plan_key key = key_of(aes128, part_a, part_a, NULL);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_INPUT, "cancel each other out");
    key = key_of(des2, left, right, NULL);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_INPUT, "it would be single DES");
    key = key_of(aes128, part_a, NULL, NULL);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_CONFIG, "components are 2 or 3");
}

static void test_only_in_test_plans(void)
{
    struct err err = ERR_INIT;
    struct secret value;
    struct check_value check;
    struct plan_key key = key_of(aes128, part_a, part_b, NULL);
    test_plan.test = false;
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_CONFIG, "for TEST plans alone");
    test_plan.test = true;
}

static void test_file(void)
{
    struct err err = ERR_INIT;
    struct secret value;
    struct check_value check, typed;
    char path[] = "/tmp/cardprep-test-XXXXXX";
    struct plan_key key = key_of(aes128, part_a, part_b, NULL);
    EXPECT_OK(combine(&key, &value, &typed, &err));
    secret_release(&value);

    int fd = mkstemp(path);
    CU_ASSERT(write(fd, PART_A "\n", 33) == 33);
    key.components[0].source = COMPONENT_FILE;
    key.components[0].text = path;
    EXPECT_OK(combine(&key, &value, &check, &err));
    CU_ASSERT(bytes_equal(check.bytes, check.len, typed.bytes, typed.len));
    secret_release(&value);
    fchmod(fd, 0640);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_CONFIG, "chmod 600");
    close(fd);
    unlink(path);
    EXPECT_FAIL(combine(&key, &value, &check, &err), ERR_FILE, "No such file");
}

/* What the terminal shows until it shows `until`, appended to seen. */
static bool see(int terminal, char *seen, size_t size, const char *until)
{
    size_t len = strlen(seen), start = len;
    while (len + 1 < size) {
        ssize_t n = read(terminal, seen + len, size - 1 - len);
        if (n <= 0) return false;
        len += (size_t)n;
        seen[len] = 0;
        if (strstr(seen + start, until)) return true;
    }
    return false;
}

static int entered_at_terminal(void)
{
    struct err err = ERR_INIT;
    struct secret value;
    struct check_value check;
    struct plan_key key = key_of(des2, NULL, NULL, NULL);
    key.component_count = 2;
    key.components[0] = (struct plan_component){.custodian = (char[]){"one"}, .source = COMPONENT_PROMPT};
    key.components[1] = (struct plan_component){.custodian = (char[]){"two"}, .source = COMPONENT_PROMPT};
    memcpy(key.components[0].kcv, "\x08\xD7", 2);
    key.components[0].kcv_len = 2;
    struct ceremony c = ceremony;
    if (!dialogue_open(&c.dialogue, false, &err)) return 1;
    value = (struct secret)SECRET_NONE;
    bool ok = components_combine(&c, &key, &value, &check, &err);
    if (ok)
        printf("combined %02X%02X%02X\n", check.bytes[0], check.bytes[1], check.bytes[2]);
    else
        printf("%s\n", err.text);
    fflush(stdout);
    secret_release(&value);
    dialogue_close(&c.dialogue);
    return ok ? 0 : 1;
}

/* Waits for what the terminal shows, then types a line. */
static void answer(int terminal, char *seen, size_t size, const char *until, const char *line)
{
    CU_ASSERT(see(terminal, seen, size, until));
    CU_ASSERT(write(terminal, line, strlen(line)) == (ssize_t)strlen(line));
    CU_ASSERT(write(terminal, "\n", 1) == 1);
}

static void test_prompts(void)
{
    struct err err = ERR_INIT;
    struct plan_key key = key_of(des2, part_a, part_b, NULL);
    struct secret value;
    struct check_value check;
    char seen[8192] = "", expected[32];
    int terminal = -1, status = -1;

    EXPECT_OK(combine(&key, &value, &check, &err));
    secret_release(&value);
    snprintf(expected, sizeof(expected), "combined %02X%02X%02X", check.bytes[0], check.bytes[1],
             check.bytes[2]);
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    if (child == 0) _exit(entered_at_terminal());
    CU_ASSERT_FATAL(child > 0);
    char check_text[16];
    snprintf(check_text, sizeof(check_text), "%s", expected + 9);
    answer(terminal, seen, sizeof(seen), "one, type your name:", "two"); /* not who is called */
    answer(terminal, seen, sizeof(seen), "one, type your name:", "One");
    answer(terminal, seen, sizeof(seen),
           "digits 1 to 16 of 32, hidden:", "0123456789ABCDEG"); /* that line again */
    answer(terminal, seen, sizeof(seen), "digits 1 to 16 of 32, hidden:", "0123 4567 89AB CDEF");
    answer(terminal, seen, sizeof(seen),
           "digits 17 to 32 of 32, hidden:", "0000000000000000"); /* another value */
    /* the name is not asked for again: a component typed in its place would be seen */
    answer(terminal, seen, sizeof(seen), "from its first digit.\r\n  digits 1 to 16 of 32, hidden:", PART_A);
    answer(terminal, seen, sizeof(seen), "Is that the one on your form? [yes/no]", "yes");
    answer(terminal, seen, sizeof(seen), "two, type your name:", "two");
    answer(terminal, seen, sizeof(seen), "digits 1 to 16 of 32, hidden:", PART_B);
    answer(terminal, seen, sizeof(seen), "Is that the one on your form? [yes/no]", "yes");
    answer(terminal, seen, sizeof(seen), "type it from there:", check_text);
    CU_ASSERT(see(terminal, seen, sizeof(seen), "combined "));
    CU_ASSERT(strstr(seen, expected) || see(terminal, seen, sizeof(seen), "\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(seen, expected));
    CU_ASSERT_PTR_NULL(strstr(seen, PART_A)); /* no echo */
    CU_ASSERT_PTR_NULL(strstr(seen, PART_B));
    CU_ASSERT_PTR_NULL(strstr(seen, "0123 4567"));
    waitpid(child, &status, 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(terminal);
}

static const struct test_case cases[] = {
    {"three components are XORed", test_combination},
    {"a DES key gets odd parity and keeps OpenSSL's check value", test_parity},
    {"a wrong check value of a component or of the key is refused", test_check_values},
    {"another length or character is refused without being shown", test_bad_text},
    {"a zero key and single DES are refused", test_weak},
    {"text in the plan is for TEST plans", test_only_in_test_plans},
    {"a file of mode 0600 is read, a more open one refused", test_file},
    {"custodians type hidden, and again when mistyped", test_prompts},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return 1;
    return suite_run("ceremony/components", cases, SUITE_COUNT(cases));
}
