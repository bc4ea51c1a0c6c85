#include "formats/groups.h"

#include <string.h>

#include "formats/fields.h"

enum { FORMAT_VERSION = 0x01 };

static bool read_version(const struct tlv *tlv, void *out, struct err *err)
{
    (void)out;
    if (tlv->value[0] == FORMAT_VERSION) return true;
    return err_set(err, ERR_INPUT, "tag D1 at offset %llu: format version %u is not known, only %d",
                   (unsigned long long)tlv->offset, tlv->value[0], FORMAT_VERSION);
}

static void put_version(struct buf *b, uint32_t tag, const void *in)
{
    (void)in;
    tlv_put_be(b, tag, FORMAT_VERSION, 1);
}

/* "0000-00-00T00:00:00Z": 0 stands for any digit. */
static bool has_shape(const char *text, const char *shape)
{
    for (size_t i = 0; shape[i] != '\0'; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == '0' ? !digit : text[i] != shape[i]) return false;
    }
    return true;
}

static unsigned two_digits(const char *text)
{
    return 10u * (unsigned)(text[0] - '0') + (unsigned)(text[1] - '0');
}

static unsigned days_of(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool check_created(const struct tlv *tlv, void *out, struct err *err)
{
    const char *text = ((const struct job_group *)out)->created;
    bool ok = has_shape(text, "0000-00-00T00:00:00Z");
    if (ok) {
        unsigned year = 100 * two_digits(text) + two_digits(text + 2);
        unsigned month = two_digits(text + 5);
        unsigned day = two_digits(text + 8);
        ok = month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month) &&
             two_digits(text + 11) <= 23 && two_digits(text + 14) <= 59 && two_digits(text + 17) <= 59;
    }
    return ok ? true : field_refused(tlv, "is no time YYYY-MM-DDThh:mm:ssZ", err);
}

static bool read_kek(const struct tlv *tlv, void *out, struct err *err)
{
    struct job_group *job = out;
    struct job_kek kek;
    memcpy(kek.kekid, tlv->value, KEKID_LEN);
    memcpy(kek.kcv, tlv->value + KEKID_LEN, KEK_KCV_LEN);
    if (!kekid_is_valid(kek.kekid)) return field_refused(tlv, "no KEK identifier", err);
    if (job_group_kek(job, kek.kekid)) return field_refused(tlv, "this KEK identifier stands twice", err);
    if (job->kek_count == JOB_KEKS_MAX) return field_refused(tlv, "too many KEKs", err);
    job->keks[job->kek_count++] = kek;
    return true;
}

static void put_keks(struct buf *b, uint32_t tag, const void *in)
{
    const struct job_group *job = in;
    for (size_t i = 0; i < job->kek_count; i++) {
        uint8_t value[KEKID_LEN + KEK_KCV_LEN];
        memcpy(value, job->keks[i].kekid, KEKID_LEN);
        memcpy(value + KEKID_LEN, job->keks[i].kcv, KEK_KCV_LEN);
        tlv_put(b, tag, value, sizeof(value));
    }
}

static bool read_pass(const struct tlv *tlv, void *out, struct err *err)
{
    struct job_group *job = out;
    if (job_group_has_pass(job, tlv->value)) return field_refused(tlv, "this earlier pass stands twice", err);
    if (job->pass_count == JOB_PASSES_MAX) return field_refused(tlv, "too many earlier passes", err);
    memcpy(job->passes[job->pass_count++], tlv->value, JOB_ID_LEN);
    return true;
}

static void put_passes(struct buf *b, uint32_t tag, const void *in)
{
    const struct job_group *job = in;
    for (size_t i = 0; i < job->pass_count; i++)
        tlv_put(b, tag, job->passes[i], JOB_ID_LEN);
}

static bool check_chip_mic(const struct tlv *tlv, void *out, struct err *err)
{
    const struct job_group *job = out;
    if (!mic_is_name(job->chip_mic)) return field_refused(tlv, "is no MIC", err);
    if (mic_is_reserved(job->chip_mic)) return field_refused(tlv, "the chip group has a reserved MIC", err);
    return true;
}

static bool read_shard(const struct tlv *tlv, void *out, struct err *err)
{
    struct job_group *job = out;
    job->shard = (uint16_t)bytes_be(tlv->value, 2);
    job->shards = (uint16_t)bytes_be(tlv->value + 2, 2);
    if (job->shard >= 1 && job->shard <= job->shards) return true;
    return err_set(err, ERR_INPUT, "tag CE at offset %llu: there is no shard %u of %u",
                   (unsigned long long)tlv->offset, job->shard, job->shards);
}

