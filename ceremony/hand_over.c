#include "ceremony/hand_over.h"

#include <inttypes.h>
#include <string.h>

#include "base/outfile.h"
#include "ceremony/journal.h"
#include "ceremony/key_story.h"
#include "ceremony/output.h"
#include "ceremony/travelling.h"
#include "ceremony/trust.h"
#include "formats/handover.h"
#include "hsm/objects.h"

size_t hand_over_count(const struct plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->key_count; i++)
        count += p->keys[i].hand_over_count;
    return count;
}

struct hand_over hand_over_at(const struct plan *p, size_t index)
{
    struct hand_over h = {p->keys, NULL, 0};
    while (index >= h.key->hand_over_count)
        index -= h.key++->hand_over_count;
    h.how = &h.key->hand_overs[index];
    while (strcmp(h.key->tokens[h.place], h.how->to) != 0)
        h.place++;
    return h;
}

void hand_over_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    const struct hand_over h = hand_over_at(p, index);
    char name[PLAN_KEY_NAME_MAX];
    snprintf(text, size, "of %s to %s", plan_key_name(h.key, name), h.how->to);
}

bool hand_over_is_at(const struct plan *p, size_t index, const char *site)
{
    return plan_token_is_at(p, hand_over_at(p, index).how->to, site);
}

void hand_over_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct hand_over h = hand_over_at(p, index);
    char name[PLAN_KEY_NAME_MAX], file[128];
    output_describe(h.how->path, file, sizeof(file));
    STORY(s->who, "%s", plan_person(p, DUTY_OFFICER, 0));
    STORY(s->what, "The wrapped key %s is taken from %s onto token '%s', where its role is %s.",
          plan_key_name(h.key, name), file, h.how->to, h.key->token_roles[h.place]);
    STORY(s->why,
          "It was wrapped at site '%s' under %s; only this token can open it. It is accepted because a "
          "signer whom "
          "this token trusts vouches for every line of the file.",
          plan_token_site(p, h.key->tokens[0]), h.how->under);
    STORY(s->next, "Compare the check value that is shown with the sender's script.");
}

bool hand_over_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct hand_over h = hand_over_at(c->plan, index);
    struct place p;
    struct check_value check;
    if (place_is_absent(c, h.key, h.place)) return true;
    if (!place_open(c, h.key, h.place, &p, err)) return false;
    if (!p.there) return true;
    if (!place_look(c, &p, &check, err)) return false;
    r->state = STEP_THERE;
    key_story_check(&check, r);
    return true;
}

/* ---- what the file says against what the plan says ---- */

static bool same(const char *line, const char *is, const char *due, struct err *err)
{
    if (strcmp(is, due ? due : "") == 0) return true;
    return err_set(err, ERR_INTEGRITY, "line '%s' says '%s', the plan '%s'", line, is[0] ? is : "-",
                   due && due[0] ? due : "-");
}

static bool same_number(const char *line, unsigned is, unsigned due, struct err *err)
{
    return is == due || err_set(err, ERR_INTEGRITY, "line '%s' says %u, the plan %u", line, is, due);
}

static bool is_as_planned(const struct ceremony *c, const struct hand_over *h, const struct handover *f,
                          struct err *err)
{
    const struct plan_key *k = h->key;
    const struct check_value check = {
        {f->check_value[0], f->check_value[1], f->check_value[2], f->check_value[3], f->check_value[4]},
        f->check_value_len};
    if (!same("sender", f->sender, plan_token_site(c->plan, k->tokens[0]), err)) return false;
    if (!same("receiver", f->receiver, plan_token_site(c->plan, h->how->to), err)) return false;
    if (!same("key", f->key, k->name, err) || !same_number("version", f->version, k->version, err))
        return false;
    if (!same("role", f->role, k->token_roles[h->place], err)) return false;
    if (!same("algorithm", handover_algorithm_name(f->algorithm), k->algorithm, err)) return false;
    if (!same("not-before", f->not_before, k->not_before, err)) return false;
    if (!same("not-after", f->not_after, k->not_after, err)) return false;
    if (!same("derivation", f->derivation, k->method, err)) return false;
    if (!same("test", f->test ? "yes" : "no", c->plan->test ? "yes" : "no", err)) return false;
    if (!same("under", f->under, h->how->under, err)) return false;
    if (check_value_compare(&check, k->kcv, k->kcv_len, err)) return true;
    err->kind = ERR_INTEGRITY;
    return false;
}

