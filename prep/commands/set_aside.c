#include "prep/commands/set_aside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/outfile.h"

struct refused {
    uint64_t number;
    char *reason;
};

struct set_aside {
    char *path;
    struct refused *late; /* by workers, rising */
    size_t count, room;
    uint64_t first, last; /* records of this shard */
    bool written;
};

static char *make_path(const char *path, const struct job_group *job)
{
    char *made = NULL;
    if (job->shards < 2) return strdup(path);
    return asprintf(&made, "%s.%u-of-%u", path, (unsigned)job->shard, (unsigned)job->shards) < 0 ? NULL
                                                                                                 : made;
}

bool set_aside_new(struct set_aside **out, const char *path, const struct job_group *job, struct err *err)
{
    if (!path) return err_set(err, ERR_CONFIG, "on_bad_record: set-aside needs output: set_aside");
    struct set_aside *s = calloc(1, sizeof(*s));
    if (s) s->path = make_path(path, job);
    if (!s || !s->path) {
        free(s);
        return err_set_no_memory(err);
    }
    if (access(s->path, F_OK) == 0) {
        err_set(err, ERR_FILE, "'%s' exists; move it away or name another file under output: set_aside",
                s->path);
        set_aside_free(s);
        return false;
    }
    *out = s;
    return true;
}

const char *set_aside_path(const struct set_aside *s)
{
    return s->path;
}

void set_aside_free(struct set_aside *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->count; i++)
        free(s->late[i].reason);
    free(s->late);
    free(s->path);
    free(s);
}

bool set_aside_add(struct set_aside *s, uint64_t number, const struct err *reason, struct err *err)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        struct refused *late = reallocarray(s->late, room, sizeof(*late));
        if (!late) return err_set_no_memory(err);
        s->late = late;
        s->room = room;
    }
    char *text = strdup(reason->text);
    if (!text) return err_set_no_memory(err);
    s->late[s->count].number = number;
    s->late[s->count++].reason = text;
    return true;
}

/* The next line of the survey's messages, which are in the order of its bad records. */
static const char *next_message(const char **messages, int *len)
{
    const char *line = *messages;
    *len = (int)strcspn(line, "\n");
    if (*len == 0) {
        *len = (int)strlen("refused; cardprep check tells why");
        return "refused; cardprep check tells why";
    }
    *messages = line + *len + (line[*len] == '\n');
    return line;
}

static void put_one(struct buf *b, const struct card_reader *reader, uint64_t number, const char *reason,
                    int reason_len)
{
    const uint8_t *raw = NULL;
    size_t len = 0;

    buf_put_format(b, "# record %" PRIu64 ": %.*s\n", number, reason_len, reason);
    card_reader_raw(reader, &raw, &len);
    if (!raw) return;
    buf_put(b, raw, len);
    if (len == 0 || raw[len - 1] != '\n') buf_put_u8(b, '\n');
}

static bool write_all(struct set_aside *s, struct session *session, struct outfile *file, struct err *err)
{
    struct card_reader *reader = session->reader;
    const struct survey *survey = &session->survey;
    const char *messages = buf_text(&session->survey.messages);
    uint64_t position = 0;
    struct buf b;
    struct card_input in;
    bool end = false, ok = card_reader_rewind(reader, err);

    buf_init(&b, 2 * MIC_RECORD_MAX);
    memset(&in, 0, sizeof(in));
    card_reader_header(reader, &b);
    ok = ok && buf_ok(&b, "header", err) && (b.len == 0 || outfile_append(file, b.data, b.len, err));
    for (size_t bad = 0, late = 0; ok && (bad < survey->bad_count || late < s->count);) {
        struct err refusal = ERR_INIT;
        int len = 0;
        bool good =
            card_reader_next(reader, &in, &end, &refusal) &&
            (end || card_identify(&in, reader, session->job, &session->identity, position + 1, &refusal));
        if (good && end) break;
        position++;
        uint64_t number = card_reader_number(reader, &in, position);
        buf_clear(&b);
        if (bad < survey->bad_count && survey->bad[bad] == number) {
            const char *reason = next_message(&messages, &len);
            if (number >= s->first && number <= s->last) put_one(&b, reader, number, reason, len);
            bad++;
        } else if (late < s->count && s->late[late].number == number) {
            put_one(&b, reader, number, s->late[late].reason, (int)strlen(s->late[late].reason));
            late++;
        }
        ok = buf_ok(&b, "refused record", err) && (b.len == 0 || outfile_append(file, b.data, b.len, err));
        if (!good && !card_reader_can_go_on(reader)) break;
    }
    buf_release(&b);
    return ok;
}

bool set_aside_commit(struct set_aside *s, struct session *session, uint64_t first, uint64_t last,
                      struct err *err)
{
    struct outfile *file = NULL;
    size_t due = s->count;

    for (size_t i = 0; i < session->survey.bad_count; i++)
        due += session->survey.bad[i] >= first && session->survey.bad[i] <= last;
    if (due == 0) return true;
    s->first = first;
    s->last = last;
    bool ok =
        outfile_create(&file, s->path, err) && write_all(s, session, file, err) && outfile_commit(file, err);
    outfile_close(file, false);
    s->written = ok;
    return ok;
}

void set_aside_undo(struct set_aside *s)
{
    if (s && s->written) unlink(s->path);
}
