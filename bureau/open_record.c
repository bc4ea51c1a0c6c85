#include "bureau/open_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "bureau/translate.h"
#include "formats/dgi.h"

/* ---- MACs ---- */

/* The MAC key of the last MAC: a record's entries mostly share one. */
struct mac_checker {
    struct ring *ring;
    const uint8_t *kekid, *mackey; /* borrowed from the record */
    struct hsm_key key;
};

static bool mac_key(struct mac_checker *m, const uint8_t *kekid, const uint8_t *mackey, struct err *err)
{
    /* It verifies here and nothing else, so it need not be able to leave, as it must at the issuer. */
    const struct hsm_key_ref ref = {.name = "MAC key", .role = HSM_ROLE_CHANNEL_MAC, .algorithm = HSM_AES256};
    char text[2 * KEKID_LEN + 1];
    if (m->key.handle && bytes_equal(m->kekid, KEKID_LEN, kekid, KEKID_LEN) &&
        bytes_equal(m->mackey, MACKEY_LEN, mackey, MACKEY_LEN))
        return true;
    hsm_key_destroy(m->ring->t, &m->key);
    const struct ring_kek *kek = ring_kek(m->ring, kekid);
    hex_write(text, sizeof(text), kekid, KEKID_LEN, false);
    if (!kek) return err_set(err, ERR_CONFIG, "the settings have no KEK %s", text);
    if (!hsm_unwrap_kwp(m->ring->t, &kek->key, mackey, MACKEY_LEN, &ref, &m->key, err)) {
        err_prefix(err, "MAC key under KEK %s", text);
        if (hsm_unwrap_was_damaged(m->ring->t)) err->kind = ERR_INTEGRITY;
        return false;
    }
    m->kekid = kekid;
    m->mackey = mackey;
    return true;
}

static bool mac_is(struct mac_checker *m, const struct hsm_span *bytes, const uint8_t due[MAC_LEN],
                   struct err *err)
{
    uint8_t mac[MAC_LEN], differs = 0;
    if (!hsm_cmac(m->ring->t, &m->key, bytes->data, bytes->len, mac, err)) return false;
    for (size_t i = 0; i < MAC_LEN; i++)
        differs = (uint8_t)(differs | (mac[i] ^ due[i]));
    return differs == 0 || err_set(err, ERR_INTEGRITY, "the MAC does not verify");
}

static bool check_seal(struct open_record *o, struct mac_checker *m, struct err *err)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    const struct seal_group *seal = &o->card.seal;
    bool ok = seal_maced_bytes(&o->mic, &bytes, &len, err) && mac_key(m, seal->kekid, seal->mackey, err) &&
              mac_is(m, &(struct hsm_span){bytes, len}, seal->mac, err);
    if (!ok) err_prefix(err, "group " MIC_SEAL);
    return ok;
}

static bool check_macs(struct open_record *o, struct err *err)
{
    struct mac_checker m = {.ring = o->ring, .key = HSM_KEY_NONE};
    bool ok = check_seal(o, &m, err);
    for (size_t i = 0; ok && i < o->card.entry_count; i++) {
        const struct entry *e = &o->card.entries[i];
        if (!e->sealed) continue; /* SEAL covers it */
        ok = mac_key(&m, e->kekid, e->mackey, err) &&
             mac_is(&m, &(struct hsm_span){e->bytes, e->maced_len}, e->mac, err);
        if (!ok) err_prefix(err, "application %s", o->applications[i].name);
    }
    hsm_key_destroy(o->ring->t, &m.key);
    return ok;
}

/* ---- the record ---- */

/* Where the station did not tell the JOB group: one that lists what this record and our settings say. */
static bool assumed_job(const struct open_record *o, struct job_group *job, struct err *err)
{
    const struct mic_group *seal = mic_find(&o->mic, MIC_SEAL), *card = mic_find(&o->mic, MIC_CARD);
    struct seal_group s;
    struct card_group c;
    if (!seal || !card)
        return err_set(err, ERR_INPUT, "a card record has the groups " MIC_CARD " and " MIC_SEAL);
    if (!seal_group_read(seal, &s, err) || !card_group_read(card, &c, err)) return false;
    *job = (struct job_group){.planned = UINT64_MAX, .pass_count = 1, .chip_mic = MIC_CHIP_DEFAULT};
    memcpy(job->job_id, s.job_id, JOB_ID_LEN);
    memcpy(job->passes[0], c.job_id, JOB_ID_LEN);
    for (size_t i = 0; i < o->ring->kek_count && i < JOB_KEKS_MAX; i++)
        memcpy(job->keks[job->kek_count++].kekid, o->ring->keks[i].kekid, KEKID_LEN);
    return true;
}

