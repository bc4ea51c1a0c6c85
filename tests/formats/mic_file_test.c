#include "formats/mic_file.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "mic_draft.h"
#include "suite.h"

static struct err err;
static struct draft_key rsa_key, ec_key;

#ifdef __SANITIZE_ADDRESS__
enum { BIT_STRIDE = 13, RSS_MEANS_MEMORY = 0 };
#else
enum { BIT_STRIDE = 1, RSS_MEANS_MEMORY = 1 };
#endif

/* Opens bytes in memory; the caller frees *f if it is true. */
static bool open_bytes(struct mic_file **f, const void *bytes, size_t len, const struct public_key *signer,
                       unsigned flags)
{
    struct reader *r = NULL;
    *f = NULL;
    return reader_open_memory(&r, bytes, len, "cards.mic", &err) &&
           mic_file_open(f, r, signer, signer ? 1 : 0, flags, &err);
}

static bool opens(const struct buf *file, const struct public_key *signer, unsigned flags)
{
    struct mic_file *f = NULL;
    bool ok = open_bytes(&f, file->data, file->len, signer, flags);
    mic_file_free(f);
    return ok;
}

/* All records handed out; false as soon as one is refused. */
static bool walk(struct mic_file *f, uint64_t *count)
{
    struct mic_record record;
    struct card_group card;
    bool end = false;
    for (*count = 0;; (*count)++) {
        if (!mic_file_next(f, &record, &card, &end, &err)) return false;
        if (end) return true;
    }
}

