/* docs/formats/mic-file.md: the file from its first digit to its last, record by record. END comes
 * first, as it must for whoever uses the records. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reader.h"

static bool single_group(struct reader *r, struct span groups, const char *mic, struct span *data)
{
    struct group group;
    if (!group_next(r, &groups, &group)) return false;
    if (!mic_is(group.mic, mic)) return refuse(r, group.start, "group %s expected", mic);
    if (groups.len) return refuse(r, groups.at, "a second group in the %s record", mic);
    *data = group.data;
    return true;
}

/* YYYY-MM-DDThh:mm:ssZ */
static bool is_time(struct span s)
{
    static const char FORM[] = "%Y-%m-%dT%H:%M:%SZ";
    char text[21] = "", again[21];
    struct tm tm = {0};
    memcpy(text, s.at, 20);
    const char *end = strptime(text, FORM, &tm);
    time_t seconds = timegm(&tm); /* normalises what is no date */
    return end && *end == '\0' && gmtime_r(&seconds, &tm) &&
           strftime(again, sizeof(again), FORM, &tm) == 20 && memcmp(text, again, 20) == 0;
}

enum {
    J_VERSION,
    J_ID,
    J_NAME,
    J_SETTINGS,
    J_FIRST,
    J_TIME,
    J_KEK,
    J_PROGRAM,
    J_PAST,
    J_CHIP,
    J_COUNT,
    J_SHARD,
    J_N
};
static const struct tag_rule JOB_RULES[J_N] = {
    {0xD1, NEEDED, 1, 1},    {0xD2, NEEDED, 16, 16}, {0xD3, NEEDED, 0, SIZE_MAX}, {0xD4, NEEDED, 32, 32},
    {0xD5, NEEDED, 8, 8},    {0xD6, NEEDED, 20, 20}, {0xD7, REPEATS, 11, 11},     {0xD8, NEEDED, 0, SIZE_MAX},
    {0xD9, REPEATS, 16, 16}, {0xD0, NEEDED, 1, 7},   {0xDC, NEEDED, 8, 8},        {0xCE, NEEDED, 4, 4},
};

static bool check_job_keks(struct reader *r)
{
    static const uint8_t ZERO[16] = {0};
    uint8_t mac[16];
    struct span kek;
    r->kek_used = must_calloc(r->job_keks.count, sizeof(bool));
    for (size_t i = 0; i < r->job_keks.count; i++) {
        struct span d7 = r->job_keks.items[i], id = span_of(d7.at, 6);
        for (size_t j = 0; j < i; j++) {
            if (memcmp(r->job_keks.items[j].at, id.at, 6) == 0)
                return refuse(r, d7.at, "D7 names a KEK twice");
        }
        if (!keys_kek(r->keys, id, &kek)) return refuse(r, d7.at, "KEK of D7 is not held");
        if (!crypto_cmac(kek, span_of(ZERO, 16), mac) || memcmp(mac, d7.at + 6, 5) != 0)
            return refuse(r, d7.at, "check value in D7 is not that of the KEK");
    }
    return true;
}

static bool collect_repeated(struct reader *r, struct span data)
{
    struct tlv tlv;
    while (data.len) {
        if (!tlv_take(r, &data, &tlv)) return false;
        if (tlv.tag == 0xD7) span_list_add(&r->job_keks, tlv.value);
        if (tlv.tag != 0xD9) continue;
        if (span_list_find(&r->past_ids, tlv.value) < r->past_ids.count ||
            span_is_equal(tlv.value, r->job_id))
            return refuse(r, tlv.start, "D9 repeats a job id");
        span_list_add(&r->past_ids, tlv.value);
    }
    return true;
}

