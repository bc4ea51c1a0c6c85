/* ceremony/commands.h - the commands of cardkeys, one file each. Each parses its own options, prints results to stdout
 * and everything for people to stderr, and gives the exit status. */
#ifndef CEREMONY_COMMANDS_H
#define CEREMONY_COMMANDS_H

int command_run(int argc, char **argv);       /* run.c */
int command_check(int argc, char **argv);     /* check.c */
int command_list(int argc, char **argv);      /* list.c */
int command_doctor(int argc, char **argv);    /* doctor.c */
int command_key_block(int argc, char **argv); /* key_block_command.c */

#endif
