/* fixture.h - the sample, its keys and what the last check of it said. */
#ifndef READER_FIXTURE_H
#define READER_FIXTURE_H

#include "image.h"

#define SAMPLE_KEYS                     TEST_DATA_DIR "/samples/independent-5.keys.json"
#define BYTE(image, pattern, nth, plus) (image)->bytes[FIND(image, pattern, nth) + (plus)]

struct fixture {
    struct image image;
    struct keys *keys;
    EVP_PKEY *signer;
    struct summary summary; /* of the last check */
    char refusal[320];
};

/* Ends the program if the sample cannot be read. */
struct fixture fixture_set_up(void);
void fixture_tear_down(struct fixture *f);
/* Checks f->image as it is; sets summary and refusal. */
bool fixture_check(struct fixture *f, unsigned flags);
/* Seal the image anew, all of it or as `seal` says, and assert what the check must say: nothing, or a
 * refusal that contains `part`. `name` stands in the test's output. */
void expect_accepted(struct fixture *f);
void expect_refused(struct fixture *f, unsigned seal, const char *name, const char *part);

#endif
