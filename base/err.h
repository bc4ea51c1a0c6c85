/* base/err.h - errors are values that carry the whole story.
 *
 * What can fail returns bool, is MUST_CHECK and takes `struct err *err` last. False means: err is set,
 * nothing is half-written and no cursor has moved. The deepest function says what happened, each caller
 * adds in front the one name that it alone knows, and only a program's main prints:
 *
 *   record 812: application visa-debit: wrap KDL under KEK 'kek-bureau-a': C_WrapKey: CKR_KEY_UNEXTRACTABLE
 *
 * An err is a fixed buffer, so that reporting an error cannot fail. When it is full, the middle of the
 * chain goes and "..." stands there; the cause at the end is never lost. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define MUST_CHECK                       __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_arg, first_arg) __attribute__((format(printf, text_arg, first_arg)))

/* What kind of trouble it is; a program's exit status follows from it (err_exit_status). */
enum err_kind {
    ERR_NONE = 0,
    ERR_CONFIG,      /* usage or configuration */
    ERR_TOKEN,       /* token missing, PIN, key not found, check value, attributes */
    ERR_INPUT,       /* input data */
    ERR_INTEGRITY,   /* MAC, signature, hash, binding */
    ERR_FILE,        /* files and disk */
    ERR_INTERRUPTED, /* SIGINT or SIGTERM */
    ERR_INTERNAL,    /* a defect of ours, or memory exhausted */
};

enum { ERR_TEXT_MAX = 1024 };

struct err {
    enum err_kind kind;
    char text[ERR_TEXT_MAX];
};

#define ERR_INIT                                                                                             \
    {                                                                                                        \
        ERR_NONE, ""                                                                                         \
    }

/* Sets kind and text, whatever err held before. Is false, so that `return err_set(...)` reads well; a macro, so that the
 * compiler and static analysis see that it is always false. */
#define err_set(...)                                                                                         \
    (__extension__({                                                                                         \
        err_set_text(__VA_ARGS__);                                                                           \
        false;                                                                                               \
    }))
void err_set_text(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* As err_set, with ": " and the text of errno value `errnum` behind. */
#define err_set_errno(...)                                                                                   \
    (__extension__({                                                                                         \
        err_set_errno_text(__VA_ARGS__);                                                                     \
        false;                                                                                               \
    }))
void err_set_errno_text(struct err *err, enum err_kind kind, int errnum, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Out of memory: kind ERR_INTERNAL. Returns false. */
#define err_set_no_memory(err) err_set(err, ERR_INTERNAL, "out of memory")

/* Puts `format: ` in front of the text. Without effect while err->kind is ERR_NONE. */
void err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Back to ERR_NONE. */
void err_clear(struct err *err);

/* Leaves a result unused, with the reason why that is right. */
static inline void err_ignore(bool result, const char *reason)
{
    (void)result;
    (void)reason;
}

/* The exit status that every program gives for a kind: 0, 2, 3, 4, 5, 6, 130; 70 for ERR_INTERNAL. */
int err_exit_status(enum err_kind kind);

/* A short English name of the kind: "configuration", "token", "input", … */
const char *err_kind_name(enum err_kind kind);

#endif
