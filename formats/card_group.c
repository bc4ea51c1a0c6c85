/* CARD and SEAL: the two groups of every card record. */
#include "formats/groups.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "formats/fields.h"

enum {
    SEAL_LEN = JOB_ID_LEN + KEKID_LEN + 2 + MACKEY_LEN + 1 + MAC_LEN,
    SEAL_MACED_LEN = SEAL_LEN - 1 - MAC_LEN
};

bool object_id_is_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool letter = (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z');
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!letter && !digit && text[i] != '.' && text[i] != '_' && text[i] != '-') return false;
    }
    return len >= 1 && len <= OBJECT_ID_MAX;
}

void object_id_default(char out[OBJECT_ID_MAX + 1], const uint8_t job_id[JOB_ID_LEN], uint64_t number)
{
    hex_write(out, OBJECT_ID_MAX + 1, job_id, JOB_ID_LEN, true);
    snprintf(out + 2 * JOB_ID_LEN, OBJECT_ID_MAX + 1 - 2 * JOB_ID_LEN, "-%llu", (unsigned long long)number);
}

static bool check_number(const struct tlv *tlv, void *out, struct err *err)
{
    if (((const struct card_group *)out)->number >= 1) return true;
    return field_refused(tlv, "record numbers count from 1", err);
}

static bool check_object_id(const struct tlv *tlv, void *out, struct err *err)
{
    if (object_id_is_valid(((const struct card_group *)out)->object_id, tlv->len)) return true;
    return field_refused(tlv, "a card object identifier is 1 to 64 of A-Z a-z 0-9 . _ -", err);
}

static const struct field card_fields[] = {
    {0xD2, "job id", FIELD_ONCE, FIELD_BYTES, JOB_ID_LEN, JOB_ID_LEN,
     .offset = offsetof(struct card_group, job_id)},
    {0xDA, "record number", FIELD_ONCE, FIELD_BE, 8, 8, .offset = offsetof(struct card_group, number),
     .read = check_number},
    {0xDB, "card object identifier", FIELD_ONCE, FIELD_TEXT, 1, OBJECT_ID_MAX,
     .offset = offsetof(struct card_group, object_id), .read = check_object_id},
};
enum { CARD_FIELD_COUNT = sizeof(card_fields) / sizeof(card_fields[0]) };

bool card_group_read(const struct mic_group *group, struct card_group *out, struct err *err)
{
    struct card_group card = {.number = 0};
    struct cur data = cur_make(group->data, group->len, group->offset + MIC_GROUP_HEAD);
    if (!fields_read(card_fields, CARD_FIELD_COUNT, FIELDS_ANY_ORDER, data, &card, err)) {
        err_prefix(err, "group " MIC_CARD " at offset %llu", (unsigned long long)group->offset);
        return false;
    }
    *out = card;
    return true;
}

void card_group_put(struct buf *b, const struct card_group *card)
{
    size_t begin = mic_put_group_begin(b, MIC_CARD);
    fields_put(b, card_fields, CARD_FIELD_COUNT, card);
    mic_put_group_end(b, begin);
}

static bool read_seal(struct cur c, struct seal_group *out, struct err *err)
{
    const uint8_t *at = NULL;
    uint64_t mackey_len = 0;
    uint64_t mac_len = 0;
    if (!cur_take(&c, JOB_ID_LEN, &at, "job id", err)) return false;
    memcpy(out->job_id, at, JOB_ID_LEN);
    if (!cur_take(&c, KEKID_LEN, &at, "KEKID", err)) return false;
    memcpy(out->kekid, at, KEKID_LEN);
    if (!kekid_is_valid(out->kekid))
        return err_set(err, ERR_INPUT, "no KEK identifier at offset %llu",
                       (unsigned long long)cur_offset(&c) - KEKID_LEN);
    if (!cur_take_be(&c, 2, &mackey_len, "MKLEN", err)) return false;
    if (mackey_len != MACKEY_LEN)
        return err_set(err, ERR_INPUT, "MKLEN is %llu, not %d", (unsigned long long)mackey_len, MACKEY_LEN);
    if (!cur_take(&c, MACKEY_LEN, &at, "MACKEY", err)) return false;
    memcpy(out->mackey, at, MACKEY_LEN);
    if (!cur_take_be(&c, 1, &mac_len, "MLEN", err)) return false;
    if (mac_len != MAC_LEN)
        return err_set(err, ERR_INPUT, "MLEN is %llu, not %d", (unsigned long long)mac_len, MAC_LEN);
    if (!cur_take(&c, MAC_LEN, &at, "MAC", err)) return false;
    memcpy(out->mac, at, MAC_LEN);
    if (cur_left(&c) > 0) return err_set(err, ERR_INPUT, "%zu bytes stand behind the MAC", cur_left(&c));
    return true;
}

bool seal_group_read(const struct mic_group *group, struct seal_group *out, struct err *err)
{
    struct seal_group seal = {.mac = {0}};
    if (!read_seal(cur_make(group->data, group->len, group->offset + MIC_GROUP_HEAD), &seal, err)) {
        err_prefix(err, "group " MIC_SEAL " at offset %llu", (unsigned long long)group->offset);
        return false;
    }
    *out = seal;
    return true;
}

void seal_group_put_begin(struct buf *b, const struct seal_group *seal, size_t *group_begin, size_t *mac_end)
{
    static const uint8_t no_mac[MAC_LEN];
    *group_begin = mic_put_group_begin(b, MIC_SEAL);
    buf_put(b, seal->job_id, JOB_ID_LEN);
    buf_put(b, seal->kekid, KEKID_LEN);
    buf_put_be(b, MACKEY_LEN, 2);
    buf_put(b, seal->mackey, MACKEY_LEN);
    *mac_end = b->len;
    buf_put_be(b, MAC_LEN, 1);
    /* LEN is MACed, so it has to be the final one already: with a place holder for the MAC, cut off again. */
    size_t end = b->len;
    buf_put(b, no_mac, MAC_LEN);
    mic_put_group_end(b, *group_begin);
    buf_truncate(b, end);
}

void seal_group_put_mac(struct buf *b, size_t group_begin, const uint8_t mac[MAC_LEN])
{
    buf_put(b, mac, MAC_LEN);
    mic_put_group_end(b, group_begin);
}

bool seal_maced_bytes(const struct mic_record *record, const uint8_t **bytes, size_t *len, struct err *err)
{
    const struct mic_group *card = record->group_count >= 2 ? &record->groups[0] : NULL;
    const struct mic_group *seal = card ? &record->groups[record->group_count - 1] : NULL;
    if (!card || strcmp(card->name, MIC_CARD) != 0 || strcmp(seal->name, MIC_SEAL) != 0)
        return err_set(err, ERR_INPUT,
                       "record at offset %llu does not begin with " MIC_CARD " and end with " MIC_SEAL,
                       (unsigned long long)record->offset);
    if (seal->len != SEAL_LEN)
        return err_set(err, ERR_INPUT, "group " MIC_SEAL " at offset %llu has %zu bytes, not %d",
                       (unsigned long long)seal->offset, seal->len, SEAL_LEN);
    struct cur c = cur_make(record->bytes, record->len, record->offset);
    size_t begin = (size_t)(card->offset - record->offset);
    size_t end = (size_t)(seal->offset - record->offset) + MIC_GROUP_HEAD + SEAL_MACED_LEN;
    const uint8_t *skipped = NULL;
    if (!cur_take(&c, begin, &skipped, "record", err)) return false;
    if (!cur_take(&c, end - begin, bytes, "record", err)) return false;
    *len = end - begin;
    return true;
}
