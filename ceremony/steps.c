#include "ceremony/step.h"

#include <string.h>

#include "ceremony/certificate.h"
#include "ceremony/certificate_story.h"
#include "ceremony/closing.h"
#include "ceremony/dates.h"
#include "ceremony/hand_over.h"
#include "ceremony/keys_file.h"
#include "ceremony/limits.h"
#include "ceremony/make_keys.h"
#include "ceremony/public_file.h"
#include "ceremony/token_step.h"
#include "ceremony/trust.h"

/* Every token is looked at and made before the first is opened: making one starts the module anew. Pairs that stay stand
 * before secret keys, because copies that are handed over are signed, and may travel under a receiver's pair. Pairs that are
 * handed over themselves come with the secret keys, in the order of the plan, where their transport key stands before them;
 * so their public parts, and the trust in them, follow. */
static const struct step_row rows[] = {
    {"token", token_count, token_describe, token_is_at, token_tell, token_look, token_run, NULL, false},
    {"login", token_count, token_describe, token_is_at, login_tell, login_look, login_run, NULL, false},
    {"key", make_pairs_count, make_pairs_describe, make_pairs_is_at, make_pairs_tell, make_pairs_look,
     make_pairs_run, NULL, false},
    {"public file", public_file_count, public_file_describe, public_file_is_at, public_file_tell,
     public_file_look, public_file_run, public_file_is_late, false},
    {"trust", trust_count, trust_describe, trust_is_at, trust_tell, trust_look, trust_run, trust_is_late,
     false},
    {"key", make_keys_count, make_keys_describe, make_keys_is_at, make_keys_tell, make_keys_look,
     make_keys_run, NULL, false},
    {"public file", public_file_count, public_file_describe, public_file_is_at, public_file_tell,
     public_file_look, public_file_run, public_file_is_late, true},
    {"trust", trust_count, trust_describe, trust_is_at, trust_tell, trust_look, trust_run, trust_is_late,
     true},
    {"hand-over", hand_over_count, hand_over_describe, hand_over_is_at, hand_over_tell, hand_over_look,
     hand_over_run, NULL, false},
    {"dates", dates_count, dates_describe, dates_is_at, dates_tell, dates_look, dates_run, NULL, false},
    {"limit", limits_count, limits_describe, limits_is_at, limits_tell, limits_look, limits_run, NULL, false},
    {"certificate", certificate_count, certificate_describe, certificate_is_at, certificate_tell,
     certificate_look, certificate_run, NULL, false},
    {"keys file", keys_file_count, keys_file_describe, keys_file_is_at, keys_file_tell, keys_file_look,
     keys_file_run, NULL, false},
    {"closing", closing_count, closing_describe, NULL, closing_tell, closing_look, closing_run, NULL, false},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const char *step_state_text(enum step_state state)
{
    static const char *const texts[] = {
        [STEP_TO_DO] = "to be made", [STEP_THERE] = "already there", [STEP_MADE] = "made",
        [STEP_READY] = "ready",      [STEP_WAITING] = "waiting",     [STEP_ELSEWHERE] = "at another site"};
    return texts[state];
}

void step_print(const struct step *s, const struct step_result *r)
{
    char head[sizeof(s->what) + 64], text[sizeof(r->detail) + 64];
    snprintf(head, sizeof(head), "%2zu/%zu  %-44s ", s->number, s->count, s->what);
    snprintf(text, sizeof(text), "%s%s%s", step_state_text(r->state), r->detail[0] ? ": " : "", r->detail);
    dialogue_result(head, text);
}

static bool has(const struct step_row *row, const struct plan *p, size_t index)
{
    return !row->is_late || row->is_late(p, index) == row->late;
}

static size_t count_all(const struct plan *p)
{
    size_t count = 0;
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < rows[r].count(p); i++)
            count += has(&rows[r], p, i);
    }
    return count;
}

/* To the next that there is: false at the end. */
static bool step_on(const struct plan *p, struct step_walk *walk)
{
    for (; walk->row < ROWS; walk->row++, walk->index = 0) {
        for (; walk->index < rows[walk->row].count(p); walk->index++) {
            if (has(&rows[walk->row], p, walk->index)) return true;
        }
    }
    return false;
}

bool step_next(const struct plan *p, const char *site, struct step_walk *walk, struct step *s)
{
    char about[160];
    if (!step_on(p, walk)) return false;
    const struct step_row *row = &rows[walk->row];
    *s = (struct step){.row = row, .index = walk->index++, .number = ++walk->number, .count = count_all(p)};
    s->here = !row->is_at || row->is_at(p, s->index, site);
    row->describe(p, s->index, about, sizeof(about));
    snprintf(s->what, sizeof(s->what), "%s%s%s", row->name, about[0] ? " " : "", about);
    return true;
}

bool step_do(struct ceremony *c, enum step_verb verb, const struct step *s, struct step_result *r,
             struct err *err)
{
    *r = (struct step_result){STEP_TO_DO, ""};
    if (!s->here) {
        r->state = STEP_ELSEWHERE;
        return true;
    }
    if ((verb == STEP_RUN ? s->row->run : s->row->look)(c, s->index, r, err)) return true;
    err_prefix(err, "step %zu (%s)", s->number, s->what);
    return false;
}

bool steps_each(struct ceremony *c, enum step_verb verb, step_done_fn *done, void *context, struct err *err)
{
    struct step_walk walk = {0, 0, 0};
    struct step s;
    struct step_result result;
    while (step_next(c->plan, c->site, &walk, &s)) {
        if (!step_do(c, verb, &s, &result, err)) return false;
        done(context, &s, &result);
    }
    return true;
}
