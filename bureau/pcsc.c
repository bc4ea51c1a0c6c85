#include "bureau/pcsc.h"

#include <fnmatch.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reader.h>
#include <winscard.h>

#include "base/progress.h"
#include "bureau/exchange.h"
#include "bureau/reader_properties.h"

enum {
    RETRY_MS = 20,  /* between two tries to reach the service */
    SLICE_MS = 250, /* how long a canceled waiting may go on */
    NAMES_MAX = PCSC_READERS_MAX * PCSC_NAME_MAX,
};
static const char new_reader[] =
    "\\\\?PnP?\\Notification"; /* the name under which readers themselves come and go */

struct pcsc {
    SCARDCONTEXT context;
    bool open;
    SCARDHANDLE card;
    bool connected;
    struct exchange exchange;
    char reader[PCSC_NAME_MAX]; /* of the card that is connected */
    LONG last;                  /* result of the last transmission */
    bool silent;                /* which had no answer: the card has gone, or does not speak */
    /* How often cards had come and gone in that reader when it was connected. A card that is taken out and another put in between
     * two looks is seen by this alone. */
    bool counted;
    DWORD changes;
};

/* ---- what results mean ---- */

struct meaning {
    LONG result;
    enum pcsc_event event;
};
static const struct meaning meanings[] = {
    {SCARD_E_NO_SMARTCARD, PCSC_CARD_OUT},       {SCARD_W_REMOVED_CARD, PCSC_CARD_OUT},
    {SCARD_W_UNRESPONSIVE_CARD, PCSC_CARD_MUTE}, {SCARD_W_UNPOWERED_CARD, PCSC_CARD_MUTE},
    {SCARD_W_UNSUPPORTED_CARD, PCSC_CARD_MUTE},  {SCARD_E_PROTO_MISMATCH, PCSC_CARD_MUTE},
    {SCARD_E_UNKNOWN_READER, PCSC_READER_GONE},  {SCARD_E_READER_UNAVAILABLE, PCSC_READER_GONE},
    {SCARD_E_NO_SERVICE, PCSC_SERVICE_GONE},     {SCARD_E_SERVICE_STOPPED, PCSC_SERVICE_GONE},
    {SCARD_E_INVALID_HANDLE, PCSC_SERVICE_GONE}, {SCARD_P_SHUTDOWN, PCSC_SERVICE_GONE},
    {SCARD_F_COMM_ERROR, PCSC_SERVICE_GONE},
};

static bool find_meaning(LONG result, enum pcsc_event *event)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].result != result) continue;
        *event = meanings[i].event;
        return true;
    }
    return false;
}

static const char *const event_names[] = {
    [PCSC_CARD_IN] = "a card is in the reader",
    [PCSC_CARD_OUT] = "no card is in the reader",
    [PCSC_CARD_MUTE] = "the card does not answer to reset",
    [PCSC_READER_GONE] = "the reader is not there",
    [PCSC_SERVICE_GONE] = "the smart card service has gone",
    [PCSC_TIMEOUT] = "nothing happened in time",
    [PCSC_CANCELED] = "the waiting was ended",
};
const char *pcsc_event_name(enum pcsc_event event)
{
    return event_names[event];
}

static const char *const fate_names[] = {
    [PCSC_ANSWERED] = "the card has answered",           [PCSC_PULLED] = "the card was pulled out",
    [PCSC_RESET] = "another program has reset the card", [PCSC_UNPLUGGED] = "the reader was unplugged",
    [PCSC_STOPPED] = "the smart card service has gone",  [PCSC_SILENT] = "the card does not answer any more",
};
const char *pcsc_fate_name(enum pcsc_fate fate)
{
    return fate_names[fate];
}

static bool refuse(LONG result, const char *call, struct err *err)
{
    return err_set(err, ERR_FILE, "%s: %s", call, pcsc_stringify_error(result));
}

/* ---- the service ---- */

static void pause_ms(long ms)
{
    struct timespec t = {0, ms * 1000000L};
    nanosleep(&t, NULL);
}

static void leave(struct pcsc *p)
{
    pcsc_disconnect(p);
    if (p->open) SCardReleaseContext(p->context);
    p->open = p->counted = false;
}

