#include "ceremony/pins.h"

#include <ctype.h>
#include <string.h>

#include "hsm/pin.h"

enum { PIN_MAX = 255, TRIES = 3 };

static const char *const holders[] = {
    [PIN_USER] = "user PIN", [PIN_SECURITY_OFFICER] = "security officer's PIN"};

/* Commands that only look hold no dialogue; they ask for PINs all the same. */
static bool ask_hidden(const struct ceremony *c, const char *question, struct secret *s, struct err *err)
{
    const struct dialogue at_terminal = {.keyboard = -1, .asks = true};
    return dialogue_hidden(c->dialogue.asks ? &c->dialogue : &at_terminal, question, s, err);
}

/* Half `which` (0, 1) behind what is there. */
static bool type_half(const struct ceremony *c, const char *what, size_t which, struct secret *pin,
                      struct err *err)
{
    struct secret half = SECRET_NONE;
    char question[DIALOGUE_LINE_MAX];
    bool ok = false;
    snprintf(question, sizeof(question),
             "%s, your half (%zu of 2) of the %s, hidden:", plan_person(c->plan, DUTY_OFFICER, which),
             which + 1, what);
    if (!secret_init(&half, PIN_MAX / 2, err)) return false;
    if (!ask_hidden(c, question, &half, err)) goto out;
    if (half.len == 0) {
        err_set(err, ERR_INPUT, "half %zu of the %s is empty", which + 1, what);
        goto out;
    }
    memcpy(pin->data + pin->len, half.data, half.len);
    pin->len += half.len;
    ok = true;
out:
    secret_release(&half);
    return ok;
}

static bool type_once(const struct ceremony *c, const char *what, bool halves, struct secret *pin,
                      struct err *err)
{
    char question[DIALOGUE_LINE_MAX];
    if (!secret_init(pin, PIN_MAX, err)) return false;
    snprintf(question, sizeof(question), "%c%s, hidden:", toupper((unsigned char)what[0]), what + 1);
    bool ok = halves ? type_half(c, what, 0, pin, err) && type_half(c, what, 1, pin, err)
                     : ask_hidden(c, question, pin, err);
    if (ok && pin->len == 0) ok = err_set(err, ERR_INPUT, "the PIN is empty");
    if (!ok) secret_release(pin);
    return ok;
}

static bool type_new(const struct ceremony *c, const char *what, bool halves, struct secret *pin,
                     struct err *err)
{
    for (int i = 0; i < TRIES; i++) {
        struct secret again = SECRET_NONE;
        dialogue_say(&c->dialogue, "A new %s: type it now, and once more to be sure.", what);
        if (!type_once(c, what, halves, pin, err)) return false;
        dialogue_say(&c->dialogue, "Once more.");
        bool ok = type_once(c, what, halves, &again, err);
        bool same = ok && secret_equal(pin, &again);
        secret_release(&again);
        if (same) return true;
        secret_release(pin);
        if (!ok) return false;
        dialogue_say(&c->dialogue, "The two entries differ. From the beginning, please.");
    }
    return err_set(err, ERR_INPUT, "the two entries of a new PIN differ, %d times", TRIES);
}

bool pins_get(const struct ceremony *c, size_t token, enum pin_holder holder, enum pin_age age,
              struct secret *pin, struct err *err)
{
    const struct plan_token *t = &c->plan->tokens[token];
    const char *text = holder == PIN_USER ? t->token.pin : t->so_pin;
    bool halves = holder == PIN_USER ? t->pin_halves : t->so_pin_halves;
    struct hsm_pin_source source;
    char what[128], whose[128];

    snprintf(whose, sizeof(whose), holder == PIN_USER ? "token '%s'" : "security officer of token '%s'",
             t->name);
    if (!hsm_pin_source_read(text ? text : "prompt", &source, err)) {
        err_prefix(err, "%s", whose);
        return false;
    }
    if (source.kind != HSM_PIN_PROMPT) return hsm_pin_get(&source, whose, pin, err);
    snprintf(what, sizeof(what), "%s of token '%s'", holders[holder], t->name);
    bool ok = age == PIN_NEW && c->dialogue.asks ? type_new(c, what, halves, pin, err)
                                                 : type_once(c, what, halves, pin, err);
    if (!ok && err->kind != ERR_INTERRUPTED) err->kind = ERR_TOKEN;
    return ok;
}

static bool is_typed(const char *source)
{
    return !source || strcmp(source, "prompt") == 0;
}

bool pins_user_is_typed(const struct plan_token *t)
{
    return is_typed(t->token.pin);
}

void pins_tell(const struct plan_token *t, enum pin_age age, char *text, size_t size)
{
    const char *times = age == PIN_NEW ? ", twice" : "";
    bool officer = age == PIN_NEW && is_typed(t->so_pin), user = is_typed(t->token.pin);
    text[0] = 0;
    /* in the order in which they are asked for */
    if (officer)
        snprintf(text, size, "the security officer's PIN%s%s, hidden",
                 t->so_pin_halves ? " in two halves, one by each officer" : "", times);
    size_t used = strlen(text);
    if (user)
        snprintf(text + used, size - used, "%sthe user PIN%s%s, hidden", officer ? "; then " : "",
                 !t->pin_halves                ? ""
                 : officer && t->so_pin_halves ? " in two halves"
                                               : " in two halves, one by each officer",
                 times);
}
