#include "ceremony/lead.h"

#include "ceremony/closing.h"
#include "ceremony/journal.h"

void lead_tell(const struct ceremony *c, const struct step_story *story)
{
    dialogue_item(&c->dialogue, "Who:", story->who);
    dialogue_item(&c->dialogue, "What:", story->what);
    dialogue_item(&c->dialogue, "Why:", story->why);
    dialogue_item(&c->dialogue, "Typed:", story->types);
    dialogue_item(&c->dialogue, "Next:", story->next);
}

/* What is to come, in words. */
static void tell(const struct ceremony *c, const struct step *s)
{
    struct step_story story = {"", "", "", "", ""};
    s->row->tell(c->plan, s->index, &story);
    dialogue_say(&c->dialogue, "\nStep %zu of %zu: %s", s->number, s->count, s->what);
    lead_tell(c, &story);
}

/* After a failure: once more? The error stays set when not. */
static bool try_again(struct ceremony *c, struct err *err)
{
    bool again = false;
    struct err unused = ERR_INIT;
    if (!c->dialogue.asks || err->kind == ERR_INTERRUPTED) return false;
    dialogue_say(&c->dialogue, "\nNot done: %s.", err->text);
    dialogue_say(&c->dialogue,
                 "Nothing of this step is kept. Steps before it are done and stay. It can be tried again "
                 "now, or in a later sitting.");
    if (!dialogue_agrees(&c->dialogue, "Try this step again now?", &again, &unused)) again = false;
    if (again) err_clear(err);
    return again;
}

static bool do_step(struct ceremony *c, const struct step *s, struct step_result *r, struct err *err)
{
    if (!step_do(c, STEP_LOOK, s, r, err)) return false;
    if (r->state == STEP_THERE && c->dialogue.asks) return true;
    if (c->dialogue.asks) tell(c, s);
    if (!dialogue_go_on(&c->dialogue, "begin this step", err)) {
        err_prefix(err, "before step %zu (%s)", s->number, s->what);
        return false;
    }
    return step_do(c, STEP_RUN, s, r, err);
}

/* The closing is the log's last line: nothing is written behind it. */
static bool note(struct ceremony *c, const struct step *s, const struct step_result *r, struct err *err)
{
    return s->row->run == closing_run || r->state != STEP_MADE ||
           journal_step(c->journal, s->number, s->what, "made", r->detail, err);
}

static void count(struct lead_tally *t, const struct step_result *r)
{
    t->made += r->state == STEP_MADE;
    t->there += r->state == STEP_THERE;
    t->waiting += r->state == STEP_WAITING;
    t->elsewhere += r->state == STEP_ELSEWHERE;
}

/* A ceremony that ends early is written down and closed all the same, as far as it can be. */
static void end_early(struct ceremony *c, const struct step *s, const struct err *err)
{
    struct err unused = ERR_INIT;
    const char *how = err->kind == ERR_INTERRUPTED ? "left" : "failed";
    err_ignore(journal_step(c->journal, s->number, s->what, how, err->text, &unused) &&
                   closing_sign_if_open(c, &unused),
               "the failure itself is what is reported");
}

bool lead_step(struct ceremony *c, const struct step *s, struct step_result *r, struct err *err)
{
    bool ok = false;
    do {
        ok = do_step(c, s, r, err) && note(c, s, r, err);
    } while (!ok && try_again(c, err));
    if (!ok) end_early(c, s, err);
    return ok;
}

bool lead_through(struct ceremony *c, step_done_fn *done, void *context, struct lead_tally *tally,
                  struct err *err)
{
    struct step_walk walk = {0, 0, 0};
    struct step s;
    struct step_result r = {STEP_ELSEWHERE, ""};
    while (step_next(c->plan, c->site, &walk, &s)) {
        if (s.here && !lead_step(c, &s, &r, err)) return false;
        if (!s.here) r.state = STEP_ELSEWHERE;
        count(tally, &r);
        if (s.here) done(context, &s, &r);
    }
    return true;
}
