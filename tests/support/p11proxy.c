/* tests/support/p11proxy.c - a PKCS#11 module that stands in front of another one, writes down each call and can make
 * one fail. For tests only; never a secret value is written, unless P11PROXY_DATA asks for it.
 *
 * P11PROXY_MODULE  path of the real module
 * P11PROXY_LOG     file that gets one line per call (appended): number, function, mechanism, attributes with their
 *                  boolean values (other attributes by type and length), result
 * P11PROXY_FAIL    "C_WrapKey:3:0x30": the third C_WrapKey of this process returns 0x30 without reaching the module;
 *                  "*:17:0x5": the seventeenth call, whatever it is. "+" in front of the number: this one and all later
 * P11PROXY_HANG    "C_SignInit:5": the fifth C_SignInit never returns
 * P11PROXY_KILL    "C_SignInit:5": the process is killed at that call
 * P11PROXY_ONCE    file: the fault applies only in the process that creates this file
 * P11PROXY_DATA    file that gets the values themselves: p11proxy_data.h */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#include "p11proxy_data.h"

/* Each function of v2.40 after C_GetFunctionList, with its parameters and how it is passed on. X(name, parameters,
 * arguments, what the log shows besides, and the values that cross). The last is done before the call and again behind it. */
#define FUNCTIONS(X)                                                                                         \
    X(C_Initialize, (void *a), (a), )                                                                        \
    X(C_Finalize, (void *a), (a), )                                                                          \
    X(C_GetInfo, (CK_INFO * a), (a), )                                                                       \
    X(C_GetSlotList, (unsigned char a, CK_SLOT_ID *b, CK_ULONG *c), (a, b, c), )                             \
    X(C_GetSlotInfo, (CK_SLOT_ID a, CK_SLOT_INFO * b), (a, b), )                                             \
    X(C_GetTokenInfo, (CK_SLOT_ID a, CK_TOKEN_INFO * b), (a, b), )                                           \
    X(C_GetMechanismList, (CK_SLOT_ID a, CK_MECHANISM_TYPE * b, CK_ULONG * c), (a, b, c), )                  \
    X(C_GetMechanismInfo, (CK_SLOT_ID a, CK_MECHANISM_TYPE b, CK_MECHANISM_INFO * c), (a, b, c), )           \
    X(C_InitToken, (CK_SLOT_ID a, unsigned char *b, CK_ULONG c, unsigned char *d), (a, b, c, d), )           \
    X(C_InitPIN, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), )                           \
    X(C_SetPIN, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG e),           \
      (a, b, c, d, e), )                                                                                     \
    X(C_OpenSession, (CK_SLOT_ID a, CK_FLAGS b, void *c, CK_NOTIFY d, CK_SESSION_HANDLE *e),                 \
      (a, b, c, d, e), )                                                                                     \
    X(C_CloseSession, (CK_SESSION_HANDLE a), (a), )                                                          \
    X(C_CloseAllSessions, (CK_SLOT_ID a), (a), )                                                             \
    X(C_GetSessionInfo, (CK_SESSION_HANDLE a, CK_SESSION_INFO * b), (a, b), )                                \
    X(C_GetOperationState, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG *c), (a, b, c), data_out(b, c))  \
    X(C_SetOperationState,                                                                                   \
      (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, CK_OBJECT_HANDLE d, CK_OBJECT_HANDLE e),           \
      (a, b, c, d, e), data_in(b, c))                                                                        \
    X(C_Login, (CK_SESSION_HANDLE a, CK_USER_TYPE b, unsigned char *c, CK_ULONG d), (a, b, c, d), )          \
    X(C_Logout, (CK_SESSION_HANDLE a), (a), )                                                                \
    X(C_CreateObject, (CK_SESSION_HANDLE a, CK_ATTRIBUTE * b, CK_ULONG c, CK_OBJECT_HANDLE * d),             \
      (a, b, c, d), (note_template(&n, b, c), data_template(b, c)))                                          \
    X(C_CopyObject,                                                                                          \
      (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE * c, CK_ULONG d, CK_OBJECT_HANDLE * e),         \
      (a, b, c, d, e), (note_template(&n, c, d), data_template(c, d)))                                       \
    X(C_DestroyObject, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b), (a, b), )                                  \
    X(C_GetObjectSize, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ULONG * c), (a, b, c), )                 \
    X(C_GetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE * c, CK_ULONG d),          \
      (a, b, c, d), (note_types(&n, b, c, d), data_values(c, d)))                                            \
    X(C_SetAttributeValue, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b, CK_ATTRIBUTE * c, CK_ULONG d),          \
      (a, b, c, d), (note_template(&n, c, d), data_template(c, d)))                                          \
    X(C_FindObjectsInit, (CK_SESSION_HANDLE a, CK_ATTRIBUTE * b, CK_ULONG c), (a, b, c),                     \
      (note_template(&n, b, c), data_template(b, c)))                                                        \
    X(C_FindObjects, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE * b, CK_ULONG c, CK_ULONG * d), (a, b, c, d), )  \
    X(C_FindObjectsFinal, (CK_SESSION_HANDLE a), (a), )                                                      \
    X(C_EncryptInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c),                 \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_Encrypt, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),         \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_EncryptUpdate, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),   \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_EncryptFinal, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG *c), (a, b, c), data_out(b, c))       \
    X(C_DecryptInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c),                 \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_Decrypt, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),         \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_DecryptUpdate, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),   \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_DecryptFinal, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG *c), (a, b, c), data_out(b, c))       \
    X(C_DigestInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b), (a, b),                                         \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_Digest, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),          \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_DigestUpdate, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), data_in(b, c))         \
    X(C_DigestKey, (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b), (a, b), )                                      \
    X(C_DigestFinal, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG *c), (a, b, c), data_out(b, c))        \
    X(C_SignInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c),                    \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_Sign, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),            \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_SignUpdate, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), data_in(b, c))           \
    X(C_SignFinal, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG *c), (a, b, c), data_out(b, c))          \
    X(C_SignRecoverInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c),             \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_SignRecover, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),     \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_VerifyInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c),                  \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_Verify, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG e),           \
      (a, b, c, d, e), (data_in(b, c), data_in(d, e)))                                                       \
    X(C_VerifyUpdate, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), data_in(b, c))         \
    X(C_VerifyFinal, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), data_in(b, c))          \
    X(C_VerifyRecoverInit, (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c), (a, b, c),           \
      (note_mechanism(&n, b), data_mechanism(b)))                                                            \
    X(C_VerifyRecover, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e),   \
      (a, b, c, d, e), (data_in(b, c), data_out(d, e)))                                                      \
    X(C_DigestEncryptUpdate,                                                                                 \
      (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e), (a, b, c, d, e),   \
      (data_in(b, c), data_out(d, e)))                                                                       \
    X(C_DecryptDigestUpdate,                                                                                 \
      (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e), (a, b, c, d, e),   \
      (data_in(b, c), data_out(d, e)))                                                                       \
    X(C_SignEncryptUpdate,                                                                                   \
      (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e), (a, b, c, d, e),   \
      (data_in(b, c), data_out(d, e)))                                                                       \
    X(C_DecryptVerifyUpdate,                                                                                 \
      (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c, unsigned char *d, CK_ULONG *e), (a, b, c, d, e),   \
      (data_in(b, c), data_out(d, e)))                                                                       \
    X(C_GenerateKey,                                                                                         \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_ATTRIBUTE * c, CK_ULONG d, CK_OBJECT_HANDLE * e),           \
      (a, b, c, d, e),                                                                                       \
      (note_mechanism(&n, b), note_template(&n, c, d), data_mechanism(b), data_template(c, d)))              \
    X(C_GenerateKeyPair,                                                                                     \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_ATTRIBUTE * c, CK_ULONG d, CK_ATTRIBUTE * e, CK_ULONG f,    \
       CK_OBJECT_HANDLE * g, CK_OBJECT_HANDLE * h),                                                          \
      (a, b, c, d, e, f, g, h),                                                                              \
      (note_mechanism(&n, b), note_template(&n, c, d), note_template(&n, e, f), data_mechanism(b),           \
       data_template(c, d), data_template(e, f)))                                                            \
    X(C_WrapKey,                                                                                             \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, CK_OBJECT_HANDLE d, unsigned char *e,      \
       CK_ULONG *f),                                                                                         \
      (a, b, c, d, e, f), (note_mechanism(&n, b), data_mechanism(b), data_out(e, f)))                        \
    X(C_UnwrapKey,                                                                                           \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, unsigned char *d, CK_ULONG e,              \
       CK_ATTRIBUTE *f, CK_ULONG g, CK_OBJECT_HANDLE *h),                                                    \
      (a, b, c, d, e, f, g, h),                                                                              \
      (note_mechanism(&n, b), note_template(&n, f, g), data_mechanism(b), data_in(d, e),                     \
       data_template(f, g)))                                                                                 \
    X(C_DeriveKey,                                                                                           \
      (CK_SESSION_HANDLE a, CK_MECHANISM * b, CK_OBJECT_HANDLE c, CK_ATTRIBUTE * d, CK_ULONG e,              \
       CK_OBJECT_HANDLE * f),                                                                                \
      (a, b, c, d, e, f),                                                                                    \
      (note_mechanism(&n, b), note_data(&n, b, c), note_template(&n, d, e), data_mechanism(b),               \
       data_template(d, e)))                                                                                 \
    X(C_SeedRandom, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), data_in(b, c))           \
    X(C_GenerateRandom, (CK_SESSION_HANDLE a, unsigned char *b, CK_ULONG c), (a, b, c), data_out(b, &c))     \
    X(C_GetFunctionStatus, (CK_SESSION_HANDLE a), (a), )                                                     \
    X(C_CancelFunction, (CK_SESSION_HANDLE a), (a), )                                                        \
    X(C_WaitForSlotEvent, (CK_FLAGS a, CK_SLOT_ID * b, void *c), (a, b, c), )