bool pcsc_reopen(struct pcsc *p, unsigned patience_ms, struct err *err)
{
    uint64_t deadline = clock_monotonic_ms() + patience_ms;
    leave(p);
    for (;;) {
        LONG result = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context);
        enum pcsc_event event = PCSC_CARD_IN;
        p->open = result == SCARD_S_SUCCESS;
        if (p->open) return true;
        if (!find_meaning(result, &event) || event != PCSC_SERVICE_GONE)
            return refuse(result, "smart card service", err);
        if (clock_monotonic_ms() >= deadline)
            return err_set(err, ERR_FILE, "the smart card service is not there; start pcscd");
        pause_ms(RETRY_MS);
    }
}

bool pcsc_open(struct pcsc **out, unsigned patience_ms, struct err *err)
{
    struct pcsc *p = calloc(1, sizeof(*p));
    if (!p) return err_set_no_memory(err);
    if (!pcsc_reopen(p, patience_ms, err)) {
        free(p);
        return false;
    }
    *out = p;
    return true;
}

void pcsc_free(struct pcsc *p)
{
    if (!p) return;
    leave(p);
    free(p);
}

/* ---- readers ---- */

static bool is_wanted(const char *name, const char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i], name, 0) == 0) return true;
    return count == 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

bool pcsc_list(struct pcsc *p, const char *const *patterns, size_t pattern_count, struct pcsc_readers *out,
               struct err *err)
{
    char names[NAMES_MAX + 1];
    DWORD len = NAMES_MAX;
    LONG result = SCardListReaders(p->context, NULL, names, &len);

    *out = (struct pcsc_readers){.count = 0};
    if (result == SCARD_E_NO_READERS_AVAILABLE) return true;
    if (result != SCARD_S_SUCCESS) return refuse(result, "list of readers", err);
    names[NAMES_MAX] = 0;
    for (size_t at = 0; at < len && names[at]; at += strlen(names + at) + 1) {
        size_t name_len = strlen(names + at);
        if (!is_wanted(names + at, patterns, pattern_count) || out->count == PCSC_READERS_MAX ||
            name_len >= PCSC_NAME_MAX)
            continue;
        memcpy(out->names[out->count++], names + at, name_len + 1);
    }
    qsort(out->names, out->count, PCSC_NAME_MAX, compare_names);
    return true;
}

/* ---- waiting ---- */

static bool is_canceled(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&wanted, 1, 0) > 0;
}

static enum pcsc_event event_of(DWORD state)
{
    if (state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) return PCSC_READER_GONE;
    if (!(state & SCARD_STATE_PRESENT)) return PCSC_CARD_OUT;
    return state & SCARD_STATE_MUTE ? PCSC_CARD_MUTE : PCSC_CARD_IN;
}

enum { CHANGES_SHIFT = 16 /* of the counter in a reader's state */ };

/* Is another card in than the one that was connected? */
static bool is_exchanged(const struct pcsc *p, const char *reader, DWORD state)
{
    return p->counted && strcmp(p->reader, reader) == 0 && state >> CHANGES_SHIFT != p->changes;
}

/* Does this end the waiting? */
static bool is_due(enum pcsc_until until, enum pcsc_event event)
{
    static const bool due[][PCSC_CANCELED + 1] = {
        [PCSC_UNTIL_IN] = {[PCSC_CARD_IN] = true, [PCSC_CARD_MUTE] = true, [PCSC_READER_GONE] = true},
        [PCSC_UNTIL_OUT] = {[PCSC_CARD_OUT] = true, [PCSC_READER_GONE] = true},
        [PCSC_UNTIL_READER] = {[PCSC_CARD_IN] = true, [PCSC_CARD_OUT] = true, [PCSC_CARD_MUTE] = true},
    };
    return event == PCSC_SERVICE_GONE || due[until][event];
}

/* One look at the reader, for at most slice_ms. `state` is what is known, and is brought up to date. *event PCSC_TIMEOUT: no change. */
static bool look(struct pcsc *p, SCARD_READERSTATE *state, DWORD slice_ms, enum pcsc_event *event,
                 struct err *err)
{
    LONG result = SCardGetStatusChange(p->context, slice_ms, state, 1);

