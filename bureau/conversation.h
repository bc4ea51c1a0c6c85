/* bureau/conversation.h - personalizing one card, as an object without I/O: it gives the next command, takes the card's answer,
 * and ends with an outcome. A reader, a script and a remote station drive the same object. It holds no key: what takes keys
 * is asked of a struct card_crypto (bureau/channel.h gives the token's).
 *
 *   SELECT the security domain → INITIALIZE UPDATE → EXTERNAL AUTHENTICATE → [PUT KEY, then these three again]
 *   → per application in card order: SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE (an application with a channel of its own),
 *     or INSTALL [for personalization] (through the domain's channel); then STORE DATA, the last one marked so
 *   → SET STATUS: the card is locked (SECURED), through the domain
 *
 * A record with secrets under the card's own key (methods 11 and 12) needs the keys that the card came with: it is looked at before
 * anything changes whether the card has these, and PUT KEY, with the second channel, comes before SET STATUS.
 *
 * Without a record it is a supplier's: after PUT KEY and the second EXTERNAL AUTHENTICATE the card is made.
 *
 * GlobalPlatform Card Specification 2.3.1, chapter 11 and appendix E, amendment D; EMV Card Personalization Specification 5.4.
 *
 * Repeated. The same record was begun on this very card before. Once the domain's channel is open the card is asked with GET STATUS how
 * far it has come: applications that are personalized are left out, and so is the lock of a card that is SECURED; what is not so must
 * be accepted. Of what the card does not tell, a refusal as done (6985 to an application's INSTALL or first STORE DATA, and to both steps
 * of the lock) is believed, and it goes on behind it.
 *
 * Length. A part of a data grouping that is longer than a short command goes in an extended one if the card takes them, of as much
 * data as the settings allow (command_data_max); else in several short ones.
 *
 * Wrong keys. A card whose cryptogram does not verify is sent no EXTERNAL AUTHENTICATE, and is asked again only as often as
 * `tries` says. A card that refuses ours is not asked again at all.
 *
 * Outcome. Untouched as long as no command that changes the card was done or may have been done. A card that is pulled out while
 * such a command is under way may have done it. A refusal (64xx, 67xx to 6Fxx) changes nothing; 65xx and a warning do.
 * Spoiled: its memory failed (6581), or it took new keys and answers with other check values,
 * or goes on with the old ones. */
#ifndef BUREAU_CONVERSATION_H
#define BUREAU_CONVERSATION_H

#include "bureau/open_record.h"
#include "bureau/token_process.h"
#include "formats/scp.h"

/* PUT KEY: needed false when the card has the newest keys; then the rest is made only if checks_wanted (set by the asker). */
struct card_new_keys {
    bool needed, checks_wanted;
    uint8_t old_version, version;
    struct buf data;   /* of the command */
    struct buf checks; /* what the card answers with: version and check values */
};
/* What takes keys. Each is false as bureau/channel.h says. */
struct card_crypto {
    void *context;
    bool (*random)(void *context, uint8_t out[SCP_CHALLENGE], struct err *err);
    /* Appends EXTERNAL AUTHENTICATE. ERR_INTEGRITY: the card has other keys. */
    bool (*open)(void *context, const struct scp_answer *answer, const uint8_t host[SCP_CHALLENGE],
                 struct buf *command, struct err *err);
    bool (*secure)(void *context, const struct apdu *command, struct buf *out, struct err *err);
    bool (*answer)(void *context, const struct apdu_answer *answer, struct buf *data, struct err *err);
    size_t (*data_max)(void *context, size_t lc_max); /* of a command at the level that is open */
    /* Appends the data groupings of a secret item, encrypted for the card; *application_key: under its static key (P1 01)
     * and not under the channel's (P1 11). */
    bool (*protect)(void *context, const struct open_item *item, struct buf *dgis, bool *application_key,
                    struct err *err);
    bool (*new_keys)(void *context, struct card_new_keys *out, struct err *err);
    void (*hang_up)(void *context); /* the channel is over, the card is not: it keeps its static keys */
    void (*close)(void *context);
};

struct conversation;

struct conversation_order {
    const struct open_record
        *record; /* verified; it and the rest are borrowed until the end. NULL: only the keys */
    struct card_crypto crypto;
    const uint8_t *challenge;  /* host challenge to use, 8 bytes, copied; NULL: random */
    unsigned tries;            /* 0 counts as 1 */
    bool extended;             /* the card takes commands of extended length */
    enum card_purpose purpose; /* without a record PURPOSE_SUPPLY or PURPOSE_PROVE */
};
/* The turn is the first command. False (ERR_INTERNAL): memory. */
MUST_CHECK bool conversation_new(struct conversation **out, const struct conversation_order *order,
                                 struct card_turn *turn, struct err *err);
/* The answer to the turn's command; len 0: none came. turn->what lives as long as the conversation.
 * False: the token failed (ERR_TOKEN), memory (ERR_INTERNAL): then the conversation is at an end, with the outcome that
 * conversation_outcome tells. All else is an outcome in the turn. */
MUST_CHECK bool conversation_answer(struct conversation *c, const uint8_t *answer, size_t len,
                                    struct card_turn *turn, struct err *err);
/* How the card is if the conversation ends now. */
enum card_outcome conversation_outcome(const struct conversation *c);
/* Closes the channel. NULL is fine. */
void conversation_free(struct conversation *c);

#endif
