#include "base/args.h"
#include "suite.h"

#include <stdlib.h>
#include <unistd.h>

enum { ARGS_MAX = 40 };

struct settings {
    bool json;
    bool help;
    const char *out;
    uint64_t workers;
    struct arg_list keys;
    const char *operands[2];
};

/* Parses a command line of words that spaces part, as `run` with one operand. */
static bool parse(struct settings *s, char *line, struct err *err)
{
    *s = (struct settings){.workers = 1};
    const struct arg_option options[] = {
        {"json", ARG_FLAG, NULL, "results for machines", {.flag = &s->json}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &s->help}},
        {"out", ARG_TEXT, "FILE", "where to write", {.text = &s->out}},
        {"workers", ARG_NUMBER, "N", "how many at once", {.number = &s->workers}},
        {"key", ARG_LIST, "FILE", "a key, as often as needed", {.list = &s->keys}},
    };
    char *argv[ARGS_MAX + 1] = {NULL};
    int argc = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word && argc < ARGS_MAX; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    return args_parse(argc, argv, options, SUITE_COUNT(options), s->operands, 1, err);
}

static void test_options_and_operand(void)
{
    static const char *const lines[] = {
        "run --json --out o.mic --workers 12 job.yaml",
        "run job.yaml --workers=12 --out=o.mic --json",
        "run --workers 3 --workers 12 --json --out o.mic -- job.yaml",
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(lines); i++) {
        struct settings s;
        char line[128];
        snprintf(line, sizeof(line), "%s", lines[i]);
        EXPECT_OK(parse(&s, line, &err));
        CU_ASSERT_TRUE(s.json);
        CU_ASSERT_EQUAL(s.workers, 12);
        CU_ASSERT_STRING_EQUAL(s.out, "o.mic");
        CU_ASSERT_STRING_EQUAL(s.operands[0], "job.yaml");
    }
}

static void test_list_collects(void)
{
    struct err err = ERR_INIT;
    struct settings s;
    char two[] = "run --key a --key=b job.yaml";
    char many[256] = "run job.yaml";
    EXPECT_OK(parse(&s, two, &err));
    CU_ASSERT_EQUAL(s.keys.count, 2);
    CU_ASSERT_STRING_EQUAL(s.keys.items[0], "a");
    CU_ASSERT_STRING_EQUAL(s.keys.items[1], "b");
    for (int i = 0; i <= ARG_LIST_MAX; i++)
        strncat(many, " --key x", sizeof(many) - strlen(many) - 1);
    EXPECT_FAIL(parse(&s, many, &err), ERR_CONFIG, "more than 16 times");
}

static void test_many_operands(void)
{
    struct err err = ERR_INIT;
    bool flag = false;
    const struct arg_option options[] = {{"json", ARG_FLAG, NULL, "", {.flag = &flag}}};
    char texts[5][8] = {"run", "a", "--json", "b", "c"};
    char *argv[] = {texts[0], texts[1], texts[2], texts[3], texts[4]};
    const char *items[3];
    struct arg_operands operands = {items, 3, 0};
    EXPECT_OK(args_parse_many(5, argv, options, 1, &operands, &err));
    CU_ASSERT_EQUAL(operands.count, 3);
    CU_ASSERT_STRING_EQUAL(items[2], "c");
    CU_ASSERT_TRUE(flag);
    operands.room = 2;
    EXPECT_FAIL(args_parse_many(5, argv, options, 1, &operands, &err), ERR_CONFIG,
                "'c' is one operand too many");
    EXPECT_FAIL(args_parse_many(1, argv, options, 1, &operands, &err), ERR_CONFIG, "no file is named");
}

static void test_nothing_given_leaves_the_defaults(void)
{
    struct err err = ERR_INIT;
    struct settings s;
    char line[] = "run -";
    EXPECT_OK(parse(&s, line, &err));
    CU_ASSERT_EQUAL(s.workers, 1);
    CU_ASSERT_PTR_NULL(s.out);
    CU_ASSERT_STRING_EQUAL(s.operands[0], "-");
}

static void test_what_is_refused(void)
{
    static const char *const rows[][2] = {
        {"run --worker 3 j", "unknown option '--worker'; did you mean '--workers'?"},
        {"run --jsno j", "unknown option '--jsno'; did you mean '--json'?"},
        {"run --wrokers=3 j", "unknown option '--wrokers'; did you mean '--workers'?"},
        {"run --verbose j", "unknown option '--verbose'; see --help"},
        {"run --x j", "unknown option '--x'; see --help"},
        {"run -j j", "unknown option '-j'"},
        {"run j --out", "option '--out' needs a value: --out FILE"},
        {"run --out --json j", "option '--out' needs a value"},
        {"run --out= j", "option '--out' needs a value"},
        {"run --json=yes j", "option '--json' takes no value"},
        {"run --workers 1x j", "option '--workers': '1x' is not a whole number"},
        {"run --workers -1 j", "'-1' is not a whole number"},
        {"run --workers 18446744073709551616 j", "is too large"},
        {"run", "no file is named to work on; see --help"},
        {"run a b", "'b' is one operand too many"},
        {"run a -- --json", "'--json' is one operand too many"},
        {"run --workers 0 j", "option '--workers': '0' is not a whole number from 1"},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        struct settings s;
        char line[128];
        snprintf(line, sizeof(line), "%s", rows[i][0]);
        EXPECT_FAIL(parse(&s, line, &err), ERR_CONFIG, rows[i][1]);
    }
}

static void test_largest_number(void)
{
    struct err err = ERR_INIT;
    struct settings s;
    char line[] = "run --workers 18446744073709551615 j";
    EXPECT_OK(parse(&s, line, &err));
    CU_ASSERT_EQUAL(s.workers, UINT64_MAX);
}

