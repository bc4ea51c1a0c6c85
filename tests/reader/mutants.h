/* mutants.h - the sample made wrong in one place, with all seals around it made again, so that one rule is left to refuse it. */
#ifndef READER_MUTANTS_H
#define READER_MUTANTS_H

#include "image.h"

/* Beside those of image_seal: the edit comes last, over a file that is sealed already. */
enum { SEAL_BEFORE = 0 };

struct mutant {
    const char *name; /* also of the file that mutant_writer makes of it */
    void (*edit)(struct image *image);
    unsigned seal;       /* what is made again after the edit */
    const char *refusal; /* part of what the independent reader says */
};
extern const struct mutant mutants[];
extern const size_t mutant_count;

#endif
