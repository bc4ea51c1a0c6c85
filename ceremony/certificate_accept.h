/* ceremony/certificate_accept.h - is a scheme's certificate what the plan asked for? Every field of EMV Book 2, table 5
 * is compared, and the scheme's key with the plan. */
#ifndef CEREMONY_CERTIFICATE_ACCEPT_H
#define CEREMONY_CERTIFICATE_ACCEPT_H

#include "ceremony/request.h"
#include "config/certificate_file.h"
#include "config/plan.h"
#include "formats/date.h"

struct acceptance {
    const struct plan_certificate *entry;
    const struct request *request;
    const struct ca_key_file *ca;
    const struct date *today; /* what ended before is refused; NULL: not asked, for what was accepted once */
};

/* Is this the plan's CA key? False (ERR_INTEGRITY), with the field in front: mark (TEST in a plan that is not, or the
 * other way round), RID, index, expiry (not the plan's ca_expiry, or over). */
MUST_CHECK bool certificate_accept_ca(const struct acceptance *a, struct err *err);
/* The same, then recovers the certificate into file->recovered and compares. False (ERR_INTEGRITY), with the field in
 * front: mark, RID, index, exponent, what emv_issuer_recover names, modulus length, modulus, issuer identifier, expiry
 * (no month, over, after the CA key's, and in TEST plans not the plan's). A real scheme may give another expiry and
 * another serial than the plan asked for: these are for people to see. */
MUST_CHECK bool certificate_accept(const struct acceptance *a, struct certificate_file *file,
                                   struct err *err);

/* The issuer identifier's digits without padding. */
enum { ISSUER_TEXT_MAX = 9 };
const char *certificate_issuer_text(const uint8_t subject[4], char text[static ISSUER_TEXT_MAX]);
/* MMYY as "12/2032". */
enum { MONTH_TEXT_MAX = 16 };
const char *certificate_month_text(const uint8_t mmyy[2], char text[static MONTH_TEXT_MAX]);

#endif
