#include "ceremony/page.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"
#include "pdf_text.h"
#include "suite.h"

static const struct page_settings plain = {"Ceremony script", PAGE_PLAIN, false};
static const struct page_settings test_plain = {"Ceremony script", PAGE_PLAIN, true};
static const struct page_settings secret = {"Key component", PAGE_SECRET, false};

enum { PDF_MAX = 1 << 20 };

static void put_everything(struct page *p)
{
    static const char *const lines[] = {"Who: the security officer", "Sees: a prompt", "Types: the PIN"};
    page_heading(p, "A heading");
    page_paragraph(p, "A paragraph (with brackets) of Zo\xC3\xAB M\xC3\xBCller.");
    page_numbered(p, 1, "A numbered line.");
    page_field(p, "Custodian", "A person");
    page_mono(p, "cardkeys run plan.yaml");
    page_rule(p);
    page_step(p, &(struct page_step){7, "Open the token", lines, 3, "Security officer"});
    page_signature(p, NULL);
}

static void release(struct page *p, struct buf *pdf, struct buf *text)
{
    page_free(p);
    buf_release(pdf);
    buf_release(text);
}

static void test_everything_is_shown(void)
{
    static const char *const parts[] = {"Ceremony script",
                                        "A heading",
                                        "A paragraph (with brackets) of Zo\xC3\xAB M\xC3\xBCller.",
                                        "1.",
                                        "A numbered line.",
                                        "Custodian",
                                        "A person",
                                        "cardkeys run plan.yaml",
                                        "7.",
                                        "Open the token",
                                        "Who: the security officer",
                                        "Sees: a prompt",
                                        "Types: the PIN",
                                        "Security officer",
                                        "Name",
                                        "Signature",
                                        "Date",
                                        "page 1 of 1"};
    struct err err = ERR_INIT;
    struct page *p = NULL;
    struct buf pdf, text;
    buf_init(&pdf, PDF_MAX);
    buf_init(&text, PDF_MAX);
    EXPECT_OK(page_new(&p, &plain, &err));
    put_everything(p);
    EXPECT_OK(page_put(p, &pdf, &err));
    CU_ASSERT_FATAL(pdf_text(&pdf, &text));
    for (size_t i = 0; i < SUITE_COUNT(parts); i++) {
        if (!buf_holds(&text, parts[i])) fprintf(stderr, "not shown: %s\n", parts[i]);
        CU_ASSERT(buf_holds(&text, parts[i]));
    }
    CU_ASSERT(!buf_holds(&text, "TEST"));
    CU_ASSERT(buf_holds(&pdf, "(A numbered line.) Tj")); /* a person can read the file itself */
    CU_ASSERT(!buf_holds(&pdf, "CreationDate"));
    release(p, &pdf, &text);
}

static void test_same_bytes(void)
{
    struct err err = ERR_INIT;
    struct buf pdf[2];
    for (size_t i = 0; i < 2; i++) {
        struct page *p = NULL;
        buf_init(&pdf[i], PDF_MAX);
        EXPECT_OK(page_new(&p, &plain, &err));
        put_everything(p);
        EXPECT_OK(page_put(p, &pdf[i], &err));
        page_free(p);
    }
    CU_ASSERT(bytes_equal(pdf[0].data, pdf[0].len, pdf[1].data, pdf[1].len));
    buf_release(&pdf[0]);
    buf_release(&pdf[1]);
}

static void test_pages_are_numbered_and_marked(void)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    struct buf pdf, text;
    char line[32];
    buf_init(&pdf, PDF_MAX);
    buf_init(&text, PDF_MAX);
    EXPECT_OK(page_new(&p, &test_plain, &err));
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "line %d.", i);
        page_paragraph(p, line);
    }
    page_break(p);
    page_paragraph(p, "the last page");
    page_break(p); /* nothing behind it: no page */
    EXPECT_OK(page_put(p, &pdf, &err));
    CU_ASSERT_FATAL(pdf_text(&pdf, &text));
    CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, "\f"), 4);
    CU_ASSERT(buf_holds(&text, "page 1 of 4, TEST") && buf_holds(&text, "page 4 of 4, TEST"));
    CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, "TEST - TEST - TEST - TEST - TEST"), 4);
    CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, "Ceremony script"), 4);
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "line %d.", i);
        CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, line), 1);
    }
    release(p, &pdf, &text);
}

