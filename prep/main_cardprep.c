#include "base/args.h"
#include "base/secret.h"
#include "prep/commands/commands.h"

int main(int argc, char **argv)
{
    static const struct arg_command commands[] = {
        {"check", "JOB", 1, "say all that can be known before the run", command_check},
        {"run", "JOB", 1, "prepare the cards of a job", command_run},
        {"inspect", "FILE", 1, "explain every byte of a MIC file", command_inspect},
        {"verify", "FILE", 1, "check a MIC file as far as no key is needed", command_verify},
        {"explain", "JOB", 1, "tell in words how one record comes about", command_explain},
        {"remake", "JOB", 1, "allow records of a job to be made again, on new cards", command_remake},
        {"reconcile", "FILE...", 1, "account for every record of a job", command_reconcile},
    };
    struct err err = ERR_INIT;

    if (!secret_start(&err)) return args_report("cardprep", &err);
    return args_dispatch(argc, argv, "cardprep",
                         "prepares smart card records with keys that never leave the token", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
