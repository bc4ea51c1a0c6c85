/* formats/remake_list.h - the remake list: the issuer's signed authority to put records on new cards, without which one record
 * could give two live cards. docs/formats/remake-list.md has the form, byte by byte.
 *
 * An entry allows one new card for one record, in place of the card that it names. The lists of a job are numbered, rising: a
 * bureau that has taken one takes no older one any more. */
#ifndef FORMATS_REMAKE_LIST_H
#define FORMATS_REMAKE_LIST_H

#include "formats/groups.h"
#include "formats/signed_lines.h"

enum {
    REMAKE_SERIAL_MAX = 32, /* bytes */
    REMAKE_REASON_MAX = 32,
    REMAKE_TIME_LEN = 20,
    REMAKE_ENTRIES_MAX = 1 << 18, /* they are kept in memory */
};

struct remake_head {
    uint8_t job_id
        [JOB_ID_LEN]; /* of the pass that gave the records their identity (D2 of CARD), whatever pass came later */
    char job_name[JOB_NAME_MAX + 1];
    uint64_t serial; /* of the list, 1 to 2^63 − 1: rising in the job */
    char created[REMAKE_TIME_LEN + 1];
};

struct remake_entry {
    uint64_t record;
    uint8_t serial[REMAKE_SERIAL_MAX];  /* of the card that the new one is to replace */
    size_t serial_len;                  /* 0: not known */
    char reason[REMAKE_REASON_MAX + 1]; /* 1–32 of a–z 0–9 - */
};

/* The whole file to the sink. False (ERR_INPUT): no entries, or too many; a value that no file may have; records that do not rise; what
 * sink and signer say. */
struct remake_draft {
    struct remake_head head;
    const struct remake_entry *entries;
    size_t count;
};
MUST_CHECK bool remake_list_put(const struct remake_draft *draft, struct signed_lines_sink sink,
                                const struct signed_lines_signer *signer, struct err *err);

struct remake_list;
/* Reads and verifies it. Takes over the reader in any case. False: as return_file_open; more than REMAKE_ENTRIES_MAX entries. */
MUST_CHECK bool remake_list_open(struct remake_list **out, struct reader *reader,
                                 const struct public_key *signers, size_t signer_count, struct err *err);
void remake_list_free(struct remake_list *l); /* NULL is fine */
const struct remake_head *remake_list_head(const struct remake_list *l);
const uint8_t *remake_list_signer(const struct remake_list *l); /* SHA256_LEN */
size_t remake_list_count(const struct remake_list *l);
const struct remake_entry *remake_list_at(const struct remake_list *l, size_t index); /* records rise */

/* A card that is to be replaced. */
struct remake_card {
    const uint8_t *job_id; /* JOB_ID_LEN, as in the head */
    uint64_t record;
    const uint8_t *serial; /* of the card that it had; NULL with len 0: not known */
    size_t serial_len;
};
/* The entry that allows it. False (ERR_INPUT): another job's list; the record is not in it; the list names another card, or
 * the record's card is not known here and the list names one. */
MUST_CHECK bool remake_list_allows(const struct remake_list *l, const struct remake_card *card,
                                   const struct remake_entry **entry, struct err *err);

#endif
