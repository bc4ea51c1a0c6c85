/* ceremony/doctor_report.c - the doctor's findings as a table and as JSON. */
#include "ceremony/doctor_report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "hsm/probe.h"

enum { COLUMNS = 80, INDENT = 10, NAME = 23, HELP = INDENT + NAME + 6 };

struct program_row {
    unsigned program;
    const char *word; /* --for */
    const char *name; /* of the program */
    char letter;      /* small letter in the table's second column where it is optional */
};
static const struct program_row programs[HSM_PROGRAM_COUNT] = {
    {HSM_FOR_PREP, "prep", "cardprep", 'P'},
    {HSM_FOR_CEREMONY, "ceremony", "cardkeys", 'K'},
    {HSM_FOR_BUREAU, "bureau", "cardbureau", 'B'},
};

unsigned doctor_program(const char *name, size_t len)
{
    for (size_t i = 0; i < HSM_PROGRAM_COUNT; i++) {
        if (strlen(programs[i].word) == len && memcmp(programs[i].word, name, len) == 0)
            return programs[i].program;
    }
    return 0;
}

bool doctor_all_run(const struct doctor_report *report)
{
    for (size_t i = 0; i < HSM_PROGRAM_COUNT; i++) {
        if ((report->programs & programs[i].program) &&
            !hsm_examined_can_run(report->outcomes, programs[i].program))
            return false;
    }
    return true;
}

/* Trials that were run, or that a program asked for waits for. */
static bool is_shown(const struct doctor_report *report, const struct hsm_trial *t)
{
    return report->programs == HSM_FOR_ALL || ((t->required_by | t->used_by) & report->programs);
}

/* Words of text, in lines of COLUMNS; the first line begins at column `at`, others at `indent`. */
static void print_wrapped(size_t at, size_t indent, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, " ");
        if (at > indent && at + len + 1 > COLUMNS) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        }
        printf("%s%.*s", at > indent ? " " : "", (int)len, text);
        at += len + (at > indent);
        text += len;
        text += strspn(text, " ");
    }
    puts("");
}

static void print_extra(const char *what, const char *text)
{
    printf("%*s%s: ", INDENT, "", what);
    size_t indent = INDENT + strlen(what) + 2;
    print_wrapped(indent, indent, text);
}

static void print_trial(const struct hsm_trial *t, const struct hsm_outcome *o)
{
    char who[HSM_PROGRAM_COUNT + 1] = "";
    for (size_t i = 0; i < HSM_PROGRAM_COUNT; i++) {
        bool required = t->required_by & programs[i].program, used = t->used_by & programs[i].program;
        who[i] = required                            ? programs[i].letter
                 : used && t->severity != HSM_SAFETY ? (char)(programs[i].letter | 0x20)
                                                     : '-';
    }
    bool bad = o->verdict == HSM_UNSAFE || (o->verdict == HSM_REFUSED && t->required_by);
    printf("%-*s%-*s %s  ", INDENT,
           o->verdict == HSM_UNSAFE      ? "UNSAFE"
           : o->verdict == HSM_NOT_TRIED ? "not tried"
           : bad                         ? "REFUSED"
                                         : hsm_verdict_name(o->verdict),
           NAME, t->name, t->severity == HSM_SAFETY ? " ! " : who);
    print_wrapped(HELP, HELP, t->help);
    if (o->cause[0]) print_extra(o->verdict == HSM_WORKS ? "note" : "cause", o->cause);
    if (o->verdict != HSM_WORKS && o->verdict != HSM_NOT_TRIED && t->advice) print_extra("do", t->advice);
}

/* Names of the trials of a kind, with commas between. */
typedef bool trial_test(const struct hsm_trial *t, const struct hsm_outcome *o, unsigned program);

static bool is_missing(const struct hsm_trial *t, const struct hsm_outcome *o, unsigned program)
{
    return (t->required_by & program) && o->verdict != HSM_WORKS;
}

static bool is_optional_missing(const struct hsm_trial *t, const struct hsm_outcome *o, unsigned program)
{
    return t->severity != HSM_SAFETY && (t->used_by & program) && o->verdict != HSM_WORKS;
}

static bool is_unsafe(const struct hsm_trial *t, const struct hsm_outcome *o, unsigned program)
{
    return t->severity == HSM_SAFETY && (t->used_by & program) && o->verdict == HSM_UNSAFE;
}

static size_t list(const struct doctor_report *report, unsigned program, trial_test *test, struct buf *names)
{
    size_t count = 0;
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        const struct hsm_trial *t = hsm_trial_at(i);
        if (!test(t, &report->outcomes[i], program)) continue;
        buf_put_format(names, "%s%s", count ? ", " : "", t->name);
        count++;
    }
    return count;
}

static void print_list(const struct doctor_report *report, unsigned program, trial_test *test,
                       const char *what)
{
    struct buf names;
    buf_init(&names, 1 << 14);
    if (list(report, program, test, &names) > 0) print_extra(what, buf_text(&names) ? buf_text(&names) : "?");
    buf_release(&names);
}

