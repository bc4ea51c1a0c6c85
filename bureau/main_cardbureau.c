#include "base/args.h"
#include "base/secret.h"
#include "bureau/commands/commands.h"

int main(int argc, char **argv)
{
    static const struct arg_command *const commands[] = {
        &check_command,  &personalize_command, &redo_command,   &status_command,  &script_command,
        &return_command, &return_key_command,  &remake_command, &destroy_command, &supply_command};
    struct err err = ERR_INIT;

    if (!secret_start(&err)) return args_report("cardbureau", &err);
    return args_dispatch(argc, argv, "cardbureau", "makes cards from sealed MIC files", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
