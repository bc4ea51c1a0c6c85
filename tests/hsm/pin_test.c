/* Where PINs come from. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "hsm/pin.h"
#include "suite.h"

static char folder[] = "/tmp/cardprep-pin-XXXXXX";

static void write_file(const char *name, const char *text, mode_t mode, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
}

static void test_sources(void)
{
    static const char *const bad[] = {"",
                                      "123456",
                                      "file:",
                                      "fd:",
                                      "fd:x",
                                      "fd:-1",
                                      "fd:3x",
                                      "env:PIN",
                                      "credential:",
                                      "credential:../x",
                                      "credential:a/b",
                                      "Prompt"};
    struct err err = ERR_INIT;
    struct hsm_pin_source s;
    EXPECT_OK(hsm_pin_source_read("prompt", &s, &err));
    CU_ASSERT_EQUAL(s.kind, HSM_PIN_PROMPT);
    EXPECT_OK(hsm_pin_source_read("file:/etc/pin", &s, &err));
    CU_ASSERT_EQUAL(s.kind, HSM_PIN_FILE);
    CU_ASSERT_STRING_EQUAL(s.name, "/etc/pin");
    EXPECT_OK(hsm_pin_source_read("fd:7", &s, &err));
    CU_ASSERT_EQUAL(s.fd, 7);
    EXPECT_OK(hsm_pin_source_read("credential:issuer-pin", &s, &err));
    CU_ASSERT_EQUAL(s.kind, HSM_PIN_CREDENTIAL);
    for (size_t i = 0; i < SUITE_COUNT(bad); i++) {
        EXPECT_FAIL(hsm_pin_source_read(bad[i], &s, &err), ERR_CONFIG, "a PIN source is one of");
        CU_ASSERT_PTR_NULL(strstr(err.text, "123456"));
    }
}

static void expect_pin(const char *source)
{
    struct err err = ERR_INIT;
    struct hsm_pin_source s;
    struct secret pin = SECRET_NONE;
    EXPECT_OK(hsm_pin_source_read(source, &s, &err));
    EXPECT_OK(hsm_pin_get(&s, "token 'issuer'", &pin, &err));
    CU_ASSERT_TRUE(bytes_equal(pin.data, pin.len, "483920", 6));
    secret_release(&pin);
}

static void refuse_pin(const char *source, const char *part)
{
    struct err err = ERR_INIT;
    struct hsm_pin_source s;
    struct secret pin = SECRET_NONE;
    EXPECT_OK(hsm_pin_source_read(source, &s, &err));
    EXPECT_FAIL(hsm_pin_get(&s, "token 'issuer'", &pin, &err), ERR_TOKEN, part);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "token 'issuer'"));
    CU_ASSERT_PTR_NULL(pin.data);
}

static void test_file(void)
{
    char path[128], source[160];
    write_file("pin", "483920\n", 0600, path, sizeof path);
    snprintf(source, sizeof source, "file:%s", path);
    expect_pin(source);
    CU_ASSERT_EQUAL(chmod(path, 0640), 0);
    refuse_pin(source, "may be read by others");
    CU_ASSERT_EQUAL(chmod(path, 0604), 0);
    refuse_pin(source, "may be read by others");
    write_file("empty", "\n", 0600, path, sizeof path);
    snprintf(source, sizeof source, "file:%s", path);
    refuse_pin(source, "the PIN is empty");
    snprintf(source, sizeof source, "file:%s", folder);
    refuse_pin(source, "no regular file");
    refuse_pin("file:/nonexistent/pin", "No such file");
}

static void test_descriptor(void)
{
    int ends[2];
    char source[32];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(write(ends[1], "483920\nnext", 11), 11);
    snprintf(source, sizeof source, "fd:%d", ends[0]);
    expect_pin(source);
    close(ends[0]);
    close(ends[1]);
}

static void test_credential(void)
{
    char path[128];
    write_file("issuer-pin", "483920", 0440, path, sizeof path);
    unsetenv("CREDENTIALS_DIRECTORY");
    refuse_pin("credential:issuer-pin", "CREDENTIALS_DIRECTORY is not set");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    expect_pin("credential:issuer-pin");
    refuse_pin("credential:other", "No such file");
}

static const struct test_case cases[] = {
    {"four sources and nothing else; a PIN in the wrong place is not repeated", test_sources},
    {"a file that others may read is refused", test_file},
    {"a file descriptor gives its first line", test_descriptor},
    {"a credential comes from systemd's folder", test_credential},
};

int main(void)
{
    struct err err = ERR_INIT;
    char command[128];
    if (!mkdtemp(folder) || !secret_start(&err)) return 1;
    int status = suite_run("hsm/pin", cases, SUITE_COUNT(cases));
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? status : 1;
}
