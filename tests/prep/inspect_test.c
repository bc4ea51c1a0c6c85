#include "prep/commands/inspect.h"

#include <stdlib.h>

#include "base/outfile.h"
#include "suite.h"

static const char sample[] = TEST_DATA_DIR "/samples/independent-5.mic";
enum { SAMPLE_MAX = 1 << 20, SAMPLE_CARDS = 5 };

static void load(struct buf *file)
{
    struct err err = ERR_INIT;
    buf_init(file, SAMPLE_MAX);
    EXPECT_OK(file_read_all(sample, SAMPLE_MAX, file, &err));
}

static bool walk(const struct buf *bytes, size_t len, const struct inspect_settings *settings,
                 const struct inspect_visitor *visitor, struct inspect_result *result)
{
    struct reader *r = NULL;
    struct err err = ERR_INIT;
    bool ok = reader_open_memory(&r, bytes->data, len, "sample", &err) &&
              inspect_file(r, settings, visitor, result, &err);
    reader_free(r);
    return ok;
}

static const struct inspect_settings everything = {.chip_mic = NULL};

/* ---- every byte is explained ---- */

enum { OPEN_MAX = 64 };
struct coverage {
    uint64_t next; /* the first byte that nothing has explained yet */
    size_t gaps, depth, items;
    struct {
        uint64_t value, end;
        bool has_parts;
    } open[OPEN_MAX];
};

static void cover_record_begin(void *context, uint64_t number, uint64_t offset, size_t len)
{
    struct coverage *c = context;
    (void)number;
    (void)len;
    c->gaps += offset != c->next;
}

static void cover_record_end(void *context)
{
    struct coverage *c = context;
    c->gaps += c->depth != 0;
}

static void cover_begin(void *context, const struct inspect_item *item)
{
    struct coverage *c = context;
    if (c->depth > 0) c->open[c->depth - 1].has_parts = true;
    c->gaps += item->offset != c->next;
    c->next = item->offset + item->head_len;
    c->open[c->depth].value = c->next;
    c->open[c->depth].end = c->next + item->value_len;
    c->open[c->depth].has_parts = false;
    c->depth++;
    c->items++;
}

static void cover_end(void *context)
{
    struct coverage *c = context;
    c->depth--;
    if (!c->open[c->depth].has_parts) c->next = c->open[c->depth].end;
    c->gaps += c->next != c->open[c->depth].end;
}

static void cover_damage(void *context, uint64_t offset, uint64_t len, const char *message)
{
    struct coverage *c = context;
    (void)message;
    c->gaps += offset != c->next;
    c->next += len;
}

static struct inspect_visitor coverage_visitor(struct coverage *c)
{
    return (struct inspect_visitor){cover_record_begin, cover_record_end, cover_begin,
                                    cover_end,          cover_damage,     c};
}

static void test_every_byte(void)
{
    struct buf file;
    struct coverage c = {.next = 0};
    struct inspect_visitor visitor = coverage_visitor(&c);
    struct inspect_result result;

    load(&file);
    CU_ASSERT_TRUE(walk(&file, file.len, &everything, &visitor, &result));
    CU_ASSERT_EQUAL(c.next, file.len);
    CU_ASSERT_EQUAL(c.gaps, 0);
    CU_ASSERT_EQUAL(result.damages, 0);
    CU_ASSERT_EQUAL(result.records, SAMPLE_CARDS);
    CU_ASSERT_TRUE(result.end_seen);
    buf_release(&file);
}

static void test_cut(void)
{
    struct buf file;
    load(&file);
    for (size_t len = 0; len < file.len; len += len < 4096 ? 1 : 13) {
        struct coverage c = {.next = 0};
        struct inspect_visitor visitor = coverage_visitor(&c);
        struct inspect_result result;
        if (!walk(&file, len, &everything, &visitor, &result) || c.next != len || c.gaps != 0 ||
            result.end_seen) {
            fprintf(stderr, "cut at %zu: next %llu, gaps %zu\n", len, (unsigned long long)c.next, c.gaps);
            CU_FAIL("a cut file is not explained to its end");
            break;
        }
    }
    buf_release(&file);
}

/* A wrong byte anywhere: nothing is lost, nothing crashes. */
static void test_damaged(void)
{
    struct buf file;
    load(&file);
    for (size_t at = 0; at < file.len; at += 7) {
        struct coverage c = {.next = 0};
        struct inspect_visitor visitor = coverage_visitor(&c);
        struct inspect_result result;
        const uint8_t was = file.data[at];
        file.data[at] = (uint8_t)(was ^ (at % 3 ? 0x01 : 0x80));
        if (!walk(&file, file.len, &everything, &visitor, &result) || c.next != file.len || c.gaps != 0) {
            fprintf(stderr, "changed at %zu: next %llu, gaps %zu\n", at, (unsigned long long)c.next, c.gaps);
            CU_FAIL("a damaged file is not explained to its end");
            at = file.len;
        }
        if (at < file.len) file.data[at] = was;
    }
    buf_release(&file);
}

/* ---- what is shown ---- */

