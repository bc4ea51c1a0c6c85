#include "ceremony/dialogue.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/stop_signal.h"

enum { TRIES = 3, TEXT_MAX = 2048, LABEL_COLUMNS = 13, RESULT_INDENT = 7 };

bool dialogue_open(struct dialogue *d, bool unattended, struct err *err)
{
    *d = (struct dialogue){.keyboard = -1, .asks = !unattended};
    if (unattended) {
        /* Not /dev/stderr by its name: that would empty a file that it goes to. */
        const int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        d->terminal = fd < 0 ? NULL : fdopen(fd, "w");
        if (!d->terminal && fd >= 0) close(fd);
        return true; /* where nobody reads it, nothing is said */
    }
    d->keyboard = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    d->terminal = d->keyboard < 0 ? NULL : fopen("/dev/tty", "we");
    if (d->terminal) return true;
    dialogue_close(d);
    return err_set(err, ERR_CONFIG,
                   "there is no terminal to ask on: a ceremony is held at one (a TEST plan runs with --yes)");
}

void dialogue_close(struct dialogue *d)
{
    if (d->terminal) fclose(d->terminal);
    if (d->keyboard >= 0) close(d->keyboard);
    *d = (struct dialogue){.keyboard = -1};
}

/* Words of text from column `at` on, each further line begun with `indent` blanks. */
static void put_wrapped(FILE *out, const char *text, size_t at, size_t indent)
{
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (at > indent && at + 1 + word > DIALOGUE_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)word, text);
        at += word;
        text += word;
        if (*text == '\n' && text[1]) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        }
        text += strspn(text, " \n");
    }
}

/* Empty lines and blanks in front stay; further lines begin with as many blanks. */
static void put_paragraph(FILE *out, const char *text)
{
    for (; *text == '\n'; text++)
        fputc('\n', out);
    size_t blanks = strspn(text, " ");
    fprintf(out, "%*s", (int)blanks, "");
    put_wrapped(out, text + blanks, blanks, blanks);
}

void dialogue_say(const struct dialogue *d, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    if (!d->terminal) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put_paragraph(d->terminal, text);
    fputc('\n', d->terminal);
    fflush(d->terminal);
}

void dialogue_item(const struct dialogue *d, const char *label, const char *text)
{
    if (!d->terminal || !text[0]) return;
    fprintf(d->terminal, "  %-*s", LABEL_COLUMNS - 2, label);
    put_wrapped(d->terminal, text, LABEL_COLUMNS, LABEL_COLUMNS);
    fputc('\n', d->terminal);
    fflush(d->terminal);
}

void dialogue_result(const char *head, const char *text)
{
    size_t at = strlen(head);
    if (!isatty(STDOUT_FILENO)) {
        printf("%s%s", head, text);
    } else if (at <= RESULT_INDENT || at + strlen(text) <= DIALOGUE_COLUMNS) {
        fputs(head, stdout);
        put_wrapped(stdout, text, at, at);
    } else {
        while (at > 0 && head[at - 1] == ' ')
            at--;
        printf("%.*s\n%*s", (int)at, head, RESULT_INDENT, "");
        put_wrapped(stdout, text, RESULT_INDENT, RESULT_INDENT);
    }
    fputc('\n', stdout);
    fflush(stdout);
}

/* The question's last line stays open for the answer. */
static void put_question(const struct dialogue *d, const char *question)
{
    put_paragraph(d->terminal, question);
    fputc(' ', d->terminal);
    fflush(d->terminal);
}

static void trim(char *text)
{
    size_t from = strspn(text, " \t"), len = strlen(text);
    while (len > from && isspace((unsigned char)text[len - 1]))
        len--;
    memmove(text, text + from, len - from);
    text[len - from] = 0;
}

static bool may_go_on(const struct dialogue *d, struct err *err)
{
    return !d->watches || !stop_signal_came() || err_set(err, ERR_INTERRUPTED, "interrupted");
}

/* One line of the terminal, without its end; what does not fit is read and dropped. */
static bool read_line(const struct dialogue *d, const sigset_t *during, char *line, size_t size,
                      struct err *err)
{
    size_t len = 0;
    for (;;) {
        uint8_t c = 0;
        ssize_t n = stop_signal_read(d->keyboard, &c, during);
        if (n < 0 && errno == EINTR) return err_set(err, ERR_INTERRUPTED, "interrupted");
        if (n <= 0) return err_set(err, ERR_INTERRUPTED, "the terminal was closed");
        if (c == '\n') break;
        if (len < size) line[len] = (char)c;
        len++;
    }
    if (len >= size) return err_set(err, ERR_INPUT, "the answer is too long");
    line[len] = 0;
    return true;
}

