#include "prep/read.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "job_fixture.h"
#include "prep/commands/survey.h"

static struct err err;

#define CSV     "input: {format: csv, file: cards.csv}\n"
#define MIC     "input: {format: mic, file: cards.mic}\n"
#define LOYALTY "applications: [{aid: A0000000990001, profile: loyalty, optional: yes}]\n"

static bool open_reader(struct fixture *f, const char *job)
{
    return fixture_job(f, job, &err) && card_reader_open(&f->reader, f->job, &err);
}

static bool next(struct fixture *f, bool *end)
{
    return card_reader_next(f->reader, &f->input, end, &err);
}

static void expect_field(struct fixture *f, const char *name, const char *text)
{
    int index = field_index(card_reader_fields(f->reader), name);
    CU_ASSERT_TRUE_FATAL(index >= 0);
    const struct field_text *field = &f->input.fields[index];
    if (!text) {
        CU_ASSERT_PTR_NULL(field->text);
        return;
    }
    CU_ASSERT_TRUE(bytes_equal(field->text, field->len, text, strlen(text)));
}

static void open_refused(const char *cards, const char *job, enum err_kind kind, const char *message)
{
    struct fixture *f = fixture_new();
    fixture_text(f, "cards.csv", cards);
    EXPECT_FAIL(open_reader(f, job), kind, message);
    fixture_free(f);
}

static void next_refused(const char *cards, bool goes_on, const char *message)
{
    struct fixture *f = fixture_new();
    bool end = false;
    fixture_text(f, "cards.csv", cards);
    EXPECT_OK(open_reader(f, CSV LOYALTY));
    EXPECT_FAIL(next(f, &end), ERR_INPUT, message);
    CU_ASSERT_EQUAL(card_reader_can_go_on(f->reader), goes_on);
    fixture_free(f);
}

static void test_tables(void)
{
    struct fixture *f = fixture_new();
    bool end = false;
    /* byte order mark, CRLF, quoted cell, no newline at the end */
    fixture_text(f, "cards.csv", "\xEF\xBB\xBFpan,name\r\n1,\"A, B\"\r\n2,C");
    EXPECT_OK(open_reader(f, CSV LOYALTY));
    EXPECT_OK(next(f, &end));
    expect_field(f, "pan", "1");
    expect_field(f, "name", "A, B");
    CU_ASSERT_PTR_NOT_NULL(strstr(card_reader_place(f->reader), "/cards.csv:2"));
    const uint8_t *raw = NULL;
    size_t len = 0;
    card_reader_raw(f->reader, &raw, &len);
    CU_ASSERT_TRUE(bytes_equal(raw, len, "1,\"A, B\"\r\n", 10));
    EXPECT_OK(next(f, &end));
    expect_field(f, "name", "C");
    EXPECT_OK(next(f, &end));
    CU_ASSERT_TRUE(end);
    EXPECT_OK(card_reader_rewind(f->reader, &err));
    EXPECT_OK(next(f, &end));
    expect_field(f, "pan", "1");
    fixture_free(f);
}

static void test_fixed_width(void)
{
    struct fixture *f = fixture_new();
    bool end = false;
    fixture_text(f, "cards.txt", "0001ANN  \n0002BOB  \n00\n0003EVE  \n");
    EXPECT_OK(
        open_reader(f, "input: {format: fixed, file: cards.txt, fixed: [{name: number, start: 1, length: 4}, "
                       "{name: name, start: 5, length: 5}], fields: {who: name}}\n" LOYALTY));
    EXPECT_OK(next(f, &end));
    expect_field(f, "who", "ANN");
    EXPECT_OK(next(f, &end));
    EXPECT_FAIL(next(f, &end), ERR_INPUT, "cards.txt:3: line has 2 bytes, its columns 9");
    CU_ASSERT_TRUE(card_reader_can_go_on(f->reader));
    EXPECT_OK(next(f, &end));
    expect_field(f, "number", "0003");
    fixture_free(f);
}

