#include "ceremony/certificate_story.h"

#include "ceremony/output.h"

bool certificate_is_at(const struct plan *p, size_t index, const char *site)
{
    size_t key = plan_key_index(p, p->certificates[index].issuer_key);
    return key < p->key_count && plan_token_is_at(p, p->keys[key].tokens[0], site);
}

void certificate_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_certificate *pc = &p->certificates[index];
    char file[128];
    output_describe(pc->certificate_path, file, sizeof(file));
    STORY(s->who, "%s", plan_person(p, DUTY_OFFICER, 0));
    if (pc->ca_key) {
        STORY(s->what, "TEST: the made-up scheme '%s' certifies issuer key '%s'.", pc->ca_key,
              pc->issuer_key);
        STORY(s->why, "So that a demonstration has whole chains. No real terminal believes it.");
        return;
    }
    STORY(s->what,
          "A request for scheme %s, key index %02X, is written beside %s, signed by the key itself. When the "
          "scheme has answered, the certificate is compared with the request and accepted.",
          pc->rid, pc->ca_index, file);
    STORY(s->why, "Terminals believe a card because its issuer's key '%s' is certified by the scheme.",
          pc->issuer_key);
    STORY(s->next, "Send the request, and take the answer in with 'cardkeys certificate import'.");
}
