/* bureau/commands/commands.h - the commands of cardbureau, one file each. A command parses its own options, prints results to stdout and everything
 * for people to stderr, and gives the exit status. */
#ifndef BUREAU_COMMANDS_H
#define BUREAU_COMMANDS_H

#include "base/args.h"

extern const struct arg_command check_command;       /* check.c */
extern const struct arg_command personalize_command; /* personalize.c */
extern const struct arg_command redo_command;        /* personalize.c */
extern const struct arg_command status_command;      /* status.c */
extern const struct arg_command script_command;      /* script.c */
extern const struct arg_command return_command;      /* return.c */
extern const struct arg_command return_key_command;  /* return_key.c */
extern const struct arg_command remake_command;      /* remake.c */
extern const struct arg_command destroy_command;     /* destroy.c */
extern const struct arg_command supply_command;      /* supply.c */

#endif