bool dialogue_ask(const struct dialogue *d, const char *question, char *answer, size_t size, struct err *err)
{
    char line[DIALOGUE_LINE_MAX];
    sigset_t before;
    if (!d->asks || !d->terminal) return err_set(err, ERR_CONFIG, "nobody to ask: %s", question);
    stop_signal_hold(&before);
    bool ok = may_go_on(d, err);
    if (ok) put_question(d, question);
    ok = ok && read_line(d, &before, line, sizeof(line), err);
    stop_signal_let_go(&before);
    if (!ok && err->kind == ERR_INTERRUPTED) fputc('\n', d->terminal);
    if (!ok) return false;
    trim(line);
    if (strlen(line) >= size) return err_set(err, ERR_INPUT, "the answer is too long");
    snprintf(answer, size, "%s", line);
    return true;
}

bool dialogue_go_on(const struct dialogue *d, const char *to_do_what, struct err *err)
{
    char question[128], answer[16];
    if (!d->asks) return may_go_on(d, err);
    snprintf(question, sizeof(question), "Press Enter to %s, or type 'leave' to stop here:", to_do_what);
    for (;;) {
        if (!dialogue_ask(d, question, answer, sizeof(answer), err)) {
            if (err->kind != ERR_INPUT) return false;
        } else if (!answer[0]) {
            return true;
        } else if (strcasecmp(answer, "leave") == 0) {
            return err_set(err, ERR_INTERRUPTED, "left at the word of those present");
        } else {
            dialogue_say(d, "Enter alone begins it. What you typed is not used, but everybody saw it.");
        }
    }
}

bool dialogue_agrees(const struct dialogue *d, const char *question, bool *yes, struct err *err)
{
    char text[DIALOGUE_LINE_MAX], answer[16];
    snprintf(text, sizeof(text), "%s [yes/no]", question);
    for (;;) {
        if (!dialogue_ask(d, text, answer, sizeof(answer), err)) {
            if (err->kind != ERR_INPUT) return false;
            continue;
        }
        *yes = strcasecmp(answer, "yes") == 0;
        if (*yes || strcasecmp(answer, "no") == 0) return true;
        dialogue_say(d, "Please type the whole word, yes or no.");
    }
}

/* Equal but for letter case and blanks. */
static bool same_words(const char *a, const char *b)
{
    for (;;) {
        a += strspn(a, " \t");
        b += strspn(b, " \t");
        if (!*a || !*b) return !*a && !*b;
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++)) return false;
    }
}

bool dialogue_types(const struct dialogue *d, const char *question, const char *due, struct err *err)
{
    char answer[DIALOGUE_LINE_MAX] = "";
    if (!d->asks) return true;
    for (int wrong = 0; wrong < TRIES;) {
        if (!dialogue_ask(d, question, answer, sizeof(answer), err)) {
            if (err->kind != ERR_INPUT) return false;
        } else if (same_words(answer, due)) {
            return true;
        }
        if (!answer[0]) continue;
        wrong++;
        if (wrong < TRIES) dialogue_say(d, "That is not what is due here; please look again.");
    }
    question += strspn(question, "\n");
    size_t len = strlen(question);
    while (len > 0 && question[len - 1] == ':')
        len--;
    return err_set(err, ERR_INPUT, "three wrong answers to: %.*s", (int)len, question);
}

bool dialogue_hidden(const struct dialogue *d, const char *question, struct secret *s, struct err *err)
{
    char prompt[2 * DIALOGUE_LINE_MAX];
    if (!d->asks) return err_set(err, ERR_CONFIG, "nobody to ask: %s", question);
    /* Written by secret_prompt, when echo is off already. */
    FILE *f = fmemopen(prompt, sizeof(prompt), "w");
    if (!f) return err_set_no_memory(err);
    put_paragraph(f, question);
    fputc(' ', f);
    bool fits = fclose(f) == 0 && strlen(prompt) < sizeof(prompt) - 1;
    if (!fits) return err_set(err, ERR_INTERNAL, "a question is too long");
    return may_go_on(d, err) && secret_prompt(s, prompt, err);
}