static void print_program(const struct doctor_report *report, const struct program_row *p)
{
    struct buf unused;
    buf_init(&unused, 1 << 14);
    size_t exceptions = 0;
    bool can = hsm_examined_can_run(report->outcomes, p->program);
    size_t unsafe = list(report, p->program, is_unsafe, &unused);
    for (size_t i = 0; i < hsm_exception_count(); i++)
        exceptions += hsm_exception_at(i)->program == p->program && hsm_exception_taken(report->outcomes, i);
    printf("%-11s %s; named exceptions: %zu; unsafe: %zu\n", p->name, can ? "can run" : "CANNOT run",
           exceptions, unsafe);
    buf_release(&unused);
    print_list(report, p->program, is_missing, "missing");
    print_list(report, p->program, is_optional_missing, "only some jobs or cards lack");
    for (size_t i = 0; i < hsm_exception_count(); i++) {
        const struct hsm_exception *e = hsm_exception_at(i);
        if (e->program == p->program && hsm_exception_taken(report->outcomes, i))
            print_extra("exception", e->text);
    }
}

static bool printed(struct err *err)
{
    return (fflush(stdout) == 0 && !ferror(stdout)) || err_set(err, ERR_FILE, "standard output");
}

bool doctor_print(const struct doctor_report *report, struct err *err)
{
    const struct hsm_token *t = report->token;
    const char *group = "";
    printf("token     %s, serial %s\n          %s\n", hsm_token_label(t), hsm_token_serial(t),
           hsm_token_model(t));
    printf("RFC 5649  by mechanism 0x%lX\n", hsm_token_profile(t)->kwp_mechanism);
    puts("needed by P cardprep, K cardkeys, B cardbureau; a small letter: by some jobs,\n"
         "          plans or cards; !: works means that the token refuses an attack");
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        const struct hsm_trial *trial = hsm_trial_at(i);
        if (!is_shown(report, trial)) continue;
        if (strcmp(group, trial->group) != 0) printf("\n%s\n", trial->group);
        group = trial->group;
        print_trial(trial, &report->outcomes[i]);
    }
    puts("");
    for (size_t i = 0; i < HSM_PROGRAM_COUNT; i++) {
        if (report->programs & programs[i].program) print_program(report, &programs[i]);
    }
    puts("\nWhoever holds the user PIN can derive card keys in clear on a token without\n"
         "derive templates, soft tokens among them: what is left is a user id of its own,\n"
         "a folder of mode 0700 and a PIN by credential (docs/THREATS.md).");
    return printed(err);
}

static json_t *set_of(unsigned set)
{
    json_t *array = json_array();
    for (size_t i = 0; i < HSM_PROGRAM_COUNT; i++) {
        if (set & programs[i].program) json_array_append_new(array, json_string(programs[i].name));
    }
    return array;
}

static json_t *trials_of(const struct doctor_report *report)
{
    json_t *array = json_array();
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        const struct hsm_trial *t = hsm_trial_at(i);
        if (!is_shown(report, t)) continue;
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s}", "name", t->name, "group",
                             t->group, "outcome", hsm_verdict_name(report->outcomes[i].verdict), "cause",
                             report->outcomes[i].cause, "required_by", set_of(t->required_by), "used_by",
                             set_of(t->used_by), "severity", hsm_severity_name(t->severity), "help", t->help,
                             "advice", t->advice ? t->advice : ""));
    }
    return array;
}

static json_t *names_of(const struct doctor_report *report, unsigned program, trial_test *test)
{
    json_t *array = json_array();
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        if (test(hsm_trial_at(i), &report->outcomes[i], program))
            json_array_append_new(array, json_string(hsm_trial_at(i)->name));
    }
    return array;
}

static json_t *exceptions_of(const struct doctor_report *report, unsigned program)
{
    json_t *array = json_array();
    for (size_t i = 0; i < hsm_exception_count(); i++) {
        if (hsm_exception_at(i)->program == program && hsm_exception_taken(report->outcomes, i))
            json_array_append_new(array, json_string(hsm_exception_at(i)->name));
    }
    return array;
}

static json_t *programs_of(const struct doctor_report *report)
{
    json_t *object = json_object();
    for (size_t i = 0; i < HSM_PROGRAM_COUNT; i++) {
        unsigned p = programs[i].program;
        if (!(report->programs & p)) continue;
        json_object_set_new(
            object, programs[i].name,
            json_pack("{s:b, s:o, s:o, s:o, s:o}", "can_run", hsm_examined_can_run(report->outcomes, p),
                      "missing", names_of(report, p, is_missing), "optional_missing",
                      names_of(report, p, is_optional_missing), "unsafe", names_of(report, p, is_unsafe),
                      "exceptions", exceptions_of(report, p)));
    }
    return object;
}

bool doctor_print_json(const struct doctor_report *report, struct err *err)
{
    const struct hsm_token *t = report->token;
    json_t *root = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "label", hsm_token_label(t), "serial",
                             hsm_token_serial(t), "model", hsm_token_model(t), "kwp_mechanism",
                             (json_int_t)hsm_token_profile(t)->kwp_mechanism, "trials", trials_of(report),
                             "programs", programs_of(report));
    if (!root) return err_set_no_memory(err);
    int failed = json_dumpf(root, stdout, JSON_INDENT(1));
    json_decref(root);
    puts("");
    return failed == 0 ? printed(err) : err_set(err, ERR_FILE, "standard output");
}
