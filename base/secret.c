#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "base/stop_signal.h"

/* LeakSanitizer attaches to the process at its end, which a process that forbids tracing refuses: so a
 * build with AddressSanitizer stays traceable. It writes no core either. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(WITH_SANITIZER)
enum { FORBID_TRACING = 0 };
#else
enum { FORBID_TRACING = 1 };
#endif

enum { NO_BYTE = -1 };

/* Where a line comes from. */
struct line_source {
    int fd;
    int interrupt;          /* a byte that gives up, or NO_BYTE */
    const sigset_t *during; /* signals are let in with this mask while it waits; NULL: as they are */
    const char *name;
};

bool secret_start(struct err *err)
{
    const struct rlimit none = {0, 0};
    if (sodium_init() < 0) return err_set(err, ERR_INTERNAL, "libsodium cannot start");
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "core dumps cannot be switched off");
    if (FORBID_TRACING && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set_errno(err, ERR_INTERNAL, errno, "tracing cannot be forbidden");
    return true;
}

static bool lock(const struct secret *s, struct err *err)
{
    if (sodium_mlock(s->data, s->room) == 0) return true;
    return err_set_errno(err, ERR_INTERNAL, errno,
                         "memory for a secret cannot be locked (see 'ulimit -l', LimitMEMLOCK=)");
}

bool secret_init(struct secret *s, size_t room, struct err *err)
{
    *s = (struct secret)SECRET_NONE;
    struct secret made = {sodium_malloc(room ? room : 1), 0, room ? room : 1};
    if (!made.data) return err_set_errno(err, ERR_INTERNAL, errno, "no memory for a secret");
    /* sodium_malloc locks too, but does not say whether it could. */
    if (!lock(&made, err)) {
        sodium_free(made.data);
        return false;
    }
    *s = made;
    return true;
}

bool secret_copy(struct secret *s, const void *data, size_t len, struct err *err)
{
    if (!secret_init(s, len, err)) return false;
    if (len) memcpy(s->data, data, len);
    s->len = len;
    return true;
}

void secret_release(struct secret *s)
{
    sodium_free(s->data);
    *s = (struct secret)SECRET_NONE;
}

bool secret_relock(struct secret *s, struct err *err)
{
    return s->data ? lock(s, err) : true;
}

/* sodium_malloc has the data at the end of pages of its own. */
bool secret_keep_from_children(struct secret *s, struct err *err)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (!s->data) return true;
    const size_t before = (uintptr_t)s->data & (page - 1);
    return madvise(s->data - before, before + s->room, MADV_WIPEONFORK) == 0 ||
           err_set_errno(err, ERR_INTERNAL, errno, "memory for a secret cannot be kept from children");
}

static bool too_long(const struct secret *s, const char *name, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: longer than %zu bytes", name, s->room);
}

/* One byte at a time, so that what follows the line stays unread. 1, 0 at the end, -1 on failure. */
static ssize_t read_byte(const struct line_source *from, uint8_t *byte, struct err *err)
{
    ssize_t n = from->during ? stop_signal_read(from->fd, byte, from->during) : read(from->fd, byte, 1);
    if (n < 0 && errno == EINTR)
        err_set(err, ERR_INTERRUPTED, "%s: interrupted", from->name);
    else if (n < 0)
        err_set_errno(err, ERR_FILE, errno, "%s: cannot be read", from->name);
    return n;
}

