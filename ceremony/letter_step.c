#include "ceremony/letter_step.h"

#include "base/clock.h"
#include "ceremony/letter.h"
#include "ceremony/printer.h"
#include "ceremony/tokens.h"
#include "formats/derivation.h"

/* The first of the key's tokens that is here: it has the generator. */
static bool generator_of(struct ceremony *c, const struct plan_key *key, struct hsm_token **t,
                         struct err *err)
{
    for (size_t i = 0; i < key->token_count; i++) {
        if (plan_token_is_at(c->plan, key->tokens[i], c->site))
            return tokens_open_named(c, key->tokens[i], t, err);
    }
    return err_set(err, ERR_CONFIG, "none of the key's tokens is here");
}

static bool print(const struct ceremony *c, const struct plan_key *key, size_t index,
                  enum hsm_algorithm algorithm, const struct secret *part, struct err *err)
{
    const struct plan_component *comp = &key->components[index];
    char date[CLOCK_TEXT_LEN + 1];
    struct printer printer = PRINTER_NONE;
    if (!clock_text(clock_now(NULL), date, err)) return false;
    date[10] = 0; /* the day alone */
    const struct letter letter = {.plan = c->plan->name,
                                  .test = c->plan->test,
                                  .key = key->name,
                                  .version = key->version,
                                  .component = index + 1,
                                  .components = key->component_count,
                                  .custodian = comp->custodian,
                                  .algorithm = algorithm,
                                  .date = date};
    if (!printer_open(&printer, comp->text, err)) return false;
    bool ok = letter_write(&letter, part, printer.fd, err);
    return printer_close(&printer, ok, err) && ok;
}

bool letter_step_draw(struct ceremony *c, const struct plan_key *key, size_t index,
                      enum hsm_algorithm algorithm, struct secret *part, struct err *err)
{
    const char *custodian = key->components[index].custodian;
    struct hsm_token *t = NULL;
    char question[DIALOGUE_LINE_MAX];
    dialogue_say(
        &c->dialogue,
        "%s, to the printer please. Take the letter as it comes out, seal it, and show it to nobody.",
        custodian);
    snprintf(question, sizeof(question), "%s, type your name when you stand there:", custodian);
    if (!dialogue_types(&c->dialogue, question, custodian, err)) return false;
    if (!generator_of(c, key, &t, err)) return false;
    part->len = part->room;
    bool ok = hsm_random(t, part->data, part->len, err);
    if (ok && (algorithm == HSM_DES2 || algorithm == HSM_DES3)) des_parity(part->data, part->len);
    ok = ok && print(c, key, index, algorithm, part, err);
    if (!ok) wipe(part->data, part->room);
    return ok;
}