static void test_bad_tables(void)
{
    open_refused("", CSV LOYALTY, ERR_INPUT, "cards.csv:1: the file is empty");
    open_refused("a,a\n", CSV LOYALTY, ERR_INPUT, "column 2 has the name of column 1, 'a'");
    open_refused("pan,nmae\n", "input: {format: csv, file: cards.csv, fields: {holder: name}}\n" LOYALTY,
                 ERR_CONFIG, "cards.csv: has no column 'name'; is 'nmae' meant?");
    open_refused("pan\n", "input: {format: csv, file: nothing.csv}\n" LOYALTY, ERR_FILE,
                 "nothing.csv: cannot be opened");
    next_refused("a,b\n1\n", true, "cards.csv:2: row has 1 columns, not 2");
    next_refused("a,b\n1,2,3\n", true, "cards.csv:2: row has 3 columns, not 2");
    next_refused("a,b\n\"1,2\n3,4\n", false, "cards.csv:");
}

static void test_changed_while_it_is_read(void)
{
    struct fixture *f = fixture_new();
    bool end = false;
    fixture_text(f, "cards.csv", "a\n1\n");
    EXPECT_OK(open_reader(f, CSV LOYALTY));
    EXPECT_OK(next(f, &end));
    FILE *more = fopen(fixture_path(f, "cards.csv"), "a");
    fputs("2\n", more);
    fclose(more);
    EXPECT_FAIL(next(f, &end), ERR_INPUT, "was changed while it was read");
    fixture_free(f);
}

/* 10 GB without a line end; sparse, so it takes no room. */
static void test_a_giant_line(void)
{
    struct fixture *f = fixture_new();
    bool end = false;
    fixture_text(f, "cards.csv", "a,b\nx");
    if (truncate(fixture_path(f, "cards.csv"), 10LL << 30) == 0) {
        EXPECT_OK(open_reader(f, CSV LOYALTY));
        EXPECT_FAIL(next(f, &end), ERR_INPUT, "cards.csv:2: ");
    }
    fixture_free(f);
}

/* ---- joins ---- */

#define JOIN(more)                                                                                           \
    "join:\n  - {name: batch, format: csv, file: batch.csv, key: {column: id, field: card}" more "}\n"

static struct fixture *joined(const char *cards, const char *batch, const char *more)
{
    struct fixture *f = fixture_new();
    char job[1024];
    fixture_text(f, "cards.csv", cards);
    fixture_text(f, "batch.csv", batch);
    snprintf(job, sizeof(job), CSV LOYALTY "%s", more);
    EXPECT_OK(open_reader(f, job));
    return f;
}

static void test_joined_fields(void)
{
    struct fixture *f =
        joined("card,name\nc2,A\nc1,B\n", "id,keydata\nc1,K1\nc2,K2\nc3,K3\nc4,K4\n", JOIN(""));
    struct buf text;
    uint64_t count = 0;
    bool end = false;
    buf_init(&text, 4096);
    CU_ASSERT_EQUAL(card_reader_fields(f->reader)->count, 3);
    EXPECT_OK(next(f, &end));
    expect_field(f, "keydata", "K2");
    EXPECT_OK(next(f, &end));
    expect_field(f, "keydata", "K1");
    EXPECT_OK(card_reader_unused_rows(f->reader, 1, &text, &count, &err));
    CU_ASSERT_EQUAL(count, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&text), "batch.csv:4: no card uses this row\n"));
    /* the second reading finds its own rows used */
    EXPECT_OK(card_reader_rewind(f->reader, &err));
    EXPECT_OK(next(f, &end));
    expect_field(f, "keydata", "K2");
    buf_release(&text);
    fixture_free(f);
}

static void test_missing_and_repeated_rows(void)
{
    bool end = false;
    struct fixture *f = joined("card\n4761739001010119\nc2\n\nc2\n", "id,x\nc2,1\nc2,2\n", JOIN(""));
    EXPECT_FAIL(next(f, &end), ERR_INPUT, "/batch.csv has no row with id '476173******0119'");
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cards.csv:2: join 'batch': "));
    CU_ASSERT_TRUE(card_reader_can_go_on(f->reader));
    EXPECT_FAIL(next(f, &end), ERR_INPUT, "id 'c2' stands twice, in ");
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "batch.csv:2 and 3"));
    fixture_free(f);

    f = joined("card,n\nc1,1\n,2\nc9,3\nc1,4\n", "id,x\nc1,1\n", JOIN(", missing: empty"));
    EXPECT_OK(next(f, &end));
    EXPECT_OK(next(f, &end));
    expect_field(f, "x", NULL);
    EXPECT_OK(next(f, &end));
    expect_field(f, "x", NULL);
    EXPECT_FAIL(next(f, &end), ERR_INPUT,
                "batch.csv:2 was joined to the record at line 2 before: the key 'card' is repeated");
    fixture_free(f);

    f = joined("card,n\n,2\n", "id,x\nc1,1\n", JOIN(""));
    EXPECT_FAIL(next(f, &end), ERR_INPUT, "cards.csv:2: join 'batch': field 'card' is empty");
    fixture_free(f);
}

