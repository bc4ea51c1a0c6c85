#include "formats/entry.h"

#include <stdlib.h>

#include "suite.h"
#include "tlv_edit.h"

static struct err err;

static const uint8_t aid[] = {0xA0, 0, 0, 0, 3, 0x10, 0x10};
static const struct card_group card = {.job_id = "job-id-16-bytes", .number = 12, .object_id = "x"};
static const uint8_t ciphertext[2048];

/* A secret in one line: what differs from KDL under the KEK is set by the test. */
static struct wrapped_secret secret_of(const char *name, uint16_t dgi)
{
    struct wrapped_secret s = {.kind = SECRET_DES2,
                               .kcv = {1, 2, 3},
                               .kcv_len = 3,
                               .method = METHOD_KWP,
                               .master = "KML/2",
                               .ciphertext = ciphertext,
                               .ciphertext_len = 24,
                               .dgi = dgi};
    snprintf(s.name, sizeof(s.name), "%s", name);
    return s;
}

static struct wrapped_secret rsa_of(const char *name)
{
    struct wrapped_secret s = secret_of(name, 0x8201);
    s.kind = SECRET_RSA;
    s.master[0] = '\0';
    s.ciphertext_len = 496;
    return s;
}

static struct wrapped_secret opaque_of(const char *name, uint16_t dgi)
{
    struct wrapped_secret s = secret_of(name, dgi);
    s.kind = SECRET_OPAQUE;
    s.master[0] = '\0';
    s.kcv_len = 0;
    s.true_len = 10;
    return s;
}

