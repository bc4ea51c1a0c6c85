/* MIC files as rows: an issuer's own (open entries, any framing), or the output of an earlier pass, which is verified to its END
 * before its first record is used. */
#include "prep/input/rows.h"

#include <stdlib.h>
#include <string.h>

#include "formats/entry.h"
#include "formats/signers.h"

struct read_mic {
    const struct input_settings *input;
    const char *chip_mic;
    struct reader *reader; /* NULL once `file` owns it */
    struct mic_file *file; /* sealed only */
    struct mic_record record;
    uint64_t count; /* card records so far */
    bool ended;     /* an END record was there */
    bool can_go_on;
    uint64_t begin, end;  /* of the current record in the file */
    struct buf with_rlen; /* a record of another framing, put into ours */
    struct cell *cells;
    struct entry entries[ENTRIES_MAX];
};

static void release(void *state)
{
    struct read_mic *m = state;
    mic_file_free(m->file);
    reader_free(m->reader);
    buf_release(&m->with_rlen);
    free(m->cells);
    free(m);
}

static bool named(const struct read_mic *m, struct err *err)
{
    size_t len = strlen(m->input->path);
    if (strncmp(err->text, m->input->path, len) != 0 || err->text[len] != ':')
        err_prefix(err, "%s", m->input->path);
    return false;
}

/* A sealed file: END under one of the job's signers, and the chip group's name as the job says it. */
static bool open_sealed(struct read_mic *m, const struct job *job, struct err *err)
{
    struct signers signers;
    if (job->signer_count == 0)
        return err_set(
            err, ERR_INTEGRITY,
            "%s: is sealed, and the job names no signer of it; give its public key under `signers`",
            m->input->path);
    if (m->input->framing.kind != MIC_FRAMING_RLEN)
        return err_set(err, ERR_CONFIG, "%s: is sealed; its framing is by RLEN", m->input->path);
    if (!signers_load(&signers, (const char *const *)job->signer_paths, job->signer_count, err)) return false;
    bool ok = mic_file_open(&m->file, m->reader, signers.keys, signers.count, 0, err);
    m->reader = NULL;
    signers_release(&signers);
    if (!ok) return named(m, err);
    const char *mic = mic_file_summary(m->file)->job.chip_mic;
    if (strcmp(mic, m->chip_mic) == 0) return true;
    return err_set(err, ERR_CONFIG, "%s: its chip group is '%s', and the job's input says '%s'",
                   m->input->path, mic, m->chip_mic);
}

static bool open_file(struct read_mic *m, const struct job *job, struct err *err)
{
    bool sealed = false;
    if (!reader_open(&m->reader, m->input->path, err)) return false;
    if (reader_size(m->reader) == 0) return err_set(err, ERR_INPUT, "%s: the file is empty", m->input->path);
    if (!mic_is_sealed(m->reader, &m->input->framing, m->chip_mic, &sealed, err)) return named(m, err);
    return !sealed || open_sealed(m, job, err);
}

bool read_mic_open(void **state, const struct input_settings *input, const struct job *job, struct err *err)
{
    struct read_mic *m = calloc(1, sizeof(*m));
    if (!m) return err_set_no_memory(err);
    m->input = input;
    m->chip_mic = input->chip_mic ? input->chip_mic : job->chip_mic ? job->chip_mic : MIC_CHIP_DEFAULT;
    buf_init(&m->with_rlen, MIC_DIGITS + MIC_RECORD_MAX);
    m->cells = calloc(input->mic_field_count + 1, sizeof(*m->cells));
    if (!m->cells) err_set_no_memory(err);
    if (!m->cells || !open_file(m, job, err)) {
        release(m);
        return false;
    }
    *state = m;
    return true;
}

static size_t column_count(const void *state)
{
    const struct read_mic *m = state;
    return m->input->mic_field_count;
}

static const char *column_name(const void *state, size_t index)
{
    const struct read_mic *m = state;
    return m->input->mic_fields[index].field;
}

static bool cut_field(struct read_mic *m, size_t index, struct err *err)
{
    const struct mic_field *f = &m->input->mic_fields[index];
    const struct mic_group *group = mic_find(&m->record, f->mic);
    m->cells[index] = (struct cell){NULL, 0};
    if (!group) return true;
    size_t len = f->len;
    if (f->start > group->len || len > group->len - f->start)
        return err_set(err, ERR_INPUT,
                       "group %s has %zu bytes and ends before field '%s' (%zu from byte %zu)", f->mic,
                       group->len, f->field, f->len, f->start);
    const char *text = (const char *)group->data + f->start;
    while (f->trim && len > 0 && text[len - 1] == ' ')
        len--;
    m->cells[index] = (struct cell){text, len};
    return true;
}

