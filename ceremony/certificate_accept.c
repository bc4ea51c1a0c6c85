#include "ceremony/certificate_accept.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"

const char *certificate_issuer_text(const uint8_t subject[4], char text[static ISSUER_TEXT_MAX])
{
    hex_write(text, ISSUER_TEXT_MAX, subject, 4, false);
    text[strcspn(text, "F")] = 0;
    return text;
}

const char *certificate_month_text(const uint8_t mmyy[2], char text[static MONTH_TEXT_MAX])
{
    snprintf(text, MONTH_TEXT_MAX, "%02X/%d", mmyy[0],
             date_full_year((mmyy[1] >> 4) * 10 + (mmyy[1] & 0x0F)));
    return text;
}

static bool check_mark(bool marked, bool plan_is_test, const char *what, struct err *err)
{
    if (marked && !plan_is_test)
        return err_set(
            err, ERR_INTEGRITY,
            "mark: %s is marked TEST and the plan is not: a TEST CA certifies nothing for real cards", what);
    if (!marked && plan_is_test)
        return err_set(err, ERR_INTEGRITY,
                       "mark: the plan is TEST and %s is not: a TEST plan takes nothing of a real scheme",
                       what);
    return true;
}

static bool check_names(const uint8_t rid[5], uint8_t index, const struct request *due, const char *what,
                        struct err *err)
{
    char is_rid[11], due_rid[11];
    hex_write(is_rid, sizeof(is_rid), rid, 5, false);
    hex_write(due_rid, sizeof(due_rid), due->rid, 5, false);
    if (strcmp(is_rid, due_rid) != 0)
        return err_set(err, ERR_INTEGRITY, "RID: %s is of %s, the plan names %s", what, is_rid, due_rid);
    if (index != due->ca_index)
        return err_set(err, ERR_INTEGRITY, "CA key index: %s has %02X, the plan names %02X", what, index,
                       due->ca_index);
    return true;
}

/* Valid until its month is over. */
static bool check_month(const uint8_t mmyy[2], const struct date *today, const char *what, struct err *err)
{
    const uint8_t yymmdd[3] = {mmyy[1], mmyy[0], 0x01};
    struct err unused = ERR_INIT;
    char month[MONTH_TEXT_MAX];
    struct date first;
    if (!date_from_bcd(yymmdd, &first, &unused))
        return err_set(err, ERR_INTEGRITY, "expiry: %s has %02X%02X, which is no MMYY", what, mmyy[0],
                       mmyy[1]);
    if (today && (first.year < today->year || (first.year == today->year && first.month < today->month)))
        return err_set(err, ERR_INTEGRITY, "expiry: %s has expired at the end of %s", what,
                       certificate_month_text(mmyy, month));
    return true;
}

bool certificate_accept_ca(const struct acceptance *a, struct err *err)
{
    const struct emv_ca_key *key = &a->ca->key;
    uint8_t due[2];
    char month[MONTH_TEXT_MAX], due_month[MONTH_TEXT_MAX];
    if (!check_mark(a->ca->test, a->request->test, "the CA key file", err)) return false;
    if (!check_names(key->rid, key->index, a->request, "the CA key file", err)) return false;
    if (!check_month(key->expiry, a->today, "the CA key", err)) return false;
    if (!a->entry->ca_expiry) return true;
    if (!hex_read_exact(a->entry->ca_expiry, strlen(a->entry->ca_expiry), due, sizeof(due), err))
        return false;
    return memcmp(due, key->expiry, sizeof(due)) == 0 ||
           err_set(err, ERR_INTEGRITY, "expiry: the CA key is valid to %s, the plan says %s",
                   certificate_month_text(key->expiry, month), certificate_month_text(due, due_month));
}

/* Before recovery, which would only say that the hash differs. */
static bool check_exponent(const struct certificate_file *file, const struct emv_public_key *due,
                           struct err *err)
{
    char is_text[7], due_text[7];
    if (bytes_equal(file->exponent, file->exponent_len, due->exponent, due->exponent_len)) return true;
    hex_write(is_text, sizeof(is_text), file->exponent, file->exponent_len, false);
    hex_write(due_text, sizeof(due_text), due->exponent, due->exponent_len, false);
    return err_set(err, ERR_INTEGRITY, "exponent: the answer says %s, the issuer pair has %s", is_text,
                   due_text);
}

static bool check_key(const struct emv_public_key *is, const struct emv_public_key *due, struct err *err)
{
    if (is->modulus_len != due->modulus_len)
        return err_set(err, ERR_INTEGRITY,
                       "modulus length: the certificate is of %zu bytes, the issuer pair has %zu",
                       is->modulus_len, due->modulus_len);
    return memcmp(is->modulus, due->modulus, due->modulus_len) == 0 ||
           err_set(err, ERR_INTEGRITY,
                   "modulus: the certificate is of another key than the issuer pair on the token");
}

static bool check_issuer(const uint8_t is[4], const uint8_t due[4], struct err *err)
{
    char is_text[ISSUER_TEXT_MAX], due_text[ISSUER_TEXT_MAX];
    return memcmp(is, due, 4) == 0 ||
           err_set(err, ERR_INTEGRITY,
                   "issuer identifier: the certificate names another issuer than the plan: %s, not %s",
                   certificate_issuer_text(is, is_text), certificate_issuer_text(due, due_text));
}

static bool check_expiry(const struct acceptance *a, const uint8_t is[2], struct err *err)
{
    const uint8_t *due = a->request->subject.expiry;
    char is_text[MONTH_TEXT_MAX], other[MONTH_TEXT_MAX];
    if (!check_month(is, a->today, "the certificate", err)) return false;
    if (emv_expires_after(is, a->ca->key.expiry))
        return err_set(err, ERR_INTEGRITY, "expiry: the certificate, valid to %s, outlives the CA key (%s)",
                       certificate_month_text(is, is_text), certificate_month_text(a->ca->key.expiry, other));
    if (a->request->test && memcmp(is, due, 2) != 0)
        return err_set(err, ERR_INTEGRITY, "expiry: the certificate is valid to %s, the plan says %s",
                       certificate_month_text(is, is_text), certificate_month_text(due, other));
    return true;
}

bool certificate_accept(const struct acceptance *a, struct certificate_file *file, struct err *err)
{
    const struct emv_certificate *due = &a->request->subject;
    if (!certificate_accept_ca(a, err)) return false;
    if (!check_mark(file->test, a->request->test, "the certificate", err)) return false;
    if (!check_names(file->rid, file->ca_index, a->request, "the certificate", err)) return false;
    if (!check_exponent(file, &due->key, err)) return false;
    if (!certificate_file_recover(file, a->ca, err)) return false;
    return check_key(&file->recovered.key, &due->key, err) &&
           check_issuer(file->recovered.subject, due->subject, err) &&
           check_expiry(a, file->recovered.expiry, err);
}
