#include "bureau/station.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bureau/modules.h"
#include "bureau/pcsc.h"

enum { SOCKET_FD = 3, PIN_FD = 4 }; /* of a station: behind the standard ones */

/* A station's own side. */
struct desk {
    const struct bureau *settings;
    const char *reader;
    int fd;
    struct token_process *token;
    struct pcsc *pcsc;
    struct buf message; /* the last one received */
    bool extended;      /* the card that is in takes commands of extended length */
    bool over;          /* the coordinator is gone, or the station cannot go on */
};

/* ---- talking ---- */

static bool say(struct desk *d, enum station_message type, const struct buf *payload)
{
    struct err err = ERR_INIT;
    if (!station_send(d->fd, type, payload, &err)) d->over = true;
    return !d->over;
}

static void say_err(struct desk *d, enum station_message type, const struct err *said)
{
    struct err err = ERR_INIT;
    if (!station_send_err(d->fd, type, said, &err)) d->over = true;
}

/* The coordinator's next word. False: there will be none. */
static bool hear(struct desk *d, enum station_message *type)
{
    struct err err = ERR_INIT;
    bool closed = false;
    if (!d->over && station_receive(d->fd, type, &d->message, &closed, &err) && !closed) return true;
    d->over = true;
    return false;
}

static void note(struct desk *d, const char *what)
{
    struct err said = ERR_INIT;
    err_set_text(&said, ERR_FILE, "reader '%s': %s", d->reader, what);
    say_err(d, STATION_NOTE, &said);
}

static void refuse(struct desk *d, const struct err *why)
{
    say_err(d, STATION_REFUSED, why);
    d->over = true;
}

/* ---- the reader ---- */

/* The service has gone: waits for it to come back. */
static void come_back(struct desk *d)
{
    struct err err = ERR_INIT;
    note(d, "the smart card service has gone");
    if (!d->over && !pcsc_reopen(d->pcsc, STATION_PATIENCE_MS, &err)) refuse(d, &err);
}

/* Waits; unplugged readers and fallen services are waited for as well. False: the station is over. */
static bool await(struct desk *d, enum pcsc_until until, enum pcsc_event *event)
{
    struct err err = ERR_INIT;
    struct pcsc_wait wait = {d->reader, until, d->fd, -1};

    while (!d->over) {
        if (!pcsc_wait(d->pcsc, &wait, event, &err)) {
            refuse(d, &err);
        } else if (*event == PCSC_CANCELED) {
            d->over = true; /* while it waits for a card, nothing but the end is said to a station */
        } else if (*event == PCSC_SERVICE_GONE) {
            come_back(d);
            wait.until = PCSC_UNTIL_READER;
        } else if (*event == PCSC_READER_GONE) {
            if (until == PCSC_UNTIL_OUT) return true;
            note(d, "unplugged; waiting for it");
            wait.until = PCSC_UNTIL_READER;
        } else if (wait.until != until) {
            wait.until = until; /* the reader is back; is there a card in it? */
        } else {
            return true;
        }
    }
    return false;
}

/* Connects the card that is in. *event other than PCSC_CARD_IN: there is none to be had. */
static bool connect_card(struct desk *d, struct pcsc_card *card, enum pcsc_event *event)
{
    struct err err = ERR_INIT;
    if (pcsc_connect(d->pcsc, d->reader, card, event, &err)) return true;
    say_err(d, STATION_NOTE, &err); /* another program has it to itself */
    *event = PCSC_CARD_MUTE;
    return !d->over;
}

/* ---- a card ---- */

