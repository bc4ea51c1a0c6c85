/* prep/commands/commands.h - the commands of cardprep, one file each. Each parses its own options, prints results to stdout and
 * everything for people to stderr, and gives the exit status. */
#ifndef PREP_COMMANDS_H
#define PREP_COMMANDS_H

int command_check(int argc, char **argv);     /* check.c */
int command_run(int argc, char **argv);       /* run.c */
int command_inspect(int argc, char **argv);   /* inspect.c */
int command_verify(int argc, char **argv);    /* verify.c */
int command_explain(int argc, char **argv);   /* explain.c */
int command_remake(int argc, char **argv);    /* remake.c */
int command_reconcile(int argc, char **argv); /* reconcile.c */

#endif
