#include "base/args.h"
#include "base/secret.h"
#include "bureau/commands/commands.h"

int main(int argc, char **argv)
{
    static const struct arg_command commands[] = {
        {"check", "FILE", 1, "verify a MIC file with all its keys, before any card is made", command_check},
    };
    struct err err = ERR_INIT;

    if (!secret_start(&err)) return args_report("cardbureau", &err);
    return args_dispatch(argc, argv, "cardbureau", "makes cards from sealed MIC files", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
