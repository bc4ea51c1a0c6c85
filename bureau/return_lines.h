/* bureau/return_lines.h - what the books' events of a record mean in a return file (docs/formats/return-file.md). Pure: no file,
 * no database.
 *
 *   MADE                             made; after a REMAKE: remade, by that list
 *   SPOILED, DESTROYED               the same; DESTROYED of a card that the record was on before is told of that card
 *   REMAKE of a record that is made      its card, which the issuer gives up for lost: missing
 *   REMAKE of a record that is half done its card, which nobody will go on with: spoiled
 *
 * Other events leave no line. */
#ifndef BUREAU_RETURN_LINES_H
#define BUREAU_RETURN_LINES_H

#include "bureau/registry.h"
#include "formats/return_file.h"

/* How an event EVENT_REMAKE is worded in the books: "remake-17 lost", the list's number and the issuer's reason. */
enum { REMAKE_TEXT_MAX = 80 };
void remake_text(uint64_t list, const char *reason, char out[REMAKE_TEXT_MAX]);
/* The list's number; 0: other words. *reason: the rest, into the text. */
uint64_t remake_text_list(const char *text, const char **reason);
/* The bytes of a card's serial number as the books have it; 0: it is not known there. */
size_t card_serial_read(const char *text, uint8_t out[RETURN_SERIAL_MAX]);

/* One record, from its first event on. */
struct return_record {
    uint64_t number;
    uint8_t serial[RETURN_SERIAL_MAX];
    size_t serial_len;        /* of the card that it is on */
    uint8_t pass[JOB_ID_LEN]; /* that its card is made from; until the next is begun, the last card */
    enum record_state state;  /* after the last event */
    bool made, half_done;
    uint64_t list; /* by which the next card is made; 0: none */
    time_t last;   /* time of the last line */
};
void return_record_begin(struct return_record *r, uint64_t number);
/* Takes the next event of the record. *line gets all but the object identifier if there is a line, and told->pass is then the pass that it
 * belongs to. False (ERR_INTEGRITY): a card was made and the books do not say which. */
struct return_told {
    bool any;
    struct return_line line;
    uint8_t pass[JOB_ID_LEN];
};
MUST_CHECK bool return_record_add(struct return_record *r, const struct registry_event *e,
                                  struct return_told *told, struct err *err);

#endif
