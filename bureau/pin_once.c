#include "bureau/pin_once.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "hsm/pin.h"
#include "hsm/token.h"

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof(stop_signals) / sizeof(stop_signals[0]) };

static bool read_source(const struct bureau *settings, struct hsm_pin_source *source, struct err *err)
{
    const char *pin = settings->token.pin;
    return hsm_pin_source_read(pin ? pin : "prompt", source, err);
}

static bool fetch(const struct hsm_pin_source *source, const struct token_settings *t, struct secret *pin,
                  struct err *err)
{
    const struct hsm_token_choice choice = {
        .module = t->module, .uri = t->uri, .label = t->label, .serial = t->serial};
    char name[128];
    hsm_token_choice_name(&choice, name, sizeof(name));
    return hsm_pin_get(source, name, pin, err);
}

static void came(int number)
{
    (void)number; /* only there so that a blocked read returns */
}

static void handle(struct sigaction before[STOP_SIGNALS])
{
    struct sigaction action = {.sa_handler = came};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaction(stop_signals[i], &action, &before[i]);
}

static void handle_as_before(const struct sigaction before[STOP_SIGNALS])
{
    for (size_t i = 0; i < STOP_SIGNALS; i++)
        sigaction(stop_signals[i], &before[i], NULL);
}

bool pin_once_get(struct secret *pin, const struct bureau *settings, struct err *err)
{
    struct hsm_pin_source source;
    struct sigaction before[STOP_SIGNALS];

    if (!read_source(settings, &source, err)) return false;
    if (source.kind != HSM_PIN_PROMPT && source.kind != HSM_PIN_FD) return true;
    handle(before);
    bool ok = fetch(&source, &settings->token, pin, err) && secret_keep_from_children(pin, err);
    handle_as_before(before);
    if (!ok) secret_release(pin);
    return ok;
}

/* All at once: a PIN is far shorter than what a pipe holds. */
static bool put_line(int fd, const struct secret *pin)
{
    return write(fd, pin->data, pin->len) == (ssize_t)pin->len && write(fd, "\n", 1) == 1;
}

bool pin_once_pipe(const struct secret *pin, int *fd, struct err *err)
{
    int ends[2];

    *fd = -1;
    if (!pin->data) return true;
    if (pipe2(ends, O_CLOEXEC) != 0) return err_set_errno(err, ERR_INTERNAL, errno, "pipe for the PIN");
    bool ok = put_line(ends[1], pin) || err_set_errno(err, ERR_INTERNAL, errno, "pipe for the PIN");
    close(ends[1]);
    if (ok)
        *fd = ends[0];
    else
        close(ends[0]);
    return ok;
}

bool pin_once_fetch(struct secret *pin, int fd, const struct bureau *settings, struct err *err)
{
    struct hsm_pin_source source = {HSM_PIN_FD, NULL, fd};
    return (fd >= 0 || read_source(settings, &source, err)) && fetch(&source, &settings->token, pin, err);
}
