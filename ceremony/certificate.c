#include "ceremony/certificate.h"

#include <string.h>

#include "base/hex.h"
#include "ceremony/certificate_accept.h"
#include "ceremony/certificate_request.h"
#include "ceremony/place.h"
#include "ceremony/output.h"

enum { TEXT_MAX = 8192 };

size_t certificate_count(const struct plan *p)
{
    return p->certificate_count;
}

void certificate_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    const struct plan_certificate *pc = &p->certificates[index];
    if (pc->ca_key)
        snprintf(text, size, "of %s by TEST CA %s", pc->issuer_key, pc->ca_key);
    else
        snprintf(text, size, "of %s", pc->issuer_key);
}

bool certificate_test_ca(struct ceremony *c, const struct plan_certificate *pc, struct ca_key_file *out,
                         struct err *err)
{
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct ca_key_file ca = {.test = true};
    if (!c->plan->test)
        return err_set(
            err, ERR_CONFIG,
            "a scheme CA of one's own is for TEST plans alone: leave ca_key out, or say test: yes");
    if (!place_find_pair(c, pc->ca_key, &t, &pair, err)) return false;
    ca.key.index = pc->ca_index;
    if (!certificate_public_key(&pair, &ca.key.key, err)) return false;
    if (!pc->ca_expiry || !hex_read_exact(pc->ca_expiry, strlen(pc->ca_expiry), ca.key.expiry, 2, err) ||
        !hex_read_exact(pc->rid, strlen(pc->rid), ca.key.rid, sizeof(ca.key.rid), err))
        return err_set(err, ERR_CONFIG, "a TEST CA needs `rid` (5 bytes) and `ca_expiry` (MMYY)");
    *out = ca;
    return true;
}

/* Loads both files and accepts the certificate. It was looked at on its way in, so it may have expired meanwhile. */
static bool accept_files(const struct plan_certificate *pc, const struct request *r, struct err *err)
{
    struct certificate_file file;
    struct ca_key_file ca;
    const struct acceptance a = {pc, r, &ca, NULL};
    return ca_key_file_load(pc->ca_path, &ca, err) &&
           certificate_file_load(pc->certificate_path, &file, err) && certificate_accept(&a, &file, err);
}

static bool await_answer(const struct plan_certificate *pc, struct step_result *r, struct err *err)
{
    char path[CERTIFICATE_PATH_MAX], name[128];
    if (!certificate_request_path(pc, path, err)) return false;
    if (!output_is_there(path)) return true;
    output_describe(path, name, sizeof(name));
    r->state = STEP_WAITING;
    snprintf(r->detail, sizeof(r->detail),
             "send %s to the scheme, then: cardkeys certificate import PLAN ANSWER", name);
    return true;
}

bool certificate_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_certificate *pc = &c->plan->certificates[index];
    struct certificate_request request;
    bool pair_there = false;

    output_look(pc->certificate_path, r);
    if (!place_pair_is_there(c, pc->issuer_key, &pair_there, err)) return false;
    if (r->state != STEP_THERE) return pc->ca_key || await_answer(pc, r, err);
    if (!pair_there)
        return err_set(err, ERR_TOKEN, "%s is there, but its key '%s' is not on the token",
                       pc->certificate_path, pc->issuer_key);
    return certificate_request_make(c, pc, &request, err) && accept_files(pc, &request.request, err);
}

/* The TEST CA signs the template. */
static bool sign_certificate(struct ceremony *c, const struct plan_certificate *pc, const struct request *r,
                             struct certificate_file *file, struct err *err)
{
    struct hsm_token *t = NULL;
    struct hsm_pair ca;
    struct buf block, remainder, certificate;
    bool ok = false;

    buf_init(&block, EMV_MODULUS_MAX);
    buf_init(&remainder, EMV_MODULUS_MAX);
    buf_init(&certificate, EMV_MODULUS_MAX);
    if (!place_find_pair(c, pc->ca_key, &t, &ca, err)) goto out;
    if (!emv_issuer_template(&r->subject, ca.modulus_len, &block, &remainder, err)) goto out;
    if (!hsm_sign_raw(t, &ca.private_key, block.data, block.len, &certificate, err)) goto out;
    if (certificate.len > sizeof(file->certificate) || remainder.len > sizeof(file->remainder)) {
        err_set(err, ERR_CONFIG, "certificate or remainder is too long");
        goto out;
    }
    *file = (struct certificate_file){.ca_index = r->ca_index, .test = true};
    memcpy(file->rid, r->rid, sizeof(file->rid));
    memcpy(file->certificate, certificate.data, certificate.len);
    file->certificate_len = certificate.len;
    if (remainder.len) memcpy(file->remainder, remainder.data, remainder.len);
    file->remainder_len = remainder.len;
    memcpy(file->exponent, r->subject.key.exponent, r->subject.key.exponent_len);
    file->exponent_len = r->subject.key.exponent_len;
    ok = true;
out:
    buf_release(&certificate);
    buf_release(&remainder);
    buf_release(&block);
    return ok;
}

static bool issue(struct ceremony *c, const struct plan_certificate *pc, const struct request *r,
                  struct step_result *result, struct err *err)
{
    struct certificate_file file;
    struct ca_key_file ca;
    struct buf ca_text, text;
    const struct acceptance a = {pc, r, &ca, NULL};
    bool ok = false;

    buf_init(&ca_text, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    if (!certificate_test_ca(c, pc, &ca, err)) goto out;
    if (emv_expires_after(r->subject.expiry, ca.key.expiry)) {
        err_set(err, ERR_CONFIG, "certificate would outlive the CA key");
        goto out;
    }
    if (!sign_certificate(c, pc, r, &file, err)) goto out;
    if (!certificate_accept(&a, &file, err)) goto out;
    if (!ca_key_file_put(&ca, &ca_text, err)) goto out;
    if (!certificate_file_put(&file, &text, err)) goto out;
    if (!output_put(pc->ca_path, &ca_text, OUTPUT_KEEP, result, err)) goto out;
    if (!output_put(pc->certificate_path, &text, OUTPUT_KEEP, result, err)) goto out;
    ok = accept_files(pc, r, err); /* as written, not as meant */
out:
    buf_release(&text);
    buf_release(&ca_text);
    return ok;
}

bool certificate_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_certificate *pc = &c->plan->certificates[index];
    struct certificate_request request;
    struct step_result of_request;

    if (!certificate_request_make(c, pc, &request, err)) return false;
    if (!certificate_request_write(&request, &of_request, err)) return false;
    if (output_is_there(pc->certificate_path)) {
        output_look(pc->certificate_path, r);
        return accept_files(pc, &request.request, err);
    }
    return pc->ca_key ? issue(c, pc, &request.request, r, err) : await_answer(pc, r, err);
}
