#include "bureau/commands/card_answers.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "base/outfile.h"

enum { ANSWERS_MAX = 16 << 20 };

void card_answers_init(struct card_answers *a)
{
    *a = (struct card_answers){.path = ""};
    buf_init(&a->text, ANSWERS_MAX);
}

void card_answers_release(struct card_answers *a)
{
    buf_release(&a->text);
}

bool card_answers_read(struct card_answers *a, const char *path, struct err *err)
{
    a->path = path;
    return file_read_all(path, ANSWERS_MAX, &a->text, err);
}

/* The next line that is neither empty nor a remark. False: none. */
static bool next_line(struct card_answers *a, const char **line, size_t *len)
{
    while (a->at < a->text.len) {
        const char *begin = (const char *)a->text.data + a->at;
        const char *end = memchr(begin, '\n', a->text.len - a->at);
        *len = end ? (size_t)(end - begin) : a->text.len - a->at;
        a->at += *len + (end != NULL);
        a->line++;
        *line = begin;
        while (*len > 0 && (begin[*len - 1] == '\r' || begin[*len - 1] == ' '))
            --*len;
        if (*len > 0 && begin[0] != '#') return true;
    }
    return false;
}

bool card_answers_take(struct card_answers *a, struct buf *answer, struct err *err)
{
    const char *line = NULL;
    size_t len = 0;

    a->guessed = !next_line(a, &line, &len);
    if (a->guessed) {
        buf_put(answer, "\x90\x00", 2);
        return true;
    }
    if (hex_read(line, len, answer, err)) return true;
    err_prefix(err, "%s:%" PRIu64, a->path, a->line);
    return false;
}