static void join_refused(const char *batch, const char *join, enum err_kind kind, const char *message)
{
    struct fixture *f = fixture_new();
    char job[1024];
    fixture_text(f, "cards.csv", "card,name\nc1,x\n");
    fixture_text(f, "batch.csv", batch);
    snprintf(job, sizeof(job), CSV LOYALTY "%s", join);
    EXPECT_FAIL(open_reader(f, job), kind, message);
    fixture_free(f);
}

static void test_bad_joins(void)
{
    join_refused("id,x\nc1,1\n,2\n", JOIN(""), ERR_INPUT, "batch.csv:3: key column 'id' is empty");
    join_refused("ident,x\nc1,1\n", JOIN(""), ERR_CONFIG, "batch.csv: has no column 'id'");
    join_refused("id,name\nc1,1\n", JOIN(""), ERR_CONFIG,
                 "field 'name' comes from another input too; rename one under `fields`");
    join_refused("id,x\nc1\n", JOIN(""), ERR_INPUT, "batch.csv:2: row has 1 columns, not 2");
    join_refused("id,x\n",
                 "join: [{name: batch, format: csv, file: batch.csv, key: {column: id, field: nothing}}]\n",
                 ERR_CONFIG, "join 'batch': no input before it has the key field 'nothing'");
}

/* ---- MIC ---- */

static const uint8_t aid[] = {0xA0, 0, 0, 0, 0x99, 0, 1};

static void put_record(struct buf *b, char name)
{
    struct buf chip;
    buf_init(&chip, 256);
    entry_put_open(&chip, aid, sizeof(aid), (const uint8_t *)"\xDF\x21\x06\0\0\0\0\0\x07", 9);
    size_t begin = mic_put_record_begin(b);
    mic_put_group(b, "EMB", &name, 1);
    mic_put_group(b, "CHIP", chip.data, chip.len);
    mic_put_record_end(b, begin);
    buf_release(&chip);
}

static void test_mic_framings(void)
{
    static const struct {
        const char *job;
        const char *text;
    } rows[] = {
        {"input: {format: mic, file: cards.mic, framing: newline, mic_fields: [{field: n, mic: EMB, start: "
         "1, length: 2}]}\n" LOYALTY,
         "EMB    0000002ab\nEMB    0000002cd\n"},
        {"input: {format: mic, file: cards.mic, framing: {first-mic: EMB}, mic_fields: [{field: n, mic: EMB, "
         "start: 1, length: 2}]}\n" LOYALTY,
         "EMB    0000002abEMB    0000002cd"},
        {"input: {format: mic, file: cards.mic, mic_fields: [{field: n, mic: EMB, start: 1, length: "
         "2}]}\n" LOYALTY,
         "0000016EMB    0000002ab0000016EMB    0000002cd"},
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct fixture *f = fixture_new();
        bool end = false;
        fixture_text(f, "cards.mic", rows[i].text);
        EXPECT_OK(open_reader(f, rows[i].job));
        EXPECT_OK(next(f, &end));
        expect_field(f, "n", "ab");
        CU_ASSERT_TRUE(bytes_equal(f->input.record, f->input.record_len, "0000016EMB    0000002ab", 23));
        EXPECT_OK(next(f, &end));
        expect_field(f, "n", "cd");
        const uint8_t *raw = NULL;
        size_t len = 0;
        card_reader_raw(f->reader, &raw, &len);
        size_t due = i == 0 ? 17 : i == 1 ? 16 : 23;
        CU_ASSERT_EQUAL(len, due);
        EXPECT_OK(next(f, &end));
        CU_ASSERT_TRUE(end);
        fixture_free(f);
    }
}

static void test_mic_fields_that_are_not_there(void)
{
    struct fixture *f = fixture_new();
    bool end = false;
    fixture_text(f, "cards.mic", "0000016EMB    0000002ab0000016MAG    0000002cd");
    EXPECT_OK(open_reader(f, "input: {format: mic, file: cards.mic, mic_fields: [{field: n, mic: EMB, start: "
                             "2, length: 2}]}\n" LOYALTY));
    EXPECT_FAIL(next(f, &end), ERR_INPUT,
                "cards.mic: record 1 at offset 0: group EMB has 2 bytes and ends before field 'n'");
    CU_ASSERT_TRUE(card_reader_can_go_on(f->reader));
    EXPECT_OK(next(f, &end));
    expect_field(f, "n", NULL);
    fixture_free(f);
}

