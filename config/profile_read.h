/* config/profile_read.h - inside config/: the tables behind profile_load, parted into two files. */
#ifndef CONFIG_PROFILE_READ_H
#define CONFIG_PROFILE_READ_H

#include "config/profile.h"
#include "config/schema.h"

/* schema_read_fn of single values. */
schema_read_fn profile_read_tag;         /* uint32_t, not reserved */
schema_read_fn profile_read_convert;     /* const struct convert_row * */
schema_read_fn profile_read_dgi;         /* uint16_t, four hex digits */
schema_read_fn profile_read_crt_padding; /* bool: when-needed */
/* schema_read_fn of sections; into: the whole struct profile. */
schema_read_fn profile_read_elements;
schema_read_fn profile_read_keys;
schema_read_fn profile_read_key_pair;
schema_read_fn profile_read_certificates;
schema_read_fn profile_read_groupings; /* after the keys */

/* Names of kinds as in profiles: "des2" …; and the canonical lines of keys. */
const char *profile_kind_name(enum secret_kind kind);
void profile_key_canonical(struct canonical *c, const struct profile_key *k);
void profile_key_release(struct profile_key *k);
/* profile_canonical inside another canonical text. */
void profile_canonical_lines(struct canonical *c, const struct profile *p);

#endif