enum function {
#define NUMBER(name, parameters, arguments, note) F_##name,
    FUNCTIONS(NUMBER)
#undef NUMBER
        FUNCTION_COUNT
};

/* What a call's line says behind the name. */
struct note {
    char text[2048];
    size_t used;
};

struct fault {
    char function[32]; /* "" for none */
    long number;
    bool onward;
    CK_RV rv;
};

/* A module has one state per process: that is what modules are. */
static struct {
    CK_FUNCTION_LIST *real;
    int log;
    long calls, calls_of[FUNCTION_COUNT];
    struct fault fail, hang, kill;
} proxy = {.log = -1};

__attribute__((format(printf, 2, 3))) static void note(struct note *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(n->text + n->used, sizeof n->text - n->used, format, args);
    va_end(args);
    if (len > 0) n->used += (size_t)len;
    if (n->used >= sizeof n->text) n->used = sizeof n->text - 1;
}

struct name_row {
    CK_ULONG value;
    const char *name;
};
#define ROW(name)                                                                                            \
    {                                                                                                        \
        name, #name                                                                                          \
    }
static const struct name_row attribute_names[] = {
    ROW(CKA_CLASS),
    ROW(CKA_TOKEN),
    ROW(CKA_PRIVATE),
    ROW(CKA_LABEL),
    ROW(CKA_VALUE),
    ROW(CKA_KEY_TYPE),
    ROW(CKA_ID),
    ROW(CKA_SENSITIVE),
    ROW(CKA_ENCRYPT),
    ROW(CKA_DECRYPT),
    ROW(CKA_WRAP),
    ROW(CKA_UNWRAP),
    ROW(CKA_SIGN),
    ROW(CKA_VERIFY),
    ROW(CKA_DERIVE),
    ROW(CKA_MODULUS),
    ROW(CKA_MODULUS_BITS),
    ROW(CKA_PUBLIC_EXPONENT),
    ROW(CKA_PRIVATE_EXPONENT),
    ROW(CKA_PRIME_1),
    ROW(CKA_PRIME_2),
    ROW(CKA_EXPONENT_1),
    ROW(CKA_EXPONENT_2),
    ROW(CKA_COEFFICIENT),
    ROW(CKA_VALUE_LEN),
    ROW(CKA_EXTRACTABLE),
    ROW(CKA_MODIFIABLE),
    ROW(CKA_COPYABLE),
    ROW(CKA_CHECK_VALUE),
    ROW(CKA_ALLOWED_MECHANISMS),
    ROW(CKA_UNWRAP_TEMPLATE),
    ROW(CKA_WRAP_TEMPLATE),
    ROW(CKA_WRAP_WITH_TRUSTED),
};
static const struct name_row mechanism_names[] = {
    ROW(CKM_RSA_PKCS_KEY_PAIR_GEN),
    ROW(CKM_RSA_X_509),
    ROW(CKM_RSA_PKCS_OAEP),
    ROW(CKM_SHA256_RSA_PKCS),
    ROW(CKM_DES2_KEY_GEN),
    ROW(CKM_DES3_KEY_GEN),
    ROW(CKM_DES3_ECB),
    ROW(CKM_GENERIC_SECRET_KEY_GEN),
    ROW(CKM_XOR_BASE_AND_DATA),
    ROW(CKM_AES_KEY_GEN),
    ROW(CKM_AES_ECB),
    ROW(CKM_AES_CBC),
    ROW(CKM_AES_CMAC),
    ROW(CKM_DES3_ECB_ENCRYPT_DATA),
    ROW(CKM_AES_ECB_ENCRYPT_DATA),
    ROW(CKM_AES_KEY_WRAP),
    ROW(CKM_AES_KEY_WRAP_PAD),
    {0x210BUL, "CKM_AES_KEY_WRAP_KWP"},
};
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void note_name(struct note *n, const struct name_row *rows, size_t count, CK_ULONG value)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].value != value) continue;
        note(n, " %s", rows[i].name);
        return;
    }
    note(n, " 0x%lX", value);
}

