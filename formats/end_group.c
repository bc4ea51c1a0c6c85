#include "formats/groups.h"

#include <string.h>

#include "formats/fields.h"

enum { NUMBER_LEN = 8, ECDSA_P256_LEN = 64 };

#define SIGNING_CONTEXT "cardprep-mic-end-1"

/* Rising means strictly: what stands twice does not rise. */
static bool check_list(const struct tlv *tlv, size_t item, struct err *err)
{
    if (tlv->len == 0) return field_refused(tlv, "is empty; it should be absent", err);
    if (tlv->len % item != 0)
        return err_set(err, ERR_INPUT, "tag %02X at offset %llu: %zu bytes are not a multiple of %zu",
                       (unsigned)tlv->tag, (unsigned long long)tlv->offset, tlv->len, item);
    for (size_t i = 1; i < tlv->len / item; i++) {
        const uint8_t *this = tlv->value + i * item;
        if (memcmp(this - item, this, item) >= 0) return field_refused(tlv, "its items do not rise", err);
    }
    return true;
}

static bool read_set_aside(const struct tlv *tlv, void *out, struct err *err)
{
    struct end_group *end = out;
    if (!check_list(tlv, NUMBER_LEN, err)) return false;
    if (bytes_be(tlv->value, NUMBER_LEN) == 0) return field_refused(tlv, "record numbers count from 1", err);
    end->set_aside = tlv->value;
    end->set_aside_count = tlv->len / NUMBER_LEN;
    return true;
}

static void put_set_aside(struct buf *b, uint32_t tag, const void *in)
{
    const struct end_group *end = in;
    if (end->set_aside_count > 0) tlv_put(b, tag, end->set_aside, end->set_aside_count * NUMBER_LEN);
}

static bool read_mackeys(const struct tlv *tlv, void *out, struct err *err)
{
    struct end_group *end = out;
    if (!check_list(tlv, SHA256_LEN, err)) return false;
    end->mackey_hashes = tlv->value;
    end->mackey_hash_count = tlv->len / SHA256_LEN;
    return true;
}

static void put_mackeys(struct buf *b, uint32_t tag, const void *in)
{
    const struct end_group *end = in;
    if (end->mackey_hash_count > 0) tlv_put(b, tag, end->mackey_hashes, end->mackey_hash_count * SHA256_LEN);
}

static bool read_algorithm(const struct tlv *tlv, void *out, struct err *err)
{
    struct end_group *end = out;
    if (tlv->value[0] != SIGNATURE_RSA_SHA256 && tlv->value[0] != SIGNATURE_ECDSA_P256_SHA256)
        return field_refused(tlv, "unknown signature algorithm", err);
    end->algorithm = (enum signature_algorithm)tlv->value[0];
    return true;
}

static void put_algorithm(struct buf *b, uint32_t tag, const void *in)
{
    tlv_put_be(b, tag, (uint64_t)((const struct end_group *)in)->algorithm, 1);
}

static bool check_signature(const struct tlv *tlv, void *out, struct err *err)
{
    const struct end_group *end = out;
    if (end->algorithm == SIGNATURE_ECDSA_P256_SHA256 && tlv->len != ECDSA_P256_LEN)
        return field_refused(tlv, "an ECDSA P-256 signature has 64 bytes", err);
    return true;
}

#define END(member) .offset = offsetof(struct end_group, member)
static const struct field fields[] = {
    {0xD2, "job id", FIELD_ONCE, FIELD_BYTES, JOB_ID_LEN, JOB_ID_LEN, END(job_id)},
    {0xDC, "number of card records", FIELD_ONCE, FIELD_BE, 8, 8, END(count)},
    {0xCC, "records set aside", FIELD_OPTIONAL, FIELD_OWN, 0, TLV_VALUE_MAX, .read = read_set_aside,
     .put = put_set_aside},
    {0xCF, "hashes of MACKEYs", FIELD_OPTIONAL, FIELD_OWN, 0, TLV_VALUE_MAX, .read = read_mackeys,
     .put = put_mackeys},
    {0xDD, "hash of the file", FIELD_ONCE, FIELD_BYTES, SHA256_LEN, SHA256_LEN, END(file_hash)},
    {0xDE, "signing key", FIELD_ONCE, FIELD_BYTES, SHA256_LEN, SHA256_LEN, END(signer)},
    {0xCA, "signature algorithm", FIELD_ONCE, FIELD_OWN, 1, 1, .read = read_algorithm, .put = put_algorithm},
    {0xCB, "signature", FIELD_ONCE, FIELD_SPAN, 1, SIGNATURE_MAX, END(signature),
     .len_offset = offsetof(struct end_group, signature_len), .read = check_signature},
};
/* The signature's row is the last; what precedes it is signed. */
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]), SIGNED_FIELD_COUNT = FIELD_COUNT - 1 };

bool end_group_read(const struct mic_group *group, struct end_group *out, struct err *err)
{
    struct end_group end = {.count = 0};
    struct cur data = cur_make(group->data, group->len, group->offset + MIC_GROUP_HEAD);
    if (!fields_read(fields, FIELD_COUNT, FIELDS_TABLE_ORDER, data, &end, err)) {
        err_prefix(err, "group " MIC_END " at offset %llu", (unsigned long long)group->offset);
        return false;
    }
    end.signed_len = group->len - tlv_size(fields[SIGNED_FIELD_COUNT].tag, end.signature_len);
    *out = end;
    return true;
}

void end_group_put_signed(struct buf *b, const struct end_group *end)
{
    fields_put(b, fields, SIGNED_FIELD_COUNT, end);
}

void end_group_put(struct buf *b, const struct buf *signed_part, const uint8_t *signature,
                   size_t signature_len)
{
    size_t record = mic_put_record_begin(b);
    size_t group = mic_put_group_begin(b, MIC_END);
    buf_put(b, signed_part->data, signed_part->len);
    tlv_put(b, fields[SIGNED_FIELD_COUNT].tag, signature, signature_len);
    mic_put_group_end(b, group);
    mic_put_record_end(b, record);
}

void end_group_to_be_signed(struct buf *b, const uint8_t *signed_part, size_t len)
{
    buf_put_text(b, SIGNING_CONTEXT);
    buf_put_u8(b, 0);
    buf_put(b, signed_part, len);
}
