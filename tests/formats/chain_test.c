#include "formats/chain.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "suite.h"

/* A file of another program (tests/samples/README.md) and the CA key to it. */
static const char sample[] = TEST_DATA_DIR "/samples/independent-5.mic";
static const char sample_keys[] = TEST_DATA_DIR "/samples/independent-5.keys.json";
enum { SAMPLE_MAX = 1 << 20, EMV_ENTRY = 1, PURSE_ENTRY = 0 };

struct fixture {
    struct buf file;
    struct emv_ca_key ca;
    struct chain_checker *checker;
    struct mic_record record; /* of card 1 */
    struct entry entries[ENTRIES_MAX];
    size_t count;
};

static bool load_ca(struct emv_ca_key *ca, struct err *err)
{
    json_t *root = json_load_file(sample_keys, 0, NULL);
    const char *n = NULL, *rid = NULL, *index = NULL;
    int e = 0;
    struct buf bytes;
    bool ok = root && json_unpack(root, "{s:{s:s, s:i, s:s, s:s}}", "ca", "n", &n, "e", &e, "rid", &rid,
                                  "index", &index) == 0;

    memset(ca, 0, sizeof(*ca));
    buf_init(&bytes, 512);
    ok = ok && hex_read(n, strlen(n), &bytes, err) && hex_read_exact(rid, strlen(rid), ca->rid, 5, err) &&
         hex_read_exact(index, strlen(index), &ca->index, 1, err);
    if (ok) {
        memcpy(ca->key.modulus, bytes.data, bytes.len);
        ca->key.modulus_len = bytes.len;
        ca->key.exponent[0] = (uint8_t)e;
        ca->key.exponent_len = 1;
        memcpy(ca->expiry, "\x12\x79", 2);
    }
    buf_release(&bytes);
    json_decref(root);
    return ok;
}

/* The first card record, so that entries point into the file's bytes, which a test may change. */
static void set_up(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct mic_record job;
    const size_t seven = MIC_DIGITS;

    memset(f, 0, sizeof(*f));
    buf_init(&f->file, SAMPLE_MAX);
    EXPECT_OK(file_read_all(sample, SAMPLE_MAX, &f->file, &err));
    EXPECT_OK(load_ca(&f->ca, &err));
    EXPECT_OK(chain_checker_new(&f->checker, &f->ca, 1, &err));
    struct cur c = cur_make(f->file.data, f->file.len, 0);
    uint64_t rlen = 0;
    EXPECT_OK(cur_take_digits(&c, seven, &rlen, "RLEN", &err));
    EXPECT_OK(mic_parse_record(f->file.data, seven + (size_t)rlen, 0, &job, &err));
    c.pos = seven + (size_t)rlen;
    const size_t begin = c.pos;
    EXPECT_OK(cur_take_digits(&c, seven, &rlen, "RLEN", &err));
    EXPECT_OK(mic_parse_record(&f->file.data[begin], seven + (size_t)rlen, begin, &f->record, &err));
    EXPECT_OK(entry_read_all(mic_find(&f->record, "CHIP"), f->entries, &f->count, &err));
}

static void tear_down(struct fixture *f)
{
    chain_checker_free(f->checker);
    buf_release(&f->file);
}

static void test_accepts(void)
{
    struct fixture f;
    struct chain_result r;
    struct err err = ERR_INIT;

    set_up(&f);
    for (int again = 0; again < 2; again++) { /* the second time the issuer certificate is known already */
        EXPECT_OK(chain_check(f.checker, &f.entries[EMV_ENTRY], &r, &err));
        CU_ASSERT_TRUE(r.certificates && r.static_data && r.card && r.key_pair && !r.no_ca_key);
    }
    EXPECT_OK(chain_check(f.checker, &f.entries[PURSE_ENTRY], &r, &err));
    CU_ASSERT_FALSE(r.certificates);
    tear_down(&f);
}

