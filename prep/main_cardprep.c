#include "base/args.h"
#include "base/secret.h"
#include "prep/commands/commands.h"

int main(int argc, char **argv)
{
    static const struct arg_command *const commands[] = {
        &check_command,   &run_command,    &inspect_command,  &verify_command,
        &explain_command, &remake_command, &reconcile_command};
    struct err err = ERR_INIT;

    if (!secret_start(&err)) return args_report("cardprep", &err);
    return args_dispatch(argc, argv, "cardprep",
                         "prepares smart card records with keys that never leave the token", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
