#include "formats/handover_fields.h"

#include <string.h>

#include "base/hex.h"
#include "formats/date.h"
#include "formats/line_value.h"

/* PKCS#8 holds more than the modulus four and a half times: private exponent, two primes and three numbers of their size. */
enum { KWP_EXTRA = 8, PAIR_MIN = RSA_MODULUS_MIN * 9 / 2 + KWP_EXTRA };

struct algorithm {
    const char *name;
    size_t len, check_value_len;
};
static const struct algorithm algorithms[] = {
    [HANDOVER_DES2] = {"des2", 16, 3},     [HANDOVER_DES3] = {"des3", 24, 3},
    [HANDOVER_AES128] = {"aes128", 16, 5}, [HANDOVER_AES192] = {"aes192", 24, 5},
    [HANDOVER_AES256] = {"aes256", 32, 5}, [HANDOVER_RSA] = {"rsa", 0, 3},
};
static const char *const methods[] = {[HANDOVER_KWP] = "kwp", [HANDOVER_OAEP_SHA1] = "oaep-sha1"};
enum {
    ALGORITHM_COUNT = sizeof(algorithms) / sizeof(algorithms[0]),
    METHOD_COUNT = sizeof(methods) / sizeof(methods[0])
};

const char *handover_algorithm_name(enum handover_algorithm algorithm)
{
    return (size_t)algorithm < ALGORITHM_COUNT ? algorithms[algorithm].name : "";
}

size_t handover_algorithm_len(enum handover_algorithm algorithm)
{
    return (size_t)algorithm < ALGORITHM_COUNT ? algorithms[algorithm].len : 0;
}

size_t handover_check_value_len(enum handover_algorithm algorithm)
{
    return (size_t)algorithm < ALGORITHM_COUNT ? algorithms[algorithm].check_value_len : 0;
}

bool handover_algorithm_find(const char *name, enum handover_algorithm *out)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if (strcmp(name, algorithms[i].name) != 0) continue;
        *out = (enum handover_algorithm)i;
        return true;
    }
    return false;
}

const char *handover_method_name(enum handover_method method)
{
    return (size_t)method < METHOD_COUNT ? methods[method] : "";
}

static bool is(const char *text, size_t len, const char *word)
{
    return bytes_equal(text, len, word, strlen(word));
}

static void put_text(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    const char *text = &((const char *)h)[f->offset];
    buf_put(b, text, strnlen(text, f->max + 1));
}

static bool read_text(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                      struct err *err)
{
    return line_value_text(text, len, f->max, f->characters, &((char *)h)[f->offset], err);
}

/* A hyphen stands for an empty text; a text that is a hyphen is written as nothing, which is refused. */
static void put_optional(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    const char *text = &((const char *)h)[f->offset];
    if (text[0] == '\0')
        buf_put_text(b, "-");
    else if (text[0] != '-' || text[1] != '\0')
        put_text(f, h, b);
}

static bool read_optional(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                          struct err *err)
{
    if (!is(text, len, "-")) return read_text(f, text, len, h, err);
    ((char *)h)[f->offset] = '\0';
    return true;
}

static void put_number(struct buf *b, uint64_t value)
{
    buf_put_format(b, "%llu", (unsigned long long)value);
}

static void put_serial(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    put_number(b, h->serial);
}

static bool read_serial(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                        struct err *err)
{
    (void)f;
    return line_value_number(text, len, INT64_MAX, &h->serial, err);
}

static bool take_version(const char *text, size_t len, uint16_t *out, struct err *err)
{
    uint64_t version = 0;
    if (!line_value_number(text, len, UINT16_MAX, &version, err)) return false;
    *out = (uint16_t)version;
    return true;
}

/* A hyphen where there is none; the algorithm decides whether that may be. */
static void put_version(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    if (h->version)
        put_number(b, h->version);
    else
        buf_put_text(b, "-");
}

static bool read_version(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                         struct err *err)
{
    (void)f;
    h->version = 0;
    return is(text, len, "-") || take_version(text, len, &h->version, err);
}