static void test_giant_unknown_option(void)
{
    struct err err = ERR_INIT;
    struct settings s;
    char line[3000] = "run --";
    memset(line + 6, 'x', sizeof(line) - 7);
    EXPECT_FAIL(parse(&s, line, &err), ERR_CONFIG, "; see --help");
}

static void test_help_needs_no_operand(void)
{
    struct err err = ERR_INIT;
    struct settings s;
    char line[] = "run --help";
    EXPECT_OK(parse(&s, line, &err));
    CU_ASSERT_TRUE(s.help);
}

static void test_nearest(void)
{
    static const char *const names[] = {"check", "run", "inspect", "verify"};
    CU_ASSERT_STRING_EQUAL(args_nearest("chekc", names, 4), "check");
    CU_ASSERT_STRING_EQUAL(args_nearest("inspct", names, 4), "inspect");
    CU_ASSERT_STRING_EQUAL(args_nearest("run", names, 4), "run");
    CU_ASSERT_PTR_NULL(args_nearest("insp", names, 4));
    CU_ASSERT_PTR_NULL(args_nearest("", names, 4));
    CU_ASSERT_PTR_NULL(args_nearest("run", names, 0));
    static const char *const tiny[] = {"ab"};
    CU_ASSERT_PTR_NULL(args_nearest("xy", tiny, 1));
}

/* What a call printed to stdout or stderr. */
struct capture {
    FILE *file;
    int saved;
    int fd;
    char text[2048];
};

static void capture_begin(struct capture *c, int fd)
{
    c->fd = fd;
    c->file = tmpfile();
    if (!c->file) abort();
    fflush(NULL);
    c->saved = dup(fd);
    dup2(fileno(c->file), fd);
}

static void capture_end(struct capture *c)
{
    fflush(NULL);
    dup2(c->saved, c->fd);
    close(c->saved);
    rewind(c->file);
    size_t len = fread(c->text, 1, sizeof(c->text) - 1, c->file);
    c->text[len] = '\0';
    fclose(c->file);
}

static int run_command(int argc, char **argv)
{
    return 40 + argc + (strcmp(argv[0], "run") == 0 ? 0 : 100);
}

static int run_other(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}

static const struct arg_command check_row = {"cardprep", "check", "JOB", 1, "checks a job without running it",
                                             run_other};
static const struct arg_command run_row = {"cardprep", "run", "JOB", 1, "prepares the cards of a job",
                                           run_command};
static const struct arg_command *const commands[] = {&check_row, &run_row};

static int dispatch(char *first, char *second)
{
    char name[] = "cardprep";
    char *argv[] = {name, first, second, NULL};
    int argc = !first ? 1 : !second ? 2 : 3;
    return args_dispatch(argc, argv, "cardprep", "prepares cards", commands, SUITE_COUNT(commands));
}

static void test_dispatch_runs_the_command(void)
{
    char run[] = "run";
    char operand[] = "job.yaml";
    CU_ASSERT_EQUAL(dispatch(run, operand), 42);
}

static void test_dispatch_help_and_version(void)
{
    struct capture c;
    char help[] = "--help";
    char version[] = "--version";
    capture_begin(&c, STDOUT_FILENO);
    int status = dispatch(help, NULL);
    capture_end(&c);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "cardprep - prepares cards\n\nusage: cardprep COMMAND"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "checks a job without running it\n"));
    capture_begin(&c, STDOUT_FILENO);
    status = dispatch(version, NULL);
    capture_end(&c);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_STRING_EQUAL(c.text, "cardprep " CARDPREP_VERSION "\n");
}

static void test_dispatch_refuses_the_unknown(void)
{
    struct capture c;
    char wrong[] = "rnu";
    char strange[] = "personalize";
    capture_begin(&c, STDERR_FILENO);
    int status = dispatch(wrong, NULL);
    capture_end(&c);
    CU_ASSERT_EQUAL(status, 2);
    CU_ASSERT_STRING_EQUAL(c.text, "cardprep: unknown command 'rnu'; did you mean 'run'?\n");
    capture_begin(&c, STDERR_FILENO);
    status = dispatch(strange, NULL) + dispatch(NULL, NULL);
    capture_end(&c);
    CU_ASSERT_EQUAL(status, 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "unknown command 'personalize'; see cardprep --help\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "usage: cardprep COMMAND"));
}

static void test_usage_shows_the_table(void)
{
    uint64_t workers = 0;
    const struct arg_option options[] = {
        {"workers", ARG_NUMBER, "N", "how many at once", {.number = &workers}}};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    args_usage(out, &run_row, options, 1);
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text,
                           "usage: cardprep run [OPTIONS] JOB\n\nprepares the cards of a job\n\noptions:\n"
                           "  --workers N               how many at once\n");
    free(text);
}

static const struct test_case cases[] = {
    {"an option given more than once", test_list_collects},
    {"many operands", test_many_operands},
    {"options and operand", test_options_and_operand},
    {"nothing given leaves the defaults", test_nothing_given_leaves_the_defaults},
    {"what is refused", test_what_is_refused},
    {"largest number", test_largest_number},
    {"giant unknown option", test_giant_unknown_option},
    {"help needs no operand", test_help_needs_no_operand},
    {"nearest", test_nearest},
    {"dispatch runs the command", test_dispatch_runs_the_command},
    {"dispatch: help and version", test_dispatch_help_and_version},
    {"dispatch refuses the unknown", test_dispatch_refuses_the_unknown},
    {"usage shows the table", test_usage_shows_the_table},
};

int main(void)
{
    return suite_run("base/args", cases, SUITE_COUNT(cases));
}
