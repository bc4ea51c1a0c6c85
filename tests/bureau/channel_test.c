/* Whole sessions of the known answers: each command as it is sent, each answer as it comes back. */
#include "bureau/channel.h"

#include "softtoken.h"
#include "suite.h"
#include "vectors.h"

static struct softtoken soft;
static struct err err;
static struct hsm_token *t;

static bool import(const char *hex, enum hsm_role role, bool aes, struct hsm_key *out)
{
    const size_t len = strlen(hex) / 2;
    const struct hsm_key_ref ref = {.name = "static",
                                    .role = role,
                                    .algorithm = !aes        ? HSM_DES2
                                                 : len == 16 ? HSM_AES128
                                                 : len == 24 ? HSM_AES192
                                                             : HSM_AES256};
    bool ok = softtoken_import(t, &ref, hex, out, &err);
    if (!ok) fprintf(stderr, "%s\n", err.text);
    return ok;
}

static bool take(const struct vector_block *block, const char *name, uint8_t *out, size_t len)
{
    struct buf b;
    buf_init(&b, 512);
    bool ok = vector_hex(block, name, &b) && b.len == len;
    if (ok) memcpy(out, b.data, len);
    buf_release(&b);
    return ok;
}

static bool session_scp02(struct channel *c)
{
    uint8_t enc[16], mac[16], dek[16];
    const struct hsm_channel_data data = {enc, mac, NULL, dek};
    scp02_session_data(SCP02_ENC, c->answer.sequence, enc);
    scp02_session_data(SCP02_C_MAC, c->answer.sequence, mac);
    scp02_session_data(SCP02_DEK, c->answer.sequence, dek);
    return hsm_channel_open(t, &c->keys, &data, &c->session, &err);
}

static void kdf(const struct channel *c, enum scp03_constant constant, const uint8_t host[8], uint8_t out[64])
{
    for (uint8_t n = 0; n < 2; n++) {
        const struct scp03_derivation d = {constant, hsm_algorithm_len(c->keys.enc.algorithm) * 8,
                                           (uint8_t)(n + 1)};
        scp03_kdf_input(&d, host, c->answer.challenge, &out[32 * n]);
    }
}

static bool session_scp03(struct channel *c, const uint8_t host[8])
{
    uint8_t enc[64], mac[64], rmac[64];
    const struct hsm_channel_data data = {enc, mac, rmac, NULL};
    kdf(c, SCP03_S_ENC, host, enc);
    kdf(c, SCP03_S_MAC, host, mac);
    kdf(c, SCP03_S_RMAC, host, rmac);
    return hsm_channel_open(t, &c->keys, &data, &c->session, &err);
}

/* A channel with the block's keys, before its first command. */
static bool open_block(const struct vector_block *block, bool aes, struct channel *c)
{
    static const struct ring_card_key some = {.name = "vector"};
    const char *enc = vector_text(block, "static_enc");
    uint8_t host[8];
    c->from = &some;
    c->answer.protocol = aes ? SCP03 : SCP02;
    if (!import(enc, HSM_ROLE_CHANNEL_BASE, aes, &c->keys.enc) ||
        !import(vector_text(block, "static_mac"), HSM_ROLE_CHANNEL_BASE, aes, &c->keys.mac) ||
        !import(enc, aes ? HSM_ROLE_CHANNEL_DATA : HSM_ROLE_CHANNEL_BASE, aes, &c->keys.dek) ||
        !take(block, "host_challenge", host, 8))
        return false;
    if (!aes) return take(block, "sequence", c->answer.sequence, 2) && session_scp02(c);
    return take(block, "card_challenge", c->answer.challenge, 8) && session_scp03(c, host);
}

static bool sends(struct channel *c, const struct apdu *a, const struct buf *due)
{
    struct buf out;
    buf_init(&out, 512);
    bool ok = channel_secure(c, a, &out, &err) && bytes_equal(out.data, out.len, due->data, due->len);
    buf_release(&out);
    return ok;
}

static bool authenticate(struct channel *c, const struct vector_block *block)
{
    struct buf due;
    uint8_t level = 0;
    buf_init(&due, 512);
    bool ok =
        vector_hex(block, "external_authenticate", &due) && due.len == 21 && take(block, "level", &level, 1);
    if (ok) {
        const struct apdu a = {0x80, 0x82, level, 0, &due.data[5], 8, 0};
        c->level = SCP_C_MAC;
        ok = sends(c, &a, &due);
        c->level = level;
    }
    buf_release(&due);
    return ok;
}