static void load_sample(struct buf *file, struct buf *spki)
{
    json_t *keys = json_load_file(TEST_DATA_DIR "/samples/independent-5.keys.json", 0, NULL);
    const char *text = json_string_value(json_object_get(keys, "signer"));
    buf_init(file, 100000);
    buf_init(spki, 1000);
    EXPECT_OK(file_read_all(TEST_DATA_DIR "/samples/independent-5.mic", 100000, file, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    EXPECT_OK(hex_read(text, strlen(text), spki, &err));
    json_decref(keys);
}

static void test_sample_of_an_independent_writer(void)
{
    struct buf file, spki;
    struct mic_file *f = NULL;
    uint64_t count = 0;
    load_sample(&file, &spki);
    struct public_key signer = {spki.data, spki.len};
    EXPECT_OK(open_bytes(&f, file.data, file.len, &signer, 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    const struct mic_file_summary *summary = mic_file_summary(f);
    CU_ASSERT_TRUE(summary->signature_verified && !summary->incomplete);
    CU_ASSERT_EQUAL(summary->count, 5);
    CU_ASSERT_EQUAL(summary->whole_len, file.len);
    CU_ASSERT_STRING_EQUAL(summary->job.name, "oracle");
    for (int pass = 0; pass < 2; pass++) {
        EXPECT_OK(walk(f, &count));
        CU_ASSERT_EQUAL(count, 5);
        EXPECT_OK(mic_file_rewind(f, &err));
    }
    mic_file_free(f);
    buf_release(&file);
    buf_release(&spki);
}

static void test_sample_with_one_bit_changed(void)
{
    struct buf file, spki;
    size_t accepted = 0;
    load_sample(&file, &spki);
    struct public_key signer = {spki.data, spki.len};
    for (size_t bit = 0; bit < 8 * file.len; bit += BIT_STRIDE) {
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        accepted += opens(&file, &signer, 0);
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CU_ASSERT_EQUAL(accepted, 0);
    EXPECT_OK(opens(&file, &signer, 0));
    buf_release(&file);
    buf_release(&spki);
}

static void test_cut_at_every_byte(void)
{
    struct draft draft;
    struct buf file;
    struct public_key signer = draft_signer(&ec_key);
    draft_init(&draft, 3);
    buf_init(&file, 10000);
    draft_write(&file, &draft, &ec_key);
    EXPECT_OK(buf_ok(&file, "draft", &err));
    size_t job_len =
        MIC_DIGITS + strtoul((const char[8]){(char)file.data[0], (char)file.data[1], (char)file.data[2],
                                             (char)file.data[3], (char)file.data[4], (char)file.data[5],
                                             (char)file.data[6]},
                             NULL, 10);
    for (size_t len = 0; len < file.len; len++) {
        struct mic_file *f = NULL;
        uint8_t *exact = malloc(len ? len : 1);
        memcpy(exact, file.data, len);
        EXPECT_FAIL(open_bytes(&f, exact, len, &signer, 0), ERR_INPUT, "cards.mic");
        if (len >= job_len) CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "incomplete"));
        bool ok = open_bytes(&f, exact, len, &signer, MIC_FILE_ALLOW_INCOMPLETE);
        CU_ASSERT_EQUAL(ok, len >= job_len);
        if (ok) {
            uint64_t count = 9;
            const struct mic_file_summary *summary = mic_file_summary(f);
            CU_ASSERT_TRUE(summary->incomplete && !summary->signature_verified && summary->whole_len <= len);
            EXPECT_OK(walk(f, &count));
            CU_ASSERT_EQUAL(count, summary->count);
            mic_file_free(f);
        }
        free(exact);
    }
    buf_release(&file);
}

static void test_signatures(void)
{
    struct draft draft;
    struct buf file;
    struct public_key rsa = draft_signer(&rsa_key), ec = draft_signer(&ec_key);
    struct public_key both[] = {rsa, ec};
    buf_init(&file, 10000);
    for (int with_rsa = 0; with_rsa <= 1; with_rsa++) {
        const struct draft_key *key = with_rsa ? &rsa_key : &ec_key;
        draft_init(&draft, 2);
        draft_write(&file, &draft, key);
        EXPECT_OK(opens(&file, with_rsa ? &rsa : &ec, 0));
        EXPECT_FAIL(opens(&file, with_rsa ? &ec : &rsa, 0), ERR_INTEGRITY, "none of the 1 trusted ones");
        EXPECT_FAIL(opens(&file, NULL, 0), ERR_INTEGRITY, "none of the 0 trusted ones");
        struct reader *r = NULL;
        struct mic_file *f = NULL;
        EXPECT_OK(reader_open_memory(&r, file.data, file.len, "cards.mic", &err));
        EXPECT_OK(mic_file_open(&f, r, both, 2, 0, &err));
        mic_file_free(f);
        EXPECT_OK(open_bytes(&f, file.data, file.len, NULL, MIC_FILE_NO_SIGNER));
        CU_ASSERT_FALSE(mic_file_summary(f)->signature_verified);
        mic_file_free(f);
        buf_clear(&file);
        draft.signed_by = with_rsa ? &ec_key : &rsa_key;
        draft.algorithm = draft.signed_by->algorithm;
        draft_write(&file, &draft, key);
        EXPECT_FAIL(opens(&file, with_rsa ? &rsa : &ec, 0), ERR_INTEGRITY, "does not fit the signer's key");
        buf_clear(&file);
    }
    buf_release(&file);
}

static void test_no_cards(void)
{
    struct draft draft;
    struct buf file;
    struct mic_file *f = NULL;
    uint64_t count = 9;
    struct public_key signer = draft_signer(&ec_key);
    draft_init(&draft, 0);
    buf_init(&file, 10000);
    draft_write(&file, &draft, &ec_key);
    EXPECT_OK(open_bytes(&f, file.data, file.len, &signer, 0));
    EXPECT_OK(walk(f, &count));
    CU_ASSERT_EQUAL(count, 0);
    mic_file_free(f);
    buf_release(&file);
}

/* The draft as it is now, signed and opened. */
static bool draft_opens(const struct draft *draft)
{
    struct buf file;
    struct public_key signer = draft_signer(&ec_key);
    buf_init(&file, 20000);
    draft_write(&file, draft, &ec_key);
    bool ok = buf_ok(&file, "draft", &err) && opens(&file, &signer, 0);
    buf_release(&file);
    return ok;
}

static void test_refusals_of_a_record(void)
{
    struct draft d;
    static const struct {
        const char *groups, *part;
    } orders[] = {
        {"EKS", "does not begin with CARD and end with SEAL"},
        {"ECKS", "does not begin with CARD"},
        {"CEK", "and end with SEAL"},
        {"CKSE", "and end with SEAL"},
        {"C", "and end with SEAL"},
        {"CCKS", "group CARD at offset"},
        {"CKSS", "group SEAL at offset"},
        {"CKKS", "group CHIP at offset"},
        {"CJS", "group JOB at offset"},
        {"CDS", "group END at offset"},
        {"CEEKES", NULL},
        {"CS", NULL},
    };
    for (size_t i = 0; i < SUITE_COUNT(orders); i++) {
        draft_init(&d, 3);
        d.cards[1].groups = orders[i].groups;
        if (orders[i].part)
            EXPECT_FAIL(draft_opens(&d), ERR_INPUT, orders[i].part);
        else
            EXPECT_OK(draft_opens(&d));
    }
#define REFUSED(change, part)                                                                                \
    draft_init(&d, 3);                                                                                       \
    change;                                                                                                  \
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, part)
    REFUSED(d.cards[1].card.job_id[0] ^= 1, "record 2 at offset");
    REFUSED(d.cards[1].card.job_id[0] ^= 1, "job id (D2) is that of another job");
    REFUSED(d.cards[1].seal_job[0] ^= 1, "group SEAL: job id is that of another pass");
    REFUSED(d.cards[1].seal_kekid[5]++, "group SEAL: KEK 476173FF0002 is not listed");
    REFUSED(d.cards[1].entry_kekid[5]++, "entry of AID A000000003 at offset");
    REFUSED(d.cards[1].bound_to.number++, "bound to record 3, not to this one (2)");
    REFUSED(d.cards[1].bound_to.job_id[3]++, "bound to a record of another job");
    REFUSED(memcpy(d.cards[2].card.object_id, d.cards[0].card.object_id, OBJECT_ID_MAX),
            "records 1 and 3 have the same card object identifier");
}

static void test_one_kek_seals(void)
{
    struct draft d;
    draft_init(&d, 3);
    d.job.keks[1] = d.job.keks[0];
    d.job.keks[1].kekid[5]++;
    d.job.kek_count = 2;
    d.cards[1].entry_kekid[5]++;
    EXPECT_OK(draft_opens(&d));
    d.cards[1].seal_kekid[5]++;
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "group SEAL: another KEK than in the seals before it");
}

static void test_refusals_of_end(void)
{
    struct draft d;
    REFUSED(d.count_off = 1, "4 card records are announced (DC), 3 stand in the file");
    REFUSED(d.count_off = -1, "2 card records are announced");
    REFUSED(d.other_job = true, "job id (D2) is not that of the job record");
    REFUSED(d.other_hash = true, "hash of the file (DD) does not verify");
    REFUSED(d.other_signer = true, "none of the 1 trusted ones");
    REFUSED(d.lists_one_mackey_more = true, "MACKEYs of the file are not those listed (CF)");
    REFUSED(d.lists_no_mackey = true, "MACKEYs of the file are not those listed (CF)");
    REFUSED(d.job.keks[1] = d.job.keks[0]; d.job.keks[1].kekid[5]++;
            d.job.kek_count = 2, "lists a KEK (D7, number 2) that no record uses");
    draft_init(&d, 3);
    d.cards[1].entry_mackey = 0x11;
    d.cards[2].seal_mackey = 0x22;
    EXPECT_OK(draft_opens(&d));
}

static void number_cards(struct draft *d, uint64_t first, uint64_t second, uint64_t third)
{
    const uint64_t numbers[] = {first, second, third};
    for (size_t i = 0; i < 3; i++) {
        d->cards[i].card.number = numbers[i];
        d->cards[i].bound_to.number = numbers[i];
    }
}

static void set_aside(struct draft *d, uint64_t planned, uint64_t first, uint64_t second)
{
    d->job.planned = planned;
    d->set_aside[0] = first;
    d->set_aside[1] = second;
    d->set_aside_count = (first > 0) + (size_t)(second > 0);
}

static void test_record_numbers(void)
{
    struct draft d;
    draft_init(&d, 3);
    number_cards(&d, 2, 3, 5);
    set_aside(&d, 5, 1, 4);
    EXPECT_OK(draft_opens(&d));
    set_aside(&d, 5, 1, 0);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "record 4 is missing and not set aside (CC)");
    set_aside(&d, 5, 1, 3);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY,
                "record 3 is set aside (CC) where 4 is the next to be missing");
    set_aside(&d, 6, 1, 4);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "ends with record 5, but 6 were planned");
    set_aside(&d, 4, 1, 4);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "numbered from 1 to 4 at most");
    draft_init(&d, 3);
    set_aside(&d, 5, 4, 5);
    EXPECT_OK(draft_opens(&d));
    set_aside(&d, 4, 4, 5);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "ends with record 5, but 4 were planned");
    set_aside(&d, 5, 5, 0);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "record 5 is set aside (CC) where 4");
    draft_init(&d, 3);
    number_cards(&d, 1, 1, 2);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "record numbers do not rise");
    number_cards(&d, 1, 3, 2);
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "record 2 at offset");
    d.job.planned = UINT64_MAX;
    number_cards(&d, 1, 2, UINT64_MAX);
    EXPECT_FAIL(draft_opens(&d), ERR_INPUT, "records are missing");
}

