/* E1 and E2: what an entry holds for the card, secret and clear (docs/formats/mic-file.md). */
#include "formats/entry.h"

#include <string.h>

#include "formats/fields.h"

enum {
    TAG_SECRET = 0xE1,
    TAG_GROUPING = 0xE2,
    RSA_DGI = 0x8201,
    DGI_LEN = 2,
    GROUPING_MAX = 0xFFFF, /* a data grouping's length has two bytes */
    CIPHERTEXT_MAX = 0xFFFF,
    KWP_BLOCK = 8,
    KWP_OVERHEAD = 8,    /* RFC 5649 */
    TRUE_LEN_EXCESS = 7, /* zero bytes that a token may add */
};

const struct secret_kind_row *secret_kind_row(unsigned kind)
{
    static const struct secret_kind_row rows[] = {
        {SECRET_DES2, "DES2", 16, 3},      {SECRET_DES3, "DES3", 24, 3},
        {SECRET_AES128, "AES-128", 16, 5}, {SECRET_AES192, "AES-192", 24, 5},
        {SECRET_AES256, "AES-256", 32, 5}, {SECRET_RSA, "RSA", 0, 3},
        {SECRET_OPAQUE, "opaque", 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((unsigned)rows[i].kind == kind) return &rows[i];
    }
    return NULL;
}

/* Which kinds a method can wrap, as bits 1 << kind. */
struct method_row {
    enum secret_method method;
    unsigned kinds;
    bool by_card_key;
};

static const struct method_row *method_row(unsigned method)
{
    static const struct method_row rows[] = {
        {METHOD_KWP, 0xFE, false},
        {METHOD_CARD_TDES_ECB, 1u << SECRET_DES2 | 1u << SECRET_DES3, true},
        {METHOD_CARD_AES_CBC, 1u << SECRET_DES2 | 1u << SECRET_AES128 | 1u << SECRET_AES256, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((unsigned)rows[i].method == method) return &rows[i];
    }
    return NULL;
}

static bool read_kind(const struct tlv *tlv, void *out, struct err *err)
{
    struct wrapped_secret *secret = out;
    if (!secret_kind_row(tlv->value[0])) return field_refused(tlv, "unknown kind of secret", err);
    secret->kind = (enum secret_kind)tlv->value[0];
    return true;
}

static void put_kind(struct buf *b, uint32_t tag, const void *in)
{
    tlv_put_be(b, tag, (uint64_t)((const struct wrapped_secret *)in)->kind, 1);
}

static bool read_kcv(const struct tlv *tlv, void *out, struct err *err)
{
    struct wrapped_secret *secret = out;
    (void)err;
    memcpy(secret->kcv, tlv->value, tlv->len);
    secret->kcv_len = tlv->len;
    return true;
}

static void put_kcv(struct buf *b, uint32_t tag, const void *in)
{
    const struct wrapped_secret *secret = in;
    if (secret->kcv_len > 0) tlv_put(b, tag, secret->kcv, secret->kcv_len);
}

static bool read_method(const struct tlv *tlv, void *out, struct err *err)
{
    struct wrapped_secret *secret = out;
    if (!method_row(tlv->value[0])) return field_refused(tlv, "unknown method", err);
    secret->method = (enum secret_method)tlv->value[0];
    return true;
}

static void put_method(struct buf *b, uint32_t tag, const void *in)
{
    tlv_put_be(b, tag, (uint64_t)((const struct wrapped_secret *)in)->method, 1);
}

static bool read_true_len(const struct tlv *tlv, void *out, struct err *err)
{
    struct wrapped_secret *secret = out;
    secret->true_len = (size_t)bytes_be(tlv->value, tlv->len);
    return secret->true_len > 0 ? true : field_refused(tlv, "a secret of no bytes", err);
}

static void put_true_len(struct buf *b, uint32_t tag, const void *in)
{
    const struct wrapped_secret *secret = in;
    if (secret->true_len > 0) tlv_put_be(b, tag, secret->true_len, 2);
}

static bool read_secret_dgi(const struct tlv *tlv, void *out, struct err *err)
{
    (void)err;
    ((struct wrapped_secret *)out)->dgi = (uint16_t)bytes_be(tlv->value, tlv->len);
    return true;
}

static void put_secret_dgi(struct buf *b, uint32_t tag, const void *in)
{
    tlv_put_be(b, tag, ((const struct wrapped_secret *)in)->dgi, DGI_LEN);
}

/* "KML/2" has two parts, "KMC/3/DEK" three; the second is a version in decimal. */
static bool is_key_path(const char *text, size_t parts)
{
    const char *version = strchr(text, '/');
    if (!version || version == text) return false;
    size_t digits = strspn(version + 1, "0123456789");
    const char *behind = version + 1 + digits;
    if (digits == 0) return false;
    if (parts == 2) return *behind == '\0';
    return *behind == '/' && behind[1] != '\0' && !strchr(behind + 1, '/');
}

static bool check_master(const struct tlv *tlv, void *out, struct err *err)
{
    if (is_key_path(((const struct wrapped_secret *)out)->master, 2)) return true;
    return field_refused(tlv, "a master key is given as name/version", err);
}

static bool check_card_key(const struct tlv *tlv, void *out, struct err *err)
{
    if (is_key_path(((const struct wrapped_secret *)out)->card_key, 3)) return true;
    return field_refused(tlv, "the card's own key is given as name/version/which", err);
}

#define SECRET(member)   .offset = offsetof(struct wrapped_secret, member)
#define TEXT_MAX(member) (sizeof(((struct wrapped_secret *)NULL)->member) - 1)
static const struct field secret_fields[] = {
    {0xC3, "name", FIELD_ONCE, FIELD_TEXT, 1, SECRET_NAME_MAX, SECRET(name)},
    {0xC4, "kind", FIELD_ONCE, FIELD_OWN, 1, 1, .read = read_kind, .put = put_kind},
    {0xC5, "key check value", FIELD_OPTIONAL, FIELD_OWN, 3, 5, .read = read_kcv, .put = put_kcv},
    {0xC6, "method", FIELD_ONCE, FIELD_OWN, 1, 1, .read = read_method, .put = put_method},
    {0xCD, "master key", FIELD_OPTIONAL, FIELD_TEXT, 3, TEXT_MAX(master), SECRET(master),
     .read = check_master},
    {0xCE, "true length", FIELD_OPTIONAL, FIELD_OWN, 2, 2, .read = read_true_len, .put = put_true_len},
    {0xC2, "derivation data", FIELD_OPTIONAL, FIELD_SPAN, 1, DERIVATION_DATA_MAX, SECRET(derivation_data),
     .len_offset = offsetof(struct wrapped_secret, derivation_data_len)},
    {0xCC, "the card's own key", FIELD_OPTIONAL, FIELD_TEXT, 5, TEXT_MAX(card_key), SECRET(card_key),
     .read = check_card_key},
    {0xC7, "ciphertext", FIELD_ONCE, FIELD_SPAN, 1, CIPHERTEXT_MAX, SECRET(ciphertext),
     .len_offset = offsetof(struct wrapped_secret, ciphertext_len)},
    {0xC8, "DGI", FIELD_ONCE, FIELD_OWN, DGI_LEN, DGI_LEN, .read = read_secret_dgi, .put = put_secret_dgi},
};
enum { SECRET_FIELD_COUNT = sizeof(secret_fields) / sizeof(secret_fields[0]) };

/* RFC 5649 pads to whole blocks and puts one in front. Keys are whole blocks; of opaque bytes and of a DER only
 * the token knows whether it padded them first. */
static bool is_kwp_length(const struct wrapped_secret *secret, size_t key_len)
{
    size_t len = secret->ciphertext_len;
    if (key_len > 0) return len == key_len + KWP_OVERHEAD;
    if (len % KWP_BLOCK != 0 || len < KWP_OVERHEAD + KWP_BLOCK) return false;
    if (secret->kind != SECRET_OPAQUE) return true;
    size_t most = secret->true_len + TRUE_LEN_EXCESS;
    most += (KWP_BLOCK - most % KWP_BLOCK) % KWP_BLOCK;
    return len - KWP_OVERHEAD >= secret->true_len && len - KWP_OVERHEAD <= most;
}

/* What §4 says of tags that stand or do not stand with a kind and a method. NULL: all is well. */
static const char *find_contradiction(const struct wrapped_secret *secret)
{
    const struct secret_kind_row *kind = secret_kind_row((unsigned)secret->kind);
    const struct method_row *method = method_row((unsigned)secret->method);
    bool derived = kind->key_len > 0;
    bool opaque = secret->kind == SECRET_OPAQUE;
    if (secret->kcv_len != kind->kcv_len) return "key check value (C5) has the wrong length for this kind";
    if (derived != (secret->master[0] != '\0'))
        return derived ? "master key (CD) is missing" : "this kind has no master key (CD)";
    if (opaque != (secret->true_len > 0))
        return opaque ? "true length (CE) is missing" : "only opaque bytes have a true length (CE)";
    if (!derived && secret->derivation_data) return "this kind has no derivation data (C2)";
    if (!(method->kinds & 1u << secret->kind)) return "this method (C6) is not for this kind (C4)";
    if (method->by_card_key != (secret->card_key[0] != '\0'))
        return method->by_card_key ? "the card's own key (CC) is missing"
                                   : "method 01 takes no key of the card (CC)";
    bool fits =
        method->by_card_key ? secret->ciphertext_len == kind->key_len : is_kwp_length(secret, kind->key_len);
    if (!fits) return "ciphertext (C7) has the wrong length for this kind and method";
    if (secret->kind == SECRET_RSA && secret->dgi != RSA_DGI) return "an RSA key is for DGI 8201";
    return NULL;
}

bool wrapped_secret_read(const struct tlv *e1, struct wrapped_secret *out, struct err *err)
{
    struct wrapped_secret secret = {.kcv_len = 0};
    size_t head = tlv_size(e1->tag, e1->len) - e1->len;
    struct cur list = cur_make(e1->value, e1->len, e1->offset + head);
    bool ok = fields_read(secret_fields, SECRET_FIELD_COUNT, FIELDS_ANY_ORDER, list, &secret, err);
    const char *contradiction = ok ? find_contradiction(&secret) : NULL;
    if (contradiction) ok = err_set(err, ERR_INPUT, "%s", contradiction);
    if (!ok) {
        if (secret.name[0] != '\0') err_prefix(err, "secret %s", secret.name);
        err_prefix(err, "E1 at offset %llu", (unsigned long long)e1->offset);
        return false;
    }
    *out = secret;
    return true;
}

void wrapped_secret_put(struct buf *b, const struct wrapped_secret *secret)
{
    fields_put_inside(b, TAG_SECRET, secret_fields, SECRET_FIELD_COUNT, secret);
}

static bool read_grouping_dgi(const struct tlv *tlv, void *out, struct err *err)
{
    (void)err;
    ((struct clear_grouping *)out)->dgi = (uint16_t)bytes_be(tlv->value, tlv->len);
    return true;
}

static void put_grouping_dgi(struct buf *b, uint32_t tag, const void *in)
{
    tlv_put_be(b, tag, ((const struct clear_grouping *)in)->dgi, DGI_LEN);
}

static const struct field grouping_fields[] = {
    {0xC8, "DGI", FIELD_ONCE, FIELD_OWN, DGI_LEN, DGI_LEN, .read = read_grouping_dgi,
     .put = put_grouping_dgi},
    {0xC9, "value", FIELD_ONCE, FIELD_SPAN, 0, GROUPING_MAX, .offset = offsetof(struct clear_grouping, value),
     .len_offset = offsetof(struct clear_grouping, len)},
};
enum { GROUPING_FIELD_COUNT = sizeof(grouping_fields) / sizeof(grouping_fields[0]) };

bool clear_grouping_read(const struct tlv *e2, struct clear_grouping *out, struct err *err)
{
    struct clear_grouping grouping = {.dgi = 0};
    size_t head = tlv_size(e2->tag, e2->len) - e2->len;
    struct cur list = cur_make(e2->value, e2->len, e2->offset + head);
    if (!fields_read(grouping_fields, GROUPING_FIELD_COUNT, FIELDS_ANY_ORDER, list, &grouping, err)) {
        err_prefix(err, "E2 at offset %llu", (unsigned long long)e2->offset);
        return false;
    }
    *out = grouping;
    return true;
}

void clear_grouping_put(struct buf *b, uint16_t dgi, const void *value, size_t len)
{
    struct clear_grouping grouping = {dgi, value, len};
    fields_put_inside(b, TAG_GROUPING, grouping_fields, GROUPING_FIELD_COUNT, &grouping);
}
