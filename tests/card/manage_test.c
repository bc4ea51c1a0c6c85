/* The security domain's own commands: GET DATA, GET STATUS, SET STATUS, PUT KEY. */
#include <string.h>

#include "base/hex.h"
#include "blank.h"
#include "card/inside.h"
#include "host.h"
#include "host_cipher.h"
#include "issue.h"
#include "suite.h"

static struct err err;

static bool answer_is(const struct host *h, const char *hex)
{
    struct buf b;
    buf_init(&b, 512);
    bool same =
        hex_read(hex, strlen(hex), &b, &err) && bytes_equal(b.data, b.len, h->answer.data, h->answer.len);
    if (!same) {
        for (size_t i = 0; i < h->answer.len; i++)
            printf("%02X", h->answer.data[i]);
        printf("\n");
    }
    buf_release(&b);
    return same;
}

static void test_get_data(void)
{
    struct card *card = blank_card(3, 0x70, 24);
    struct host h;

    host_init(&h, card, 3, 0x70, 24);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA006600"), 0x9000);
    CU_ASSERT_TRUE(
        answer_is(&h, "6630732E06072A864886FC6B01600B06092A864886FC6B020203630906072A864886FC6B03640B06092A"
                      "864886FC6B040370"));
    CU_ASSERT_EQUAL(host_hex(&h, "80CA00E000"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "E012C00401018818C00402018818C00403018818"));
    CU_ASSERT_EQUAL(host_hex(&h, "00CA00CF00"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "CF0A00000000000000010000"));
    CU_ASSERT_EQUAL(host_hex(&h, "80CA00C100"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "C103000000"));
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA00C100"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "C103000001"));
    CU_ASSERT_EQUAL(host_hex(&h, "80CA9F7F00"), 0x9000);
    CU_ASSERT_TRUE(h.answer.len == 45 && h.answer.data[3 + 15] == 0x01);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA9F3600"), 0x6A88);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA000000"), 0x6A88);
    host_release(&h);
    card_free(card);
}

static void test_get_status(void)
{
    struct card *card = blank_card(2, 0x15, 16);
    struct host h;

    host_init(&h, card, 2, 0x15, 16);
    CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x6982);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F28000024F0000"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "08A000000151000000019E"));
    CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "E3134F08A0000001510000009F700101C5039E0000"));
    CU_ASSERT_EQUAL(host_hex(&h, "80F24000094F07F04C4F59414C5400"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "08F04C4F59414C54590700"));
    CU_ASSERT_EQUAL(host_hex(&h, "80F24002024F0000"), 0x9000);
    CU_ASSERT_TRUE(h.answer.len > 80 && h.answer.data[0] == 0xE3);
    CU_ASSERT_EQUAL(host_hex(&h, "80F24000074F05D27600008600"), 0x6A88);
    CU_ASSERT_EQUAL(host_hex(&h, "80F28000074F05D27600008600"), 0x6A88);
    /* Load files and modules are asked for as any tool does that lists a card; there are none. */
    CU_ASSERT_EQUAL(host_hex(&h, "80F22000024F0000"), 0x6A88);
    CU_ASSERT_EQUAL(host_hex(&h, "80F21002024F0000"), 0x6A88);
    CU_ASSERT_EQUAL(host_hex(&h, "80F26000024F0000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&h, "80F24001024F0000"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&h, "80F24000024F0500"), 0x6A80);
    CU_ASSERT_EQUAL(host_hex(&h, "80F2400000"), 0x6A80);
    host_release(&h);
    card_free(card);
}

/* Forwards only, but for LOCKED to SECURED; a locked card has no applications, a terminated one no channel. */
static void test_card_life(void)
{
    struct card *card = blank_card(2, 0x55, 16);
    struct host h;

    host_init(&h, card, 2, 0x55, 16);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800700"), 0x6982);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0807F00"), 0x6985); /* OP_READY cannot be locked */
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800300"), 0x6A80);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0200700"), 0x6A86);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800700"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800100"), 0x6985);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800F00"), 0x9000);
    CU_ASSERT_EQUAL(card->kept.life, CARD_SECURED);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0807F00"), 0x9000);
    CU_ASSERT_EQUAL(host_select(&h, "A0000000031010"), 0x6A82);
    CU_ASSERT_EQUAL(host_select(&h, ""), 0x6283);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800F00"), 0x9000);
    CU_ASSERT_EQUAL(host_select(&h, "A0000000031010"), 0x9000);
    CU_ASSERT_EQUAL(host_select(&h, ""), 0x9000);
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F080FF00"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0800F00"), 0x6985);
    h.open = false;
    CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x6985);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA9F7F00"), 0x9000);
    host_release(&h);
    card_free(card);
}

