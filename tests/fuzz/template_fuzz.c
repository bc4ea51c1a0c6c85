/* The first line is the template, the rest is every field's text. */
#include <stdlib.h>
#include <string.h>

#include "formats/template.h"

struct field {
    const char *text;
    size_t len;
};

static bool look_up(void *context, const char *name, const char **text, size_t *len, struct err *err)
{
    const struct field *field = context;
    (void)name;
    (void)err;
    *text = field->text;
    *len = field->len;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct template *t = NULL;
    const uint8_t *line_end = size ? memchr(data, '\n', size) : NULL;
    size_t head = line_end ? (size_t)(line_end - data) : size;
    struct field field = {line_end ? (const char *)line_end + 1 : NULL, line_end ? size - head - 1 : 0};
    struct buf out;
    bool missing = false;
    char *text = strndup((const char *)data, head);

    buf_init(&out, 1 << 16);
    if (text && template_compile(&t, text, &err)) {
        if (strcmp(template_text(t), text) != 0) abort();
        if (!template_render(t, look_up, &field, &out, &missing, &err) && out.len) abort();
        if (!field.len && template_field_count(t) && !missing) abort();
        template_free(t);
    }
    buf_release(&out);
    free(text);
    return 0;
}
