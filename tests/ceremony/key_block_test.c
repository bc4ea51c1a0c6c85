/* `cardkeys key-block` itself, on SoftHSM tokens of the test's own, with OpenSSL as the partner. All keys are test keys. */
#include "formats/key_block.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "key_block_partner.h"
#include "program.h"
#include "softtoken.h"
#include "suite.h"

#define ZEROS_16 "00000000000000000000000000000000"
#define KBPK_T   "404043434545464649494A4A4C4C4F4F" /* odd parity */
#define KBPK     "404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F"
#define MK_A     "0123456789ABCDEFFEDCBA9876543210"
#define MK_B     "00112233445566778899AABBCCDDEEFF"
#define MK_SUM   "01326754CDFEAB9876451023BA89DCEF" /* XOR, odd parity */
#define MK_IN    "8F7E6D5C4B3A29180716253443526170" /* AES */
#define MK_KCV   "D53D107106"
#define KEK_IN   MK_A MK_IN
#define KEK_KCV  "3A16DBF80D"

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

static bool file_is_there(const char *name)
{
    char path[256];
    file_path(path, name);
    return access(path, F_OK) == 0;
}

struct variant {
    const char *allow;  /* a line, or nothing */
    const char *mk_b;   /* second component of MK-AC */
    const char *in_kcv; /* of MK-IN, with its comma, or nothing */
    const char *kek_kcv;
};
static const struct variant good = {"allow_clear_key_block: yes\n", MK_B, ", kcv: \"" MK_KCV "\"", KEK_KCV};

static void put_plan(const struct variant *v)
{
    static char text[8192];
    snprintf(
        text, sizeof(text),
        "plan: blocks\ntest: yes\n%sissuer: \"476173\"\ntokens:\n"
        "  - {name: issuer, module: %s, label: k-issuer, pin: \"file:pin\", so_pin: \"file:so\", "
        "initialise: yes}\n"
        "  - {name: bureau, module: %s, label: k-bureau, pin: \"file:pin\", so_pin: \"file:so\", "
        "initialise: yes}\n"
        "keys:\n"
        "  - {name: KBPK, version: 1, role: kbpk, algorithm: des2, tokens: [issuer],\n"
        "     components: [{custodian: one, test: \"" KBPK_T "\"}, {custodian: two, test: \"" ZEROS_16
        "\"}]}\n"
        "  - {name: KBPK, version: 2, role: kbpk, algorithm: aes256, tokens: [issuer],\n"
        "     components: [{custodian: one, test: \"" KBPK "\"}, {custodian: two, test: \"" ZEROS_16 ZEROS_16
        "\"}]}\n"
        "  - {name: MK-AC, version: 3, role: master, algorithm: des2, method: emv-a, tokens: [issuer],\n"
        "     components: [{custodian: one, test: \"" MK_A "\"}, {custodian: two, test: \"%s\"}]}\n"
        "  - {name: MK-GEN, version: 1, role: master, algorithm: aes128, tokens: [issuer], generate: yes}\n"
        "  - {name: MK-IN, version: 7, role: master, algorithm: aes128, tokens: [bureau], key_block: yes, "
        "keep: yes%s}\n"
        "  - {name: KEK, version: 1, role: kek-issuer, algorithm: aes256, tokens: [issuer, {bureau: "
        "kek-bureau}],\n"
        "     components: [{custodian: one, test: \"" KEK_IN
        "\"}, {custodian: two, test: \"" ZEROS_16 ZEROS_16 "\"}], kcv: \"%s\"}\n",
        v->allow, soft.module, soft.module, v->mk_b, v->in_kcv, v->kek_kcv);
    put_file("plan.yaml", text);
}

/* Runs cardkeys with these arguments, in the folder of the plan; gives its exit status. */
#define CARDKEYS(...)                                                                                        \
    program_run(CARDKEYS_PATH, (const char *const[]){"cardkeys", __VA_ARGS__, NULL}, soft.folder)
#define EXPORT(...)             CARDKEYS("key-block", "export", "--yes", "plan.yaml", __VA_ARGS__)
#define IMPORT(...)             CARDKEYS("key-block", "import", "--yes", "plan.yaml", __VA_ARGS__)
#define EXPECT(call, due, part) expect_status(call, due, part, __LINE__)

