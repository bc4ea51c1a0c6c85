/* cardkeys - security officers make and check the keys of docs/KEYS.md from one plan. */
#include "base/args.h"
#include "base/secret.h"
#include "ceremony/commands.h"

static const struct arg_command commands[] = {
    {"run", "PLAN", 1, "make or import every key of a plan that is not there yet", command_run},
    {"check", "PLAN", 1, "read a plan and look at its tokens; changes nothing", command_check},
    {"list", "PLAN | --module PATH", 1, "list a plan's keys with check values, or a module's tokens",
     command_list},
    {"key-block", "export|import PLAN KEY", 2, "a key in a key block of TR-31 / X9.143, out or in",
     command_key_block},
    {"doctor", "--module PATH", 0, "try what a token can do", command_doctor},
};

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return args_report("cardkeys", &err);
    return args_dispatch(argc, argv, "cardkeys",
                         "key ceremonies: keys, components and certificates from one plan", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
