/* docs/formats/mic-file.md, "The chip group": order and rules of an entry's DATA, its binding and its MAC. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* What has gone by in the DATA of a sealed entry. */
struct walk {
    int stage; /* 0 nothing, 1 C1, 2 C2, 3 E1 or E2, 4 others */
    struct span_list dgis, names;
    struct secret before; /* .start NULL unless a secret stands directly before */
    struct span holder;   /* the entry's C2 when a key is made of it by complement: the purse's identifier */
    const uint8_t *crt;   /* kind 06, and a DGI of 8201-8205 that is not its own */
    const uint8_t *in_crt;
    struct rsa_private rsa;
};

static bool kek_id_is_valid(struct span id)
{
    size_t digits = 0;
    for (size_t i = 0; i < 8; i++) {
        uint8_t nibble = i % 2 ? id.at[i / 2] & 0xF : id.at[i / 2] >> 4;
        if (nibble <= 9 && digits == i)
            digits++;
        else if (nibble != 0xF)
            return false;
    }
    return digits >= 3 && span_number(span_of(id.at + 4, 2)) != 0;
}

static int compare_hash(const void *key, const void *item)
{
    return memcmp(key, item, 32);
}

static bool mac_key_is_listed(struct reader *r, struct span mackey)
{
    uint8_t hash[32];
    if (!crypto_sha256(mackey, hash)) return false;
    const uint8_t *found =
        r->end_hashes.len ? bsearch(hash, r->end_hashes.at, r->end_hashes.len / 32, 32, compare_hash) : NULL;
    if (found) r->hash_used[(size_t)(found - r->end_hashes.at) / 32] = true;
    return found;
}

bool mac_check(struct reader *r, struct span kek_id, struct span mackey, struct span covered, struct span mac)
{
    uint8_t key[40], made[16];
    struct span kek;
    size_t len, listed = 0;

    if (!kek_id_is_valid(kek_id)) return refuse(r, kek_id.at, "not a KEK identifier");
    if (mackey.len != 40) return refuse(r, covered.at + covered.len, "MACKEY is not 40 bytes");
    if (mac.len != 16) return refuse(r, covered.at + covered.len, "MAC is not 16 bytes");
    while (listed < r->job_keks.count && memcmp(r->job_keks.items[listed].at, kek_id.at, kek_id.len) != 0)
        listed++;
    if (listed == r->job_keks.count) return refuse(r, kek_id.at, "KEK is not in JOB's D7");
    r->kek_used[listed] = true;
    if (!keys_kek(r->keys, kek_id, &kek)) return refuse(r, kek_id.at, "KEK is not held");
    if (!(r->flags & READER_INCOMPLETE) && !mac_key_is_listed(r, mackey))
        return refuse(r, mackey.at, "MACKEY is not in END's CF");
    if (!crypto_kwp_unwrap(kek, mackey, key, &len) || len != 32)
        return refuse(r, mackey.at, "MACKEY does not unwrap to a key of 32 bytes");
    if (!crypto_cmac(span_of(key, 32), covered, made) || !span_is_equal(span_of(made, 16), mac))
        return refuse(r, mac.at, "MAC does not verify");
    return true;
}

/* C0-CF, D0-DE, E1 and E2 are the format's own. */
static bool tag_is_ours(uint32_t tag)
{
    return (tag >= 0xC0 && tag <= 0xCF) || (tag >= 0xD0 && tag <= 0xDE) || tag == 0xE1 || tag == 0xE2;
}

static bool check_open(struct reader *r, const struct entry *entry)
{
    struct span rest = entry->data;
    struct tlv tlv;
    if (entry->mackey.len || entry->mac.len)
        return refuse(r, entry->kek_id.at, "KEKID is zero, but there is a MACKEY or a MAC");
    while (rest.len) {
        if (!tlv_take(r, &rest, &tlv)) return false;
        if (tag_is_ours(tlv.tag)) return refuse(r, tlv.start, "tag %02X in an open entry", tlv.tag);
    }
    r->summary.open_entries++;
    return true;
}

static bool check_binding(struct reader *r, const struct tlv *c1)
{
    struct span rest = c1->value;
    if (rest.len != 24) return refuse(r, c1->start, "C1 is not 24 bytes");
    struct span job_id = span_take(&rest, 16);
    if (!span_is_equal(job_id, r->card.job_id))
        return refuse(r, c1->start, "binding: C1 has another job id than CARD");
    if (!span_is_equal(rest, r->card.number))
        return refuse(r, c1->start, "binding: C1 has another record number than CARD");
    return true;
}

static void note_crt(struct walk *w, const uint8_t *start, struct span dgi)
{
    uint64_t id = span_number(dgi);
    if (id >= 0x8201 && id <= 0x8205) w->in_crt = start;
}

