#include "ceremony/script_pages.h"

#include "ceremony/page.h"
#include "ceremony/script_parts.h"

static void put_head(struct page *page, const struct plan *p, const struct script_head *h)
{
    for (size_t i = 0; i < h->count; i++)
        page_field(page, h->lines[i].label, h->lines[i].text);
    page_paragraph(page, script_rules());
    for (size_t i = 0; i < p->person_count; i++)
        page_signature(page, p->people[i].name);
    page_break(page);
}

enum { FORM_LINES = 3 };

/* Where people write, behind the `count` lines that are there. `fill` keeps the first of these lines. */
static size_t put_form(const char *form, char fill[static 128], const char **texts, size_t count)
{
    static const char room[] = "____________________________________________________________________";
    static const char time[] = "Time: __________";
    if (form && script_form_is_long(form)) {
        snprintf(fill, 128, "%s: %.60s", form, room);
        texts[count++] = fill;
        texts[count++] = room;
        texts[count++] = time;
        return count;
    }
    snprintf(fill, 128, "%s%s%s", form ? form : "", form ? ": ________________________________    " : "",
             time);
    texts[count++] = fill;
    return count;
}

static void put_step(struct page *page, const struct plan *p, const struct step *s)
{
    struct step_story story = {"", "", "", "", ""};
    struct script_line lines[SCRIPT_STEP_LINES];
    char text[SCRIPT_STEP_LINES][640];
    const char *texts[SCRIPT_STEP_LINES + FORM_LINES];
    char fill[128];
    s->row->tell(p, s->index, &story);
    size_t count = script_lines(&story, s->here, lines);
    for (size_t i = 0; i < count; i++) {
        snprintf(text[i], sizeof(text[i]), "%s %s", lines[i].label, lines[i].text);
        texts[i] = text[i];
    }
    if (s->here) count = put_form(script_form(s->row), fill, texts, count);
    const struct page_step step = {.number = (unsigned)s->number,
                                   .title = s->what,
                                   .lines = texts,
                                   .line_count = count,
                                   .signer = s->here ? plan_person(p, DUTY_OFFICER, 0) : NULL};
    page_step(page, &step);
}

bool script_pages(const struct plan *p, const char *site, struct buf *out, struct err *err)
{
    struct page *page = NULL;
    struct script_head h;
    struct step_walk walk = {0, 0, 0};
    struct step s;
    char title[160];
    snprintf(title, sizeof(title), "Ceremony script: %s", p->name);
    const struct page_settings settings = {title, PAGE_PLAIN, p->test};
    if (!script_head(p, site, &h, err) || !page_new(&page, &settings, err)) return false;
    put_head(page, p, &h);
    while (step_next(p, site, &walk, &s))
        put_step(page, p, &s);
    bool ok = page_put(page, out, err);
    page_free(page);
    return ok;
}
