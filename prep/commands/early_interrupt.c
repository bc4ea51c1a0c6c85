#include "prep/commands/early_interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static void on_early(int number)
{
    static const char text[] = "cardprep: interrupted before the first card; there is no output\n";
    ssize_t unused = write(STDERR_FILENO, text, strlen(text));
    (void)number;
    (void)unused;
    _exit(err_exit_status(ERR_INTERRUPTED));
}

void early_interrupt_ends_process(void)
{
    struct sigaction action = {.sa_handler = on_early};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}
