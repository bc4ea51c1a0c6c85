#include "formats/entry.h"

#include <stdlib.h>

#include "suite.h"

static struct err err;

static const uint8_t aid[] = {0xA0, 0, 0, 0, 3, 0x10, 0x10};

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

static const struct test_case cases[] = {
    {"entry written and read", test_entry_round_trip},
    {"entry truncated at every byte", test_entry_truncated_at_every_byte},
    {"entry: each refusal", test_entry_refusals},
    {"all entries of a group", test_all_entries},
};

int main(void)
{
    return suite_run("formats/entry", cases, SUITE_COUNT(cases));
}
