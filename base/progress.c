#include "base/progress.h"

#include <inttypes.h>
#include <time.h>

enum { DRAW_MS = 100, LINE_MS = 60 * 1000, BAR = 10 };

void progress_init(struct progress *p, FILE *stream, bool terminal, const char *unit, uint64_t total,
                   uint64_t now_ms)
{
    *p = (struct progress){
        .stream = stream,
        .terminal = terminal,
        .unit = unit,
        .total = total,
        .started_ms = now_ms,
        .shown_ms = now_ms,
    };
}

void progress_duration(char *text, size_t size, uint64_t ms)
{
    uint64_t s = ms / 1000;
    if (s >= 3600)
        snprintf(text, size, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(text, size, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
    else
        snprintf(text, size, "%" PRIu64 " s", s);
}

/* "1234 of 5678 cards (21 %), 123 cards/s" without the parts that are not known yet. */
static void put_state(const struct progress *p, uint64_t done, uint64_t elapsed_ms)
{
    fprintf(p->stream, "%" PRIu64, done);
    if (p->total) fprintf(p->stream, " of %" PRIu64, p->total);
    fprintf(p->stream, " %s", p->unit);
    if (p->total) fprintf(p->stream, " (%u %%)", (unsigned)((double)done * 100 / (double)p->total));
    if (elapsed_ms && done) {
        double rate = (double)done * 1000 / (double)elapsed_ms;
        fprintf(p->stream, ", %.*f %s/s", rate < 10 ? 1 : 0, rate, p->unit);
    }
}

static void put_left(const struct progress *p, uint64_t done, uint64_t elapsed_ms)
{
    char left[48];
    if (!done || !elapsed_ms || done >= p->total) return;
    progress_duration(left, sizeof(left),
                      (uint64_t)((double)elapsed_ms * (double)(p->total - done) / (double)done));
    fprintf(p->stream, ", %s left", left);
}

static void put_bar(const struct progress *p, uint64_t done)
{
    if (!p->total) return;
    double part = done < p->total ? (double)done / (double)p->total : 1;
    int full = (int)(part * BAR);
    fputc('[', p->stream);
    for (int i = 0; i < BAR; i++)
        fputc(i < full ? '#' : '-', p->stream);
    fputs("] ", p->stream);
}

void progress_update(struct progress *p, uint64_t done, uint64_t now_ms)
{
    if (!p->stream) return;
    if (now_ms - p->shown_ms < (p->terminal ? (uint64_t)DRAW_MS : (uint64_t)LINE_MS)) return;
    uint64_t elapsed_ms = now_ms - p->started_ms;
    if (p->terminal) {
        fputc('\r', p->stream);
        put_bar(p, done);
    }
    put_state(p, done, elapsed_ms);
    put_left(p, done, elapsed_ms);
    fputs(p->terminal ? "\x1b[K" : "\n", p->stream);
    fflush(p->stream);
    p->shown_ms = now_ms;
    p->drawn = true;
}

void progress_finish(struct progress *p, uint64_t done, uint64_t now_ms)
{
    char spent[48];
    if (!p->stream) return;
    uint64_t elapsed_ms = now_ms - p->started_ms;
    if (p->terminal) {
        fputc('\r', p->stream);
        put_bar(p, done);
    }
    put_state(p, done, elapsed_ms);
    progress_duration(spent, sizeof(spent), elapsed_ms);
    fprintf(p->stream, ", %s%s\n", spent, p->terminal ? "\x1b[K" : "");
    fflush(p->stream);
    p->shown_ms = now_ms;
    p->drawn = false;
}

uint64_t clock_monotonic_ms(void)
{
    struct timespec t = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
