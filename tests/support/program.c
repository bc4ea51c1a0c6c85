#include "program.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

char program_output[1 << 16];

static int take_output(int from, pid_t child)
{
    int status = 0;
    size_t len = 0;
    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0)
        n = read(from, program_output + len, sizeof(program_output) - 1 - len);
    program_output[len] = 0;
    close(from);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void become(const char *path, const char *const *arguments)
{
    char *copies[24] = {NULL};
    for (size_t i = 0; i + 1 < SUITE_COUNT(copies) && arguments[i]; i++)
        copies[i] = strdup(arguments[i]);
    execv(path, copies);
    _exit(127);
}

int program_run(const char *path, const char *const *arguments, const char *folder)
{
    int ends[2];
    if (pipe(ends) != 0) abort();
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDONLY);
        dup2(nothing, 0);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        if (folder && chdir(folder) != 0) _exit(127);
        become(path, arguments);
    }
    close(ends[1]);
    return take_output(ends[0], child);
}

int program_run_on_terminal(const char *path, const char *const *arguments, const char *typed)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) abort();
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (write(master, typed, strlen(typed)) < 0) abort();
    pid_t child = fork();
    if (child == 0) {
        dup2(slave, 0);
        dup2(slave, 1);
        dup2(slave, 2);
        become(path, arguments);
    }
    close(slave);
    return take_output(master, child);
}

void program_expect(int is, int due, const char *part)
{
    CU_ASSERT_EQUAL(is, due);
    CU_ASSERT_PTR_NOT_NULL(strstr(program_output, part));
    if (is != due || !strstr(program_output, part))
        fprintf(stderr, "status %d, not %d with \"%s\":\n%s\n", is, due, part, program_output);
}