static void test_no_ca_key(void)
{
    struct fixture f;
    struct chain_result r;
    struct err err = ERR_INIT;

    set_up(&f);
    f.ca.index ^= 1;
    EXPECT_OK(chain_check(f.checker, &f.entries[EMV_ENTRY], &r, &err));
    CU_ASSERT_TRUE(r.certificates && r.no_ca_key);
    CU_ASSERT_FALSE(r.card);
    tear_down(&f);
}

static void test_expiry(void)
{
    struct fixture f;
    struct chain_result r;
    struct err err = ERR_INIT;

    set_up(&f);
    memcpy(f.ca.expiry, "\x01\x20", 2);
    EXPECT_FAIL(chain_check(f.checker, &f.entries[EMV_ENTRY], &r, &err), ERR_INTEGRITY,
                "expires after the CA key");
    tear_down(&f);
}

/* Finds the value of the first object with this tag in the entry's groupings. */
static uint8_t *value_in(struct fixture *f, uint32_t tag, size_t *len)
{
    struct entry_walk walk;
    struct entry_item item = {.kind = ITEM_BINDING};
    struct err err = ERR_INIT;

    entry_walk_begin(&walk, &f->entries[EMV_ENTRY]);
    while (item.kind != ITEM_END && entry_walk_next(&walk, &item, &err)) {
        if (item.kind != ITEM_GROUPING) continue;
        struct cur c = cur_make(item.grouping.value, item.grouping.len, 0);
        struct tlv t;
        bool found = false;
        if (!tlv_read(&c, &t, &err)) continue;
        if (tlv_is_constructed(t.tag))
            c = cur_make(t.value, t.len, 0);
        else
            c.pos = 0;
        if (!tlv_find(c, tag, &t, &found, &err) || !found) continue;
        *len = t.len;
        return &f->file.data[t.value - f->file.data];
    }
    CU_FAIL_FATAL("the sample lacks a tag");
    return NULL;
}

/* One byte changed in what a certificate is or covers. */
static void test_refuses(void)
{
    static const struct {
        uint32_t tag;
        const char *part;
    } rows[] = {
        {0x90, "issuer certificate (90)"},
        {0x92, "issuer certificate (90)"},
        {0x93, "signed static data (93)"},
        {0x9F46, "card certificate (9F46)"},
        {0x5A, "(93)"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct fixture f;
        struct chain_result r;
        struct err err = ERR_INIT;
        size_t len = 0;
        set_up(&f);
        uint8_t *value = value_in(&f, rows[i].tag, &len);
        value[len / 2] ^= 0x01;
        EXPECT_FAIL(chain_check(f.checker, &f.entries[EMV_ENTRY], &r, &err), ERR_INTEGRITY, rows[i].part);
        tear_down(&f);
    }
}

/* The check value of the wrapped pair is bound to the certified modulus. */
static void test_other_pair(void)
{
    struct fixture f;
    struct chain_result r;
    struct err err = ERR_INIT;
    struct entry_walk walk;
    struct entry_item item = {.kind = ITEM_BINDING};

    set_up(&f);
    entry_walk_begin(&walk, &f.entries[EMV_ENTRY]);
    while (item.kind != ITEM_END && entry_walk_next(&walk, &item, &err)) {
        if (item.kind != ITEM_SECRET || item.secret.kind != SECRET_RSA) continue;
        struct tlv t;
        bool found = false;
        EXPECT_OK(tlv_find(cur_make(item.tlv.value, item.tlv.len, 0), 0xC5, &t, &found, &err));
        f.file.data[t.value - f.file.data] ^= 0x01;
    }
    EXPECT_FAIL(chain_check(f.checker, &f.entries[EMV_ENTRY], &r, &err), ERR_INTEGRITY,
                "not the certified one");
    tear_down(&f);
}

static const struct test_case cases[] = {
    {"a file of another program: whole chain, purse without certificates", test_accepts},
    {"without the CA key nothing is verified, and that is said", test_no_ca_key},
    {"an issuer certificate that outlives the CA key", test_expiry},
    {"one byte changed in a certificate or in signed data", test_refuses},
    {"a wrapped pair that is not the certified one", test_other_pair},
};
int main(void)
{
    return suite_run("formats/chain", cases, SUITE_COUNT(cases));
}
