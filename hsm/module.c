/* hsm/module.c - the only file that meets pkcs11-helper.
 *
 * The helper's state belongs to the process: pkcs11h_initialize ends whatever is registered, pkcs11h_terminate takes every
 * module with it, and no call tells whether it is initialised. So the count below is the one non-const variable at file
 * scope in this folder: the helper starts with the first module and ends with the last. Each module is a provider of its
 * own, whose removal finalizes and unloads that module alone. */
#include "hsm/module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <pkcs11-helper-1.0/pkcs11h-core.h>
#include <pkcs11-helper-1.0/pkcs11h-token.h>

#include "hsm/ckr.h"

/* CK_C_INITIALIZE_ARGS as NSS extends it: its parameters stand before pReserved. */
struct parameter_args {
    void *create_mutex, *destroy_mutex, *lock_mutex, *unlock_mutex;
    CK_FLAGS flags;
    char *parameters;
    void *reserved;
};

struct hsm_module {
    unsigned users;
    void *library;
    char *path;
    char *parameters;
    bool helped;     /* counted among the helper's users */
    bool registered; /* one of its providers */
    CK_C_INITIALIZE_ARGS plain;
    struct parameter_args extended;
    void *args; /* one of the two */
};

static unsigned helper_users;

static bool helper_start(struct err *err)
{
    CK_RV rv = helper_users > 0 ? CKR_OK : pkcs11h_initialize();
    if (rv != CKR_OK) return hsm_ckr_error(err, "pkcs11h_initialize", rv);
    if (helper_users++ == 0) pkcs11h_setLogLevel(PKCS11H_LOG_QUIET);
    return true;
}

static void helper_stop(void)
{
    if (--helper_users == 0) pkcs11h_terminate();
}

hsm_any_fn *hsm_module_entry(const struct hsm_module *m)
{
    hsm_any_fn *entry = NULL;
    void *symbol = dlsym(m->library, "C_GetFunctionList");
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from object to function pointer */
    return entry;
}

const char *hsm_module_path(const struct hsm_module *m)
{
    return m->path;
}

/* Whether somebody in this process uses the module already: then its end would not be ours to decide. Not every
 * module answers CKR_CRYPTOKI_NOT_INITIALIZED (NSS does not), but none has slots before. */
static bool is_in_use(const struct hsm_module *m)
{
    void *list = NULL;
    CK_FUNCTION_LIST *functions = NULL;
    CK_ULONG count = 0;
    if (hsm_module_entry(m)(&list) != CKR_OK || !list) return false;
    functions = list;
    return functions->C_GetSlotList(CK_FALSE, NULL, &count) == CKR_OK && count > 0;
}

static bool load(struct hsm_module *m, struct err *err)
{
    m->library = dlopen(m->path, RTLD_NOW | RTLD_LOCAL);
    if (!m->library) return err_set(err, ERR_TOKEN, "PKCS#11 module cannot be loaded: %s", dlerror());
    if (!hsm_module_entry(m))
        return err_set(err, ERR_TOKEN, "%s is no PKCS#11 module: it has no C_GetFunctionList", m->path);
    if (is_in_use(m))
        return err_set(err, ERR_TOKEN,
                       "%s is in use in this process already: open its second token beside the first",
                       m->path);
    return true;
}

static bool initialise(struct hsm_module *m, unsigned long *rv, struct err *err)
{
    m->plain.flags = CKF_OS_LOCKING_OK;
    m->extended.flags = CKF_OS_LOCKING_OK;
    m->extended.parameters = m->parameters;
    m->args = m->parameters ? (void *)&m->extended : (void *)&m->plain;

    *rv = pkcs11h_registerProvider(m->path);
    if (*rv != CKR_OK) return hsm_ckr_error(err, "pkcs11h_registerProvider", *rv);
    m->registered = true;
    *rv = pkcs11h_setProviderProperty(m->path, PKCS11H_PROVIDER_PROPERTY_LOCATION, m->path,
                                      strlen(m->path) + 1);
    if (*rv == CKR_OK)
        *rv = pkcs11h_setProviderProperty(m->path, PKCS11H_PROVIDER_PROPERTY_INIT_ARGS, &m->args,
                                          sizeof m->args);
    if (*rv != CKR_OK) return hsm_ckr_error(err, "pkcs11h_setProviderProperty", *rv);
    *rv = pkcs11h_initializeProvider(m->path);
    if (*rv != CKR_OK) return hsm_ckr_error(err, "C_Initialize", *rv);
    return true;
}

bool hsm_module_open(struct hsm_module **out, const char *path, const char *parameters, unsigned long *rv,
                     struct err *err)
{
    struct hsm_module *m = calloc(1, sizeof *m);
    bool ok = false;

    *rv = 0;
    if (!m) return err_set_no_memory(err);
    m->users = 1;
    m->path = strdup(path);
    m->parameters = parameters ? strdup(parameters) : NULL;
    if (!m->path || (parameters && !m->parameters)) {
        err_set_no_memory(err);
        goto out;
    }
    if (!load(m, err)) goto out;
    if (!helper_start(err)) goto out;
    m->helped = true;
    if (!initialise(m, rv, err)) goto out;
    *out = m;
    ok = true;
out:
    if (!ok) hsm_module_release(m);
    return ok;
}

void hsm_module_hold(struct hsm_module *m)
{
    m->users++;
}

void hsm_module_release(struct hsm_module *m)
{
    if (!m || --m->users > 0) return;
    if (m->registered) pkcs11h_removeProvider(m->path);
    if (m->helped) helper_stop();
    if (m->library) dlclose(m->library);
    free(m->path);
    free(m->parameters);
    free(m);
}

bool hsm_module_tokens(struct hsm_module *m, hsm_token_seen_fn *seen, void *context, struct err *err)
{
    pkcs11h_token_id_list_t list = NULL;
    (void)m; /* being held, it is one of the helper's providers */
    CK_RV rv = pkcs11h_token_enumTokenIds(PKCS11H_ENUM_METHOD_RELOAD, &list);
    if (rv != CKR_OK) return hsm_ckr_error(err, "pkcs11h_token_enumTokenIds", rv);
    for (pkcs11h_token_id_list_t i = list; i; i = i->next)
        seen(context, i->token_id->label, i->token_id->serialNumber, i->token_id->model);
    pkcs11h_token_freeTokenIdList(list);
    return true;
}
