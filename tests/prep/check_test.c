/* `cardprep check` without a token: configuration, input and counts, as a user starts it. */
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "prep/commands/commands.h"
#include "suite.h"

enum { SAID_MAX = 1 << 16 };
static char folder[] = "/tmp/cardprep-check-XXXXXX";
static char said[SAID_MAX];

static const char profile[] =
    "profile: points\n"
    "version: 1\n"
    "title: Points\n"
    "elements:\n"
    "  - {tag: DF20, name: member, from: {field: member}, convert: numeric, length: 5}\n"
    "groupings:\n"
    "  - {dgi: \"0101\", template: 70, place: [DF20]}\n"
    "unique: [DF20]\n";
static const char job[] = "job: points\n"
                          "issuer: \"476173\"\n"
                          "tokens:\n"
                          "  master: {module: /nowhere/module.so, label: issuer, pin: \"file:pin\"}\n"
                          "kek: {version: 1, label: KEK-1, kcv: \"C67F916CD4\"}\n"
                          "signing_key: {label: job-signing}\n"
                          "input: {format: csv, file: cards.csv}\n"
                          "applications:\n"
                          "  - {aid: F04C4F59414C5459, profile: points}\n"
                          "output: {file: out.mic}\n";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static int check(const char *option)
{
    char job_path[128];
    snprintf(job_path, sizeof(job_path), "%s", path_of("job.yaml"));
    char command[] = "check", no_token[] = "--no-token", other[32] = "";
    char *argv[] = {command, job_path, no_token, other, NULL};
    snprintf(other, sizeof(other), "%s", option ? option : "");
    fflush(NULL);
    const int out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
    FILE *f = fopen(path_of("said"), "w+");
    dup2(fileno(f), STDOUT_FILENO);
    dup2(fileno(f), STDERR_FILENO);
    const int status = check_command.run(option ? 4 : 3, argv);
    fflush(NULL);
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close(out);
    close(errors);
    rewind(f);
    said[fread(said, 1, SAID_MAX - 1, f)] = '\0';
    fclose(f);
    return status;
}

static void expect_said(const char *part)
{
    if (!strstr(said, part)) fprintf(stderr, "\"%s\" is not in:\n%s\n", part, said);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, part));
}

static void set_up(const char *cards)
{
    mkdir(path_of("profiles"), 0700);
    write_file("profiles/points.yaml", profile);
    write_file("job.yaml", job);
    write_file("cards.csv", cards);
}

static void test_right(void)
{
    set_up("member\n1\n2\n3\n");
    CU_ASSERT_EQUAL(check(NULL), 0);
    expect_said("job 'points': settings SHA-256 ");
    expect_said("cards.csv: 3 cards");
    expect_said("token: not asked (--no-token)");
    CU_ASSERT_NOT_EQUAL(access(path_of("out.mic"), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(path_of("out.mic.partial"), F_OK), 0);
}

static void test_json(void)
{
    set_up("member\n1\n2\n3\n");
    CU_ASSERT_EQUAL(check("--json"), 0);
    json_t *root = json_loads(said, 0, NULL);
    int cards = 0, points = 0;
    CU_ASSERT_EQUAL(json_unpack(root, "{s:i, s:{s:i}}", "cards", &cards, "applications", "points", &points),
                    0);
    CU_ASSERT_EQUAL(cards, 3);
    CU_ASSERT_EQUAL(points, 3);
    json_decref(root);
}

static void test_canonical(void)
{
    set_up("member\n");
    CU_ASSERT_EQUAL(check("--canonical"), 0);
    expect_said("points");
    CU_ASSERT_PTR_NULL(strstr(said, "file:pin"));
}

static void test_bad_input(void)
{
    set_up("member\n1\n2\n1\n");
    CU_ASSERT_EQUAL(check(NULL), 4);
    expect_said("cards.csv:4");
    set_up("member\n1\nx2\n");
    CU_ASSERT_EQUAL(check(NULL), 4);
    expect_said("cards.csv:3");
    set_up("");
    CU_ASSERT_EQUAL(check(NULL), 4);
    expect_said("cards.csv");
}

static void test_bad_job(void)
{
    set_up("member\n1\n");
    write_file("job.yaml", "job: points\nissuers: \"476173\"\n");
    CU_ASSERT_EQUAL(check(NULL), 2);
    expect_said("did you mean 'issuer'");
    CU_ASSERT_EQUAL(check("--canonic"), 2);
}

static const struct test_case cases[] = {
    {"counts, hash, nothing written", test_right},          {"as JSON", test_json},
    {"canonical form without PIN sources", test_canonical}, {"bad input by file and line", test_bad_input},
    {"bad configuration, bad usage", test_bad_job},
};

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    int status = suite_run("prep/check", cases, SUITE_COUNT(cases));
    static const char *const files[] = {"profiles/points.yaml", "job.yaml", "cards.csv", "said"};
    for (size_t i = 0; i < SUITE_COUNT(files); i++)
        unlink(path_of(files[i]));
    rmdir(path_of("profiles"));
    rmdir(folder);
    return status;
}