static void test_long_text_is_broken(void)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    struct buf pdf, text, paragraph;
    char word[16];
    buf_init(&pdf, PDF_MAX);
    buf_init(&text, PDF_MAX);
    buf_init(&paragraph, PDF_MAX);
    for (int i = 0; i < 200; i++)
        buf_put_format(&paragraph, "word%03d ", i);
    EXPECT_OK(page_new(&p, &plain, &err));
    page_paragraph(p, buf_text(&paragraph));
    buf_clear(&paragraph);
    buf_put_fill(&paragraph, 'x', 500);
    page_paragraph(p, buf_text(&paragraph)); /* one word wider than a line */
    page_paragraph(p, "");
    EXPECT_OK(page_put(p, &pdf, &err));
    CU_ASSERT_FATAL(pdf_text(&pdf, &text));
    for (int i = 0; i < 200; i++) {
        snprintf(word, sizeof(word), "word%03d", i);
        CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, word), 1);
    }
    size_t width = 0;
    for (const char *line = strtok((char *)text.data, "\n"); line; line = strtok(NULL, "\n"))
        width = strlen(line) > width ? strlen(line) : width;
    CU_ASSERT(width < 120);
    CU_ASSERT(count_of((const char *)pdf.data, pdf.len, "x") >= 500);
    buf_release(&paragraph);
    release(p, &pdf, &text);
}

/* A step that would cross the end of a page begins on the next one. */
static void test_a_step_stays_together(void)
{
    static const char *const lines[] = {"one", "two", "three", "four", "five", "six", "seven", "eight"};
    struct err err = ERR_INIT;
    for (int filled = 30; filled < 50; filled++) {
        struct page *p = NULL;
        struct buf pdf, text;
        buf_init(&pdf, PDF_MAX);
        buf_init(&text, PDF_MAX);
        EXPECT_OK(page_new(&p, &plain, &err));
        for (int i = 0; i < filled; i++)
            page_paragraph(p, "filling");
        page_step(p, &(struct page_step){1, "The step", lines, SUITE_COUNT(lines), "The signer"});
        EXPECT_OK(page_put(p, &pdf, &err));
        CU_ASSERT_FATAL(pdf_text(&pdf, &text));
        const char *title = strstr((const char *)text.data, "The step");
        CU_ASSERT_PTR_NOT_NULL_FATAL(title);
        const char *signature = strstr(title, "Signature"), *end = strchr(title, '\f');
        CU_ASSERT(signature && end && signature < end);
        release(p, &pdf, &text);
    }
}

static void expect_refused(const char *paragraph, const char *mono, enum err_kind kind, const char *part)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    EXPECT_OK(page_new(&p, &plain, &err));
    if (paragraph) page_paragraph(p, paragraph);
    if (mono) page_mono(p, mono);
    page_paragraph(p, "what comes behind does not hide it");
    EXPECT_FAIL(page_put(p, &pdf, &err), kind, part);
    CU_ASSERT_EQUAL(pdf.len, 0);
    page_free(p);
    buf_release(&pdf);
}

static void test_text_that_cannot_be_printed(void)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    expect_refused("\xC5\x81\xC3\xB3"
                   "d\xC5\xBA",
                   NULL, ERR_INPUT,
                   "text '\xC5\x81\xC3\xB3"
                   "d\xC5\xBA'");
    expect_refused("cut \xC3", NULL, ERR_INPUT, "text 'cut");
    expect_refused("two\nlines", NULL, ERR_INPUT, "text 'two");
    expect_refused(NULL,
                   "0123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789+",
                   ERR_INPUT, "a line of 81 characters is wider");
    EXPECT_FAIL(page_new(&p, &(struct page_settings){"\xE2\x82\xAC", PAGE_PLAIN, false}, &err), ERR_INPUT,
                "text '");
    CU_ASSERT_PTR_NULL(p);
}

static void test_width_of_lines_that_are_not_broken(void)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    int fd = open("/dev/null", O_WRONLY);
    EXPECT_OK(page_new(&p, &secret, &err));
    page_mono(p, "0123456789012345678901234567890123456789"
                 "0123456789012345678901234567890123456789");
    page_secret_line(p, "01234567890123456789012345678901234567890123");
    EXPECT_OK(page_write(p, fd, "null", &err));
    EXPECT_FAIL(page_write(p, fd, "null", &err), ERR_INTERNAL, "written once");
    page_free(p);
    EXPECT_OK(page_new(&p, &secret, &err));
    page_secret_line(p, "012345678901234567890123456789012345678901234");
    EXPECT_FAIL(page_write(p, fd, "null", &err), ERR_INPUT, "a line of 45 characters is wider");
    page_free(p);
    EXPECT_OK(page_new(&p, &secret, &err));
    page_secret_line(p, "no\ttabs");
    EXPECT_FAIL(page_write(p, fd, "null", &err), ERR_INPUT, "not printable ASCII");
    page_free(p);
    close(fd);
}

