#include "ceremony/sitting.h"

#include "base/stop_signal.h"
#include "ceremony/evidence.h"
#include "ceremony/journal.h"

static bool welcome(const struct ceremony *c, struct err *err)
{
    const struct plan *p = c->plan;
    const struct dialogue *d = &c->dialogue;
    char hex[EVIDENCE_HASH_TEXT], groups[EVIDENCE_GROUPS_TEXT], people[PLAN_PEOPLE_TEXT_MAX];
    bool yes = false;
    evidence_plan_hash(p, hex);
    dialogue_say(d, "%sKey ceremony '%s'%s%s", p->test ? "TEST. " : "", p->name, c->site ? ", site " : "",
                 c->site ? c->site : "");
    dialogue_item(d, "Plan", p->path);
    dialogue_item(d, "SHA-256", evidence_groups(hex, groups));
    dialogue_item(d, "Program", evidence_program());
    if (!evidence_program_hash(hex, err)) return false;
    dialogue_item(d, "SHA-256", evidence_groups(hex, groups));
    for (int duty = 0; duty < DUTY_COUNT; duty++)
        dialogue_item(d, plan_duty_name((enum plan_duty)duty), plan_people(p, (enum plan_duty)duty, people));
    dialogue_say(
        d,
        "\nCompare both hashes with those of the printed script. Steps come one by one; none can be skipped. "
        "You can leave before any step and come back later.");
    if (!dialogue_agrees(d, "Is everybody here, and shall the ceremony begin?", &yes, err)) return false;
    return yes || err_set(err, ERR_INTERRUPTED, "not begun, nothing was made");
}

bool sitting_begin(struct sitting *s, struct ceremony *c, const struct plan *plan,
                   const struct sitting_options *o, struct err *err)
{
    if (o->yes && !plan->test)
        return err_set(err, ERR_CONFIG, "--yes asks nobody, and so is for TEST plans alone: leave it out");
    if (!ceremony_init(c, plan, o->site, true, err)) return false;
    c->log_is_lost = o->log_is_lost;
    if (!dialogue_open(&c->dialogue, o->yes, err)) return false;
    if (c->dialogue.asks && !terminal_guard_start(&s->guard, err)) return false;
    /* A signal ends the question that is put, or the next one. Outside of questions cardkeys keeps no state that a second run
     * would not find. */
    if (!stop_signal_watch()) return err_set(err, ERR_INTERNAL, "signals cannot be watched");
    c->dialogue.watches = true;
    if (!journal_open(&c->journal, plan, o->site, err)) return false;
    return !c->dialogue.asks || o->goes_on || welcome(c, err);
}

void sitting_end(struct sitting *s, struct ceremony *c)
{
    ceremony_release(c);
    terminal_guard_stop(&s->guard);
}
