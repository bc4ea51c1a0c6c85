#include "formats/entry.h"

#include <stdlib.h>

#include "secret_draft.h"
#include "suite.h"
#include "tlv_edit.h"

static struct err err;

static void test_kinds(void)
{
    for (unsigned kind = 1; kind <= 7; kind++) {
        const struct secret_kind_row *row = secret_kind_row(kind);
        CU_ASSERT_PTR_NOT_NULL_FATAL(row);
        CU_ASSERT_EQUAL((unsigned)row->kind, kind);
    }
    CU_ASSERT_PTR_NULL(secret_kind_row(0));
    CU_ASSERT_PTR_NULL(secret_kind_row(8));
}

static bool read_one_secret(const struct buf *b, struct wrapped_secret *out)
{
    struct cur c = cur_make(b->data, b->len, 500);
    struct tlv tlv;
    return tlv_read(&c, &tlv, &err) && wrapped_secret_read(&tlv, out, &err);
}

static bool put_and_read(const struct wrapped_secret *secret)
{
    struct wrapped_secret out;
    struct buf b;
    buf_init(&b, 4000);
    wrapped_secret_put(&b, secret);
    bool ok = buf_ok(&b, "secret", &err) && read_one_secret(&b, &out);
    if (ok) { /* the borrowed parts are elsewhere now */
        ok = bytes_equal(out.ciphertext, out.ciphertext_len, secret->ciphertext, secret->ciphertext_len);
        out.ciphertext = secret->ciphertext;
        if (secret->derivation_data)
            ok = ok && bytes_equal(out.derivation_data, out.derivation_data_len, secret->derivation_data,
                                   secret->derivation_data_len);
        out.derivation_data = secret->derivation_data;
        CU_ASSERT_TRUE(ok && strcmp(out.name, secret->name) == 0 && out.kind == secret->kind);
        CU_ASSERT_TRUE(out.method == secret->method && out.dgi == secret->dgi &&
                       out.true_len == secret->true_len);
        CU_ASSERT_STRING_EQUAL(out.master, secret->master);
        CU_ASSERT_STRING_EQUAL(out.card_key, secret->card_key);
        CU_ASSERT_TRUE(bytes_equal(out.kcv, out.kcv_len, secret->kcv, secret->kcv_len));
    }
    buf_release(&b);
    return ok;
}

static void test_secret_round_trips(void)
{
    static const struct {
        enum secret_kind kind;
        enum secret_method method;
        size_t ciphertext_len;
    } rows[] = {
        {SECRET_DES2, METHOD_KWP, 24},
        {SECRET_DES3, METHOD_KWP, 32},
        {SECRET_AES128, METHOD_KWP, 24},
        {SECRET_AES192, METHOD_KWP, 32},
        {SECRET_AES256, METHOD_KWP, 40},
        {SECRET_DES2, METHOD_CARD_TDES_ECB, 16},
        {SECRET_DES3, METHOD_CARD_TDES_ECB, 24},
        {SECRET_DES2, METHOD_CARD_AES_CBC, 16},
        {SECRET_AES128, METHOD_CARD_AES_CBC, 16},
        {SECRET_AES256, METHOD_CARD_AES_CBC, 32},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct wrapped_secret s = secret_of("KDL", 0x8000);
        s.kind = rows[i].kind;
        s.kcv_len = secret_kind_row((unsigned)s.kind)->kcv_len;
        s.method = rows[i].method;
        s.ciphertext_len = rows[i].ciphertext_len;
        if (s.method != METHOD_KWP) snprintf(s.card_key, sizeof(s.card_key), "KMC/3/DEK");
        EXPECT_OK(put_and_read(&s));
        s.derivation_data = ciphertext;
        s.derivation_data_len = 8;
        EXPECT_OK(put_and_read(&s));
        s.ciphertext_len++;
        EXPECT_FAIL(put_and_read(&s), ERR_INPUT, "ciphertext (C7) has the wrong length");
        s.ciphertext_len -= 2;
        EXPECT_FAIL(put_and_read(&s), ERR_INPUT, "ciphertext (C7) has the wrong length");
    }
    struct wrapped_secret rsa = rsa_of("card-key");
    EXPECT_OK(put_and_read(&rsa));
    rsa.ciphertext_len = 495;
    EXPECT_FAIL(put_and_read(&rsa), ERR_INPUT, "ciphertext (C7)");
}

