/* bureau/commands/commands.h - the commands of cardbureau, one file each. Each parses its own options, prints results to stdout
 * and everything for people to stderr, and gives the exit status. */
#ifndef BUREAU_COMMANDS_H
#define BUREAU_COMMANDS_H

int command_check(int argc, char **argv); /* check.c */

#endif
