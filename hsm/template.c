/* hsm/template.c - what each role's key may do, as one table: templates for making keys and the check of keys that are
 * there are read from the same rows.
 *
 * Every attribute is stated, because defaults differ (SoftHSM generates with SENSITIVE=false and every use allowed).
 * Order counts: soft tokens apply attributes one by one, so MODIFIABLE=false stands last.
 *
 * PRIVATE is false for a card's session keys and true for the rest. A session object is seen by this process alone,
 * whose one session is logged in for life, so PRIVATE would keep nobody out; it costs a sixth of the rate where a soft
 * token encrypts private values at rest. SENSITIVE keeps the value inside either way.
 *
 * WRAP_WITH_TRUSTED is not asked for: on the soft token that honours it only a security officer can make a TRUSTED key,
 * and only as a public object, which needs no login to be used or destroyed; the user's private copy of it stays TRUSTED
 * but cannot be made COPYABLE=false. Either is worse for a KEK than what WRAP_WITH_TRUSTED would prevent. */
#include <stdio.h>
#include <string.h>

#include "hsm/internal.h"

enum {
    TOKEN = 1 << 0,
    PRIVATE = 1 << 1,
    SENSITIVE = 1 << 2,
    EXTRACTABLE = 1 << 3,
    ENCRYPT = 1 << 4,
    DECRYPT = 1 << 5,
    SIGN = 1 << 6,
    VERIFY = 1 << 7,
    WRAP = 1 << 8,
    UNWRAP = 1 << 9,
    DERIVE = 1 << 10,
    COPYABLE = 1 << 11,
    MODIFIABLE = 1 << 12,
    DESTROYABLE = 1 << 13, /* stated only for keys that are to be kept */
};
enum {
    SECRET_PART = 1 << HSM_PART_SECRET,
    PRIVATE_PART = 1 << HSM_PART_PRIVATE,
    PUBLIC_PART = 1 << HSM_PART_PUBLIC,
    KEPT = TOKEN | PRIVATE | SENSITIVE, /* lives on the token, never leaves it */
    PASSING = SENSITIVE | EXTRACTABLE,  /* lives in the session, leaves it wrapped */
};

/* How an attribute is called when it is wider (set, or for SENSITIVE and PRIVATE missing), and when it is narrower. */
struct attribute_row {
    CK_ATTRIBUTE_TYPE type;
    unsigned bit;
    unsigned parts;   /* that have this attribute */
    bool wider_value; /* the value that gives more than the role has */
    const char *wider, *narrower;
};
#define SECRET_OR_PRIVATE (SECRET_PART | PRIVATE_PART)
#define ANY_PART          (SECRET_PART | PRIVATE_PART | PUBLIC_PART)
static const struct attribute_row attributes[] = {
    {CKA_TOKEN, TOKEN, ANY_PART, true, "is kept on the token", "is only a session object"},
    {CKA_PRIVATE, PRIVATE, ANY_PART, false, "can be used without login (CKA_PRIVATE is false)",
     "asks for a login (CKA_PRIVATE)"},
    {CKA_SENSITIVE, SENSITIVE, SECRET_OR_PRIVATE, false, "is not sensitive", "is sensitive"},
    {CKA_EXTRACTABLE, EXTRACTABLE, SECRET_OR_PRIVATE, true, "is extractable", "is not extractable"},
    {CKA_ENCRYPT, ENCRYPT, SECRET_PART | PUBLIC_PART, true, "may encrypt", "may not encrypt"},
    {CKA_DECRYPT, DECRYPT, SECRET_OR_PRIVATE, true, "may decrypt", "may not decrypt"},
    {CKA_SIGN, SIGN, SECRET_OR_PRIVATE, true, "may sign", "may not sign"},
    {CKA_VERIFY, VERIFY, SECRET_PART | PUBLIC_PART, true, "may verify", "may not verify"},
    {CKA_WRAP, WRAP, SECRET_PART | PUBLIC_PART, true, "may wrap", "may not wrap"},
    {CKA_UNWRAP, UNWRAP, SECRET_OR_PRIVATE, true, "may unwrap", "may not unwrap"},
    {CKA_DERIVE, DERIVE, SECRET_OR_PRIVATE, true, "may derive", "may not derive"},
    {CKA_COPYABLE, COPYABLE, ANY_PART, true, "may be copied", "may not be copied"},
    {CKA_DESTROYABLE, DESTROYABLE, ANY_PART, true, "may be destroyed", "may not be destroyed"},
    {CKA_MODIFIABLE, MODIFIABLE, ANY_PART, true, "may be modified", "may not be modified"},
};
enum { ATTRIBUTE_COUNT = sizeof attributes / sizeof attributes[0] };