/* A file that is cut anywhere but between two records is refused, with its name and an offset. */
static void test_mic_cut_at_every_byte(void)
{
    struct buf b;
    buf_init(&b, 4096);
    put_record(&b, 'a');
    size_t one = b.len;
    put_record(&b, 'b');
    for (size_t len = 0; len < b.len; len++) {
        struct fixture *f = fixture_new();
        struct survey s;
        fixture_write(f, "cards.mic", b.data, len);
        err_clear(&err);
        bool ok = fixture_open(f, MIC LOYALTY, &err) &&
                  survey_run(&s, f->reader, f->job, f->planner, &f->identity, &err);
        CU_ASSERT_EQUAL(ok, len == one);
        if (ok)
            survey_release(&s);
        else if (err.kind != ERR_INPUT || !strstr(err.text, "cards.mic: "))
            CU_FAIL("not named");
        fixture_free(f);
    }
    buf_release(&b);
}

/* ---- an earlier pass ---- */

static void write_sample(struct fixture *f, bool with_signer)
{
    json_error_t why;
    struct buf der;
    struct buf file;
    buf_init(&der, 4096);
    buf_init(&file, 1 << 20);
    json_t *keys = json_load_file(TEST_DATA_DIR "/samples/independent-5.keys.json", 0, &why);
    const char *hex = json_string_value(json_object_get(keys, "signer"));
    EXPECT_OK(hex_read(hex, strlen(hex), &der, &err));
    const unsigned char *p = der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der.len);
    FILE *pem = fopen(fixture_path(f, "signer.pem"), "w");
    if (with_signer) PEM_write_PUBKEY(pem, key);
    fclose(pem);
    EVP_PKEY_free(key);
    json_decref(keys);
    EXPECT_OK(file_read_all(TEST_DATA_DIR "/samples/independent-5.mic", 1 << 20, &file, &err));
    fixture_write(f, "cards.mic", file.data, file.len);
    buf_release(&der);
    buf_release(&file);
}

#define SIGNERS "signers: [signer.pem]\n"

static void test_a_sealed_input(void)
{
    struct fixture *f = fixture_new();
    struct survey s;
    bool end = false;
    write_sample(f, true);
    EXPECT_OK(fixture_open(f, MIC LOYALTY SIGNERS, &err));
    CU_ASSERT_PTR_NOT_NULL(card_reader_earlier_pass(f->reader));
    EXPECT_OK(next(f, &end));
    CU_ASSERT_EQUAL(f->input.number, 1);
    EXPECT_OK(card_identify(&f->input, f->reader, f->job, &f->identity, 1, &err));
    CU_ASSERT_NOT_EQUAL(f->input.card.job_id[0], 0xAB);
    EXPECT_OK(card_reader_rewind(f->reader, &err));
    /* The job's KEK has the sample's identifier and another check value. */
    EXPECT_FAIL(survey_run(&s, f->reader, f->job, f->planner, &f->identity, &err), ERR_INPUT,
                "another check value");
    f->job->kek.version = 2;
    EXPECT_OK(card_reader_rewind(f->reader, &err));
    EXPECT_OK(survey_run(&s, f->reader, f->job, f->planner, &f->identity, &err));
    CU_ASSERT_EQUAL(s.planned, 5);
    CU_ASSERT_EQUAL(s.kek_count, 1);
    CU_ASSERT_TRUE(s.sealed_entries_copied >= 10);
    survey_release(&s);
    fixture_free(f);
}

static void test_a_sealed_input_needs_its_signer(void)
{
    struct fixture *f = fixture_new();
    write_sample(f, true);
    EXPECT_FAIL(open_reader(f, MIC LOYALTY), ERR_INTEGRITY,
                "cards.mic: is sealed, and the job names no signer of it");
    fixture_free(f);
    f = fixture_new();
    write_sample(f, false);
    EXPECT_FAIL(open_reader(f, MIC LOYALTY SIGNERS), ERR_CONFIG,
                "signer.pem: holds no public key in PEM form");
    fixture_free(f);
}