bool open_record_check_job(const struct ring *r, const struct job_group *job, struct err *err)
{
    char text[2 * KEKID_LEN + 1];
    for (size_t i = 0; i < job->kek_count; i++) {
        const struct ring_kek *kek = ring_kek(r, job->keks[i].kekid);
        if (!kek || bytes_equal(kek->kcv, KEK_KCV_LEN, job->keks[i].kcv, KEK_KCV_LEN)) continue;
        hex_write(text, sizeof(text), kek->kekid, KEKID_LEN, false);
        return err_set(err, ERR_INTEGRITY, "KEK %s has another check value in group " MIC_JOB " (D7)", text);
    }
    return true;
}

static bool read_record(struct open_record *o, const struct job_group *job, struct err *err)
{
    struct job_group *assumed = NULL;
    bool ok = mic_parse_record(o->bytes.data, o->bytes.len, 0, &o->mic, err);
    if (ok && !job) {
        assumed = calloc(1, sizeof(*assumed));
        ok = assumed ? assumed_job(o, assumed, err) : err_set_no_memory(err);
        job = assumed;
    } else if (ok) {
        ok = open_record_check_job(o->ring, job, err);
    }
    ok = ok && card_record_read(&o->mic, job, &o->card, err);
    free(assumed);
    return ok;
}

static bool open_all(struct open_record *o, const struct job_group *job, unsigned flags, struct err *err)
{
    if (!read_record(o, job, err)) return false;
    o->applications = calloc(o->card.entry_count + 1, sizeof(*o->applications));
    if (!o->applications) return err_set_no_memory(err);
    o->application_count = o->card.entry_count;
    for (size_t i = 0; i < o->application_count; i++) {
        struct open_application *a = &o->applications[i];
        a->entry = &o->card.entries[i];
        hex_write(a->name, sizeof(a->name), a->entry->aid, a->entry->aid_len, false);
        buf_init(&a->loose, DGI_VALUE_MAX);
    }
    if (!(flags & OPEN_WITHOUT_MACS) && !check_macs(o, err)) return false;
    for (size_t i = 0; i < o->application_count; i++) {
        if (!open_application_fill(o, &o->applications[i], err)) return false;
    }
    return true;
}

bool open_record_new(struct open_record **out, struct ring *r, const struct job_group *job,
                     const struct hsm_span *record, unsigned flags, struct err *err)
{
    struct open_record *o = calloc(1, sizeof(*o));
    if (!o) return err_set_no_memory(err);
    o->ring = r;
    buf_init(&o->bytes, MIC_RECORD_MAX + MIC_DIGITS);
    buf_put(&o->bytes, record->data, record->len);
    bool ok = buf_ok(&o->bytes, "card record", err) && open_all(o, job, flags, err);
    if (ok && hsm_token_is_broken(r->t)) ok = err_set(err, ERR_TOKEN, "%s", hsm_token_why_broken(r->t));
    if (!ok) {
        open_record_free(o);
        return false;
    }
    *out = o;
    return true;
}

void open_record_free(struct open_record *o)
{
    if (!o) return;
    for (size_t i = 0; i < o->application_count; i++) {
        struct open_application *a = &o->applications[i];
        for (size_t k = 0; k < a->secret_count; k++)
            hsm_key_destroy(o->ring->t, &a->secrets[k].key);
        buf_release(&a->loose);
    }
    free(o->applications);
    buf_release(&o->bytes);
    free(o);
}

/* ---- in words ---- */

static void describe_item(const struct open_record *o, const struct open_item *item, struct buf *text)
{
    char way[TRANSLATE_WORDS];
    if (!item->secrets) {
        buf_put_format(text, "  DGI %04X: clear, %zu bytes\n", item->dgi, item->len);
        return;
    }
    for (size_t i = 0; i < item->secret_count; i++) {
        const struct open_secret *s = &item->secrets[i];
        buf_put_format(text, "  DGI %04X: secret %s, %s\n", item->dgi, s->wrapped.name,
                       secret_kind_row(s->wrapped.kind)->name);
        for (int aes = 0; aes < 2; aes++) {
            translate_words(&o->ring->abilities, item, aes == 1, way);
            buf_put_format(text, "    %s: %s\n", aes ? "SCP03" : "SCP02", way);
        }
    }
}

void open_record_describe(const struct open_record *o, struct buf *text)
{
    buf_put_format(text, "record %llu, %s\n", (unsigned long long)o->card.card.number,
                   o->card.card.object_id);
    for (size_t i = 0; i < o->application_count; i++) {
        const struct open_application *a = &o->applications[i];
        buf_put_format(text, "application %s%s\n", a->name, a->item_count == 0 ? ": nothing is loaded" : "");
        for (size_t k = 0; k < a->item_count; k++)
            describe_item(o, &a->items[k], text);
    }
}
