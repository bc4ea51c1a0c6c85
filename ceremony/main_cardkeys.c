/* cardkeys - security officers make and check the keys of docs/KEYS.md from one plan. */
#include "base/args.h"
#include "base/secret.h"
#include "ceremony/commands.h"

static const struct arg_command commands[] = {
    {"check", "PLAN", 1, "everything that can be wrong before people travel; changes nothing", command_check},
    {"script", "PLAN", 1, "the ceremony as people read it aloud", command_script},
    {"run", "PLAN", 1, "lead through the steps of a plan that are not done yet", command_run},
    {"verify", "PLAN", 1, "compare tokens, files and audit log with the plan", command_verify},
    {"report", "PLAN", 1, "what happened, signed in the token", command_report},
    {"list", "PLAN | --module PATH", 1, "list a plan's keys with check values, or a module's tokens",
     command_list},
    {"show", "PLAN KEY", 2, "everything about one key of a plan", command_show},
    {"kcv", "PLAN KEY", 2, "a key's check value, from each of its tokens", command_kcv},
    {"export", "PLAN KEY", 2, "make a key and write its hand-over files", command_export},
    {"import", "PLAN FILE", 2, "take a key in from a hand-over file", command_import},
    {"rotate", "PLAN KEY", 2, "make the next version of a key beside the old one", command_rotate},
    {"destroy", "PLAN KEY", 2, "two officers take a key off its tokens", command_destroy},
    {"certificate", "request|import PLAN", 1,
     "ask a scheme for an issuer key's certificate, bring its answer in", command_certificate},
    {"audit", "verify PLAN", 2, "check the audit log's chain and signatures", command_audit},
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