static void note_mechanism(struct note *n, const CK_MECHANISM *m)
{
    if (m) note_name(n, mechanism_names, COUNT(mechanism_names), m->mechanism);
}

/* Derivation data is all zero, or not: more need not be known. */
static void note_data(struct note *n, const CK_MECHANISM *m, CK_OBJECT_HANDLE base)
{
    const CK_KEY_DERIVATION_STRING_DATA *p = m ? m->pParameter : NULL;
    bool zero = true;
    note(n, " base=%lu", base);
    if (!p || m->ulParameterLen != sizeof *p) return;
    for (CK_ULONG i = 0; i < p->ulLen; i++)
        zero = zero && p->pData[i] == 0;
    note(n, " data=%s", zero ? "zeros" : "other");
}

static void note_types(struct note *n, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *attr, CK_ULONG count)
{
    note(n, " object=%lu", object);
    for (CK_ULONG i = 0; i < count; i++)
        note_name(n, attribute_names, COUNT(attribute_names), attr[i].type);
}

static void note_template(struct note *n, const CK_ATTRIBUTE *attr, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ULONG number = 0;
        bool is_number = attr[i].type == CKA_CLASS || attr[i].type == CKA_KEY_TYPE ||
                         attr[i].type == CKA_VALUE_LEN || attr[i].type == CKA_MODULUS_BITS;
        note_name(n, attribute_names, COUNT(attribute_names), attr[i].type);
        if (is_number && attr[i].pValue && attr[i].ulValueLen == sizeof number) {
            memcpy(&number, attr[i].pValue, sizeof number);
            note(n, "=%lu", number);
        } else if (attr[i].type != CKA_VALUE && attr[i].pValue && attr[i].ulValueLen == 1) {
            note(n, "=%s", *(const unsigned char *)attr[i].pValue ? "true" : "false");
        } else if (attr[i].type != CKA_VALUE) {
            note(n, "[%lu]", attr[i].ulValueLen);
        }
    }
}

