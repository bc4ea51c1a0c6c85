/* bureau/sandbox.h - what the token process gives up once it has logged in: files other than the token's folder (Landlock),
 * network, other programs and other processes (seccomp), privileges. Nothing of it can be taken back. */
#ifndef BUREAU_SANDBOX_H
#define BUREAU_SANDBOX_H

#include "config/job.h"

/* Where a soft token keeps its keys: SoftHSM's directories.tokendir (from $SOFTHSM2_CONF, ~/.config/softhsm2 or /etc/softhsm),
 * NSS's configdir. False: it is another kind of module, or its configuration cannot be read; *path is then empty. */
enum { SANDBOX_PATH = 1024 };
bool sandbox_token_folder(const struct token_settings *token, char path[SANDBOX_PATH]);
/* folder: NULL or "" where it is not known: such a module may need files and the network of its own, and keeps them. Appends a line
 * to notes for each thing that could not be closed. */
void sandbox_enter(const char *folder, struct buf *notes);
/* Closes every file descriptor but the standard ones and this. */
void sandbox_close_files(int but);

#endif
