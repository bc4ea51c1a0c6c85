/* What a plan says of a key's life: dates, how much it may encrypt, and where copies of it go. */
#include <stdlib.h>
#include <string.h>

#include "config/plan_read.h"
#include "formats/date.h"

bool plan_read_date(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    struct date date;
    struct err why = ERR_INIT;
    if (!schema_scalar(value, &text, err)) return false;
    if (strlen(text) != 10 || text[4] != '-' || !date_read(text, strlen(text), &date, &why))
        return tree_error(value, err, "'%s' must be a date, YYYY-MM-DD", value->key);
    return schema_text(value, into, err);
}

static bool read_then(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"warn", "stop"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(bool *)into = index == 1;
    return true;
}

static bool read_blocks(const struct tree_node *value, void *into, struct err *err)
{
    return schema_number(value, 1, (uint64_t)1 << 40, into, err);
}

static const struct schema_field limit_fields[] = {
    {"blocks", SCHEMA_REQUIRED, read_blocks, offsetof(struct plan_limit, blocks)},
    {"then", SCHEMA_OPTIONAL, read_then, offsetof(struct plan_limit, stop)},
};
static const struct schema limit_schema = SCHEMA("a limit", limit_fields);

bool plan_read_limit(const struct tree_node *value, void *into, struct err *err)
{
    return schema_bind(value, &limit_schema, into, err);
}

static const struct schema_field hand_over_fields[] = {
    {"to", SCHEMA_REQUIRED, schema_text, offsetof(struct plan_hand_over, to)},
    {"under", SCHEMA_REQUIRED, schema_text, offsetof(struct plan_hand_over, under)},
    {"file", SCHEMA_REQUIRED, schema_file, offsetof(struct plan_hand_over, path)},
};
static const struct schema hand_over_schema = SCHEMA("a hand-over", hand_over_fields);

bool plan_read_hand_overs(const struct tree_node *value, void *into, struct err *err)
{
    struct plan_key *k = into;
    if (value->kind != TREE_SEQUENCE || !value->count || value->count > PLAN_HAND_OVERS_MAX)
        return tree_error(value, err, "'hand_over' is a list of 1 to %d", PLAN_HAND_OVERS_MAX);
    for (size_t i = 0; i < value->count; i++) {
        struct plan_hand_over *h = &k->hand_overs[k->hand_over_count++];
        h->line = value->items[i].line;
        if (!schema_bind(&value->items[i], &hand_over_schema, h, err)) return false;
    }
    return true;
}

static const char *role_at(const struct plan_key *k, const char *token)
{
    for (size_t i = 0; i < k->token_count; i++) {
        if (strcmp(k->tokens[i], token) == 0) return k->token_roles[i];
    }
    return "";
}

/* Can `by` carry the key to this token? RSA-OAEP has no room for a pair; and of a pair that is handed over itself the public
 * part is known only when the keys are made. */
static bool carries(const struct plan_key *by, const struct plan_key *k, const char *to)
{
    bool exchange = strcmp(role_at(by, to), "key-exchange-pair") == 0;
    if (exchange) return !k->bits && !by->hand_over_count;
    return strcmp(role_at(by, k->tokens[0]), "zcmk-sender") == 0 &&
           strcmp(role_at(by, to), "zcmk-receiver") == 0;
}

static bool check_hand_over(const struct tree_node *value, const struct plan *p, const struct plan_key *k,
                            const struct plan_hand_over *h, struct err *err)
{
    bool to_known = false, known = false, fits = false;
    for (size_t i = 1; i < k->token_count; i++)
        to_known = to_known || strcmp(k->tokens[i], h->to) == 0;
    if (!to_known)
        return tree_error(value, err, "hand_over: '%s' is not among the key's tokens behind the first",
                          h->to);
    for (const struct plan_key *by = p->keys; by < k; by++) {
        if (strcmp(by->name, h->under) != 0) continue;
        known = true;
        fits = fits || carries(by, k, h->to);
    }
    if (!known) return tree_error(value, err, "hand_over: no key '%s' stands before this one", h->under);
    if (fits) return true;
    if (k->bits)
        return tree_error(value, err, "hand_over: '%s' must be zcmk-sender on '%s' and zcmk-receiver on '%s'",
                          h->under, k->tokens[0], h->to);
    return tree_error(value, err,
                      "hand_over: '%s' must be zcmk-sender on '%s' and zcmk-receiver on '%s', or a "
                      "key-exchange-pair on '%s' that stays there",
                      h->under, k->tokens[0], h->to, h->to);
}

bool plan_check_life(const struct tree_node *value, const struct plan *p, const struct plan_key *k,
                     struct err *err)
{
    if (k->not_before && k->not_after && strcmp(k->not_before, k->not_after) > 0)
        return tree_error(value, err, "'not_after' lies before 'not_before'");
    for (size_t i = 0; i < k->hand_over_count; i++) {
        if (!check_hand_over(value, p, k, &k->hand_overs[i], err)) return false;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(k->hand_overs[i].to, k->hand_overs[j].to) == 0)
                return tree_error(value, err, "hand_over: '%s' gets the key twice", k->hand_overs[i].to);
        }
    }
    return true;
}

void plan_hand_overs_release(struct plan_key *k)
{
    for (size_t i = 0; i < k->hand_over_count; i++) {
        free(k->hand_overs[i].to);
        free(k->hand_overs[i].under);
        free(k->hand_overs[i].path);
    }
}