static bool answers(struct channel *c, const struct vector_block *block, int n)
{
    char name[32];
    struct buf in, due, out;
    struct apdu_answer a;
    buf_init(&in, 512);
    buf_init(&due, 512);
    buf_init(&out, 512);
    snprintf(name, sizeof name, "secured_response_%d", n);
    bool ok = true;
    if (vector_hex(block, name, &in)) {
        snprintf(name, sizeof name, "response_%d", n);
        ok = vector_hex(block, name, &due) && apdu_answer_read(in.data, in.len, &a, &err) &&
             channel_answer(c, &a, &out, &err) &&
             bytes_equal(out.data, out.len, due.data, due.len - 2); /* the status word stands there too */
    }
    buf_release(&in);
    buf_release(&due);
    buf_release(&out);
    return ok;
}

static bool commands(struct channel *c, const struct vector_block *block, unsigned *seen)
{
    struct buf in, due;
    struct apdu a;
    bool ok = true;
    buf_init(&in, 512);
    buf_init(&due, 512);
    for (int n = 1; ok && n < 6; n++) {
        char plain[32], secured[32];
        snprintf(plain, sizeof plain, "command_%d", n);
        snprintf(secured, sizeof secured, "secured_%d", n);
        if (!vector_hex(block, plain, &in)) break;
        ok = vector_hex(block, secured, &due) && apdu_read(in.data, in.len, &a, &err) && sends(c, &a, &due) &&
             answers(c, block, n);
        if (!ok) fprintf(stderr, "command %d: %s\n", n, err.text);
        (*seen)++;
    }
    buf_release(&in);
    buf_release(&due);
    return ok;
}

static void run(const char *op, bool aes, unsigned due)
{
    struct ring ring = {.t = t};
    struct vector_file *f = NULL;
    struct vector_block block;
    bool end = false;
    unsigned seen = 0;
    uint8_t host[8];
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        struct channel c;
        if (!vector_is_op(&block, op) || !take(&block, "host_challenge", host, 8)) continue; /* S16 */
        channel_init(&c, &ring);
        bool right = open_block(&block, aes, &c) && authenticate(&c, &block) && commands(&c, &block, &seen);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
        channel_close(&c);
    }
    CU_ASSERT_TRUE(seen >= due);
    vector_file_free(f);
}

static void test_scp02(void)
{
    run("scp02", false, 7);
}

static void test_scp03(void)
{
    run("scp03", true, 11);
}

static void test_closed(void)
{
    struct ring ring = {.t = t};
    struct channel c;
    struct buf out;
    const struct apdu a = {.ins = 0xE2};
    const struct apdu_answer answer = {NULL, 0, 0x9000};
    buf_init(&out, 512);
    channel_init(&c, &ring);
    EXPECT_FAIL(channel_secure(&c, &a, &out, &err), ERR_INTERNAL, "no channel is open");
    EXPECT_FAIL(channel_answer(&c, &answer, &out, &err), ERR_INTERNAL, "no channel is open");
    channel_close(&c);
    buf_release(&out);
}

/* What is wrong with answers that should have a MAC, or be encrypted. */
static void test_answers(void)
{
    static const uint8_t short_mac[4] = {1};
    struct ring ring = {.t = t};
    static const struct ring_card_key some = {.name = "vector"};
    struct channel c;
    struct buf out;
    struct apdu_answer answer = {short_mac, sizeof short_mac, 0x9000};
    buf_init(&out, 512);
    channel_init(&c, &ring);
    c.from = &some;
    c.level = SCP_C_MAC | SCP_R_MAC;
    EXPECT_FAIL(channel_answer(&c, &answer, &out, &err), ERR_INTEGRITY, "has no MAC");
    answer = (struct apdu_answer){NULL, 0, 0x6A80};
    EXPECT_OK(channel_answer(&c, &answer, &out, &err)); /* refusals have none */
    buf_release(&out);
}

static const struct test_case cases[] = {
    {"SCP02 sessions", test_scp02},
    {"SCP03 sessions with 128, 192 and 256 bits", test_scp03},
    {"no channel", test_closed},
    {"answers without a MAC", test_answers},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && softtoken_open(&soft, "bureau", &t, &err);
    if (!ready) fprintf(stderr, "%s\n", err.text);
    int status = ready ? suite_run("bureau/channel", cases, SUITE_COUNT(cases)) : 1;
    hsm_token_close(t);
    softtoken_stop(&soft);
    return status;
}
