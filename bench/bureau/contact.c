#include "bench/bureau/contact.h"

#include <string.h>

#include "bench/raw.h"
#include "bureau/pcsc.h"

enum { PATIENCE_MS = 5000, INSERTED_MS = 10000, HEAD = 4, LC_AT_MOST = 255 };

void contact_usual(struct contact_order *order)
{
    static const uint16_t lens[] = {5, 13, 21, 37, 69, 133, CONTACT_COMMAND_MAX - 1};
    order->count = sizeof(lens) / sizeof(lens[0]);
    memcpy(order->lens, lens, sizeof(lens));
}

void contact_command(struct buf *command, size_t len)
{
    static const uint8_t store_data[HEAD] = {0x80, 0xE2, 0x00, 0x00};
    buf_put(command, store_data, sizeof(store_data));
    if (len <= HEAD) return;
    const size_t data = len - HEAD - 1 > LC_AT_MOST ? LC_AT_MOST : len - HEAD - 1;
    buf_put_u8(command, (uint8_t)data);
    buf_put_fill(command, 0x5A, data);
}

bool contact_open(struct pcsc **out, const char *reader, struct err *err)
{
    const struct pcsc_wait wait = {reader, PCSC_UNTIL_IN, -1, INSERTED_MS};
    enum pcsc_event event = PCSC_TIMEOUT;
    struct pcsc_card card;
    struct pcsc *p = NULL;

    bool ok = pcsc_open(&p, PATIENCE_MS, err) && pcsc_wait(p, &wait, &event, err) &&
              (event != PCSC_CARD_IN || pcsc_connect(p, reader, &card, &event, err));
    if (ok && event != PCSC_CARD_IN)
        ok = err_set(err, ERR_FILE, "reader '%s': %s", reader, pcsc_event_name(event));
    if (!ok) {
        pcsc_free(p);
        return false;
    }
    *out = p;
    return true;
}

static bool send(struct pcsc *p, const struct contact_order *order, struct contact_result *result,
                 struct err *err)
{
    static struct samples samples;
    struct buf command, answer;
    enum pcsc_fate fate = PCSC_ANSWERED;
    bool ok = true;

    buf_init(&command, CONTACT_COMMAND_MAX);
    buf_init(&answer, PCSC_ANSWER_MAX);
    raw_wait_until(order->start_us);
    const double begin = clock_us(), cpu_begin = cpu_us();
    while (ok && clock_us() - begin < order->seconds * 1e6) {
        const double before = clock_us();
        buf_clear(&command);
        contact_command(&command, order->lens[result->commands % order->count]);
        ok = pcsc_transmit(p, command.data, command.len, &answer, &fate, err);
        if (ok && fate != PCSC_ANSWERED) ok = err_set(err, ERR_FILE, "%s", pcsc_fate_name(fate));
        result->commands += ok;
        samples_add(&samples, clock_us() - before);
    }
    result->seconds = (clock_us() - begin) / 1e6;
    result->cpu_us = cpu_us() - cpu_begin;
    result->median_us = samples_median(&samples);
    buf_release(&command);
    buf_release(&answer);
    return ok;
}

bool contact_driver(const void *context, void *result, struct err *err)
{
    const struct contact_order *order = context;
    struct pcsc *p = NULL;

    if (order->count == 0) return err_set(err, ERR_INTERNAL, "no commands");
    if (!contact_open(&p, order->reader, err)) return false;
    bool ok = send(p, order, result, err);
    pcsc_free(p);
    return ok;
}
