#include <string.h>

#include "base/hex.h"
#include "blank.h"
#include "card/inside.h"
#include "host_cipher.h"
#include "issue.h"
#include "suite.h"

static struct err err;

static const struct offer {
    unsigned scp, i;
    size_t key_len;
    uint8_t level;
} offers[] = {{2, 0x15, 16, 0x01}, {2, 0x55, 16, 0x03}, {2, 0x75, 16, 0x13}, {3, 0x00, 16, 0x01},
              {3, 0x10, 24, 0x03}, {3, 0x30, 32, 0x13}, {3, 0x70, 16, 0x33}};

static const struct card_app *app_of(const struct card *card, const char *aid)
{
    uint8_t bytes[16];
    size_t len = strlen(aid) / 2;

    if (!hex_read_exact(aid, strlen(aid), bytes, len, &err)) return NULL;
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        const struct card_app *app = &card->now.apps[i];
        if (app->kind && app->aid_len == len && memcmp(app->aid, bytes, len) == 0) return app;
    }
    return NULL;
}

static bool is_personalized(const struct card *card, const char *aid)
{
    return app_of(card, aid)->life == APP_PERSONALIZED;
}

/* All three applications over every channel; what was stored is what was issued, padding and encryption off. */
static void test_every_channel(void)
{
    for (size_t n = 0; n < SUITE_COUNT(offers); n++) {
        const struct offer *o = &offers[n];
        struct card *card = blank_card(o->scp, o->i, o->key_len);
        struct issue issues[3];
        struct host h;
        host_init(&h, card, o->scp, o->i, o->key_len);
        issue_emv(&issues[0], o->scp == 3, host_block(&h));
        issue_purse(&issues[1], false, host_block(&h));
        issue_loyalty(&issues[2]);
        for (size_t k = 0; k < SUITE_COUNT(issues); k++) {
            CU_ASSERT_EQUAL(issue_all(&issues[k], &h, o->level), 0x9000);
            CU_ASSERT_TRUE(is_personalized(card, issues[k].aid));
            for (size_t g = 0; g < issues[k].count; g++) {
                const struct group *want = &issues[k].groups[g];
                struct card_group got;
                CU_ASSERT_TRUE(state_find(&card->now, (size_t)(app_of(card, issues[k].aid) - card->now.apps),
                                          want->dgi, &got));
                if (want->dgi != 0x8010)
                    CU_ASSERT_TRUE(bytes_equal(want->value, want->len, got.value, got.len));
            }
            issue_release(&issues[k]);
        }
        host_release(&h);
        card_free(card);
    }
}

