#include "ceremony/closing.h"

#include <inttypes.h>
#include <string.h>

#include "audit/line.h"
#include "ceremony/audit_check.h"
#include "ceremony/journal.h"
#include "ceremony/place.h"
#include "hsm/data.h"

size_t closing_count(const struct plan *p)
{
    (void)p;
    return 1;
}

void closing_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    (void)p;
    (void)index;
    snprintf(text, size, "of the audit log");
}

void closing_tell(const struct plan *p, size_t index, struct step_story *s)
{
    char witnesses[PLAN_PEOPLE_TEXT_MAX];
    (void)index;
    STORY(s->who, "%s; witness: %s", plan_person(p, DUTY_OFFICER, 0),
          plan_people(p, DUTY_WITNESS, witnesses));
    STORY(s->what,
          "The audit log is closed by a signature made in the token, and its last line's number and hash are "
          "kept on the token.");
    STORY(s->why,
          "So that nobody can change what was written down, or take away its end, without being seen.");
    STORY(s->next, "Print the report (cardkeys report) and sign it. What still waits for others is done in a "
                   "later sitting.");
}

/* A sitting that was killed between signature and anchor, or on a token that lost it, leaves a log that is closed alone. */
static bool lacks_anchor(struct ceremony *c, const struct journal_head *head, bool *lacks, struct err *err)
{
    struct hsm_token *t = audit_check_token(c);
    struct audit_head anchor = {.seq = 0};
    bool found = false, possible = false;
    *lacks = false;
    if (!head->closed || !t || !c->changes) return true;
    if (!audit_check_anchor(c, &anchor, &found, err) || !hsm_data_possible(t, &possible, err)) return false;
    *lacks = possible &&
             !(found && anchor.seq == head->seq && memcmp(anchor.hash, head->hash, sizeof(anchor.hash)) == 0);
    return true;
}

bool closing_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    struct journal_head head;
    bool lacks = false;
    (void)index;
    if (!journal_head(c, &head, err)) return false;
    if (!plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site)) {
        r->state = STEP_READY;
        snprintf(r->detail, sizeof(r->detail), "not signed: the plan has no signing pair here");
        return true;
    }
    if (head.seq == 0 && c->changes) { /* a sitting in which nothing happened */
        r->state = STEP_READY;
        snprintf(r->detail, sizeof(r->detail), "nothing was written down");
        return true;
    }
    /* A sitting closes the log over the night runs since the last one; without one they need no closing. */
    bool closed = head.closed || (!c->changes && head.ceremonies_closed);
    if (!lacks_anchor(c, &head, &lacks, err)) return false;
    r->state = closed && !lacks ? STEP_THERE : STEP_TO_DO;
    snprintf(r->detail, sizeof(r->detail), "%" PRIu64 " lines", head.seq);
    return true;
}

/* The token keeps where the log ends, if it keeps private data at all (NSS does not). */
static bool put_anchor(struct ceremony *c, struct hsm_token *t, bool *kept, struct err *err)
{
    uint8_t anchor[CLOSING_ANCHOR_LEN];
    struct journal_head head;
    if (!journal_head(c, &head, err) || !hsm_data_possible(t, kept, err)) return false;
    if (!*kept) return true;
    for (size_t i = 0; i < 8; i++)
        anchor[i] = (uint8_t)(head.seq >> (56 - 8 * i));
    memcpy(anchor + 8, head.hash, sizeof(head.hash));
    return hsm_data_put(t, CLOSING_ANCHOR_LABEL, anchor, sizeof(anchor), err);
}

/* What of both is missing. */
static bool sign(struct ceremony *c, const struct plan_key *key, bool *kept, struct err *err)
{
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct journal_head head;
    return place_find_pair(c, key->name, &t, &pair, err) && journal_head(c, &head, err) &&
           (head.closed || journal_sign(c->journal, t, &pair, err)) && put_anchor(c, t, kept, err);
}

bool closing_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site);
    if (!closing_look(c, index, r, err)) return false;
    if (!key || r->state != STEP_TO_DO) return true;
    bool kept = false;
    if (!sign(c, key, &kept, err) || !closing_look(c, index, r, err)) return false;
    r->state = STEP_MADE;
    size_t used = strlen(r->detail);
    if (!kept) snprintf(r->detail + used, sizeof(r->detail) - used, "; this token cannot keep the log's end");
    return true;
}

bool closing_sign_if_open(struct ceremony *c, struct err *err)
{
    const struct plan_key *key = plan_pair_at(c->plan, HSM_ROLE_SIGNING_PAIR, c->site);
    struct journal_head head;
    bool there = false, kept = false;
    if (!key || !audit_check_token(c)) return true;
    if (!journal_head(c, &head, err)) return false;
    if (head.seq == 0 || head.closed) return true;
    if (!place_pair_is_there(c, key->name, &there, err) || !there) return !there;
    return sign(c, key, &kept, err);
}
