/* formats/return_file.h - the return file: what became of the card records of one MIC file at the bureau, signed by it.
 * docs/formats/return-file.md has the form, byte by byte.
 *
 * ASCII text, one line per thing that happened to a record, in the order of their record numbers; those of one record in the order in which they
 * happened. Reader and writer hold one line and those of one record, however many there are. What is right between lines of
 * different files, and who was allowed to make a card again, is for the caller to judge. */
#ifndef FORMATS_RETURN_FILE_H
#define FORMATS_RETURN_FILE_H

#include "formats/groups.h"
#include "formats/signed_lines.h"

enum {
    RETURN_NAME_MAX = 32,
    RETURN_SERIAL_MAX = 32, /* bytes */
    RETURN_REASON_MAX = 32,
    RETURN_TIME_LEN = 20,
    RETURN_LINES_PER_RECORD = 64,
};

enum return_outcome {
    RETURN_MADE,      /* personalized: this card is good */
    RETURN_SPOILED,   /* this card will never be used; it was not, or not wholly, personalized */
    RETURN_REMADE,    /* as made, on a new card, by authority of a remake list */
    RETURN_DESTROYED, /* a card that was made, or spoiled, is destroyed */
    RETURN_MISSING,   /* the bureau cannot say where this card is */
};
/* "made", … */
const char *return_outcome_name(enum return_outcome outcome);

/* Texts end with a zero. */
struct return_head {
    char bureau[RETURN_NAME_MAX + 1]; /* 1–32 of A–Z a–z 0–9 . _ - */
    uint8_t job_id[JOB_ID_LEN];       /* of the MIC file: the pass that wrote it */
    char job_name[JOB_NAME_MAX + 1];
    uint16_t shard, shards;
    uint8_t file_hash[SHA256_LEN];     /* of the MIC file: what its END says in DD */
    char created[RETURN_TIME_LEN + 1]; /* YYYY-MM-DDThh:mm:ssZ */
};

struct return_line {
    uint64_t record;
    char object_id[OBJECT_ID_MAX + 1];
    enum return_outcome outcome;
    uint8_t serial[RETURN_SERIAL_MAX]; /* of the card */
    size_t serial_len;                 /* from 1; made and remade always have one, others may have none: 0 */
    char time[RETURN_TIME_LEN + 1];
    char reason[RETURN_REASON_MAX +
                1]; /* a word of a–z 0–9 -; empty with made and remade, and with no other */
    uint64_t list;  /* remade: serial number of the remake list; else 0 */
};

/* What one record has had; reader and writer keep it. */
struct return_order {
    struct return_line last;
    size_t count; /* lines of this record */
    struct {
        enum return_outcome outcome;
        uint8_t serial[RETURN_SERIAL_MAX];
        size_t serial_len;
    } had[RETURN_LINES_PER_RECORD];
};

/* ---- writing ---- */

struct return_writer;
/* The bytes go to the sink. False: a value that no file may have (ERR_INPUT, naming the field); what the sink says. */
MUST_CHECK bool return_writer_new(struct return_writer **out, const struct return_head *head,
                                  struct signed_lines_sink sink, struct err *err);
/* False (ERR_INPUT): a value that no line may have; out of order; a repeated line; what the sink says. */
MUST_CHECK bool return_writer_put(struct return_writer *w, const struct return_line *line, struct err *err);
/* The last lines with the signature: all is with the sink then. False: what sink and signer say. */
MUST_CHECK bool return_writer_end(struct return_writer *w, const struct signed_lines_signer *signer,
                                  struct err *err);
uint64_t return_writer_count(const struct return_writer *w);
void return_writer_free(struct return_writer *w); /* NULL is fine */

/* ---- reading ---- */

struct return_file;
/* Reads the whole file and verifies it; nothing of it is handed out before that. Takes over the reader, and frees it when the
 * result is false: ERR_INPUT, any other byte than those of the one form, with file, line and field; ERR_INTEGRITY: the number of
 * lines, the hash, an unknown signer, a signature that does not verify; ERR_FILE. */
MUST_CHECK bool return_file_open(struct return_file **out, struct reader *reader,
                                 const struct public_key *signers, size_t signer_count, struct err *err);
const struct return_head *return_file_head(const struct return_file *f);
const uint8_t *return_file_signer(const struct return_file *f); /* SHA256_LEN */
uint64_t return_file_count(const struct return_file *f);
/* The next line; *end behind the last. What was handed out counts only when the end has come: false (ERR_INTEGRITY), the file
 * is not what it was when it was verified. */
MUST_CHECK bool return_file_next(struct return_file *f, struct return_line *line, bool *end, struct err *err);
void return_file_free(struct return_file *f); /* also frees the reader; NULL is fine */

#endif