static void test_opaque_lengths(void)
{
    struct wrapped_secret s = opaque_of("PIN", 0x8010);
    /* 10 bytes; a token may have made up to 17 of them, in blocks of 8 behind one of RFC 5649. */
    static const size_t right[] = {24, 32};
    static const size_t wrong[] = {16, 40, 25};
    for (size_t i = 0; i < SUITE_COUNT(right); i++) {
        s.ciphertext_len = right[i];
        EXPECT_OK(put_and_read(&s));
    }
    for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
        s.ciphertext_len = wrong[i];
        EXPECT_FAIL(put_and_read(&s), ERR_INPUT, "ciphertext (C7)");
    }
}

static void test_secret_contradictions(void)
{
    struct wrapped_secret s = secret_of("KDL", 0x8000);
#define REFUSED(part) EXPECT_FAIL(put_and_read(&s), ERR_INPUT, "E1 at offset 500: secret KDL: " part)
    s.kcv_len = 5;
    REFUSED("key check value (C5)");
    s.kcv_len = 0;
    REFUSED("key check value (C5)");
    s = secret_of("KDL", 0x8000);
    s.master[0] = '\0';
    REFUSED("master key (CD) is missing");
    s = secret_of("KDL", 0x8000);
    s.true_len = 16;
    REFUSED("only opaque bytes");
    s = secret_of("KDL", 0x8000);
    snprintf(s.card_key, sizeof(s.card_key), "KMC/3/DEK");
    REFUSED("method 01 takes no key of the card");
    s = card_key_secret_of("KDL", 0x8000);
    s.card_key[0] = '\0';
    REFUSED("the card's own key (CC) is missing");
    s = card_key_secret_of("KDL", 0x8000);
    s.kind = SECRET_DES3;
    REFUSED("this method (C6) is not for this kind");
    s.method = METHOD_CARD_TDES_ECB;
    s.kind = SECRET_AES128;
    s.kcv_len = 5;
    REFUSED("this method (C6) is not for this kind");
    s = rsa_of("KDL");
    s.dgi = 0x8202;
    REFUSED("an RSA key is for DGI 8201");
    s = rsa_of("KDL");
    snprintf(s.master, sizeof(s.master), "KML/2");
    REFUSED("this kind has no master key");
    s = rsa_of("KDL");
    s.derivation_data = ciphertext;
    s.derivation_data_len = 8;
    REFUSED("this kind has no derivation data");
    s = rsa_of("KDL");
    s.method = METHOD_CARD_AES_CBC;
    snprintf(s.card_key, sizeof(s.card_key), "KMC/3/DEK");
    REFUSED("this method (C6) is not for this kind");
    s = opaque_of("KDL", 0x8010);
    s.true_len = 0;
    REFUSED("true length (CE) is missing");
    s = opaque_of("KDL", 0x8010);
    s.kcv_len = 3;
    REFUSED("key check value (C5)");
    s = opaque_of("KDL", 0x8010);
    s.derivation_data = ciphertext;
    s.derivation_data_len = 8;
    REFUSED("this kind has no derivation data");
#undef REFUSED
}

static void test_secret_texts(void)
{
    static const char *const bad[] = {"KML", "KML/", "/22", "KML/x", "KML/2/", "KML/2/DEK", "KML/2 "};
    static const char *const bad_card[] = {"KMC/3",      "KMC/3/",    "KMC//DEK",
                                           "KMC/3/DEK/", "KMC/x/DEK", "/3/DEK"};
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        struct wrapped_secret s = secret_of("KDL", 0x8000);
        snprintf(s.master, sizeof(s.master), "%s", bad[i]);
        EXPECT_FAIL(put_and_read(&s), ERR_INPUT, "name/version");
    }
    for (size_t i = 0; i < SUITE_COUNT(bad_card); i++) {
        struct wrapped_secret s = card_key_secret_of("KDL", 0x8000);
        snprintf(s.card_key, sizeof(s.card_key), "%s", bad_card[i]);
        EXPECT_FAIL(put_and_read(&s), ERR_INPUT, "name/version/which");
    }
}