static bool read_verified(struct ceremony *c, const struct hand_over *h, const char *path, struct handover *f,
                          struct err *err)
{
    struct buf text, spki;
    bool ok = false;
    buf_init(&text, HANDOVER_TEXT_MAX);
    buf_init(&spki, HSM_SPKI_MAX);
    if (!trust_signer_of(c, h->how->to, plan_token_site(c->plan, h->key->tokens[0]), &spki, err)) goto out;
    if (!file_read_all(path, HANDOVER_TEXT_MAX, &text, err)) goto out;
    const struct public_key signer = {spki.data, spki.len};
    ok = handover_verify(text.data, text.len, &signer, f, err) && is_as_planned(c, h, f, err);
    if (!ok) err_prefix(err, "%s", path);
out:
    buf_release(&spki);
    buf_release(&text);
    return ok;
}

/* The key under which it came: this token's part of it. */
static bool find_transport(struct ceremony *c, const struct hand_over *h, const struct handover *f,
                           struct hsm_key *out, struct err *err)
{
    for (const struct plan_key *k = c->plan->keys; k < h->key; k++) {
        struct place p;
        struct hsm_pair pair;
        if (strcmp(k->name, f->under) != 0 || k->version != f->under_version) continue;
        for (size_t i = 0; i < k->token_count; i++) {
            if (strcmp(k->tokens[i], h->how->to) != 0) continue;
            if (!place_open(c, k, i, &p, err)) return false;
            if (!k->bits) return hsm_key_find(p.token, &p.ref, out, err);
            if (!hsm_pair_find(p.token, &p.ref, &pair, err)) return false;
            *out = pair.private_key;
            return true;
        }
    }
    return err_set(err, ERR_CONFIG, "the plan has no key '%s', version %u, on token '%s'", f->under,
                   (unsigned)f->under_version, h->how->to);
}

static bool put_on_token(struct ceremony *c, const struct hand_over *h, const struct handover *f,
                         const struct check_value *check, struct err *err)
{
    struct place p;
    struct hsm_key transport = HSM_KEY_NONE;
    if (!place_open(c, h->key, h->place, &p, err) || !find_transport(c, h, f, &transport, err)) return false;
    const struct hsm_travel_blob blob = {f->method == HANDOVER_KWP ? HSM_TRAVEL_KWP : HSM_TRAVEL_OAEP,
                                         &transport, f->wrapped, f->wrapped_len};
    return travelling_receive(&p, &blob, check, err);
}

bool hand_over_take_in(struct ceremony *c, const struct hand_over *h, const char *path,
                       struct check_value *check, struct err *err)
{
    struct handover f;
    if (!read_verified(c, h, path, &f, err)) return false;
    *check = (struct check_value){.len = f.check_value_len};
    memcpy(check->bytes, f.check_value, f.check_value_len);
    const struct journal_import import = {f.sender, f.key, f.role, f.version, f.serial, check};
    const struct journal_key key = {h->key, h->how->to, f.role, "hand-over", check};
    return journal_serial_is_new(c, &import, err) && put_on_token(c, h, &f, check, err) &&
           journal_import(c->journal, &import, err) && journal_key(c->journal, &key, err);
}

bool hand_over_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct hand_over h = hand_over_at(c->plan, index);
    struct check_value check;
    if (!hand_over_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    if (!output_is_there(h.how->path)) {
        r->state = STEP_WAITING;
        snprintf(r->detail, sizeof(r->detail), "for %s, which site '%s' sends", h.how->path,
                 plan_token_site(c->plan, h.key->tokens[0]));
        return true;
    }
    if (!hand_over_take_in(c, &h, h.how->path, &check, err)) return false;
    r->state = STEP_MADE;
    key_story_check(&check, r);
    return true;
}
