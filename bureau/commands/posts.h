/* bureau/commands/posts.h - the coordinator's side of the stations: one for each reader, heard as they speak, until nothing is left to
 * do. What is done with a card is the owner's business: records (make_cards.h), or a blank card's keys (supply.c). */
#ifndef BUREAU_COMMANDS_POSTS_H
#define BUREAU_COMMANDS_POSTS_H

#include "base/args.h"
#include "base/progress.h"
#include "base/secret.h"
#include "bureau/atr.h"
#include "bureau/modules.h"
#include "bureau/station.h"
#include "formats/card_record.h"

enum { STATIONS_MAX = 16 };

enum post_state {
    POST_IDLE,
    POST_WAITING /* a card is in, nothing to do with it yet */,
    POST_UNDER_WAY,
    POST_MODULES,
    POST_GONE
};
/* What the coordinator knows of a station. The owner sets the state when it gives an order, and keeps here what belongs to the card. */
struct post {
    struct station station;
    enum post_state state;
    uint8_t atr[ATR_MAX];
    size_t atr_len;
    bool known;                     /* the card has told itself, and may be used */
    struct card_id id;              /* of a card that gets keys */
    struct card_id due;             /* the one that the record in work is for; len 0: any */
    struct card_group card;         /* of the record in work */
    bool card_refused;              /* it is not the record's fault */
    char modules[MODULES_TEXT_MAX]; /* that get their groups when the card is made */
    uint64_t switch_to;             /* the record that this card is for; 0: none */
};

/* What a station may say in which states (bits). False: the run has to end; ERR_INTERNAL: only this station, whose message makes no
 * sense. STATION_CARD, STATION_NOTE and STATION_REFUSED are taken here. */
struct posts_handler {
    enum station_message type;
    unsigned states;
    bool (*take)(void *owner, struct post *p, struct cur *c, struct err *err);
};
struct posts_owner {
    void *context;
    const struct posts_handler *handlers;
    size_t handler_count;
    /* Gives the card that is in (POST_WAITING) its order, or lets it wait. */
    bool (*serve)(void *context, struct post *p, struct err *err);
    /* Is there anything to begin another card for? */
    bool (*has_more)(void *context, bool *more, struct err *err);
    /* The station has ended with a card under way, or with its modules (POST_MODULES). */
    bool (*lost)(void *context, struct post *p, const char *how, struct err *err);
};

struct posts {
    struct post all[STATIONS_MAX];
    size_t count;
    uint64_t limit;        /* cards to be made at most; 0: no limit */
    uint64_t failures_max; /* cards in a row that are not made, before the run ends */
    struct progress progress;
    /* How it went. */
    uint64_t made, failures; /* failures: in a row */
    bool interrupted;
    bool stopping;  /* no more cards are begun */
    struct err why; /* the last thing that went wrong */
};

/* Starts a station for each reader that fits (reader_patterns). pin: for their token processes, if it comes once (pin_once.h); else empty.
 * False: no reader is there (ERR_FILE), station_start; posts_end lets those end that have started. */
MUST_CHECK bool posts_start(struct posts *s, const struct bureau *settings, const struct secret *pin,
                            const struct arg_list *named, struct err *err);
/* Says on standard error which readers take cards, and hears them until nothing is left to begin, the limit is reached, too many cards have
 * failed, or SIGINT or SIGTERM comes (which lets cards under way be finished; a second one does not). Stations that speak at the same time
 * are heard in the order of their readers' names. Then every station has ended. False: what an owner's call says, or no station is left;
 * what is under way is broken off. */
MUST_CHECK bool posts_work(struct posts *s, const struct posts_owner *owner, struct err *err);
void posts_end(struct posts *s); /* harmless when they have ended */

/* May another card be begun? */
bool posts_may_begin(const struct posts *s);
/* Says it; one that does not hear any more is noticed by its socket. */
void post_say(struct post *p, enum station_message type, const struct buf *payload);
void post_refuse(struct post *p, const struct err *why); /* STATION_NO */
void post_release(struct post *p);                       /* the card can be taken out */
/* Counts a card that was not made; too many in a row, and no more are begun. */
void posts_count_failure(struct posts *s, const struct err *why);
/* A line for people, on standard error behind what the progress has drawn: READER: what. */
void posts_tell(const struct posts *s, const struct post *p, const char *what);

#endif
