/* mic_reader [--dump [--unwrap] [--mask]] [--incomplete] KEYS.json FILE.mic
 * Exit status 0: the file is right in everything, with a line of what was checked (or the dump) on stdout.
 * 1: one line on stderr says what is refused, and where. 2: usage, or a file that cannot be read. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "reader.h"

enum option_value { OPT_DUMP = 1, OPT_UNWRAP, OPT_MASK, OPT_INCOMPLETE };
static const struct option OPTIONS[] = {{"dump", no_argument, NULL, OPT_DUMP},
                                        {"unwrap", no_argument, NULL, OPT_UNWRAP},
                                        {"mask", no_argument, NULL, OPT_MASK},
                                        {"incomplete", no_argument, NULL, OPT_INCOMPLETE},
                                        {NULL, 0, NULL, 0}};

static bool read_file(const char *path, uint8_t **bytes, size_t *len)
{
    struct stat st;
    FILE *in = fopen(path, "rb");
    bool ok = in && fstat(fileno(in), &st) == 0 && S_ISREG(st.st_mode);
    if (ok) {
        *len = (size_t)st.st_size;
        *bytes = must_calloc(*len, 1);
        ok = fread(*bytes, 1, *len, in) == *len;
    }
    if (!ok) perror(path);
    if (in) fclose(in);
    return ok;
}

static void print_refusal(const char *path, const struct refusal *f)
{
    fprintf(stderr, "%s: offset %zu: %s%s%s: %s\n", path, f->offset, f->record, f->part[0] ? ": " : "",
            f->part, f->text);
}

static void print_summary(const struct summary *s)
{
    printf(
        "accepted: %llu records, %llu entries (%llu open), %llu secrets checked (%llu more not decrypted), "
        "%llu certificates checked\n",
        (unsigned long long)s->records, (unsigned long long)s->entries, (unsigned long long)s->open_entries,
        (unsigned long long)s->secrets, (unsigned long long)s->not_decrypted,
        (unsigned long long)s->certificates);
}

int main(int argc, char **argv)
{
    unsigned flags = 0, dump = 0;
    bool dumped = false, ok;
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (o == '?') return 2;
        if (o == OPT_DUMP) dumped = true;
        if (o == OPT_UNWRAP) dump |= DUMP_UNWRAP;
        if (o == OPT_MASK) dump |= DUMP_MASK;
        if (o == OPT_INCOMPLETE) flags |= READER_INCOMPLETE;
    }
    if (argc - optind != 2) {
        fputs("usage: mic_reader [--dump [--unwrap] [--mask]] [--incomplete] KEYS.json FILE.mic\n", stderr);
        return 2;
    }
    struct reader reader = {.flags = flags};
    struct keys *keys = NULL;
    uint8_t *bytes = NULL;
    if (!keys_load(argv[optind], &keys) || !read_file(argv[optind + 1], &bytes, &reader.file.len)) {
        keys_free(keys);
        free(bytes);
        return 2;
    }
    reader.keys = keys;
    reader.file.at = bytes;
    ok = reader_check(&reader) && (!dumped || reader_dump(&reader, dump, stdout));
    if (!ok)
        print_refusal(argv[optind + 1], &reader.refusal);
    else if (!dumped)
        print_summary(&reader.summary);
    reader_release(&reader);
    keys_free(keys);
    free(bytes);
    return ok ? 0 : 1;
}
