/* plastic_channel.h - the card's end of the secure channel (plastic.h): session keys, cryptograms, what is around a command and its
 * answer. For plastic.c alone. */
#ifndef TESTS_BUREAU_PLASTIC_CHANNEL_H
#define TESTS_BUREAU_PLASTIC_CHANNEL_H

#include "plastic.h"
#include "plastic_cipher.h"

struct plastic_message {
    uint8_t cla, ins, p1, p2;
    uint8_t data[PLASTIC_DATA];
    size_t len;
};

/* Session keys out of the card's keys, its sequence counter and both challenges. */
void plastic_session(struct plastic *p);
void plastic_cryptogram(const struct plastic *p, bool of_card, uint8_t out[8]);
/* Where it is, takes the MAC off the data and chains it. */
bool plastic_mac_is_right(struct plastic *p, struct plastic_message *c);
/* A command inside the channel: its MAC is right; it is left decrypted. */
bool plastic_secured(struct plastic *p, struct plastic_message *c);
/* Adds encryption and MAC to a good answer; gives its new length. */
size_t plastic_protect_answer(struct plastic *p, uint8_t *answer, size_t len, unsigned sw);

#endif
