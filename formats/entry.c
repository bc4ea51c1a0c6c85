#include "formats/entry.h"

#include <string.h>

enum { ELEN_LEN = 4, DLEN_LEN = 4, MKLEN_LEN = 2, MLEN_LEN = 1 };

/* MKLEN ‖ MACKEY or MLEN ‖ MAC: sealed has exactly sealed_len bytes, open has none. */
static bool read_seal_part(struct cur *c, const struct entry *entry, size_t len_bytes, size_t sealed_len,
                           const char *what, uint8_t *out, struct err *err)
{
    unsigned long long offset = cur_offset(c);
    uint64_t len = 0;
    const uint8_t *value = NULL;
    size_t expected = entry->sealed ? sealed_len : 0;
    if (!cur_take_be(c, len_bytes, &len, what, err)) return false;
    if (len != expected)
        return err_set(err, ERR_INPUT, "%s at offset %llu has %llu bytes; %s has %zu", what, offset,
                       (unsigned long long)len,
                       entry->sealed ? "a sealed entry" : "an open entry (KEKID zero)", expected);
    if (!cur_take(c, expected, &value, what, err)) return false;
    if (expected > 0) memcpy(out, value, expected);
    return true;
}

/* What ELEN counts: KEKID … MAC. */
static bool read_body(struct cur *c, struct entry *out, struct err *err)
{
    const uint8_t *kekid = NULL;
    uint64_t data_len = 0;
    if (!cur_take(c, KEKID_LEN, &kekid, "KEKID", err)) return false;
    memcpy(out->kekid, kekid, KEKID_LEN);
    out->sealed = !bytes_all(kekid, KEKID_LEN, 0);
    if (out->sealed && !kekid_is_valid(kekid))
        return err_set(err, ERR_INPUT, "no KEK identifier at offset %llu",
                       (unsigned long long)cur_offset(c) - KEKID_LEN);
    if (!cur_take_be(c, DLEN_LEN, &data_len, "DLEN", err)) return false;
    out->data_len = (size_t)data_len;
    out->data_offset = cur_offset(c);
    if (!cur_take(c, out->data_len, &out->data, "DATA", err)) return false;
    if (!read_seal_part(c, out, MKLEN_LEN, MACKEY_LEN, "MACKEY", out->mackey, err)) return false;
    out->maced_len = (size_t)(cur_offset(c) - out->offset);
    if (!read_seal_part(c, out, MLEN_LEN, MAC_LEN, "MAC", out->mac, err)) return false;
    if (cur_left(c) > 0)
        return err_set(err, ERR_INPUT, "ELEN counts %zu bytes behind the MAC at offset %llu", cur_left(c),
                       (unsigned long long)cur_offset(c));
    return true;
}

static bool read_entry(struct cur *c, struct entry *out, struct err *err)
{
    struct cur body;
    uint64_t aid_len = 0;
    uint64_t body_len = 0;
    const uint8_t *aid = NULL;
    if (!cur_take_be(c, 1, &aid_len, "AIDLEN", err)) return false;
    if (aid_len < AID_MIN || aid_len > AID_MAX)
        return err_set(err, ERR_INPUT, "AIDLEN is %llu, not %d to %d", (unsigned long long)aid_len, AID_MIN,
                       AID_MAX);
    if (!cur_take(c, (size_t)aid_len, &aid, "AID", err)) return false;
    out->aid_len = (size_t)aid_len;
    memcpy(out->aid, aid, out->aid_len);
    if (!cur_take_be(c, ELEN_LEN, &body_len, "ELEN", err)) return false;
    if (!cur_take_cur(c, (size_t)body_len, &body, "entry", err)) return false;
    return read_body(&body, out, err);
}

bool entry_read(struct cur *c, struct entry *out, struct err *err)
{
    struct cur ahead = *c;
    struct entry entry = {.offset = cur_offset(c)};
    if (!read_entry(&ahead, &entry, err)) {
        err_prefix(err, "entry at offset %llu", (unsigned long long)entry.offset);
        return false;
    }
    entry.len = (size_t)(cur_offset(&ahead) - entry.offset);
    if (!cur_take(c, entry.len, &entry.bytes, "entry", err)) return false;
    *out = entry;
    return true;
}

static bool same_aid(const struct entry *a, const struct entry *b)
{
    return bytes_equal(a->aid, a->aid_len, b->aid, b->aid_len);
}

static bool read_all(struct cur c, struct entry out[ENTRIES_MAX], size_t *count, struct err *err)
{
    *count = 0;
    while (cur_left(&c) > 0) {
        if (*count == ENTRIES_MAX) return err_set(err, ERR_INPUT, "more than %d entries", ENTRIES_MAX);
        struct entry *entry = &out[*count];
        if (!entry_read(&c, entry, err)) return false;
        for (size_t i = 0; i < *count; i++) {
            if (same_aid(&out[i], entry))
                return err_set(err, ERR_INPUT,
                               "entry at offset %llu: its AID stands twice, first at offset %llu",
                               (unsigned long long)entry->offset, (unsigned long long)out[i].offset);
        }
        (*count)++;
    }
    return true;
}

bool entry_read_all(const struct mic_group *chip, struct entry out[ENTRIES_MAX], size_t *count,
                    struct err *err)
{
    struct cur data = cur_make(chip->data, chip->len, chip->offset + MIC_GROUP_HEAD);
    if (read_all(data, out, count, err)) return true;
    *count = 0;
    err_prefix(err, "group %s at offset %llu", chip->name, (unsigned long long)chip->offset);
    return false;
}

static void put_head(struct buf *b, const struct entry *entry, size_t mackey_len, size_t mac_len)
{
    size_t body = KEKID_LEN + DLEN_LEN + entry->data_len + MKLEN_LEN + mackey_len + MLEN_LEN + mac_len;
    buf_put_be(b, entry->aid_len, 1);
    buf_put(b, entry->aid, entry->aid_len);
    buf_put_be(b, body, ELEN_LEN);
    buf_put(b, entry->kekid, KEKID_LEN);
    buf_put_be(b, entry->data_len, DLEN_LEN);
    buf_put(b, entry->data, entry->data_len);
    buf_put_be(b, mackey_len, MKLEN_LEN);
}

void entry_put_open(struct buf *b, const uint8_t *aid, size_t aid_len, const uint8_t *data, size_t data_len)
{
    struct entry entry = {.data = data, .data_len = data_len};
    /* A length that is no AID's marks the buf as failed. */
    entry.aid_len = aid_len <= AID_MAX ? aid_len : SIZE_MAX;
    if (aid_len <= AID_MAX) memcpy(entry.aid, aid, aid_len);
    put_head(b, &entry, 0, 0);
    buf_put_be(b, 0, MLEN_LEN);
}

void entry_put_sealed(struct buf *b, const struct entry *entry, size_t *begin, size_t *mac_end)
{
    *begin = b->len;
    put_head(b, entry, MACKEY_LEN, MAC_LEN);
    buf_put(b, entry->mackey, MACKEY_LEN);
    *mac_end = b->len;
    buf_put_be(b, MAC_LEN, MLEN_LEN);
}