static struct wrapped_secret card_key_secret_of(const char *name, uint16_t dgi)
{
    struct wrapped_secret s = secret_of(name, dgi);
    s.method = METHOD_CARD_AES_CBC;
    s.ciphertext_len = 16;
    snprintf(s.card_key, sizeof(s.card_key), "KMC/3/DEK");
    return s;
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

/* A sealed entry around DATA. */
static void put_sealed(struct buf *b, const void *data, size_t len)
{
    struct entry entry = {
        .aid_len = sizeof(aid), .kekid = "\x47\x61\x73\xFF\x00\x01", .data = data, .data_len = len};
    size_t begin = 0, mac_end = 0;
    memcpy(entry.aid, aid, sizeof(aid));
    memcpy(entry.mackey, "wrapped MAC key", 15);
    entry_put_sealed(b, &entry, &begin, &mac_end);
    CU_ASSERT_EQUAL(begin, 0);
    CU_ASSERT_EQUAL(mac_end, b->len - 1);
    buf_put_fill(b, 0x4D, MAC_LEN);
}

static bool read_one(const uint8_t *data, size_t len, struct entry *out)
{
    struct cur c = cur_make(data, len, 300);
    if (!entry_read(&c, out, &err)) {
        CU_ASSERT_EQUAL(c.pos, 0);
        return false;
    }
    return cur_left(&c) == 0;
}

static void test_entry_round_trip(void)
{
    struct buf b;
    struct entry entry;
    buf_init(&b, 1000);
    put_sealed(&b, "\x5A\x00", 2);
    EXPECT_OK(read_one(b.data, b.len, &entry));
    CU_ASSERT_TRUE(entry.sealed);
    CU_ASSERT_TRUE(bytes_equal(entry.aid, entry.aid_len, aid, sizeof(aid)));
    CU_ASSERT_TRUE(bytes_equal(entry.data, entry.data_len, "\x5A\x00", 2));
    CU_ASSERT_EQUAL(entry.data_offset, 300 + 8 + 4 + 6 + 4);
    CU_ASSERT_EQUAL(entry.maced_len, b.len - 17);
    CU_ASSERT_TRUE(bytes_all(entry.mac, MAC_LEN, 0x4D));
    CU_ASSERT_TRUE(entry.bytes == b.data && entry.len == b.len);
    buf_clear(&b);
    entry_put_open(&b, aid, sizeof(aid), (const uint8_t *)"\x5A\x00", 2);
    EXPECT_OK(read_one(b.data, b.len, &entry));
    CU_ASSERT_FALSE(entry.sealed);
    CU_ASSERT_EQUAL(entry.data_len, 2);
    buf_clear(&b);
    entry_put_open(&b, aid, 17, NULL, 0);
    CU_ASSERT_TRUE(b.failed);
    buf_release(&b);
}

static void test_entry_truncated_at_every_byte(void)
{
    struct buf b;
    struct entry entry;
    buf_init(&b, 1000);
    for (int sealed = 0; sealed <= 1; sealed++) {
        buf_clear(&b);
        if (sealed)
            put_sealed(&b, "\x5A\x00", 2);
        else
            entry_put_open(&b, aid, sizeof(aid), (const uint8_t *)"\x5A\x00", 2);
        for (size_t len = 0; len < b.len; len++) {
            uint8_t *exact = malloc(len ? len : 1);
            memcpy(exact, b.data, len);
            EXPECT_FAIL(read_one(exact, len, &entry), ERR_INPUT, "entry at offset 300");
            free(exact);
        }
    }
    buf_release(&b);
}

static void test_entry_refusals(void)
{
    /* Offsets: AIDLEN 0, AID 1, ELEN 8, KEKID 12, DLEN 18, DATA 22, MKLEN 24, MACKEY 26, MLEN 66, MAC 67. */
    static const struct {
        bool sealed;
        size_t at;
        uint8_t value;
        const char *part;
    } rows[] = {
        {true, 0, 4, "AIDLEN is 4, not 5 to 16"},
        {true, 0, 17, "AIDLEN is 17, not 5 to 16"},
        {true, 8, 1, "entry at offset 312 needs"},
        {true, 11, 70, "MAC at offset"},
        {true, 11, 72, "entry at offset 312 needs 72 bytes"},
        {true, 12, 0xA7, "no KEK identifier at offset 312"},
        {true, 17, 0, "no KEK identifier at offset 312"},
        {true, 18, 1, "DATA at offset 322 needs"},
        {true, 21, 1, "MACKEY at offset 323 has 0 bytes; a sealed entry has 40"},
        {true, 25, 39, "MACKEY at offset 324 has 39 bytes; a sealed entry has 40"},
        {true, 66, 0, "MAC at offset 366 has 0 bytes; a sealed entry has 16"},
        {true, 66, 15, "MAC at offset 366 has 15 bytes"},
        {false, 12, 0x47, "no KEK identifier"},
        {false, 25, 40, "MACKEY at offset 324 has 40 bytes; an open entry (KEKID zero) has 0"},
        {false, 26, 16, "MAC at offset 326 has 16 bytes; an open entry"},
        {false, 11, 14, "MAC at offset 326 needs"},
    };
    struct buf b;
    struct entry entry;
    buf_init(&b, 1000);
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        buf_clear(&b);
        if (rows[i].sealed)
            put_sealed(&b, "\x5A\x00", 2);
        else
            entry_put_open(&b, aid, sizeof(aid), (const uint8_t *)"\x5A\x00", 2);
        b.data[rows[i].at] = rows[i].value;
        EXPECT_FAIL(read_one(b.data, b.len, &entry), ERR_INPUT, rows[i].part);
    }
    buf_clear(&b);
    entry_put_open(&b, aid, sizeof(aid), NULL, 0);
    buf_put_u8(&b, 0);
    b.data[11]++; /* ELEN */
    EXPECT_FAIL(read_one(b.data, b.len, &entry), ERR_INPUT, "ELEN counts 1 bytes behind the MAC");
    buf_clear(&b);
    put_sealed(&b, "", 0);
    memset(b.data + 12, 0, KEKID_LEN);
    EXPECT_FAIL(read_one(b.data, b.len, &entry), ERR_INPUT, "an open entry (KEKID zero) has 0");
    buf_release(&b);
}

