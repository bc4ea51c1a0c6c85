#include "run.h"

#include <openssl/core_names.h>

#include "bureau/channel.h"
#include "suite.h"

static struct err err;

bool run_begin(struct run *r, struct ring *ring, const struct stage_record *record)
{
    struct buf b;
    buf_init(&b, 200000);
    stage_put_record(&b, record);
    r->ring = ring;
    r->record = NULL;
    r->turns = 0;
    r->tries = 0;
    r->failed = false;
    card_turn_init(&r->turn);
    EXPECT_OK(open_record_new(&r->record, ring, NULL, &(struct hsm_span){b.data, b.len}, 0, &err));
    buf_release(&b);
    return r->record != NULL;
}

void run_to_end(struct run *r)
{
    static const uint8_t challenge[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct channel channel;
    struct conversation *c = NULL;
    channel_init(&channel, r->ring);
    channel.due_kmc = r->record->kmc_version;
    const struct conversation_order order = {r->record, channel_crypto(&channel), challenge, r->tries, false,
                                             false};
    EXPECT_OK(conversation_new(&c, &order, &r->turn, &err));
    while (c && !r->turn.done && r->turns++ < 500) {
        uint8_t answer[PLASTIC_ANSWER];
        size_t len = plastic_command(&r->card, r->turn.command.data, r->turn.command.len, answer);
        if (conversation_answer(c, answer, len, &r->turn, &err)) continue;
        r->failed = true;
        r->turn.outcome = conversation_outcome(c);
        break;
    }
    r->turn.what = "";
    conversation_free(c);
}

void run_end(struct run *r)
{
    open_record_free(r->record);
    card_turn_release(&r->turn);
}

static void expect_value(const struct plastic_app *app, uint16_t id, uint8_t p1, const uint8_t *due,
                         size_t len)
{
    const struct plastic_dgi *got = plastic_got(app, id);
    bool same = got && got->p1 == p1 && bytes_equal(got->value, got->len, due, len);
    if (!same) fprintf(stderr, "DGI %04X: %s\n", (unsigned)id, got ? "another value" : "never got");
    CU_ASSERT_TRUE(same);
}

/* len bytes, then 80 and zeros to whole blocks. */
static size_t padded(uint8_t *out, const uint8_t *in, size_t len, size_t block)
{
    memcpy(out, in, len);
    out[len++] = 0x80;
    while (len % block != 0)
        out[len++] = 0;
    return len;
}

static void expect_purse(const struct plastic_app *app, size_t block)
{
    uint8_t joined[64];
    memcpy(joined, stage_kdl, 16);
    memcpy(&joined[16], stage_kdu, 16);
    CU_ASSERT_TRUE(app->personalized);
    expect_value(app, 0x8000, 0x60, joined, 32);
    if (block == 8) {
        expect_value(app, 0x8010, 0x60, stage_pin, 8);
        expect_value(app, 0x8001, 0x60, stage_kd3, 24);
    } else {
        expect_value(app, 0x8010, 0x60, joined, padded(joined, stage_pin, 8, 16));
        expect_value(app, 0x8001, 0x60, joined, padded(joined, stage_kd3, 24, 16));
    }
}

/* The five parts with p > q, each padded. */
static void expect_pair(const struct plastic_app *app, size_t block)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                        OSSL_PKEY_PARAM_RSA_FACTOR1};
    BIGNUM *n[5] = {NULL};
    BN_CTX *ctx = BN_CTX_new();
    for (size_t i = 0; i < 5; i++)
        EVP_PKEY_get_bn_param(stage_pair(), names[i], &n[i]);
    if (BN_cmp(n[4], n[3]) < 0) {
        BN_swap(n[4], n[3]);
        BN_swap(n[2], n[1]);
        BN_mod_inverse(n[0], n[3], n[4], ctx);
    }
    for (size_t i = 0; i < 5; i++) {
        uint8_t raw[64], due[96];
        BN_bn2binpad(n[i], raw, sizeof raw);
        expect_value(app, (uint16_t)(0x8201 + i), 0x60, due, padded(due, raw, sizeof raw, block));
        BN_free(n[i]);
    }
    BN_CTX_free(ctx);
}

static void expect_emv(const struct plastic_app *app, size_t block, bool own)
{
    uint8_t big[400];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (uint8_t)i;
    CU_ASSERT_TRUE(app->personalized);
    expect_value(app, 0x8003, 0x60, stage_mkac, 16);
    expect_value(app, 0x3001, 0, big, sizeof big);
    expect_pair(app, block);
    if (own) expect_value(app, 0x8002, 0x20, stage_own, 16);
    const uint16_t last = own ? 0x8002 : 0x8205;
    CU_ASSERT_EQUAL(app->dgis[app->dgi_count - 1].id, last);
}

void run_expect_made(const struct run *r, bool own)
{
    const size_t block = r->card.protocol == 2 ? 8 : 16;
    if (r->turn.outcome != CARD_MADE) fprintf(stderr, "%s; %s\n", r->turn.err.text, err.text);
    CU_ASSERT_TRUE(r->turn.done && !r->failed);
    CU_ASSERT_EQUAL(r->turn.outcome, CARD_MADE);
    CU_ASSERT_EQUAL(r->card.life_cycle, 0x0F);
    CU_ASSERT_STRING_EQUAL(r->turn.serial, "123456789ABCDEF01122");
    expect_purse(&r->card.apps[0], block);
    expect_emv(&r->card.apps[1], block, own);
    CU_ASSERT_TRUE(r->card.apps[2].personalized);
    CU_ASSERT_EQUAL(r->card.apps[2].dgi_count, 1);
}
