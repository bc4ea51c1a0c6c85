/* config/source.h - where a value comes from: the list that a profile gives under `from`. The first source
 * that gives something wins; before all of them stands what the record's own open entry holds under the
 * element's tag. */
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
    SOURCE_COMPUTED,    /* computed: NAME - text made from other fields, see enum source_computed */
    SOURCE_TOKEN,       /* token: random - `length` bytes of the token's generator */
    SOURCE_KEY_VERSION, /* key_version: KMC - the version of a master key that this record uses, 1 byte */
};
enum source_computed {
    COMPUTED_TRACK2, /* track2: "PAN=YYMMsssd…" out of the fields pan, expiry, service_code and track2_discretionary (which
                             * may be empty); gives nothing when one of the first three is empty */
    COMPUTED_RECORD_NUMBER, /* record-number: decimal, as in CARD DA */
    COMPUTED_OBJECT_ID,     /* object-id: as in CARD DB */
};
struct source {
    enum source_kind kind;
    char *text; /* field, constant, template, computed or key name; NULL for hex, counter and token */
    enum source_computed computed; /* SOURCE_COMPUTED */
    uint8_t *bytes;                /* SOURCE_HEX */
    size_t len;
    struct template *template; /* SOURCE_TEMPLATE */
};
enum { SOURCES_MAX = 6 };
struct source_list {
    struct source sources[SOURCES_MAX];
    size_t count;
};

/* "field", "constant", … as in profiles; "track2", … */
const char *source_kind_name(enum source_kind kind);
const char *source_computed_name(enum source_computed computed);
/* Does it give text, which a conversion turns into bytes? (Not hex, token and key_version.) */
bool source_gives_text(const struct source *s);
/* The index-th input field that this source asks for, or NULL: a field, a template's (without counter and
 * record), track2's. */
const char *source_field(const struct source *s, size_t index);
/* Does it ask for the job's card number counter? */
bool source_uses_counter(const struct source *s);
void source_list_release(struct source_list *list);

/* Reads what stands under `from`: one source or a list of them (a schema_read_fn; into: struct
 * source_list). */
struct tree_node;
MUST_CHECK bool source_list_read(const struct tree_node *value, void *into, struct err *err);
/* Canonical lines, see canonical.h. */
struct canonical;
void source_list_canonical(struct canonical *c, const struct source_list *list);

#endif