static void test_shards(void)
{
    struct draft d;
    draft_init(&d, 3);
    d.job.shard = 2;
    d.job.shards = 3;
    d.job.first_record = 7;
    d.job.planned = 20;
    number_cards(&d, 7, 8, 9);
    EXPECT_OK(draft_opens(&d));
    d.job.shard = 3;
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "ends with record 9, but 20 were planned");
    d.job.planned = 9;
    EXPECT_OK(draft_opens(&d));
    d.job.first_record = 8;
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "numbered from 8");
    d.job.first_record = 6;
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "record 6 is missing and not set aside");
    draft_init(&d, 0);
    d.job.shard = 3;
    d.job.shards = 3;
    d.job.planned = 9;
    d.job.first_record = 10;
    EXPECT_OK(draft_opens(&d));
}

static void test_further_pass(void)
{
    struct draft d;
    draft_init(&d, 2);
    memcpy(d.job.passes[0], d.job.job_id, JOB_ID_LEN);
    d.job.pass_count = 1;
    d.job.job_id[0] ^= 1;
    for (size_t i = 0; i < 2; i++)
        memcpy(d.cards[i].seal_job, d.job.job_id, JOB_ID_LEN);
    EXPECT_OK(draft_opens(&d));
    memcpy(d.cards[1].card.job_id, d.job.job_id, JOB_ID_LEN);
    d.cards[1].bound_to = d.cards[1].card;
    EXPECT_FAIL(draft_opens(&d), ERR_INTEGRITY, "job id (D2) is that of another job");
}

