#include "base/args.h"
#include "base/secret.h"
#include "bureau/commands/commands.h"

int main(int argc, char **argv)
{
    static const struct arg_command commands[] = {
        {"check", "FILE", 1, "verify a MIC file with all its keys, before any card is made", command_check},
        {"personalize", "FILE", 1, "make cards in readers", command_personalize},
        {"redo", "FILE", 1, "repeat what was begun and is not made", command_redo},
        {"status", "FILE", 1, "what became of each record", command_status},
        {"script", "FILE", 1, "the commands for one card, without a reader", command_script},
        {"return", "FILE", 1, "tell the issuer what became of each record", command_return},
        {"remake", "LIST", 1, "take the issuer's list of records to be made again", command_remake},
        {"destroy", "FILE", 1, "book cards as destroyed", command_destroy},
        {"supply", "", 0, "put their own keys onto blank cards", command_supply},
    };
    struct err err = ERR_INIT;

    if (!secret_start(&err)) return args_report("cardbureau", &err);
    return args_dispatch(argc, argv, "cardbureau", "makes cards from sealed MIC files", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