static void test_secret_tags(void)
{
    struct wrapped_secret s = secret_of("KDL", 0x8000), out;
    struct buf b, edited, whole;
    struct tlv tlv, inner;
    buf_init(&b, 1000);
    buf_init(&edited, 1000);
    buf_init(&whole, 1000);
    wrapped_secret_put(&b, &s);
    struct cur c = cur_make(b.data, b.len, 0);
    EXPECT_OK(tlv_read(&c, &tlv, &err));
    struct cur list = cur_make(tlv.value, tlv.len, 0);
    for (struct cur walk = list; cur_left(&walk) > 0;) {
        EXPECT_OK(tlv_read(&walk, &inner, &err));
        for (unsigned copies = 0; copies <= 2; copies += 2) {
            tlv_edit(&edited, list, inner.tag, copies, NULL, 0);
            buf_clear(&whole);
            tlv_put(&whole, 0xE1, edited.data, edited.len);
            EXPECT_FAIL(read_one_secret(&whole, &out), ERR_INPUT, "E1 at offset 500");
        }
    }
    static const struct {
        uint32_t tag;
        const char *value;
        size_t len;
        const char *part;
    } rows[] = {
        {0xC3, "", 0, "tag C3 (name)"},
        {0xC3, "K\x01", 2, "not printable"},
        {0xC4, "\x00", 1, "unknown kind"},
        {0xC4, "\x08", 1, "unknown kind"},
        {0xC6, "\x02", 1, "unknown method"},
        {0xC6, "\x00", 1, "unknown method"},
        {0xC8, "\x80", 1, "tag C8 (DGI)"},
        {0xC7, "", 0, "tag C7 (ciphertext)"},
        {0xC3, "123456789012345678901234567890123", 33, "tag C3 (name)"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        tlv_replaced(&edited, list, rows[i].tag, rows[i].value, rows[i].len);
        buf_clear(&whole);
        tlv_put(&whole, 0xE1, edited.data, edited.len);
        EXPECT_FAIL(read_one_secret(&whole, &out), ERR_INPUT, rows[i].part);
    }
    for (size_t len = 0; len < list.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);
        memcpy(exact, list.data, len);
        struct tlv cut = {.tag = 0xE1, .value = exact, .len = len};
        EXPECT_FAIL(wrapped_secret_read(&cut, &out, &err), ERR_INPUT, "E1 at offset 0");
        free(exact);
    }
    buf_release(&b);
    buf_release(&edited);
    buf_release(&whole);
}

static void test_groupings(void)
{
    static const size_t lens[] = {0, 1, 200, 65535};
    uint8_t *value = calloc(1, 65536);
    struct buf b;
    buf_init(&b, 70000);
    for (size_t i = 0; i < SUITE_COUNT(lens); i++) {
        struct clear_grouping grouping;
        struct tlv tlv;
        buf_clear(&b);
        clear_grouping_put(&b, 0x0101, value, lens[i]);
        EXPECT_OK(buf_ok(&b, "grouping", &err));
        struct cur c = cur_make(b.data, b.len, 0);
        EXPECT_OK(tlv_read(&c, &tlv, &err));
        CU_ASSERT_EQUAL(tlv.tag, 0xE2);
        EXPECT_OK(clear_grouping_read(&tlv, &grouping, &err));
        CU_ASSERT_TRUE(grouping.dgi == 0x0101 && grouping.len == lens[i]);
    }
    struct clear_grouping grouping;
    struct tlv tlv = {.tag = 0xE2, .value = (const uint8_t *)"\xC8\x02\x01\x01", .len = 4};
    EXPECT_FAIL(clear_grouping_read(&tlv, &grouping, &err), ERR_INPUT, "tag C9 (value) is missing");
    tlv.value = (const uint8_t *)"\xC8\x01\x01\xC9\x00";
    tlv.len = 5;
    EXPECT_FAIL(clear_grouping_read(&tlv, &grouping, &err), ERR_INPUT, "tag C8 (DGI)");
    tlv.value = (const uint8_t *)"\xC8\x02\x01\x01\xC9\x00\xC7\x00";
    tlv.len = 8;
    EXPECT_FAIL(clear_grouping_read(&tlv, &grouping, &err), ERR_INPUT, "tag C7 at offset 8");
    buf_release(&b);
    free(value);
}

static const struct test_case cases[] = {
    {"kinds of secrets", test_kinds},
    {"secrets of each kind and method", test_secret_round_trips},
    {"opaque secrets and tokens that pad", test_opaque_lengths},
    {"secrets that contradict themselves", test_secret_contradictions},
    {"names of keys", test_secret_texts},
    {"E1: missing, repeated, wrong tags; cut", test_secret_tags},
    {"clear groupings", test_groupings},
};

int main(void)
{
    return suite_run("formats/wrapped_secret", cases, SUITE_COUNT(cases));
}
