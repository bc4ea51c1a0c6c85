/* tests/support/card_service.h - a PC/SC service (pcscd) with virtual readers of a test's own.
 *
 * card_service_enter puts the process into namespaces of its own, so that sockets, ports and readers are nobody else's and tests can run
 * side by side. Each reader waits for a card at a TCP port (vpcd_card.h). */
#ifndef TESTS_SUPPORT_CARD_SERVICE_H
#define TESTS_SUPPORT_CARD_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CARD_SERVICE_READERS_MAX = 8 };

struct card_service {
    char folder[64];
    pid_t pid;
    size_t reader_count;
    char readers[CARD_SERVICE_READERS_MAX][64];
    int ports[CARD_SERVICE_READERS_MAX];
};

/* Call it first in main, before any thread. False, with the reason on standard error: it cannot be had here; skip (77). */
bool card_service_enter(void);
/* Starts pcscd with so many readers (even numbers). It is ready a little later: clients and cards try again. */
bool card_service_start(struct card_service *s, size_t reader_count);
/* Ends pcscd, and with it every card's connection; starts it again. */
void card_service_halt(struct card_service *s);
bool card_service_resume(struct card_service *s);
/* Waits until the service itself has seen that the last card went. One that is put in before is taken for that one, or not seen at
 * all if that one could not be reset. */
bool card_service_await_empty(const struct card_service *s, size_t reader);
void card_service_stop(struct card_service *s);

#endif
