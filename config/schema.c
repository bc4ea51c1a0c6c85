#include "config/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "formats/mic.h"

enum { KEYS_MAX = 48, TEXTS_MAX = 256, RSA_BITS_MIN = 512 };

static const char *const kind_names[] = {"a single value", "a list", "a mapping (key: value)"};

const char *schema_suggestion(const char *given, const char *const *words, size_t count, char *text,
                              size_t size)
{
    const char *near = args_nearest(given, words, count);
    text[0] = '\0';
    if (near) snprintf(text, size, " (did you mean '%s'?)", near);
    return text;
}

static bool unknown_key(const struct tree_node *item, const struct schema *schema, struct err *err)
{
    const char *keys[KEYS_MAX];
    size_t count = 0;
    char suggestion[96];
    for (; count < schema->count && count < KEYS_MAX; count++)
        keys[count] = schema->fields[count].key;
    schema_suggestion(item->key, keys, count, suggestion, sizeof(suggestion));
    return tree_error_key(item, err, "unknown key '%s' in %s%s", item->key, schema->what, suggestion);
}

static bool is_known(const struct schema *schema, const char *key)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (strcmp(schema->fields[i].key, key) == 0) return true;
    }
    return false;
}

bool schema_bind(const struct tree_node *mapping, const struct schema *schema, void *object, struct err *err)
{
    if (mapping->kind != TREE_MAPPING)
        return tree_error(mapping, err, "%s must be a mapping (key: value), not %s", schema->what,
                          kind_names[mapping->kind]);
    for (size_t i = 0; i < mapping->count; i++) {
        if (!is_known(schema, mapping->items[i].key)) return unknown_key(&mapping->items[i], schema, err);
    }
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_field *f = &schema->fields[i];
        const struct tree_node *value = tree_get(mapping, f->key);
        if (!value && f->need == SCHEMA_REQUIRED)
            return tree_error_key(mapping, err, "key '%s' is missing in %s", f->key, schema->what);
        if (value && !f->read(value, (char *)object + f->offset, err)) return false;
    }
    return true;
}

bool schema_scalar(const struct tree_node *value, const char **text, struct err *err)
{
    const char *key = value->key ? value->key : "this item";
    if (value->kind != TREE_SCALAR)
        return tree_error(value, err, "'%s' must be a single value, not %s", key, kind_names[value->kind]);
    if (!value->text[0]) return tree_error(value, err, "'%s' has no value", key);
    *text = value->text;
    return true;
}

bool schema_text(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    for (size_t i = 0; text[i]; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return tree_error(value, err, "'%s' holds a control character",
                              value->key ? value->key : "this item");
    }
    char *copy = strdup(text);
    if (!copy) return err_set_no_memory(err);
    *(char **)into = copy;
    return true;
}

bool schema_flag(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"no", "yes", "false", "true"};
    size_t index = 0;
    if (value->kind == TREE_SCALAR && value->quoted)
        return tree_error(value, err, "'%s' must be yes or no, without quotes",
                          value->key ? value->key : "this item");
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(bool *)into = index % 2 == 1;
    return true;
}

bool schema_number(const struct tree_node *value, uint64_t lowest, uint64_t highest, uint64_t *out,
                   struct err *err)
{
    const char *text = NULL;
    uint64_t number = 0;
    if (!schema_scalar(value, &text, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && text[i]; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        ok = text[i] >= '0' && text[i] <= '9' && number <= (UINT64_MAX - digit) / 10;
        if (ok) number = 10 * number + digit;
    }
    if (!ok || number < lowest || number > highest)
        return tree_error(value, err, "'%s' must be a whole number from %llu to %llu",
                          value->key ? value->key : "this item", (unsigned long long)lowest,
                          (unsigned long long)highest);
    *out = number;
    return true;
}

bool schema_u16(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 0, UINT16_MAX, &number, err)) return false;
    *(uint16_t *)into = (uint16_t)number;
    return true;
}

bool schema_unsigned(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 0, INT32_MAX, &number, err)) return false;
    *(unsigned *)into = (unsigned)number;
    return true;
}