static void test_app_life(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct host h;

    host_init(&h, card, 3, 0x70, 16);
    CU_ASSERT_EQUAL(host_open(&h, 0, 3), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0408008F04C4F59414C545900"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F2400002"
                                 "4F0000"),
                    0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80F24000094F07F04C4F59414C5400"), 0x9000);
    CU_ASSERT_TRUE(answer_is(&h, "08F04C4F59414C54598700"));
    CU_ASSERT_EQUAL(host_hex(&h, "80F0408007F04C4F59414C5400"), 0x6A88);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x6A82);
    CU_ASSERT_EQUAL(host_open(&h, 0, 3), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80E620000E000008F04C4F59414C545900000000"), 0x6985);
    CU_ASSERT_EQUAL(host_hex(&h, "80F0400708F04C4F59414C545900"), 0x9000);
    CU_ASSERT_EQUAL(host_select(&h, "F04C4F59414C5459"), 0x9000);
    host_release(&h);
    card_free(card);
}

struct new_keys {
    uint8_t version;
    bool bare; /* AES keys without their length before them */
    size_t len;
    uint8_t key[3][32];
};

static void make_keys(struct new_keys *k, uint8_t version, size_t len)
{
    k->version = version;
    k->bare = false;
    k->len = len;
    for (size_t n = 0; n < 3; n++) {
        for (size_t i = 0; i < len; i++)
            k->key[n][i] = (uint8_t)(0x80 + 0x20 * n + i + version);
    }
}

static size_t put_key_data(const struct host *h, const struct new_keys *k, uint8_t *out)
{
    bool aes = h->scp == 3, told = aes && !k->bare;
    size_t at = 0, padded = (k->len + host_block(h) - 1) / host_block(h) * host_block(h);

    out[at++] = k->version;
    for (size_t n = 0; n < 3; n++) {
        uint8_t clear[32] = {0};
        memcpy(clear, k->key[n], k->len);
        out[at++] = aes ? 0x88 : 0x80;
        out[at++] = (uint8_t)(padded + (told ? 1 : 0));
        if (told) out[at++] = (uint8_t)k->len;
        host_encrypt(h, false, clear, padded, out + at);
        at += padded;
        out[at++] = 3;
        host_kcv(aes, k->key[n], k->len, out + at);
        at += 3;
    }
    return at;
}

static unsigned put_keys(struct host *h, uint8_t p1, const struct new_keys *k, int spoil)
{
    const uint8_t head[4] = {0x80, 0xD8, p1, 0x81};
    uint8_t data[255];
    size_t len = put_key_data(h, k, data);
    if (spoil >= 0) data[spoil] ^= 0x10;
    return host_send(h, head, data, len);
}

static void use_keys(struct host *h, const struct new_keys *k)
{
    h->open = false;
    h->key_len = k->len;
    memcpy(h->enc, k->key[0], 32);
    memcpy(h->mac, k->key[1], 32);
    memcpy(h->dek, k->key[2], 32);
}

