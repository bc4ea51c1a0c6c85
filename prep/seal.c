/* Sealing: each entry and the whole record under this worker's MAC key, which goes along wrapped:
 * docs/formats/mic-file.md. */
#include "prep/workshop.h"

#include <string.h>

static bool mac(struct workshop *w, const uint8_t *data, size_t len, uint8_t out[MAC_LEN], struct err *err)
{
    if (hsm_cmac(w->keys->master, &w->keys->mac_key, data, len, out, err)) return true;
    err_prefix(err, "MAC");
    return false;
}

bool seal_entry(struct workshop *w, const struct planned_application *a, struct buf *out, struct err *err)
{
    struct entry entry = {.aid_len = a->application->aid_len, .sealed = true};
    uint8_t code[MAC_LEN];
    size_t begin = 0, mac_end = 0;

    w->application = a;
    w->profile = a->application->profile;
    buf_clear(&w->data);
    binding_put(&w->data, &w->card->input->card);
    if (a->c2) tlv_put(&w->data, 0xC2, a->c2->data, a->c2->data_len);
    if (!assemble_application(w, &w->data, err)) return false;

    memcpy(entry.aid, a->application->aid, a->application->aid_len);
    memcpy(entry.kekid, w->keys->kek_name.kekid, KEKID_LEN);
    memcpy(entry.mackey, w->keys->mackey, MACKEY_LEN);
    entry.data = w->data.data;
    entry.data_len = w->data.len;
    entry_put_sealed(out, &entry, &begin, &mac_end);
    if (!buf_ok(out, "record", err)) return false;
    if (!mac(w, out->data + begin, mac_end - begin, code, err)) return false;
    buf_put(out, code, sizeof(code));
    return buf_ok(out, "record", err);
}

bool seal_record(struct workshop *w, size_t card_begin, struct buf *out, struct err *err)
{
    struct seal_group seal = {.mac = {0}};
    uint8_t code[MAC_LEN];
    size_t begin = 0, mac_end = 0;

    memcpy(seal.job_id, w->identity.job_id, JOB_ID_LEN);
    memcpy(seal.kekid, w->keys->kek_name.kekid, KEKID_LEN);
    memcpy(seal.mackey, w->keys->mackey, MACKEY_LEN);
    seal_group_put_begin(out, &seal, &begin, &mac_end);
    if (!buf_ok(out, "record", err)) return false;
    if (!mac(w, out->data + card_begin, mac_end - card_begin, code, err)) {
        err_prefix(err, "seal");
        return false;
    }
    seal_group_put_mac(out, begin, code);
    return true;
}