static bool check_job(struct reader *r, struct span groups)
{
    struct span data, v[J_N];
    if (!single_group(r, groups, "JOB", &data) || !table_read(r, data, JOB_RULES, J_N, false, v))
        return false;
    if (v[J_VERSION].at[0] != 0x01) return refuse(r, v[J_VERSION].at, "unknown format version");
    if (!span_is_printable(v[J_NAME]) || !span_is_printable(v[J_PROGRAM]))
        return refuse(r, data.at, "D3 or D8 is not ASCII");
    if (!is_time(v[J_TIME])) return refuse(r, v[J_TIME].at, "D6 is not a time");
    if (!mic_is_valid(v[J_CHIP]) || mic_is(v[J_CHIP], "JOB") || mic_is(v[J_CHIP], "CARD") ||
        mic_is(v[J_CHIP], "SEAL") || mic_is(v[J_CHIP], "END"))
        return refuse(r, v[J_CHIP].at, "D0 is not a MIC for the chip");
    r->job_id = v[J_ID];
    r->chip_mic = v[J_CHIP];
    r->first = r->next = span_number(v[J_FIRST]);
    r->planned = span_number(v[J_COUNT]);
    r->shard = span_number(span_of(v[J_SHARD].at, 2));
    r->shards = span_number(span_of(v[J_SHARD].at + 2, 2));
    if (r->shard == 0 || r->shard > r->shards)
        return refuse(r, v[J_SHARD].at, "CE is not a shard of its number");
    if (r->first == 0 || (r->shard == 1 && r->first != 1))
        return refuse(r, v[J_FIRST].at, "D5 is not the first number");
    return collect_repeated(r, data) && check_job_keks(r);
}

enum { E_ID, E_COUNT, E_ASIDE, E_HASHES, E_DIGEST, E_SIGNER, E_ALGORITHM, E_SIGNATURE, E_N };
static const struct tag_rule END_RULES[E_N] = {
    {0xD2, NEEDED, 16, 16},         {0xDC, NEEDED, 8, 8},    {0xCC, OPTIONAL, 8, SIZE_MAX},
    {0xCF, OPTIONAL, 32, SIZE_MAX}, {0xDD, NEEDED, 32, 32},  {0xDE, NEEDED, 32, 32},
    {0xCA, NEEDED, 1, 1},           {0xCB, NEEDED, 1, 1024},
};

static bool is_rising(struct span list, size_t size)
{
    if (list.len % size) return false;
    for (size_t i = size; i < list.len; i += size) {
        if (memcmp(list.at + i - size, list.at + i, size) >= 0) return false;
    }
    return true;
}

/* The signed text is `context` ‖ 00 ‖ END's data before the TLV of CB. */
static bool check_signature(struct reader *r, struct span data, const struct span *v)
{
    static const char CONTEXT[] = "cardprep-mic-end-1";
    const uint8_t *last = v[E_SIGNATURE].at; /* step back over length and tag */
    last -= v[E_SIGNATURE].len < 0x80 ? 2 : v[E_SIGNATURE].len < 0x100 ? 3 : 4;
    size_t before = (size_t)(last - data.at);
    uint8_t algorithm = v[E_ALGORITHM].at[0];

    if (!span_is_equal(v[E_SIGNER], keys_signer_id(r->keys)))
        return refuse(r, v[E_SIGNER].at, "signed by another key");
    if (algorithm != 1 && algorithm != 2) return refuse(r, v[E_ALGORITHM].at, "unknown signature algorithm");
    uint8_t *text = must_calloc(sizeof(CONTEXT) + before, 1); /* CONTEXT's own zero is the 00 */
    memcpy(text, CONTEXT, sizeof(CONTEXT));
    memcpy(text + sizeof(CONTEXT), data.at, before);
    bool ok = crypto_verify(keys_signer(r->keys), algorithm, span_of(text, sizeof(CONTEXT) + before),
                            v[E_SIGNATURE]);
    free(text);
    return ok || refuse(r, v[E_SIGNATURE].at, "signature does not verify");
}

static bool check_end(struct reader *r, struct span groups)
{
    struct span data, v[E_N];
    uint8_t digest[32];
    if (!single_group(r, groups, "END", &data) || !table_read(r, data, END_RULES, E_N, true, v)) return false;
    if (!span_is_equal(v[E_ID], r->job_id)) return refuse(r, v[E_ID].at, "END has another job id than JOB");
    if (!is_rising(v[E_ASIDE], 8)) return refuse(r, v[E_ASIDE].at, "CC does not rise");
    if (!is_rising(v[E_HASHES], 32)) return refuse(r, v[E_HASHES].at, "CF does not rise");
    r->end = data.at;
    r->end_count = span_number(v[E_COUNT]);
    r->set_aside = v[E_ASIDE];
    r->end_hashes = v[E_HASHES];
    r->hash_used = must_calloc(r->end_hashes.len / 32, sizeof(bool));
    if (r->flags & READER_UNSEALED) return true;

    struct span covered = span_of(r->file.at, (size_t)(groups.at - r->file.at) - 7);
    if (!crypto_sha256(covered, digest) || !span_is_equal(span_of(digest, 32), v[E_DIGEST]))
        return refuse(r, v[E_DIGEST].at, "DD is not the hash of the file");
    return check_signature(r, data, v);
}

