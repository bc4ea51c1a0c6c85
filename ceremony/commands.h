/* ceremony/commands.h - the commands of cardkeys, one file each. Each parses its own options, prints results to stdout
 * and everything for people to stderr, and gives the exit status. */
#ifndef CEREMONY_COMMANDS_H
#define CEREMONY_COMMANDS_H

int command_run(int argc, char **argv);         /* run.c */
int command_check(int argc, char **argv);       /* check.c */
int command_script(int argc, char **argv);      /* script.c */
int command_verify(int argc, char **argv);      /* verify.c */
int command_report(int argc, char **argv);      /* report.c */
int command_show(int argc, char **argv);        /* show.c */
int command_kcv(int argc, char **argv);         /* show.c */
int command_export(int argc, char **argv);      /* transfer.c */
int command_import(int argc, char **argv);      /* transfer.c */
int command_rotate(int argc, char **argv);      /* rotate.c */
int command_destroy(int argc, char **argv);     /* destroy.c */
int command_audit(int argc, char **argv);       /* audit.c */
int command_list(int argc, char **argv);        /* list.c */
int command_doctor(int argc, char **argv);      /* doctor.c */
int command_certificate(int argc, char **argv); /* certificate_command.c */

/* What `run PLAN` does once its options are read; rotate goes on with it. */
struct sitting_options;
int run_plan(const char *path, const struct sitting_options *o);
int command_key_block(int argc, char **argv); /* key_block_command.c */

#endif
