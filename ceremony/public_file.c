#include "ceremony/public_file.h"

#include <string.h>

#include "base/outfile.h"
#include "ceremony/output.h"
#include "ceremony/place.h"
#include "formats/fingerprint.h"
#include "formats/public_key.h"

enum { PEM_MAX = 4096, FILE_MAX = 1 << 14 };

const char *public_file_path(const struct plan *p, const struct plan_key *key)
{
    if (key->public_path) return key->public_path;
    return p->signer_file && key == plan_pair_at(p, HSM_ROLE_SIGNING_PAIR, NULL) ? p->signer_file : NULL;
}

static const struct plan_key *nth_key(const struct plan *p, size_t index)
{
    for (size_t i = 0; i < p->key_count; i++) {
        if (public_file_path(p, &p->keys[i]) && index-- == 0) return &p->keys[i];
    }
    return NULL;
}

size_t public_file_count(const struct plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->key_count; i++)
        count += public_file_path(p, &p->keys[i]) != NULL;
    return count;
}

void public_file_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    output_describe(public_file_path(p, nth_key(p, index)), text, size);
}

bool public_file_is_at(const struct plan *p, size_t index, const char *site)
{
    return plan_token_is_at(p, nth_key(p, index)->tokens[0], site);
}

bool public_file_is_late(const struct plan *p, size_t index)
{
    return nth_key(p, index)->hand_over_count > 0;
}

void public_file_tell(const struct plan *p, size_t index, struct step_story *s)
{
    const struct plan_key *key = nth_key(p, index);
    char file[128];
    output_describe(public_file_path(p, key), file, sizeof(file));
    STORY(s->who, "%s", plan_person(p, DUTY_OFFICER, 0));
    STORY(s->what,
          "The public part of '%s' is written to %s, and its fingerprint is shown in words and digits.",
          key->name, file);
    STORY(s->why, "It is no secret, but whoever receives it must know that nobody exchanged it on the way.");
    STORY(s->next,
          "Send the file. Write the 16 words into the script, and read them to the other side by telephone.");
}

bool public_file_spki(struct ceremony *c, const struct plan_key *key, struct buf *spki, struct err *err)
{
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    return place_find_pair(c, key->name, &t, &pair, err) && hsm_pair_spki(&pair, spki, err);
}

/* The file holds the pair's public part, and not that of one before it, or of somebody else. */
static bool is_of_pair(struct ceremony *c, const struct plan_key *key, struct err *err)
{
    const char *path = public_file_path(c->plan, key);
    struct buf text, is, due;
    bool ok = false;
    buf_init(&text, FILE_MAX);
    buf_init(&is, HSM_SPKI_MAX);
    buf_init(&due, HSM_SPKI_MAX);
    if (!public_file_spki(c, key, &due, err) || !file_read_all(path, FILE_MAX, &text, err)) goto out;
    if (!public_key_read_pem(text.data, text.len, &is, err)) {
        err_prefix(err, "%s", path);
        goto out;
    }
    ok = bytes_equal(is.data, is.len, due.data, due.len) ||
         err_set(err, ERR_INTEGRITY,
                 "%s is the public part of another pair than '%s' on its token: move it away, then run this "
                 "again",
                 path, key->name);
out:
    buf_release(&due);
    buf_release(&is);
    buf_release(&text);
    return ok;
}

bool public_file_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    bool pair_there = false;
    output_look(public_file_path(c->plan, key), r);
    if (r->state != STEP_THERE) return true;
    if (!place_pair_is_there(c, key->name, &pair_there, err)) return false;
    if (!pair_there) r->state = STEP_TO_DO;
    return !pair_there || is_of_pair(c, key, err);
}

bool public_file_signer(struct ceremony *c, const char *site, struct buf *spki, struct err *err)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, site);
    if (!key)
        return err_set(err, ERR_CONFIG, "the plan has no key of role %s%s%s",
                       hsm_role_name(HSM_ROLE_SIGNING_PAIR), site ? " at site " : "", site ? site : "");
    return public_file_spki(c, key, spki, err);
}

/* RFC 7468, with a line of explanation in front, which readers skip. */
static void put_pem(const struct plan *p, const struct plan_key *key, const struct buf *spki, struct buf *out)
{
    const struct public_key public = {spki->data, spki->len};
    const char *what = plan_key_has_role(key, HSM_ROLE_SIGNING_PAIR) ? "that seals the end records of"
                                                                     : "under which keys are sent to";
    buf_put_format(out, "%sPublic key %s %s\n", p->test ? "TEST. " : "", what, p->name);
    public_key_put_pem(&public, out);
}

static bool show_fingerprint(const struct ceremony *c, const struct plan_key *key, const struct buf *spki,
                             struct err *err)
{
    const struct public_key public = {spki->data, spki->len};
    uint8_t hash[SHA256_LEN];
    char words[FINGERPRINT_WORDS_MAX], hex[FINGERPRINT_HEX_MAX];
    if (!fingerprint_make(&public, hash, err)) return false;
    fingerprint_words(hash, words);
    fingerprint_hex(hash, hex);
    dialogue_say(&c->dialogue, "Fingerprint of '%s', to be read aloud:", key->name);
    dialogue_item(&c->dialogue, "Words", words);
    dialogue_item(&c->dialogue, "Digits", hex);
    return true;
}

bool public_file_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = nth_key(c->plan, index);
    struct buf spki, pem;
    bool ok = false;
    buf_init(&spki, HSM_SPKI_MAX);
    buf_init(&pem, PEM_MAX);
    if (!public_file_spki(c, key, &spki, err)) goto out;
    put_pem(c->plan, key, &spki, &pem);
    ok = output_put(public_file_path(c->plan, key), &pem, OUTPUT_KEEP, r, err) &&
         (!c->dialogue.asks || show_fingerprint(c, key, &spki, err));
out:
    buf_release(&pem);
    buf_release(&spki);
    return ok;
}
