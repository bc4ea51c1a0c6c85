/* base/outfile.h - output that is whole or not there.
 *
 * Bytes go to `PATH.partial`, created exclusively with mode 0600. Only outfile_commit gives the file its
 * name, after fsync, without ever replacing a file; then the folder is synced. Every append is one write,
 * so that what a killed run leaves ends at a record or is recognised as cut. The first create has the
 * process ignore SIGXFSZ, so that a limit on file sizes is an error like a full disk. */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdint.h>

#include "base/err.h"

struct outfile;

/* False (ERR_FILE): PATH exists, PATH.partial exists (the message says how to go on), folder not writable. */
MUST_CHECK bool outfile_create(struct outfile **out, const char *path, struct err *err);
/* What outfile_create would say of PATH and PATH.partial, long before it is called. */
MUST_CHECK bool outfile_is_new(const char *path, struct err *err);
/* As outfile_create, but the finished file replaces an existing PATH (state files, never results). */
MUST_CHECK bool outfile_create_replacing(struct outfile **out, const char *path, struct err *err);
/* Appends all bytes. False (ERR_FILE): disk full, limit, I/O error; the file is cut back to where it was. */
MUST_CHECK bool outfile_append(struct outfile *f, const void *data, size_t len, struct err *err);
/* Bytes appended so far. */
uint64_t outfile_size(const struct outfile *f);
const char *outfile_partial_path(const struct outfile *f);
/* fsync, rename to PATH (refused if PATH appeared meanwhile), fsync of the folder. False (ERR_FILE): the
 * file is still PATH.partial, or it is PATH but the folder could not be synced; the message says which. */
MUST_CHECK bool outfile_commit(struct outfile *f, struct err *err);
/* Closes and frees. What was not committed is removed, or left as PATH.partial if `keep`. NULL is fine. */
void outfile_close(struct outfile *f, bool keep);

/* Reads a whole small file of at most max bytes into out (a struct buf). Refuses larger ones. */
struct buf;
MUST_CHECK bool file_read_all(const char *path, size_t max, struct buf *out, struct err *err);
/* Syncs the folder in which path stands, so that a new name stays after a power cut. False (ERR_FILE): it cannot be. */
MUST_CHECK bool file_sync_folder(const char *path, struct err *err);
/* Resolves `name` against the folder of the file `beside`; absolute names stay. Caller frees *out. */
MUST_CHECK bool file_path_beside(const char *beside, const char *name, char **out, struct err *err);

#endif
