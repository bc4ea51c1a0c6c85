/* hsm/examine/processes.c - what happens when several processes use the token. All of it is done by children: this
 * process must not have the module open, since a fork would hand half of it on.
 *
 * "processes-beside" times the same work by one process and by two at once and gives the ratio, for information: 2.0
 * means that a second process doubles the rate. "fork-child" is what a child finds that was forked with a session open. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hsm/examine/examiner.h"

enum { ROUNDS = 300, WORKERS_MAX = 2 };

/* What a worker says: once when it is ready, once when it has done. */
struct answer {
    bool ok, opened;
    uint64_t begin_us, end_us;
    char text[2 * HSM_CAUSE_MAX];
};
struct worker {
    pid_t pid;
    int from, go; /* our ends of its pipes */
};
struct door { /* its own ends */
    int to, wait;
};
typedef bool work_fn(struct examiner *x, const struct door *door, struct answer *out, struct err *err);

static uint64_t now_us(void)
{
    struct timespec ts = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

/* Messages are shorter than PIPE_BUF, so they come whole or not at all. */
static bool put(int fd, const void *data, size_t len)
{
    ssize_t n = 0;
    do {
        n = write(fd, data, len);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

static bool get(int fd, void *data, size_t len)
{
    ssize_t n = 0;
    do {
        n = read(fd, data, len);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

/* Derives and wraps, as preparation does, when the word is given. */
static bool derive_and_wrap(struct examiner *x, const struct door *door, struct answer *out, struct err *err)
{
    struct known master = {.key = {0, HSM_AES128}};
    struct hsm_key kek;
    struct blob wrapped;
    struct answer ready = {.ok = true, .opened = true};
    uint8_t data[16] = {1}, word = 0;
    CK_MECHANISM m;
    bool ok = examine_kwp(x, &m, err) &&
              examine_random_key(x, HSM_AES128, PROBE_DERIVE | PROBE_SENSITIVE, &master.key, err) &&
              examine_random_key(x, HSM_AES256, PROBE_WRAP | PROBE_SENSITIVE, &kek, err);
    size_t kept = x->count;
    if (!ok || !put(door->to, &ready, sizeof ready) || !get(door->wait, &word, 1)) return false;
    out->begin_us = now_us();
    for (int i = 0; ok && i < ROUNDS; i++) {
        struct hsm_key key = HSM_KEY_NONE;
        data[1] = (uint8_t)i;
        ok = examine_derive_data(x, &(struct over){&master, NULL, data, sizeof data}, HSM_AES128,
                                 PROBE_SIGN | PROBE_SENSITIVE | PROBE_EXTRACTABLE, &key, err) &&
             examine_wrap(x, &m, &kek, &key, &wrapped, err);
        x->count = kept;
        hsm_key_destroy(x->t, &key);
    }
    out->end_us = now_us();
    return ok;
}

/* In a grandchild: can the parent's session be used, and if not, can the module be started anew? */
static void look_around(struct hsm_token *t, struct answer *out)
{
    uint8_t bytes[8];
    char text[24], second[24];
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    CK_RV rv = t->fn->C_GenerateRandom(t->session, bytes, sizeof bytes);
    out->ok = true;
    out->opened = true;
    if (rv == CKR_OK) {
        snprintf(out->text, sizeof out->text, "a child keeps its parent's session");
        return;
    }
    CK_RV again = t->fn->C_Initialize(&args);
    snprintf(out->text, sizeof out->text, "a child gets %s, its C_Initialize %s", hsm_ckr_name(rv, text),
             hsm_ckr_name(again, second));
}

static bool fork_with_session(struct examiner *x, const struct door *door, struct answer *out,
                              struct err *err)
{
    int ends[2];
    (void)door;
    if (pipe(ends) != 0) return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    pid_t child = fork();
    if (child == 0) {
        struct answer mine = {.ok = false};
        look_around(x->t, &mine);
        _exit(put(ends[1], &mine, sizeof mine) ? 0 : 1);
    }
    close(ends[1]);
    bool ok = child > 0 && get(ends[0], out, sizeof *out);
    close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
    return ok || err_set(err, ERR_TOKEN, "a forked child does not survive its first call");
}

/* A worker's whole life. */
static void work(const struct hsm_token_choice *choice, struct secret *pin, work_fn *fn,
                 const struct door *door)
{
    struct hsm_outcome unused;
    struct examiner x = {.out = &unused, .door_private = HSM_KEY_NONE, .door_public = HSM_KEY_NONE};
    struct answer last = {.ok = false};
    struct err err = ERR_INIT;
    last.opened = secret_relock(pin, &err) && hsm_token_open(&x.t, choice, HSM_LOGIN_USER, pin, 0, &err);
    last.ok = last.opened && fn(&x, door, &last, &err);
    if (!last.ok) snprintf(last.text, sizeof last.text, "%.*s", (int)sizeof last.text - 1, err.text);
    hsm_token_close(x.t);
    _exit(put(door->to, &last, sizeof last) ? 0 : 1);
}

static bool start(struct worker *w, const struct hsm_token_choice *choice, struct secret *pin, work_fn *fn,
                  struct err *err)
{
    int to_us[2], to_it[2];
    *w = (struct worker){-1, -1, -1};
    if (pipe(to_us) != 0) return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    if (pipe(to_it) != 0) {
        close(to_us[0]);
        close(to_us[1]);
        return err_set_errno(err, ERR_INTERNAL, errno, "pipe");
    }
    w->pid = fork();
    if (w->pid == 0) {
        close(to_us[0]);
        close(to_it[1]);
        struct door door = {to_us[1], to_it[0]};
        work(choice, pin, fn, &door);
    }
    close(to_us[1]);
    close(to_it[0]);
    w->from = to_us[0];
    w->go = to_it[1];
    return w->pid > 0 || err_set_errno(err, ERR_INTERNAL, errno, "fork");
}

static void end(struct worker *w)
{
    if (w->from >= 0) close(w->from);
    if (w->go >= 0) close(w->go);
    if (w->pid > 0) waitpid(w->pid, NULL, 0);
}

static bool listen_to(const struct worker *w, struct answer *out, struct err *err)
{
    if (!get(w->from, out, sizeof *out))
        return err_set(err, ERR_TOKEN, "a process with the token ends early");
    return out->ok || err_set(err, ERR_TOKEN, "%s", out->text);
}

/* Keys a second, of `count` processes at once. *opened: whether the token could be opened at all. */
static bool rate(const struct hsm_token_choice *choice, struct secret *pin, size_t count, double *out,
                 bool *opened, struct err *err)
{
    struct worker w[WORKERS_MAX];
    struct answer a;
    uint64_t begin = UINT64_MAX, finish = 0;
    size_t begun = 0;
    bool ok = true;
    for (; ok && begun < count; begun++)
        ok = start(&w[begun], choice, pin, derive_and_wrap, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = listen_to(&w[i], &a, err);
        *opened = a.opened;
    }
    for (size_t i = 0; ok && i < count; i++)
        ok = put(w[i].go, "g", 1) || err_set(err, ERR_TOKEN, "a process with the token ends early");
    for (size_t i = 0; ok && i < count; i++) {
        ok = listen_to(&w[i], &a, err);
        if (ok && a.begin_us < begin) begin = a.begin_us;
        if (ok && a.end_us > finish) finish = a.end_us;
    }
    for (size_t i = 0; i < begun; i++)
        end(&w[i]);
    if (ok) *out = 1e6 * (double)(ROUNDS * count) / (double)(finish > begin ? finish - begin : 1);
    return ok;
}

static void note(struct hsm_outcome *outcomes, const char *name, bool ok, const char *text,
                 const struct err *err)
{
    size_t index = 0;
    if (!hsm_trial_find(name, &index)) return;
    outcomes[index].verdict = ok ? HSM_WORKS : HSM_REFUSED;
    if (ok)
        snprintf(outcomes[index].cause, sizeof outcomes[index].cause, "%s", text);
    else
        examine_cause(err, outcomes[index].cause);
}

static bool look_at_fork(const struct hsm_token_choice *choice, struct secret *pin, struct answer *out,
                         struct err *err)
{
    struct worker w;
    bool ok = start(&w, choice, pin, fork_with_session, err) && listen_to(&w, out, err);
    end(&w);
    return ok;
}

bool hsm_examine_processes(const struct hsm_token_choice *choice, struct secret *pin,
                           struct hsm_outcome *outcomes, struct err *err)
{
    double one = 0, two = 0;
    char text[HSM_CAUSE_MAX];
    struct answer found;
    bool opened = false;
    bool ok = rate(choice, pin, 1, &one, &opened, err);
    if (!opened) return false; /* a PIN that may be wrong is not tried again */
    ok = ok && rate(choice, pin, 2, &two, &opened, err);
    if (!ok && err->kind == ERR_INTERNAL) return false;
    if (ok) snprintf(text, sizeof text, "two do %.1f times the work of one", two / one);
    note(outcomes, "processes-beside", ok, text, err);
    ok = look_at_fork(choice, pin, &found, err);
    if (!ok && err->kind == ERR_INTERNAL) return false;
    note(outcomes, "fork-child", ok, found.text, err);
    err_clear(err);
    return true;
}

#define ROW(name, programs, help, advice)                                                                    \
    {                                                                                                        \
        {name, "processes", 0, programs, HSM_OPTIONAL, help, advice}, NULL,                                  \
        {                                                                                                    \
            0, HSM_GENERIC, HSM_GENERIC, 0, 0                                                                \
        }                                                                                                    \
    }
static const struct trial rows[] = {
    ROW("processes-beside", HSM_FOR_PREP | HSM_FOR_BUREAU, "two processes derive and wrap side by side",
        "run with one worker (cardprep run --workers 1)"),
    ROW("fork-child", 0, "a forked child (the programs fork before they load)", NULL),
};

const struct trial *examine_processes_rows(size_t *count)
{
    EXAMINE_ROWS(rows, count);
}
