/* config/schema.h - from a YAML tree to structs by tables: one row per key, so that reading, refusing and
 * suggesting cannot disagree.
 *
 *   static const struct schema_field counter_fields[] = {
 *       {"file", SCHEMA_REQUIRED, read_path, offsetof(struct job, counter_path)},
 *       {"first", SCHEMA_OPTIONAL, schema_u64, offsetof(struct job, counter_first)},
 *   };
 *
 * Every message is `file:line:column: text`. A reader that fails may leave what it allocated in the object,
 * whose owner releases it whole. Keys are read in the table's order, whatever the file's. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "config/tree.h"

/* Reads one value into `into`, the object's address plus the row's offset. False (ERR_CONFIG). */
typedef bool schema_read_fn(const struct tree_node *value, void *into, struct err *err);

enum schema_need { SCHEMA_OPTIONAL, SCHEMA_REQUIRED };
struct schema_field {
    const char *key;
    enum schema_need need;
    schema_read_fn *read;
    size_t offset;
};
struct schema {
    const char *what; /* for messages: "element" */
    const struct schema_field *fields;
    size_t count;
};
#define SCHEMA_COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))
#define SCHEMA(what, fields)                                                                                 \
    {                                                                                                        \
        what, fields, SCHEMA_COUNT(fields)                                                                   \
    }

/* Binds a mapping to an object. False: no mapping, unknown key (the nearest one suggested), missing key, or
 * what a row's reader refuses. */
MUST_CHECK bool schema_bind(const struct tree_node *mapping, const struct schema *schema, void *object,
                            struct err *err);

/* Readers. Texts are copies, freed by the object's owner; an empty text is refused. */
schema_read_fn schema_text;         /* char *, printable, no control characters */
schema_read_fn schema_flag;         /* bool: yes, no, true, false, not quoted */
schema_read_fn schema_u16;          /* uint16_t, decimal */
schema_read_fn schema_unsigned;     /* unsigned */
schema_read_fn schema_u64;          /* uint64_t */
schema_read_fn schema_size;         /* size_t */
schema_read_fn schema_rsa_exponent; /* unsigned long: 3 or 65537 */
schema_read_fn schema_mic;          /* char *: 1–7 of A–Z 0–9 # - _ that is none of ours */
schema_read_fn schema_file;         /* char *: a path, resolved against the folder of the YAML file */

/* The scalar's text. False: another kind, or empty. */
MUST_CHECK bool schema_scalar(const struct tree_node *value, const char **text, struct err *err);
/* A decimal number in lowest … highest. */
MUST_CHECK bool schema_number(const struct tree_node *value, uint64_t lowest, uint64_t highest, uint64_t *out,
                              struct err *err);
/* Bits of an RSA modulus: 512 … most, a multiple of 8. */
MUST_CHECK bool schema_rsa_bits(const struct tree_node *value, unsigned most, unsigned *out, struct err *err);
/* Hex text of min … max bytes into out; *len may be NULL when min equals max. */
MUST_CHECK bool schema_hex(const struct tree_node *value, uint8_t *out, size_t min, size_t max, size_t *len,
                           struct err *err);
/* One of the words; *index says which. Another is refused with the nearest suggested. */
MUST_CHECK bool schema_choice(const struct tree_node *value, const char *const *words, size_t count,
                              size_t *index, struct err *err);
/* Writes " (did you mean 'x'?)" to text if a word is near, else nothing; returns text. */
const char *schema_suggestion(const char *given, const char *const *words, size_t count, char *text,
                              size_t size);

/* A list's items into a new zeroed array, freed by the owner: *array gets it and *count grows only with items
 * begun, so that the owner can release a list that failed half way. An empty list and lists over `most` are
 * refused. */
struct schema_list {
    size_t item_size;
    size_t most;
    schema_read_fn *read; /* into: one item */
};
MUST_CHECK bool schema_list(const struct tree_node *value, const struct schema_list *how, void **array,
                            size_t *count, struct err *err);
/* A list of texts. */
MUST_CHECK bool schema_texts(const struct tree_node *value, char ***texts, size_t *count, struct err *err);
void schema_texts_free(char **texts, size_t count);

#endif
