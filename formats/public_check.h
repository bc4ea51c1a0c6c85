/* formats/public_check.h - what can be checked of a file's card records without any secret key, and counted: entries, secrets,
 * bindings, certificates. Records come from a mic_file, so END has verified. */
#ifndef FORMATS_PUBLIC_CHECK_H
#define FORMATS_PUBLIC_CHECK_H

#include "formats/emv_cert.h"
#include "formats/entry.h"

struct public_check;

struct public_counts {
    uint64_t records, entries_sealed, entries_open, secrets, seals;
    uint64_t issuer_certificates, static_data, card_certificates, key_pairs;
    uint64_t no_ca_key;  /* entries whose issuer certificate is under a CA key that is not held */
    char missing_ca[32]; /* the first such key: RID and index */
};

/* Borrows the CA keys. */
MUST_CHECK bool public_check_new(struct public_check **out, const struct emv_ca_key *ca_keys, size_t count,
                                 struct err *err);
void public_check_free(struct public_check *c); /* NULL is fine */

/* One card record; adds to the counts. False: what entry_read_all, entry_check and chain_check refuse, with the application named. */
MUST_CHECK bool public_check_record(struct public_check *c, const struct mic_record *record,
                                    const struct card_group *card, const char *chip_mic, struct err *err);
const struct public_counts *public_check_counts(const struct public_check *c);

#endif