static void expect_status(int is, int due, const char *part, int line)
{
    bool ok = is == due && strstr(program_output, part);
    if (!ok)
        fprintf(stderr, "line %d: status %d, not %d with \"%s\":\n%s\n", line, is, due, part, program_output);
    CU_ASSERT_TRUE(ok);
    CU_ASSERT_PTR_NULL(strstr(program_output, MK_SUM)); /* no key is ever shown */
    CU_ASSERT_PTR_NULL(strstr(program_output, MK_IN));
}

static size_t bytes_of(const char *hex, uint8_t out[64])
{
    struct err err = ERR_INIT;
    size_t len = strlen(hex) / 2;
    EXPECT_OK(hex_read_exact(hex, 2 * len, out, len, &err));
    return len;
}

/* The partner opens the file: header as due, key as due. */
static void expect_block(const char *name, const char *header, const char *kbpk, const char *due)
{
    struct err err = ERR_INIT;
    char path[256];
    struct stat st = {.st_mode = 0};
    struct buf text, key;
    struct key_block b;
    uint8_t clear[64], due_key[64];
    buf_init(&text, KEY_BLOCK_MAX + 2);
    buf_init(&key, 64);
    file_path(path, name);
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    EXPECT_OK(file_read_all(path, KEY_BLOCK_MAX + 2, &text, &err));
    CU_ASSERT_TRUE_FATAL(text.len > 1 && text.data[text.len - 1] == '\n');
    EXPECT_OK(key_block_read((const char *)text.data, text.len - 1, &b, &err));
    CU_ASSERT_TRUE(strncmp(b.text, header, strlen(header)) == 0);
    if (strncmp(b.text, header, strlen(header)) != 0) fprintf(stderr, "%.*s\n", (int)b.bound_len, b.text);
    size_t len = bytes_of(kbpk, clear), due_len = bytes_of(due, due_key);
    CU_ASSERT_TRUE(partner_open(b.text, text.len - 1, b.bound_len, clear, len, &key));
    CU_ASSERT_TRUE(bytes_equal(key.data, key.len, due_key, due_len));
    buf_release(&text);
    buf_release(&key);
}

static void test_not_allowed(void)
{
    struct variant no = good;
    no.allow = ""; /* not is the default */
    put_plan(&no);
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0", "--output", "out.txt"), 2,
           "it must say allow_clear_key_block: yes");
    put_file("in.txt", "D0016E0AX07N0000");
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 2, "it must say allow_clear_key_block: yes");
    no.allow = "allow_clear_key_block: no\n";
    put_plan(&no);
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 2, "it must say allow_clear_key_block: yes");
    CU_ASSERT_FALSE(file_is_there("out.txt"));
}

/* The first run makes everything but the key that a partner sends. */
static void test_ceremony(void)
{
    put_plan(&good);
    EXPECT(CARDKEYS("run", "plan.yaml", "--yes"), 0, "waiting: for its block: cardkeys key-block import");
}

static void test_export(void)
{
    put_plan(&good);
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0", "--output", "d.txt"), 0,
           "MK-AC/3 exported, under KBPK/2: version D, usage E0, algorithm T, mode X, exportability N");
    CU_ASSERT_PTR_NOT_NULL(strstr(program_output, "in clear, in locked memory"));
    expect_block("d.txt", "D0112E0TX03N0000", KBPK, MK_SUM);
    EXPECT(EXPORT("MK-AC/3", "--under", "KBPK/1", "--usage", "E1", "--exportability", "S", "--key-version",
                  "00", "--check-values", "--output", "b.txt"),
           0, "version B, usage E1");
    expect_block("b.txt", "B0120E1TX00S0200KC0C00", KBPK_T, MK_SUM);
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0", "--output", "d.txt"), 6, "d.txt");
    EXPECT(EXPORT("KEK", "--under", "KBPK/2", "--output", "kek.txt"), 0, "usage K0, algorithm A, mode D");
    expect_block("kek.txt", "D0144K0AD01N0000", KBPK, KEK_IN);
    EXPECT(EXPORT("KBPK/1", "--under", "KBPK/2", "--output", "kbpk.txt"), 0, "usage K1, algorithm T, mode B");
    expect_block("kbpk.txt", "D0112K1TB01N0000", KBPK, KBPK_T);
}

