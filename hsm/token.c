/* hsm/token.c - opening and closing a token.
 *
 * Who does what. pkcs11-helper (module.c) loads, initialises and finalizes modules and lists tokens: it knows the odd
 * ways of modules there. Everything else is raw Cryptoki through the function list of the same library, because the
 * helper has no call for keys, derivation, wrapping or MACs and hands out no session. Its own logins are not used: each
 * begins with C_Logout, any lookup that fails makes it log in anew, and both end this process's session keys. So one
 * control session is opened and logged in here, and the helper makes no private call beside it.
 *
 * Starting. Soft tokens fail when several processes start at once (C_OpenSession: CKR_TOKEN_NOT_RECOGNIZED; C_Login:
 * CKR_GENERAL_ERROR or CKR_USER_PIN_NOT_INITIALIZED), and repeating the failed call alone does not always heal it. So a start runs
 * under a lock file, and on exactly these values the module is finalized and everything begins again, until a deadline.
 * A wrong PIN is never tried twice: tokens count. */
#include "hsm/token.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "hsm/internal.h"
#include "hsm/lock.h"
#include "hsm/uri.h"

enum { START_DEADLINE_MS = 20000, INITIALIZE_DEADLINE_MS = 2000, SLOTS_MAX = 256, LABELS_MAX = 256 };

bool hsm_call(struct hsm_token *t, const char *function, CK_RV rv, struct err *err)
{
    static const CK_RV lost[] = {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
                                 CKR_DEVICE_REMOVED,         CKR_DEVICE_ERROR,
                                 CKR_TOKEN_NOT_PRESENT,      CKR_CRYPTOKI_NOT_INITIALIZED,
                                 CKR_USER_NOT_LOGGED_IN,     CKR_OPERATION_ACTIVE};
    char text[24];
    if (rv == CKR_OK) return true;
    t->last = rv;
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        if (rv != lost[i] || t->broken) continue;
        t->broken = true;
        snprintf(t->cause, sizeof t->cause, "%s: %s", function, hsm_ckr_name(rv, text));
    }
    return hsm_ckr_error(err, function, rv);
}

static bool is_transient(CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR || rv == CKR_TOKEN_NOT_RECOGNIZED || rv == CKR_USER_PIN_NOT_INITIALIZED;
}

static bool functions_of(struct hsm_module *m, CK_FUNCTION_LIST **out, struct err *err)
{
    void *list = NULL;
    CK_RV rv = hsm_module_entry(m)(&list);
    if (rv != CKR_OK || !list) return hsm_ckr_error(err, "C_GetFunctionList", rv);
    *out = list;
    return true;
}

/* Labels of the tokens that are there, for the message that the right one is not. */
static void list_label(char *labels, const CK_TOKEN_INFO *info)
{
    char label[33];
    size_t used = strlen(labels);
    hsm_unpad(label, sizeof label, info->label, sizeof info->label);
    if (!label[0]) return;
    snprintf(labels + used, LABELS_MAX - used, "%s'%s'", used ? ", " : "", label);
}

static bool find_slot(struct hsm_token *t, const struct hsm_selector *s, CK_RV *rv, struct err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    char labels[LABELS_MAX] = "";
    size_t found = 0;

    *rv = t->fn->C_GetSlotList(CK_TRUE, slots, &count);
    if (*rv != CKR_OK) return hsm_ckr_error(err, "C_GetSlotList", *rv);
    for (CK_ULONG i = 0; i < count; i++) {
        *rv = t->fn->C_GetTokenInfo(slots[i], &info);
        if (*rv == CKR_TOKEN_NOT_PRESENT) continue;
        if (*rv != CKR_OK) return hsm_ckr_error(err, "C_GetTokenInfo", *rv);
        list_label(labels, &info);
        if (!hsm_selector_fits(s, &info)) continue;
        t->slot = slots[i];
        t->info = info;
        found++;
    }
    *rv = CKR_OK;
    if (found == 0 && !labels[0])
        return err_set(err, ERR_TOKEN,
                       "no token is present: does the module find its configuration and token folder "
                       "(SoftHSM: SOFTHSM2_CONF)?");
    if (found == 0) return err_set(err, ERR_TOKEN, "no such token is present, only %s", labels);
    if (found > 1) return err_set(err, ERR_TOKEN, "%zu tokens fit: name its serial number too", found);
    return true;
}