static void put_shard(struct buf *b, uint32_t tag, const void *in)
{
    const struct job_group *job = in;
    tlv_put_be(b, tag, (uint64_t)job->shard << 16 | job->shards, 4);
}

/* The number of the first record fits the shard and the number of planned records; what the other shards hold
 * is not known here. A shard for which nothing was planned begins one behind the last record. */
static bool check_first_record(const struct job_group *job, struct err *err)
{
    unsigned long long first = job->first_record;
    if (first == 0) return err_set(err, ERR_INPUT, "tag D5: record numbers count from 1");
    if (job->shard == 1 && first != 1)
        return err_set(err, ERR_INPUT, "tag D5: the first shard begins with record %llu, not 1", first);
    if (first - 1 > job->planned)
        return err_set(err, ERR_INPUT, "tag D5: the first record is %llu, but tag DC plans only %llu", first,
                       (unsigned long long)job->planned);
    return true;
}

#define JOB(member) .offset = offsetof(struct job_group, member)
static const struct field fields[] = {
    {0xD1, "format version", FIELD_ONCE, FIELD_OWN, 1, 1, .read = read_version, .put = put_version},
    {0xD2, "job id", FIELD_ONCE, FIELD_BYTES, JOB_ID_LEN, JOB_ID_LEN, JOB(job_id)},
    {0xD3, "job name", FIELD_ONCE, FIELD_TEXT, 0, JOB_NAME_MAX, JOB(name)},
    {0xD4, "hash of the settings", FIELD_ONCE, FIELD_BYTES, SHA256_LEN, SHA256_LEN, JOB(settings_hash)},
    {0xD5, "first record", FIELD_ONCE, FIELD_BE, 8, 8, JOB(first_record)},
    {0xD6, "time of creation", FIELD_ONCE, FIELD_TEXT, 20, 20, JOB(created), .read = check_created},
    {0xD7, "KEK", FIELD_MANY, FIELD_OWN, KEKID_LEN + KEK_KCV_LEN, KEKID_LEN + KEK_KCV_LEN, .read = read_kek,
     .put = put_keks},
    {0xD8, "program", FIELD_ONCE, FIELD_TEXT, 0, sizeof(((struct job_group *)NULL)->program) - 1,
     JOB(program)},
    {0xD9, "earlier pass", FIELD_MANY, FIELD_OWN, JOB_ID_LEN, JOB_ID_LEN, .read = read_pass,
     .put = put_passes},
    {0xD0, "MIC of the chip group", FIELD_ONCE, FIELD_TEXT, 1, MIC_NAME_MAX, JOB(chip_mic),
     .read = check_chip_mic},
    {0xDC, "planned records", FIELD_ONCE, FIELD_BE, 8, 8, JOB(planned)},
    {0xCE, "shard", FIELD_ONCE, FIELD_OWN, 4, 4, .read = read_shard, .put = put_shard},
};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

bool job_group_read(const struct mic_group *group, struct job_group *out, struct err *err)
{
    struct job_group job = {.kek_count = 0};
    struct cur data = cur_make(group->data, group->len, group->offset + MIC_GROUP_HEAD);
    bool ok =
        fields_read(fields, FIELD_COUNT, FIELDS_ANY_ORDER, data, &job, err) && check_first_record(&job, err);
    if (ok && job_group_has_pass(&job, job.job_id))
        ok = err_set(err, ERR_INPUT, "the job's own id stands among the earlier passes (tag D9)");
    if (!ok) {
        err_prefix(err, "group " MIC_JOB " at offset %llu", (unsigned long long)group->offset);
        return false;
    }
    *out = job;
    return true;
}

void job_group_put(struct buf *b, const struct job_group *job)
{
    size_t record = mic_put_record_begin(b);
    size_t group = mic_put_group_begin(b, MIC_JOB);
    fields_put(b, fields, FIELD_COUNT, job);
    mic_put_group_end(b, group);
    mic_put_record_end(b, record);
}

const struct job_kek *job_group_kek(const struct job_group *job, const uint8_t kekid[KEKID_LEN])
{
    for (size_t i = 0; i < job->kek_count; i++) {
        if (bytes_equal(job->keks[i].kekid, KEKID_LEN, kekid, KEKID_LEN)) return &job->keks[i];
    }
    return NULL;
}

const uint8_t *job_group_first_job(const struct job_group *job)
{
    return job->pass_count > 0 ? job->passes[0] : job->job_id;
}

bool job_group_has_pass(const struct job_group *job, const uint8_t job_id[JOB_ID_LEN])
{
    for (size_t i = 0; i < job->pass_count; i++) {
        if (bytes_equal(job->passes[i], JOB_ID_LEN, job_id, JOB_ID_LEN)) return true;
    }
    return false;
}
