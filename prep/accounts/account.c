#include "prep/accounts/account.h"

#include <string.h>

static const struct {
    const char *name;
    bool closed;
} states[ACCOUNT_STATES] = {
    [ACCOUNT_NOT_TOLD] = {"not told", false},  [ACCOUNT_MADE] = {"made", true},
    [ACCOUNT_REMADE] = {"remade", true},       [ACCOUNT_SPOILED] = {"spoiled", false},
    [ACCOUNT_DESTROYED] = {"destroyed", true}, [ACCOUNT_MISSING] = {"missing", false},
    [ACCOUNT_SET_ASIDE] = {"set aside", true},
};

const struct account_fault_word account_faults[ACCOUNT_FAULTS] = {
    {ACCOUNT_TWICE, "made-twice", "has two live cards"},
    {ACCOUNT_NO_AUTHORITY, "no-authority", "has a new card that no remake list allows"},
    {ACCOUNT_NOT_ORDERED, "not-ordered", "was set aside, and yet there is a card"},
    {ACCOUNT_OTHER_OBJECT, "other-object", "has another object identifier in the return file"},
    {ACCOUNT_OLD_PASS, "old-pass", "was made from an older pass than the last one"},
    {ACCOUNT_NO_FIRST_CARD, "no-first-card", "was made again, and nothing tells of the card before"},
    {ACCOUNT_CAME_BACK, "came-back", "was made on a card that was spoiled or destroyed before"},
    {ACCOUNT_TOO_MANY, "too-many-cards", "has more cards than can be followed"},
};

const char *account_state_name(enum account_state state)
{
    return (size_t)state < ACCOUNT_STATES ? states[state].name : "";
}

bool account_state_is_closed(enum account_state state)
{
    return (size_t)state < ACCOUNT_STATES && states[state].closed;
}

void account_begin(struct account *a, bool set_aside)
{
    memset(a, 0, sizeof(*a));
    a->set_aside = set_aside;
}

static struct account_card *find(struct account *a, const uint8_t *serial, size_t len)
{
    for (size_t i = 0; i < a->count; i++) {
        if (bytes_equal(a->cards[i].serial, a->cards[i].serial_len, serial, len)) return &a->cards[i];
    }
    return NULL;
}

static size_t live_count(const struct account *a)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += a->cards[i].live;
    return count;
}

static struct account_card *add_card(struct account *a, const struct account_event *e)
{
    if (a->count == ACCOUNT_CARDS_MAX) {
        a->faults |= ACCOUNT_TOO_MANY;
        return NULL;
    }
    struct account_card *card = &a->cards[a->count++];
    if (e->serial_len > 0 && e->serial_len <= RETURN_SERIAL_MAX) {
        memcpy(card->serial, e->serial, e->serial_len);
        card->serial_len = e->serial_len;
    }
    card->last = e->outcome;
    return card;
}

/* A list allows one card for the record, in place of the one that it names. */
static bool is_allowed(struct account *a, const struct account_event *e)
{
    if (e->outcome != RETURN_REMADE || !e->list_names_record) return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->cards[i].list == e->list) return false;
    }
    return e->list_serial_len == 0 || find(a, e->list_serial, e->list_serial_len) != NULL;
}

static void add_made(struct account *a, const struct account_event *e)
{
    struct account_card *card = find(a, e->serial, e->serial_len);
    if (card) { /* the same card, as another file told it; or one that was missing and is found */
        if (card->live) return;
        if (card->last != RETURN_MISSING) a->faults |= ACCOUNT_CAME_BACK;
        if (live_count(a) > 0) a->faults |= ACCOUNT_TWICE;
        card->live = true;
        card->last = e->outcome;
        return;
    }
    if (live_count(a) > 0) a->faults |= ACCOUNT_TWICE;
    if ((a->count > 0 || e->outcome == RETURN_REMADE) && !is_allowed(a, e)) a->faults |= ACCOUNT_NO_AUTHORITY;
    if (a->count == 0 && e->outcome == RETURN_REMADE) a->faults |= ACCOUNT_NO_FIRST_CARD;
    card = add_card(a, e);
    if (!card) return;
    card->live = true;
    card->list = e->list;
}

/* A card whose serial number nobody knows is the live one, if there is one. */
static struct account_card *find_ended(struct account *a, const struct account_event *e)
{
    for (size_t i = 0; e->serial_len == 0 && i < a->count; i++) {
        if (a->cards[i].live) return &a->cards[i];
    }
    return find(a, e->serial, e->serial_len);
}

static void add_ended(struct account *a, const struct account_event *e)
{
    struct account_card *card = find_ended(a, e);
    if (!card) card = add_card(a, e);
    if (!card) return;
    card->live = false;
    /* What is destroyed stays so, whichever file is read last. */
    if (card->last != RETURN_DESTROYED) card->last = e->outcome;
}

void account_add(struct account *a, const struct account_event *e)
{
    if (a->set_aside) a->faults |= ACCOUNT_NOT_ORDERED;
    if (e->other_object) a->faults |= ACCOUNT_OTHER_OBJECT;
    if (e->old_pass) a->faults |= ACCOUNT_OLD_PASS;
    if (e->outcome == RETURN_MADE || e->outcome == RETURN_REMADE)
        add_made(a, e);
    else
        add_ended(a, e);
}

const struct account_card *account_card(const struct account *a)
{
    for (size_t i = a->count; i > 0; i--) {
        if (a->cards[i - 1].live) return &a->cards[i - 1];
    }
    return a->count > 0 ? &a->cards[a->count - 1] : NULL;
}

enum account_state account_state(const struct account *a)
{
    const struct account_card *card = account_card(a);
    if (!card) return a->set_aside ? ACCOUNT_SET_ASIDE : ACCOUNT_NOT_TOLD;
    if (card->live) return card->list > 0 ? ACCOUNT_REMADE : ACCOUNT_MADE;
    if (card->last == RETURN_DESTROYED) return ACCOUNT_DESTROYED;
    return card->last == RETURN_MISSING ? ACCOUNT_MISSING : ACCOUNT_SPOILED;
}