/* A soft token writes its token file anew at each login (SoftHSM: not atomically): a signal that ends the process in the
 * middle of that would cost the token. */
static CK_RV log_in(struct hsm_token *t, enum hsm_login login, const struct secret *pin)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    CK_RV rv = t->fn->C_Login(t->session, login == HSM_LOGIN_SO ? CKU_SO : CKU_USER, pin ? pin->data : NULL,
                              pin ? pin->len : 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return rv;
}

static bool open_session(struct hsm_token *t, enum hsm_login login, const struct secret *pin, unsigned flags,
                         CK_RV *rv, struct err *err)
{
    CK_FLAGS mode = CKF_SERIAL_SESSION;
    if (flags & HSM_READ_WRITE) mode |= CKF_RW_SESSION;
    *rv = t->fn->C_OpenSession(t->slot, mode, NULL, NULL, &t->session);
    if (*rv != CKR_OK) return hsm_ckr_error(err, "C_OpenSession", *rv);
    if (login == HSM_LOGIN_NONE) return true;
    *rv = log_in(t, login, pin);
    /* Login belongs to token and process: the same physical token in both roles is logged in by its first session. */
    if (*rv == CKR_USER_ALREADY_LOGGED_IN) *rv = CKR_OK;
    if (*rv == CKR_OK) return true;
    t->fn->C_CloseSession(t->session);
    t->session = 0;
    return hsm_ckr_error(err, "C_Login", *rv);
}

static void describe(struct hsm_token *t)
{
    char maker[33], model[17];
    CK_INFO info;
    hsm_unpad(t->label, sizeof t->label, t->info.label, sizeof t->info.label);
    hsm_unpad(t->serial, sizeof t->serial, t->info.serialNumber, sizeof t->info.serialNumber);
    hsm_unpad(maker, sizeof maker, t->info.manufacturerID, sizeof t->info.manufacturerID);
    hsm_unpad(model, sizeof model, t->info.model, sizeof t->info.model);
    int used = snprintf(t->model, sizeof t->model, "%s %s", maker, model);
    if (t->fn->C_GetInfo(&info) == CKR_OK && used > 0 && (size_t)used < sizeof t->model)
        snprintf(t->model + used, sizeof t->model - (size_t)used, ", library %u.%u",
                 info.libraryVersion.major, info.libraryVersion.minor);
}

/* Everything from the function list to the login, in a module that is initialised. */
static bool attach(struct hsm_token *t, const struct hsm_selector *s, enum hsm_login login,
                   const struct secret *pin, unsigned flags, CK_RV *rv, struct err *err)
{
    *rv = CKR_OK;
    if (!functions_of(t->module, &t->fn, err)) return false;
    if (!find_slot(t, s, rv, err)) return false;
    if (!open_session(t, login, pin, flags, rv, err)) return false;
    describe(t);
    return true;
}

static bool start(struct hsm_token *t, const struct hsm_selector *s, enum hsm_login login,
                  const struct secret *pin, unsigned flags, struct err *err)
{
    const uint64_t begin = clock_monotonic_ms(), deadline = begin + START_DEADLINE_MS;
    bool ok = false, again = true, tried = false;
    CK_RV rv = CKR_OK;

    while (!ok && again) {
        struct err busy = ERR_INIT;
        int lock = -1;
        if (!hsm_lock_take(&lock, deadline, &busy)) {
            if (!tried) *err = busy; /* else what the module said is worth more */
            if (!tried) return false;
            break;
        }
        tried = true;
        ok = hsm_module_open(&t->module, s->module, s->choice->parameters, &rv, err) &&
             attach(t, s, login, pin, flags, &rv, err);
        /* A module that does not even initialise is seldom disturbed by a neighbour and mostly misconfigured. */
        const uint64_t limit = t->module ? deadline : begin + INITIALIZE_DEADLINE_MS;
        again = !ok && is_transient(rv) && clock_monotonic_ms() < limit;
        if (!ok) {
            hsm_module_release(t->module);
            t->module = NULL;
        }
        hsm_lock_release(lock);
        if (again) hsm_lock_pause(); /* another process may try meanwhile */
    }
    if (!ok && is_transient(rv))
        err_prefix(err, "after %u s of trying", (unsigned)((clock_monotonic_ms() - begin) / 1000));
    return ok;
}

