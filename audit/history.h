/* audit/history.h - what programs ask of a log: who held which component, how long a key lives, how much it was used, which
 * hand-overs were accepted. One pass over the lines, each checked as in audit/read.h; memory is bounded by the number of
 * keys, components, partners and unfinished runs. Events and their members: docs/formats/audit-log.md. */
#ifndef AUDIT_HISTORY_H
#define AUDIT_HISTORY_H

#include "audit/line.h"

struct audit_log;
struct reader;
struct history;

/* False: as audit_read_next, and ERR_INTEGRITY for an event that is listed in docs/formats/audit-log.md but lacks a member or
 * has a wrong one (`PATH:LINE: event key: …`); ERR_FILE. A cut last line is passed over (history_cut). */
MUST_CHECK bool history_load(struct history **out, const char *path, struct err *err);
/* Of a log that the caller holds (audit_log_hold). */
MUST_CHECK bool history_load_log(struct history **out, const struct audit_log *log, struct err *err);
/* Over an open reader, which it takes over. */
MUST_CHECK bool history_load_over(struct history **out, struct reader *reader, struct err *err);
void history_free(struct history *h);
/* The last line. */
const struct audit_head *history_head(const struct history *h);
/* Bytes of a cut line at the end; 0: none. */
uint64_t history_cut(const struct history *h);

/* May this person enter, or be given, this component of the key? False (ERR_CONFIG): the log shows that the same person entered
 * or was given another component of the same key and version. Names are compared as audit_text_fold has them. The same
 * component again is allowed: a sitting may be repeated. */
MUST_CHECK bool history_custodian_may(const struct history *h, const char *custodian, const char *key,
                                      uint64_t version, uint64_t component, struct err *err);

/* A key by name and version. Texts are owned by the history, and "" where the log does not say. */
struct history_key {
    char *name;
    uint64_t version;
    bool recorded; /* an event "key" told of it; else only a use, a limit or a rotation names it */
    char *role, *algorithm, *kcv, *origin, *method; /* as last recorded */
    char *token, *label;
    char not_before[11], not_after[11]; /* YYYY-MM-DD; "": no bound */
    uint64_t followed_by;               /* the version that "rotate" made after it; 0: none */
    char followed_on[21];               /* time of that */
    size_t copies, copies_destroyed;    /* on different tokens or under different labels */
    char destroyed_on[21];              /* time of the last destruction; "": none */
    uint64_t blocks_used;               /* see history_limit for the size of a block */
    bool limit_given, limit_stop;
    uint64_t limit_blocks;
};
/* NULL: the log does not name it. */
const struct history_key *history_key(const struct history *h, const char *name, uint64_t version);
size_t history_key_count(const struct history *h);
const struct history_key *history_key_at(const struct history *h, size_t index); /* in order of appearance */
/* Every copy that the log knows of is destroyed. */
bool history_key_is_destroyed(const struct history_key *k);

/* A key on a token. */
struct history_copy {
    const struct history_key *key;
    char *token, *label, *role;
    bool destroyed;
};
size_t history_copy_count(const struct history *h);
const struct history_copy *history_copy_at(const struct history *h, size_t index);

/* How much a key may be used, in blocks of its cipher: 8 bytes for DES, 16 for AES. As the last event "limit" says; without one
 * 2^20 blocks for DES keys, none for others. */
enum { HISTORY_LIMIT_DES = 1 << 20 };
struct history_limit {
    bool none;
    uint64_t blocks;
    bool stop; /* beyond it a run is refused; else it is told and goes on */
};
/* k may be NULL; algorithm as in jobs ("des2", "aes256"). */
struct history_limit history_limit(const struct history_key *k, const char *algorithm);

/* The highest serial number of a hand-over of this key that was accepted from the sender; 0: none. */
uint64_t history_serial(const struct history *h, const char *sender, const char *key);
/* The fingerprint under which the sender's signing key was last trusted; NULL: never. */
const char *history_trusted(const struct history *h, const char *sender);

#endif
