/* base/args.h - command lines from one table per command: the table parses, prints the usage and
 * feeds the completions, so that they cannot disagree. */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum arg_kind { ARG_FLAG, ARG_TEXT, ARG_NUMBER /* from 1 */, ARG_LIST /* may be given more than once */ };

enum { ARG_LIST_MAX = 16 };
struct arg_list {
    const char *items[ARG_LIST_MAX];
    size_t count;
};

struct arg_option {
    const char *name; /* "workers": given as --workers N or --workers=N */
    enum arg_kind kind;
    const char *value; /* name of the value in the usage: "N"; NULL for flags */
    const char *help;
    union {
        bool *flag;
        const char **text;
        uint64_t *number;
        struct arg_list *list;
    } into;
};

struct arg_command {
    const char *program;               /* "cardprep" */
    const char *name;                  /* "run" */
    const char *operands;              /* "JOB" as shown in the usage */
    int operand_count;                 /* exactly so many */
    const char *help;                  /* one line */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit status */
};

/* Parses options and operands of one command. Operands end up in operands[]; of an option given twice the
 * last one counts, unless it is a list; after "--" come operands alone. A flag "help", if the table has one and it is given,
 * lifts the number of operands. False (ERR_CONFIG): unknown option (nearest one suggested), value missing,
 * empty or malformed, more than ARG_LIST_MAX of a list, wrong number of operands. A value that begins with "--" is given as --name=VALUE. */
MUST_CHECK bool args_parse(int argc, char **argv, const struct arg_option *options, size_t option_count,
                           const char **operands, int operand_count, struct err *err);
/* As args_parse, for a command that takes one operand or more, at most `room`. argc of them are always enough. */
struct arg_operands {
    const char **items;
    int room, count;
};
MUST_CHECK bool args_parse_many(int argc, char **argv, const struct arg_option *options, size_t option_count,
                                struct arg_operands *operands, struct err *err);
/* Finds and runs the command that argv[1] names; answers --help and --version itself. */
int args_dispatch(int argc, char **argv, const char *program, const char *purpose,
                  const struct arg_command *const *commands, size_t command_count);
/* What a command begins with: args_parse, with as many operands as it takes; --help prints the usage. False: the command ends here,
 * with *status; what was wrong has been said. */
MUST_CHECK bool args_begin(const struct arg_command *command, int argc, char **argv,
                           const struct arg_option *options, size_t option_count, const char **operands,
                           int *status);
/* Prints the usage of one command with its options. */
void args_usage(FILE *out, const struct arg_command *command, const struct arg_option *options,
                size_t option_count);
/* The entry of names[] that is nearest to `word`, or NULL if none is near (edit distance over 2). */
const char *args_nearest(const char *word, const char *const *names, size_t count);
/* Prints `program: text`, or `program command: text`, to stderr and returns the exit status of err. */
int args_report(const char *program, const struct err *err);
int args_fail(const struct arg_command *command, const struct err *err);

#endif
