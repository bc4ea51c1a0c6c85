#include "ceremony/trust.h"

#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "ceremony/journal.h"
#include "ceremony/output.h"
#include "ceremony/public_file.h"
#include "ceremony/tokens.h"
#include "formats/fingerprint.h"
#include "formats/public_key.h"
#include "hsm/trust.h"

enum { FILE_MAX = 1 << 14, TRIES = 3, LABEL_MAX = 64 };

size_t trust_count(const struct plan *p)
{
    return p->trust_count;
}

void trust_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    snprintf(text, size, "in %s at %s", p->trusts[index].signer, p->trusts[index].at);
}

bool trust_is_at(const struct plan *p, size_t index, const char *site)
{
    return plan_token_is_at(p, p->trusts[index].at, site);
}

static const struct plan_key *signer_key(const struct plan *p, const struct plan_trust *t)
{
    return &p->keys[plan_key_index(p, t->signer)];
}

bool trust_is_late(const struct plan *p, size_t index)
{
    return signer_key(p, &p->trusts[index])->hand_over_count > 0;
}

static const char *sender_of(const struct plan *p, const struct plan_trust *t)
{
    return plan_token_site(p, signer_key(p, t)->tokens[0]);
}

void trust_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_trust *t = &p->trusts[index];
    char officers[PLAN_PEOPLE_TEXT_MAX];
    STORY(s->who, "%s, and somebody of site '%s' who reads aloud, here or on the telephone",
          plan_people(p, DUTY_OFFICER, officers), sender_of(p, t));
    STORY(s->what,
          "The public key of '%s' is put onto token '%s' as that of a signer whose files are accepted.",
          t->signer, t->at);
    STORY(s->why, "Without it nothing from there is accepted; with a wrong one, somebody else's keys and "
                  "cards would be.");
    STORY(s->types,
          "the 16 words of the fingerprint, or its first 32 digits, as the other side reads them out");
}

static struct hsm_key_ref ref_of(const struct plan_trust *t, char label[static LABEL_MAX])
{
    snprintf(label, LABEL_MAX, TRUST_LABEL_PREFIX "%s", t->signer);
    return (struct hsm_key_ref){
        .name = t->signer, .label = label, .role = HSM_ROLE_TRUSTED_SIGNER, .algorithm = HSM_RSA};
}

static bool find(struct ceremony *c, const struct plan_trust *t, struct hsm_token **token, bool *there,
                 struct err *err)
{
    char label[LABEL_MAX];
    return tokens_open_named(c, t->at, token, err) &&
           hsm_key_exists(*token, ref_of(t, label).label, there, err);
}

/* Whoever has the PIN can put another key into its place, or be there first; the log knows the one that people compared. */
static bool is_as_logged(const struct ceremony *c, const struct plan_trust *t, const struct buf *spki,
                         bool *compared, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    char is[2 * SHA256_LEN + 1], due[2 * SHA256_LEN + 1];
    *compared = true;
    if (c->no_log) return true;
    if (!sha256(spki->data, spki->len, hash, err) ||
        !journal_trusted(c, sender_of(c->plan, t), t->signer, due, err))
        return false;
    hex_write(is, sizeof(is), hash, sizeof(hash), true);
    *compared = due[0] != 0;
    return !*compared || strcmp(is, due) == 0 ||
           err_set(err, ERR_INTEGRITY,
                   "signer's key '%s' on token '%s' has fingerprint %.16s…, the audit log has %.16s…: it is "
                   "not the "
                   "one that was compared",
                   t->signer, t->at, is, due);
}

enum trusted { NOT_THERE, NOT_COMPARED, TRUSTED };

/* Appends what is there. */
static bool find_spki(struct ceremony *c, const struct plan_trust *t, struct buf *spki, enum trusted *is,
                      struct err *err)
{
    struct hsm_token *token = NULL;
    struct hsm_public key;
    char label[LABEL_MAX];
    const struct hsm_key_ref ref = ref_of(t, label);
    bool there = false, compared = false;
    *is = NOT_THERE;
    if (!find(c, t, &token, &there, err)) return false;
    if (!there) return true;
    if (!hsm_trust_find(token, &ref, &key, err) || !hsm_public_spki(&key, spki, err) ||
        !is_as_logged(c, t, spki, &compared, err))
        return false;
    *is = compared ? TRUSTED : NOT_COMPARED;
    return true;
}

static bool find_trusted(struct ceremony *c, const struct plan_trust *t, struct buf *spki, struct err *err)
{
    enum trusted is = NOT_THERE;
    if (!find_spki(c, t, spki, &is, err)) return false;
    if (is == TRUSTED) return true;
    if (is == NOT_COMPARED)
        return err_set(err, ERR_INTEGRITY,
                       "by the audit log nobody compared the fingerprint of the signer's key '%s' that is on "
                       "token '%s': "
                       "that comes first (step 'trust in %s')",
                       t->signer, t->at, t->signer);
    return err_set(
        err, ERR_TOKEN,
        "token '%s' trusts no signer of site '%s' yet: its public key comes first (step 'trust in %s')",
        t->at, sender_of(c->plan, t), t->signer);
}

bool trust_signer_of(struct ceremony *c, const char *token, const char *sender, struct buf *spki,
                     struct err *err)
{
    for (size_t i = 0; i < c->plan->trust_count; i++) {
        const struct plan_trust *t = &c->plan->trusts[i];
        if (strcmp(t->at, token) == 0 && strcmp(sender_of(c->plan, t), sender) == 0)
            return find_trusted(c, t, spki, err);
    }
    return err_set(err, ERR_CONFIG, "the plan names no signer of site '%s' that token '%s' trusts", sender,
                   token);
}

