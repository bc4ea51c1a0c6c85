#include "base/args.h"

#include <string.h>

enum { WORD_MAX = 48, NEAR = 2 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions and replacements that make b of a; words that are too long are never near. */
static size_t edit_distance(const char *a, size_t a_len, const char *b)
{
    size_t row[WORD_MAX + 1];
    size_t b_len = strlen(b);
    if (a_len > WORD_MAX || b_len > WORD_MAX) return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            row[j] = least(replaced, least(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b_len];
}

struct nearest {
    const char *word;
    size_t word_len;
    const char *name; /* the best so far, or NULL */
    size_t distance;
};

static void nearest_try(struct nearest *n, const char *name)
{
    size_t distance = edit_distance(n->word, n->word_len, name);
    size_t longer = strlen(name) > n->word_len ? strlen(name) : n->word_len;
    if (distance > NEAR || distance >= longer || (n->name && distance >= n->distance)) return;
    n->name = name;
    n->distance = distance;
}

const char *args_nearest(const char *word, const char *const *names, size_t count)
{
    struct nearest n = {word, strlen(word), NULL, 0};
    for (size_t i = 0; i < count; i++)
        nearest_try(&n, names[i]);
    return n.name;
}

static bool unknown_option(const char *given, size_t len, const struct arg_option *options, size_t count,
                           struct err *err)
{
    struct nearest n = {given, len, NULL, 0};
    for (size_t i = 0; i < count; i++)
        nearest_try(&n, options[i].name);
    if (n.name)
        return err_set(err, ERR_CONFIG, "unknown option '--%.*s'; did you mean '--%s'?", (int)len, given,
                       n.name);
    return err_set(err, ERR_CONFIG, "unknown option '--%.*s'; see --help", (int)len, given);
}

static bool parse_number(const struct arg_option *o, const char *text, struct err *err)
{
    uint64_t value = 0;
    for (const char *c = text; *c; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        if (*c < '0' || *c > '9')
            return err_set(err, ERR_CONFIG, "option '--%s': '%s' is not a whole number", o->name, text);
        if (value > (UINT64_MAX - digit) / 10)
            return err_set(err, ERR_CONFIG, "option '--%s': '%s' is too large", o->name, text);
        value = 10 * value + digit;
    }
    if (value == 0)
        return err_set(err, ERR_CONFIG, "option '--%s': '%s' is not a whole number from 1", o->name, text);
    *o->into.number = value;
    return true;
}

static bool store(const struct arg_option *o, const char *value, struct err *err)
{
    if (!value || !value[0])
        return err_set(err, ERR_CONFIG, "option '--%s' needs a value: --%s %s", o->name, o->name,
                       o->value ? o->value : "VALUE");
    if (o->kind == ARG_NUMBER) return parse_number(o, value, err);
    if (o->kind == ARG_LIST) {
        struct arg_list *list = o->into.list;
        if (list->count == ARG_LIST_MAX)
            return err_set(err, ERR_CONFIG, "option '--%s' is given more than %d times", o->name,
                           ARG_LIST_MAX);
        list->items[list->count++] = value;
        return true;
    }
    *o->into.text = value;
    return true;
}

/* One option at argv[*at]; a value that stands in the next argument is skipped too. */
static bool parse_option(int argc, char **argv, int *at, const struct arg_option *options, size_t count,
                         struct err *err)
{
    const char *given = argv[*at] + 2;
    const char *equals = strchr(given, '=');
    size_t len = equals ? (size_t)(equals - given) : strlen(given);
    const struct arg_option *o = NULL;
    for (size_t i = 0; i < count && !o; i++) {
        if (strlen(options[i].name) == len && strncmp(options[i].name, given, len) == 0) o = &options[i];
    }
    if (!o) return unknown_option(given, len, options, count, err);
    if (o->kind == ARG_FLAG) {
        if (equals) return err_set(err, ERR_CONFIG, "option '--%s' takes no value", o->name);
        *o->into.flag = true;
        return true;
    }
    if (equals) return store(o, equals + 1, err);
    bool has_value = *at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0;
    if (has_value) *at += 1;
    return store(o, has_value ? argv[*at] : NULL, err);
}

static bool help_given(const struct arg_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].kind == ARG_FLAG && strcmp(options[i].name, "help") == 0) return *options[i].into.flag;
    }
    return false;
}

struct found {
    const char **operands;
    int room, count;
    const char *surplus; /* the first one that had no room */
};

static void take_operand(struct found *f, const char *arg)
{
    if (f->count < f->room)
        f->operands[f->count] = arg;
    else if (!f->surplus)
        f->surplus = arg;
    f->count++;
}

static bool parse_all(int argc, char **argv, const struct arg_option *options, size_t option_count,
                      struct found *f, struct err *err)
{
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (!only_operands && strcmp(arg, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strncmp(arg, "--", 2) == 0) {
            if (!parse_option(argc, argv, &i, options, option_count, err)) return false;
        } else if (!only_operands && arg[0] == '-' && arg[1]) {
            return err_set(err, ERR_CONFIG, "unknown option '%s'; options are written out, see --help", arg);
        } else {
            take_operand(f, arg);
        }
    }
    return true;
}