static void pass_set_aside(struct reader *r)
{
    while (r->passed < r->set_aside.len / 8 &&
           span_number(span_of(r->set_aside.at + 8 * r->passed, 8)) == r->next) {
        r->next++;
        r->passed++;
    }
}

static bool check_card_group(struct reader *r, const struct group *group)
{
    static const struct tag_rule RULES[] = {
        {0xD2, NEEDED, 16, 16}, {0xDA, NEEDED, 8, 8}, {0xDB, NEEDED, 1, 64}};
    struct span v[3];
    if (!mic_is(group->mic, "CARD")) return refuse(r, group->start, "a card record begins with CARD");
    if (!table_read(r, group->data, RULES, 3, false, v)) return false;
    r->card = (struct card){v[0], v[1], v[2]};
    uint64_t number = span_number(v[1]);
    name_record(r, "record %llu", (unsigned long long)number);

    bool known = r->past_ids.count ? span_list_find(&r->past_ids, v[0]) < r->past_ids.count
                                   : span_is_equal(v[0], r->job_id);
    if (!known) return refuse(r, v[0].at, "CARD has another job id");
    for (size_t i = 0; i < v[2].len; i++) {
        uint8_t c = v[2].at[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
            c != '_' && c != '-')
            return refuse(r, v[2].at + i, "not a card object identifier");
    }
    span_list_add(&r->object_ids, v[2]);
    if (!(r->flags & READER_INCOMPLETE)) {
        pass_set_aside(r);
        if (number != r->next)
            return refuse(r, v[1].at, "record number %llu, %llu expected", (unsigned long long)number,
                          (unsigned long long)r->next);
    } else if (number < r->next) {
        return refuse(r, v[1].at, "record numbers do not rise");
    }
    r->next = number + 1;
    return true;
}

static bool check_chip(struct reader *r, struct span data)
{
    struct span_list aids = {0};
    struct entry entry;
    bool ok = true;
    while (ok && data.len) {
        ok = entry_next(r, &data, &entry);
        if (ok && span_list_find(&aids, entry.aid) < aids.count)
            ok = refuse(r, entry.aid.at, "AID stands twice");
        if (ok) span_list_add(&aids, entry.aid);
        ok = ok && entry_check(r, &entry);
    }
    span_list_release(&aids);
    if (ok) name_part(r, "%s", "");
    return ok;
}

static bool check_seal(struct reader *r, const uint8_t *record, const struct group *seal)
{
    struct span d = seal->data;
    if (d.len != 16 + 6 + 2 + 40 + 1 + 16) return refuse(r, seal->start, "SEAL has a wrong length");
    struct span job_id = span_take(&d, 16), kek_id = span_take(&d, 6), mklen = span_take(&d, 2);
    struct span mackey = span_take(&d, 40), mlen = span_take(&d, 1);
    name_part(r, "SEAL");
    if (!span_is_equal(job_id, r->job_id)) return refuse(r, job_id.at, "another job id than JOB");
    if (span_number(mklen) != 40 || mlen.at[0] != 16) return refuse(r, mklen.at, "MKLEN or MLEN is wrong");
    if (r->seal_kek.at && !span_is_equal(r->seal_kek, kek_id))
        return refuse(r, kek_id.at, "a second KEK for SEAL");
    r->seal_kek = kek_id;
    return mac_check(r, kek_id, mackey, span_of(record, (size_t)(mlen.at - record)), d);
}

static bool check_card(struct reader *r, struct span groups)
{
    const uint8_t *record = groups.at;
    struct group group;
    bool chip_seen = false, sealed = false;

    name_record(r, "card record %llu", (unsigned long long)r->summary.records + 1);
    if (!group_next(r, &groups, &group) || !check_card_group(r, &group)) return false;
    while (groups.len) {
        if (!group_next(r, &groups, &group)) return false;
        if (sealed) return refuse(r, group.start, "a group behind SEAL");
        if (mic_is(group.mic, "JOB") || mic_is(group.mic, "CARD") || mic_is(group.mic, "END"))
            return refuse(r, group.start, "a group that does not belong into a card record");
        if (mic_is(group.mic, "SEAL")) {
            sealed = true;
            if (!check_seal(r, record, &group)) return false;
        } else if (span_is_equal(group.mic, r->chip_mic)) {
            if (chip_seen) return refuse(r, group.start, "a second chip group");
            chip_seen = true;
            if (!check_chip(r, group.data)) return false;
        }
    }
    if (!sealed) return refuse(r, record, "SEAL is missing");
    r->summary.records++;
    return true;
}

