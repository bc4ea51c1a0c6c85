/* config/source.h - where a value comes from: the list that a profile gives under `from`. The first source that gives
 * something wins; before all of them stands what the record's own open entry holds under the element's tag. */
#ifndef CONFIG_SOURCE_H
#define CONFIG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "formats/template.h"

enum source_kind {
    SOURCE_FIELD,       /* field: NAME - text of an input field */
    SOURCE_CONSTANT,    /* constant: TEXT - through the element's conversion */
    SOURCE_HEX,         /* hex: BYTES - as they are */
    SOURCE_TEMPLATE,    /* template: TEXT - see formats/template.h; gives nothing when a field is empty */
    SOURCE_COUNTER,     /* counter: yes - decimal text of the job's card number counter */
    SOURCE_COMPUTED,    /* computed: NAME - see computed_names in source.c: track2, record-number, object-id */
    SOURCE_TOKEN,       /* token: random - `length` bytes of the token's generator */
    SOURCE_KEY_VERSION, /* key_version: KMC - the version of a master key that this record uses, 1 byte */
};
struct source {
    enum source_kind kind;
    char *text;                /* field, constant, computed or key name */
    uint8_t *bytes;            /* SOURCE_HEX */
    size_t len;
    struct template *template; /* SOURCE_TEMPLATE */
};
enum { SOURCES_MAX = 6 };
struct source_list {
    struct source sources[SOURCES_MAX];
    size_t count;
};

#endif
