/* prep/commands/inspect_walk.h - what inspect_walk.c (records and groups) and inspect_parts.c (what our own groups hold) share. */
#ifndef PREP_INSPECT_WALK_H
#define PREP_INSPECT_WALK_H

#include "formats/mic.h"
#include "prep/commands/inspect.h"

struct inspect_walk {
    const struct inspect_visitor *visitor;
    struct inspect_result *result;
    char chip_mic[MIC_NAME_MAX + 1];
    bool quiet; /* a record that was not asked for: only its JOB group is of interest */
};

/* Shown to the visitor, unless the walk is quiet. */
void inspect_begin(struct inspect_walk *w, const struct inspect_item *item);
void inspect_end(struct inspect_walk *w);
void inspect_leaf(struct inspect_walk *w, const struct inspect_item *item); /* begin and end */
/* The rest of a cursor cannot be explained; moves it to its end. */
void inspect_damage(struct inspect_walk *w, struct cur *c, const struct err *err);

/* A list of objects; dgi is that of the grouping around them, 0: none. */
void inspect_tlvs(struct inspect_walk *w, struct cur c, enum inspect_place place, unsigned dgi);
/* Entries of a chip group. */
void inspect_chip(struct inspect_walk *w, struct cur c);
void inspect_seal(struct inspect_walk *w, struct cur c);

#endif