static bool check_values_are_right(const struct host *h, const struct new_keys *k)
{
    uint8_t want[10] = {k->version};
    for (size_t n = 0; n < 3; n++)
        host_kcv(h->scp == 3, k->key[n], k->len, want + 1 + 3 * n);
    return bytes_equal(want, sizeof(want), h->answer.data, h->answer.len);
}

static void test_put_key(void)
{
    static const struct {
        unsigned scp, i;
        size_t len, new_len;
        uint8_t level;
    } kinds[] = {{2, 0x15, 16, 16, 1},
                 {2, 0x55, 16, 16, 3},
                 {3, 0x70, 16, 16, 0x33},
                 {3, 0x00, 16, 24, 1},
                 {3, 0x30, 32, 32, 3}};
    for (size_t n = 0; n < SUITE_COUNT(kinds); n++) {
        struct card *card = blank_card(kinds[n].scp, kinds[n].i, kinds[n].len);
        struct new_keys second, third, old;
        struct host h;
        host_init(&h, card, kinds[n].scp, kinds[n].i, kinds[n].len);
        make_keys(&second, 0x02, kinds[n].new_len);
        make_keys(&third, 0x11, kinds[n].new_len);
        old = (struct new_keys){.version = 1, .len = kinds[n].len};
        for (size_t k = 0; k < 3; k++)
            memcpy(old.key[k], h.enc, 32);
        CU_ASSERT_EQUAL(host_open(&h, 0, kinds[n].level), 0x9000);
        CU_ASSERT_EQUAL(put_keys(&h, 0, &second, -1), 0x9000); /* beside the first */
        CU_ASSERT_TRUE(check_values_are_right(&h, &second));
        CU_ASSERT_EQUAL(put_keys(&h, 0, &second, -1), 0x6985);
        CU_ASSERT_EQUAL(put_keys(&h, 0x33, &third, -1), 0x6A88);
        CU_ASSERT_EQUAL(put_keys(&h, 1, &second, -1), 0x6985); /* would be there twice */
        use_keys(&h, &second);
        CU_ASSERT_EQUAL(host_open(&h, 2, kinds[n].level), 0x9000);
        CU_ASSERT_EQUAL(put_keys(&h, 1, &third, -1), 0x9000); /* in place of the first */
        use_keys(&h, &old);
        CU_ASSERT_EQUAL(host_open(&h, 1, kinds[n].level), 0x6A88);
        use_keys(&h, &third);
        CU_ASSERT_EQUAL(host_open(&h, 0, kinds[n].level), 0x9000);
        CU_ASSERT_EQUAL(h.key_version, 0x11);
        CU_ASSERT_EQUAL(put_keys(&h, 0x11, &third, -1), 0x9000); /* the same again; the channel stays */
        CU_ASSERT_EQUAL(host_hex(&h, "80CA00E000"), 0x9000);
        CU_ASSERT_EQUAL(card->kept.keysets[0].sequence, 0);
        host_release(&h);
        card_free(card);
    }
}

/* Where an AES key needs no padding, its length may be left out (GlobalPlatform 11.8.2.3); a key of 24 bytes cannot do without. */
static void test_put_bare_key(void)
{
    static const size_t lens[] = {16, 24, 32};

    for (size_t n = 0; n < SUITE_COUNT(lens); n++) {
        struct card *card = blank_card(3, 0x70, 16);
        struct new_keys bare;
        struct host h;
        host_init(&h, card, 3, 0x70, 16);
        make_keys(&bare, 0x02, lens[n]);
        bare.bare = true;
        CU_ASSERT_EQUAL(host_open(&h, 0, 3), 0x9000);
        CU_ASSERT_EQUAL(put_keys(&h, 0, &bare, -1), lens[n] == 24 ? 0x6A80 : 0x9000);
        if (lens[n] != 24) {
            CU_ASSERT_TRUE(check_values_are_right(&h, &bare));
            use_keys(&h, &bare);
            CU_ASSERT_EQUAL(host_open(&h, 2, 0x33), 0x9000);
        }
        host_release(&h);
        card_free(card);
    }
}

