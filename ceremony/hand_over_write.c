/* The sender's side of hand_over.h. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/outfile.h"
#include "ceremony/hand_over.h"
#include "ceremony/journal.h"
#include "ceremony/output.h"
#include "ceremony/public_file.h"
#include "ceremony/travelling.h"
#include "ceremony/trust.h"
#include "formats/handover.h"

/* The last key of that name before this one that can carry it; the plan was read so that there is one. */
static const struct plan_key *carrier(const struct plan *p, const struct plan_key *key, const char *name)
{
    const struct plan_key *found = NULL;
    for (const struct plan_key *k = p->keys; k < key; k++) {
        if (strcmp(k->name, name) == 0) found = k;
    }
    return found;
}

/* Under a transport key of this token. */
static bool wrap_under_key(struct ceremony *c, const struct plan_key *by, const struct place *p,
                           const struct travelling *k, struct buf *out, struct err *err)
{
    struct place at;
    struct hsm_key transport = HSM_KEY_NONE;
    return place_open(c, by, 0, &at, err) && hsm_key_find(at.token, &at.ref, &transport, err) &&
           travelling_wrap(p, k, &transport, out, err);
}

/* Under the receiver's key-exchange pair, whose public part came as a file. */
static bool wrap_under_pair(struct ceremony *c, const struct plan_key *by, const struct place *p,
                            const struct travelling *k, struct buf *out, struct err *err)
{
    const char *path = public_file_path(c->plan, by);
    struct hsm_public receiver;
    struct buf spki;
    char whose[128];
    if (!path) return err_set(err, ERR_CONFIG, "the plan says no public_file for '%s'", by->name);
    buf_init(&spki, HSM_SPKI_MAX);
    snprintf(whose, sizeof(whose), "'%s'", by->name);
    bool ok = trust_take_file(c, path, whose, &spki, err);
    ok = ok && hsm_public_read_spki(spki.data, spki.len, &receiver, err) &&
         travelling_wrap_oaep(p, k, &receiver, out, err);
    buf_release(&spki);
    return ok;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

/* Everything but the wrapped key, its serial number and the signature. */
static bool fill(const struct ceremony *c, const struct plan_key *key, const struct plan_hand_over *how,
                 const struct check_value *check, struct handover *h, struct err *err)
{
    const struct plan_key *by = carrier(c->plan, key, how->under);
    bool pair = by->bits != 0;
    *h = (struct handover){.version = key->version,
                           .under_version = by->version,
                           .test = c->plan->test,
                           .method = pair ? HANDOVER_OAEP_SHA1 : HANDOVER_KWP,
                           .check_value_len = check->len};
    for (size_t i = 0; i < key->token_count; i++) {
        if (strcmp(key->tokens[i], how->to) == 0) copy(h->role, sizeof(h->role), key->token_roles[i]);
    }
    copy(h->sender, sizeof(h->sender), plan_token_site(c->plan, key->tokens[0]));
    copy(h->receiver, sizeof(h->receiver), plan_token_site(c->plan, how->to));
    copy(h->key, sizeof(h->key), key->name);
    copy(h->not_before, sizeof(h->not_before), key->not_before);
    copy(h->not_after, sizeof(h->not_after), key->not_after);
    copy(h->derivation, sizeof(h->derivation), key->method);
    copy(h->under, sizeof(h->under), how->under);
    memcpy(h->check_value, check->bytes, check->len);
    if (!handover_algorithm_find(key->algorithm, &h->algorithm))
        return err_set(err, ERR_CONFIG, "a key of %s is not handed over", key->algorithm);
    return clock_text(clock_now(NULL), h->created, err);
}

static bool wrap(struct ceremony *c, const struct place *p, const struct plan_hand_over *how,
                 const struct travelling *k, struct handover *h, struct err *err)
{
    const struct plan_key *by = carrier(c->plan, p->key, how->under);
    struct buf wrapped;
    buf_init(&wrapped, sizeof(h->wrapped));
    bool ok = (by->bits ? wrap_under_pair : wrap_under_key)(c, by, p, k, &wrapped, err);
    if (ok) memcpy(h->wrapped, wrapped.data, wrapped.len);
    h->wrapped_len = wrapped.len;
    buf_release(&wrapped);
    return ok;
}

/* The signer's fingerprint and its signature; the pair that travels now has none of its own on the token yet. */
static bool sign_by(struct ceremony *c, const struct plan_key *signer, const struct place *p,
                    const struct travelling *k, struct handover *h, struct err *err)
{
    struct hsm_token *t = p->token;
    struct hsm_pair pair = k->pair;
    struct buf spki, text, signature;
    bool itself = signer == p->key, ok = false;
    buf_init(&spki, HSM_SPKI_MAX);
    buf_init(&text, HANDOVER_TEXT_MAX + 64);
    buf_init(&signature, sizeof(h->signature));
    if (!itself && !place_find_pair(c, signer->name, &t, &pair, err)) goto out;
    if (!hsm_pair_spki(&pair, &spki, err) || !sha256(spki.data, spki.len, h->signer, err)) goto out;
    if (!handover_to_be_signed(h, &text, err)) goto out;
    ok = itself ? hsm_travel_pair_sign(t, &pair, text.data, text.len, &signature, err)
                : hsm_sign_sha256(t, &pair.private_key, text.data, text.len, &signature, err);
    if (!ok) goto out;
    memcpy(h->signature, signature.data, signature.len);
    h->signature_len = signature.len;
out:
    buf_release(&signature);
    buf_release(&text);
    buf_release(&spki);
    return ok;
}

/* By the pair that signs for the sender's site. */
static bool sign(struct ceremony *c, const struct place *p, const struct travelling *k, struct handover *h,
                 struct err *err)
{
    const struct plan_key *signer =
        plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, plan_token_site(c->plan, p->key->tokens[0]));
    if (signer) return sign_by(c, signer, p, k, h, err);
    return err_set(err, ERR_CONFIG, "a hand-over is signed: the plan has no signing-pair at site '%s'",
                   h->sender);
}