/* "hh:mm:ssZ" behind the T, each part below its bound */
static bool is_time(const char *text)
{
    static const char bounds[] = "24:60:60Z";
    for (size_t i = 0; i < sizeof(bounds) - 1; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (i % 3 == 2 ? text[i] != bounds[i] : !is_digit) return false;
        if (i % 3 == 1 && memcmp(&text[i - 1], &bounds[i - 1], 2) >= 0) return false;
    }
    return true;
}

static bool read_created(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                         struct err *err)
{
    struct date day;
    if (len != HANDOVER_TIME_LEN || text[HANDOVER_DATE_LEN] != 'T' || !is_time(&text[HANDOVER_DATE_LEN + 1]))
        return err_set(err, ERR_INPUT, "is no time YYYY-MM-DDThh:mm:ssZ");
    return date_read(text, HANDOVER_DATE_LEN, &day, err) && read_text(f, text, len, h, err);
}

static bool read_date(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                      struct err *err)
{
    struct date day;
    if (is(text, len, "-")) return read_optional(f, text, len, h, err);
    if (len != HANDOVER_DATE_LEN) return err_set(err, ERR_INPUT, "is neither a date YYYY-MM-DD nor -");
    return date_read(text, len, &day, err) && read_text(f, text, len, h, err);
}

static bool read_last_date(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                           struct err *err)
{
    if (!read_date(f, text, len, h, err)) return false;
    /* This form of a date sorts as text. */
    if (h->not_before[0] == '\0' || h->not_after[0] == '\0' || strcmp(h->not_before, h->not_after) <= 0)
        return true;
    return err_set(err, ERR_INPUT, "is before the first day, %s", h->not_before);
}

static void put_algorithm(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    buf_put_text(b, handover_algorithm_name(h->algorithm));
}

static bool read_algorithm(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                           struct err *err)
{
    (void)f;
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if (!is(text, len, algorithms[i].name)) continue;
        h->algorithm = (enum handover_algorithm)i;
        if (h->version || h->algorithm == HANDOVER_RSA) return true;
        return err_set(err, ERR_INPUT, "%s is of a key that has a version", algorithms[i].name);
    }
    return err_set(err, ERR_INPUT, "is none of des2, des3, aes128, aes192, aes256, rsa");
}

static void put_test(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    buf_put_text(b, h->test ? "yes" : "no");
}

static bool read_test(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                      struct err *err)
{
    (void)f;
    if (!is(text, len, "yes") && !is(text, len, "no"))
        return err_set(err, ERR_INPUT, "is neither yes nor no");
    h->test = is(text, len, "yes");
    return true;
}

static void put_under(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    put_text(f, h, b);
    if (!h->under_version) return;
    buf_put_text(b, "/");
    put_number(b, h->under_version);
}

static bool read_under(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                       struct err *err)
{
    const char *slash = memchr(text, '/', len);
    size_t name_len = slash ? (size_t)(slash - text) : len;
    h->under_version = 0;
    return read_text(f, text, name_len, h, err) &&
           (!slash || take_version(slash + 1, len - name_len - 1, &h->under_version, err));
}

static void put_method(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    buf_put_text(b, handover_method_name(h->method));
}

static bool read_method(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                        struct err *err)
{
    (void)f;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (!is(text, len, methods[i])) continue;
        h->method = (enum handover_method)i;
        if (h->method != HANDOVER_KWP && h->algorithm == HANDOVER_RSA)
            return err_set(err, ERR_INPUT, "oaep-sha1 has no room for a pair");
        if ((h->method == HANDOVER_KWP) == (h->under_version > 0)) return true;
        return err_set(err, ERR_INPUT,
                       h->under_version ? "oaep-sha1 is under a key-exchange pair, which has no version"
                                        : "kwp is under a key that has a version");
    }
    return err_set(err, ERR_INPUT, "is none of kwp, oaep-sha1");
}

