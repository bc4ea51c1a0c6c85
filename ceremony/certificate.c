#include "ceremony/certificate.h"

#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "ceremony/place.h"
#include "ceremony/output.h"
#include "ceremony/request.h"
#include "formats/entry.h"

enum { TEXT_MAX = 8192, PATH_TEXT_MAX = 4096 };

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

static bool put_public_key(const struct hsm_pair *pair, struct emv_public_key *key, struct err *err)
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

/* What the plan wants certified, with the pair's public key. */
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
    return put_public_key(pair, &r->subject.key, err);
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
    if (!put_public_key(&pair, &ca.key.key, err)) return false;
    if (!pc->ca_expiry || !hex_read_exact(pc->ca_expiry, strlen(pc->ca_expiry), ca.key.expiry, 2, err) ||
        !hex_read_exact(pc->rid, strlen(pc->rid), ca.key.rid, sizeof(ca.key.rid), err))
        return err_set(err, ERR_CONFIG, "a TEST CA needs `rid` (5 bytes) and `ca_expiry` (MMYY)");
    *out = ca;
    return true;
}

static bool same_key(const struct emv_public_key *a, const struct emv_public_key *b)
{
    return bytes_equal(a->modulus, a->modulus_len, b->modulus, b->modulus_len) &&
           bytes_equal(a->exponent, a->exponent_len, b->exponent, b->exponent_len);
}

/* Recovers with the CA key and compares with what the plan wants. */
static bool accept(struct certificate_file *file, const struct ca_key_file *ca, const struct request *r,
                   struct err *err)
{
    const struct emv_certificate *is = &file->recovered;
    if (memcmp(file->rid, r->rid, sizeof(r->rid)) != 0 || file->ca_index != r->ca_index)
        return err_set(err, ERR_INTEGRITY, "certificate is for another RID or CA key index than the plan's");
    if (!certificate_file_recover(file, ca, err)) return false;
    if (!same_key(&is->key, &r->subject.key))
        return err_set(err, ERR_INTEGRITY, "certificate is of another key than the issuer pair on the token");
    if (memcmp(is->subject, r->subject.subject, 4) != 0)
        return err_set(err, ERR_INTEGRITY, "certificate names another issuer than the plan");
    if (memcmp(is->expiry, r->subject.expiry, 2) != 0 && r->test)
        return err_set(err, ERR_INTEGRITY, "certificate has another expiry than the plan");
    if (emv_expires_after(is->expiry, ca->key.expiry))
        return err_set(err, ERR_CONFIG, "certificate would outlive the CA key");
    return true;
}

/* Loads both files and accepts the certificate. */
static bool accept_files(const struct plan_certificate *pc, const struct request *r, struct err *err)
{
    struct certificate_file file;
    struct ca_key_file ca;
    return ca_key_file_load(pc->ca_path, &ca, err) &&
           certificate_file_load(pc->certificate_path, &file, err) && accept(&file, &ca, r, err);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool subject_of(struct ceremony *c, const struct plan_certificate *pc, struct hsm_token **t,
                       struct hsm_pair *pair, struct request *r, struct err *err)
{
    return place_find_pair(c, pc->issuer_key, t, pair, err) && make_subject(c->plan, pc, pair, r, err);
}

bool certificate_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    const struct plan_certificate *pc = &c->plan->certificates[index];
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct request request;
    bool pair_there = false;

    output_look(pc->certificate_path, r);
    if (!place_pair_is_there(c, pc->issuer_key, &pair_there, err)) return false;
    if (r->state != STEP_THERE) return true;
    if (!pair_there)
        return err_set(err, ERR_TOKEN, "%s is there, but its key '%s' is not on the token",
                       pc->certificate_path, pc->issuer_key);
    return subject_of(c, pc, &t, &pair, &request, err) && accept_files(pc, &request, err);
}

typedef bool request_form_fn(const struct request *r, struct hsm_token *t, const struct hsm_pair *pair,
                             struct buf *out, struct err *err);
static const struct request_form {
    const char *suffix;
    request_form_fn *put;
} request_forms[] = {{".request.yaml", request_put}, {".request.csr", request_put_pkcs10}};

/* Signatures of this kind are the same each time, so a second run finds its own files. */
static bool write_requests(const struct plan_certificate *pc, const struct request *r, struct hsm_token *t,
                           const struct hsm_pair *pair, struct err *err)
{
    char path[PATH_TEXT_MAX];
    size_t stem = strlen(pc->certificate_path);
    if (stem > 5 && strcmp(pc->certificate_path + stem - 5, ".yaml") == 0) stem -= 5;
    for (size_t i = 0; i < sizeof(request_forms) / sizeof(request_forms[0]); i++) {
        struct step_result ignored;
        struct buf text;
        int len =
            snprintf(path, sizeof(path), "%.*s%s", (int)stem, pc->certificate_path, request_forms[i].suffix);
        if (len < 0 || (size_t)len >= sizeof(path))
            return err_set(err, ERR_CONFIG, "path of the certificate is too long");
        buf_init(&text, TEXT_MAX);
        bool ok = request_forms[i].put(r, t, pair, &text, err) &&
                  output_put(path, &text, OUTPUT_KEEP, &ignored, err);
        buf_release(&text);
        if (!ok) return false;
    }
    return true;
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
    bool ok = false;

    buf_init(&ca_text, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    if (!certificate_test_ca(c, pc, &ca, err)) goto out;
    if (!sign_certificate(c, pc, r, &file, err)) goto out;
    if (!accept(&file, &ca, r, err)) goto out;
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
    struct hsm_token *t = NULL;
    struct hsm_pair pair;
    struct request request;

    if (!subject_of(c, pc, &t, &pair, &request, err)) return false;
    if (!write_requests(pc, &request, t, &pair, err)) return false;
    if (is_there(pc->certificate_path)) {
        output_look(pc->certificate_path, r);
        return accept_files(pc, &request, err);
    }
    if (pc->ca_key) return issue(c, pc, &request, r, err);
    r->state = STEP_WAITING;
    snprintf(r->detail, sizeof(r->detail),
             "send the request to the scheme, put its answer at %s, run this again", pc->certificate_path);
    return true;
}
