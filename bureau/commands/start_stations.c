#include "bureau/commands/start_stations.h"

#include "bureau/commands/card_run.h"
#include "bureau/pcsc.h"

static bool find_readers(const struct arg_list *named, const struct bureau *settings,
                         struct pcsc_readers *readers, struct err *err)
{
    const struct arg_list wanted = reader_patterns(named, settings);
    struct pcsc *p = NULL;

    if (!pcsc_open(&p, STATION_PATIENCE_MS, err)) return false;
    bool ok = pcsc_list(p, wanted.items, wanted.count, readers, err);
    if (ok && readers->count == 0)
        ok = err_set(err, ERR_FILE, "no reader is there%s%s", wanted.count > 0 ? " whose name matches " : "",
                     wanted.count > 0 ? wanted.items[0] : "");
    pcsc_free(p);
    return ok;
}

static bool check_pin(const struct bureau *b, size_t stations, struct err *err)
{
    if (stations == 1 || !pin_comes_once(b)) return true;
    return err_set(
        err, ERR_CONFIG,
        "%zu readers, each with a token process of its own, need the PIN from a file or a credential "
        "(pin: in %s), or one reader is named with --reader",
        stations, b->path);
}

bool start_stations(struct make_cards *m, const struct arg_list *named, struct err *err)
{
    struct pcsc_readers readers;

    if (!find_readers(named, m->settings, &readers, err) || !check_pin(m->settings, readers.count, err))
        return false;
    for (; m->post_count < readers.count && m->post_count < STATIONS_MAX; m->post_count++)
        if (!station_start(&m->posts[m->post_count].station, m->settings, readers.names[m->post_count], err))
            return false;
    return true;
}
