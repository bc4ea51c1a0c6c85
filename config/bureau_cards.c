/* How a bureau loads an application, and what takes the groups that are not the chip's. */
#include <stdlib.h>
#include <string.h>

#include "config/bureau_read.h"
#include "config/profile_read.h"

enum { APPLICATIONS_MAX = 64, LOOSE_MAX = 64, MODULES_MAX = 32 };

static bool read_load(const struct tree_node *value, void *into, struct err *err)
{
    static const char *const words[] = {"select", "install-for-personalization"};
    size_t index = 0;
    if (!schema_choice(value, words, SCHEMA_COUNT(words), &index, err)) return false;
    *(enum bureau_load *)into = index ? BUREAU_LOAD_INSTALL : BUREAU_LOAD_SELECT;
    return true;
}

static bool read_aid(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_application *a = into;
    return schema_hex(value, a->aid, AID_MIN, AID_MAX, &a->aid_len, err);
}

/* The key of a mapping as the scalar that profile_read_tag takes. */
static bool read_tag(const struct tree_node *value, uint32_t *tag, struct err *err)
{
    struct tree_node key = {.kind = TREE_SCALAR,
                            .file = value->file,
                            .line = value->key_line,
                            .column = value->key_column,
                            .key = value->key,
                            .text = value->key};
    return profile_read_tag(&key, tag, err);
}

static bool read_loose(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_application *a = into;
    if (value->kind != TREE_MAPPING || !value->count || value->count > LOOSE_MAX)
        return tree_error(value, err, "'loose' must be a mapping of 1 to %d tags to their DGIs", LOOSE_MAX);
    a->loose = calloc(value->count, sizeof(*a->loose));
    if (!a->loose) return err_set_no_memory(err);
    for (size_t i = 0; i < value->count; i++) {
        struct bureau_loose *loose = &a->loose[a->loose_count++];
        if (!read_tag(&value->items[i], &loose->tag, err) ||
            !profile_read_dgi(&value->items[i], &loose->dgi, err))
            return false;
        for (size_t k = 0; k < i; k++) {
            if (a->loose[k].tag == loose->tag)
                return tree_error_key(&value->items[i], err, "tag %X stands twice", loose->tag);
        }
    }
    return true;
}

static const struct schema_field application_fields[] = {
    {"aid", SCHEMA_REQUIRED, read_aid, 0},
    {"load", SCHEMA_OPTIONAL, read_load, offsetof(struct bureau_application, load)},
    {"kmc_version", SCHEMA_OPTIONAL, profile_read_tag, offsetof(struct bureau_application, kmc_version)},
    {"loose", SCHEMA_OPTIONAL, read_loose, 0},
};
static const struct schema application_schema = SCHEMA("an application", application_fields);

static bool read_application(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_application *a = into;
    a->line = value->line;
    return schema_bind(value, &application_schema, a, err);
}

bool bureau_read_applications(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct bureau_application), APPLICATIONS_MAX,
                                           read_application};
    struct bureau *b = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &b->application_count, err);
    b->applications = array;
    for (size_t i = 0; ok && i < b->application_count; i++) {
        const struct bureau_application *a = &b->applications[i];
        const struct bureau_application *first = bureau_application_of(b, a->aid, a->aid_len);
        if (first != a)
            ok = tree_error(&value->items[i], err, "this AID is named twice; first in line %u", first->line);
    }
    return ok;
}

static bool read_command(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_module *m = into;
    if (!schema_texts(value, &m->command, &m->command_count, err)) return false;
    return m->command[0][0] == '/' ||
           tree_error(&value->items[0], err, "a command begins with an absolute path");
}

static const struct schema_field module_fields[] = {
    {"mic", SCHEMA_REQUIRED, schema_mic, offsetof(struct bureau_module, mic)},
    {"command", SCHEMA_OPTIONAL, read_command, 0},
    {"folder", SCHEMA_OPTIONAL, schema_file, offsetof(struct bureau_module, folder)},
};
static const struct schema module_schema = SCHEMA("a module", module_fields);

static bool read_module(const struct tree_node *value, void *into, struct err *err)
{
    struct bureau_module *m = into;
    m->line = value->line;
    if (!schema_bind(value, &module_schema, m, err)) return false;
    return !m->command != !m->folder ||
           tree_error(value, err, "a module has either a 'command' or a 'folder'");
}

bool bureau_read_modules(const struct tree_node *value, void *into, struct err *err)
{
    static const struct schema_list how = {sizeof(struct bureau_module), MODULES_MAX, read_module};
    struct bureau *b = into;
    void *array = NULL;
    bool ok = schema_list(value, &how, &array, &b->module_count, err);
    b->modules = array;
    for (size_t i = 0; ok && i < b->module_count; i++) {
        for (size_t k = 0; ok && k < i; k++) {
            if (strcmp(b->modules[i].mic, b->modules[k].mic) == 0)
                ok = tree_error(&value->items[i], err, "module %s is named twice; first in line %u",
                                b->modules[i].mic, b->modules[k].line);
        }
    }
    return ok;
}

void bureau_cards_release(struct bureau *b)
{
    for (size_t i = 0; b->applications && i < b->application_count; i++)
        free(b->applications[i].loose);
    for (size_t i = 0; b->modules && i < b->module_count; i++) {
        free(b->modules[i].mic);
        schema_texts_free(b->modules[i].command, b->modules[i].command_count);
        free(b->modules[i].folder);
    }
    free(b->applications);
    free(b->modules);
}