static void test_all_entries(void)
{
    struct buf b;
    struct entry entries[ENTRIES_MAX];
    size_t count = 7;
    uint8_t other[AID_MIN] = {0};
    buf_init(&b, 4000);
    struct mic_group chip = {.name = "CHIP", .offset = 50};
    EXPECT_OK(entry_read_all(&chip, entries, &count, &err));
    CU_ASSERT_EQUAL(count, 0);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        other[0] = (uint8_t)i;
        entry_put_open(&b, other, sizeof(other), NULL, 0);
    }
    chip.data = b.data;
    chip.len = b.len;
    EXPECT_OK(entry_read_all(&chip, entries, &count, &err));
    CU_ASSERT_EQUAL(count, ENTRIES_MAX);
    other[0] = ENTRIES_MAX;
    entry_put_open(&b, other, sizeof(other), NULL, 0);
    chip.data = b.data;
    chip.len = b.len;
    EXPECT_FAIL(entry_read_all(&chip, entries, &count, &err), ERR_INPUT,
                "group CHIP at offset 50: more than 32");
    buf_clear(&b);
    entry_put_open(&b, aid, sizeof(aid), NULL, 0);
    entry_put_open(&b, aid, sizeof(aid), (const uint8_t *)"\x5A\x00", 2);
    chip.data = b.data;
    chip.len = b.len;
    EXPECT_FAIL(entry_read_all(&chip, entries, &count, &err), ERR_INPUT,
                "entry at offset 89: its AID stands twice, first at offset 64");
    CU_ASSERT_EQUAL(count, 0);
    buf_release(&b);
}

/* DATA of a sealed entry, built by the steps of a test and then checked. */
static struct buf data;

static bool check(void)
{
    struct entry entry = {.sealed = true, .data = data.data, .data_len = data.len, .data_offset = 700};
    bool ok = buf_ok(&data, "DATA", &err) && entry_check(&entry, &card, &err);
    buf_clear(&data);
    return ok;
}

static void put_secret(struct wrapped_secret secret)
{
    wrapped_secret_put(&data, &secret);
}