static int compare_where(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    int order = span_compare(a, b);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static bool check_totals(struct reader *r)
{
    struct span_list *ids = &r->object_ids;
    name_record(r, "end record");
    if (ids->count) qsort(ids->items, ids->count, sizeof(*ids->items), compare_where);
    for (size_t i = 1; i < ids->count; i++) {
        if (span_is_equal(ids->items[i - 1], ids->items[i]))
            return refuse(r, ids->items[i].at, "card object identifier stands in a second record");
    }
    if (r->flags & READER_INCOMPLETE) return true;

    pass_set_aside(r);
    if (r->end_count != r->summary.records) return refuse(r, r->end, "DC is not the number of card records");
    if (r->passed != r->set_aside.len / 8)
        return refuse(r, r->set_aside.at, "CC holds numbers that are not this file's");
    if (r->next - 1 > r->planned || (r->shard == r->shards && r->next - 1 != r->planned))
        return refuse(r, r->file.at, "record numbers do not end with JOB's DC");
    for (size_t i = 0; i < r->job_keks.count; i++) {
        if (!r->kek_used[i])
            return refuse(r, r->job_keks.items[i].at, "D7 names a KEK that the file does not use");
    }
    for (size_t i = 0; i < r->end_hashes.len / 32; i++) {
        if (!r->hash_used[i])
            return refuse(r, r->end_hashes.at + 32 * i, "CF lists a MACKEY that the file does not hold");
    }
    return true;
}

/* What a killed writer leaves behind the last whole record. */
static bool record_is_torn(struct span rest)
{
    size_t len = 0;
    for (size_t i = 0; i < 7 && i < rest.len; i++)
        len = len * 10 + (size_t)(rest.at[i] - '0');
    return rest.len < 7 || len > rest.len - 7;
}

/* Cuts the file into records; the last one is END's, unless the file is incomplete. */
static bool split(struct reader *r, struct span_list *records)
{
    struct span rest = r->file, groups = {0};
    bool ended = false;
    while (rest.len) {
        name_record(r, records->count ? "record at place %zu" : "job record", records->count);
        if (ended) return refuse(r, rest.at, "data after the end record");
        if (r->flags & READER_INCOMPLETE && record_is_torn(rest)) break;
        if (!record_next(r, &rest, &groups)) return false;
        span_list_add(records, groups);
        ended = groups.len >= 7 && memcmp(groups.at, "END    ", 7) == 0;
    }
    name_record(r, "end record");
    if (records->count == 0) return refuse(r, r->file.at, "the file is empty");
    if (!ended && !(r->flags & READER_INCOMPLETE)) return refuse(r, rest.at, "incomplete: no end record");
    if (ended && r->flags & READER_INCOMPLETE)
        return refuse(r, groups.at, "not incomplete: there is an end record");
    return records->count > 1 || !ended || refuse(r, r->file.at, "no job record");
}

bool reader_check(struct reader *r)
{
    struct span_list records = {0};
    bool ok = split(r, &records);
    size_t last = records.count - ((r->flags & READER_INCOMPLETE) ? 0 : 1);

    if (ok) {
        name_record(r, "job record");
        ok = check_job(r, records.items[0]);
    }
    if (ok && !(r->flags & READER_INCOMPLETE)) {
        name_record(r, "end record");
        ok = check_end(r, records.items[last]);
    }
    for (size_t i = 1; ok && i < last; i++)
        ok = check_card(r, records.items[i]);
    ok = ok && check_totals(r);
    if (ok && r->flags & READER_INCOMPLETE)
        ok = refuse(r, r->file.at + r->file.len,
                    "incomplete: no end record; the %llu card records before it are right",
                    (unsigned long long)r->summary.records);
    span_list_release(&records);
    return ok;
}

void reader_release(struct reader *r)
{
    span_list_release(&r->job_keks);
    span_list_release(&r->past_ids);
    span_list_release(&r->object_ids);
    free(r->kek_used);
    free(r->hash_used);
    r->kek_used = r->hash_used = NULL;
}
