/* hsm/ckr.c - CKR_* by name; rows in the order of their numbers. */
#include "hsm/ckr.h"

#include <stdio.h>

#include <p11-kit/pkcs11.h>

struct ckr_row {
    CK_RV rv;
    const char *name;
    const char *advice; /* or NULL */
};

#define ROW(name, advice)                                                                                    \
    {                                                                                                        \
        name, #name, advice                                                                                  \
    }

/* clang-format off */
static const struct ckr_row rows[] = {
    ROW(CKR_OK, NULL),
    ROW(CKR_CANCEL, NULL),
    ROW(CKR_HOST_MEMORY, "the module ran out of memory"),
    ROW(CKR_SLOT_ID_INVALID, NULL),
    ROW(CKR_GENERAL_ERROR, "the module gives no reason: check that its configuration (SoftHSM: SOFTHSM2_CONF) and token folder are readable by this user"),
    ROW(CKR_FUNCTION_FAILED, NULL),
    ROW(CKR_ARGUMENTS_BAD, NULL),
    ROW(CKR_NO_EVENT, NULL),
    ROW(CKR_NEED_TO_CREATE_THREADS, NULL),
    ROW(CKR_CANT_LOCK, NULL),
    ROW(CKR_ATTRIBUTE_READ_ONLY, NULL),
    ROW(CKR_ATTRIBUTE_SENSITIVE, NULL),
    ROW(CKR_ATTRIBUTE_TYPE_INVALID, "the token does not know an attribute that this key needs"),
    ROW(CKR_ATTRIBUTE_VALUE_INVALID, "the token does not take a value that this key needs"),
    ROW(CKR_ACTION_PROHIBITED, "the object forbids this: it was made not modifiable, not copyable or not destroyable"),
    ROW(CKR_DATA_INVALID, NULL),
    ROW(CKR_DATA_LEN_RANGE, NULL),
    ROW(CKR_DEVICE_ERROR, "the token reports a fault of its own: see its log, then start again"),
    ROW(CKR_DEVICE_MEMORY, "the token is full: remove objects that nobody needs"),
    ROW(CKR_DEVICE_REMOVED, "the token was taken away during the work: put it back and start again"),
    ROW(CKR_ENCRYPTED_DATA_INVALID, NULL),
    ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, NULL),
    ROW(CKR_FUNCTION_CANCELED, NULL),
    ROW(CKR_FUNCTION_NOT_PARALLEL, NULL),
    ROW(CKR_FUNCTION_NOT_SUPPORTED, "the token lacks this function: cardkeys doctor shows what it can do"),
    ROW(CKR_KEY_HANDLE_INVALID, "the key is gone: another process destroyed it, or its session ended"),
    ROW(CKR_KEY_SIZE_RANGE, NULL),
    ROW(CKR_KEY_TYPE_INCONSISTENT, NULL),
    ROW(CKR_KEY_NOT_NEEDED, NULL),
    ROW(CKR_KEY_CHANGED, NULL),
    ROW(CKR_KEY_NEEDED, NULL),
    ROW(CKR_KEY_INDIGESTIBLE, NULL),
    ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, "the key's attributes do not permit this use"),
    ROW(CKR_KEY_NOT_WRAPPABLE, "the token refuses to wrap this key, by its attributes or its kind"),
    ROW(CKR_KEY_UNEXTRACTABLE, "the key was made so that it never leaves the token"),
    ROW(CKR_MECHANISM_INVALID, "the token lacks this mechanism, or the key does not allow it: cardkeys doctor shows which"),
    ROW(CKR_MECHANISM_PARAM_INVALID, NULL),
    ROW(CKR_OBJECT_HANDLE_INVALID, "the object is gone: another process destroyed it, or its session ended"),
    ROW(CKR_OPERATION_ACTIVE, NULL),
    ROW(CKR_OPERATION_NOT_INITIALIZED, NULL),
    ROW(CKR_PIN_INCORRECT, "the PIN is wrong: be sure of it before trying again, since tokens lock after a few tries"),
    ROW(CKR_PIN_INVALID, "the token does not take these characters in a PIN"),
    ROW(CKR_PIN_LEN_RANGE, "the token wants a longer or shorter PIN"),
    ROW(CKR_PIN_EXPIRED, "the PIN has expired: set a new one"),
    ROW(CKR_PIN_LOCKED, "the PIN is locked after too many tries: the security officer must set a new one"),
    ROW(CKR_SESSION_CLOSED, "the session with the token was lost: start again"),
    ROW(CKR_SESSION_COUNT, "too many sessions are open on the token: end other programs that use it"),
    ROW(CKR_SESSION_HANDLE_INVALID, "the session with the token was lost: start again"),
    ROW(CKR_SESSION_PARALLEL_NOT_SUPPORTED, NULL),
    ROW(CKR_SESSION_READ_ONLY, "this needs a session that may write"),
    ROW(CKR_SESSION_EXISTS, NULL),
    ROW(CKR_SESSION_READ_ONLY_EXISTS, NULL),
    ROW(CKR_SESSION_READ_WRITE_SO_EXISTS, NULL),
    ROW(CKR_SIGNATURE_INVALID, NULL),
    ROW(CKR_SIGNATURE_LEN_RANGE, NULL),
    ROW(CKR_TEMPLATE_INCOMPLETE, NULL),
    ROW(CKR_TEMPLATE_INCONSISTENT, "the token does not take these attributes together"),
    ROW(CKR_TOKEN_NOT_PRESENT, "no token is in the slot"),
    ROW(CKR_TOKEN_NOT_RECOGNIZED, "the token was being opened by another process or is damaged"),
    ROW(CKR_TOKEN_WRITE_PROTECTED, "the token is write-protected"),
    ROW(CKR_UNWRAPPING_KEY_SIZE_RANGE, NULL),
    ROW(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, NULL),
    ROW(CKR_USER_ALREADY_LOGGED_IN, "this process is logged in already"),
    ROW(CKR_USER_NOT_LOGGED_IN, "the login was lost: start again"),
    ROW(CKR_USER_PIN_NOT_INITIALIZED, "the token has no user PIN yet: the security officer must set one"),
    ROW(CKR_USER_TYPE_INVALID, NULL),
    ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "the security officer is logged in: log out first"),
    ROW(CKR_USER_TOO_MANY_TYPES, NULL),
    ROW(CKR_WRAPPED_KEY_INVALID, "the wrapped key is damaged, or was wrapped under another key"),
    ROW(CKR_WRAPPED_KEY_LEN_RANGE, "the wrapped key has an impossible length"),
    ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, NULL),
    ROW(CKR_WRAPPING_KEY_SIZE_RANGE, NULL),
    ROW(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, NULL),
    ROW(CKR_RANDOM_SEED_NOT_SUPPORTED, NULL),
    ROW(CKR_RANDOM_NO_RNG, "the token has no random number generator"),
    ROW(CKR_DOMAIN_PARAMS_INVALID, NULL),
    ROW(CKR_CURVE_NOT_SUPPORTED, NULL),
    ROW(CKR_BUFFER_TOO_SMALL, "the result is longer than this program expects of any key"),
    ROW(CKR_SAVED_STATE_INVALID, NULL),
    ROW(CKR_INFORMATION_SENSITIVE, NULL),
    ROW(CKR_STATE_UNSAVEABLE, NULL),
    ROW(CKR_CRYPTOKI_NOT_INITIALIZED, "the module was ended under us: start again"),
    ROW(CKR_CRYPTOKI_ALREADY_INITIALIZED, NULL),
    ROW(CKR_MUTEX_BAD, NULL),
    ROW(CKR_MUTEX_NOT_LOCKED, NULL),
    ROW(CKR_NEW_PIN_MODE, NULL),
    ROW(CKR_NEXT_OTP, NULL),
    ROW(CKR_EXCEEDED_MAX_ITERATIONS, NULL),
    ROW(CKR_FIPS_SELF_TEST_FAILED, NULL),
    ROW(CKR_LIBRARY_LOAD_FAILED, NULL),
    ROW(CKR_PIN_TOO_WEAK, NULL),
    ROW(CKR_PUBLIC_KEY_INVALID, NULL),
    ROW(CKR_FUNCTION_REJECTED, NULL),
};
/* clang-format on */

static const struct ckr_row *find(unsigned long rv)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].rv == rv) return &rows[i];
    }
    return NULL;
}

const char *hsm_ckr_name(unsigned long rv, char text[24])
{
    const struct ckr_row *row = find(rv);
    if (row) return row->name;
    snprintf(text, 24, "CKR_0x%08lX", rv & 0xFFFFFFFFFFFFUL);
    return text;
}

const char *hsm_ckr_advice(unsigned long rv)
{
    const struct ckr_row *row = find(rv);
    return row ? row->advice : NULL;
}

void hsm_ckr_set(struct err *err, const char *function, unsigned long rv)
{
    char text[24];
    const char *advice = hsm_ckr_advice(rv);
    if (advice)
        err_set(err, ERR_TOKEN, "%s: %s (%s)", function, hsm_ckr_name(rv, text), advice);
    else
        err_set(err, ERR_TOKEN, "%s: %s", function, hsm_ckr_name(rv, text));
}
