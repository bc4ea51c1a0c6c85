/* reader.h - the independent reader of MIC files: checks a whole output file against
 * docs/formats/mic-file.md with the TEST keys in hand, from the specification alone.
 *
 * The file stands in memory; every span below points into it. The first thing refused ends the check:
 * functions that take a struct reader return false with its refusal set. */
#ifndef READER_READER_H
#define READER_READER_H

#include <stdio.h>

#include "keys.h"

enum reader_flag {
    READER_INCOMPLETE = 1, /* a file without end record: check what is there, then refuse it as incomplete */
    READER_UNSEALED = 2,   /* do not check END's hash and signature (for tests of what lies beneath them) */
};

struct summary {
    uint64_t records, entries, open_entries, secrets, not_decrypted, certificates;
};

struct refusal {
    size_t offset; /* of the byte in the file at which it was seen */
    char record[48], part[96], text[160];
};

struct group {
    const uint8_t *start;  /* of its MIC */
    struct span mic, data; /* mic without padding */
};

/* Section 3. */
struct entry {
    struct span aid, kek_id, data, mackey, mac;
    struct span covered; /* by the MAC: from AIDLEN through MACKEY */
    struct span c2;      /* absent if the entry has none */
};

/* Section 4: the values of an E1's tags, absent ones with a NULL address. */
struct secret {
    const uint8_t *start;
    struct span name, check, master, true_len, own_c2, static_key, ciphertext, dgi;
    int kind, method;
};

struct card {
    struct span job_id, number, object_id;
};

struct reader {
    const struct keys *keys;
    struct span file;
    unsigned flags;
    struct summary summary;
    struct refusal refusal;

    struct span job_id, chip_mic;        /* JOB */
    struct span_list job_keks, past_ids; /* D7, D9 */
    bool *kek_used;
    uint64_t first, planned, shard, shards;
    struct span end_hashes, set_aside; /* END: CF, CC */
    const uint8_t *end;
    bool *hash_used;
    uint64_t end_count;

    uint64_t next;        /* record number that the next card has, CC apart */
    size_t passed;        /* numbers of CC below it */
    struct span seal_kek; /* one for the whole file */
    struct span_list object_ids;
    struct card card;
};

/* `reader` starts as {.keys, .file, .flags} and is released by the caller in any case. */
MUST_CHECK bool reader_check(struct reader *reader);
void reader_release(struct reader *reader);
/* Prints the file, which reader_check has accepted: one line per field, "path = HEX". */
enum dump_flag { DUMP_UNWRAP = 1, DUMP_MASK = 2 };
MUST_CHECK bool reader_dump(struct reader *reader, unsigned flags, FILE *out);

/* ---- parse.c: framing and tables ---- */
/* Always false. `at` points into the file. */
__attribute__((format(printf, 3, 4))) bool refuse(struct reader *r, const uint8_t *at, const char *text, ...);
/* What a refusal names: the record, and the part of it; an empty format clears. */
__attribute__((format(printf, 2, 3))) void name_record(struct reader *r, const char *text, ...);
__attribute__((format(printf, 2, 3))) void name_part(struct reader *r, const char *text, ...);

/* Splits RLEN and a record's groups off `rest`. */
MUST_CHECK bool record_next(struct reader *r, struct span *rest, struct span *groups);
MUST_CHECK bool group_next(struct reader *r, struct span *groups, struct group *group);
bool mic_is(struct span mic, const char *name);
bool mic_is_valid(struct span mic);

enum need { NEEDED, OPTIONAL, REPEATS };
struct tag_rule {
    uint32_t tag;
    enum need need;
    size_t min, max; /* length */
};
/* Reads a table of section 2 or 4; values[i] answers rules[i], the last one where it REPEATS. */
MUST_CHECK bool table_read(struct reader *r, struct span data, const struct tag_rule *rules, size_t count,
                           bool ordered, struct span *values);
MUST_CHECK bool tlv_take(struct reader *r, struct span *rest, struct tlv *tlv);
MUST_CHECK bool entry_next(struct reader *r, struct span *rest, struct entry *entry);
bool entry_is_open(const struct entry *entry);
/* DGI and value of an E2. */
MUST_CHECK bool grouping_read(struct reader *r, struct span e2, struct span *dgi, struct span *value);
/* Whether to look for data elements in it: keys, check values and counters (8000 to 90FF) could look like
 * TLVs by chance. */
bool grouping_is_tlv(struct span dgi, struct span value);
/* Values of an E1 with all the rules of section 4 that need no key. */
MUST_CHECK bool secret_read(struct reader *r, const struct tlv *e1, struct secret *secret);

/* ---- entry.c, secret.c, chain.c ---- */
/* The MAC over `covered` and its key: a KEK that JOB lists, a MACKEY that END lists. */
MUST_CHECK bool mac_check(struct reader *r, struct span kek_id, struct span mackey, struct span covered,
                          struct span mac);
MUST_CHECK bool entry_check(struct reader *r, const struct entry *entry);

/* Unwraps into `plain` (as long as the ciphertext), padding stripped. *opened false: needs keydata that
 * the keys file lacks. `before` is the secret before it with the same DGI, or NULL. */
MUST_CHECK bool secret_open(struct reader *r, const struct entry *entry, const struct secret *secret,
                            const struct secret *before, uint8_t *plain, size_t *len, bool *opened);
/* Everything about one secret; an RSA key is handed over in *rsa, which is released here first. */
MUST_CHECK bool secret_check(struct reader *r, const struct entry *entry, const struct secret *secret,
                             const struct secret *before, struct rsa_private *rsa);
/* Certificates of the entry, if it has any. rsa->n is NULL if it has no card key; holder is what stands
 * in the PAN's place where there is no 5A, or absent. */
MUST_CHECK bool chain_check(struct reader *r, const struct entry *entry, const struct rsa_private *rsa,
                            struct span holder);

#endif