/* Fills s up to the line end. */
static bool read_line(struct secret *s, const struct line_source *from, struct err *err)
{
    const char *name = from->name;
    bool ended_cr = false; /* a CR is kept back: it may belong to the line end */
    bool empty = true;
    for (;;) {
        uint8_t byte = 0;
        ssize_t n = read_byte(from, &byte, err);
        if (n < 0) return false;
        if (n == 0 && empty) return err_set(err, ERR_INPUT, "%s: nothing to read", name);
        if (n > 0 && byte == from->interrupt) return err_set(err, ERR_INTERRUPTED, "%s: interrupted", name);
        if (n > 0 && byte == '\n') return true;
        if (ended_cr) {
            if (s->len == s->room) return too_long(s, name, err);
            s->data[s->len++] = '\r';
        }
        if (n == 0) return true;
        empty = false;
        ended_cr = byte == '\r';
        if (ended_cr) continue;
        if (s->len == s->room) {
            wipe(&byte, sizeof(byte));
            return too_long(s, name, err);
        }
        s->data[s->len++] = byte;
        wipe(&byte, sizeof(byte));
    }
}

static bool read_or_empty(struct secret *s, const struct line_source *from, struct err *err)
{
    if (!s->data) return err_set(err, ERR_INTERNAL, "%s: there is no room for a secret", from->name);
    s->len = 0;
    if (read_line(s, from, err)) return true;
    wipe(s->data, s->room);
    s->len = 0;
    return false;
}

bool secret_read_line(struct secret *s, int fd, const char *name, struct err *err)
{
    const struct line_source from = {fd, NO_BYTE, NULL, name};
    return read_or_empty(s, &from, err);
}

static bool write_text(int fd, const char *text, struct err *err)
{
    size_t len = strlen(text);
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_set_errno(err, ERR_FILE, errno, "terminal");
        done += (size_t)n;
    }
    return true;
}

/* Cursor keys and the like send bytes that nobody sees and nobody means: better to ask again than to
 * spend one of a token's few tries for a PIN. */
static bool refuse_control(struct secret *s, struct err *err)
{
    bool found = false;
    for (size_t i = 0; i < s->len; i++)
        found = found || s->data[i] < 0x20 || s->data[i] == 0x7F;
    if (!found) return true;
    wipe(s->data, s->room);
    s->len = 0;
    return err_set(err, ERR_INPUT, "terminal: a control character was typed; try again");
}

static bool ask(struct secret *s, int tty, int interrupt, const char *prompt, struct err *err)
{
    sigset_t before;
    const struct line_source from = {tty, interrupt, &before, "terminal"};
    stop_signal_hold(&before);
    bool ok = write_text(tty, prompt, err) && read_or_empty(s, &from, err) && refuse_control(s, err);
    stop_signal_let_go(&before);
    return ok;
}

bool secret_prompt(struct secret *s, const char *prompt, struct err *err)
{
    struct termios normal;
    bool ok = false;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0 || tcgetattr(tty, &normal) != 0) {
        err_set_errno(err, ERR_CONFIG, errno, "%sno terminal to ask on", prompt);
        goto out;
    }
    /* Without ISIG the interrupt key ends the line instead of the process, which would leave the
     * terminal without echo. */
    struct termios quiet = normal;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL | ISIG);
    quiet.c_lflag |= ICANON;
    quiet.c_cc[VEOL] = normal.c_cc[VINTR];
    if (tcsetattr(tty, TCSADRAIN, &quiet) != 0) {
        err_set_errno(err, ERR_CONFIG, errno, "echo cannot be switched off to ask for '%s'", prompt);
        goto out;
    }
    ok = ask(s, tty, normal.c_cc[VINTR], prompt, err);
    /* After a failure the rest of what was typed may be secret too: it must not reach a shell. */
    if (tcsetattr(tty, ok ? TCSADRAIN : TCSAFLUSH, &normal) != 0 && ok)
        ok = err_set_errno(err, ERR_FILE, errno, "echo cannot be switched on again; try 'stty sane'");
    struct err unused = ERR_INIT;
    err_ignore(write_text(tty, "\n", &unused), "the line is only for the looks");
out:
    if (tty >= 0) close(tty);
    return ok;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a->len != b->len) return false;
    return a->len == 0 || sodium_memcmp(a->data, b->data, a->len) == 0;
}

void wipe(void *data, size_t len)
{
    if (len) sodium_memzero(data, len);
}