static void test_export_refused(void)
{
    struct variant other = good;
    put_plan(&good);
    EXPECT(EXPORT("MK-GEN", "--under", "KBPK/2", "--usage", "E0", "--output", "no.txt"), 2,
           "what is on a token never leaves it");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--output", "no.txt"), 2, "say which with --usage");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "K0", "--output", "no.txt"), 2,
           "usage K0 (key encryption) is not for a key that derives");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "P0", "--output", "no.txt"), 2, "usage P0");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0", "--mode", "E", "--output", "no.txt"), 2,
           "mode of use E");
    EXPECT(
        EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0", "--exportability", "Y", "--output", "no.txt"),
        2, "exportability");
    EXPECT(EXPORT("KEK", "--under", "KBPK/1", "--output", "no.txt"), 2, "no key travels under a weaker one");
    EXPECT(EXPORT("MK-AC", "--under", "KEK", "--usage", "E0", "--output", "no.txt"), 2,
           "its role is kek-issuer; key blocks are protected by a key of role kbpk");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK", "--usage", "E0", "--output", "no.txt"), 2,
           "several versions of key 'KBPK'");
    EXPECT(EXPORT("MK-XX", "--under", "KBPK/2", "--usage", "E0", "--output", "no.txt"), 2, "no key 'MK-XX'");
    EXPECT(EXPORT("KBPK/2", "--under", "KBPK/2", "--output", "no.txt"), 2, "does not protect itself");
    EXPECT(EXPORT("MK-AC", "--usage", "E0", "--output", "no.txt"), 2, "--under is missing");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0"), 2, "--output is missing");
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E", "--output", "no.txt"), 2, "2 characters");
    EXPECT(CARDKEYS("key-block", "show"), 2, "key-block export or key-block import");
    other.mk_b = MK_IN; /* other components than those that made the key on the token */
    put_plan(&other);
    EXPECT(EXPORT("MK-AC", "--under", "KBPK/2", "--usage", "E0", "--output", "no.txt"), 3,
           "another key has this label");
    CU_ASSERT_FALSE(file_is_there("no.txt"));
}

/* A partner's block in in.txt; header without its length. */
struct block_row {
    const char *header, *optional, *kbpk, *key;
    int status;
    const char *part; /* of the message */
};

static void put_block(const struct block_row *r)
{
    struct err err = ERR_INIT;
    uint8_t kbpk[64], key[64];
    size_t kbpk_len = bytes_of(r->kbpk, kbpk), len = bytes_of(r->key, key);
    size_t block = r->header[0] == 'B' ? 8 : 16, plain_len = (len + 2 + block - 1) / block * block;
    struct buf text;
    char length[24];
    buf_init(&text, KEY_BLOCK_MAX + 2);
    buf_put_format(&text, "%c0000%s%s", r->header[0], r->header + 1, r->optional);
    snprintf(length, sizeof(length), "%04zu", text.len + 2 * (plain_len + block));
    buf_set(&text, 1, length, 4);
    CU_ASSERT_TRUE(partner_seal(&text, kbpk, kbpk_len, key, len, plain_len));
    EXPECT_OK(buf_ok(&text, "block", &err));
    put_file("in.txt", buf_text(&text));
    buf_release(&text);
}