static void write_line(long number, const char *function, const struct note *n, CK_RV rv)
{
    char line[2304];
    if (proxy.log < 0) return;
    int len = snprintf(line, sizeof line, "%ld %s%s -> 0x%lX\n", number, function, n->text, rv);
    if (len > 0 && write(proxy.log, line, (size_t)len) != len)
        abort(); /* a test that loses a line proves nothing */
}

static bool fits(const struct fault *f, const char *function, long all, long of_function)
{
    bool any = strcmp(f->function, "*") == 0;
    if (!f->function[0] || (!any && strcmp(f->function, function) != 0)) return false;
    long at = any ? all : of_function;
    return at == f->number || (f->onward && at > f->number);
}

/* Counts the call; true if it is to fail with *rv. */
static bool faulted(enum function f, const char *function, long *number, CK_RV *rv)
{
    static const struct note none = {"", 0};
    long all = ++proxy.calls, mine = ++proxy.calls_of[f];
    *number = all;
    if (fits(&proxy.hang, function, all, mine)) {
        write_line(all, function, &none, ~0UL);
        for (;;)
            pause();
    }
    if (fits(&proxy.kill, function, all, mine)) {
        write_line(all, function, &none, ~0UL);
        raise(SIGKILL);
    }
    *rv = proxy.fail.rv;
    return fits(&proxy.fail, function, all, mine);
}

