/* prep/commands/commands.h - the commands of cardprep, one file each. A command parses its own options, prints results to stdout and everything
 * for people to stderr, and gives the exit status. */
#ifndef PREP_COMMANDS_H
#define PREP_COMMANDS_H

#include "base/args.h"

extern const struct arg_command check_command;     /* check.c */
extern const struct arg_command run_command;       /* run.c */
extern const struct arg_command inspect_command;   /* inspect.c */
extern const struct arg_command verify_command;    /* verify.c */
extern const struct arg_command explain_command;   /* explain.c */
extern const struct arg_command remake_command;    /* remake.c */
extern const struct arg_command reconcile_command; /* reconcile.c */

#endif
