#include "ceremony/terminal_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The signals that a terminal or an operator sends end the one that is watched, not the watcher; SIGTTOU would stop it
 * where the shell has taken the terminal back already. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTTOU, SIGTSTP};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}

_Noreturn static void watch(int pipe, int tty, const struct termios *normal)
{
    char byte = 0;
    struct termios now;
    ignore_signals();
    while (read(pipe, &byte, 1) < 0 && errno == EINTR)
        continue;
    if (tcgetattr(tty, &now) == 0 && now.c_lflag != normal->c_lflag) tcsetattr(tty, TCSAFLUSH, normal);
    _exit(0);
}

bool terminal_guard_start(struct terminal_guard *g, struct err *err)
{
    struct termios normal;
    int ends[2];
    *g = (struct terminal_guard){-1, -1};
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0) return true;
    if (tcgetattr(tty, &normal) != 0 || pipe2(ends, O_CLOEXEC) != 0) {
        close(tty);
        return err_set_errno(err, ERR_INTERNAL, errno, "the terminal cannot be guarded");
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        watch(ends[0], tty, &normal);
    }
    close(tty);
    close(ends[0]);
    if (child < 0) {
        close(ends[1]);
        return err_set_errno(err, ERR_INTERNAL, errno, "the terminal cannot be guarded");
    }
    *g = (struct terminal_guard){ends[1], child};
    return true;
}

void terminal_guard_stop(struct terminal_guard *g)
{
    if (g->pipe < 0) return;
    close(g->pipe);
    while (waitpid(g->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    *g = (struct terminal_guard){-1, -1};
}
