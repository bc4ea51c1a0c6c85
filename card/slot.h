/* card/slot.h - a card, its state file and what is to go wrong with it: what vpcd.h wants behind the contacts. */
#ifndef CARD_SLOT_H
#define CARD_SLOT_H

#include "card/state_file.h"
#include "card/trouble.h"
#include "card/vpcd.h"

enum { TROUBLES_MAX = 16 };

struct slot {
    struct card *card;
    struct state_file *file; /* NULL: none; then powerloss does nothing */
    struct trouble troubles[TROUBLES_MAX];
    size_t trouble_count;
    uint64_t commands;                 /* so far */
    bool mute;                         /* until the next reset */
    void (*on_mute)(uint64_t command); /* NULL: nobody wants to know */
};

/* Puts what --fail says into the card. */
void slot_start(struct slot *s);
/* The contacts of this slot; s stays the caller's and lives longer. */
struct vpcd_card slot_contacts(struct slot *s);

#endif
