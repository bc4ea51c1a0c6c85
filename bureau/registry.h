/* bureau/registry.h - the bureau's books (`books:` of its settings): which files it has seen, and what became of every card
 * record. One SQLite file; every change is on disk (synced) when its function returns.
 *
 * A record is named by the pass that gave it its identity and by its number: both stand in its CARD group and stay the same in
 * every later pass (docs/formats/mic-file.md). Its state follows from its events, which are only ever appended:
 *
 *   open ──BEGUN──▶ under way ──MADE──▶ made        ──SPOILED──▶ spoiled      ──UNTOUCHED──▶ open
 *                       │ CARD: its serial is known     ──HALF_DONE──▶ half done ──BEGUN──▶ repeated ──▶ the same outcomes,
 *                                                                                          UNTOUCHED: half done again
 *   made, half done, spoiled ──REMAKE (the issuer's signed list)──▶ open         ──DESTROYED──▶ destroyed ──REMAKE──▶ open
 *
 * DESTROYED of a card that the record was on before a remake changes no state, in whichever the record is by then.
 * What the table does not have is refused, so one record never gives two live cards. Processes may share the file, each with a
 * registry of its own, opened after the fork. */
#ifndef BUREAU_REGISTRY_H
#define BUREAU_REGISTRY_H

#include <time.h>

#include "formats/mic_file.h"

struct registry;

/* Opens the books, made with mode 0600 if they are not there. False (ERR_FILE): cannot be opened, no database of ours, or of
 * another version; ERR_INTERNAL. */
MUST_CHECK bool registry_open(struct registry **out, const char *path, struct err *err);
void registry_close(struct registry *r); /* NULL is fine */

/* ---- files ---- */

enum registry_flag {
    REGISTRY_INCOMPLETE_SET = 1, /* told so: the job's other shards need not be here */
    REGISTRY_LOOK_ONLY = 2,      /* compares, writes nothing: the file was not checked as a whole */
    REGISTRY_NOTHING_LEFT = 4    /* told so: it is not for its cards, all of which may be made */
};
struct registry_counts { /* of the file's records */
    uint64_t records, open, half_done, made, spoiled, destroyed;
    unsigned shards_seen, shards; /* of the job, this one included */
    bool seen_before;             /* this very file */
};
/* Takes a file that was verified as a whole, keys and all, into the books, and says what is left to do of it. False (ERR_INPUT):
 * - the same job and shard came before as another file;
 * - an older pass: its records are known in a newer one; or a pass beside the one that is known;
 * - its numbers are those of another shard, or the job was planned otherwise in another shard;
 * - personalized before: none of its records is open or half done, unless told so;
 * - shards are missing, unless told so. The file is then in the books all the same (not with LOOK_ONLY), so that the last shard of
 *   a set, and then every one, is accepted.
 * ERR_FILE, ERR_INTERNAL. *counts is filled in if the result is true; it may be NULL. */
MUST_CHECK bool registry_accept_file(struct registry *r, const struct mic_file_summary *file, unsigned flags,
                                     struct registry_counts *counts, struct err *err);

/* ---- records ---- */

enum record_state {
    RECORD_OPEN,
    RECORD_UNDER_WAY,
    RECORD_REPEATED,  /* under way on the card on which it was half done */
    RECORD_HALF_DONE, /* to be repeated on the same card, and on no other */
    RECORD_MADE,
    RECORD_SPOILED,
    RECORD_DESTROYED
};
enum record_event {
    EVENT_BEGUN,     /* before the first command */
    EVENT_CARD,      /* serial learnt; before the first command that changes the card */
    EVENT_MADE,      /* outcomes, as enum card_outcome has them */
    EVENT_UNTOUCHED, /* */
    EVENT_HALF_DONE, /* */
    EVENT_SPOILED,   /* */
    EVENT_DESTROYED, /* the card was destroyed */
    EVENT_REMAKE     /* the issuer allows a new card: `text` says by which list */
};
const char *record_state_name(enum record_state state); /* "half done" */
const char *record_event_name(enum record_event event); /* "begun" */

/* Texts are borrowed; NULL where there is nothing to say. Never a secret, never a whole card number. */
struct record_note {
    enum record_event event;
    time_t time;
    const char *serial; /* of the card, hex */
    const char *atr;    /* hex */
    const char *reader; /* name */
    const char *text;   /* what was last done, or why */
};
struct record_status {
    enum record_state state;
    uint8_t pass[JOB_ID_LEN]; /* of the last event; zero when there is none */
    uint64_t events;          /* how many */
    uint64_t cards;           /* how many cards were begun for it */
    uint64_t destroyed;       /* how many of them were destroyed */
    char serial[65];          /* of the card that it is on; "" when none is known */
};

/* State of one record; open if the books do not know it. */
MUST_CHECK bool registry_record_state(struct registry *r, const struct card_group *card,
                                      struct record_status *out, struct err *err);
/* Appends an event and syncs. `pass` is the job id of the file that the record was read from. False: ERR_INPUT, the record's
 * state forbids it ("record 5 was personalized before: made on card … at …"), or its pass is older than one known to the books,
 * or CARD names another card than the one on which it was half done; ERR_FILE. */
MUST_CHECK bool registry_append(struct registry *r, const struct card_group *card,
                                const uint8_t pass[JOB_ID_LEN], const struct record_note *note,
                                struct err *err);
/* Would it be appended? Nothing is written. False: as registry_append. */
MUST_CHECK bool registry_may_append(struct registry *r, const struct card_group *card,
                                    const uint8_t pass[JOB_ID_LEN], const struct record_note *note,
                                    struct err *err);

/* One run that makes cards at a time: locks PATH.lock for as long as the registry is open, then closes what a killed run left
 * under way: half done if CARD was noted for it, else untouched. *recovered counts them. False: ERR_FILE, another run holds it. */
MUST_CHECK bool registry_begin_run(struct registry *r, time_t now, uint64_t *recovered, struct err *err);

/* ---- reading back: status, return files ---- */

/* What a walk hands out; borrowed until the function returns. */
struct registry_event {
    uint64_t sequence; /* rising through the books */
    uint8_t job_id[JOB_ID_LEN];
    uint64_t number;
    uint8_t pass[JOB_ID_LEN];
    enum record_state state; /* after it */
    struct record_note note;
};
/* False ends the walk and is its result. */
typedef bool registry_event_fn(void *context, const struct registry_event *event, struct err *err);
/* Every event of this first job's records, by record number and then in time; job_id NULL: of all. */
MUST_CHECK bool registry_walk_events(struct registry *r, const uint8_t *job_id, registry_event_fn *fn,
                                     void *context, struct err *err);

struct registry_file {
    uint8_t first_job[JOB_ID_LEN]; /* the pass that gave the records their identity */
    uint8_t job_id[JOB_ID_LEN];
    const char *name;
    uint64_t first_record, last_record, planned; /* numbers, set aside ones included */
    uint64_t records;                            /* that stand in the file */
    uint16_t shard, shards;
    size_t passes; /* before this one */
    uint8_t file_hash[SHA256_LEN];
};
typedef bool registry_file_fn(void *context, const struct registry_file *file, struct err *err);
/* Every file, by first job, shard and pass. */
MUST_CHECK bool registry_walk_files(struct registry *r, registry_file_fn *fn, void *context, struct err *err);

#endif