bool hsm_token_open(struct hsm_token **out, const struct hsm_token_choice *choice, enum hsm_login login,
                    const struct secret *pin, unsigned flags, struct err *err)
{
    struct hsm_selector s;
    struct hsm_token *t = NULL;
    char name[128];
    bool ok = false;

    hsm_token_choice_name(choice, name, sizeof name);
    if (!hsm_selector_init(&s, choice, err)) return false;
    t = calloc(1, sizeof *t);
    if (!t) {
        err_set_no_memory(err);
        goto out;
    }
    if (!start(t, &s, login, pin, flags, err)) goto out;
    if (login == HSM_LOGIN_USER && !hsm_probe(t, false, err)) goto out;
    *out = t;
    ok = true;
out:
    hsm_selector_release(&s);
    if (!ok) {
        hsm_token_close(t);
        err_prefix(err, "%s", name);
    }
    return ok;
}

bool hsm_token_open_beside(struct hsm_token **out, struct hsm_token *first,
                           const struct hsm_token_choice *choice, const struct secret *pin, unsigned flags,
                           struct err *err)
{
    struct hsm_selector s;
    struct hsm_token_choice shared = *choice;
    struct hsm_token *t = NULL;
    char name[128];
    bool ok = false;
    CK_RV rv = CKR_OK;

    shared.module = hsm_module_path(first->module);
    hsm_token_choice_name(&shared, name, sizeof name);
    if (!hsm_selector_init(&s, &shared, err)) return false;
    t = calloc(1, sizeof *t);
    if (!t) {
        err_set_no_memory(err);
        goto out;
    }
    hsm_module_hold(first->module);
    t->module = first->module;
    if (!attach(t, &s, HSM_LOGIN_USER, pin, flags, &rv, err)) goto out;
    if (!hsm_probe(t, false, err)) goto out;
    *out = t;
    ok = true;
out:
    hsm_selector_release(&s);
    if (!ok) {
        hsm_token_close(t);
        err_prefix(err, "%s", name);
    }
    return ok;
}

void hsm_token_close(struct hsm_token *t)
{
    if (!t) return;
    if (t->session) t->fn->C_CloseSession(t->session);
    hsm_module_release(t->module);
    free(t);
}

const char *hsm_token_label(const struct hsm_token *t)
{
    return t->label;
}

const char *hsm_token_serial(const struct hsm_token *t)
{
    return t->serial;
}

const char *hsm_token_model(const struct hsm_token *t)
{
    return t->model;
}

bool hsm_token_is_broken(const struct hsm_token *t)
{
    return t->broken;
}

const char *hsm_token_why_broken(const struct hsm_token *t)
{
    return t->broken ? t->cause : "";
}

static bool count(struct hsm_token *t, CK_ATTRIBUTE *template, CK_ULONG len, size_t *out, struct err *err)
{
    CK_OBJECT_HANDLE found[64];
    CK_ULONG n = 0;
    size_t sum = 0;
    CK_RV rv = t->fn->C_FindObjectsInit(t->session, template, len);
    if (!hsm_call(t, "C_FindObjectsInit", rv, err)) return false;
    do {
        rv = t->fn->C_FindObjects(t->session, found, 64, &n);
        sum += n;
    } while (rv == CKR_OK && n > 0);
    CK_RV end = t->fn->C_FindObjectsFinal(t->session);
    if (!hsm_call(t, "C_FindObjects", rv, err)) return false;
    if (!hsm_call(t, "C_FindObjectsFinal", end, err)) return false;
    *out = sum;
    return true;
}

bool hsm_token_count_objects(struct hsm_token *t, size_t *all, size_t *on_token, struct err *err)
{
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE token = {CKA_TOKEN, &yes, sizeof yes};
    size_t n_all = 0, n_token = 0;
    if (!count(t, NULL, 0, &n_all, err)) return false;
    if (!count(t, &token, 1, &n_token, err)) return false;
    *all = n_all;
    *on_token = n_token;
    return true;
}

bool hsm_random(struct hsm_token *t, uint8_t *out, size_t len, struct err *err)
{
    return hsm_call(t, "C_GenerateRandom", t->fn->C_GenerateRandom(t->session, out, len), err);
}
