/* tests/bureau/sample_bureau.h - a bureau that holds the keys of tests/samples/independent-5.mic, in a folder of its own. */
#ifndef TESTS_BUREAU_SAMPLE_BUREAU_H
#define TESTS_BUREAU_SAMPLE_BUREAU_H

#include "base/err.h"

#define SAMPLE_MIC  TEST_DATA_DIR "/samples/independent-5.mic"
#define SAMPLE_KEYS TEST_DATA_DIR "/samples/independent-5.keys.json"
enum { SAID_MAX = 1 << 16 };

struct sample_bureau {
    char folder[40];
    char settings[64], signer[64], ca[64], books[64], said_path[64], changed[64];
    char said[SAID_MAX]; /* stdout and stderr of the last command */
};

/* Makes the folder with settings, signer and CA key. */
bool sample_bureau_start(struct sample_bureau *b);
void sample_bureau_stop(struct sample_bureau *b);
/* The settings once more, with `kcv` for the KEK and `more` lines behind. */
bool sample_bureau_settings(struct sample_bureau *b, const char *kcv, const char *more);
/* New books. */
void sample_bureau_forget(struct sample_bureau *b);
/* Runs a command with stdout and stderr in b->said; words end with NULL. Gives its exit status. */
int sample_bureau_run(struct sample_bureau *b, int (*command)(int, char **), const char *const *words);
/* Asserts that b->said contains the text. */
void expect_said(const struct sample_bureau *b, const char *part);

#endif