static const char small_purse[] =
    "profile: small\nversion: 1\ntitle: small\nelements:\n"
    "  - {tag: DF08, name: identifier, from: {constant: \"6000999999999999\"}, convert: numeric, length: 8}\n"
    "groupings:\n  - {dgi: \"0101\", template: 70, place: [DF08]}\n  - {dgi: \"8000\", keys: [KDL]}\n"
    "keys:\n  - {name: KDL, master: KML, kind: des2, method: complement, data: {element: DF08}}\n";
static const char small_emv[] =
    "profile: small-emv\nversion: 1\ntitle: small\nelements:\n"
    "  - {tag: 5A, name: PAN, from: {constant: \"4761739001010119\"}, convert: pan, max_length: 10}\n"
    "groupings:\n  - {dgi: \"0101\", template: 70, place: [5A]}\n  - {dgi: \"8000\", keys: [MK-AC]}\n"
    "keys:\n  - {name: MK-AC, master: MK-AC, kind: des2, method: emv-a, data: {pan: 5A}}\n";

static bool plan_sample(struct fixture *f, const char *applications)
{
    bool end = false;
    write_sample(f, true);
    fixture_text(f, "purse.yaml", small_purse);
    fixture_text(f, "emv.yaml", small_emv);
    EXPECT_OK(fixture_open(f, applications, &err));
    EXPECT_OK(next(f, &end));
    EXPECT_OK(card_identify(&f->input, f->reader, f->job, &f->identity, 1, &err));
    return planner_plan(f->planner, &f->input, &f->plan, &err);
}

static void test_a_sealed_entry_is_replaced(void)
{
    struct fixture *f = fixture_new();
    EXPECT_OK(plan_sample(f, MIC SIGNERS
                          "applications: [{aid: A000000003101001, profile: ./purse.yaml, replace: yes}]\n"));
    const struct planned_application *a = &f->plan.applications[0];
    CU_ASSERT_EQUAL(a->action, APPLICATION_PREPARE);
    CU_ASSERT_TRUE(a->entry && a->entry->sealed);
    /* The old C2 is the record's own word: it goes before the profile's sources, for the element as for the key. */
    CU_ASSERT_EQUAL(plan_value(a, 0xDF08)->origin, VALUE_FROM_RECORD);
    CU_ASSERT_TRUE(bytes_equal(a->c2->data, a->c2->data_len, "\x60\0\0\0\0\0\0\x01", 8));
    CU_ASSERT_EQUAL(f->plan.applications[1].action, APPLICATION_COPY);
    CU_ASSERT_EQUAL(a->loose_count, 0);
    fixture_free(f);
}

static void test_a_sealed_entry_is_not_touched_unasked(void)
{
    struct fixture *f = fixture_new();
    EXPECT_FAIL(
        plan_sample(f, MIC SIGNERS "applications: [{aid: A000000003101001, profile: ./purse.yaml}]\n"),
        ERR_INPUT, "application small: is sealed already; `replace: true` would build it anew");
    fixture_free(f);
    f = fixture_new();
    EXPECT_FAIL(plan_sample(f, MIC SIGNERS
                            "applications: [{aid: A0000000031010, profile: ./emv.yaml, replace: yes}]\n"),
                ERR_INPUT, "key MK-AC: the replaced entry's derivation data is not that of element 5A");
    fixture_free(f);
}

static const struct test_case cases[] = {
    {"tables", test_tables},
    {"fixed width", test_fixed_width},
    {"bad tables", test_bad_tables},
    {"changed while it is read", test_changed_while_it_is_read},
    {"a giant line", test_a_giant_line},
    {"joined fields", test_joined_fields},
    {"missing and repeated rows", test_missing_and_repeated_rows},
    {"bad joins", test_bad_joins},
    {"MIC framings", test_mic_framings},
    {"MIC fields that are not there", test_mic_fields_that_are_not_there},
    {"MIC cut at every byte", test_mic_cut_at_every_byte},
    {"a sealed input", test_a_sealed_input},
    {"a sealed input needs its signer", test_a_sealed_input_needs_its_signer},
    {"a sealed entry is replaced", test_a_sealed_entry_is_replaced},
    {"a sealed entry is not touched unasked", test_a_sealed_entry_is_not_touched_unasked},
};

int main(void)
{
    return suite_run("prep/read", cases, SUITE_COUNT(cases));
}