static void test_structure_of_the_file(void)
{
    struct draft d;
    struct buf file;
    struct public_key signer = draft_signer(&ec_key);
    buf_init(&file, 20000);
    draft_init(&d, 2);
    draft_write(&file, &d, &ec_key);
    buf_put_u8(&file, '\n');
    EXPECT_FAIL(opens(&file, &signer, 0), ERR_INPUT, "data stands behind the end record");
    EXPECT_FAIL(opens(&file, &signer, MIC_FILE_ALLOW_INCOMPLETE), ERR_INPUT,
                "data stands behind the end record");
    buf_truncate(&file, file.len - 1);
    draft_put_card(&file, &d.cards[0], "CHIP");
    EXPECT_FAIL(opens(&file, &signer, 0), ERR_INPUT, "data stands behind the end record");
    buf_clear(&file);
    draft_put_card(&file, &d.cards[0], "CHIP");
    EXPECT_FAIL(opens(&file, &signer, 0), ERR_INPUT, "cards.mic: does not begin with a job record");
    buf_clear(&file);
    EXPECT_FAIL(opens(&file, &signer, MIC_FILE_ALLOW_INCOMPLETE), ERR_INPUT, "cards.mic: the file is empty");
    buf_put_text(&file, "job: demo\n");
    EXPECT_FAIL(opens(&file, &signer, 0), ERR_INPUT, "cards.mic: is no MIC file");
    buf_clear(&file);
    draft_put_body(&file, &d);
    job_group_put(&file, &d.job);
    EXPECT_FAIL(opens(&file, &signer, MIC_FILE_ALLOW_INCOMPLETE), ERR_INPUT, "does not begin with CARD");
    buf_clear(&file);
    draft_put_body(&file, &d);
    buf_put_text(&file, "00x");
    EXPECT_FAIL(opens(&file, &signer, MIC_FILE_ALLOW_INCOMPLETE), ERR_INPUT, "cards.mic: RLEN");
    buf_release(&file);
}