/* Stands for the mechanism that gives RFC 5649 on the token at hand. */
#define MECHANISM_KWP (~0UL)
#define END           (~1UL) /* ends a list that is shorter than the array */

/* Algorithm classes of a row. */
enum { TDES = 1 << 0, AES = 1 << 1, RSA = 1 << 2, GENERIC = 1 << 3 };

struct role_row {
    enum hsm_role role;
    enum hsm_part part;
    unsigned algorithms;
    unsigned set; /* attributes that are true; all others are false */
    CK_MECHANISM_TYPE allowed[HSM_ALLOWED_MAX];
    enum hsm_inner inner; /* the templates that it carries */
};
/* clang-format off */
static const struct role_row rows[] = {
    {HSM_ROLE_MASTER, HSM_PART_SECRET, TDES, KEPT | DERIVE, {CKM_DES3_ECB_ENCRYPT_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_MASTER, HSM_PART_SECRET, AES, KEPT | DERIVE, {CKM_AES_ECB_ENCRYPT_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_ZCMK_SENDER, HSM_PART_SECRET, AES, KEPT | WRAP | SIGN, {MECHANISM_KWP, CKM_AES_CMAC, END}, HSM_INNER_LEAVING},
    {HSM_ROLE_ZCMK_RECEIVER, HSM_PART_SECRET, AES, KEPT | UNWRAP | SIGN, {MECHANISM_KWP, CKM_AES_CMAC, END}, HSM_INNER_ARRIVING},
    {HSM_ROLE_KEK_ISSUER, HSM_PART_SECRET, AES, KEPT | WRAP | SIGN, {MECHANISM_KWP, CKM_AES_CMAC, END}, HSM_INNER_LEAVING},
    {HSM_ROLE_KEK_BUREAU, HSM_PART_SECRET, AES, KEPT | UNWRAP | SIGN, {MECHANISM_KWP, CKM_AES_CMAC, END}, HSM_INNER_NONE},
    {HSM_ROLE_KBPK, HSM_PART_SECRET, TDES, KEPT | DERIVE, {CKM_DES3_ECB_ENCRYPT_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_KBPK, HSM_PART_SECRET, AES, KEPT | DERIVE, {CKM_AES_ECB_ENCRYPT_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_KEY, HSM_PART_SECRET, TDES, PASSING | ENCRYPT, {CKM_DES3_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_KEY, HSM_PART_SECRET, AES, PASSING | ENCRYPT | SIGN, {CKM_AES_CMAC, CKM_AES_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_KEY, HSM_PART_SECRET, GENERIC, PASSING, {END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_STATIC, HSM_PART_SECRET, TDES, SENSITIVE | WRAP, {CKM_DES3_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_STATIC, HSM_PART_SECRET, AES, SENSITIVE | WRAP, {CKM_AES_CBC, END}, HSM_INNER_NONE},
    {HSM_ROLE_MAC_KEY, HSM_PART_SECRET, AES, PASSING | SIGN, {CKM_AES_CMAC, END}, HSM_INNER_NONE},
    {HSM_ROLE_TRAVELLING, HSM_PART_SECRET, TDES, PRIVATE | PASSING | ENCRYPT, {CKM_DES3_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_TRAVELLING, HSM_PART_SECRET, AES, PRIVATE | PASSING | SIGN, {CKM_AES_CMAC, END}, HSM_INNER_NONE},
    {HSM_ROLE_COMBINING, HSM_PART_SECRET, TDES, PRIVATE | PASSING | ENCRYPT | DERIVE, {CKM_DES3_ECB, CKM_XOR_BASE_AND_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_COMBINING, HSM_PART_SECRET, AES, PRIVATE | PASSING | SIGN | DERIVE, {CKM_AES_CMAC, CKM_XOR_BASE_AND_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_FERRY, HSM_PART_SECRET, AES, PRIVATE | SENSITIVE | WRAP | UNWRAP, {MECHANISM_KWP, END}, HSM_INNER_NONE},
    {HSM_ROLE_TRUSTED_SIGNER, HSM_PART_PUBLIC, RSA, TOKEN | PRIVATE | VERIFY, {CKM_SHA256_RSA_PKCS, END}, HSM_INNER_NONE},
    {HSM_ROLE_BLOCK_CIPHER, HSM_PART_SECRET, TDES, SENSITIVE | ENCRYPT | DECRYPT, {CKM_DES3_CBC, END}, HSM_INNER_NONE},
    {HSM_ROLE_BLOCK_CIPHER, HSM_PART_SECRET, AES, SENSITIVE | ENCRYPT | DECRYPT, {CKM_AES_CBC, END}, HSM_INNER_NONE},
    {HSM_ROLE_BLOCK_MAC, HSM_PART_SECRET, TDES, SENSITIVE | SIGN, {CKM_DES3_CMAC, END}, HSM_INNER_NONE},
    {HSM_ROLE_BLOCK_MAC, HSM_PART_SECRET, AES, SENSITIVE | SIGN, {CKM_AES_CMAC, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_BASE, HSM_PART_SECRET, TDES, SENSITIVE | DERIVE, {CKM_DES3_CBC_ENCRYPT_DATA, CKM_DES3_ECB_ENCRYPT_DATA, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_BASE, HSM_PART_SECRET, AES, SENSITIVE | DERIVE | ENCRYPT, {CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_CIPHER, HSM_PART_SECRET, TDES, SENSITIVE | ENCRYPT, {CKM_DES3_CBC, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_CIPHER, HSM_PART_SECRET, AES, SENSITIVE | ENCRYPT | DECRYPT, {CKM_AES_CBC, CKM_AES_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_MAC, HSM_PART_SECRET, TDES, SENSITIVE | ENCRYPT, {CKM_DES3_CBC, CKM_DES3_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_MAC, HSM_PART_SECRET, AES, SENSITIVE | SIGN, {CKM_AES_CMAC, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_DATA, HSM_PART_SECRET, TDES, SENSITIVE | WRAP | ENCRYPT, {CKM_DES3_ECB, END}, HSM_INNER_NONE},
    {HSM_ROLE_CHANNEL_DATA, HSM_PART_SECRET, AES, SENSITIVE | WRAP | ENCRYPT, {CKM_AES_CBC, END}, HSM_INNER_NONE},
    {HSM_ROLE_READABLE, HSM_PART_SECRET, TDES | AES | GENERIC, EXTRACTABLE, {END}, HSM_INNER_NONE},
    {HSM_ROLE_READABLE, HSM_PART_PRIVATE, RSA, EXTRACTABLE, {END}, HSM_INNER_NONE},
    {HSM_ROLE_ISSUER_PAIR, HSM_PART_PRIVATE, RSA, KEPT | SIGN, {CKM_RSA_X_509, END}, HSM_INNER_NONE},
    {HSM_ROLE_ISSUER_PAIR, HSM_PART_PUBLIC, RSA, TOKEN | VERIFY, {CKM_RSA_X_509, END}, HSM_INNER_NONE},
    {HSM_ROLE_SCHEME_CA_PAIR, HSM_PART_PRIVATE, RSA, KEPT | SIGN, {CKM_RSA_X_509, END}, HSM_INNER_NONE},
    {HSM_ROLE_SCHEME_CA_PAIR, HSM_PART_PUBLIC, RSA, TOKEN | VERIFY, {CKM_RSA_X_509, END}, HSM_INNER_NONE},
    {HSM_ROLE_SIGNING_PAIR, HSM_PART_PRIVATE, RSA, KEPT | SIGN, {CKM_SHA256_RSA_PKCS, END}, HSM_INNER_NONE},
    {HSM_ROLE_SIGNING_PAIR, HSM_PART_PUBLIC, RSA, TOKEN | VERIFY, {CKM_SHA256_RSA_PKCS, END}, HSM_INNER_NONE},
    {HSM_ROLE_KEY_EXCHANGE_PAIR, HSM_PART_PRIVATE, RSA, KEPT | UNWRAP, {CKM_RSA_PKCS_OAEP, END}, HSM_INNER_ARRIVING},
    {HSM_ROLE_KEY_EXCHANGE_PAIR, HSM_PART_PUBLIC, RSA, TOKEN | WRAP, {CKM_RSA_PKCS_OAEP, END}, HSM_INNER_NONE},
    {HSM_ROLE_TRAVELLING_PAIR, HSM_PART_PRIVATE, RSA, PRIVATE | PASSING, {END}, HSM_INNER_NONE},
    {HSM_ROLE_TRAVELLING_PAIR, HSM_PART_PUBLIC, RSA, 0, {END}, HSM_INNER_NONE},
    {HSM_ROLE_PROVING_PAIR, HSM_PART_PRIVATE, RSA, PRIVATE | SENSITIVE | SIGN, {CKM_SHA256_RSA_PKCS, END}, HSM_INNER_NONE},
    {HSM_ROLE_PROVING_PAIR, HSM_PART_PUBLIC, RSA, VERIFY, {CKM_SHA256_RSA_PKCS, END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_PAIR, HSM_PART_PRIVATE, RSA, PASSING, {END}, HSM_INNER_NONE},
    {HSM_ROLE_CARD_PAIR, HSM_PART_PUBLIC, RSA, VERIFY, {END}, HSM_INNER_NONE},
};
/* clang-format on */
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

struct algorithm_row {
    enum hsm_algorithm algorithm;
    unsigned class;
    CK_KEY_TYPE type;
};
static const struct algorithm_row algorithms[] = {
    {HSM_DES2, TDES, CKK_DES2},
    {HSM_DES3, TDES, CKK_DES3},
    {HSM_AES128, AES, CKK_AES},
    {HSM_AES192, AES, CKK_AES},
    {HSM_AES256, AES, CKK_AES},
    {HSM_RSA, RSA, CKK_RSA},
    {HSM_GENERIC, GENERIC, CKK_GENERIC_SECRET},
};

static const struct algorithm_row *algorithm_row(enum hsm_algorithm a)
{
    size_t i = 0;
    while (algorithms[i].algorithm != a)
        i++;
    return &algorithms[i];
}

CK_KEY_TYPE hsm_algorithm_key_type(enum hsm_algorithm a)
{
    return algorithm_row(a)->type;
}

static const struct role_row *find_row(const struct hsm_key_ref *ref, enum hsm_part part, struct err *err)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].role == ref->role && rows[i].part == part &&
            (rows[i].algorithms & algorithm_row(ref->algorithm)->class))
            return &rows[i];
    }
    err_set(err, ERR_CONFIG, "a key of role %s cannot be %s", hsm_role_name(ref->role),
            hsm_algorithm_name(ref->algorithm));
    return NULL;
}

/* The first part that the role has a row for, with this algorithm if there is one. */
enum hsm_part hsm_part_of(const struct hsm_key_ref *ref)
{
    size_t i = 0;
    while (i + 1 < ROW_COUNT && rows[i].role != ref->role)
        i++;
    for (size_t k = i; k < ROW_COUNT; k++) {
        if (rows[k].role == ref->role && (rows[k].algorithms & algorithm_row(ref->algorithm)->class))
            return rows[k].part;
    }
    return rows[i].part;
}

void hsm_template_init(struct hsm_template *tp)
{
    tp->count = 0;
    tp->number_count = 0;
    tp->yes = CK_TRUE;
    tp->no = CK_FALSE;
}

void hsm_template_bytes(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type, void *data, size_t len)
{
    tp->attr[tp->count++] = (CK_ATTRIBUTE){type, data, len};
}

void hsm_template_bool(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type, bool value)
{
    hsm_template_bytes(tp, type, value ? &tp->yes : &tp->no, sizeof tp->yes);
}

void hsm_template_number(struct hsm_template *tp, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    tp->numbers[tp->number_count] = value;
    hsm_template_bytes(tp, type, &tp->numbers[tp->number_count++], sizeof value);
}

bool hsm_template_label(struct hsm_template *tp, const char *label, struct err *err)
{
    size_t len = label ? strlen(label) : 0;
    if (len == 0 || len > HSM_LABEL_MAX)
        return err_set(err, ERR_CONFIG, "a label has 1 to %d bytes", HSM_LABEL_MAX);
    memcpy(tp->label, label, len);
    hsm_template_bytes(tp, CKA_LABEL, tp->label, len);
    return true;
}

void hsm_template_secret(struct hsm_template *tp, enum hsm_algorithm a, enum hsm_origin origin,
                         size_t generic_len)
{
    size_t len = a == HSM_GENERIC ? generic_len : hsm_algorithm_len(a);
    bool carries_len =
        a != HSM_DES2 && a != HSM_DES3; /* SoftHSM refuses a length on DES, and wants one elsewhere */
    hsm_template_number(tp, CKA_CLASS, CKO_SECRET_KEY);
    hsm_template_number(tp, CKA_KEY_TYPE, hsm_algorithm_key_type(a));
    if (carries_len && (origin == HSM_GENERATED || origin == HSM_DERIVED))
        hsm_template_number(tp, CKA_VALUE_LEN, len);
}

/* The row's mechanisms as they are called on this token. */
static size_t allowed_here(const struct hsm_token *t, const struct role_row *row,
                           CK_MECHANISM_TYPE out[HSM_ALLOWED_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < HSM_ALLOWED_MAX && row->allowed[i] != END; i++) {
        CK_MECHANISM_TYPE m = row->allowed[i];
        if (m == MECHANISM_KWP && !t->profile.kwp_mechanism) continue;
        out[count++] = m == MECHANISM_KWP ? t->profile.kwp_mechanism : m;
    }
    return count;
}

/* Whether this token is asked for the attribute, and told of it. */
static bool applies(const struct hsm_token *t, const struct attribute_row *a, const struct hsm_key_ref *ref,
                    enum hsm_part part)
{
    if (!(a->parts & (1U << part))) return false;
    if (a->bit == COPYABLE) return t->profile.takes_copyable;
    if (a->bit == DESTROYABLE) return ref->keep && t->profile.takes_destroyable;
    return true;
}

bool hsm_template_role(struct hsm_token *t, struct hsm_template *tp, const struct hsm_key_ref *ref,
                       enum hsm_part part, struct err *err)
{
    const struct role_row *row = find_row(ref, part, err);
    if (!row || (ref->keep && !hsm_probe_destroyable(t, err))) return false;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        const struct attribute_row *a = &attributes[i];
        if (a->bit == MODIFIABLE || !applies(t, a, ref, part)) continue;
        hsm_template_bool(tp, a->type, (row->set & a->bit) != 0);
    }
    if (row->set & TOKEN) {
        if (!hsm_template_label(tp, ref->label, err)) return false;
        hsm_template_bytes(tp, CKA_ID, tp->label, strlen(ref->label));
        size_t count = t->profile.can[HSM_HONOURS_ALLOWED_MECHANISMS] && part != HSM_PART_PUBLIC
                           ? allowed_here(t, row, tp->allowed)
                           : 0;
        if (count > 0)
            hsm_template_bytes(tp, CKA_ALLOWED_MECHANISMS, tp->allowed, count * sizeof tp->allowed[0]);
        hsm_inner_put(t, tp, row->inner);
    }
    hsm_template_bool(tp, CKA_MODIFIABLE, false);
    return true;
}

static bool check_bools(struct hsm_token *t, const struct hsm_key_ref *ref, const struct role_row *row,
                        CK_OBJECT_HANDLE object, struct err *err)
{
    CK_ATTRIBUTE attr[ATTRIBUTE_COUNT];
    CK_BBOOL value[ATTRIBUTE_COUNT];
    const struct attribute_row *asked[ATTRIBUTE_COUNT];
    CK_ULONG count = 0;
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (!applies(t, &attributes[i], ref, row->part)) continue;
        asked[count] = &attributes[i];
        attr[count] = (CK_ATTRIBUTE){attributes[i].type, &value[count], sizeof value[count]};
        count++;
    }
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, attr, count);
    if (rv != CKR_ATTRIBUTE_TYPE_INVALID && !hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    for (CK_ULONG i = 0; i < count; i++) {
        if (attr[i].ulValueLen != sizeof value[i])
            return err_set(err, ERR_TOKEN, "key '%s': the token does not say whether it %s", ref->name,
                           asked[i]->wider);
        bool is = value[i] != CK_FALSE, due = (row->set & asked[i]->bit) != 0;
        if (is == due) continue;
        if (asked[i]->bit == DESTROYABLE)
            return err_set(err, ERR_TOKEN, "key '%s' may be destroyed: it should leave only with its token",
                           ref->name);
        bool wider = is == asked[i]->wider_value;
        return err_set(err, ERR_TOKEN, "key '%s' %s: role %s %s", ref->name,
                       wider ? asked[i]->wider : asked[i]->narrower, hsm_role_name(ref->role),
                       wider ? "forbids that" : "needs it otherwise");
    }
    return true;
}

static bool contains(const CK_MECHANISM_TYPE *list, size_t count, CK_MECHANISM_TYPE m)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == m) return true;
    }
    return false;
}

static bool check_allowed(struct hsm_token *t, const struct hsm_key_ref *ref, const struct role_row *row,
                          CK_OBJECT_HANDLE object, struct err *err)
{
    CK_MECHANISM_TYPE is[64], due[HSM_ALLOWED_MAX];
    CK_ATTRIBUTE attr = {CKA_ALLOWED_MECHANISMS, is, sizeof is};
    size_t due_count = allowed_here(t, row, due);
    char text[32];
    CK_RV rv = t->fn->C_GetAttributeValue(t->session, object, &attr, 1);
    if (rv == CKR_BUFFER_TOO_SMALL)
        return err_set(err, ERR_TOKEN, "key '%s' allows too many mechanisms", ref->name);
    if (!hsm_call(t, "C_GetAttributeValue", rv, err)) return false;
    size_t count = attr.ulValueLen == (CK_ULONG)-1 ? 0 : attr.ulValueLen / sizeof is[0];
    if (count == 0) return err_set(err, ERR_TOKEN, "key '%s' allows every mechanism", ref->name);
    for (size_t i = 0; i < count; i++) {
        if (!contains(due, due_count, is[i]))
            return err_set(err, ERR_TOKEN, "key '%s' allows mechanism %s: role %s forbids that", ref->name,
                           hsm_mechanism_name(is[i], text), hsm_role_name(ref->role));
    }
    for (size_t i = 0; i < due_count; i++) {
        if (!contains(is, count, due[i]))
            return err_set(err, ERR_TOKEN, "key '%s' does not allow mechanism %s: role %s needs it",
                           ref->name, hsm_mechanism_name(due[i], text), hsm_role_name(ref->role));
    }
    return true;
}

bool hsm_template_check(struct hsm_token *t, const struct hsm_key_ref *ref, enum hsm_part part,
                        CK_OBJECT_HANDLE object, struct err *err)
{
    const struct role_row *row = find_row(ref, part, err);
    if (!row) {
        err_prefix(err, "key '%s'", ref->name);
        return false;
    }
    if (ref->keep && !hsm_probe_destroyable(t, err)) return false;
    if (!check_bools(t, ref, row, object, err)) return false;
    if (!(row->set & TOKEN) || part == HSM_PART_PUBLIC || !t->profile.can[HSM_HONOURS_ALLOWED_MECHANISMS])
        return true;
    if (!check_allowed(t, ref, row, object, err)) return false;
    return hsm_inner_check(t, ref, row->inner, object, err);
}
