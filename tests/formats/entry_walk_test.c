#include "formats/entry.h"
#include "secret_draft.h"
#include "suite.h"

static struct err err;

static const struct card_group card = {.job_id = "job-id-16-bytes", .number = 12, .object_id = "x"};

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

static const struct test_case cases[] = {
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
    int status = suite_run("formats/entry_walk", cases, SUITE_COUNT(cases));
    buf_release(&data);
    return status;
}
