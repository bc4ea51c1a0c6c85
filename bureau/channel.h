/* bureau/channel.h - the secure channel with one card, its keys in the token: formats/scp.h says which bytes, hsm/channel.h
 * computes. The token's side of what conversation.h asks for. */
#ifndef BUREAU_CHANNEL_H
#define BUREAU_CHANNEL_H

#include "bureau/conversation.h"
#include "bureau/ring.h"

struct channel {
    struct ring *ring;
    const struct ring_card_key *from; /* NULL: closed */
    struct scp_answer answer;
    uint8_t level;
    struct hsm_card_keys keys; /* the card's static ones: kept from one of its channels to the next */
    struct channel_origin {    /* what they were derived from; NULL: there are none */
        const struct ring_card_key *from;
        uint8_t key_data[SCP_KEY_DATA];
        bool aes;
    } origin;
    struct hsm_channel session;
    uint8_t icv[SCP02_BLOCK];   /* SCP02: MAC of the command before, encrypted; zero before the first */
    uint8_t chain[SCP03_BLOCK]; /* SCP03: MAC of the command before, whole */
    uint64_t counter;           /* SCP03: of commands */
    unsigned due_kmc;           /* version of the KMC that the card must come with; 0: any */
};

void channel_init(struct channel *c, struct ring *r);
/* Ends the session; the card's keys stay for its next one. */
void channel_hang_up(struct channel *c);
/* Destroys the session objects, the card's keys among them; due_kmc stays. */
void channel_close(struct channel *c);
/* What the conversation sees; c lives longer. */
struct card_crypto channel_crypto(struct channel *c);

/* Derives the keys that the card reports, checks its cryptogram and appends EXTERNAL AUTHENTICATE. False, and closed: no such
 * key version in the settings, keys that do not go with the protocol (ERR_CONFIG); keys of another version of the KMC than
 * due_kmc (ERR_INPUT), which is asked until a channel was open: PUT KEY may change them then; another cryptogram: the card has
 * other keys (ERR_INTEGRITY); ERR_TOKEN. */
MUST_CHECK bool channel_open(struct channel *c, const struct scp_answer *answer,
                             const uint8_t host[SCP_CHALLENGE], struct buf *command, struct err *err);
/* What the card whose answer this is would have for a cryptogram, if it has the keys that the settings give it: for who plays a card
 * without having one (bench/). Closes the channel. False: as channel_open. */
MUST_CHECK bool channel_card_cryptogram(struct channel *c, const struct scp_answer *answer,
                                        const uint8_t host[SCP_CHALLENGE], uint8_t out[SCP_CRYPTOGRAM],
                                        struct err *err);
/* Appends the command as it is sent: encrypted if the level says so, and with a MAC. */
MUST_CHECK bool channel_secure(struct channel *c, const struct apdu *command, struct buf *out,
                               struct err *err);
/* Appends the answer's data: R-MAC checked and decrypted where the level says so (not on refusals, which have no MAC).
 * False (ERR_INTEGRITY): the MAC or the padding is wrong. */
MUST_CHECK bool channel_answer(struct channel *c, const struct apdu_answer *answer, struct buf *data,
                               struct err *err);

#endif
