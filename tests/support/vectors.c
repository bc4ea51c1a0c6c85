#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/outfile.h"

enum { VECTOR_FILE_MAX = 1 << 20 };

struct vector_file {
    char name[64];
    struct buf text;
    char *rest;         /* what is not yet read; NULL after the last line */
    unsigned long line; /* of what `rest` starts with */
};

bool vector_file_open(struct vector_file **out, const char *name, struct err *err)
{
    char path[4096];
    struct vector_file *f = calloc(1, sizeof(*f));
    if (!f) return err_set_no_memory(err);

    buf_init(&f->text, VECTOR_FILE_MAX);
    snprintf(f->name, sizeof(f->name), "%s", name);
    snprintf(path, sizeof(path), "%s/vectors/%s", TEST_DATA_DIR, name);
    if (!file_read_all(path, VECTOR_FILE_MAX - 1, &f->text, err)) {
        vector_file_free(f);
        return false;
    }
    buf_put_u8(&f->text, 0);
    if (!buf_ok(&f->text, name, err)) {
        vector_file_free(f);
        return false;
    }
    f->rest = (char *)f->text.data;
    f->line = 1;
    *out = f;
    return true;
}

void vector_file_free(struct vector_file *f)
{
    if (!f) return;
    buf_release(&f->text);
    free(f);
}

/* The next line, cut out of the text; NULL at the end. */
static char *next_line(struct vector_file *f)
{
    char *line = f->rest && *f->rest ? strsep(&f->rest, "\n") : NULL;
    if (line) f->line++;
    return line;
}

static bool add_field(struct vector_block *block, char *line, unsigned long number, struct err *err)
{
    char *equals = strstr(line, " =");
    if (!equals || equals == line)
        return err_set(err, ERR_INPUT, "%s:%lu: not `name = value`", block->file, number);
    *equals = '\0';
    if (vector_text(block, line))
        return err_set(err, ERR_INPUT, "%s:%lu: '%s' a second time", block->file, number, line);
    if (block->count == VECTOR_FIELDS_MAX)
        return err_set(err, ERR_INPUT, "%s:%lu: more than %d fields", block->file, number, VECTOR_FIELDS_MAX);
    char *value = equals + strlen(" =");
    block->fields[block->count].name = line;
    block->fields[block->count].value = value + strspn(value, " ");
    block->count++;
    return true;
}

bool vector_next(struct vector_file *f, struct vector_block *out, bool *end, struct err *err)
{
    static const char source[] = "# source: ";
    char *line = next_line(f);
    while (line && !*line)
        line = next_line(f);

    memset(out, 0, sizeof(*out));
    out->file = f->name;
    out->line = f->line - 1;
    out->source = "";
    *end = !line;
    for (; line && *line; line = next_line(f)) {
        if (strncmp(line, source, strlen(source)) == 0) out->source = line + strlen(source);
        if (*line != '#' && !add_field(out, line, f->line - 1, err)) return false;
    }
    return true;
}

const char *vector_text(const struct vector_block *block, const char *name)
{
    for (size_t i = 0; i < block->count; i++) {
        if (strcmp(block->fields[i].name, name) == 0) return block->fields[i].value;
    }
    return NULL;
}

bool vector_is_op(const struct vector_block *block, const char *op)
{
    const char *value = vector_text(block, "op");
    return value && strcmp(value, op) == 0;
}

bool vector_hex(const struct vector_block *block, const char *name, struct buf *out)
{
    struct err err = ERR_INIT;
    const char *value = vector_text(block, name);

    buf_clear(out);
    if (!value) return false;
    if (hex_read(value, strlen(value), out, &err) && buf_ok(out, name, &err)) return true;
    fprintf(stderr, "%s:%lu: %s: %s\n", block->file, block->line, name, err.text);
    return false;
}

void vector_show(const struct vector_block *block)
{
    fprintf(stderr, "in %s:%lu: %s\n", block->file, block->line, block->source);
}
