/* bureau/commands/commands.h - the commands of cardbureau, one file each. Each parses its own options, prints results to stdout
 * and everything for people to stderr, and gives the exit status. */
#ifndef BUREAU_COMMANDS_H
#define BUREAU_COMMANDS_H

int command_check(int argc, char **argv);       /* check.c */
int command_personalize(int argc, char **argv); /* personalize.c */
int command_redo(int argc, char **argv);        /* personalize.c */
int command_status(int argc, char **argv);      /* status.c */
int command_script(int argc, char **argv);      /* script.c */
int command_return(int argc, char **argv);      /* return.c */
int command_remake(int argc, char **argv);      /* remake.c */
int command_destroy(int argc, char **argv);     /* destroy.c */
int command_supply(int argc, char **argv);      /* supply.c */

#endif