    if (result == SCARD_E_TIMEOUT) {
        *event = PCSC_TIMEOUT;
        return true;
    }
    if (find_meaning(result, event)) return true;
    if (result != SCARD_S_SUCCESS) return refuse(result, "waiting for a card", err);
    state->dwCurrentState = state->dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    *event = event_of(state->dwEventState);
    return true;
}

/* Until readers come or go, for at most slice_ms. The service refuses to look at a reader that is not there. */
static void await_readers(struct pcsc *p, DWORD slice_ms)
{
    SCARD_READERSTATE state = {.szReader = new_reader};
    if (SCardGetStatusChange(p->context, slice_ms, &state, 1) != SCARD_E_TIMEOUT) pause_ms(RETRY_MS);
}

bool pcsc_wait(struct pcsc *p, const struct pcsc_wait *wait, enum pcsc_event *event, struct err *err)
{
    uint64_t begun = clock_monotonic_ms();
    SCARD_READERSTATE state = {.szReader = wait->reader};

    for (;;) {
        uint64_t spent = clock_monotonic_ms() - begun;
        bool endless = wait->timeout_ms < 0;
        uint64_t left = endless                              ? SLICE_MS
                        : spent < (uint64_t)wait->timeout_ms ? (uint64_t)wait->timeout_ms - spent
                                                             : 0;
        DWORD slice = left < SLICE_MS ? (DWORD)left : SLICE_MS;
        if (is_canceled(wait->cancel_fd)) {
            *event = PCSC_CANCELED;
            return true;
        }
        if (!look(p, &state, slice, event, err)) {
            err_prefix(err, "reader '%s'", wait->reader);
            return false;
        }
        if (*event == PCSC_CARD_IN && wait->until == PCSC_UNTIL_OUT &&
            is_exchanged(p, wait->reader, state.dwCurrentState))
            *event = PCSC_CARD_OUT;
        if (is_due(wait->until, *event)) return true;
        if (!endless && left == 0) {
            *event = PCSC_TIMEOUT;
            return true;
        }
        if (*event == PCSC_READER_GONE) {
            state.dwCurrentState = SCARD_STATE_UNAWARE;
            await_readers(p, slice);
        }
    }
}

/* ---- a card ---- */

/* A card that speaks is reset, so that its channel ends. To reset one that was pulled out takes the service seconds, and what
 * is put in meanwhile is taken for a mute card. */
void pcsc_disconnect(struct pcsc *p)
{
    if (!p->connected) return;
    p->connected = false;
    SCardEndTransaction(p->card, SCARD_LEAVE_CARD);
    SCardDisconnect(p->card, p->silent ? SCARD_LEAVE_CARD : SCARD_RESET_CARD);
}

static bool raw(void *context, const uint8_t *bytes, size_t len, struct buf *answer)
{
    struct pcsc *p = context;
    uint8_t came[EXCHANGE_ANSWER_MAX];
    DWORD came_len = sizeof(came);

    p->last = SCardTransmit(p->card, p->exchange.t0 ? SCARD_PCI_T0 : SCARD_PCI_T1, bytes, len, NULL, came,
                            &came_len);
    if (p->last != SCARD_S_SUCCESS) return false;
    buf_put(answer, came, came_len);
    return true;
}

static LONG hold(struct pcsc *p, DWORD *protocol)
{
    const DWORD any = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
    LONG result = SCardConnect(p->context, p->reader, SCARD_SHARE_SHARED, any, &p->card, protocol);
    if (result != SCARD_S_SUCCESS) return result;
    p->connected = true;
    result = SCardBeginTransaction(p->card);
    if (result == SCARD_W_RESET_CARD) {
        result = SCardReconnect(p->card, SCARD_SHARE_SHARED, any, SCARD_LEAVE_CARD, protocol);
        if (result == SCARD_S_SUCCESS) result = SCardBeginTransaction(p->card);
    }
    if (result != SCARD_S_SUCCESS) return result;
    return SCardReconnect(p->card, SCARD_SHARE_SHARED, any, SCARD_RESET_CARD, protocol);
}

/* Before the card is connected: one that is exchanged after this is noticed. */
static void count_changes(struct pcsc *p)
{
    SCARD_READERSTATE state = {.szReader = p->reader};
    p->counted = SCardGetStatusChange(p->context, 0, &state, 1) == SCARD_S_SUCCESS;
    p->changes = state.dwEventState >> CHANGES_SHIFT;
}

