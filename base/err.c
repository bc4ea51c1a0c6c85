#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Of a text that is too long, this much of the front stays; the rest of the room is for its end, where
 * the cause stands. The scratch space is for a text that holds a path of the longest kind. */
enum { KEEP_FRONT = 255, SCRATCH = 8 * ERR_TEXT_MAX, REASON = 128 };

static const char gap[] = "...";

struct kind_row {
    const char *name;
    int exit_status;
};

static const struct kind_row kinds[] = {
    [ERR_NONE] = {"none", 0},
    [ERR_CONFIG] = {"configuration", 2},
    [ERR_TOKEN] = {"token", 3},
    [ERR_INPUT] = {"input", 4},
    [ERR_INTEGRITY] = {"integrity", 5},
    [ERR_FILE] = {"file", 6},
    [ERR_INTERRUPTED] = {"interrupted", 130},
    [ERR_INTERNAL] = {"internal", 70},
};

static bool inside_character(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80; /* a UTF-8 byte that continues a character */
}

/* Copies text into err, without its middle if it is too long. */
static void keep(struct err *err, const char *text)
{
    size_t len = strlen(text);
    if (len < ERR_TEXT_MAX) {
        memcpy(err->text, text, len + 1);
        return;
    }
    size_t front = KEEP_FRONT;
    size_t back = len - (ERR_TEXT_MAX - 1 - sizeof(gap) + 1 - KEEP_FRONT);
    while (front > 0 && inside_character(text[front]))
        front--;
    while (back < len && inside_character(text[back]))
        back++;
    memcpy(err->text, text, front);
    memcpy(err->text + front, gap, sizeof(gap) - 1);
    memcpy(err->text + front + sizeof(gap) - 1, text + back, len - back + 1);
}

static bool PRINTF_LIKE(3, 0) set(struct err *err, const char *behind, const char *format, va_list args)
{
    char whole[SCRATCH + REASON];
    vsnprintf(whole, SCRATCH, format, args);
    if (behind) {
        size_t len = strlen(whole);
        snprintf(whole + len, sizeof(whole) - len, ": %s", behind);
    }
    keep(err, whole);
    return false;
}

void err_set_text(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(err, NULL, format, args);
    va_end(args);
    err->kind = kind;
}

void err_set_errno_text(struct err *err, enum err_kind kind, int errnum, const char *format, ...)
{
    char reason[REASON - 2];
    va_list args;
    va_start(args, format);
    set(err, strerror_r(errnum, reason, sizeof(reason)), format, args);
    va_end(args);
    err->kind = kind;
}

void err_prefix(struct err *err, const char *format, ...)
{
    if (err->kind == ERR_NONE) return;
    char name[ERR_TEXT_MAX];
    char whole[2 * ERR_TEXT_MAX + 2];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    snprintf(whole, sizeof(whole), "%s: %s", name, err->text);
    keep(err, whole);
}

void err_clear(struct err *err)
{
    err->kind = ERR_NONE;
    err->text[0] = '\0';
}

static const struct kind_row *row_of(enum err_kind kind)
{
    size_t i = (size_t)kind;
    return &kinds[i < sizeof(kinds) / sizeof(kinds[0]) ? i : (size_t)ERR_INTERNAL];
}

int err_exit_status(enum err_kind kind)
{
    return row_of(kind)->exit_status;
}

const char *err_kind_name(enum err_kind kind)
{
    return row_of(kind)->name;
}
