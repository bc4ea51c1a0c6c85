/* tests/card/paid.h - a payment card that was personalized (issue_emv), selected, and what it answers. */
#ifndef TESTS_CARD_PAID_H
#define TESTS_CARD_PAID_H

#include "formats/tlv.h"
#include "issue.h"

#define EMV_AID "A0000000031010"

struct paid {
    struct card *card;
    struct issue issue;
    struct host h;
};

/* Keys of the channel are AES, those of the application as asked. */
void paid_init(struct paid *p, bool aes);
void paid_release(struct paid *p);

/* Whether the last answer's data are these bytes. */
bool paid_answer_is(const struct host *h, const char *hex);
struct cur paid_answer(const struct host *h);
/* One element out of an answer, in templates too. */
bool paid_element(struct cur c, uint32_t tag, struct tlv *out);

#endif
