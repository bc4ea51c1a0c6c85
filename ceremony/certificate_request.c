#include "ceremony/certificate_request.h"

#include <string.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "ceremony/place.h"
#include "ceremony/output.h"
#include "formats/entry.h"

enum { TEXT_MAX = 8192 };

bool certificate_public_key(const struct hsm_pair *pair, struct emv_public_key *key, struct err *err)
{
    if (pair->modulus_len > EMV_MODULUS_MAX || pair->exponent_len > sizeof(key->exponent))
        return err_set(err, ERR_CONFIG, "a modulus of %zu bytes is over EMV's %d", pair->modulus_len,
                       EMV_MODULUS_MAX);
    memcpy(key->modulus, pair->modulus, pair->modulus_len);
    key->modulus_len = pair->modulus_len;
    memcpy(key->exponent, pair->exponent, pair->exponent_len);
    key->exponent_len = pair->exponent_len;
    return true;
}

static bool make_subject(const struct plan *p, const struct plan_certificate *pc, const struct hsm_pair *pair,
                         struct request *r, struct err *err)
{
    uint8_t issuer[KEKID_LEN]; /* the issuer's digits stand in a KEK identifier as in a certificate */
    *r = (struct request){.name = p->name, .ca_index = pc->ca_index, .test = p->test};
    if (!kekid_make(pc->issuer_digits, 1, issuer, err)) return false;
    memcpy(r->subject.subject, issuer, 4);
    memcpy(r->subject.serial, pc->serial, sizeof(r->subject.serial));
    if (!hex_read_exact(pc->rid, strlen(pc->rid), r->rid, sizeof(r->rid), err) ||
        !hex_read_exact(pc->expiry, strlen(pc->expiry), r->subject.expiry, 2, err)) {
        err->kind = ERR_CONFIG;
        err_prefix(err, "rid or expiry");
        return false;
    }
    return certificate_public_key(pair, &r->subject.key, err);
}

bool certificate_request_make(struct ceremony *c, const struct plan_certificate *entry,
                              struct certificate_request *out, struct err *err)
{
    *out = (struct certificate_request){.entry = entry};
    return place_find_pair(c, entry->issuer_key, &out->token, &out->pair, err) &&
           make_subject(c->plan, entry, &out->pair, &out->request, err);
}

static bool path_of(const struct plan_certificate *pc, const char *suffix, char path[CERTIFICATE_PATH_MAX],
                    struct err *err)
{
    size_t stem = strlen(pc->certificate_path);
    if (stem > 5 && strcmp(pc->certificate_path + stem - 5, ".yaml") == 0) stem -= 5;
    int len = snprintf(path, CERTIFICATE_PATH_MAX, "%.*s%s", (int)stem, pc->certificate_path, suffix);
    return (len >= 0 && len < CERTIFICATE_PATH_MAX) ||
           err_set(err, ERR_CONFIG, "path of the certificate is too long");
}

typedef bool request_form_fn(const struct request *r, struct hsm_token *t, const struct hsm_pair *pair,
                             struct buf *out, struct err *err);
static const struct request_form {
    const char *suffix;
    request_form_fn *put;
} request_forms[] = {{".request.yaml", request_put}, {".request.csr", request_put_pkcs10}};

static bool write_form(const struct certificate_request *r, const struct request_form *form,
                       struct step_result *result, struct err *err)
{
    char path[CERTIFICATE_PATH_MAX];
    struct buf text;
    buf_init(&text, TEXT_MAX);
    bool ok = path_of(r->entry, form->suffix, path, err) &&
              form->put(&r->request, r->token, &r->pair, &text, err) &&
              output_put(path, &text, OUTPUT_KEEP, result, err);
    buf_release(&text);
    return ok;
}

bool certificate_request_write(const struct certificate_request *r, struct step_result *result,
                               struct err *err)
{
    struct step_result ignored;
    for (size_t i = 0; i < sizeof(request_forms) / sizeof(request_forms[0]); i++) {
        if (!write_form(r, &request_forms[i], i == 0 ? result : &ignored, err)) return false;
    }
    return true;
}

bool certificate_request_path(const struct plan_certificate *entry, char path[CERTIFICATE_PATH_MAX],
                              struct err *err)
{
    return path_of(entry, request_forms[0].suffix, path, err);
}

bool certificate_request_is_as_sent(const struct certificate_request *r, struct err *err)
{
    char path[CERTIFICATE_PATH_MAX];
    struct buf due, is;
    bool ok = false;

    buf_init(&due, TEXT_MAX);
    buf_init(&is, TEXT_MAX);
    if (!certificate_request_path(r->entry, path, err)) goto out;
    if (!output_is_there(path)) {
        ok = true;
        goto out;
    }
    if (!file_read_all(path, TEXT_MAX, &is, err)) goto out;
    if (!request_put(&r->request, r->token, &r->pair, &due, err)) goto out;
    ok = bytes_equal(is.data, is.len, due.data, due.len) ||
         err_set(err, ERR_INTEGRITY,
                 "%s is not the request that this plan makes: the plan or the pair has changed since", path);
out:
    buf_release(&is);
    buf_release(&due);
    return ok;
}