/* For MK-IN: a master of AES-128, version 7. */
static const struct block_row wrong_blocks[] = {
    {"DK0AB07N0000", "", KBPK, MK_IN, 4,
     "as role master: usage K0 (key encryption) is not for a key that derives"},
    {"DM6AG07N0000", "", KBPK, MK_IN, 4, "as role master: usage M6 (CMAC)"},
    {"DM3TG07N0000", "", KBPK, MK_A, 4, "as role master: usage M3"},
    {"DD0AB07N0000", "", KBPK, MK_IN, 4, "as role master: usage D0 (data encryption)"},
    {"DP0AE07N0000", "", KBPK, MK_IN, 4, "usage P0 is not known here"},
    {"DE0AE07N0000", "", KBPK, MK_IN, 4, "mode of use E does not go with usage E0"},
    {"DE0TX07N0000", "", KBPK, MK_A, 4, "algorithm T: the key is to be of A"},
    {"DE0AX06N0000", "", KBPK, MK_IN, 4, "the block holds version 06 of its key, the plan has MK-IN/7"},
    {"DE0AXc1N0000", "", KBPK, MK_IN, 4, "a component, not a key"},
    {"DE0AX07N0010", "", KBPK, MK_IN, 4, "made for storage"},
    {"DE0AX07N0000", "", KBPK, KEK_IN, 4, "the block's key has 256 bits: no AES-128 key"},
    {"DE0AX07N0000", "", KBPK, ZEROS_16, 4, "the block's key is zero"},
    {"DE0AX07N0000", "", KEK_IN, MK_IN, 5, "the MAC is wrong"},
    {"DE0AX07N0000", "", KBPK, MK_A, 3, "the plan expects " MK_KCV},
    {"DE0AX07N0200", "KC0E0112345678PB1200000000000000", KBPK, MK_IN, 3, "optional block KC: check value is"},
    {"DE0AX07N0100", "KC10010123456789", KBPK, MK_IN, 3, "optional block KC: check value is " MK_KCV},
    {"DE0AX07N0100", "KC1000" MK_KCV, KBPK, MK_IN, 4, "optional block KC: a check value of kind 00"},
    {"DE0AX07N0100", "KP10010123456789", KBPK, MK_IN, 3, "optional block KP: check value is "},
    {"BE0TX07N0000", "", KBPK_T, MK_A, 4, "a block of version B is not under a KBPK of AES-256"},
};

static void test_import_refused(void)
{
    struct variant without = good;
    put_plan(&good);
    for (size_t i = 0; i < SUITE_COUNT(wrong_blocks); i++) {
        put_block(&wrong_blocks[i]);
        EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), wrong_blocks[i].status, wrong_blocks[i].part);
        CU_ASSERT_PTR_NOT_NULL(strstr(program_output, "in.txt: key block of MK-IN/7: "));
    }
    put_file("in.txt",
             "A0088M3TC00E000062C2C14D8785A01A9E8283525CA96F490D0CC6346FC7C2AC1E6FF354468910379AA5BBA6\n");
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 4,
           "version A (keys made by XOR) is not supported");
    put_file("in.txt", "");
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 4, "offset 0");
    EXPECT(IMPORT("MK-IN", "gone.txt", "--under", "KBPK/2"), 6, "gone.txt");
    without.in_kcv = "";
    put_plan(&without);
    put_block(&(struct block_row){"DE0AX07N0000", "", KBPK, MK_IN, 0, ""});
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 2, "has the 'kcv' that its sender told");
    put_plan(&good);
    EXPECT(CARDKEYS("list", "plan.yaml"), 0, "MK-IN/7 on bureau                            to be made");
}

static void test_import(void)
{
    put_plan(&good);
    put_block(&(struct block_row){"DE0AX07E0300", "KC1001" MK_KCV "KS1800604B120F9292800000PB080000", KBPK,
                                  MK_IN, 0, ""});
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 0,
           "TEST  MK-IN/7 imported, under KBPK/2: version D, usage E0, algorithm A, mode X, exportability E, "
           "check value " MK_KCV);
    EXPECT(IMPORT("MK-IN", "in.txt", "--under", "KBPK/2"), 0, "MK-IN/7 already there");
    EXPECT(CARDKEYS("list", "plan.yaml"), 0, "check value " MK_KCV);
}

/* At how many of the two tokens the KEK is; with `removes`, it is not afterwards. */
static size_t kek_places(bool removes)
{
    static const struct {
        const char *token;
        enum hsm_role role;
    } places[] = {{"k-issuer", HSM_ROLE_KEK_ISSUER}, {"k-bureau", HSM_ROLE_KEK_BUREAU}};
    struct err err = ERR_INIT;
    size_t count = 0;
    for (size_t i = 0; i < SUITE_COUNT(places); i++) {
        struct hsm_key_ref ref = {
            .name = "KEK", .label = "KEK-1", .role = places[i].role, .algorithm = HSM_AES256};
        struct hsm_key key = HSM_KEY_NONE;
        struct hsm_token *t = NULL;
        bool there = false;
        EXPECT_OK(softtoken_open(&soft, places[i].token, &t, &err));
        EXPECT_OK(hsm_key_exists(t, ref.label, &there, &err));
        count += there;
        if (there && removes) {
            EXPECT_OK(hsm_key_find(t, &ref, &key, &err));
            hsm_key_destroy(t, &key);
        }
        hsm_token_close(t);
    }
    return count;
}