static LONG read_atr(const struct pcsc *p, struct pcsc_card *card)
{
    char name[PCSC_NAME_MAX];
    DWORD name_len = sizeof(name), state, protocol, len = sizeof(card->atr);
    LONG result = SCardStatus(p->card, name, &name_len, &state, &protocol, card->atr, &len);
    card->atr_len = result == SCARD_S_SUCCESS ? len : 0;
    return result;
}

/* Does the reader say that it carries short commands alone? Many say nothing. */
static bool is_short_reader(const struct pcsc *p)
{
    uint8_t list[512];
    DWORD len = 0;
    uint32_t code = 0, most = 0;

    return SCardControl(p->card, CM_IOCTL_GET_FEATURE_REQUEST, NULL, 0, list, sizeof(list), &len) ==
               SCARD_S_SUCCESS &&
           reader_feature(list, len, READER_FEATURE_PROPERTIES, &code) &&
           SCardControl(p->card, code, NULL, 0, list, sizeof(list), &len) == SCARD_S_SUCCESS &&
           reader_property(list, len, READER_PROPERTY_MAX_APDU_DATA, &most) && most <= 256;
}

bool pcsc_connect(struct pcsc *p, const char *reader, struct pcsc_card *card, enum pcsc_event *event,
                  struct err *err)
{
    DWORD protocol = 0;
    struct atr atr;

    pcsc_disconnect(p);
    p->silent = false;
    *card = (struct pcsc_card){.atr_len = 0};
    if (strlen(reader) >= PCSC_NAME_MAX)
        return err_set(err, ERR_FILE, "reader '%s': the name is too long", reader);
    memcpy(p->reader, reader, strlen(reader) + 1);
    count_changes(p);
    LONG result = hold(p, &protocol);
    if (result == SCARD_S_SUCCESS) result = read_atr(p, card);
    if (result != SCARD_S_SUCCESS) {
        pcsc_disconnect(p);
        if (find_meaning(result, event)) return true;
        refuse(result, "connect the card", err);
        err_prefix(err, "reader '%s'", reader);
        return false;
    }
    atr_read(card->atr, card->atr_len, &atr);
    card->t0 = protocol == SCARD_PROTOCOL_T0;
    card->extended = !card->t0 && atr.extended && !is_short_reader(p);
    p->exchange = (struct exchange){card->t0, card->extended, raw, p};
    *event = PCSC_CARD_IN;
    return true;
}

/* Why there was no answer, by what the service says of the reader now. */
static enum pcsc_fate diagnose(struct pcsc *p)
{
    static const enum pcsc_fate fates[] = {
        [PCSC_CARD_IN] = PCSC_SILENT,       [PCSC_CARD_OUT] = PCSC_PULLED,
        [PCSC_CARD_MUTE] = PCSC_SILENT,     [PCSC_READER_GONE] = PCSC_UNPLUGGED,
        [PCSC_SERVICE_GONE] = PCSC_STOPPED, [PCSC_TIMEOUT] = PCSC_SILENT,
        [PCSC_CANCELED] = PCSC_SILENT,
    };
    SCARD_READERSTATE state = {.szReader = p->reader};
    struct err ignored = ERR_INIT;
    enum pcsc_event event = PCSC_CARD_IN;

    if (p->last == SCARD_S_SUCCESS)
        return PCSC_PULLED; /* an answer of no bytes: that is how a card that was pulled looks */
    if (p->last == SCARD_W_RESET_CARD) return PCSC_RESET;
    if (!look(p, &state, 0, &event, &ignored)) return PCSC_SILENT;
    return fates[event];
}

bool pcsc_transmit(struct pcsc *p, const uint8_t *command, size_t len, struct buf *answer,
                   enum pcsc_fate *fate, struct err *err)
{
    buf_clear(answer);
    if (!p->connected) return err_set(err, ERR_INTERNAL, "no card is connected");
    p->last = SCARD_S_SUCCESS;
    if (!exchange_command(&p->exchange, command, len, answer, err)) return false;
    p->silent = answer->len == 0;
    *fate = p->silent ? diagnose(p) : PCSC_ANSWERED;
    return true;
}