/* Is this key, which the hand-over takes, where it is made? */
static bool waits_for_key(struct ceremony *c, const struct plan_key *key, struct step_result *r,
                          struct err *err)
{
    struct place at;
    if (!place_open(c, key, 0, &at, err)) return false;
    if (at.there) return true;
    r->state = STEP_WAITING;
    snprintf(r->detail, sizeof(r->detail), "for key %s", at.name);
    return true;
}

bool hand_over_waits(struct ceremony *c, const struct plan_key *key, struct step_result *r, struct err *err)
{
    const struct plan_key *signer =
        plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, plan_token_site(c->plan, key->tokens[0]));
    if (key->hand_over_count && signer && signer != key && !waits_for_key(c, signer, r, err)) return false;
    for (size_t i = 0; i < key->hand_over_count && r->state != STEP_WAITING; i++) {
        const struct plan_key *by = carrier(c->plan, key, key->hand_overs[i].under);
        const char *path = by->bits ? public_file_path(c->plan, by) : NULL;
        if (!by->bits && !waits_for_key(c, by, r, err)) return false;
        if (!path || output_is_there(path)) continue;
        r->state = STEP_WAITING;
        snprintf(r->detail, sizeof(r->detail), "for %s, which site '%s' sends", path,
                 plan_token_site(c->plan, by->tokens[0]));
    }
    return true;
}

static bool write_one(struct ceremony *c, const struct place *p, const struct plan_hand_over *how,
                      const struct travelling *k, struct err *err)
{
    struct handover h;
    struct step_result ignored;
    struct buf text;
    bool ok = false;
    buf_init(&text, HANDOVER_TEXT_MAX);
    if (!fill(c, p->key, how, &k->check, &h, err)) goto out;
    if (!wrap(c, p, how, k, &h, err)) goto out;
    if (!journal_export(c->journal, p->key, how, &k->check, &h.serial, err)) goto out;
    if (!sign(c, p, k, &h, err)) goto out;
    if (!handover_put(&h, &text, err)) goto out;
    /* A file of this name is left from a sitting that ended before the key came to its token: it holds a key that is nowhere. */
    ok = output_put(how->path, &text, OUTPUT_REPLACE, &ignored, err);
out:
    buf_release(&text);
    if (!ok) err_prefix(err, "hand-over to '%s'", how->to);
    return ok;
}

bool hand_over_write(struct ceremony *c, const struct place *p, const struct travelling *k, struct err *err)
{
    for (size_t i = 0; i < p->key->hand_over_count; i++) {
        if (write_one(c, p, &p->key->hand_overs[i], k, err)) continue;
        hand_over_take_back(p->key);
        return false;
    }
    return true;
}

void hand_over_take_back(const struct plan_key *key)
{
    for (size_t i = 0; i < key->hand_over_count; i++)
        unlink(key->hand_overs[i].path);
}