static void test_changed_between_the_passes(void)
{
    struct draft d;
    struct buf file;
    struct mic_file *f = NULL;
    struct mic_record record;
    struct card_group card;
    struct public_key signer = draft_signer(&ec_key);
    bool end = false;
    uint64_t count = 0;
    buf_init(&file, 20000);
    draft_init(&d, 3);
    draft_write(&file, &d, &ec_key);
    EXPECT_OK(open_bytes(&f, file.data, file.len, &signer, 0));
    EXPECT_OK(mic_file_next(f, &record, &card, &end, &err));
    uint8_t *second = file.data + record.offset + record.len;
    for (size_t i = 0; i < record.len; i += 7) {
        second[i] ^= 0x20;
        EXPECT_OK(mic_file_rewind(f, &err));
        EXPECT_FAIL(walk(f, &count), ERR_INTEGRITY,
                    "cards.mic: record 2 was changed while the file was in use");
        CU_ASSERT_EQUAL(count, 1);
        second[i] ^= 0x20;
    }
    EXPECT_OK(mic_file_rewind(f, &err));
    EXPECT_OK(walk(f, &count));
    CU_ASSERT_EQUAL(count, 3);
    mic_file_free(f);
    buf_release(&file);
}

/* `count` cards of about 1,200 bytes each, without END. */
static bool write_large(const char *path, size_t count)
{
    struct draft d;
    struct buf b;
    FILE *out = fopen(path, "wb");
    if (!out) return false;
    draft_init(&d, 1);
    d.job.planned = count;
    buf_init(&b, 10000);
    job_group_put(&b, &d.job);
    bool ok = fwrite(b.data, b.len, 1, out) == 1;
    static const char filler[900] = "graphics";
    for (size_t i = 1; ok && i <= count; i++) {
        d.cards[0].card.number = i;
        d.cards[0].bound_to.number = i;
        object_id_default(d.cards[0].card.object_id, d.job.job_id, i);
        buf_clear(&b);
        d.cards[0].groups = "CEKS";
        size_t begin = mic_put_record_begin(&b);
        card_group_put(&b, &d.cards[0].card);
        mic_put_group(&b, "GRAPHIC", filler, sizeof(filler));
        struct buf whole;
        buf_init(&whole, 10000);
        draft_put_card(&whole, &d.cards[0], "CHIP");
        struct mic_record record;
        ok = mic_parse_record(whole.data, whole.len, 0, &record, &err);
        for (size_t g = 1; ok && g < record.group_count; g++)
            mic_put_group(&b, record.groups[g].name, record.groups[g].data, record.groups[g].len);
        mic_put_record_end(&b, begin);
        ok = ok && !b.failed && fwrite(b.data, b.len, 1, out) == 1;
        buf_release(&whole);
    }
    buf_release(&b);
    return fclose(out) == 0 && ok;
}

static long peak_kib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

