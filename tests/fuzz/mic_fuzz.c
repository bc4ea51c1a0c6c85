/* One record with its groups, and the same bytes under the framings that have no RLEN. What the groups' readers
 * accept, the writers write again so that it reads the same. */
#include "formats/groups.h"

#include <string.h>

#include "fuzz.h"

static void read_job(const struct mic_group *group)
{
    struct err err = ERR_INIT;
    struct job_group job, again;
    struct mic_record record;
    struct buf b;
    if (!job_group_read(group, &job, &err)) return;
    buf_init(&b, MIC_RECORD_MAX);
    job_group_put(&b, &job);
    fuzz_must(mic_parse_record(b.data, b.len, 0, &record, &err));
    fuzz_must(job_group_read(&record.groups[0], &again, &err));
    fuzz_must(memcmp(&job, &again, sizeof(job)) == 0);
    buf_release(&b);
}

static void read_end(const struct mic_group *group)
{
    struct err err = ERR_INIT;
    struct end_group end;
    struct buf b;
    if (!end_group_read(group, &end, &err)) return;
    buf_init(&b, MIC_RECORD_MAX);
    end_group_put_signed(&b, &end);
    fuzz_must(bytes_equal(b.data, b.len, group->data, end.signed_len));
    buf_release(&b);
}

static void read_group(const struct mic_group *group)
{
    struct err err = ERR_INIT;
    struct card_group card;
    struct seal_group seal;
    fuzz_must(mic_is_name(group->name));
    read_job(group);
    read_end(group);
    if (card_group_read(group, &card, &err))
        fuzz_must(object_id_is_valid(card.object_id, strlen(card.object_id)));
    if (seal_group_read(group, &seal, &err)) fuzz_must(kekid_is_valid(seal.kekid));
}

static void read_framed(const uint8_t *data, size_t size, const struct mic_framing *framing)
{
    struct err err = ERR_INIT;
    struct reader *r = NULL;
    struct mic_record record;
    bool end = false;
    fuzz_must(reader_open_memory(&r, data, size, "fuzz", &err));
    while (!end && mic_read_record(r, framing, &record, &end, &err)) {
        fuzz_must(end || (record.group_count > 0 && record.offset + record.len <= size));
    }
    reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mic_framing framings[] = {
        {.kind = MIC_FRAMING_RLEN}, {.kind = MIC_FRAMING_NEWLINE}, {MIC_FRAMING_FIRST_MIC, "EMBOSS"}};
    struct err err = ERR_INIT;
    struct mic_record record;
    const uint8_t *maced = NULL;
    size_t len = 0;
    if (mic_parse_record(data, size, 0, &record, &err)) {
        for (size_t i = 0; i < record.group_count; i++)
            read_group(&record.groups[i]);
        if (seal_maced_bytes(&record, &maced, &len, &err))
            fuzz_must(maced >= data && maced + len <= data + size);
    }
    for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
        read_framed(data, size, &framings[i]);
    return 0;
}