/* The n-th call of each function fails, for each n until the import succeeds: the key is nowhere then. */
static void test_failing_calls(void)
{
    static const char *const functions[] = {"C_CreateObject",     "C_DeriveKey", "C_DecryptInit",
                                            "C_Decrypt",          "C_SignInit",  "C_Sign",
                                            "C_GetAttributeValue"};
    const struct softtoken direct = soft;
    put_block(&(struct block_row){"DK0AB01N0000", "", KBPK, KEK_IN, 0, ""});
    CU_ASSERT_EQUAL(kek_places(true), 2); /* the ceremony made it of its components */
    for (size_t i = 0; i < SUITE_COUNT(functions); i++) {
        size_t refused = 0;
        int status = -1;
        for (unsigned n = 1; status != 0 && n < 200; n++) {
            char fault[64];
            softtoken_proxy(&soft);
            put_plan(&good);
            snprintf(fault, sizeof(fault), "%s:%u:0x30", functions[i], n);
            setenv("P11PROXY_FAIL", fault, 1);
            status = IMPORT("KEK", "in.txt", "--under", "KBPK/2");
            unsetenv("P11PROXY_FAIL");
            soft = direct;
            CU_ASSERT_TRUE(status == 0 || status == 3);
            CU_ASSERT_EQUAL(kek_places(status == 0), status == 0 ? 2 : 0);
            refused += status == 3;
        }
        CU_ASSERT_EQUAL(status, 0);
        if (refused == 0) fprintf(stderr, "no %s was missed\n", functions[i]);
        CU_ASSERT_TRUE(refused > 0);
    }
}

/* A KEK is on two tokens in two roles: the block must allow both. */
static void test_two_roles(void)
{
    put_plan(&good);
    put_block(&(struct block_row){"DK0AD01N0000", "", KBPK, KEK_IN, 0, ""});
    EXPECT(IMPORT("KEK", "in.txt", "--under", "KBPK/2"), 4,
           "as role kek-issuer: mode of use D is not for a key that wraps");
    put_block(&(struct block_row){"DK0AE01N0000", "", KBPK, KEK_IN, 0, ""});
    EXPECT(IMPORT("KEK", "in.txt", "--under", "KBPK/2"), 4,
           "as role kek-bureau: mode of use E is not for a key that unwraps");
    put_block(&(struct block_row){"DE0AX01N0000", "", KBPK, KEK_IN, 0, ""});
    EXPECT(IMPORT("KEK", "in.txt", "--under", "KBPK/2"), 4, "as role kek-issuer: usage E0");
    put_block(&(struct block_row){"DK0AB00N0000", "", KBPK, KEK_IN, 0, ""});
    EXPECT(IMPORT("KEK", "in.txt", "--under", "KBPK/2"), 0, "KEK/1 imported");
    EXPECT(CARDKEYS("run", "plan.yaml", "--yes"), 0, "0 waiting"); /* nothing is missing any more */
}

/* What one plan exports another one imports, bytes and all. */
static void test_round_trip(void)
{
    put_plan(&good);
    EXPECT(IMPORT("KEK", "kek.txt", "--under", "KBPK/2"), 4,
           "mode of use D"); /* it was made for a receiver */
    EXPECT(EXPORT("KEK", "--under", "KBPK/2", "--mode", "B", "--check-values", "--output", "both.txt"), 0,
           "mode B");
    EXPECT(IMPORT("KEK", "both.txt", "--under", "KBPK/2"), 0, "KEK/1 already there");
}

static const struct test_case cases[] = {
    {"a plan that does not allow it: both refuse", test_not_allowed},
    {"the ceremony waits for the key that a partner sends", test_ceremony},
    {"a partner opens what is exported", test_export},
    {"what may not leave, and how it may not", test_export_refused},
    {"what does not fit the key, its role, its KBPK or the plan is refused", test_import_refused},
    {"a partner's key comes onto its token, once", test_import},
    {"any call that fails leaves the key on none of its tokens", test_failing_calls},
    {"a KEK comes onto two tokens in two roles", test_two_roles},
    {"what is exported is imported again", test_round_trip},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err) || !softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    put_file("pin", SOFTTOKEN_PIN "\n");
    put_file("so", SOFTTOKEN_SO_PIN "\n");
    int status = suite_run("ceremony/key_block", cases, SUITE_COUNT(cases));
    softtoken_stop(&soft);
    return status;
}
