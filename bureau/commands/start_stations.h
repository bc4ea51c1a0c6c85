/* bureau/commands/start_stations.h - a station for each reader that is wanted. */
#ifndef BUREAU_COMMANDS_START_STATIONS_H
#define BUREAU_COMMANDS_START_STATIONS_H

#include "base/args.h"
#include "bureau/commands/make_cards.h"

/* Readers whose names match (card_run.h), one post each in m, whose settings are set. False: there is no such reader (ERR_FILE), several
 * while the PIN comes once (ERR_CONFIG), station_start; stations that have started are the caller's to end. */
MUST_CHECK bool start_stations(struct make_cards *m, const struct arg_list *named, struct err *err);

#endif
