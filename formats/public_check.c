#include "formats/public_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "formats/chain.h"

struct public_check {
    struct chain_checker *chains;
    struct public_counts counts;
    struct entry entries[ENTRIES_MAX];
};

bool public_check_new(struct public_check **out, const struct emv_ca_key *ca_keys, size_t count,
                      struct err *err)
{
    struct public_check *c = calloc(1, sizeof(*c));
    if (!c) return err_set_no_memory(err);
    if (!chain_checker_new(&c->chains, ca_keys, count, err)) {
        free(c);
        return false;
    }
    *out = c;
    return true;
}

void public_check_free(struct public_check *c)
{
    if (!c) return;
    chain_checker_free(c->chains);
    free(c);
}

const struct public_counts *public_check_counts(const struct public_check *c)
{
    return &c->counts;
}

static void count_chain(struct public_counts *n, const struct entry *entry, const struct chain_result *r)
{
    n->issuer_certificates += r->certificates && !r->no_ca_key;
    n->static_data += r->static_data;
    n->card_certificates += r->card;
    n->key_pairs += r->key_pair;
    n->no_ca_key += r->no_ca_key;
    if (!r->no_ca_key || n->missing_ca[0]) return;
    char rid[11];
    hex_write(rid, sizeof(rid), entry->aid, AID_MIN, false);
    snprintf(n->missing_ca, sizeof(n->missing_ca), "RID %s index %02X", rid, r->ca_index);
}

static bool count_secrets(struct public_counts *n, const struct entry *entry, struct err *err)
{
    struct entry_walk walk;
    struct entry_item item = {.kind = ITEM_BINDING};
    entry_walk_begin(&walk, entry);
    while (item.kind != ITEM_END) {
        if (!entry_walk_next(&walk, &item, err)) return false;
        n->secrets += item.kind == ITEM_SECRET;
    }
    return true;
}

static bool check_entry(struct public_check *c, const struct entry *entry, const struct card_group *card,
                        struct err *err)
{
    struct chain_result chain;
    if (!entry->sealed) {
        c->counts.entries_open++;
        return entry_check_open(entry, err);
    }
    c->counts.entries_sealed++;
    if (!entry_check(entry, card, err) || !count_secrets(&c->counts, entry, err)) return false;
    if (!chain_check(c->chains, entry, &chain, err)) return false;
    count_chain(&c->counts, entry, &chain);
    return true;
}

bool public_check_record(struct public_check *c, const struct mic_record *record,
                         const struct card_group *card, const char *chip_mic, struct err *err)
{
    const struct mic_group *chip = mic_find(record, chip_mic);
    size_t count = 0;

    c->counts.records++;
    c->counts.seals++;
    if (!chip) return true;
    if (!entry_read_all(chip, c->entries, &count, err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (check_entry(c, &c->entries[i], card, err)) continue;
        char aid[2 * AID_MAX + 1];
        hex_write(aid, sizeof(aid), c->entries[i].aid, c->entries[i].aid_len, false);
        err_prefix(err, "application %s", aid);
        return false;
    }
    return true;
}