bool schema_u64(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 0, INT64_MAX, &number, err)) return false;
    *(uint64_t *)into = number;
    return true;
}

bool schema_size(const struct tree_node *value, void *into, struct err *err)
{
    uint64_t number = 0;
    if (!schema_number(value, 0, INT32_MAX, &number, err)) return false;
    *(size_t *)into = (size_t)number;
    return true;
}

bool schema_rsa_bits(const struct tree_node *value, unsigned most, unsigned *out, struct err *err)
{
    uint64_t bits = 0;
    if (!schema_number(value, RSA_BITS_MIN, most, &bits, err)) return false;
    if (bits % 8) return tree_error(value, err, "'bits' must be a multiple of 8");
    *out = (unsigned)bits;
    return true;
}

bool schema_rsa_exponent(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"3", "65537"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(unsigned long *)into = index ? 65537 : 3;
    return true;
}

bool schema_hex(const struct tree_node *value, uint8_t *out, size_t min, size_t max, size_t *len,
                struct err *err)
{
    const char *text = NULL;
    struct buf bytes;
    struct err why = ERR_INIT;
    if (!schema_scalar(value, &text, err)) return false;
    buf_init(&bytes, max);
    bool ok = hex_read(text, strlen(text), &bytes, &why) && bytes.len >= min;
    if (ok) {
        memcpy(out, bytes.data, bytes.len);
        if (len) *len = bytes.len;
    } else if (min == max) {
        tree_error(value, err, "'%s' must be %zu hexadecimal digits", value->key ? value->key : "this item",
                   2 * min);
    } else {
        tree_error(value, err, "'%s' must be an even number of %zu to %zu hexadecimal digits",
                   value->key ? value->key : "this item", 2 * min, 2 * max);
    }
    buf_release(&bytes);
    return ok;
}

bool schema_choice(const struct tree_node *value, const char *const *words, size_t count, size_t *index,
                   struct err *err)
{
    const char *text = NULL;
    char list[256] = "";
    char suggestion[96];
    size_t used = 0;
    if (!schema_scalar(value, &text, err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *index = i;
            return true;
        }
        int n = snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);
        used += n > 0 && (size_t)n < sizeof(list) - used ? (size_t)n : 0;
    }
    list[used] = '\0';
    schema_suggestion(text, words, count, suggestion, sizeof(suggestion));
    return tree_error(value, err, "'%s' is none of: %s%s", text, list, suggestion);
}

bool schema_mic(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    if (!schema_scalar(value, &text, err)) return false;
    if (!mic_is_name(text))
        return tree_error(value, err, "'%s' is no module identifier: 1 to 7 of A-Z 0-9 # - _", text);
    if (mic_is_reserved(text))
        return tree_error(value, err, "'%s' is reserved for this program's own groups", text);
    return schema_text(value, into, err);
}

bool schema_file(const struct tree_node *value, void *into, struct err *err)
{
    const char *text = NULL;
    char *path = NULL;
    if (!schema_scalar(value, &text, err) || !file_path_beside(value->file, text, &path, err)) return false;
    *(char **)into = path;
    return true;
}

bool schema_list(const struct tree_node *value, const struct schema_list *how, void **array, size_t *count,
                 struct err *err)
{
    const char *key = value->key ? value->key : "this item";
    if (value->kind != TREE_SEQUENCE)
        return tree_error(value, err, "'%s' must be a list, not %s", key, kind_names[value->kind]);
    if (!value->count) return tree_error(value, err, "'%s' is an empty list; leave the key out", key);
    if (value->count > how->most)
        return tree_error(value, err, "'%s' has more than %zu items", key, how->most);
    *array = calloc(value->count, how->item_size);
    if (!*array) return err_set_no_memory(err);
    for (size_t i = 0; i < value->count; i++) {
        *count = i + 1;
        if (!how->read(&value->items[i], (char *)*array + i * how->item_size, err)) return false;
    }
    return true;
}

bool schema_texts(const struct tree_node *value, char ***texts, size_t *count, struct err *err)
{
    static const struct schema_list how = {sizeof(char *), TEXTS_MAX, schema_text};
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, count, err);
    *texts = array;
    return ok;
}

void schema_texts_free(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}
