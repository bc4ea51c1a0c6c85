/* tests/support/memory_scan.c - looks for secrets in the memory of a running process.
 *
 *   memory_scan PID HEX|=TEXT…   e.g. memory_scan 4711 0123456789ABCDEF =1357246801
 *
 * Reads every mapping that /proc/PID/maps lists and that can be read, save those over 1 GiB: the shadow memory of a sanitizer.
 * Prints where each is found. Status 0: none is there; 1: one is; 2: usage, or no process of this id; 77: this system
 * does not let one process look at another. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATTERNS_MAX = 64, PATTERN_MAX = 128, BLOCK = 1 << 20, NOT_ALLOWED = 77 };
static const unsigned long long region_max = 1ULL << 30;

struct pattern {
    uint8_t bytes[PATTERN_MAX];
    size_t len;
    const char *text; /* as given */
};
struct scan {
    struct pattern patterns[PATTERNS_MAX];
    size_t count, found;
    unsigned long long read; /* bytes */
    int mem;
};

static bool read_pattern(const char *text, struct pattern *p)
{
    p->text = text;
    p->len = 0;
    if (text[0] == '=') {
        p->len = strlen(text + 1);
        if (p->len == 0 || p->len > PATTERN_MAX) return false;
        memcpy(p->bytes, text + 1, p->len);
        return true;
    }
    for (; text[0] && text[1] && p->len < PATTERN_MAX; text += 2) {
        unsigned value = 0;
        if (sscanf(text, "%2x", &value) != 1) return false;
        p->bytes[p->len++] = (uint8_t)value;
    }
    return !text[0] && p->len > 0;
}

static void look(struct scan *s, const uint8_t *data, size_t len, unsigned long long at, const char *where)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct pattern *p = &s->patterns[i];
        for (const uint8_t *from = data; len >= p->len;) {
            const uint8_t *hit = memmem(from, len - (size_t)(from - data), p->bytes, p->len);
            if (!hit) break;
            printf("found %s at %llx in %s\n", p->text, at + (unsigned long long)(hit - data), where);
            s->found++;
            from = hit + 1;
        }
    }
}

/* In blocks that overlap, so that nothing hides on an edge. */
static void scan_region(struct scan *s, unsigned long long from, unsigned long long to, const char *where,
                        uint8_t *block)
{
    while (from < to) {
        size_t want = to - from < BLOCK ? (size_t)(to - from) : BLOCK;
        ssize_t n = pread(s->mem, block, want, (off_t)from);
        if (n <= 0) return; /* a guard page */
        look(s, block, (size_t)n, from, where);
        s->read += (unsigned long long)n;
        if (from + (unsigned long long)n >= to || n <= PATTERN_MAX) return;
        from += (unsigned long long)n - PATTERN_MAX;
    }
}

static bool scan(struct scan *s, const char *pid)
{
    char path[64], line[1024], name[512];
    unsigned long long from = 0, to = 0;
    snprintf(path, sizeof(path), "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "r");
    uint8_t *block = malloc(BLOCK);
    if (!maps || !block) {
        free(block);
        if (maps) fclose(maps);
        return false;
    }
    while (fgets(line, sizeof(line), maps)) {
        char may[8] = "";
        snprintf(name, sizeof(name), "memory of its own");
        if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %511[^\n]", &from, &to, may, name) < 3) continue;
        if (may[0] == 'r' && to - from <= region_max && strcmp(name, "[vvar]") != 0)
            scan_region(s, from, to, name, block);
    }
    free(block);
    fclose(maps);
    return true;
}

int main(int argc, char **argv)
{
    static struct scan s;
    char path[64];
    if (argc < 3 || argc - 2 > PATTERNS_MAX) {
        fputs("usage: memory_scan PID HEX|=TEXT...\n", stderr);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        if (!read_pattern(argv[i], &s.patterns[s.count++])) {
            fprintf(stderr, "memory_scan: no pattern: %s\n", argv[i]);
            return 2;
        }
    }
    snprintf(path, sizeof(path), "/proc/%s/mem", argv[1]);
    s.mem = open(path, O_RDONLY | O_CLOEXEC);
    if (s.mem < 0 || !scan(&s, argv[1])) {
        perror(path);
        return errno == EACCES || errno == EPERM ? NOT_ALLOWED : 2;
    }
    close(s.mem);
    printf("%llu bytes looked at, %zu times something found\n", s.read, s.found);
    return s.found ? 1 : 0;
}
