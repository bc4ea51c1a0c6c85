/* cardbureau return and remake as a whole: books of the test's own, a file of another program, TEST keys. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outfile.h"
#include "bureau/commands/commands.h"
#include "bureau/registry.h"
#include "bureau/token_process.h"
#include "formats/fingerprint.h"
#include "formats/remake_list.h"
#include "formats/return_file.h"
#include "formats/signers.h"
#include "sample_bureau.h"
#include "suite.h"

static struct sample_bureau bureau;
static struct err err;
static char return_path[64], list_path[64];
static struct mic_file_summary summary;
static struct registry *books;

enum { BEGAN = 1790000000 };

#define RETURN(...)                                                                                          \
    sample_bureau_run(&bureau, return_command.run,                                                           \
                      (const char *const[]){"return", "--settings", bureau.settings, "--output",             \
                                            return_path, __VA_ARGS__, NULL})
#define REMAKE()                                                                                             \
    sample_bureau_run(&bureau, remake_command.run,                                                           \
                      (const char *const[]){"remake", "--settings", bureau.settings, list_path, NULL})

static bool load_signer(struct signers *out)
{
    const char *const paths[] = {bureau.signer};
    return signers_load(out, paths, 1, &err);
}

/* New books, which know the file. */
static void open_books(void)
{
    struct signers s;
    struct reader *r = NULL;
    struct mic_file *f = NULL;
    sample_bureau_forget(&bureau);
    unlink(return_path);
    EXPECT_OK(load_signer(&s));
    EXPECT_OK(reader_open(&r, SAMPLE_MIC, &err));
    EXPECT_OK(mic_file_open(&f, r, s.keys, s.count, 0, &err));
    summary = *mic_file_summary(f);
    summary.set_aside = NULL;
    summary.mackey_hashes = NULL;
    EXPECT_OK(registry_open(&books, bureau.books, &err));
    EXPECT_OK(registry_accept_file(books, &summary, 0, NULL, &err));
    mic_file_free(f);
    signers_release(&s);
}

static bool note(uint64_t number, enum record_event event, const char *serial, const char *text)
{
    struct card_group card = {.number = number};
    static time_t now = BEGAN;
    const struct record_note n = {.event = event, .time = now++, .serial = serial, .text = text};
    memcpy(card.job_id, summary.job.job_id, JOB_ID_LEN);
    return registry_append(books, &card, summary.job.job_id, &n, &err);
}

static void card(uint64_t number, const char *serial, enum record_event outcome)
{
    EXPECT_OK(note(number, EVENT_BEGUN, NULL, NULL));
    EXPECT_OK(note(number, EVENT_CARD, serial, NULL));
    EXPECT_OK(note(number, outcome, serial, outcome == EVENT_SPOILED ? "pulled out" : NULL));
}

