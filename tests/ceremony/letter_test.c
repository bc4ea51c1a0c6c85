#include "ceremony/letter.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "pdf_text.h"
#include "suite.h"

enum { PDF_MAX = 1 << 20 };

static const struct letter kml = {
    .plan = "Autumn ceremony",
    .key = "KML",
    .version = 3,
    .component = 2,
    .components = 3,
    .custodian = "Zo\xC3\xAB M.",
    .algorithm = HSM_DES2,
    .date = "2031-02-03",
};
/* A published value; its check value as tests/ceremony/components_test.c has it begins with 08D7. */
static const char published[] = "\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10";

/* The letter, through a pipe, which takes it whole. */
static void write_letter(const struct letter *letter, const struct secret *component, struct buf *pdf)
{
    struct err err = ERR_INIT;
    int ends[2];
    buf_init(pdf, PDF_MAX);
    CU_ASSERT_FATAL(pipe(ends) == 0);
    EXPECT_OK(letter_write(letter, component, ends[1], &err));
    close(ends[1]);
    CU_ASSERT(read_all(ends[0], pdf));
    close(ends[0]);
}

static void letter_of_published(const struct letter *letter, struct buf *pdf, struct buf *text)
{
    struct err err = ERR_INIT;
    struct secret component = SECRET_NONE;
    EXPECT_OK(secret_copy(&component, published, 16, &err));
    write_letter(letter, &component, pdf);
    buf_init(text, PDF_MAX);
    CU_ASSERT_FATAL(pdf_text(pdf, text));
    secret_release(&component);
}

static void test_everything_is_shown(void)
{
    static const char *const parts[] = {"Key component: secret",
                                        "Autumn ceremony",
                                        "KML, version 3",
                                        "2 of 3",
                                        "Zo\xC3\xAB M.",
                                        "DES2: 128 bits, 32 hex digits, 8 groups",
                                        "2031-02-03",
                                        "08D7",
                                        "1:",
                                        "Compare it with this one: 08D7",
                                        "component 2 of 3 of KML, version 3",
                                        "shredder",
                                        "Received by the custodian, Zo\xC3\xAB M., and by nobody else:",
                                        "Signature",
                                        "page 1 of 1"};
    struct buf pdf, text;
    letter_of_published(&kml, &pdf, &text);
    for (size_t i = 0; i < SUITE_COUNT(parts); i++) {
        if (!buf_holds(&text, parts[i])) fprintf(stderr, "not shown: %s\n", parts[i]);
        CU_ASSERT(buf_holds(&text, parts[i]));
    }
    CU_ASSERT(!buf_holds(&text, "TEST"));
    buf_release(&pdf);
    buf_release(&text);
}

static void test_digits_once(void)
{
    static const char digits[] = "0123 4567 89AB CDEF FEDC BA98 7654 3210";
    struct buf pdf, text;
    letter_of_published(&kml, &pdf, &text);
    CU_ASSERT_EQUAL(count_of((const char *)pdf.data, pdf.len, digits), 1);
    CU_ASSERT_EQUAL(count_of((const char *)pdf.data, pdf.len, "89AB"), 1);
    CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, digits), 1);
    CU_ASSERT_EQUAL(count_of((const char *)text.data, text.len, "89AB"), 1);
    buf_release(&pdf);
    buf_release(&text);
}

static void test_mark(void)
{
    struct letter letter = kml;
    struct buf pdf, text;
    letter.test = true;
    letter_of_published(&letter, &pdf, &text);
    CU_ASSERT(buf_holds(&text, "TEST - TEST - TEST"));
    CU_ASSERT(buf_holds(&text, "TEST key component"));
    CU_ASSERT(buf_holds(&text, "This letter is of a TEST plan."));
    CU_ASSERT(buf_holds(&text, "page 1 of 1, TEST"));
    CU_ASSERT(!buf_holds(&text, "Key component: secret"));
    buf_release(&pdf);
    buf_release(&text);
}

