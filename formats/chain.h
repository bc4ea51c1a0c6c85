/* formats/chain.h - the certificates of an application checked from the file alone: CA key → issuer certificate (90) →
 * card certificate (9F46) and signed static data (93), over the records that the file holds (EMV Book 2, 5 and 6).
 *
 * Nothing here needs a token or a secret key. */
#ifndef FORMATS_CHAIN_H
#define FORMATS_CHAIN_H

#include "formats/emv_cert.h"
#include "formats/entry.h"

struct chain_checker;
/* Borrows the CA keys. */
MUST_CHECK bool chain_checker_new(struct chain_checker **out, const struct emv_ca_key *keys, size_t count,
                                  struct err *err);
void chain_checker_free(struct chain_checker *c);

struct chain_result {
    bool certificates; /* the entry has an issuer certificate */
    bool no_ca_key;    /* … under a CA key that is not held: nothing verified */
    uint8_t ca_index;
    bool static_data, card; /* 93 and 9F46 verified */
    bool key_pair;          /* the wrapped key pair's check value is that of the certified key */
};
/* One sealed entry. False (ERR_INTEGRITY, ERR_INPUT): a certificate that does not verify, is not over these records, has
 * outlived the one above it, or is not this card's; AFL or 9F4A broken. */
MUST_CHECK bool chain_check(struct chain_checker *c, const struct entry *entry, struct chain_result *out,
                            struct err *err);

#endif
