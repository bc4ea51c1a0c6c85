#include "ceremony/token_step.h"

#include "ceremony/pins.h"
#include "ceremony/tokens.h"

size_t token_count(const struct plan *p)
{
    return p->token_count;
}

void token_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    snprintf(text, size, "%s", p->tokens[index].name);
}

bool token_is_at(const struct plan *p, size_t index, const char *site)
{
    return plan_token_is_at(p, p->tokens[index].name, site);
}

void token_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_token *t = &p->tokens[index];
    char officers[PLAN_PEOPLE_TEXT_MAX];
    STORY(s->who, "%s", plan_people(p, DUTY_OFFICER, officers));
    if (!t->initialise) {
        STORY(s->what, "Token '%s' is expected to be there; nothing is changed on it.", t->name);
        return;
    }
    STORY(s->what, "An empty token gets the name '%s', the security officer's PIN and the user PIN.",
          t->token.label);
    STORY(s->why,
          "All keys of this site will live on it. The user PIN lets them be used; the security officer's PIN "
          "sets a new user PIN.");
    pins_tell(t, PIN_NEW, s->types, sizeof(s->types));
    STORY(s->next,
          "The token is opened with it in a later step. Keep what you typed as your procedures say.");
}

bool token_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    if (!tokens_look(c, index, err)) return false;
    r->state = c->tokens[index].absent ? STEP_TO_DO : STEP_THERE;
    return true;
}

bool token_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    if (!token_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    if (!tokens_initialise(c, index, err)) return false;
    r->state = STEP_MADE;
    return true;
}

void login_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_token *t = &p->tokens[index];
    char officers[PLAN_PEOPLE_TEXT_MAX];
    STORY(s->who, "%s", plan_people(p, DUTY_OFFICER, officers));
    STORY(s->what,
          "Token '%s' is opened with its user PIN. Compare the serial number that is shown with the label on "
          "the device.",
          t->name);
    STORY(s->why,
          "It stays open until the ceremony ends. A wrong PIN is tried once only, since tokens count.");
    pins_tell(t, PIN_OLD, s->types, sizeof(s->types));
}

bool login_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    struct hsm_token *t = NULL;
    if (!tokens_open(c, index, &t, err)) return false;
    r->state = STEP_READY;
    snprintf(r->detail, sizeof(r->detail), "%s, serial %s, %s", hsm_token_label(t), hsm_token_serial(t),
             hsm_token_model(t));
    return true;
}

/* What is not open yet is to be opened; a command that only looks opens it itself. */
bool login_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    if (c->tokens[index].absent) return true;
    if (c->dialogue.asks && c->changes && !c->tokens[index].open) return true;
    return login_run(c, index, r, err);
}
