#include "card/state.h"

#include <string.h>

#include "base/secret.h"

enum { ENTRY_HEAD = 5, SEQUENCE_MAX = 0xFFFFFF };

bool state_next(const struct card_state *s, size_t *at, struct card_group *out)
{
    const uint8_t *entry = s->store + *at;

    if (*at >= s->store_len) return false;
    *out = (struct card_group){.app = entry[0],
                               .dgi = (uint16_t)(entry[1] << 8 | entry[2]),
                               .value = entry + ENTRY_HEAD,
                               .len = (size_t)entry[3] << 8 | entry[4]};
    *at += ENTRY_HEAD + out->len;
    return true;
}

bool state_find(const struct card_state *s, size_t app, uint16_t dgi, struct card_group *out)
{
    size_t at = 0;
    while (state_next(s, &at, out)) {
        if (out->app == app && out->dgi == dgi) return true;
    }
    return false;
}

static void cut(struct card_state *s, size_t from, size_t to)
{
    memmove(s->store + from, s->store + to, s->store_len - to);
    s->store_len -= to - from;
    wipe(s->store + s->store_len, to - from);
}

bool state_put(struct card_state *s, size_t app, uint16_t dgi, const uint8_t *value, size_t len)
{
    struct card_group old;
    size_t freed = state_find(s, app, dgi, &old) ? ENTRY_HEAD + old.len : 0;

    if (len > 0xFFFF || ENTRY_HEAD + len > CARD_STORE_MAX - (s->store_len - freed)) return false;
    if (freed) {
        size_t from = (size_t)(old.value - s->store) - ENTRY_HEAD;
        cut(s, from, from + freed);
    }
    uint8_t head[ENTRY_HEAD] = {(uint8_t)app, (uint8_t)(dgi >> 8), (uint8_t)dgi, (uint8_t)(len >> 8),
                                (uint8_t)len};
    memcpy(s->store + s->store_len, head, ENTRY_HEAD);
    if (len) memcpy(s->store + s->store_len + ENTRY_HEAD, value, len);
    s->store_len += ENTRY_HEAD + len;
    return true;
}

void state_drop(struct card_state *s, size_t app)
{
    struct card_group group;
    size_t at = 0, from = 0;

    while (state_next(s, &at, &group)) {
        if (group.app == app) {
            cut(s, from, at);
            at = from;
        }
        from = at;
    }
}

struct card_keyset *state_keyset(struct card_state *s, uint8_t version)
{
    for (size_t i = 0; i < CARD_KEYSETS_MAX; i++) {
        struct card_keyset *set = &s->keysets[i];
        if (set->version && (version == 0 || set->version == version)) return set;
    }
    return NULL;
}

bool state_scp_is_valid(uint8_t scp, uint8_t i)
{
    static const struct {
        uint8_t scp, i;
    } known[] = {{2, 0x15}, {2, 0x35}, {2, 0x55}, {2, 0x75}, {3, 0x00},
                 {3, 0x10}, {3, 0x20}, {3, 0x30}, {3, 0x60}, {3, 0x70}};
    for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
        if (known[k].scp == scp && known[k].i == i) return true;
    }
    return false;
}

bool state_life_is_valid(uint8_t life)
{
    return life == CARD_OP_READY || life == CARD_INITIALIZED || life == CARD_SECURED || life == CARD_LOCKED ||
           life == CARD_TERMINATED;
}

bool state_keyset_is_valid(const struct card_keyset *set, uint8_t scp)
{
    uint8_t type = scp == 2 ? CARD_KEY_DES : CARD_KEY_AES;

    if (set->version == 0 || (set->version > 0x7F && set->version != 0xFF)) return false;
    for (size_t k = 0; k < KEY_COUNT; k++) {
        const struct card_key *key = &set->key[k];
        if (key->type != type || !card_key_is_sound(key) || key->len != set->key[0].len) return false;
        if (scp == 2 && key->len != 16) return false;
    }
    return true;
}

static bool check_keysets(const struct card_state *s, struct err *err)
{
    unsigned count = 0;
    for (size_t i = 0; i < CARD_KEYSETS_MAX; i++) {
        const struct card_keyset *set = &s->keysets[i];
        if (set->version == 0) continue;
        count++;
        if (!state_keyset_is_valid(set, s->scp))
            return err_set(err, ERR_INPUT, "key set %02X: its version or keys do not fit SCP%02u",
                           set->version, s->scp);
        if (set->failures > CARD_ATTEMPTS_MAX || set->sequence > SEQUENCE_MAX)
            return err_set(err, ERR_INPUT, "key set %02X: a counter is too large", set->version);
        for (size_t k = 0; k < i; k++) {
            if (s->keysets[k].version == set->version)
                return err_set(err, ERR_INPUT, "key set %02X is there twice", set->version);
        }
    }
    return count || err_set(err, ERR_INPUT, "there is no key set");
}

static bool check_app(const struct card_state *s, size_t index, struct err *err)
{
    const struct card_app *app = &s->apps[index];
    unsigned number = (unsigned)index + 1;

    if (app->kind == APP_NONE) return true;
    if (app->kind > APP_LOYALTY || app->aid_len < CARD_AID_MIN || app->aid_len > CARD_AID_MAX)
        return err_set(err, ERR_INPUT, "application %u: its kind or the length of its AID is unknown",
                       number);
    if ((app->life != APP_SELECTABLE && app->life != APP_PERSONALIZED) || app->locked > 1)
        return err_set(err, ERR_INPUT, "application %u: its life cycle state is unknown", number);
    if (app->pin_left > app->pin_limit || app->last_online > app->atc)
        return err_set(err, ERR_INPUT, "application %u: a counter is too large", number);
    for (size_t k = 0; k < index; k++) {
        const struct card_app *other = &s->apps[k];
        if (other->kind && other->aid_len == app->aid_len && memcmp(other->aid, app->aid, app->aid_len) == 0)
            return err_set(err, ERR_INPUT, "application %u has the AID of another", number);
    }
    return true;
}

static bool check_store(const struct card_state *s, struct err *err)
{
    struct card_group group, same;
    size_t at = 0;

    while (at < s->store_len) {
        if (s->store_len - at < ENTRY_HEAD) return err_set(err, ERR_INPUT, "the last grouping is cut");
        if (!state_next(s, &at, &group) || at > s->store_len)
            return err_set(err, ERR_INPUT, "grouping %04X is cut", group.dgi);
        if (group.app >= CARD_APPS_MAX || s->apps[group.app].kind == APP_NONE)
            return err_set(err, ERR_INPUT, "grouping %04X is no application's", group.dgi);
        if (!state_find(s, group.app, group.dgi, &same) || same.value != group.value)
            return err_set(err, ERR_INPUT, "grouping %04X is there twice", group.dgi);
    }
    return true;
}

bool state_check(const struct card_state *s, struct err *err)
{
    if (!state_scp_is_valid(s->scp, s->i))
        return err_set(err, ERR_INPUT, "there is no SCP%02u with i = %02X here", s->scp, s->i);
    if (s->protocol > CARD_T1_EXTENDED)
        return err_set(err, ERR_INPUT, "transmission protocol %u is unknown", s->protocol);
    if (!state_life_is_valid(s->life))
        return err_set(err, ERR_INPUT, "life cycle state %02X is unknown", s->life);
    if (!check_keysets(s, err)) return false;
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        if (!check_app(s, i, err)) return false;
    }
    return check_store(s, err);
}
