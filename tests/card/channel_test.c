#include <string.h>

#include "base/hex.h"
#include "blank.h"
#include "card/inside.h"
#include "host.h"
#include "suite.h"
#include "vectors.h"

static struct err err;

static const struct offer {
    unsigned scp, i;
    size_t key_len;
    uint8_t level;
} offers[] = {{2, 0x15, 16, 0x01}, {2, 0x15, 16, 0x03}, {2, 0x55, 16, 0x01}, {2, 0x55, 16, 0x03},
              {2, 0x35, 16, 0x11}, {2, 0x75, 16, 0x13}, {3, 0x00, 16, 0x01}, {3, 0x10, 16, 0x03},
              {3, 0x20, 24, 0x11}, {3, 0x30, 32, 0x13}, {3, 0x60, 16, 0x33}, {3, 0x70, 32, 0x33},
              {3, 0x70, 24, 0x03}, {3, 0x70, 16, 0x13}};

static void test_every_level(void)
{
    for (size_t n = 0; n < SUITE_COUNT(offers); n++) {
        const struct offer *o = &offers[n];
        struct card *card = blank_card(o->scp, o->i, o->key_len);
        struct host h;
        host_init(&h, card, o->scp, o->i, o->key_len);
        CU_ASSERT_EQUAL(host_open(&h, 0, o->level), 0x9000);
        for (int round = 0; round < 3; round++) {
            CU_ASSERT_EQUAL(host_hex(&h, "80F28002024F0000"), 0x9000);
            CU_ASSERT_TRUE(h.answer_right);
            CU_ASSERT_TRUE(h.answer.len == 21 && h.answer.data[0] == 0xE3);
            CU_ASSERT_EQUAL(host_hex(&h, "80CA00CF00"), 0x9000);
            CU_ASSERT_TRUE(h.answer_right && h.answer.len == 12);
            CU_ASSERT_EQUAL(host_hex(&h, "80F2800203FF000000"), 0x6A80);
        }
        CU_ASSERT_EQUAL(h.key_version, 1);
        host_release(&h);
        card_free(card);
    }
}

/* A grouping of 1,000 bytes in one command, read back whole; the shortest command of that form; one whose MAC is wrong. */
static void test_extended(void)
{
    enum { VALUE = 1000 };
    uint8_t group[5 + VALUE] = {0x91, 0x05, 0xFF, VALUE >> 8,       VALUE & 0xFF,
                                0x9F, 0x4F, 0x82, (VALUE - 5) >> 8, (VALUE - 5) & 0xFF};
    for (size_t n = 0; n < SUITE_COUNT(offers); n++) {
        const struct offer *o = &offers[n];
        struct card *card = blank_card_speaking(CARD_T1_EXTENDED, o->scp, o->i, o->key_len);
        const uint8_t first[4] = {0x80, 0xE2, 0, 0}, last[4] = {0x80, 0xE2, 0x80, 1};
        const uint8_t *value;
        size_t len = 0;
        struct host h;
        host_init(&h, card, o->scp, o->i, o->key_len);
        CU_ASSERT_EQUAL(host_select(&h, "A0000000031010"), 0x9000);
        CU_ASSERT_EQUAL(host_open(&h, 0, o->level), 0x9000);
        CU_ASSERT_EQUAL(host_send(&h, first, group, sizeof(group) - 248), 0x9000);
        CU_ASSERT_TRUE(h.answer_right);
        CU_ASSERT_EQUAL(host_send(&h, last, group + sizeof(group) - 248, 248), 0x9000);
        CU_ASSERT_TRUE(card_app_find(card, 1, 0x9F4F, &value, &len) && len == VALUE - 5);
        h.spoil = true;
        CU_ASSERT_EQUAL(host_send(&h, last, group, 600), 0x6982);
        host_release(&h);
        card_free(card);
    }
}

