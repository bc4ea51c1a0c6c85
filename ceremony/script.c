/* ceremony/script.c - `cardkeys script PLAN`: the ceremony as people read it aloud, without any secret and without a token:
 * as text to stdout, or as pages to print. */
#include <string.h>

#include "base/args.h"
#include "base/outfile.h"
#include "ceremony/commands.h"
#include "ceremony/evidence.h"
#include "ceremony/page.h"
#include "ceremony/plan_lint.h"
#include "ceremony/step.h"

enum { PDF_MAX = 16 << 20, LINES_MAX = 8 };

/* The head of a script, as label and text. */
struct head_line {
    char label[16];
    char text[320];
};
enum { HEAD_LINES = 8 };

struct head {
    struct head_line lines[HEAD_LINES];
    size_t count;
};

static void add(struct head *h, const char *label, const char *text)
{
    snprintf(h->lines[h->count].label, sizeof(h->lines[0].label), "%s", label);
    snprintf(h->lines[h->count++].text, sizeof(h->lines[0].text), "%s", text);
}

static bool make_head(const struct plan *p, const char *site, struct head *h, struct err *err)
{
    char hex[EVIDENCE_HASH_TEXT], people[PLAN_PEOPLE_TEXT_MAX];
    h->count = 0;
    add(h, "Plan", p->path);
    if (!evidence_file_hash(p->path, hex, err)) return false;
    add(h, "SHA-256", hex);
    add(h, "Program", evidence_program());
    if (!evidence_program_hash(hex, err)) return false;
    add(h, "SHA-256", hex);
    if (site) add(h, "Site", site);
    for (int duty = 0; duty < DUTY_COUNT; duty++)
        add(h, plan_duty_name((enum plan_duty)duty), plan_people(p, (enum plan_duty)duty, people));
    return true;
}

static const char rules[] =
    "Everybody signs for being present before the first step. Steps are read aloud, done, and signed one after another; none is "
    "left out. What is typed hidden is not said, shown or written anywhere but on its owner's form. If a step fails, the "
    "program says what may be repeated; write down what happened. The ceremony can be left after any step and continued "
    "later: the program knows what is done.";

/* What stands beside each label of a step. */
struct step_line {
    const char *label;
    const char *text;
};

static size_t step_lines(const struct step_story *s, bool here, struct step_line out[LINES_MAX])
{
    const struct step_line all[] = {{"Where:", here ? "" : "at another site: not done here"},
                                    {"Who:", s->who},
                                    {"What:", s->what},
                                    {"Why:", s->why},
                                    {"Typed:", s->types},
                                    {"Then:", s->next}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].text[0]) out[count++] = all[i];
    }
    return count;
}

/* ---- text ---- */

static void print_head(const struct plan *p, const struct dialogue *d, const struct head *h)
{
    dialogue_say(d, "%sCeremony script: %s", p->test ? "TEST. " : "", p->name);
    for (size_t i = 0; i < h->count; i++)
        dialogue_item(d, h->lines[i].label, h->lines[i].text);
    dialogue_say(d, "\n%s", rules);
    dialogue_say(d, "\nDate ____________  Place ____________________  Begun at ______  Ended at ______");
    for (size_t i = 0; i < p->person_count; i++)
        dialogue_say(d, "\n%s (%s)\nName ______________________ Signature ____________________", p->people[i].name,
                     plan_duty_name(p->people[i].duty));
}

static void print_text(const struct plan *p, const char *site, const struct head *h)
{
    const struct dialogue d = {stdout, -1, false};
    struct step_walk walk = {0, 0, 0};
    struct step s;
    print_head(p, &d, h);
    while (step_next(p, site, &walk, &s)) {
        struct step_story story = {"", "", "", "", ""};
        struct step_line lines[LINES_MAX];
        s.row->tell(p, s.index, &story);
        dialogue_say(&d, "\n%zu. %s", s.number, s.what);
        size_t count = step_lines(&story, s.here, lines);
        for (size_t i = 0; i < count; i++)
            dialogue_item(&d, lines[i].label, lines[i].text);
        if (s.here) dialogue_say(&d, "\n   Check value ______________  Time ______  Signature ____________________");
    }
}

/* ---- pages ---- */

static void put_head(struct page *page, const struct plan *p, const struct head *h)
{
    for (size_t i = 0; i < h->count; i++)
        page_field(page, h->lines[i].label, h->lines[i].text);
    page_paragraph(page, rules);
    for (size_t i = 0; i < p->person_count; i++)
        page_signature(page, p->people[i].name);
    page_break(page);
}

static void put_step(struct page *page, const struct plan *p, const struct step *s)
{
    struct step_story story = {"", "", "", "", ""};
    struct step_line lines[LINES_MAX];
    char text[LINES_MAX][640];
    const char *texts[LINES_MAX + 1];
    s->row->tell(p, s->index, &story);
    size_t count = step_lines(&story, s->here, lines);
    for (size_t i = 0; i < count; i++) {
        snprintf(text[i], sizeof(text[i]), "%s %s", lines[i].label, lines[i].text);
        texts[i] = text[i];
    }
    if (s->here) texts[count++] = "Check value: ________________    Time: __________";
    const struct page_step step = {.number = (unsigned)s->number,
                                   .title = s->what,
                                   .lines = texts,
                                   .line_count = count,
                                   .signer = s->here ? plan_person(p, DUTY_OFFICER, 0) : NULL};
    page_step(page, &step);
}

static bool write_pages(const struct plan *p, const char *site, const struct head *h, const char *path,
                        struct err *err)
{
    struct outfile *f = NULL;
    struct page *page = NULL;
    struct buf pdf;
    struct step_walk walk = {0, 0, 0};
    struct step s;
    char title[160];
    bool ok = false;

    buf_init(&pdf, PDF_MAX);
    snprintf(title, sizeof(title), "Ceremony script: %s", p->name);
    const struct page_settings settings = {title, PAGE_PLAIN, p->test};
    if (!page_new(&page, &settings, err)) goto out;
    put_head(page, p, h);
    while (step_next(p, site, &walk, &s))
        put_step(page, p, &s);
    ok = page_put(page, &pdf, err) && outfile_create(&f, path, err) &&
         outfile_append(f, pdf.data, pdf.len, err) && outfile_commit(f, err);
out:
    outfile_close(f, false);
    page_free(page);
    buf_release(&pdf);
    return ok;
}

static bool script(const char *path, const char *site, const char *pdf, struct err *err)
{
    struct plan *p = NULL;
    struct head h;
    if (!plan_lint_load(&p, path, err)) return false;
    bool ok = plan_site_exists(p, site, err) && make_head(p, site, &h, err);
    if (ok && pdf) ok = write_pages(p, site, &h, pdf, err);
    if (ok && !pdf) print_text(p, site, &h);
    plan_free(p);
    return ok;
}

int command_script(int argc, char **argv)
{
    struct err err = ERR_INIT;
    const char *path = NULL, *site = NULL, *pdf = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"site", ARG_TEXT, "NAME", "mark what is done at this site of the plan", {.text = &site}},
        {"pdf", ARG_TEXT, "FILE", "write pages to print instead of text", {.text = &pdf}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    const struct arg_command usage = {"script", "PLAN", 1, "the ceremony as people read it aloud", NULL};
    if (!args_parse(argc, argv, options, count, &path, 1, &err)) return args_report("cardkeys script", &err);
    if (help) {
        args_usage(stdout, "cardkeys", &usage, options, count);
        return 0;
    }
    return script(path, site, pdf, &err) ? 0 : args_report("cardkeys script", &err);
}