static void test_secrets_stay_in_secret_documents(void)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    struct buf out;
    buf_init(&out, PDF_MAX);
    buf_put_text(&out, "before");
    EXPECT_OK(page_new(&p, &secret, &err));
    EXPECT_FAIL(page_put(p, &out, &err), ERR_INTERNAL, "only through a descriptor");
    page_free(p);
    EXPECT_OK(page_new(&p, &plain, &err));
    page_secret_line(p, "0123");
    EXPECT_FAIL(page_put(p, &out, &err), ERR_INTERNAL, "a document that is not secret");
    CU_ASSERT(bytes_equal(out.data, out.len, "before", 6));
    page_free(p);
    buf_release(&out);
}

static void test_output_that_is_full(void)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    struct buf out;
    int fd = open("/dev/full", O_WRONLY);
    buf_init(&out, 1000);
    buf_put_text(&out, "before");
    EXPECT_OK(page_new(&p, &plain, &err));
    put_everything(p);
    EXPECT_FAIL(page_put(p, &out, &err), ERR_INPUT, "larger than 1000 bytes");
    CU_ASSERT(bytes_equal(out.data, out.len, "before", 6));
    page_free(p);
    buf_release(&out);
    EXPECT_OK(page_new(&p, &secret, &err));
    put_everything(p);
    EXPECT_FAIL(page_write(p, fd, "the full one", &err), ERR_FILE, "the full one: No space");
    page_free(p);
    close(fd);
}

/* Sanitizers turn mlock into a call that does nothing: then nothing can be refused. */
static bool locks_are_real(void)
{
    static uint8_t page[4096];
    bool real = false;
    char line[128];
    if (mlock(page, sizeof(page)) != 0) return true;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        real = real || (strncmp(line, "VmLck:", 6) == 0 && strtol(&line[6], NULL, 10) > 0);
    if (f) fclose(f);
    munlock(page, sizeof(page));
    if (!real) puts("(locks cannot be seen here)");
    return real;
}

enum { WROTE = 0, REFUSED = 3, WRONG = 4 };

/* A secret document with so many pages of locked memory. */
static int with_locked_pages(rlim_t pages, const struct page_settings *settings)
{
    struct err err = ERR_INIT;
    struct page *p = NULL;
    const struct rlimit limit = {pages * (rlim_t)getpagesize(), pages * (rlim_t)getpagesize()};
    int fd = open("/dev/null", O_WRONLY);
    /* Only who is not root is limited. */
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (geteuid() == 0 && setuid(65534) != 0)) return WRONG;
    bool ok = page_new(&p, settings, &err);
    if (ok) {
        put_everything(p);
        page_break(p);
        if (settings->kind == PAGE_SECRET) page_secret_line(p, "0123 4567 89AB CDEF");
        ok = page_write(p, fd, "null", &err);
    }
    page_free(p);
    if (ok) return WROTE;
    return err.kind == ERR_INTERNAL && strstr(err.text, "locked") ? REFUSED : WRONG;
}

static void test_each_allocation_fails(void)
{
    int status = -1;
    rlim_t refused = 0;
    if (!locks_are_real()) return;
    for (rlim_t pages = 0; pages < 1000 && status != WROTE; pages++) {
        pid_t child = fork();
        if (child == 0) _exit(with_locked_pages(pages, &secret));
        CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child);
        status = WIFEXITED(status) ? WEXITSTATUS(status) : WRONG;
        if (status != WROTE && status != REFUSED)
            fprintf(stderr, "%llu locked pages: %d\n", (unsigned long long)pages, status);
        CU_ASSERT_FATAL(status == WROTE || status == REFUSED);
        refused += status == REFUSED;
    }
    CU_ASSERT_EQUAL(status, WROTE);
    CU_ASSERT(refused > 100); /* libharu's blocks, one by one */
}

static const struct test_case cases[] = {
    {"pdftotext shows every text, and the file itself can be read", test_everything_is_shown},
    {"the same calls give the same bytes", test_same_bytes},
    {"pages are numbered and carry title and TEST", test_pages_are_numbered_and_marked},
    {"long text is broken and nothing of it is lost", test_long_text_is_broken},
    {"a step stays on one page with its place to sign", test_a_step_stays_together},
    {"text that cannot be printed is refused by name", test_text_that_cannot_be_printed},
    {"lines that are not broken have a width", test_width_of_lines_that_are_not_broken},
    {"a secret comes into no other document and no buf", test_secrets_stay_in_secret_documents},
    {"output that is full is an error", test_output_that_is_full},
    {"each allocation in turn cannot be locked: an error, never other memory", test_each_allocation_fails},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return 1;
    return suite_run("ceremony/page", cases, SUITE_COUNT(cases));
}
