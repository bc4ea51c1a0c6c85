/* tests/bureau/card_bureau.h - a bureau with a signed file of a few records, virtual readers, and cards that remember what they
 * were given; the token process is scripted (support/scripted_token.h). Commands run in processes of their own, as they would. */
#ifndef TESTS_BUREAU_CARD_BUREAU_H
#define TESTS_BUREAU_CARD_BUREAU_H

#include <sys/types.h>

#include "bureau/journal.h"
#include "card_service.h"
#include "scripted_token.h"
#include "vpcd_card.h"

enum { CARD_STORED_MAX = 64, BUREAU_SAID_MAX = 1 << 14 };

/* What a card remembers: shared between the processes of a test. */
struct card_memory {
    uint8_t serial; /* in its KEYDATA */
    volatile unsigned stored;
    volatile uint64_t records[CARD_STORED_MAX]; /* that each STORE DATA named */
    unsigned commands, signal_at;               /* 0: never */
    const volatile struct card_memory
        *meets; /* says who it is once this one has got a command, too; or NULL */
    pid_t signal_to;
    bool to_first_child; /* of that process: the station of its first reader */
    int signal;
};

struct card_bureau {
    char folder[64], mic[96], settings[96], with_modules[96], books[96], journal[160], said_path[96];
    char said[BUREAU_SAID_MAX];
    struct card_service service;
    struct card_memory *cards; /* serial − 1 */
    size_t card_count;
};

/* A file of so many records (8 at most), known to the books as a whole; so many blank cards. `more` are further lines of the settings. */
bool card_bureau_start(struct card_bureau *b, size_t records, size_t cards, const char *more);
void card_bureau_stop(struct card_bureau *b);
/* Blank cards and new books. */
bool card_bureau_reset(struct card_bureau *b);

/* Runs a command with these words behind FILE and --settings; the last one is NULL. b->said is what it said. */
pid_t card_bureau_begin(struct card_bureau *b, int (*command)(int, char **), const char *const *words);
/* Waits for it; gives its exit status, 256 + signal if it was killed. */
int card_bureau_end(struct card_bureau *b, pid_t pid);

/* Puts a card into a reader. It leaves it when it is let go of, or at that command. */
bool card_bureau_insert(struct card_bureau *b, struct vpcd_card *c, size_t reader, size_t card,
                        unsigned pull_at);
/* The same, but it stays until it has got everything. */
bool card_bureau_insert_until_whole(struct card_bureau *b, struct vpcd_card *c, size_t reader, size_t card);
/* The same as the first, and it sends a signal to a process when it carries out its at-th command. */
bool card_bureau_insert_signal(struct card_bureau *b, struct vpcd_card *c, size_t reader, size_t card,
                               unsigned at, pid_t pid, int signal);
/* Feeds cards into a reader, one after another, in a process of its own: first, first + step, … */
pid_t card_bureau_feed(struct card_bureau *b, size_t reader, size_t first, size_t step);

/* What the journal says of a record now. */
struct journal_record card_bureau_record(const struct card_bureau *b, uint64_t number);
/* Asserts that no record is on two cards and no card holds two, and gives the number of cards that got all of a record's data. */
size_t card_bureau_check_cards(const struct card_bureau *b);

#endif