static void test_every_algorithm(void)
{
    static const struct {
        enum hsm_algorithm algorithm;
        const char *last_line, *none;
    } rows[] = {
        {HSM_DES2, "1:  0001 0203 0405 0607 0809 0A0B 0C0D 0E0F", "(2:  "},
        {HSM_DES3, "2:  1011 1213 1415 1617", "(3:  "},
        {HSM_AES128, "1:  0001 0203 0405 0607 0809 0A0B 0C0D 0E0F", "(2:  "},
        {HSM_AES192, "2:  1011 1213 1415 1617", "(3:  "},
        {HSM_AES256, "2:  1011 1213 1415 1617 1819 1A1B 1C1D 1E1F", "(3:  "},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct letter letter = kml;
        struct secret component = SECRET_NONE;
        struct buf pdf, text;
        letter.algorithm = rows[i].algorithm;
        letter.test = true;
        letter.version = 0;
        EXPECT_OK(secret_init(&component, hsm_algorithm_len(letter.algorithm), &err));
        for (component.len = 0; component.len < component.room; component.len++)
            component.data[component.len] = (uint8_t)component.len;
        write_letter(&letter, &component, &pdf);
        buf_init(&text, PDF_MAX);
        CU_ASSERT_FATAL(pdf_text(&pdf, &text));
        CU_ASSERT(buf_holds(&pdf, rows[i].last_line));
        CU_ASSERT(!buf_holds(&pdf, rows[i].none));
        CU_ASSERT(buf_holds(&text, "page 1 of 1"));
        CU_ASSERT(!buf_holds(&text, "version"));
        secret_release(&component);
        buf_release(&pdf);
        buf_release(&text);
    }
}

