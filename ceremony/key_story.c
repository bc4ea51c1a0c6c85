#include "ceremony/key_story.h"

#include <string.h>

#include "ceremony/output.h"
#include "ceremony/place.h"
#include "ceremony/public_file.h"

static const struct {
    enum hsm_role role;
    const char *purpose;
} purposes[] = {
    {HSM_ROLE_MASTER, "A master key: every card's key of its kind is derived from it, inside the token."},
    {HSM_ROLE_ZCMK_SENDER, "A transport key: under it other keys travel to one partner, and to no other."},
    {HSM_ROLE_ZCMK_RECEIVER, "A transport key: under it the keys of one partner arrive here."},
    {HSM_ROLE_KEK_ISSUER,
     "The key-encryption key: card keys travel to the bureau under it. Here it can only wrap."},
    {HSM_ROLE_KEK_BUREAU,
     "The key-encryption key: card keys arrive at the bureau under it. There it can only unwrap."},
    {HSM_ROLE_ISSUER_PAIR,
     "The issuer key: it signs the certificates of cards, and is certified by the scheme."},
    {HSM_ROLE_SIGNING_PAIR,
     "The signing key: it seals the files that leave here, the audit log and the report."},
    {HSM_ROLE_SCHEME_CA_PAIR, "TEST: it plays a payment scheme. Nothing that it signs is worth anything."},
    {HSM_ROLE_KEY_EXCHANGE_PAIR,
     "A key-exchange key: a partner sends a transport key under its public part."},
};

const char *key_story_purpose(const struct plan_key *key)
{
    if (key->purpose) return key->purpose;
    for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
        if (plan_key_has_role(key, purposes[i].role)) return purposes[i].purpose;
    }
    return "";
}

void key_story_describe(const struct plan_key *key, char *text, size_t size)
{
    char name[PLAN_KEY_NAME_MAX];
    int used = snprintf(text, size, "%s on", plan_key_name(key, name));
    for (size_t i = 0; i < key->token_count && used > 0 && (size_t)used < size; i++) {
        if (!place_hand_over(key, i))
            used += snprintf(text + used, size - (size_t)used, "%s %s", i ? "," : "", key->tokens[i]);
    }
}

void key_story_check(const struct check_value *check, struct step_result *r)
{
    char text[CHECK_VALUE_TEXT];
    check_value_text(check, text);
    snprintf(r->detail, sizeof(r->detail), "check value %s", text);
}

/* Custodians in the order in which they come to the keyboard. */
static void tell_custodians(const struct plan *p, const struct plan_key *key, struct step_story *s)
{
    size_t used = 0;
    for (size_t i = 0; i < key->component_count && used < sizeof(s->who); i++) {
        int n = snprintf(s->who + used, sizeof(s->who) - used, "%s, ", key->components[i].custodian);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used < sizeof(s->who))
        snprintf(s->who + used, sizeof(s->who) - used, "then %s", plan_person(p, DUTY_OFFICER, 0));
}

static void tell_components(const struct plan *p, const struct plan_key *key, struct step_story *s)
{
    size_t digits = 0;
    enum hsm_algorithm a;
    struct err ignored = ERR_INIT;
    if (hsm_algorithm_find(key->algorithm, &a, &ignored)) digits = 2 * hsm_algorithm_len(a);
    tell_custodians(p, key, s);
    if (plan_key_has_letters(key)) {
        STORY(s->what,
              "The token draws %zu components at random. Each is printed to a letter for its custodian, who "
              "takes it from the printer and seals it unread by others. The key is their sum (XOR).",
              key->component_count);
        STORY(s->types, "each custodian: own name; %s: the combined check value, from the screen to the form",
              plan_person(p, DUTY_OFFICER, 0));
    } else {
        STORY(s->what,
              "%zu custodians come to the keyboard one after another, the others turned away. Each types a "
              "component; the key is their sum (XOR) and is put onto the token.",
              key->component_count);
        STORY(s->types,
              "each custodian: own name, then %zu hex digits, hidden, 16 at a time, and yes when the check "
              "value shown is that of the form; %s: the combined check value",
              digits, plan_person(p, DUTY_OFFICER, 0));
    }
    STORY(s->next, "The token computes the check value of what it holds; it must be the same.");
}

/* A copy under a receiver's pair: its public part came as a file, and is compared first. */
static void tell_words(const struct plan *p, const struct plan_key *key, struct step_story *s)
{
    for (size_t i = 0; i < key->hand_over_count; i++) {
        const char *under = key->hand_overs[i].under;
        size_t pair = plan_key_index(p, under);
        if (pair < p->key_count && p->keys[pair].bits)
            STORY(s->types,
                  "the 16 words of the fingerprint of '%s', or its first 32 digits, as %s reads them out",
                  under, key->hand_overs[i].to);
    }
}

/* "kek-1.handover for bureau": as many as there is room for. */
static void list_files(const struct plan *p, const struct plan_key *key, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < key->hand_over_count; i++) {
        char file[128];
        const struct plan_token *to = &p->tokens[plan_token_index(p, key->hand_overs[i].to)];
        output_describe(key->hand_overs[i].path, file, sizeof(file));
        size_t due = strlen(file) + strlen(to->site) + sizeof(", … and others for ");
        if (used + due > size) {
            snprintf(text + used, size - used, " and others");
            return;
        }
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s for site '%s'", i ? ", " : "", file, to->site);
    }
}

static void tell_copies(const struct plan *p, const struct plan_key *key, struct step_story *s)
{
    char files[256];
    size_t used = strlen(s->what);
    list_files(p, key, files, sizeof(files));
    snprintf(
        s->what + used, sizeof(s->what) - used,
        " Before it is locked onto the token, %zu wrapped %s written (%s); afterwards it cannot leave any "
        "more.",
        key->hand_over_count, key->hand_over_count == 1 ? "copy is" : "copies are", files);
}

void key_story_make(const struct plan *p, const struct plan_key *key, struct step_story *s)
{
    char officers[PLAN_PEOPLE_TEXT_MAX];
    STORY(s->why, "%s", key_story_purpose(key));
    if (key->origin == ORIGIN_COMPONENTS) {
        tell_components(p, key, s);
    } else if (key->origin == ORIGIN_KEY_BLOCK) {
        STORY(s->who, "%s", plan_people(p, DUTY_OFFICER, officers));
        STORY(s->what,
              "The key comes from a partner in a key block (TR-31): it is taken in with 'cardkeys key-block "
              "import', under a key that both share.");
    } else {
        STORY(s->who, "%s", plan_people(p, DUTY_OFFICER, officers));
        if (key->bits)
            STORY(s->what, "The token generates an RSA key pair of %u bits with exponent %lu.%s", key->bits,
                  key->exponent, key->hand_over_count ? "" : " The private part never leaves it.");
        else
            STORY(s->what, "The token generates the key (%s) at random.", key->algorithm);
        STORY(s->next, "Write the check value that is shown onto the form.%s",
              public_file_path(p, key)
                  ? " The fingerprint that is read to others is another number; a later step shows it."
                  : "");
        tell_words(p, key, s);
    }
    if (key->hand_over_count) tell_copies(p, key, s);
}
