/* tests/support/program.h - a program run to its end as a process of its own, and what it said. */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

/* Of the last run, both streams, ended by a zero. */
extern char program_output[1 << 16];

/* Runs the program at PATH, with nothing to read, in FOLDER (NULL: where the test is). ARGUMENTS are its name and what follows,
 * then NULL. Gives its exit status; -1 when a signal ended it. */
int program_run(const char *path, const char *const *arguments, const char *folder);
/* The same on a terminal, where somebody types this. */
int program_run_on_terminal(const char *path, const char *const *arguments, const char *typed);

/* CUnit assertions: the last run's status is the one that is due, and its output holds this. */
void program_expect(int is, int due, const char *part);

#endif
