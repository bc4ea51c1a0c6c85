/* ceremony/commands.h - the commands of cardkeys, one file each. A command parses its own options, prints results to stdout and everything
 * for people to stderr, and gives the exit status. */
#ifndef CEREMONY_COMMANDS_H
#define CEREMONY_COMMANDS_H

#include "base/args.h"

extern const struct arg_command run_command;         /* run.c */
extern const struct arg_command check_command;       /* check.c */
extern const struct arg_command script_command;      /* script.c */
extern const struct arg_command verify_command;      /* verify.c */
extern const struct arg_command report_command;      /* report.c */
extern const struct arg_command show_command;        /* show.c */
extern const struct arg_command kcv_command;         /* show.c */
extern const struct arg_command export_command;      /* transfer.c */
extern const struct arg_command import_command;      /* transfer.c */
extern const struct arg_command rotate_command;      /* rotate.c */
extern const struct arg_command destroy_command;     /* destroy.c */
extern const struct arg_command audit_command;       /* audit.c */
extern const struct arg_command list_command;        /* list.c */
extern const struct arg_command fingerprint_command; /* fingerprint_command.c */
extern const struct arg_command doctor_command;      /* doctor.c */
extern const struct arg_command certificate_command; /* certificate_command.c */

/* What `run PLAN` does once its options are read; rotate goes on with it. */
struct sitting_options;
int run_plan(const char *path, const struct sitting_options *o);
extern const struct arg_command key_block_command; /* key_block_command.c */

#endif