/* Cut into commands of every length: groupings, their heads and the pairs of bytes in them go on in the next command. */
static void test_cut_anywhere(void)
{
    static const size_t chunks[] = {1, 2, 3, 4, 5, 7, 16, 63, 200, 239};
    for (size_t n = 0; n < SUITE_COUNT(chunks); n++) {
        struct card *card = blank_card(2, 0x15, 16);
        struct issue o;
        struct host h;
        host_init(&h, card, 2, 0x15, 16);
        issue_emv(&o, false, 8);
        o.chunk = chunks[n];
        CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
        CU_ASSERT_TRUE(is_personalized(card, o.aid));
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

static void test_through_the_domain(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct issue o;
    struct host h;

    host_init(&h, card, 3, 0x70, 16);
    issue_purse(&o, true, 16);
    CU_ASSERT_EQUAL(host_select(&h, ""), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E6200007000001A000000000"), 0x6982); /* no channel */
    CU_ASSERT_EQUAL(host_open(&h, 0, 3), 0x9000);
    CU_ASSERT_EQUAL(issue_store(&o, &h), 0x6985); /* for whom? */
    CU_ASSERT_EQUAL(host_hex(&h, "80E620000E000008A00000000310100200000000"), 0x6A88);
    CU_ASSERT_EQUAL(host_hex(&h, "80E620000D000008A000000003101001000000"), 0x6A80);
    CU_ASSERT_EQUAL(host_hex(&h, "80E60C000E000008A00000000310100100000000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&h, "80E620000E000008A00000000310100100000000"), 0x9000);
    CU_ASSERT_TRUE(h.answer.len == 1 && h.answer.data[0] == 0);
    CU_ASSERT_EQUAL(issue_store(&o, &h), 0x9000);
    CU_ASSERT_TRUE(is_personalized(card, o.aid));
    CU_ASSERT_EQUAL(host_hex(&h, "80E620000E000008A00000000310100100000000"), 0x6985); /* done already */
    CU_ASSERT_EQUAL(issue_store(&o, &h), 0x6985);
    issue_release(&o);
    host_release(&h);
    card_free(card);
}

/* Second embodiment: keys under the card's own static key (methods 11 and 12). */
static void test_under_the_static_key(void)
{
    for (unsigned scp = 2; scp <= 3; scp++) {
        unsigned i = scp == 2 ? 0x55 : 0x70;
        struct card *card = blank_card(scp, i, 16);
        struct issue o;
        struct host h;
        host_init(&h, card, scp, i, 16);
        issue_purse(&o, scp == 3, host_block(&h));
        issue_find(&o, 0x8000)->how = BY_APPLICATION;
        CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
        struct card_group got;
        CU_ASSERT_TRUE(state_find(&card->now, 0, 0x8000, &got));
        CU_ASSERT_TRUE(bytes_equal(got.value, got.len, o.keys, 48));
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

enum { EMV_INDEX = 1 };

/* One grouping of the payment application is wrong in one respect; gives the status word and how far the card came. */
static unsigned store_spoiled(uint16_t dgi, void (*spoil)(struct group *g), unsigned scp)
{
    unsigned i = scp == 2 ? 0x15 : 0x70;
    struct card *card = blank_card(scp, i, 16);
    struct issue o;
    struct host h;

    host_init(&h, card, scp, i, 16);
    issue_emv(&o, scp == 3, host_block(&h));
    spoil(issue_find(&o, dgi));
    unsigned sw = issue_all(&o, &h, 3);
    CU_ASSERT_EQUAL(card->now.apps[EMV_INDEX].life, APP_SELECTABLE);
    issue_release(&o);
    host_release(&h);
    card_free(card);
    return sw;
}

static void flip_first(struct group *g)
{
    g->value[0] ^= 0x10; /* no parity bit */
}
static void flip_last_but_pad(struct group *g)
{
    g->value[g->len / 2] ^= 0x10;
}
static void in_clear(struct group *g)
{
    g->how = IN_CLEAR;
}
static void one_block_short(struct group *g)
{
    g->len -= g->len > 16 ? 16 : 1;
}
static void one_byte_short(struct group *g)
{
    g->len -= 1;
}
static void unknown_number(struct group *g)
{
    g->dgi = 0x7FFF;
}
static void record_zero(struct group *g)
{
    g->dgi = 0x0200;
}

static void test_wrong_groupings(void)
{
    static const struct {
        uint16_t dgi;
        void (*spoil)(struct group *g);
        unsigned sw;
    } cases[] = {{0x8000, flip_first, 0x6A80},        {0x8000, in_clear, 0x6A80},
                 {0x8000, one_block_short, 0x6A80},   {0x9000, flip_first, 0x6A80},
                 {0x9000, one_byte_short, 0x6A80},    {0x8201, flip_last_but_pad, 0x6A80},
                 {0x8202, flip_last_but_pad, 0x6A80}, {0x8203, flip_last_but_pad, 0x6A80},
                 {0x8204, flip_last_but_pad, 0x6A80}, {0x8205, flip_last_but_pad, 0x6A80},
                 {0x8205, in_clear, 0x6A80},          {0x8010, in_clear, 0x6A80},
                 {0x9010, one_byte_short, 0x6A80},    {0x0201, flip_first, 0x6A80},
                 {0x0201, one_byte_short, 0x6A80},    {0x9104, one_byte_short, 0x6A80},
                 {0x0201, unknown_number, 0x6A88},    {0x0201, record_zero, 0x6A88}};
    for (unsigned scp = 2; scp <= 3; scp++) {
        for (size_t n = 0; n < SUITE_COUNT(cases); n++) {
            unsigned sw = store_spoiled(cases[n].dgi, cases[n].spoil, scp);
            if (sw != cases[n].sw) printf("DGI %04X, case %zu: %04X\n", cases[n].dgi, n, sw);
            CU_ASSERT_EQUAL(sw, cases[n].sw);
        }
    }
}

static void test_keys_need_check_values(void)
{
    static const uint16_t left_out[] = {0x8000, 0x9000, 0x8203};
    for (size_t n = 0; n < SUITE_COUNT(left_out); n++) {
        struct card *card = blank_card(2, 0x15, 16);
        struct issue o;
        struct host h;
        host_init(&h, card, 2, 0x15, 16);
        issue_purse(&o, false, 8);
        struct group *g = issue_find(&o, left_out[n]);
        memmove(g, g + 1, sizeof(*g) * (size_t)(o.groups + o.count - (g + 1)));
        o.count--;
        CU_ASSERT_EQUAL(issue_all(&o, &h, 1), 0x6A80);
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

/* Triple-length and AES-192 keys: 24 bytes each, padded for AES where they make no whole block. */
static void test_long_keys(void)
{
    for (int n = 0; n < 4; n++) {
        bool aes = n & 1;
        size_t count = n < 2 ? 1 : 3;
        uint8_t keys[96], check[9];
        struct card *card = blank_card(3, 0x00, 16);
        struct issue o;
        struct host h;
        struct card_key got;
        host_init(&h, card, 3, 0, 16);
        issue_loyalty(&o);
        for (size_t k = 0; k < sizeof(keys); k++)
            keys[k] = (uint8_t)(7 * k + 1);
        for (size_t k = 0; k < count; k++)
            host_kcv(aes, keys + 24 * k, 24, check + 3 * k);
        size_t len = 24 * count;
        keys[len++] = 0x80;
        while (len % 16)
            keys[len++] = 0;
        issue_add(&o, 0x8000, BY_CHANNEL, keys, len);
        issue_add(&o, 0x9000, IN_CLEAR, check, 3 * count);
        CU_ASSERT_EQUAL(issue_all(&o, &h, 1), 0x9000);
        CU_ASSERT_TRUE(card_app_key(card, 3, count, &got));
        CU_ASSERT_TRUE(got.len == 24 && got.type == (aes ? CARD_KEY_AES : CARD_KEY_DES));
        CU_ASSERT_TRUE(memcmp(got.value, keys + 24 * (count - 1), 24) == 0);
        CU_ASSERT_FALSE(card_app_key(card, 3, count + 1, &got));
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

static void test_cmac_check_values(void)
{
    uint8_t key[16] = {1, 2, 3}, mac[16];
    static const uint8_t zeros[16];
    struct card *card = blank_card(3, 0x00, 16);
    struct issue o;
    struct host h;

    host_init(&h, card, 3, 0, 16);
    issue_loyalty(&o);
    host_cmac(key, 16, zeros, 16, mac);
    issue_add(&o, 0x8000, BY_CHANNEL, key, 16);
    issue_add(&o, 0x9000, IN_CLEAR, mac, 3);
    CU_ASSERT_EQUAL(issue_all(&o, &h, 1), 0x9000);
    issue_release(&o);
    host_release(&h);
    card_free(card);
}

/* Key pairs padded always or only where needed, and every one of the vectors: sound or refused. */
static void test_padding_of_pairs(void)
{
    for (size_t block = 8; block <= 16; block += 8) {
        struct card *card = blank_card(block == 8 ? 2 : 3, block == 8 ? 0x15 : 0, 16);
        struct issue o;
        struct host h;
        struct card_rsa got;
        host_init(&h, card, block == 8 ? 2 : 3, block == 8 ? 0x15 : 0, 16);
        issue_purse(&o, false, block);
        for (uint16_t dgi = 0x8201; dgi <= 0x8205; dgi++)
            issue_find(&o, dgi)->len = o.card.part_len[dgi - 0x8201];
        CU_ASSERT_EQUAL(issue_all(&o, &h, 1), 0x9000);
        CU_ASSERT_TRUE(card_app_rsa(card, 0, &got));
        CU_ASSERT_EQUAL(card_rsa_len(&got), o.card.key.modulus_len);
        issue_release(&o);
        host_release(&h);
        card_free(card);
    }
}

static void test_block_numbers(void)
{
    struct card *card = blank_card(2, 0x15, 16);
    struct host h;

    host_init(&h, card, 2, 0x15, 16);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E28000050101027000"), 0x6982);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E20001050101027000"), 0x6A86); /* begins with 01 */
    CU_ASSERT_EQUAL(host_hex(&h, "80E20000050101027000"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E20000050101027000"), 0x6A86); /* 00 again */
    CU_ASSERT_EQUAL(host_hex(&h, "80E20001050101027000"), 0x6A86); /* the chain is broken */
    CU_ASSERT_EQUAL(host_hex(&h, "80E20000050101027000"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E24001050102027000"), 0x6A86);   /* encryption 10 */
    CU_ASSERT_EQUAL(host_hex(&h, "80E21000050101027000"), 0x6A86);   /* no DGIs */
    CU_ASSERT_EQUAL(host_hex(&h, "80E28000060101027000AA"), 0x6A80); /* cut in the head */
    CU_ASSERT_EQUAL(host_hex(&h, "80E280000701010270000102"), 0x6A80);
    CU_ASSERT_EQUAL(host_hex(&h, "80E28000060101FF00FE70"), 0x6A80); /* a long length that is short */
    CU_ASSERT_EQUAL(host_hex(&h, "80E28000050101FFFFFE"), 0x6A84);   /* larger than the card */
    CU_ASSERT_EQUAL(host_hex(&h, "80E20000050101027000"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E2800100"), 0x9000); /* nothing in the last block */
    CU_ASSERT_TRUE(is_personalized(card, "F04C4F59414C5459"));
    host_release(&h);
    card_free(card);
}

/* What an interrupted chain left is dropped when a new one begins. */
static void test_begun_anew(void)
{
    struct card *card = blank_card(2, 0x15, 16);
    struct host h;

    host_init(&h, card, 2, 0x15, 16);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E200000A01010270000102027000"), 0x9000);
    card_power_on(card);
    CU_ASSERT_TRUE(card->now.store_len == 14);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "00B2010C00"), 0x6985);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E28000050103027000"), 0x9000);
    CU_ASSERT_TRUE(card->now.store_len == 7);
    h.open = false;
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "00B2010C00"), 0x6A83);
    CU_ASSERT_EQUAL(host_hex(&h, "00B2030C00"), 0x9000);
    host_release(&h);
    card_free(card);
}

static void test_full_store(void)
{
    struct card *card = blank_card(3, 0x00, 16);
    struct host h;
    unsigned sw = 0x9000;
    uint8_t data[230] = {0};

    host_init(&h, card, 3, 0, 16);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    for (unsigned n = 0; n < 200 && sw == 0x9000; n++) {
        uint8_t head[4] = {0x80, 0xE2, 0x00, (uint8_t)n};
        data[0] = 0x0B;
        data[1] = (uint8_t)(n + 1);
        data[2] = 227;
        sw = host_send(&h, head, data, sizeof(data));
    }
    CU_ASSERT_EQUAL(sw, 0x6A84);
    CU_ASSERT_TRUE(card->now.store_len <= CARD_STORE_MAX && card->now.store_len > CARD_STORE_MAX - 300);
    EXPECT_OK(state_check(&card->now, &err));
    host_release(&h);
    card_free(card);
}

static const struct test_case cases[] = {{"every channel, every grouping", test_every_channel},
                                         {"cut anywhere", test_cut_anywhere},
                                         {"through the security domain", test_through_the_domain},
                                         {"under the static key", test_under_the_static_key},
                                         {"wrong groupings", test_wrong_groupings},
                                         {"keys need check values", test_keys_need_check_values},
                                         {"keys of 24 bytes", test_long_keys},
                                         {"check values by CMAC", test_cmac_check_values},
                                         {"padding of key pairs", test_padding_of_pairs},
                                         {"block numbers", test_block_numbers},
                                         {"begun anew", test_begun_anew},
                                         {"full store", test_full_store}};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/personalize", cases, SUITE_COUNT(cases));
}
