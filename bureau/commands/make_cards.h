/* bureau/commands/make_cards.h - the coordinator: stations ask, it gives each card its record, and writes everything down. */
#ifndef BUREAU_COMMANDS_MAKE_CARDS_H
#define BUREAU_COMMANDS_MAKE_CARDS_H

#include "base/progress.h"
#include "bureau/atr.h"
#include "bureau/ledger.h"
#include "bureau/record_source.h"
#include "bureau/station.h"

enum {
    STATIONS_MAX = 16,
    CARDS_PER_RECORD = 2 /* that stay untouched, before a record is left for a redo */
};

enum post_state {
    POST_IDLE,
    POST_WAITING /* a card is in, no record yet */,
    POST_UNDER_WAY,
    POST_MODULES,
    POST_GONE
};
/* What the coordinator knows of a station. */
struct post {
    struct station station;
    enum post_state state;
    uint8_t atr[ATR_MAX];
    size_t atr_len;
    struct card_group card; /* of the record in work */
    bool known;             /* and may be used */
    bool card_refused;      /* it is not the record's fault */
    uint64_t switch_to;     /* the record that this card is for; 0: none */
};

struct make_cards {
    const struct bureau *settings;
    struct ledger *ledger;
    struct record_source *source;
    unsigned retries;
    uint64_t limit;        /* cards to be made at most; 0: no limit */
    uint64_t failures_max; /* cards in a row that are not made, before the run ends */
    bool redo;
    struct post posts[STATIONS_MAX];
    size_t post_count;
    struct progress progress;
    /* How it went. */
    uint64_t made, untouched, half_done, spoiled, modules_failed;
    uint64_t left;     /* records for a redo: something is wrong with them, or seems to be */
    struct err token;  /* why a station's token process failed last, if one did */
    uint64_t failures; /* in a row */
    bool interrupted;
    bool stopping;  /* no more cards are begun */
    struct err why; /* the last thing that went wrong */
};

/* Makes cards until no record is left, the limit is reached, too many have failed, or SIGINT or SIGTERM comes (which lets cards under
 * way be finished; a second one does not). The posts' stations are started. What a person should see goes to standard error. False:
 * ERR_FILE, a book cannot be written any more; ERR_INTEGRITY, the file has changed; ERR_TOKEN and others, no station is left. What is
 * under way then is broken off. */
MUST_CHECK bool make_cards(struct make_cards *m, struct err *err);

#endif