#define DEFINE(name, parameters, arguments, remark)                                                          \
    static CK_RV proxy_##name parameters                                                                     \
    {                                                                                                        \
        struct note n = {"", 0};                                                                             \
        long number = 0;                                                                                     \
        CK_RV rv = CKR_OK;                                                                                   \
        bool fails = faulted(F_##name, #name, &number, &rv);                                                 \
        data_call(number, #name, false, rv);                                                                 \
        remark;                                                                                              \
        if (!fails) rv = proxy.real->name arguments;                                                         \
        data_call(number, #name, true, rv);                                                                  \
        n = (struct note){"", 0};                                                                            \
        remark;                                                                                              \
        write_line(number, #name, &n, rv);                                                                   \
        return rv;                                                                                           \
    }
FUNCTIONS(DEFINE)
#undef DEFINE

/* "C_WrapKey:3:0x30"; without a third part rv stays 0. */
static void read_fault(const char *variable, struct fault *out)
{
    const char *text = getenv(variable);
    const char *colon = text ? strchr(text, ':') : NULL;
    char *end = NULL;
    *out = (struct fault){.number = 0};
    if (!colon || (size_t)(colon - text) >= sizeof out->function) return;
    memcpy(out->function, text, (size_t)(colon - text));
    colon++;
    if (*colon == '+') {
        out->onward = true;
        colon++;
    }
    out->number = strtol(colon, &end, 10);
    if (*end == ':') out->rv = strtoul(end + 1, NULL, 0);
}

/* Whether this process is the one in which the fault applies. */
static bool is_first(void)
{
    const char *path = getenv("P11PROXY_ONCE");
    if (!path) return true;
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    close(fd);
    return true;
}

static bool load(void)
{
    const char *module = getenv("P11PROXY_MODULE"), *log = getenv("P11PROXY_LOG");
    CK_C_GetFunctionList entry = NULL;
    if (!module) return false;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
    memcpy(&entry, &symbol, sizeof entry);
    if (!entry || entry(&proxy.real) != CKR_OK) return false;
    if (log) proxy.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    data_open();
    read_fault("P11PROXY_FAIL", &proxy.fail);
    read_fault("P11PROXY_HANG", &proxy.hang);
    read_fault("P11PROXY_KILL", &proxy.kill);
    bool any = proxy.fail.function[0] || proxy.hang.function[0] || proxy.kill.function[0];
    if (any && !is_first()) {
        proxy.fail.function[0] = 0;
        proxy.hang.function[0] = 0;
        proxy.kill.function[0] = 0;
    }
    return true;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    static CK_FUNCTION_LIST functions = {.version = {2, 40},
                                         .C_GetFunctionList = C_GetFunctionList,
#define ENTER(name, parameters, arguments, remark) .name = proxy_##name,
                                         FUNCTIONS(ENTER)
#undef ENTER
    };
    if (!list) return CKR_ARGUMENTS_BAD;
    if (!proxy.real && !load()) return CKR_GENERAL_ERROR;
    *list = &functions;
    return CKR_OK;
}