static bool set_keys(struct card *card, const struct vector_block *block, struct buf *hex)
{
    static const char *const names[] = {"static_enc", "static_mac", "static_dek"};
    struct card_keyset *set = &card->now.keysets[0];

    for (size_t k = 0; k < KEY_COUNT; k++) {
        if (!vector_hex(block, names[k], hex)) continue;
        set->key[k].len = (uint8_t)hex->len;
        memcpy(set->key[k].value, hex->data, hex->len);
    }
    if (vector_hex(block, "sequence", hex) || vector_hex(block, "card_challenge_seq", hex))
        set->sequence = (uint32_t)bytes_be(hex->data, hex->len);
    card->kept = card->now;
    return vector_hex(block, "host_challenge", hex) && hex->len == 8;
}

struct fixed {
    struct buf bytes;
};

static bool draw_fixed(void *context, uint8_t *out, size_t len)
{
    const struct fixed *f = context;
    if (f->bytes.len != len) return false;
    memcpy(out, f->bytes.data, len);
    return true;
}

static bool answers(struct card *card, const struct buf *apdu, struct buf *answer)
{
    card_process(card, apdu->data, apdu->len, answer);
    return answer->len >= 2 && bytes_be(answer->data + answer->len - 2, 2) == 0x9000;
}

/* Commands of the vector, wrapped: the card must see the plain ones; the vector's answers, plain: the card must wrap them so. */
static bool commands_are_right(struct card *card, const struct vector_block *block)
{
    struct buf secured, plain, response;
    char name[40];
    bool right = true;

    buf_init(&secured, 1024);
    buf_init(&plain, 1024);
    buf_init(&response, 1024);
    for (int n = 1; right && n < 5; n++) {
        struct apdu cmd, seen, expected;
        snprintf(name, sizeof(name), "secured_%d", n);
        if (!vector_hex(block, name, &secured)) break;
        snprintf(name, sizeof(name), "command_%d", n);
        right = vector_hex(block, name, &plain) && card_apdu_read(secured.data, secured.len, &cmd) &&
                card_apdu_read(plain.data, plain.len, &expected) &&
                channel_unwrap(card, &cmd, &seen) == SW_OK && seen.cla == expected.cla &&
                seen.ins == expected.ins && bytes_equal(seen.data, seen.len, expected.data, expected.len);
        snprintf(name, sizeof(name), "response_%d", n);
        if (!right || !vector_hex(block, name, &response)) continue;
        buf_truncate(&response, response.len - 2);
        right = channel_wrap(card, &seen, &response, 0x9000);
        buf_put_be(&response, 0x9000, 2);
        snprintf(name, sizeof(name), "secured_response_%d", n);
        right = right && vector_hex(block, name, &plain) &&
                bytes_equal(plain.data, plain.len, response.data, response.len);
    }
    buf_release(&secured);
    buf_release(&plain);
    buf_release(&response);
    return right;
}

static bool session_keys_are_right(const struct card *card, const struct vector_block *block, struct buf *hex)
{
    const struct {
        const char *name;
        const struct card_key *key;
    } keys[] = {
        {"s_enc", &card->channel.enc}, {"s_mac", &card->channel.mac}, {"s_rmac", &card->channel.rmac}};

    for (size_t k = 0; k < SUITE_COUNT(keys); k++) {
        if (vector_hex(block, keys[k].name, hex) &&
            !bytes_equal(hex->data, hex->len, keys[k].key->value, keys[k].key->len))
            return false;
    }
    if (card->now.scp == 2 && vector_hex(block, "s_dek", hex))
        return bytes_equal(hex->data, hex->len, card->channel.dek.value, 16);
    return true;
}