/* New keys take the place of those that a blank card has under FF, which P1 cannot name. */
static void test_initial_keys(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct new_keys own, old = {.version = 0xFF, .len = 16};
    struct host h;
    card->kept.keysets[0].version = card->now.keysets[0].version = 0xFF;
    host_init(&h, card, 3, 0x70, 16);
    for (size_t k = 0; k < 3; k++)
        memcpy(old.key[k], h.enc, 32);
    make_keys(&own, 0x31, 16);
    CU_ASSERT_EQUAL(host_open(&h, 0, 0x33), 0x9000);
    CU_ASSERT_EQUAL(h.key_version, 0xFF);
    CU_ASSERT_EQUAL(put_keys(&h, 0xFF, &own, -1), 0x6A86);
    CU_ASSERT_EQUAL(put_keys(&h, 0, &own, -1), 0x9000);
    use_keys(&h, &old);
    CU_ASSERT_EQUAL(host_open(&h, 0xFF, 0x33), 0x6A88);
    use_keys(&h, &own);
    CU_ASSERT_EQUAL(host_open(&h, 0, 0x33), 0x9000);
    CU_ASSERT_EQUAL(h.key_version, 0x31);
    host_release(&h);
    card_free(card);
}

static void test_wrong_put_key(void)
{
    for (unsigned scp = 2; scp <= 3; scp++) {
        struct card *card = blank_card(scp, scp == 2 ? 0x15 : 0, 16);
        struct new_keys k;
        struct host h;
        uint8_t data[255];
        host_init(&h, card, scp, scp == 2 ? 0x15 : 0, 16);
        make_keys(&k, 5, 16);
        CU_ASSERT_EQUAL(host_open(&h, 0, 1), 0x9000);
        size_t len = put_key_data(&h, &k, data);
        for (size_t i = 1; i < len; i++)
            CU_ASSERT_EQUAL(put_keys(&h, 0, &k, (int)i), 0x6A80);
        for (size_t cut = 0; cut < len; cut++)
            CU_ASSERT_EQUAL(host_send(&h, (const uint8_t[]){0x80, 0xD8, 0, 0x81}, data, cut), 0x6A80);
        data[len] = 0;
        CU_ASSERT_EQUAL(host_send(&h, (const uint8_t[]){0x80, 0xD8, 0, 0x81}, data, len + 1), 0x6A80);
        CU_ASSERT_EQUAL(host_send(&h, (const uint8_t[]){0x80, 0xD8, 0, 0x01}, data, len), 0x6A86);
        data[0] = 0;
        CU_ASSERT_EQUAL(host_send(&h, (const uint8_t[]){0x80, 0xD8, 0, 0x81}, data, len), 0x6A80);
        data[0] = 0xFF;
        CU_ASSERT_EQUAL(host_send(&h, (const uint8_t[]){0x80, 0xD8, 0, 0x81}, data, len), 0x6A80);
        for (uint8_t v = 2; v <= 8; v++) {
            make_keys(&k, v, 16);
            CU_ASSERT_EQUAL(put_keys(&h, 0, &k, -1), 0x9000);
        }
        make_keys(&k, 9, 16);
        CU_ASSERT_EQUAL(put_keys(&h, 0, &k, -1), 0x6A84); /* eight sets and no more */
        host_release(&h);
        card_free(card);
    }
}

static const struct test_case cases[] = {{"GET DATA", test_get_data},
                                         {"GET STATUS", test_get_status},
                                         {"life of the card", test_card_life},
                                         {"life of an application", test_app_life},
                                         {"PUT KEY", test_put_key},
                                         {"PUT KEY without lengths", test_put_bare_key},
                                         {"the initial keys", test_initial_keys},
                                         {"wrong PUT KEY", test_wrong_put_key}};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/manage", cases, SUITE_COUNT(cases));
}
