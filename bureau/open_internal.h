/* bureau/open_internal.h - between open_record.c (MACs, the record) and open_application.c (what one application holds). */
#ifndef BUREAU_OPEN_INTERNAL_H
#define BUREAU_OPEN_INTERNAL_H

#include "bureau/open_record.h"

/* Fills items and secrets of an application whose entry is set. */
MUST_CHECK bool open_application_fill(struct open_record *o, struct open_application *a, struct err *err);

#endif
