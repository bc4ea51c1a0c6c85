/* bench/bureau/contact.h - commands to whatever is in a reader: by SCardTransmit alone, and by the driver of stations (bureau/pcsc.h).
 *
 * `softcard --echo` is meant to be there: it answers at once and does nothing, so what is left is what service, reader and driver
 * take. Its answers are not looked at. A real card would be sent STORE DATA without a channel, and refuse it. */
#ifndef BENCH_BUREAU_CONTACT_H
#define BENCH_BUREAU_CONTACT_H

#include "base/buf.h"

enum { CONTACT_COMMANDS_MAX = 512, CONTACT_COMMAND_MAX = 261 };

struct contact_order {
    const char *reader;
    double seconds;
    double start_us; /* as in raw_order */
    size_t count;
    uint16_t lens
        [CONTACT_COMMANDS_MAX]; /* of the commands, one after the other and again; 4 to CONTACT_COMMAND_MAX */
};
struct contact_result {
    uint64_t commands;
    double seconds, cpu_us;
    double median_us; /* of a command */
};
/* A mix of what a personalization sends: from a head alone to a full STORE DATA. */
void contact_usual(struct contact_order *order);
/* Both are child_fn: context is a contact_order, the result a contact_result. */
bool contact_bare(const void *order, void *result, struct err *err);
bool contact_driver(const void *order, void *result, struct err *err);

/* Waits until a card is there, connects and holds it, by the driver. Free it with pcsc_free. */
struct pcsc;
MUST_CHECK bool contact_open(struct pcsc **out, const char *reader, struct err *err);
/* STORE DATA of this length, without a channel. */
void contact_command(struct buf *command, size_t len);

#endif