static bool describe_key(const struct buf *spki, struct step_result *r, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    char words[FINGERPRINT_WORDS_MAX];
    if (!sha256(spki->data, spki->len, hash, err)) return false;
    fingerprint_words(hash, words);
    snprintf(r->detail, sizeof(r->detail), "%s", words);
    return true;
}

bool trust_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_trust *t = &c->plan->trusts[index];
    struct buf spki;
    enum trusted is = NOT_THERE;
    if (c->tokens[plan_token_index(c->plan, t->at)].absent) return true;
    buf_init(&spki, HSM_SPKI_MAX);
    bool ok = find_spki(c, t, &spki, &is, err) && (is != TRUSTED || describe_key(&spki, r, err));
    buf_release(&spki);
    if (is == TRUSTED) r->state = STEP_THERE;
    if (is == NOT_COMPARED)
        snprintf(r->detail, sizeof(r->detail),
                 "on the token, but by the audit log nobody compared its fingerprint");
    return ok;
}

/* What was typed is this key's fingerprint. */
static bool hears(const struct ceremony *c, const char *whose, const uint8_t hash[SHA256_LEN], bool *right,
                  struct err *err)
{
    char typed[DIALOGUE_LINE_MAX], question[160];
    uint8_t read[FINGERPRINT_SPOKEN_LEN];
    struct err why = ERR_INIT;
    snprintf(question, sizeof(question),
             "Type the 16 words (or 32 digits) of %s as they are read to you:", whose);
    *right = false;
    if (!dialogue_ask(&c->dialogue, question, typed, sizeof(typed), &why)) {
        if (why.kind == ERR_INPUT) return true;
        *err = why;
        return false;
    }
    if (!fingerprint_read(typed, read, &why)) {
        dialogue_say(&c->dialogue, "%s.", why.text);
        return true;
    }
    *right = fingerprint_equal(hash, read);
    if (!*right)
        dialogue_say(&c->dialogue,
                     "That is the fingerprint of another key than the file holds. Have it read once more; if "
                     "it stays another, it is not their file.");
    return true;
}

static bool compare_fingerprint(const struct ceremony *c, const char *whose, const struct buf *spki,
                                struct err *err)
{
    uint8_t hash[SHA256_LEN];
    bool right = false;
    if (!sha256(spki->data, spki->len, hash, err)) return false;
    if (!c->dialogue.asks) return true;
    for (int i = 0; i < TRIES && !right; i++) {
        if (!hears(c, whose, hash, &right, err)) return false;
    }
    return right ||
           err_set(err, ERR_INTEGRITY,
                   "the fingerprint of %s is not what was read out: do not use the file, get it again",
                   whose);
}

bool trust_take_file(const struct ceremony *c, const char *path, const char *whose, struct buf *spki,
                     struct err *err)
{
    struct buf text;
    buf_init(&text, FILE_MAX);
    bool ok = file_read_all(path, FILE_MAX, &text, err);
    if (ok && !public_key_read_pem(text.data, text.len, spki, err)) {
        err_prefix(err, "%s", path);
        ok = false;
    }
    buf_release(&text);
    return ok && compare_fingerprint(c, whose, spki, err);
}

/* Onto the token, unless this very key is there: a run that was killed before it wrote its line, or somebody else, put it. */
static bool put_on_token(struct ceremony *c, const struct plan_trust *t, const struct buf *spki,
                         const struct hsm_key_ref *ref, struct err *err)
{
    struct hsm_token *token = NULL;
    struct hsm_public key;
    struct buf there;
    enum trusted is = NOT_THERE;
    bool ok = false;
    buf_init(&there, HSM_SPKI_MAX);
    if (!find_spki(c, t, &there, &is, err)) goto out;
    if (is == NOT_THERE)
        ok = hsm_public_read_spki(spki->data, spki->len, &key, err) &&
             tokens_open_named(c, t->at, &token, err) && hsm_trust_import(token, ref, &key, err);
    else
        ok = bytes_equal(there.data, there.len, spki->data, spki->len) ||
             err_set(
                 err, ERR_INTEGRITY,
                 "token '%s' holds another key under '%s' than the one that was compared now: somebody put "
                 "it there, and it must be taken off",
                 t->at, ref->label);
out:
    buf_release(&there);
    return ok;
}

static bool put(struct ceremony *c, const struct plan_trust *t, const struct buf *spki, struct err *err)
{
    uint8_t hash[SHA256_LEN];
    char label[LABEL_MAX], hex[2 * SHA256_LEN + 1];
    const struct hsm_key_ref ref = ref_of(t, label);
    if (!sha256(spki->data, spki->len, hash, err)) return false;
    hex_write(hex, sizeof(hex), hash, sizeof(hash), true);
    return put_on_token(c, t, spki, &ref, err) &&
           journal_trust(c->journal, sender_of(c->plan, t), t->signer, hex, err);
}

bool trust_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_trust *t = &c->plan->trusts[index];
    const char *path = public_file_path(c->plan, signer_key(c->plan, t));
    struct buf spki;
    char whose[128];
    if (!trust_look(c, index, r, err)) return false;
    if (r->state == STEP_THERE) return true;
    if (!path) return err_set(err, ERR_CONFIG, "the plan says no public_file for '%s'", t->signer);
    if (!output_is_there(path)) {
        r->state = STEP_WAITING;
        snprintf(r->detail, sizeof(r->detail), "for %s, which site '%s' sends", path, sender_of(c->plan, t));
        return true;
    }
    snprintf(whose, sizeof(whose), "'%s'", t->signer);
    buf_init(&spki, HSM_SPKI_MAX);
    bool ok =
        trust_take_file(c, path, whose, &spki, err) && put(c, t, &spki, err) && describe_key(&spki, r, err);
    buf_release(&spki);
    if (ok) r->state = STEP_MADE;
    return ok;
}