static bool has_long_digits(const char *text)
{
    size_t run = 0;
    for (const char *c = text; *c; c++) {
        run = *c >= '0' && *c <= '9' ? run + 1 : (*c == ' ' && run > 0 ? run : 0);
        if (run >= 13 && run <= 19 && (c[1] < '0' || c[1] > '9') && c[1] != ' ') return true;
    }
    return false;
}

static char *shown(bool json, const struct inspect_settings *settings, size_t len)
{
    struct buf file;
    struct inspect_result result;
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct inspect_text *t = json ? NULL : inspect_text_new(out);
    struct inspect_json *j = json ? inspect_json_new(out, "sample") : NULL;
    struct inspect_visitor visitor = json ? inspect_json_visitor(j) : inspect_text_visitor(t);

    load(&file);
    CU_ASSERT_TRUE(walk(&file, len ? len : file.len, settings, &visitor, &result));
    if (json) EXPECT_OK(inspect_json_finish(j, &result, &err));
    inspect_text_free(t);
    inspect_json_free(j);
    fclose(out);
    buf_release(&file);
    return text;
}

static void test_text(void)
{
    const struct inspect_settings second = {.only = 2};
    char *text = shown(false, &second, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "record 2 at offset"));
    CU_ASSERT_PTR_NULL(strstr(text, "record 3 at"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "key check value: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "issuer public key certificate"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "ciphertext: (24 bytes, not shown)"));
    free(text);
}

static void test_masked(void)
{
    char *text = shown(false, &everything, 0);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *value = strchr(line + 24, ':');
        const bool bytes = strstr(line, "SHA-256") || strstr(line, "job id") || strstr(line, "certificate") ||
                           strstr(line, "remainder") || strstr(line, "MAC") || strstr(line, "signature") ||
                           strstr(line, "AID") || strstr(line, "DF08");
        if (bytes || !value || !has_long_digits(value)) continue;
        fprintf(stderr, "not masked? %s\n", line);
        CU_FAIL("a long run of digits is shown");
    }
    free(text);
}

static void test_json(void)
{
    const struct inspect_settings second = {.only = 2};
    char *text = shown(true, &second, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"record\":2"));
    CU_ASSERT_PTR_NULL(strstr(text, "\"record\":3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"complete\": true"));
    free(text);
    text = shown(true, &everything, 3000);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"complete\": false"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"damage\":[{"));
    free(text);
}

static void expect_value(enum inspect_form form, const void *value, size_t len, const char *expected)
{
    const struct inspect_item item = {.form = form, .value = value, .value_len = len};
    struct buf text;
    buf_init(&text, 256);
    inspect_value(&item, 16, &text);
    CU_ASSERT_STRING_EQUAL(buf_text(&text), expected);
    buf_release(&text);
}

static void test_values(void)
{
    static const uint8_t pan[] = {0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10, 0xFF, 0xFF};
    static const uint8_t track2[] = {0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10,
                                     0xD2, 0x51, 0x22, 0x01, 0x12, 0x34, 0x5F};
    static const uint8_t bytes[] = {0x0A, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10};
    static const char embossed[] = "4761 7390 0101 0010|JOHN DOE|12/25";
    static const char stripe[] = "B4761739001010010^DOE/J^2512";
    expect_value(FORM_PAN, pan, sizeof(pan), "476173******0010");
    expect_value(FORM_PAN, bytes, sizeof(bytes), "0A61739001010010");
    expect_value(FORM_TRACK2, track2, sizeof(track2), "476173******0010=2512201*****");
    expect_value(FORM_MODULE, embossed, strlen(embossed), "4761 73** **** 0010|JOHN DOE|12/25");
    expect_value(FORM_MODULE, stripe, strlen(stripe), "B476173******0010^DOE/J^2512");
    expect_value(FORM_MODULE, "\x01\x02", 2, "(2 bytes)");
    expect_value(FORM_HIDDEN, pan, sizeof(pan), "(10 bytes, not shown)");
    expect_value(FORM_KIND, "\x06", 1, "06 (RSA)");
    expect_value(FORM_DGI, "\x01\x02", 2, "0102 (record 2 of SFI 1)");
}

static void test_tables(void)
{
    for (int place = 0; place < PLACE_COUNT; place++) {
        size_t count = 0;
        const struct inspect_tag *rows = inspect_tags((enum inspect_place)place, &count);
        CU_ASSERT_TRUE(count > 0);
        for (size_t i = 0; i < count; i++) {
            CU_ASSERT_TRUE(i == 0 || rows[i - 1].tag < rows[i].tag);
            CU_ASSERT_PTR_EQUAL(inspect_tag((enum inspect_place)place, rows[i].tag), &rows[i]);
        }
    }
}

static const struct test_case cases[] = {
    {"every byte of a file is explained once", test_every_byte},
    {"a file cut anywhere is explained as far as it goes", test_cut},
    {"a damaged file is explained as far as possible", test_damaged},
    {"text shows one record with the names of its tags", test_text},
    {"no card number is shown", test_masked},
    {"JSON, whole and of a cut file", test_json},
    {"values: masked, hidden, named", test_values},
    {"tag tables rise and are found again", test_tables},
};
int main(void)
{
    return suite_run("prep/inspect", cases, SUITE_COUNT(cases));
}
