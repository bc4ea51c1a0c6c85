/* bench/bureau/setup.h - what the token process has before its first card, in a process of cardbench, and a card that is played.
 *
 * The card: made-up KEYDATA, the newest key version whose KMC goes with the protocol, and always the same challenge. So with one host
 * challenge its answer to INITIALIZE UPDATE is always the same, and a conversation can be repeated without a card. */
#ifndef BENCH_BUREAU_SETUP_H
#define BENCH_BUREAU_SETUP_H

#include "bench/bureau/records.h"
#include "bureau/channel.h"

struct bureau_setup {
    struct hsm_token *token;
    struct ring *ring;
    struct scp_answer card; /* what it answers, without the cryptogram */
};
extern const uint8_t bureau_setup_challenge[SCP_CHALLENGE]; /* the host's */

/* Has the bureau a KMC for cards of this protocol? */
bool bureau_setup_has(const struct bureau *settings, enum scp_protocol protocol);
/* Logs in and finds the keys. False: as setup_token and ring_open; ERR_CONFIG: no KMC goes with the protocol. */
MUST_CHECK bool bureau_setup_open(struct bureau_setup *s, const struct bureau *settings,
                                  enum scp_protocol protocol, struct err *err);
void bureau_setup_close(struct bureau_setup *s);

/* The channel's keys with the card, without a conversation. Close it with bureau_setup_hang_up. */
struct bureau_line {
    struct hsm_card_keys keys;
    struct hsm_channel channel;
};
MUST_CHECK bool bureau_setup_call(struct bureau_setup *s, struct bureau_line *line, struct err *err);
void bureau_setup_hang_up(struct bureau_setup *s, struct bureau_line *line);
/* Derives the card's keys, and the session's out of them; parts of bureau_setup_call. */
MUST_CHECK bool bureau_setup_keys(struct bureau_setup *s, struct hsm_card_keys *keys, struct err *err);
MUST_CHECK bool bureau_setup_session(struct bureau_setup *s, struct bureau_line *line, struct err *err);

/* Opens record i; a copy of it is in *out. */
MUST_CHECK bool bureau_setup_record(struct bureau_setup *s, const struct bureau_records *records, size_t i,
                                    struct open_record **out, struct err *err);

#endif
