/* ceremony/script.c - `cardkeys script PLAN`: the ceremony as people read it aloud, without any secret and without a token:
 * as text to stdout, or as pages to print. */
#include <string.h>

#include "base/args.h"
#include "ceremony/commands.h"
#include "ceremony/output.h"
#include "ceremony/plan_lint.h"
#include "ceremony/script_pages.h"
#include "ceremony/script_parts.h"

enum { PDF_MAX = 16 << 20 };

static void print_head(const struct plan *p, const struct dialogue *d, const struct script_head *h)
{
    dialogue_say(d, "%sCeremony script: %s", p->test ? "TEST. " : "", p->name);
    for (size_t i = 0; i < h->count; i++)
        dialogue_item(d, h->lines[i].label, h->lines[i].text);
    dialogue_say(d, "\n%s", script_rules());
    dialogue_say(d, "\nDate ____________  Place ____________________  Begun at ______  Ended at ______");
    for (size_t i = 0; i < p->person_count; i++)
        dialogue_say(d, "\n%s (%s)\nName ______________________ Signature ____________________",
                     p->people[i].name, plan_duty_name(p->people[i].duty));
}

/* Where people write; the 16 words of a fingerprint need two lines. */
static void print_form(const struct dialogue *d, const char *form)
{
    static const char room[] = "______________________________________________________________________";
    if (form && script_form_is_long(form)) {
        dialogue_say(d, "\n%s %s\n%s", form, room, room);
        form = NULL;
    }
    dialogue_say(d, "\n%s%sTime ______  Signature _________________", form ? form : "",
                 form ? " ____________  " : "");
}

static void print_text(const struct plan *p, const char *site, const struct script_head *h)
{
    const struct dialogue d = {.terminal = stdout, .keyboard = -1};
    struct step_walk walk = {0, 0, 0};
    struct step s;
    print_head(p, &d, h);
    while (step_next(p, site, &walk, &s)) {
        struct step_story story = {"", "", "", "", ""};
        struct script_line lines[SCRIPT_STEP_LINES];
        s.row->tell(p, s.index, &story);
        dialogue_say(&d, "\n%zu. %s", s.number, s.what);
        size_t count = script_lines(&story, s.here, lines);
        for (size_t i = 0; i < count; i++)
            dialogue_item(&d, lines[i].label, lines[i].text);
        if (s.here) print_form(&d, script_form(s.row));
    }
}

static bool write_pages(const struct plan *p, const char *site, const char *path, struct err *err)
{
    struct buf pdf;
    buf_init(&pdf, PDF_MAX);
    bool ok = script_pages(p, site, &pdf, err) && output_write(path, &pdf, OUTPUT_KEEP, err);
    buf_release(&pdf);
    return ok;
}

static bool script(const char *path, const char *site, const char *pdf, struct err *err)
{
    struct plan *p = NULL;
    struct script_head h;
    if (!plan_lint_load(&p, path, err)) return false;
    bool ok = plan_site_exists(p, site, err) && script_head(p, site, &h, err);
    if (ok && pdf) ok = write_pages(p, site, pdf, err);
    if (ok && !pdf) print_text(p, site, &h);
    plan_free(p);
    return ok;
}

static int command_script(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *path = NULL, *site = NULL, *pdf = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "mark what is done at this site of the plan", {.text = &site}},
        {"pdf", ARG_TEXT, "FILE", "write pages to print instead of text", {.text = &pdf}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&script_command, argc, argv, options, count, &path, &status)) return status;
    return script(path, site, pdf, &err) ? 0 : args_fail(&script_command, &err);
}

const struct arg_command script_command = {
    "cardkeys", "script", "PLAN", 1, "the ceremony as people read it aloud", command_script};