/* Every sealed entry belongs to this card: its C1 is that of the record's CARD group. */
static bool check_entries(struct read_mic *m, const struct card_group *card, struct err *err)
{
    size_t count = 0;
    const struct mic_group *chip = mic_find(&m->record, m->chip_mic);
    if (!chip) return true;
    if (!entry_read_all(chip, m->entries, &count, err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (m->entries[i].sealed && !entry_check(&m->entries[i], card, err)) return false;
    }
    return true;
}

/* Records of other framings are put into ours, so that everything behind this file knows one form. */
static bool put_rlen(struct read_mic *m, struct err *err)
{
    if (m->input->framing.kind == MIC_FRAMING_RLEN) return true;
    buf_clear(&m->with_rlen);
    size_t begin = mic_put_record_begin(&m->with_rlen);
    for (size_t i = 0; i < m->record.group_count; i++)
        mic_put_group(&m->with_rlen, m->record.groups[i].name, m->record.groups[i].data,
                      m->record.groups[i].len);
    mic_put_record_end(&m->with_rlen, begin);
    if (!buf_ok(&m->with_rlen, "record", err)) return false;
    m->record.bytes = m->with_rlen.data;
    m->record.len = m->with_rlen.len;
    return true;
}

static bool is_sole(const struct mic_record *record, const char *mic)
{
    return record->group_count == 1 && strcmp(record->groups[0].name, mic) == 0;
}

static bool take_record(struct read_mic *m, struct row *out, struct err *err)
{
    m->can_go_on = true;
    if (mic_find(&m->record, MIC_JOB) || mic_find(&m->record, MIC_END))
        return err_set(err, ERR_INPUT, "JOB or END stands in a card record");
    for (size_t i = 0; i < m->input->mic_field_count; i++) {
        if (!cut_field(m, i, err)) return false;
    }
    if (out->sealed && !check_entries(m, &out->card, err)) return false;
    return put_rlen(m, err);
}

/* Reads on to the next card record; a JOB record at the start and an END record at the end may stand in an open file. */
static bool next_open(struct read_mic *m, bool *end, struct err *err)
{
    for (;;) {
        bool first = reader_offset(m->reader) == 0;
        m->begin = reader_offset(m->reader);
        if (!mic_read_record(m->reader, &m->input->framing, &m->record, end, err)) return named(m, err);
        m->end = reader_offset(m->reader);
        if (*end) return reader_unchanged(m->reader, err);
        if (m->ended)
            return err_set(err, ERR_INPUT, "%s: data after the end record, at offset %llu", m->input->path,
                           (unsigned long long)m->record.offset);
        if (first && is_sole(&m->record, MIC_JOB)) continue;
        if (!is_sole(&m->record, MIC_END)) return true;
        m->ended = true;
    }
}

static bool next(void *state, struct row *out, bool *end, struct err *err)
{
    struct read_mic *m = state;
    m->can_go_on = false;
    *out = (struct row){.sealed = m->file != NULL};
    if (!(m->file ? mic_file_next(m->file, &m->record, &out->card, end, err) : next_open(m, end, err)))
        return named(m, err);
    if (*end) return true;
    m->count++;
    if (!take_record(m, out, err)) {
        err_prefix(err, "%s: record %llu at offset %llu", m->input->path, (unsigned long long)m->count,
                   (unsigned long long)m->record.offset);
        return false;
    }
    out->cells = m->cells;
    out->place = m->record.offset;
    out->number = m->count;
    out->record = &m->record;
    return true;
}

static bool can_go_on(const void *state)
{
    const struct read_mic *m = state;
    return m->can_go_on && !m->file;
}

static bool rewind_mic(void *state, struct err *err)
{
    struct read_mic *m = state;
    m->count = 0;
    m->ended = false;
    return m->file ? mic_file_rewind(m->file, err) : reader_seek(m->reader, 0, err);
}

static const struct mic_file_summary *summary(const void *state)
{
    const struct read_mic *m = state;
    return m->file ? mic_file_summary(m->file) : NULL;
}

static void raw(const void *state, const uint8_t **bytes, size_t *len)
{
    const struct read_mic *m = state;
    struct err unused = ERR_INIT;
    if (m->file || m->input->framing.kind == MIC_FRAMING_RLEN) {
        *bytes = m->record.bytes;
        *len = m->record.len;
        return;
    }
    if (!reader_seek(m->reader, m->begin, &unused)) return;
    if (reader_take(m->reader, (size_t)(m->end - m->begin), MIC_RECORD_MAX + MIC_DIGITS, "record", bytes,
                    &unused) &&
        *bytes)
        *len = (size_t)(m->end - m->begin);
    err_ignore(reader_seek(m->reader, m->end, &unused), "it was there before");
}

/* A sealed file's records carry digests that are compared at each use. */
static bool unchanged(const void *state, struct err *err)
{
    const struct read_mic *m = state;
    return m->file || reader_unchanged(m->reader, err);
}

const struct rows_kind read_mic_kind = {release,    column_count, column_name, next,     can_go_on,
                                        rewind_mic, summary,      raw,         unchanged};