static void put_hex(struct buf *b, const uint8_t *data, size_t len, size_t max)
{
    if (len <= max) hex_put(b, data, len);
}

static void put_check_value(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    put_hex(b, h->check_value, h->check_value_len, HANDOVER_CHECK_VALUE_MAX);
}

static bool read_check_value(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                             struct err *err)
{
    size_t due = handover_check_value_len(h->algorithm);
    (void)f;
    h->check_value_len = due;
    return line_value_hex(text, len, (struct line_value_sizes){due, due}, h->check_value, NULL, err);
}

static void put_wrapped(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    put_hex(b, h->wrapped, h->wrapped_len, HANDOVER_WRAPPED_MAX);
}

static bool read_wrapped(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                         struct err *err)
{
    size_t exact = handover_algorithm_len(h->algorithm) + KWP_EXTRA;
    struct line_value_sizes sizes = {exact, exact};
    (void)f;
    if (h->method != HANDOVER_KWP) {
        sizes = (struct line_value_sizes){RSA_MODULUS_MIN, RSA_MODULUS_MAX};
    } else if (h->algorithm == HANDOVER_RSA) {
        if (len / 2 % 8 != 0) return err_set(err, ERR_INPUT, "is not a multiple of 16 hex digits");
        sizes = (struct line_value_sizes){PAIR_MIN, HANDOVER_WRAPPED_MAX};
    }
    return line_value_hex(text, len, sizes, h->wrapped, &h->wrapped_len, err);
}

static void put_signer(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    hex_put(b, h->signer, SHA256_LEN);
}

static bool read_signer(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                        struct err *err)
{
    (void)f;
    return line_value_hex(text, len, (struct line_value_sizes){SHA256_LEN, SHA256_LEN}, h->signer, NULL, err);
}

static void put_signature(const struct handover_field *f, const struct handover *h, struct buf *b)
{
    (void)f;
    put_hex(b, h->signature, h->signature_len, SIGNATURE_MAX);
}

static bool read_signature(const struct handover_field *f, const char *text, size_t len, struct handover *h,
                           struct err *err)
{
    (void)f;
    return line_value_hex(text, len, (struct line_value_sizes){HANDOVER_SIGNATURE_MIN, SIGNATURE_MAX},
                          h->signature, &h->signature_len, err);
}

#define TEXT(member, characters)                                                                             \
    offsetof(struct handover, member), sizeof(((struct handover *)0)->member) - 1, characters

const struct handover_field handover_fields[HANDOVER_FIELD_COUNT] = {
    {"sender", put_text, read_text, TEXT(sender, LINE_VALUE_NAME)},
    {"receiver", put_text, read_text, TEXT(receiver, LINE_VALUE_NAME)},
    {"serial", put_serial, read_serial, 0, 0, NULL},
    {"created", put_text, read_created, TEXT(created, "0123456789-T:Z")},
    {"key", put_text, read_text, TEXT(key, LINE_VALUE_NAME)},
    {"version", put_version, read_version, 0, 0, NULL},
    {"role", put_text, read_text, TEXT(role, LINE_VALUE_WORD)},
    {"algorithm", put_algorithm, read_algorithm, 0, 0, NULL},
    {"check-value", put_check_value, read_check_value, 0, 0, NULL},
    {"not-before", put_optional, read_date, TEXT(not_before, "0123456789-")},
    {"not-after", put_optional, read_last_date, TEXT(not_after, "0123456789-")},
    {"derivation", put_optional, read_optional, TEXT(derivation, LINE_VALUE_WORD)},
    {"test", put_test, read_test, 0, 0, NULL},
    {"under", put_under, read_under, TEXT(under, LINE_VALUE_NAME)},
    {"method", put_method, read_method, 0, 0, NULL},
    {"wrapped", put_wrapped, read_wrapped, 0, 0, NULL},
    {"signer", put_signer, read_signer, 0, 0, NULL},
    {"signature", put_signature, read_signature, 0, 0, NULL},
};