static bool check_grouping(struct reader *r, const struct tlv *e2, struct walk *w)
{
    struct span dgi, value;
    if (!grouping_read(r, e2->value, &dgi, &value)) return false;
    if (span_list_find(&w->dgis, dgi) < w->dgis.count)
        return refuse(r, e2->start, "DGI %02X%02X stands twice", dgi.at[0], dgi.at[1]);
    span_list_add(&w->dgis, dgi);
    note_crt(w, e2->start, dgi);
    w->before = (struct secret){0};
    return true;
}

/* Secrets of one DGI: next to each other, one method, and one key of the card. */
static bool check_place(struct reader *r, const struct secret *s, struct walk *w,
                        const struct secret **before)
{
    *before = NULL;
    if (span_list_find(&w->names, s->name) < w->names.count)
        return refuse(r, s->name.at, "C3 names a second secret");
    span_list_add(&w->names, s->name);
    if (span_list_find(&w->dgis, s->dgi) == w->dgis.count) {
        span_list_add(&w->dgis, s->dgi);
        return true;
    }
    if (!w->before.start || !span_is_equal(w->before.dgi, s->dgi))
        return refuse(r, s->start, "DGI %02X%02X stands in two places", s->dgi.at[0], s->dgi.at[1]);
    if (w->before.method != s->method || !span_is_equal(w->before.static_key, s->static_key))
        return refuse(r, s->start, "DGI %02X%02X by two methods", s->dgi.at[0], s->dgi.at[1]);
    *before = &w->before;
    return true;
}

static bool check_secret(struct reader *r, const struct entry *entry, const struct tlv *e1, struct walk *w)
{
    const struct secret *before;
    struct secret s;
    struct master master;

    if (!secret_read(r, e1, &s) || !check_place(r, &s, w, &before)) return false;
    if (s.kind == KIND_RSA) {
        if (w->crt) return refuse(r, s.start, "a second secret of kind 06");
        w->crt = s.start;
    } else {
        note_crt(w, s.start, s.dgi);
    }
    if (!secret_check(r, entry, &s, before, &w->rsa)) return false;
    if (s.master.at && !s.own_c2.at && keys_master(r->keys, s.master, &master) && master.method == COMPLEMENT)
        w->holder = entry->c2;
    w->before = s;
    return true;
}

static bool check_element(struct reader *r, const struct entry *entry, const struct tlv *tlv, struct walk *w)
{
    int stage = tlv->tag == 0xC1 ? 1 : tlv->tag == 0xC2 ? 2 : tlv->tag == 0xE1 || tlv->tag == 0xE2 ? 3 : 4;
    if (w->stage == 0 && stage != 1) return refuse(r, tlv->start, "C1 is missing");
    if (stage < w->stage || (stage == w->stage && stage < 3))
        return refuse(r, tlv->start, "tag %02X is out of order", tlv->tag);
    w->stage = stage;
    if (stage == 1) return check_binding(r, tlv);
    if (stage == 2) return tlv->value.len || refuse(r, tlv->start, "C2 is empty");
    if (stage == 4)
        return !tag_is_ours(tlv->tag) || refuse(r, tlv->start, "tag %02X does not belong here", tlv->tag);
    if (tlv->tag == 0xE2) return check_grouping(r, tlv, w);
    return check_secret(r, entry, tlv, w);
}

static bool check_sealed(struct reader *r, const struct entry *entry)
{
    struct walk w = {0};
    struct span rest = entry->data;
    struct tlv tlv;
    bool ok = mac_check(r, entry->kek_id, entry->mackey, entry->covered, entry->mac);

    if (ok && rest.len == 0) ok = refuse(r, rest.at, "C1 is missing");
    while (ok && rest.len)
        ok = tlv_take(r, &rest, &tlv) && check_element(r, entry, &tlv, &w);
    if (ok && w.crt && w.in_crt) ok = refuse(r, w.in_crt, "a DGI of 8201 to 8205 beside a kind 06");
    ok = ok && chain_check(r, entry, &w.rsa, w.holder);
    rsa_private_release(&w.rsa);
    span_list_release(&w.dgis);
    span_list_release(&w.names);
    return ok;
}

bool entry_check(struct reader *r, const struct entry *entry)
{
    char aid[33] = "";
    for (size_t i = 0; i < entry->aid.len; i++) {
        aid[2 * i] = "0123456789ABCDEF"[entry->aid.at[i] >> 4];
        aid[2 * i + 1] = "0123456789ABCDEF"[entry->aid.at[i] & 0xF];
    }
    name_part(r, "entry %s", aid);
    r->summary.entries++;
    return entry_is_open(entry) ? check_open(r, entry) : check_sealed(r, entry);
}
