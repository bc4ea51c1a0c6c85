#include "bench/setup.h"

#include <string.h>

#include "hsm/pin.h"
#include "prep/commands/survey.h"
#include "prep/pool/worker.h"

static bool get_pin(const struct token_settings *token, struct secret *pin, struct err *err)
{
    struct hsm_pin_source source;
    char name[160];
    const struct hsm_token_choice choice = worker_token_choice(token);

    hsm_token_choice_name(&choice, name, sizeof(name));
    if (!hsm_pin_source_read(token->pin, &source, err)) return false;
    if (source.kind == HSM_PIN_FILE || source.kind == HSM_PIN_CREDENTIAL)
        return hsm_pin_get(&source, name, pin, err);
    return err_set(err, ERR_CONFIG,
                   "%s: many processes need the PIN: give it as file:PATH or credential:NAME", name);
}

bool setup_token(struct hsm_token **out, const struct token_settings *token, struct err *err)
{
    const struct hsm_token_choice choice = worker_token_choice(token);
    struct secret pin = SECRET_NONE;

    bool ok = get_pin(token, &pin, err) && hsm_token_open(out, &choice, HSM_LOGIN_USER, &pin, 0, err);
    secret_release(&pin);
    return ok;
}

static bool open_tokens(struct setup *s, struct err *err)
{
    const struct job *job = s->job;
    const struct hsm_token_choice master = worker_token_choice(&job->master_token);
    const struct hsm_token_choice card_key = worker_token_choice(&job->card_key_token);
    struct secret pin = SECRET_NONE;

    if (!setup_token(&s->tokens.master, &job->master_token, err)) return false;
    s->tokens.card_key = s->tokens.master;
    if (!job->separate_card_key_token) return true;
    struct hsm_token *second = NULL;
    const bool same_module =
        !card_key.module || (master.module && strcmp(card_key.module, master.module) == 0);
    bool ok = get_pin(&job->card_key_token, &pin, err) &&
              (same_module ? hsm_token_open_beside(&second, s->tokens.master, &card_key, &pin, 0, err)
                           : hsm_token_open(&second, &card_key, HSM_LOGIN_USER, &pin, 0, err));
    secret_release(&pin);
    if (ok) s->tokens.card_key = second;
    return ok;
}

bool setup_open(struct setup *s, const struct job *job, struct err *err)
{
    *s = (struct setup){.job = job, .identity = {.counter_first = 1, .created = "2000-01-01T00:00:00Z"}};
    card_input_init(&s->input);
    bool ok = open_tokens(s, err) && keyring_open(&s->keys, job, &s->tokens, err) &&
              card_reader_open(&s->reader, job, err) &&
              planner_new(&s->planner, job, card_reader_fields(s->reader), err);
    if (!ok) setup_close(s);
    return ok;
}

void setup_close(struct setup *s)
{
    planner_free(s->planner);
    card_reader_free(s->reader);
    keyring_free(s->keys);
    if (s->tokens.card_key != s->tokens.master) hsm_token_close(s->tokens.card_key);
    hsm_token_close(s->tokens.master);
    *s = (struct setup){.job = NULL};
}

bool setup_next(struct setup *s, struct err *err)
{
    bool end = false;

    if (!card_reader_next(s->reader, &s->input, &end, err)) return false;
    if (end && s->position == 0) return err_set(err, ERR_INPUT, "%s holds no card", s->job->input.path);
    if (end) {
        s->position = 0;
        if (!card_reader_rewind(s->reader, err) || !card_reader_next(s->reader, &s->input, &end, err))
            return false;
    }
    return card_identify(&s->input, s->reader, s->job, &s->identity, ++s->position, err) &&
           planner_plan(s->planner, &s->input, &s->plan, err);
}