static void test_refusals(void)
{
    struct err err = ERR_INIT;
    struct secret component = SECRET_NONE;
    struct letter letter = kml;
    int null = open("/dev/null", O_WRONLY), ends[2];
    EXPECT_OK(secret_copy(&component, published, 16, &err));
    letter.algorithm = HSM_AES256;
    EXPECT_FAIL(letter_write(&letter, &component, null, &err), ERR_INTERNAL, "16 bytes instead of 32");
    letter = kml;
    letter.component = 4;
    EXPECT_FAIL(letter_write(&letter, &component, null, &err), ERR_INTERNAL, "component 4 of 3");
    letter = kml;
    letter.custodian = "\xC5\x81ucja";
    EXPECT_FAIL(letter_write(&letter, &component, null, &err), ERR_INPUT, "letter for \xC5\x81ucja: ");
    close(null);
    /* Nobody reads. */
    CU_ASSERT_FATAL(pipe(ends) == 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_FAIL(letter_write(&kml, &component, ends[1], &err), ERR_FILE, "Broken pipe");
    signal(SIGPIPE, SIG_DFL);
    close(ends[1]);
    secret_release(&component);
}

/* What is looked for, each byte turned over with MASK: so the search itself holds none of it. */
enum { MASK = 0xA5, RAW = 32, DIGITS = 78, PIECE = 8, REGION_MAX = 1 << 28, WINDOW = 1 << 16 };
struct wanted {
    uint8_t raw[RAW];       /* the component */
    uint8_t digits[DIGITS]; /* "0123 4567 …", two lines */
};

static uint8_t digit_of(unsigned nibble)
{
    return (uint8_t)(nibble < 10 ? '0' + nibble : 'A' + nibble - 10);
}

static void make_wanted(struct wanted *w, const struct secret *component)
{
    size_t at = 0;
    for (size_t i = 0; i < RAW; i++) {
        w->raw[i] = component->data[i] ^ MASK;
        if (i > 0 && i % 2 == 0 && i != RAW / 2) w->digits[at++] = ' ' ^ MASK;
        w->digits[at++] = digit_of(component->data[i] >> 4) ^ MASK;
        w->digits[at++] = digit_of(component->data[i] & 15U) ^ MASK;
    }
    CU_ASSERT_EQUAL(at, DIGITS);
}

/* How many pieces of the masked text are in the window? Not sanitized: it reads hundreds of megabytes. */
static size_t __attribute__((no_sanitize("address", "undefined")))
pieces_in(const uint8_t *window, size_t len, const uint8_t *masked, size_t masked_len)
{
    size_t found = 0;
    bool starts[256] = {false};
    for (size_t k = 0; k + PIECE <= masked_len; k++)
        starts[masked[k] ^ MASK] = true;
    for (size_t i = 0; i + PIECE <= len; i++) {
        if (!starts[window[i]]) continue;
        for (size_t k = 0; k + PIECE <= masked_len; k++) {
            size_t n = 0;
            while (n < PIECE && (window[i + n] ^ MASK) == masked[k + n])
                n++;
            found += n == PIECE;
        }
    }
    return found;
}

/* A window that no other mapping touches. */
static uint8_t *make_window(void)
{
    uint8_t *area = mmap(NULL, 3 * WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(area != MAP_FAILED);
    CU_ASSERT_FATAL(mprotect(&area[WINDOW], WINDOW, PROT_READ | PROT_WRITE) == 0);
    return &area[WINDOW];
}

/* All memory that this process can write, save the window itself and shadow memory of a sanitizer. */
static size_t search_memory(const struct wanted *w)
{
    char line[512];
    size_t found = 0, searched = 0;
    uint8_t *window = make_window();
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY);
    CU_ASSERT_FATAL(maps && mem >= 0);
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from = 0, to = 0;
        char rights[8] = "";
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || strncmp(rights, "rw", 2) != 0) continue;
        if (to - from > REGION_MAX || from == (unsigned long)window) continue;
        for (unsigned long at = from; at < to; at += WINDOW - PIECE) {
            size_t len = to - at < WINDOW ? to - at : WINDOW;
            ssize_t n = pread(mem, window, len, (off_t)at);
            if (n <= 0) break;
            searched += (size_t)n;
            found += pieces_in(window, (size_t)n, w->raw, RAW);
            found += pieces_in(window, (size_t)n, w->digits, DIGITS);
        }
    }
    munmap(window - WINDOW, 3 * WINDOW);
    close(mem);
    fclose(maps);
    CU_ASSERT(searched > 1 << 18);
    return found;
}

static void test_nothing_stays_in_memory(void)
{
    static const enum hsm_algorithm algorithms[] = {HSM_AES256, HSM_DES3};
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(algorithms); i++) {
        struct letter letter = kml;
        struct secret component = SECRET_NONE;
        struct wanted w;
        int null = open("/dev/null", O_WRONLY);
        letter.algorithm = algorithms[i];
        EXPECT_OK(secret_init(&component, RAW, &err));
        CU_ASSERT_FATAL(getrandom(component.data, RAW, 0) == RAW);
        component.len = hsm_algorithm_len(letter.algorithm);
        make_wanted(&w, &component);
        EXPECT_OK(letter_write(&letter, &component, null, &err));
        CU_ASSERT(search_memory(&w) >= RAW - PIECE + 1); /* the component itself: the search finds */
        secret_release(&component);
        CU_ASSERT_EQUAL(search_memory(&w), 0);
        close(null);
    }
}

static const struct test_case cases[] = {
    {"a letter shows all that its custodian needs", test_everything_is_shown},
    {"the digits are there once, and can be read", test_digits_once},
    {"a letter of a TEST plan says so in four places", test_mark},
    {"a component of each algorithm is on one page, in numbered lines", test_every_algorithm},
    {"wrong components, names and readers are refused", test_refusals},
    {"after a letter no memory holds its component or digits", test_nothing_stays_in_memory},
};

int main(void)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return 1;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* to search its own memory */
    return suite_run("ceremony/letter", cases, SUITE_COUNT(cases));
}
