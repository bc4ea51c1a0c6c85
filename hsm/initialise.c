/* hsm/initialise.c - an empty token gets its label and its PINs. */
#include <stdlib.h>

#include "hsm/internal.h"
#include "hsm/uri.h"

enum { SLOTS_MAX = 256 };

/* The slot whose token has this label, and whether it still lacks a user PIN. */
static bool slot_of_label(CK_FUNCTION_LIST *fn, const char *label, CK_SLOT_ID *slot, bool *found,
                          bool *pin_due, struct err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    char text[33];
    CK_RV rv = fn->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK) return hsm_ckr_error(err, "C_GetSlotList", rv);
    *found = false;
    for (CK_ULONG i = 0; i < count && !*found; i++) {
        if (fn->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
        hsm_unpad(text, sizeof text, info.label, sizeof info.label);
        *found = strcmp(text, label) == 0; /* NSS names its token before it counts as initialised */
        *slot = slots[i];
        *pin_due = !(info.flags & CKF_USER_PIN_INITIALIZED);
    }
    return true;
}

static bool free_slot(CK_FUNCTION_LIST *fn, CK_SLOT_ID *slot, struct err *err)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    CK_RV rv = fn->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv != CKR_OK) return hsm_ckr_error(err, "C_GetSlotList", rv);
    for (CK_ULONG i = 0; i < count; i++) {
        if (fn->C_GetTokenInfo(slots[i], &info) != CKR_OK || (info.flags & CKF_TOKEN_INITIALIZED)) continue;
        *slot = slots[i];
        return true;
    }
    return err_set(err, ERR_TOKEN, "no slot holds an empty token");
}

static bool set_user_pin(CK_FUNCTION_LIST *fn, CK_SLOT_ID slot, const struct hsm_token_init *init,
                         struct err *err)
{
    CK_SESSION_HANDLE session = 0;
    CK_RV rv = fn->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    if (rv != CKR_OK) return hsm_ckr_error(err, "C_OpenSession", rv);
    const char *function = "C_Login";
    rv = fn->C_Login(session, CKU_SO, init->so_pin->data, init->so_pin->len);
    if (rv == CKR_OK) {
        function = "C_InitPIN";
        rv = fn->C_InitPIN(session, init->user_pin->data, init->user_pin->len);
    }
    fn->C_CloseSession(session);
    return rv == CKR_OK ? true : hsm_ckr_error(err, function, rv);
}

static bool length_fits(const CK_TOKEN_INFO *info, const struct secret *pin, const char *whose,
                        struct err *err)
{
    if (info->ulMaxPinLen == 0 || info->ulMaxPinLen == CK_UNAVAILABLE_INFORMATION) return true;
    if (pin->len >= info->ulMinPinLen && pin->len <= info->ulMaxPinLen) return true;
    return err_set(err, ERR_TOKEN, "the %s is too %s: the token wants %lu to %lu characters", whose,
                   pin->len < info->ulMinPinLen ? "short" : "long", info->ulMinPinLen, info->ulMaxPinLen);
}

/* Before anything is made: a token that got its label and then refuses the user PIN is half a token. */
static bool lengths_fit(CK_FUNCTION_LIST *fn, CK_SLOT_ID slot, const struct hsm_token_init *init,
                        struct err *err)
{
    CK_TOKEN_INFO info;
    CK_RV rv = fn->C_GetTokenInfo(slot, &info);
    if (rv != CKR_OK) return hsm_ckr_error(err, "C_GetTokenInfo", rv);
    return length_fits(&info, init->so_pin, "security officer's PIN", err) &&
           length_fits(&info, init->user_pin, "user PIN", err);
}

static bool initialise(CK_FUNCTION_LIST *fn, const struct hsm_token_init *init, struct err *err)
{
    unsigned char label[32];
    size_t len = strlen(init->label);
    CK_SLOT_ID slot = 0;
    bool found = false, pin_due = false;
    if (len == 0 || len > sizeof label) return err_set(err, ERR_CONFIG, "a token's label has 1 to 32 bytes");
    if (!slot_of_label(fn, init->label, &slot, &found, &pin_due, err)) return false;
    if (found && !pin_due) return err_set(err, ERR_TOKEN, "there is a token of this name already");
    if (!found && !free_slot(fn, &slot, err)) return false;
    if (!lengths_fit(fn, slot, init, err)) return false;
    if (!found) {
        memset(label, ' ', sizeof label);
        memcpy(label, init->label, len);
        CK_RV rv = fn->C_InitToken(slot, init->so_pin->data, init->so_pin->len, label);
        if (rv != CKR_OK) return hsm_ckr_error(err, "C_InitToken", rv);
        /* soft tokens move a new token to another slot */
        if (!slot_of_label(fn, init->label, &slot, &found, &pin_due, err)) return false;
        if (!found) return err_set(err, ERR_TOKEN, "C_InitToken: the new token does not show");
    }
    return set_user_pin(fn, slot, init, err);
}

bool hsm_token_initialise(const struct hsm_token_init *init, struct err *err)
{
    struct hsm_module *m = NULL;
    void *list = NULL;
    unsigned long rv = 0;
    if (!hsm_module_open(&m, init->module, init->parameters, &rv, err)) return false;
    rv = hsm_module_entry(m)(&list);
    bool ok = rv == CKR_OK ? initialise(list, init, err) : hsm_ckr_error(err, "C_GetFunctionList", rv);
    hsm_module_release(m);
    if (!ok) err_prefix(err, "token '%s'", init->label);
    return ok;
}

bool hsm_token_is_initialised(const char *module, const char *parameters, const char *label, bool *is,
                              struct err *err)
{
    struct hsm_module *m = NULL;
    void *list = NULL;
    unsigned long rv = 0;
    CK_SLOT_ID slot = 0;
    bool found = false, pin_due = false;
    if (!hsm_module_open(&m, module, parameters, &rv, err)) return false;
    rv = hsm_module_entry(m)(&list);
    bool ok = rv == CKR_OK ? slot_of_label(list, label, &slot, &found, &pin_due, err)
                           : hsm_ckr_error(err, "C_GetFunctionList", rv);
    hsm_module_release(m);
    if (ok) *is = found && !pin_due;
    return ok;
}
