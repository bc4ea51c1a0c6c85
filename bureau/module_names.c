#include "bureau/module_names.h"

#include <string.h>

uint64_t module_names_find(const struct module_names *m, const char *mic)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->names[i], mic) == 0) return UINT64_C(1) << i;
    return 0;
}

static bool add_one(struct module_names *m, const char *mic, uint64_t *bits, struct err *err)
{
    uint64_t bit = module_names_find(m, mic);

    if (!mic_is_name(mic)) return err_set(err, ERR_INTEGRITY, "a module without a name");
    if (bit == 0) {
        if (m->count == MODULE_NAMES_MAX)
            return err_set(err, ERR_INTEGRITY, "more than %d modules", MODULE_NAMES_MAX);
        memcpy(m->names[m->count], mic, strlen(mic) + 1);
        bit = UINT64_C(1) << m->count++;
    }
    *bits |= bit;
    return true;
}

bool module_names_add(struct module_names *m, const char *list, uint64_t *bits, struct err *err)
{
    uint64_t found = 0;

    while (*list) {
        const size_t len = strcspn(list, " ");
        char mic[MIC_NAME_MAX + 1] = "";
        if (len <= MIC_NAME_MAX) memcpy(mic, list, len);
        if (!add_one(m, mic, &found, err)) return false;
        list += len;
        if (*list) list++;
    }
    *bits = found;
    return true;
}