/* "1 made A1, 2 spoiled A2 pulled-out, …" out of the return file. */
static void expect_lines(const char *due)
{
    char said[600] = "";
    struct signers s;
    struct reader *r = NULL;
    struct return_file *f = NULL;
    struct return_line l;
    bool end = false;
    EXPECT_OK(load_signer(&s));
    EXPECT_OK(reader_open(&r, return_path, &err));
    EXPECT_OK(return_file_open(&f, r, s.keys, s.count, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    const struct return_head *h = return_file_head(f);
    CU_ASSERT_STRING_EQUAL(h->bureau, "test");
    CU_ASSERT_STRING_EQUAL(h->job_name, summary.job.name);
    CU_ASSERT_TRUE(bytes_equal(h->file_hash, SHA256_LEN, summary.file_hash, SHA256_LEN));
    CU_ASSERT_TRUE(bytes_equal(h->job_id, JOB_ID_LEN, summary.job.job_id, JOB_ID_LEN));
    while (!end) {
        EXPECT_OK(return_file_next(f, &l, &end, &err));
        if (end) break;
        CU_ASSERT_TRUE(l.object_id[0] != '\0');
        const size_t len = strlen(said);
        snprintf(&said[len], sizeof(said) - len, "%s%llu %s %02X%s%s", len ? ", " : "",
                 (unsigned long long)l.record, return_outcome_name(l.outcome), l.serial[0],
                 l.reason[0] ? " " : "", l.reason);
    }
    if (strcmp(said, due) != 0) fprintf(stderr, "%s\n", said);
    CU_ASSERT_STRING_EQUAL(said, due);
    return_file_free(f);
    signers_release(&s);
}

static bool sign(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *e)
{
    uint8_t id[SHA256_LEN];
    return token_process_sign(context, data, len, signature, id, e);
}
static bool put(void *context, const void *data, size_t len, struct err *e)
{
    buf_put(context, data, len);
    return buf_ok(context, "list", e);
}

/* A list of the issuer's: one record after another, `serial` for the first. */
static void write_list(uint64_t list, uint64_t first, uint64_t last, const uint8_t *serial)
{
    struct remake_entry entries[5] = {{.record = 0}};
    struct remake_draft draft = {.entries = entries};
    struct bureau *settings = NULL;
    struct token_process *p = NULL;
    struct buf text, signature;
    buf_init(&text, 1 << 16);
    buf_init(&signature, SIGNATURE_MAX);
    for (; first <= last; first++) {
        entries[draft.count].record = first;
        memcpy(entries[draft.count++].reason, "lost", 5);
    }
    if (serial) entries[0].serial[0] = *serial;
    entries[0].serial_len = serial != NULL;
    memcpy(draft.head.job_id, summary.job.job_id, JOB_ID_LEN);
    memcpy(draft.head.job_name, "sample", 7);
    memcpy(draft.head.created, "2026-11-26T10:00:00Z", 21);
    draft.head.serial = list;
    EXPECT_OK(bureau_load(&settings, bureau.settings, &err));
    EXPECT_OK(token_process_start(&p, settings, &err));
    struct signed_lines_signer signer = {.sign = sign, .context = p};
    EXPECT_OK(token_process_sign(p, (const uint8_t *)"", 0, &signature, signer.id, &err));
    EXPECT_OK(remake_list_put(&draft, (struct signed_lines_sink){put, &text}, &signer, &err));
    FILE *f = fopen(list_path, "w");
    CU_ASSERT_TRUE(f && fwrite(text.data, 1, text.len, f) == text.len);
    if (f) fclose(f);
    token_process_free(p);
    bureau_free(settings);
    buf_release(&text);
    buf_release(&signature);
}

static void test_return(void)
{
    open_books();
    card(3, "a3", EVENT_SPOILED);
    card(1, "a1", EVENT_MADE);
    card(4, "a4", EVENT_HALF_DONE);
    card(5, "a5", EVENT_UNTOUCHED);
    registry_close(books);
    CU_ASSERT_EQUAL(RETURN(SAMPLE_MIC), 0);
    expect_said(&bureau, "2 lines about 5 records");
    expect_lines("1 made A1, 3 spoiled A3 pulled-out");
    CU_ASSERT_EQUAL(RETURN(SAMPLE_MIC), 6);
    expect_said(&bureau, "exists and is not replaced");
    unlink(return_path);
    CU_ASSERT_EQUAL(RETURN(SAMPLE_KEYS), 4);
    CU_ASSERT_EQUAL(access(return_path, F_OK), -1);
}

static void test_remade(void)
{
    open_books();
    card(1, "a1", EVENT_MADE);
    card(2, "a2", EVENT_SPOILED);
    card(3, "a3", EVENT_HALF_DONE);
    write_list(7, 2, 3, NULL);
    CU_ASSERT_EQUAL(REMAKE(), 0);
    expect_said(&bureau, "remake list 7 of job 'sample': 2 records may be put on new cards");
    CU_ASSERT_EQUAL(REMAKE(), 0);
    expect_said(&bureau, "0 records may be put on new cards, 2 were noted before");
    card(2, "b2", EVENT_MADE);
    card(3, "b3", EVENT_SPOILED);
    /* One entry, one card. */
    CU_ASSERT_EQUAL(REMAKE(), 0);
    expect_said(&bureau, "0 records");
    EXPECT_FAIL(note(3, EVENT_BEGUN, NULL, NULL), ERR_INPUT, "was personalized before");
    registry_close(books);
    CU_ASSERT_EQUAL(RETURN(SAMPLE_MIC), 0);
    expect_lines(
        "1 made A1, 2 spoiled A2 pulled-out, 2 remade B2, 3 spoiled A3 half-done, 3 spoiled B3 pulled-out");
}

static void test_made_and_lost(void)
{
    static const uint8_t right = 0xA1, wrong = 0xA9;
    open_books();
    card(1, "a1", EVENT_MADE);
    card(2, "a2", EVENT_SPOILED);
    write_list(8, 1, 2, NULL);
    CU_ASSERT_EQUAL(REMAKE(), 4);
    expect_said(&bureau, "record 1 is made on card a1, and the list does not name that card");
    write_list(8, 1, 2, &wrong);
    CU_ASSERT_EQUAL(REMAKE(), 4);
    expect_said(&bureau, "record 1 is to replace another card than it has");
    EXPECT_FAIL(note(2, EVENT_BEGUN, NULL, NULL), ERR_INPUT, "was personalized before");
    write_list(8, 1, 2, &right);
    CU_ASSERT_EQUAL(REMAKE(), 0);
    card(1, "b1", EVENT_MADE);
    registry_close(books);
    CU_ASSERT_EQUAL(RETURN(SAMPLE_MIC), 0);
    expect_lines("1 made A1, 1 missing A1 lost, 1 remade B1, 2 spoiled A2 pulled-out");
}

static void test_lists_that_are_refused(void)
{
    open_books();
    card(1, "a1", EVENT_SPOILED);
    card(2, "a2", EVENT_SPOILED);
    write_list(8, 1, 1, NULL);
    CU_ASSERT_EQUAL(REMAKE(), 0);
    write_list(7, 2, 2, NULL);
    CU_ASSERT_EQUAL(REMAKE(), 4);
    expect_said(&bureau, "list 7 is older than list 8, which was taken before");
    write_list(9, 2, 4, NULL);
    CU_ASSERT_EQUAL(REMAKE(), 4);
    expect_said(&bureau, "record 3 is open: no card of it is spoiled or lost");
    EXPECT_FAIL(note(2, EVENT_BEGUN, NULL, NULL), ERR_INPUT, "was personalized before");
    summary.job.job_id[0] ^= 1;
    write_list(9, 2, 2, NULL);
    summary.job.job_id[0] ^= 1;
    CU_ASSERT_EQUAL(REMAKE(), 4);
    expect_said(&bureau, "the books do not know the job 'sample'");
    registry_close(books);

    struct buf text;
    buf_init(&text, 1 << 16);
    write_list(9, 2, 2, NULL);
    EXPECT_OK(file_read_all(list_path, 1 << 16, &text, &err));
    const char *all = buf_text(&text);
    char *reason = all ? strstr((char *)text.data, " lost") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(reason);
    reason[1] = 'm';
    FILE *f = fopen(list_path, "w");
    CU_ASSERT_TRUE(f && fwrite(text.data, 1, text.len, f) == text.len);
    if (f) fclose(f);
    CU_ASSERT_EQUAL(REMAKE(), 5);
    expect_said(&bureau, "hash: does not verify");
    buf_release(&text);
}

static void test_return_key(void)
{
    char pem[100];
    struct stat st;
    struct buf text, spki;
    snprintf(pem, sizeof(pem), "%s/return-key.pem", bureau.folder);
    const char *const words[] = {"return-key", "--settings", bureau.settings, "--output", pem, NULL};
    open_books();
    registry_close(books);
    CU_ASSERT_EQUAL(sample_bureau_run(&bureau, return_key_command.run, words), 0);
    CU_ASSERT_TRUE(stat(pem, &st) == 0);
    buf_init(&text, 1 << 16);
    buf_init(&spki, 1 << 16);
    EXPECT_OK(file_read_all(pem, 1 << 16, &text, &err));
    EXPECT_OK(public_key_read_pem(text.data, text.len, &spki, &err));
    const struct public_key key = {spki.data, spki.len};
    uint8_t hash[SHA256_LEN];
    char hex[FINGERPRINT_HEX_MAX];
    EXPECT_OK(fingerprint_make(&key, hash, &err));
    fingerprint_hex(hash, hex);
    expect_said(&bureau, hex);
    CU_ASSERT_EQUAL(sample_bureau_run(&bureau, return_key_command.run, words), 6);
    expect_said(&bureau, "exists and is not replaced");
    buf_release(&text);
    buf_release(&spki);
    unlink(pem);
}

static void test_settings(void)
{
    CU_ASSERT_EQUAL(
        sample_bureau_run(&bureau, return_command.run, (const char *const[]){"return", SAMPLE_MIC, NULL}), 2);
    expect_said(&bureau, "--settings");
    CU_ASSERT_TRUE(sample_bureau_settings(&bureau, NULL, NULL));
    CU_ASSERT_EQUAL(RETURN(SAMPLE_MIC), 2);
    expect_said(&bureau, "names no return_key");
    CU_ASSERT_EQUAL(
        sample_bureau_run(&bureau, return_key_command.run,
                          (const char *const[]){"return-key", "--settings", bureau.settings, NULL}),
        2);
    expect_said(&bureau, "names no return_key");
}

static const struct test_case cases[] = {
    {"return files", test_return},         {"remade", test_remade},
    {"made and lost", test_made_and_lost}, {"lists that are refused", test_lists_that_are_refused},
    {"the return key", test_return_key},   {"settings", test_settings},
};

int main(void)
{
    bool ok =
        sample_bureau_start(&bureau) &&
        sample_bureau_settings(&bureau, NULL, "signers: [signer.pem]\nreturn_key: {label: return-signing}\n");
    snprintf(return_path, sizeof(return_path), "%s/out.return", bureau.folder);
    snprintf(list_path, sizeof(list_path), "%s/a.remake", bureau.folder);
    int status = ok ? suite_run("bureau/returns", cases, SUITE_COUNT(cases)) : 1;
    unlink(return_path);
    unlink(list_path);
    sample_bureau_stop(&bureau);
    return status;
}
