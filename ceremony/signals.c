#include "ceremony/signals.h"

#include <signal.h>
#include <string.h>

/* The handler has nothing to do but to make the read return. */
static void end_the_read(int signal_number)
{
    (void)signal_number;
}

bool signals_let_prompts_end(struct err *err)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = end_the_read;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGTERM, &action, NULL) == 0 || err_set(err, ERR_INTERNAL, "sigaction fails");
}
