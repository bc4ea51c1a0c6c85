/* bureau/pcsc.h - cards in readers, through the PC/SC service (pcscd). No other file includes its header.
 *
 * One process, one connection to the service, one card at a time. Readers are chosen by name and never by index: their order is
 * the service's business. A card is connected SHARED and held by a transaction, since another program's EXCLUSIVE and SHARED
 * have been seen to lock each other out. Where the service goes or comes back, a call says so; pcsc_reopen waits for it. */
#ifndef BUREAU_PCSC_H
#define BUREAU_PCSC_H

#include "base/buf.h"
#include "bureau/atr.h"

struct pcsc;

enum {
    PCSC_NAME_MAX = 128,
    PCSC_READERS_MAX = 16,   /* what one service has */
    PCSC_ANSWER_MAX = 65538, /* data of an extended answer, SW1 SW2 */
};

/* Connects to the service, trying again for up to patience_ms while it is not there. False (ERR_FILE): it is not. */
MUST_CHECK bool pcsc_open(struct pcsc **out, unsigned patience_ms, struct err *err);
void pcsc_free(struct pcsc *p); /* NULL is fine; a connected card is reset */
/* The same on an open one, after the service has gone. */
MUST_CHECK bool pcsc_reopen(struct pcsc *p, unsigned patience_ms, struct err *err);

struct pcsc_readers {
    char names[PCSC_READERS_MAX][PCSC_NAME_MAX]; /* sorted */
    size_t count;
};
/* The readers whose names match one of the shell patterns (fnmatch); no pattern: all. None is no error. */
MUST_CHECK bool pcsc_list(struct pcsc *p, const char *const *patterns, size_t pattern_count,
                          struct pcsc_readers *out, struct err *err);

enum pcsc_event {
    PCSC_CARD_IN,
    PCSC_CARD_OUT,
    PCSC_CARD_MUTE,    /* one is in, and does not answer to reset */
    PCSC_READER_GONE,  /* unplugged, or not there yet */
    PCSC_SERVICE_GONE, /* pcsc_reopen */
    PCSC_TIMEOUT,
    PCSC_CANCELED,
};
const char *pcsc_event_name(enum pcsc_event event);
enum pcsc_until {
    PCSC_UNTIL_IN,     /* a card is in the reader */
    PCSC_UNTIL_OUT,    /* none is */
    PCSC_UNTIL_READER, /* the reader is there: PCSC_CARD_OUT or PCSC_CARD_IN */
};
struct pcsc_wait {
    const char *reader;
    enum pcsc_until until;
    int cancel_fd; /* readable: somebody wants the waiting to end (within a quarter of a second); -1: nobody can */
    int timeout_ms; /* -1: for ever */
};
/* Waits; an event that makes what is waited for impossible ends it as well. False (ERR_FILE): the service says something that is
 * none of the events. */
MUST_CHECK bool pcsc_wait(struct pcsc *p, const struct pcsc_wait *wait, enum pcsc_event *event,
                          struct err *err);

struct pcsc_card {
    uint8_t atr[ATR_MAX];
    size_t atr_len;
    bool t0; /* protocol T=0; else T=1 */
    bool
        extended; /* lengths above 255 may be used: T=1, the ATR offers it, and the reader does not say that it has none */
};
/* Connects the reader's card, resets it (another program may have used it) and holds it. *event is PCSC_CARD_IN, or why there is
 * no card to be had: out, mute, reader or service gone. False (ERR_FILE): another program has it to itself, or the service refuses. */
MUST_CHECK bool pcsc_connect(struct pcsc *p, const char *reader, struct pcsc_card *card,
                             enum pcsc_event *event, struct err *err);
/* Lets go of the card, and resets it: whatever was selected or opened on it ends. Harmless without a card. */
void pcsc_disconnect(struct pcsc *p);

/* How a command ended. */
enum pcsc_fate {
    PCSC_ANSWERED,
    PCSC_PULLED,    /* the card is out, or an answer of fewer than two bytes came */
    PCSC_RESET,     /* another program has reset the card: what was opened on it is gone */
    PCSC_UNPLUGGED, /* the reader has gone */
    PCSC_STOPPED,   /* the service has gone */
    PCSC_SILENT,    /* the card does not answer, or not what the protocol asks for */
};
const char *pcsc_fate_name(enum pcsc_fate fate);
/* Sends one command (ISO/IEC 7816-4, 5.1, short or extended) and gives the whole answer, data and SW1 SW2, in place of what
 * `answer` holds; what the transport adds is done on the way (exchange.h). Without an answer `answer` is empty and *fate says
 * why. False: the command is none, or is not for this card (ERR_INTERNAL). */
MUST_CHECK bool pcsc_transmit(struct pcsc *p, const uint8_t *command, size_t len, struct buf *answer,
                              enum pcsc_fate *fate, struct err *err);

#endif
