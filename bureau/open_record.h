/* bureau/open_record.h - a card record opened at the bureau: docs/formats/mic-file.md, "What a reader refuses", as far as it
 * takes keys. The file's hash, its signature, and whether END lists a MAC key are the station's to verify before.
 *
 * Opening verifies the MAC of SEAL and of every sealed entry under their KEKs, bindings, and every check value: each secret is
 * unwrapped in the token, as a session object that stays until the record is closed. Check values that are for the card (DGI
 * 9000) are compared with the keys. No key value is in the process. */
#ifndef BUREAU_OPEN_RECORD_H
#define BUREAU_OPEN_RECORD_H

#include "bureau/ring.h"
#include "formats/card_record.h"

enum { OPEN_ITEMS_MAX = WALK_DGIS_MAX, OPEN_SECRETS_MAX = WALK_NAMES_MAX, DGI_CHECK_VALUES = 0x9000 };

struct open_secret {
    struct wrapped_secret wrapped;
    const struct ring_kek *kek;
    struct hsm_key key; /* unwrapped; none for methods 11 and 12 */
};
/* What goes into one DGI (kind 06: five): a clear value, or secrets that are joined. */
struct open_item {
    uint16_t dgi;
    const struct open_secret *secrets; /* NULL: clear */
    size_t secret_count;
    const uint8_t *value; /* clear */
    size_t len;
};
struct open_application {
    const struct entry *entry;
    char name[2 * AID_MAX + 1]; /* AID in hex */
    enum bureau_load load;
    struct open_item items[OPEN_ITEMS_MAX];
    size_t item_count; /* 0: nothing is loaded */
    struct open_secret secrets[OPEN_SECRETS_MAX];
    size_t secret_count;
    struct buf loose; /* loose elements that the settings want on the card */
};
struct open_record {
    struct ring *ring;
    struct buf bytes; /* a copy of the record */
    struct mic_record mic;
    struct card_record card;
    struct open_application *applications;
    size_t application_count;
    unsigned kmc_version; /* that the card comes with, by the element that the settings name; 0: none */
};

enum { OPEN_WITHOUT_MACS = 1 /* --keys-only */ };
/* job: the file's JOB group; NULL: it is not known here, then what it lists is not compared, and the chip group is called
 * CHIP. False: ERR_INPUT, ERR_INTEGRITY: what is wrong with the record, by application and secret; ERR_CONFIG: no such KEK in
 * the settings, or no KMC of the version that the record says; ERR_TOKEN. Nothing stays. */
MUST_CHECK bool open_record_new(struct open_record **out, struct ring *r, const struct job_group *job,
                                const struct hsm_span *record, unsigned flags, struct err *err);
/* Are the check values of the KEKs that we hold those that JOB says? False (ERR_INTEGRITY): not. */
MUST_CHECK bool open_record_check_job(const struct ring *r, const struct job_group *job, struct err *err);
/* Destroys the session objects. NULL is fine. */
void open_record_free(struct open_record *o);
/* In words, a line per application, grouping and secret, with the way that each secret takes on this token; no values. */
void open_record_describe(const struct open_record *o, struct buf *text);

#endif
