/* The other side of the comparison: SCardTransmit and nothing else. So this file, beside bureau/pcsc.c, includes the PC/SC header. */
#include <winscard.h>

#include "bench/bureau/contact.h"
#include "bench/raw.h"
#include "bureau/pcsc.h"

struct bare {
    SCARDCONTEXT context;
    SCARDHANDLE card;
    bool open, connected;
    const SCARD_IO_REQUEST *protocol;
};

static bool is_good(LONG result, const char *call, struct err *err)
{
    return result == SCARD_S_SUCCESS || err_set(err, ERR_FILE, "%s: %s", call, pcsc_stringify_error(result));
}

static bool connect_bare(struct bare *b, const char *reader, struct err *err)
{
    DWORD protocol = 0;

    b->open = is_good(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &b->context),
                      "SCardEstablishContext", err);
    if (!b->open) return false;
    b->connected = is_good(SCardConnect(b->context, reader, SCARD_SHARE_SHARED,
                                        SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &b->card, &protocol),
                           "SCardConnect", err);
    b->protocol = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    return b->connected && is_good(SCardBeginTransaction(b->card), "SCardBeginTransaction", err);
}

static void leave_bare(struct bare *b)
{
    if (b->connected) SCardEndTransaction(b->card, SCARD_LEAVE_CARD);
    if (b->connected) SCardDisconnect(b->card, SCARD_RESET_CARD);
    if (b->open) SCardReleaseContext(b->context);
}

static bool send_bare(struct bare *b, const struct buf *commands, const struct contact_order *order,
                      struct contact_result *result, struct err *err)
{
    static uint8_t answer[PCSC_ANSWER_MAX];
    static struct samples samples;
    bool ok = true;

    raw_wait_until(order->start_us);
    const double begin = clock_us(), cpu_begin = cpu_us();
    while (ok && clock_us() - begin < order->seconds * 1e6) {
        const double before = clock_us();
        const struct buf *c = &commands[result->commands % order->count];
        DWORD len = sizeof(answer);
        ok = is_good(SCardTransmit(b->card, b->protocol, c->data, c->len, NULL, answer, &len),
                     "SCardTransmit", err);
        result->commands += ok;
        samples_add(&samples, clock_us() - before);
    }
    result->seconds = (clock_us() - begin) / 1e6;
    result->cpu_us = cpu_us() - cpu_begin;
    result->median_us = samples_median(&samples);
    return ok;
}

bool contact_bare(const void *context, void *result, struct err *err)
{
    static struct buf commands[CONTACT_COMMANDS_MAX];
    const struct contact_order *order = context;
    struct pcsc *first = NULL;
    struct bare b = {.open = false};
    bool ok = true;

    if (order->count == 0) return err_set(err, ERR_INTERNAL, "no commands");
    /* The driver waits until the card is there. */
    if (!contact_open(&first, order->reader, err)) return false;
    pcsc_free(first);
    for (size_t i = 0; i < order->count; i++) {
        buf_init(&commands[i], CONTACT_COMMAND_MAX);
        contact_command(&commands[i], order->lens[i]);
        ok = ok && buf_ok(&commands[i], "command", err);
    }
    ok = ok && connect_bare(&b, order->reader, err) && send_bare(&b, commands, order, result, err);
    leave_bare(&b);
    for (size_t i = 0; i < order->count; i++)
        buf_release(&commands[i]);
    return ok;
}