/* While a card is under way, the coordinator says nothing: what can be read then is that it has gone. */
static bool is_alone(const struct desk *d)
{
    struct pollfd fd = {.fd = d->fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    struct desk *d = context;
    enum pcsc_fate fate = PCSC_SILENT;
    if (is_alone(d)) return err_set(why, ERR_INTERRUPTED, "the run has ended");
    if (!pcsc_transmit(d->pcsc, turn->command.data, turn->command.len, answer, &fate, why)) return false;
    if (fate == PCSC_ANSWERED) return true;
    return err_set(why, ERR_FILE, "%s", pcsc_fate_name(fate));
}

static bool known(void *context, const struct card_id *id, struct err *why)
{
    struct desk *d = context;
    struct buf payload;
    struct err err = ERR_INIT;
    enum station_message type = STATION_NO;

    buf_init(&payload, 64);
    station_put_card(&payload, id);
    bool said = say(d, STATION_KNOWN, &payload);
    buf_release(&payload);
    if (!said || !hear(d, &type)) return err_set(why, ERR_INTERRUPTED, "the run has ended");
    if (type == STATION_GO) return true;
    struct cur c = cur_make(d->message.data, d->message.len, 0);
    if (type != STATION_NO || !station_get_err(&c, why, &err))
        return err_set(why, ERR_INTERNAL, "message %d where a yes or no is due", (int)type);
    return false;
}

/* An order as it was received; the record is borrowed from d->message until the next. */
struct order {
    unsigned tries;
    enum card_purpose purpose;
    uint64_t number;
    const uint8_t *record;
    size_t len;
};

static bool read_order(const struct desk *d, struct order *o, struct err *err)
{
    struct cur c = cur_make(d->message.data, d->message.len, 0);
    uint64_t tries;
    uint8_t purpose;
    if (!cur_take_be(&c, 4, &tries, "tries", err) || !cur_take_u8(&c, &purpose, "purpose", err) ||
        !cur_take_be(&c, 8, &o->number, "record", err))
        return false;
    o->tries = (unsigned)tries;
    o->purpose = purpose == PURPOSE_REPEAT ? PURPOSE_REPEAT : PURPOSE_RECORD;
    o->len = cur_left(&c);
    return cur_take(&c, o->len, &o->record, "record", err);
}

static void play(struct desk *d, const struct card_order *order)
{
    const struct turns_port port = {d, transmit, known};
    struct turns_result result;
    struct buf payload;

    turns_run(d->token, order, &port, &result);
    buf_init(&payload, STATION_PAYLOAD_MAX);
    station_put_result(&payload, &result);
    say(d, STATION_ENDED, &payload);
    buf_release(&payload);
    if (result.token_lost) d->over = true;
}

static void personalize(struct desk *d, const struct order *o)
{
    const struct card_order order = {.purpose = o->purpose,
                                     .record = o->record,
                                     .len = o->len,
                                     .tries = o->tries,
                                     .extended = d->extended};
    play(d, &order);
}

static void supply(struct desk *d)
{
    struct card_order order = {.purpose = PURPOSE_SUPPLY, .tries = 1};
    struct cur c = cur_make(d->message.data, d->message.len, 0);
    struct err err = ERR_INIT;
    uint8_t again = 0;
    if (!cur_take_u8(&c, &again, "again", &err)) {
        d->over = true;
        return;
    }
    if (again) order.purpose = PURPOSE_PROVE;
    play(d, &order);
}

static bool say_module(struct desk *d, const char *mic, bool done, const struct err *why)
{
    struct buf payload;
    buf_init(&payload, STATION_PAYLOAD_MAX);
    station_put_text(&payload, mic);
    buf_put_u8(&payload, done);
    station_put_err(&payload, why);
    bool ok = say(d, STATION_MODULE, &payload);
    buf_release(&payload);
    return ok;
}

/* Every group of the record for which the settings name a module. */
static void hand_over(struct desk *d, const struct order *o)
{
    struct mic_record *record = calloc(1, sizeof(*record));
    struct err err = ERR_INIT;
    bool ok = record && mic_parse_record(o->record, o->len, 0, record, &err);

    for (size_t i = 0; ok && i < record->group_count && !d->over; i++) {
        const struct bureau_module *m = module_of(d->settings, record->groups[i].name);
        if (!m) continue;
        err_clear(&err);
        bool done = module_hand_over(m, o->number, &record->groups[i], MODULE_DEADLINE_MS, &err);
        say_module(d, m->mic, done, &err);
    }
    free(record);
    say(d, STATION_THROUGH, NULL);
}

/* The card that is in gets a record, or none. The coordinator may have the same card tried with another order. */
static void serve_card(struct desk *d, const struct pcsc_card *card)
{
    struct order o = {.record = NULL};
    struct err err = ERR_INIT;
    struct buf payload, kept; /* the record stays for the modules while other messages come */
    struct pcsc_card again;
    enum station_message type = STATION_RELEASE;
    enum pcsc_event event = PCSC_CARD_IN;
    bool connected = true;

    d->extended = card->extended;
    buf_init(&payload, ATR_MAX);
    buf_init(&kept, STATION_PAYLOAD_MAX);
    buf_put(&payload, card->atr, card->atr_len);
    say(d, STATION_CARD, &payload);
    while (hear(d, &type) && type != STATION_RELEASE) {
        if (type == STATION_MODULES && o.record) {
            hand_over(d, &o);
            continue;
        }
        if (type == STATION_SUPPLY) {
            supply(d);
            continue;
        }
        struct buf spare = kept;
        kept = d->message;
        d->message = spare;
        const struct desk holder = {.message = kept};
        if (type != STATION_ORDER || !read_order(&holder, &o, &err)) {
            d->over = true;
            break;
        }
        if (!connected && (!connect_card(d, &again, &event) || event != PCSC_CARD_IN))
            note(d, pcsc_event_name(event));
        personalize(d, &o);
        pcsc_disconnect(d->pcsc);
        connected = false;
    }
    buf_release(&kept);
    buf_release(&payload);
}

static void work(struct desk *d)
{
    struct pcsc_card card;
    enum pcsc_event event = PCSC_CARD_IN;

    while (await(d, PCSC_UNTIL_IN, &event) && connect_card(d, &card, &event)) {
        if (event == PCSC_CARD_IN)
            serve_card(d, &card);
        else if (event == PCSC_CARD_MUTE)
            note(d, pcsc_event_name(event));
        else
            continue; /* out again, or the reader or the service has gone: the next wait says so */
        pcsc_disconnect(d->pcsc);
        if (!await(d, PCSC_UNTIL_OUT, &event)) return;
    }
}

/* ---- the process ---- */

/* Nothing of the coordinator's stays open: neither books nor locks, nor other stations' sockets. */
static bool isolate(int fd, int *pin_fd)
{
    const int last = *pin_fd >= 0 ? PIN_FD : SOCKET_FD;
    int pin = *pin_fd >= 0 ? fcntl(*pin_fd, F_DUPFD_CLOEXEC, PIN_FD + 1) : -1; /* out of the way */
    if (*pin_fd >= 0 && pin < 0) return false;
    if (fd != SOCKET_FD && dup2(fd, SOCKET_FD) < 0) return false;
    if (pin >= 0 && dup2(pin, PIN_FD) < 0) return false;
    if (close_range((unsigned)last + 1, ~0U, 0) != 0) return false;
    if (pin >= 0) *pin_fd = PIN_FD;
    signal(SIGINT, SIG_IGN);                        /* the coordinator decides when the work ends */
    return dup2(STDERR_FILENO, STDOUT_FILENO) >= 0; /* results are the coordinator's */
}

static int station_main(int fd, const struct bureau *settings, const char *reader, int pin_fd)
{
    struct desk d = {.settings = settings, .reader = reader, .fd = SOCKET_FD};
    struct err err = ERR_INIT;

    if (!isolate(fd, &pin_fd)) return 1;
    buf_init(&d.message, STATION_PAYLOAD_MAX);
    if (!token_process_start_with(&d.token, settings, pin_fd, &err) ||
        !pcsc_open(&d.pcsc, STATION_PATIENCE_MS, &err))
        refuse(&d, &err);
    else if (say(&d, STATION_READY, NULL))
        work(&d);
    pcsc_free(d.pcsc);
    token_process_free(d.token);
    buf_release(&d.message);
    return 0;
}

/* ---- the coordinator's side ---- */

static bool await_ready(struct station *s, struct err *err)
{
    struct buf payload;
    enum station_message type = STATION_NOTE;
    bool closed = false;
    struct err said = ERR_INIT;

    buf_init(&payload, STATION_PAYLOAD_MAX);
    bool ok = station_receive(s->fd, &type, &payload, &closed, err);
    if (ok && closed) ok = err_set(err, ERR_INTERNAL, "the station has ended");
    if (ok && type == STATION_REFUSED) {
        struct cur c = cur_make(payload.data, payload.len, 0);
        if (station_get_err(&c, &said, err)) *err = said;
        ok = false;
    }
    buf_release(&payload);
    return ok;
}

static bool start(struct station *s, const struct bureau *settings, const char *reader, int pin_fd,
                  struct err *err)
{
    int ends[2];

    *s = (struct station){.fd = -1};
    snprintf(s->reader, sizeof(s->reader), "%s", reader);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "socket pair");
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0) _exit(station_main(ends[1], settings, reader, pin_fd));
    int why = errno;
    close(ends[1]);
    s->fd = ends[0];
    bool ok = s->pid > 0 ? await_ready(s, err) : err_set_errno(err, ERR_INTERNAL, why, "fork a station");
    if (ok) return true;
    station_end(s);
    err_prefix(err, "reader '%s'", reader);
    return false;
}

bool station_start(struct station *s, const struct bureau *settings, const char *reader, int pin_fd,
                   struct err *err)
{
    bool ok = start(s, settings, reader, pin_fd, err);
    if (pin_fd >= 0) close(pin_fd);
    return ok;
}

static int wait_for(struct station *s)
{
    int status = 0;
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
    if (s->pid > 0)
        while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR) {
        }
    s->pid = 0;
    return status;
}

void station_end(struct station *s)
{
    wait_for(s);
}

bool station_reap(struct station *s, char how[64])
{
    int status = wait_for(s);
    if (WIFSIGNALED(status))
        snprintf(how, 64, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, 64, "ended with exit status %d", WEXITSTATUS(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
