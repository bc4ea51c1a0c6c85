/* tests/base/scratch.h - a folder for one test's files, and what the tests do with files. */
#ifndef TESTS_BASE_SCRATCH_H
#define TESTS_BASE_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char folder[64];
    char path[128]; /* of the file that was named last */
};

static inline void scratch_init(struct scratch *s)
{
    snprintf(s->folder, sizeof(s->folder), "/tmp/cardprep-test-XXXXXX");
    if (!mkdtemp(s->folder)) abort();
}

static inline const char *scratch_path(struct scratch *s, const char *name)
{
    snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, name);
    return s->path;
}

/* Writes a file of that name and gives its path. */
static inline const char *scratch_file(struct scratch *s, const char *name, const void *data, size_t len)
{
    FILE *f = fopen(scratch_path(s, name), "wb");
    if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0) abort();
    return s->path;
}

static inline bool scratch_exists(struct scratch *s, const char *name)
{
    struct stat st;
    return lstat(scratch_path(s, name), &st) == 0;
}

/* Whether the file of that name holds exactly this text. */
static inline bool scratch_holds(struct scratch *s, const char *name, const char *text)
{
    char found[256] = "";
    int fd = open(scratch_path(s, name), O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, found, sizeof(found) - 1);
    if (fd >= 0) close(fd);
    return n == (ssize_t)strlen(text) && strcmp(found, text) == 0;
}

/* Removes the folder and the files in it. */
static inline void scratch_release(struct scratch *s)
{
    DIR *d = opendir(s->folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        unlinkat(dirfd(d), e->d_name, 0);
    if (d) closedir(d);
    rmdir(s->folder);
}

#endif
