/* cardbureau supply --settings SUPPLIER.yaml --batch OUT.csv: blank cards in a reader get their own keys. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/args.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"
#include "bureau/pcsc.h"
#include "bureau/station.h"
#include "bureau/supply.h"

enum { FAILURES_MAX = 3 }; /* cards in a row that did not get keys */

struct options {
    const char *settings, *batch;
    struct arg_list readers;
    uint64_t count;
    bool again, help;
};

struct run {
    const struct options *options;
    struct bureau *settings;
    struct token_process *token;
    struct pcsc *pcsc;
    struct batch *batch;
    char reader[PCSC_NAME_MAX];
    int signals; /* readable: SIGINT or SIGTERM has come */
    uint64_t failures, failed;
    bool interrupted;
};

/* ---- before the first card ---- */

static bool choose_reader(struct run *r, struct err *err)
{
    const struct arg_list wanted = reader_patterns(&r->options->readers, r->settings);
    struct pcsc_readers readers;
    if (!pcsc_list(r->pcsc, wanted.items, wanted.count, &readers, err)) return false;
    if (readers.count == 0) return err_set(err, ERR_FILE, "no reader of that name is there");
    if (readers.count > 1)
        return err_set(err, ERR_CONFIG, "'%s' and '%s' are there: name one reader with --reader",
                       readers.names[0], readers.names[1]);
    snprintf(r->reader, sizeof(r->reader), "%s", readers.names[0]);
    return true;
}

/* A signal ends the waiting for a card; a card under way is finished. */
static bool catch_signals(struct run *r, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return r->signals >= 0 || err_set(err, ERR_INTERNAL, "signals cannot be waited for");
}

static bool prepare(struct run *r, struct err *err)
{
    const struct options *o = r->options;
    if (!o->settings || !o->batch) return err_set(err, ERR_CONFIG, "give --settings and --batch");
    if (!supplier_load(&r->settings, o->settings, err)) return false;
    if (!r->settings->books_path)
        fprintf(stderr, "warning: %s names no books: this list is not compared with earlier ones\n",
                o->settings);
    return token_process_start(&r->token, r->settings, err) && catch_signals(r, err) &&
           pcsc_open(&r->pcsc, STATION_PATIENCE_MS, err) && choose_reader(r, err) &&
           batch_create(&r->batch, o->batch, r->settings, err);
}

/* ---- cards ---- */

static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    struct run *r = context;
    enum pcsc_fate fate = PCSC_SILENT;
    if (!pcsc_transmit(r->pcsc, turn->command.data, turn->command.len, answer, &fate, why)) return false;
    return fate == PCSC_ANSWERED || err_set(why, ERR_FILE, "%s", pcsc_fate_name(fate));
}

static bool take_result(struct run *r, const struct turns_result *result, struct err *err)
{
    if (result->outcome == CARD_MADE) {
        r->failures = 0;
        fprintf(stderr, "card %s has its keys (%zu)\n", result->serial, batch_count(r->batch));
        return true;
    }
    r->failed++;
    r->failures++;
    fprintf(stderr, "card %s is %s and not listed: %s\n", result->serial[0] ? result->serial : "unknown",
            card_outcome_name(result->outcome), result->err.text);
    if (!result->token_lost && r->failures < FAILURES_MAX) return true;
    *err = result->err;
    if (!result->token_lost)
        err_prefix(err, "%" PRIu64 " cards in a row did not get their keys, the last because of",
                   r->failures);
    return false;
}

static bool serve(struct run *r, struct err *err)
{
    const struct supply s = {r->token, r->batch, r->options->again, r, transmit};
    struct pcsc_card card;
    struct turns_result result;
    enum pcsc_event event = PCSC_CARD_IN;
    if (!pcsc_connect(r->pcsc, r->reader, &card, &event, err)) return false;
    if (event != PCSC_CARD_IN) {
        fprintf(stderr, "reader '%s': %s\n", r->reader, pcsc_event_name(event));
        return true;
    }
    bool ok = supply_card(&s, &result, err);
    pcsc_disconnect(r->pcsc);
    return ok && take_result(r, &result, err);
}

/* Waits. False without err: a signal; with it: no card can come any more. */
static bool await(struct run *r, enum pcsc_until until, struct err *err)
{
    const struct pcsc_wait wait = {r->reader, until, r->signals, -1};
    enum pcsc_event event = PCSC_TIMEOUT;
    if (!pcsc_wait(r->pcsc, &wait, &event, err)) return false;
    if (event == PCSC_CANCELED) {
        r->interrupted = true;
        return err_set(err, ERR_INTERRUPTED, "interrupted after %zu cards", batch_count(r->batch));
    }
    if (event == PCSC_READER_GONE || event == PCSC_SERVICE_GONE)
        return err_set(err, ERR_FILE, "reader '%s': %s", r->reader, pcsc_event_name(event));
    return true;
}

static bool is_enough(const struct run *r)
{
    return r->options->count > 0 && batch_count(r->batch) >= r->options->count;
}

static bool work(struct run *r, struct err *err)
{
    while (!is_enough(r)) {
        if (!await(r, PCSC_UNTIL_IN, err) || !serve(r, err)) return false;
        if (!is_enough(r) && !await(r, PCSC_UNTIL_OUT, err)) return false;
    }
    return r->failed == 0 ||
           err_set(err, ERR_INPUT, "done, but %" PRIu64 " cards did not get their keys", r->failed);
}

static int run(const struct options *o)
{
    struct run r = {.options = o, .signals = -1};
    struct err err = ERR_INIT;
    bool ok = prepare(&r, &err);
    ok = ok && work(&r, &err);
    if (r.batch) printf("%zu cards in %s\n", batch_count(r.batch), o->batch);
    batch_free(r.batch);
    pcsc_free(r.pcsc);
    if (r.signals >= 0) close(r.signals);
    token_process_free(r.token);
    bureau_free(r.settings);
    return ok ? 0 : args_fail(&supply_command, &err);
}

static int command_supply(int argc, char **argv)
{
    int status = 0;
    struct options o = {.help = false};
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the supplier's settings", {.text = &o.settings}},
        {"batch", ARG_TEXT, "OUT", "the list of cards, a new file", {.text = &o.batch}},
        {"reader",
         ARG_LIST,
         "PATTERN",
         "the reader (default: readers: of the settings)",
         {.list = &o.readers}},
        {"count", ARG_NUMBER, "N", "end after so many cards", {.number = &o.count}},
        {"again", ARG_FLAG, NULL, "also list cards that have their own keys already", {.flag = &o.again}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    if (!args_begin(&supply_command, argc, argv, options, count, NULL, &status)) return status;
    return run(&o);
}

const struct arg_command supply_command = {
    "cardbureau", "supply", "", 0, "put their own keys onto blank cards", command_supply};