static void put_begin(void)
{
    binding_put(&data, &card);
    tlv_put(&data, 0xC2, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
}

static void test_sealed_data(void)
{
    struct entry_walk walk;
    struct entry_item item;
    static const enum entry_item_kind kinds[] = {
        ITEM_BINDING,  ITEM_DERIVATION_DATA, ITEM_GROUPING, ITEM_SECRET, ITEM_SECRET, ITEM_SECRET,
        ITEM_GROUPING, ITEM_SECRET,          ITEM_LOOSE,    ITEM_LOOSE,  ITEM_END,    ITEM_END};
    put_begin();
    clear_grouping_put(&data, 0x0101, "x", 1);
    put_secret(rsa_of("card-key"));
    put_secret(secret_of("KDL", 0x8000));
    put_secret(secret_of("KDU", 0x8000));
    clear_grouping_put(&data, 0x0102, "x", 1);
    put_secret(opaque_of("PIN", 0x8010));
    tlv_put(&data, 0x5A, "x", 1);
    tlv_put(&data, 0x5A, "x", 1);
    struct entry entry = {.sealed = true, .data = data.data, .data_len = data.len};
    entry_walk_begin(&walk, &entry);
    for (size_t i = 0; i < SUITE_COUNT(kinds); i++) {
        EXPECT_OK(entry_walk_next(&walk, &item, &err));
        CU_ASSERT_EQUAL(item.kind, kinds[i]);
        if (i == 5) CU_ASSERT_STRING_EQUAL(item.secret.name, "KDU");
        if (i == 6) CU_ASSERT_EQUAL(item.grouping.dgi, 0x0102);
    }
    EXPECT_OK(check());
    /* A loyalty entry: nothing but the binding and loose elements, then one without even these. */
    binding_put(&data, &card);
    tlv_put(&data, 0xDF01, "points", 6);
    EXPECT_OK(check());
    binding_put(&data, &card);
    EXPECT_OK(check());
}

static void test_order_of_data(void)
{
    EXPECT_FAIL(check(), ERR_INPUT, "DATA at offset 700 has no binding (C1)");
    tlv_put(&data, 0xC2, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "tag C2 at offset 700: stands before the binding");
    tlv_put(&data, 0x5A, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "tag 5A at offset 700: stands before the binding");
    put_begin();
    tlv_put(&data, 0xC2, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "tag C2 at offset 736: is out of order or stands twice");
    put_begin();
    binding_put(&data, &card);
    EXPECT_FAIL(check(), ERR_INPUT, "tag C1 at offset 736: is out of order or stands twice");
    put_begin();
    tlv_put(&data, 0x5A, "x", 1);
    clear_grouping_put(&data, 0x0101, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "tag E2 at offset 739: is out of order");
    put_begin();
    tlv_put(&data, 0x5A, "x", 1);
    put_secret(secret_of("KDL", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT, "tag E1 at offset 739: is out of order");
    binding_put(&data, &card);
    clear_grouping_put(&data, 0x0101, "x", 1);
    tlv_put(&data, 0xC2, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "is out of order");
    put_begin();
    tlv_put(&data, 0xC7, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "tag C7 at offset 736: does not belong here");
    put_begin();
    buf_put(&data, "\x5A", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "tag 5A: length at offset 737");
    binding_put(&data, &card);
    tlv_put(&data, 0xC2, "", 0);
    EXPECT_FAIL(check(), ERR_INPUT, "derivation data of the wrong length");
    tlv_put(&data, 0xC1, "short", 5);
    EXPECT_FAIL(check(), ERR_INPUT, "a binding (C1) has 24 bytes");
}

static void test_binding_to_another_record(void)
{
    struct card_group other = card;
    other.number++;
    binding_put(&data, &other);
    EXPECT_FAIL(check(), ERR_INTEGRITY, "bound to record 13, not to this one (12)");
    other = card;
    other.job_id[15] ^= 1;
    binding_put(&data, &other);
    EXPECT_FAIL(check(), ERR_INTEGRITY, "bound to a record of another job");
}

static void test_names_and_groupings_of_data(void)
{
    put_begin();
    put_secret(secret_of("KDL", 0x8000));
    put_secret(secret_of("KDL", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT, "secret KDL: DGI 8000: this name of a secret stands twice");
    put_begin();
    put_secret(secret_of("A", 0x8000));
    put_secret(secret_of("B", 0x8001));
    put_secret(secret_of("C", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT,
                "secret C: DGI 8000: secrets of this DGI do not stand next to each other");
    put_begin();
    put_secret(secret_of("A", 0x8000));
    clear_grouping_put(&data, 0x0101, "x", 1);
    put_secret(secret_of("B", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT, "secret B: DGI 8000: secrets of this DGI do not stand next");
    put_begin();
    put_secret(secret_of("A", 0x8000));
    clear_grouping_put(&data, 0x8000, "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "DGI 8000: this DGI is both clear and secret");
    put_begin();
    clear_grouping_put(&data, 0x8000, "x", 1);
    put_secret(secret_of("A", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT, "DGI 8000: this DGI is both clear and secret");
    put_begin();
    clear_grouping_put(&data, 0x0101, "x", 1);
    clear_grouping_put(&data, 0x0101, "y", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "DGI 0101: this DGI stands twice");
    put_begin();
    put_secret(card_key_secret_of("A", 0x8000));
    put_secret(card_key_secret_of("B", 0x8000));
    EXPECT_OK(check());
    put_begin();
    put_secret(card_key_secret_of("A", 0x8000));
    put_secret(secret_of("B", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT, "secret B: DGI 8000: two methods for one DGI");
    put_begin();
    struct wrapped_secret other = card_key_secret_of("B", 0x8000);
    other.card_key[4] = '4';
    put_secret(card_key_secret_of("A", 0x8000));
    put_secret(other);
    EXPECT_FAIL(check(), ERR_INPUT, "two keys of the card for one DGI");
}

static void test_rsa_key_in_data(void)
{
    put_begin();
    put_secret(rsa_of("A"));
    put_secret(rsa_of("B"));
    EXPECT_FAIL(check(), ERR_INPUT, "secret B: DGI 8201: a second RSA key");
    for (uint16_t dgi = 0x8201; dgi <= 0x8205; dgi++) {
        put_begin();
        put_secret(rsa_of("A"));
        put_secret(opaque_of("B", dgi));
        EXPECT_FAIL(check(), ERR_INPUT, "the RSA key already stands for this DGI");
        put_begin();
        put_secret(opaque_of("B", dgi));
        put_secret(rsa_of("A"));
        EXPECT_FAIL(check(), ERR_INPUT, "the RSA key stands for a DGI that stands before it");
        put_begin();
        put_secret(rsa_of("A"));
        clear_grouping_put(&data, dgi, "x", 1);
        EXPECT_FAIL(check(), ERR_INPUT, "the RSA key already stands for this DGI");
    }
    put_begin();
    put_secret(rsa_of("A"));
    put_secret(opaque_of("B", 0x8206));
    EXPECT_OK(check());
}

static void test_derivation_data_of_data(void)
{
    struct wrapped_secret own = secret_of("A", 0x8000);
    own.derivation_data = (const uint8_t *)"\x11\x22\x33\x44\x55\x66\x77\x88";
    own.derivation_data_len = 8;
    binding_put(&data, &card);
    put_secret(secret_of("A", 0x8000));
    EXPECT_FAIL(check(), ERR_INPUT, "there is no derivation data (C2) for this secret");
    binding_put(&data, &card);
    put_secret(own);
    EXPECT_OK(check());
    put_begin();
    put_secret(own);
    EXPECT_FAIL(check(), ERR_INPUT, "its own derivation data (C2) is the entry's");
    own.derivation_data_len = 7;
    put_begin();
    put_secret(own);
    EXPECT_OK(check());
    binding_put(&data, &card);
    put_secret(rsa_of("A"));
    put_secret(opaque_of("B", 0x8010));
    EXPECT_OK(check());
}

static void put_many_secrets(unsigned count)
{
    char name[16];
    put_begin();
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "K%u", i);
        put_secret(secret_of(name, 0x8000));
    }
}

static void test_limits_of_data(void)
{
    put_many_secrets(WALK_NAMES_MAX);
    EXPECT_OK(check());
    put_many_secrets(WALK_NAMES_MAX + 1);
    EXPECT_FAIL(check(), ERR_INPUT, "too many secrets");
    put_begin();
    for (uint16_t i = 0; i <= WALK_DGIS_MAX; i++)
        clear_grouping_put(&data, (uint16_t)(0x0101 + i), "x", 1);
    EXPECT_FAIL(check(), ERR_INPUT, "too many DGIs");
}

static void test_open_data(void)
{
    static const uint32_t ours[] = {0xC0, 0xC1, 0xCF, 0xD0, 0xDE, 0xE1, 0xE2};
    struct entry entry = {.sealed = false};
    tlv_put(&data, 0x5A, "x", 1);
    tlv_put(&data, 0x5A, "x", 1);
    tlv_put(&data, 0xDF04, "x", 1);
    tlv_put(&data, 0xE3, "\x01", 1); /* not parsed inside */
    entry.data = data.data;
    entry.data_len = data.len;
    EXPECT_OK(entry_check_open(&entry, &err));
    EXPECT_OK(entry_check(&entry, &card, &err));
    entry.data_len--;
    EXPECT_FAIL(entry_check(&entry, &card, &err), ERR_INPUT, "tag E3: value");
    for (size_t i = 0; i < SUITE_COUNT(ours); i++) {
        buf_clear(&data);
        tlv_put(&data, ours[i], "", 0);
        entry.data = data.data;
        entry.data_len = data.len;
        EXPECT_FAIL(entry_check_open(&entry, &err), ERR_INPUT, "is not allowed in an open entry");
    }
    buf_clear(&data);
}

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

static const struct test_case cases[] = {
    {"kinds of secrets", test_kinds},
    {"secrets of each kind and method", test_secret_round_trips},
    {"opaque secrets and tokens that pad", test_opaque_lengths},
    {"secrets that contradict themselves", test_secret_contradictions},
    {"names of keys", test_secret_texts},
    {"E1: missing, repeated, wrong tags; cut", test_secret_tags},
    {"clear groupings", test_groupings},
    {"entry written and read", test_entry_round_trip},
    {"entry truncated at every byte", test_entry_truncated_at_every_byte},
    {"entry: each refusal", test_entry_refusals},
    {"all entries of a group", test_all_entries},
    {"DATA of a sealed entry", test_sealed_data},
    {"order of DATA", test_order_of_data},
    {"binding to another record", test_binding_to_another_record},
    {"names and data groupings", test_names_and_groupings_of_data},
    {"the RSA key and its five groupings", test_rsa_key_in_data},
    {"derivation data", test_derivation_data_of_data},
    {"limits", test_limits_of_data},
    {"DATA of an open entry", test_open_data},
};

int main(void)
{
    buf_init(&data, 100000);
    int status = suite_run("formats/entry", cases, SUITE_COUNT(cases));
    buf_release(&data);
    return status;
}
