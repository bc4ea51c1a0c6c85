/* cardkeys - security officers make and check the keys of docs/KEYS.md from one plan. */
#include "base/args.h"
#include "base/secret.h"
#include "ceremony/commands.h"

static const struct arg_command *const commands[] = {
    &check_command,       &script_command,  &run_command,         &verify_command, &report_command,
    &list_command,        &show_command,    &kcv_command,         &export_command, &import_command,
    &rotate_command,      &destroy_command, &certificate_command, &audit_command,  &key_block_command,
    &fingerprint_command, &doctor_command};

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    if (!secret_start(&err)) return args_report("cardkeys", &err);
    return args_dispatch(argc, argv, "cardkeys",
                         "key ceremonies: keys, components and certificates from one plan", commands,
                         sizeof(commands) / sizeof(commands[0]));
}