static void test_large_file_in_flat_memory(void)
{
    enum { CARDS = 20000, FLAT_KIB = 6 * 1024 };
    char path[] = TEST_BUILD_DIR "/mic-large-XXXXXX";
    struct reader *r = NULL;
    struct mic_file *f = NULL;
    uint64_t count = 0;
    int fd = mkstemp(path);
    CU_ASSERT_TRUE_FATAL(fd >= 0);
    CU_ASSERT_TRUE(write_large(path, CARDS));
    long before = peak_kib();
    EXPECT_OK(reader_open(&r, path, &err));
    EXPECT_OK(mic_file_open(&f, r, NULL, 0, MIC_FILE_ALLOW_INCOMPLETE, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    EXPECT_OK(walk(f, &count));
    CU_ASSERT_EQUAL(count, CARDS);
    if (RSS_MEANS_MEMORY) CU_ASSERT_TRUE(peak_kib() - before < FLAT_KIB);
    /* On disk, too, a change behind the first pass is seen: far from where the reader's window stands. */
    EXPECT_OK(mic_file_rewind(f, &err));
    CU_ASSERT_EQUAL(pwrite(fd, "!", 1, (off_t)mic_file_summary(f)->whole_len / 2), 1);
    EXPECT_FAIL(walk(f, &count), ERR_INTEGRITY, "was changed while the file was in use");
    EXPECT_OK(mic_file_rewind(f, &err));
    CU_ASSERT_EQUAL(ftruncate(fd, 1000), 0);
    EXPECT_FAIL(walk(f, &count), ERR_INTEGRITY, "was changed while the file was in use");
    mic_file_free(f);
    close(fd);
    unlink(path);
}

static void test_sealed_or_not(void)
{
    static const struct mic_framing rlen = {.kind = MIC_FRAMING_RLEN},
                                    newline = {.kind = MIC_FRAMING_NEWLINE};
    struct buf b;
    struct draft d;
    struct reader *r = NULL;
    bool sealed = true;
    buf_init(&b, 20000);
    draft_init(&d, 2);
#define IS_SEALED(framing) mic_is_sealed(r, &(framing), "CHIP", &sealed, &err)
    size_t record = mic_put_record_begin(&b);
    size_t chip = mic_put_group_begin(&b, "CHIP");
    entry_put_open(&b, (const uint8_t *)"\xA0\0\0\0\x03", 5, (const uint8_t *)"\x5A\0", 2);
    mic_put_group_end(&b, chip);
    mic_put_record_end(&b, record);
    EXPECT_OK(reader_open_memory(&r, b.data, b.len, "in", &err));
    EXPECT_OK(IS_SEALED(rlen));
    CU_ASSERT_FALSE(sealed);
    CU_ASSERT_EQUAL(reader_offset(r), 0);
    reader_free(r);
    EXPECT_OK(reader_open_memory(&r, b.data + MIC_DIGITS, b.len - MIC_DIGITS, "in", &err));
    EXPECT_OK(IS_SEALED(newline));
    CU_ASSERT_FALSE(sealed);
    reader_free(r);
    b.data[b.len - 1] = 1; /* MLEN */
    EXPECT_OK(reader_open_memory(&r, b.data, b.len, "in", &err));
    EXPECT_FAIL(IS_SEALED(rlen), ERR_INPUT, "in: group CHIP");
    reader_free(r);
    b.data[b.len - 1] = 0;
    static const char *const orders[] = {"EK", "ES"}; /* an entry with a KEKID, and a SEAL */
    for (size_t i = 0; i < 2; i++) {
        size_t len = b.len;
        d.cards[0].groups = orders[i];
        draft_put_card(&b, &d.cards[0], "CHIP");
        EXPECT_OK(reader_open_memory(&r, b.data, b.len, "in", &err));
        sealed = false;
        EXPECT_OK(IS_SEALED(rlen));
        CU_ASSERT_TRUE(sealed);
        CU_ASSERT_EQUAL(reader_offset(r), 0);
        reader_free(r);
        buf_truncate(&b, len);
    }
    buf_release(&b);
}

static const struct test_case cases[] = {
    {"sample of an independent writer", test_sample_of_an_independent_writer},
    {"sample with one bit changed", test_sample_with_one_bit_changed},
    {"cut at every byte: incomplete", test_cut_at_every_byte},
    {"signatures of both kinds, and foreign ones", test_signatures},
    {"no cards", test_no_cards},
    {"each refusal of a record", test_refusals_of_a_record},
    {"one KEK for all seals", test_one_kek_seals},
    {"each refusal of END", test_refusals_of_end},
    {"record numbers", test_record_numbers},
    {"shards", test_shards},
    {"a further pass", test_further_pass},
    {"structure of the file", test_structure_of_the_file},
    {"changed between the passes", test_changed_between_the_passes},
    {"large file in flat memory", test_large_file_in_flat_memory},
    {"sealed input", test_sealed_or_not},
};

int main(void)
{
    if (!draft_key_make(&rsa_key, SIGNATURE_RSA_SHA256)) return 1;
    if (!draft_key_make(&ec_key, SIGNATURE_ECDSA_P256_SHA256)) return 1;
    int status = suite_run("formats/mic_file", cases, SUITE_COUNT(cases));
    draft_key_release(&rsa_key);
    draft_key_release(&ec_key);
    return status;
}
