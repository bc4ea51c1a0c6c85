/* Groups of other machines go to commands and files. */
#include "bureau/modules.h"

#include "../base/scratch.h"
#include "suite.h"

enum { DEADLINE_MS = 20000 };
static struct scratch scratch;
static char shell[] = "/bin/sh", c_option[] = "-c";

static bool run(const char *script, const struct mic_group *group, int deadline_ms, struct err *err)
{
    char text[512], mic[] = "EMBOSS";
    snprintf(text, sizeof(text), "%s", script);
    char *command[] = {shell, c_option, text, NULL};
    const struct bureau_module m = {.mic = mic, .command = command, .command_count = 3};
    return module_hand_over(&m, 42, group, deadline_ms, err);
}

static void test_a_command_gets_the_bytes(void)
{
    struct err err = ERR_INIT;
    char script[256];
    const struct mic_group group = {.data = (const uint8_t *)"JANE DOE", .len = 8};
    snprintf(script, sizeof(script), "(cat; echo \"/$CARDBUREAU_RECORD/$CARDBUREAU_MODULE\") > %s",
             scratch_path(&scratch, "got"));
    EXPECT_OK(run(script, &group, DEADLINE_MS, &err));
    CU_ASSERT_TRUE(scratch_holds(&scratch, "got", "JANE DOE/42/EMBOSS\n"));
}

static void test_a_large_group(void)
{
    struct err err = ERR_INIT;
    size_t len = 3000000;
    uint8_t *data = calloc(1, len);
    const struct mic_group group = {.data = data, .len = len};
    EXPECT_OK(run("test $(wc -c) -eq 3000000", &group, DEADLINE_MS, &err));
    EXPECT_OK(run("exit 0", &group, DEADLINE_MS, &err)); /* it need not read */
    free(data);
}

static void test_an_empty_group(void)
{
    struct err err = ERR_INIT;
    const struct mic_group group = {.data = (const uint8_t *)"", .len = 0};
    EXPECT_OK(run("test $(wc -c) -eq 0", &group, DEADLINE_MS, &err));
}

static void test_failures_are_told(void)
{
    struct err err = ERR_INIT;
    const struct mic_group group = {.data = (const uint8_t *)"X", .len = 1};
    char nothing[] = "/nowhere/emboss", mic[] = "EMBOSS";
    char *command[] = {nothing, NULL};
    const struct bureau_module m = {.mic = mic, .command = command, .command_count = 1};
    EXPECT_FAIL(run("echo tray empty >&2; exit 3", &group, DEADLINE_MS, &err), ERR_FILE,
                "module EMBOSS: /bin/sh: ended with status 3: tray empty");
    EXPECT_FAIL(run("kill -9 $$", &group, DEADLINE_MS, &err), ERR_FILE, "ended with signal 9");
    EXPECT_FAIL(module_hand_over(&m, 1, &group, DEADLINE_MS, &err), ERR_FILE, "No such file");
    EXPECT_FAIL(run("exec sleep 1000", &group, 50, &err), ERR_FILE, "not through after");
}

static void test_a_file_is_never_replaced(void)
{
    struct err err = ERR_INIT;
    char mic[] = "PHOTO";
    const struct mic_group group = {.data = (const uint8_t *)"pixels", .len = 6};
    const struct bureau_module m = {.mic = mic, .folder = scratch.folder};
    EXPECT_OK(module_hand_over(&m, 7, &group, DEADLINE_MS, &err));
    CU_ASSERT_TRUE(scratch_holds(&scratch, "0000000007-PHOTO", "pixels"));
    const struct mic_group others[] = {{.data = (const uint8_t *)"pixel", .len = 5},
                                       {.data = (const uint8_t *)"pixelz", .len = 6},
                                       {.data = (const uint8_t *)"pixels.", .len = 7},
                                       {.data = NULL, .len = 0}};
    for (size_t i = 0; i < SUITE_COUNT(others); i++)
        EXPECT_FAIL(module_hand_over(&m, 7, &others[i], DEADLINE_MS, &err), ERR_FILE, "exists");
    CU_ASSERT_TRUE(scratch_holds(&scratch, "0000000007-PHOTO", "pixels"));
    /* the same once more, for another card of the record */
    EXPECT_OK(module_hand_over(&m, 7, &group, DEADLINE_MS, &err));
}

static const struct test_case cases[] = {
    {"a command gets the bytes", test_a_command_gets_the_bytes},
    {"a large group, and one that is not read", test_a_large_group},
    {"an empty group", test_an_empty_group},
    {"failures are told", test_failures_are_told},
    {"a file is never replaced", test_a_file_is_never_replaced},
};

int main(void)
{
    scratch_init(&scratch);
    int status = suite_run("bureau/modules", cases, SUITE_COUNT(cases));
    scratch_release(&scratch);
    return status;
}