static bool too_few(struct err *err)
{
    return err_set(err, ERR_CONFIG, "no file is named to work on; see --help");
}

bool args_parse(int argc, char **argv, const struct arg_option *options, size_t option_count,
                const char **operands, int operand_count, struct err *err)
{
    struct found f = {operands, operand_count, 0, NULL};
    if (!parse_all(argc, argv, options, option_count, &f, err)) return false;
    if (f.count == operand_count || help_given(options, option_count)) return true;
    if (f.count < operand_count) return too_few(err);
    return err_set(err, ERR_CONFIG, "'%s' is one operand too many; see --help", f.surplus);
}

bool args_parse_many(int argc, char **argv, const struct arg_option *options, size_t option_count,
                     struct arg_operands *operands, struct err *err)
{
    struct found f = {operands->items, operands->room, 0, NULL};
    if (!parse_all(argc, argv, options, option_count, &f, err)) return false;
    operands->count = f.count < f.room ? f.count : f.room;
    if (help_given(options, option_count)) return true;
    if (f.count == 0) return too_few(err);
    return !f.surplus || err_set(err, ERR_CONFIG, "'%s' is one operand too many; see --help", f.surplus);
}

/* A help text from its column on, in lines of at most 80. `used`: columns of this line that have something already. */
static void print_help(FILE *out, size_t used, size_t column, const char *help)
{
    size_t at = column;
    if (used > column)
        fprintf(out, "\n%*s", (int)column, "");
    else
        fprintf(out, "%*s", (int)(column - used), "");
    while (*help) {
        size_t word = strcspn(help, " ");
        if (at > column && at + 1 + word > 80) {
            fprintf(out, "\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)word, help);
        at += word;
        help += word + strspn(help + word, " ");
    }
    fputc('\n', out);
}

static int print_commands(FILE *out, const char *program, const char *purpose,
                          const struct arg_command *const *commands, size_t count)
{
    fprintf(out, "%s - %s\n\nusage: %s COMMAND [OPTIONS] OPERANDS\n\ncommands:\n", program, purpose, program);
    for (size_t i = 0; i < count; i++) {
        const char *operands = commands[i]->operands ? commands[i]->operands : "";
        int used = fprintf(out, "  %s %s", commands[i]->name, operands);
        print_help(out, used > 0 ? (size_t)used : 0, 32, commands[i]->help);
    }
    fprintf(out, "\n%s COMMAND --help shows the options of a command;\n%s --version the version.\n", program,
            program);
    return fflush(out) == 0 ? 0 : err_exit_status(ERR_FILE);
}

static int unknown_command(const char *program, const char *given, const struct arg_command *const *commands,
                           size_t count)
{
    struct err err = ERR_INIT;
    struct nearest n = {given, strlen(given), NULL, 0};
    for (size_t i = 0; i < count; i++)
        nearest_try(&n, commands[i]->name);
    if (n.name)
        err_set(&err, ERR_CONFIG, "unknown command '%s'; did you mean '%s'?", given, n.name);
    else
        err_set(&err, ERR_CONFIG, "unknown command '%s'; see %s --help", given, program);
    return args_report(program, &err);
}

int args_dispatch(int argc, char **argv, const char *program, const char *purpose,
                  const struct arg_command *const *commands, size_t command_count)
{
    if (argc < 2) {
        print_commands(stderr, program, purpose, commands, command_count);
        return err_exit_status(ERR_CONFIG);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_commands(stdout, program, purpose, commands, command_count);
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program, CARDPREP_VERSION);
        return fflush(stdout) == 0 ? 0 : err_exit_status(ERR_FILE);
    }
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(argv[1], commands[i]->name) == 0) return commands[i]->run(argc - 1, argv + 1);
    }
    return unknown_command(program, argv[1], commands, command_count);
}

void args_usage(FILE *out, const struct arg_command *command, const struct arg_option *options,
                size_t option_count)
{
    const char *operands = command->operands ? command->operands : "";
    fprintf(out, "usage: %s %s%s%s%s\n\n%s\n", command->program, command->name,
            option_count ? " [OPTIONS]" : "", operands[0] ? " " : "", operands, command->help);
    if (option_count) fprintf(out, "\noptions:\n");
    for (size_t i = 0; i < option_count; i++) {
        const char *value = options[i].value ? options[i].value : "";
        int used = fprintf(out, "  --%s %s", options[i].name, value);
        print_help(out, used > 0 ? (size_t)used : 0, 28, options[i].help);
    }
}

bool args_begin(const struct arg_command *command, int argc, char **argv, const struct arg_option *options,
                size_t option_count, const char **operands, int *status)
{
    struct err err = ERR_INIT;
    *status = 0;
    if (!args_parse(argc, argv, options, option_count, operands, command->operand_count, &err)) {
        *status = args_fail(command, &err);
        return false;
    }
    if (!help_given(options, option_count)) return true;
    args_usage(stdout, command, options, option_count);
    return false;
}

int args_fail(const struct arg_command *command, const struct err *err)
{
    char name[64];
    snprintf(name, sizeof(name), "%s %s", command->program, command->name);
    return args_report(name, err);
}

int args_report(const char *program, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", program, err->text);
    return err_exit_status(err->kind);
}