static bool conversation_is_right(const struct vector_block *block, unsigned scp, unsigned i)
{
    struct card *card = blank_card(scp, i, 16);
    struct fixed challenge;
    struct buf hex, apdu, answer;
    bool right = false;

    buf_init(&challenge.bytes, 64);
    buf_init(&hex, 1024);
    buf_init(&apdu, 1024);
    buf_init(&answer, CARD_ANSWER_MAX);
    right = set_keys(card, block, &hex);
    card_power_on(card);
    if (!(i & 0x10) || scp == 2) card_set_random(card, draw_fixed, &challenge);
    right = right && vector_hex(block, "card_challenge", &challenge.bytes);
    buf_put(&apdu, "\x80\x50\x00\x00\x08", 5);
    buf_put(&apdu, hex.data, hex.len);
    buf_put_u8(&apdu, 0);
    right = right && answers(card, &apdu, &answer) && vector_hex(block, "card_cryptogram", &hex);
    size_t at = scp == 2 ? 20 : 21;
    right = right && memcmp(answer.data + at, hex.data, 8) == 0;
    if (scp == 3) right = right && memcmp(answer.data + 13, challenge.bytes.data, 8) == 0;
    right = right && vector_hex(block, "external_authenticate", &apdu) && answers(card, &apdu, &answer);
    right = right && session_keys_are_right(card, block, &hex) && commands_are_right(card, block);
    card_free(card);
    buf_release(&challenge.bytes);
    buf_release(&hex);
    buf_release(&apdu);
    buf_release(&answer);
    return right;
}

/* What other programs and cards said to each other, byte for byte; S16 mode is not offered. */
static void test_vectors(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    unsigned seen = 0;
    bool end = false;

    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        bool two = vector_is_op(&block, "scp02"), three = vector_is_op(&block, "scp03");
        const char *challenge = vector_text(&block, "host_challenge");
        if ((!two && !three) || !challenge || strlen(challenge) != 16) continue;
        bool known = vector_text(&block, "card_challenge_seq") != NULL;
        bool right = conversation_is_right(&block, two ? 2 : 3, two ? 0x15 : known ? 0x70 : 0x60);
        if (!right) vector_show(&block);
        CU_ASSERT_TRUE(right);
        seen++;
    }
    CU_ASSERT_TRUE(seen >= 9);
    vector_file_free(f);
}

static void test_rmac_vectors(void)
{
    struct vector_file *f = NULL;
    struct vector_block block;
    struct buf hex, command, response;
    bool end = false;
    unsigned seen = 0;

    buf_init(&hex, 256);
    buf_init(&command, 256);
    buf_init(&response, 256);
    EXPECT_OK(vector_file_open(&f, "derivation.txt", &err));
    while (vector_next(f, &block, &end, &err) && !end) {
        if (!vector_is_op(&block, "scp02_rmac")) continue;
        struct card *card = blank_card(2, 0x35, 16);
        struct apdu plain;
        CU_ASSERT_TRUE(vector_hex(&block, "s_rmac", &hex));
        card->channel.rmac = (struct card_key){.type = CARD_KEY_DES, .len = 16};
        memcpy(card->channel.rmac.value, hex.data, 16);
        CU_ASSERT_TRUE(vector_hex(&block, "icv", &hex));
        memcpy(card->channel.rchain, hex.data, 8);
        CU_ASSERT_TRUE(vector_hex(&block, "command", &command) && vector_hex(&block, "response", &response));
        CU_ASSERT_TRUE(card_apdu_read(command.data, command.len, &plain));
        buf_truncate(&response, response.len - 2);
        CU_ASSERT_TRUE(scp02.wrap(card, &plain, &response, 0x9000));
        CU_ASSERT_TRUE(vector_hex(&block, "rmac", &hex));
        CU_ASSERT_TRUE(response.len >= 8 && memcmp(response.data + response.len - 8, hex.data, 8) == 0);
        card_free(card);
        seen++;
    }
    CU_ASSERT_TRUE(seen >= 2);
    vector_file_free(f);
    buf_release(&hex);
    buf_release(&command);
    buf_release(&response);
}

static const struct test_case cases[] = {{"every protocol, option and level", test_every_level},
                                         {"commands of extended length", test_extended},
                                         {"conversations of others", test_vectors},
                                         {"R-MACs of others", test_rmac_vectors}};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/channel", cases, SUITE_COUNT(cases));
}
