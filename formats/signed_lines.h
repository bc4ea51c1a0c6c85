/* formats/signed_lines.h - text files of many lines with one signature behind them: return files (formats/return_file.h) and
 * remake lists (formats/remake_list.h), which say what the lines in the middle hold. docs/formats/return-file.md, "Lines".
 *
 *   first line                      the form's name and version
 *   name: value                     the head, in the form's order
 *   …                               entries, which begin with a digit
 *   lines: N                        how many entries
 *   signer: SHA-256 of the signer's DER SubjectPublicKeyInfo
 *   hash: SHA-256 of every byte before this line
 *   signature: over context ‖ 00 ‖ that hash (32 bytes): RSASSA-PKCS1-v1_5 with SHA-256
 *
 * Both directions keep one line in memory. A reader goes through the file twice: first all of it, with the signature; then for
 * its entries, which are hashed again. */
#ifndef FORMATS_SIGNED_LINES_H
#define FORMATS_SIGNED_LINES_H

#include "base/digest.h"
#include "base/reader.h"
#include "formats/signature.h"

struct signed_lines_form {
    const char *what;       /* "return file" */
    const char *first_line; /* "cardprep return 1" */
    const char *context;    /* "cardprep-return-1" */
};
enum { SIGNED_LINES_LINE_MAX = 2048 };

/* ---- writing ---- */

/* Makes RSASSA-PKCS1-v1_5 with SHA-256 over data; id is the SHA-256 of the DER SubjectPublicKeyInfo. */
struct signed_lines_signer {
    bool (*sign)(void *context, const uint8_t *data, size_t len, struct buf *signature, struct err *err);
    void *context;
    uint8_t id[SHA256_LEN];
};
/* Takes the next bytes of the file. */
struct signed_lines_sink {
    bool (*put)(void *context, const void *data, size_t len, struct err *err);
    void *context;
};
struct signed_lines_writer {
    const struct signed_lines_form *form;
    struct signed_lines_sink sink;
    struct digest *digest;
    struct buf unsent;
    uint64_t entries;
};
/* Begins with the first line. False: no memory. signed_lines_writer_release it in any case. */
MUST_CHECK bool signed_lines_writer_begin(struct signed_lines_writer *w, const struct signed_lines_form *form,
                                          struct signed_lines_sink sink, struct err *err);
void signed_lines_writer_release(struct signed_lines_writer *w);
/* A line; without its line feed. False: what the sink says. */
MUST_CHECK bool signed_lines_put(struct signed_lines_writer *w, const struct buf *line, bool is_entry,
                                 struct err *err);
/* The last four lines; everything is then with the sink. False: what sink and signer say; a signature of no possible length
 * (ERR_INTERNAL). */
MUST_CHECK bool signed_lines_put_end(struct signed_lines_writer *w, const struct signed_lines_signer *signer,
                                     struct err *err);

/* ---- reading ---- */

struct signed_lines {
    const struct signed_lines_form *form;
    struct reader *reader; /* the caller's */
    struct digest *digest;
    uint64_t line;            /* of the file, from 1: the one that was taken last */
    uint64_t entries;         /* taken so far */
    uint8_t hash[SHA256_LEN]; /* of everything before "lines:" */
    bool verified;
};
/* All of these: false, ERR_INPUT with the line and what it should be: any other byte than those of the form. */

/* Takes the first line. signed_lines_release it in any case. */
MUST_CHECK bool signed_lines_begin(struct signed_lines *s, const struct signed_lines_form *form,
                                   struct reader *reader, struct err *err);
void signed_lines_release(struct signed_lines *s);
/* The value of the next line, which must be "name: value". Borrowed until the next line is taken. */
MUST_CHECK bool signed_lines_value(struct signed_lines *s, const char *name, const char **value, size_t *len,
                                   struct err *err);
/* The next entry; *end in its place when "lines: N" comes. The first time all is then read to the end and verified; false also
 * (ERR_INTEGRITY): the number of entries, the hash, the signer, the signature. After signed_lines_again: the entries are
 * not those of the first time. */
struct signed_lines_trust {
    const struct public_key *signers;
    size_t count;
    uint8_t *signer; /* gets the identifier of the one that signed */
};
MUST_CHECK bool signed_lines_entry(struct signed_lines *s, const struct signed_lines_trust *trust,
                                   const char **text, size_t *len, bool *end, struct err *err);
/* Back to the line behind the first. */
MUST_CHECK bool signed_lines_again(struct signed_lines *s, struct err *err);

/* Parts an entry at its single blanks into exactly `count` fields, none empty. */
struct signed_lines_field {
    const char *text;
    size_t len;
};
MUST_CHECK bool signed_lines_split(const char *text, size_t len, struct signed_lines_field *fields,
                                   size_t count, struct err *err);
/* "line 12: serial" in front of the message; name may be NULL. Returns false. */
bool signed_lines_named(const struct signed_lines *s, const char *name, struct err *err);

#endif
