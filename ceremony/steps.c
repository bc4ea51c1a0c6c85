#include "ceremony/step.h"

#include <string.h>

#include "ceremony/certificate.h"
#include "ceremony/keys_file.h"
#include "ceremony/make_keys.h"
#include "ceremony/signer_file.h"
#include "ceremony/tokens.h"

static size_t token_count(const struct plan *p)
{
    return p->token_count;
}

static void token_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    snprintf(text, size, "%s", p->tokens[index].name);
}

static bool token_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    if (!tokens_look(c, index, err)) return false;
    r->state = c->tokens[index].absent ? STEP_TO_DO : STEP_THERE;
    return true;
}

static bool token_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    if (!token_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    if (!tokens_initialise(c, index, err)) return false;
    r->state = STEP_MADE;
    return true;
}

static bool login_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    struct hsm_token *t = NULL;
    if (!tokens_open(c, index, &t, err)) return false;
    r->state = STEP_READY;
    snprintf(r->detail, sizeof(r->detail), "%s, serial %s, %s", hsm_token_label(t), hsm_token_serial(t),
             hsm_token_model(t));
    return true;
}

static bool login_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    if (c->tokens[index].absent) return true;
    return login_run(c, index, r, err);
}

/* Every token is looked at and made before the first is opened: making one starts the module anew. */
static const struct step_row rows[] = {
    {"token", token_count, token_describe, token_look, token_run},
    {"login", token_count, token_describe, login_look, login_run},
    {"key", make_keys_count, make_keys_describe, make_keys_look, make_keys_run},
    {"certificate", certificate_count, certificate_describe, certificate_look, certificate_run},
    {"signer file", signer_file_count, signer_file_describe, signer_file_look, signer_file_run},
    {"keys file", keys_file_count, keys_file_describe, keys_file_look, keys_file_run},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

size_t step_row_count(void)
{
    return ROWS;
}

const struct step_row *step_row(size_t index)
{
    return &rows[index];
}

const char *step_state_text(enum step_state state)
{
    static const char *const texts[] = {[STEP_TO_DO] = "to be made",
                                        [STEP_THERE] = "already there",
                                        [STEP_MADE] = "made",
                                        [STEP_READY] = "ready",
                                        [STEP_WAITING] = "waiting"};
    return texts[state];
}

bool steps_each(struct ceremony *c, enum step_verb verb, step_done_fn *done, void *context, struct err *err)
{
    size_t count = 0, number = 0;
    char about[160], what[200];
    for (size_t r = 0; r < ROWS; r++)
        count += rows[r].count(c->plan);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < rows[r].count(c->plan); i++) {
            struct step_result result = {STEP_TO_DO, ""};
            number++;
            rows[r].describe(c->plan, i, about, sizeof(about));
            snprintf(what, sizeof(what), "%s %s", rows[r].name, about);
            if (!(verb == STEP_RUN ? rows[r].run : rows[r].look)(c, i, &result, err)) {
                err_prefix(err, "step %zu (%s)", number, what);
                return false;
            }
            done(context, number, count, what, &result);
        }
    }
    return true;
}
