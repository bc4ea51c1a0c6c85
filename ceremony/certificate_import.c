#include "ceremony/certificate_import.h"

#include <string.h>

#include "base/hex.h"
#include "base/outfile.h"
#include "ceremony/certificate_accept.h"
#include "ceremony/output.h"
#include "formats/issuer_answer.h"

enum { TEXT_MAX = 8192 };

static bool same_ca(const struct ca_key_file *a, const struct ca_key_file *b)
{
    const struct emv_public_key *x = &a->key.key, *y = &b->key.key;
    return a->test == b->test && a->key.index == b->key.index && memcmp(a->key.rid, b->key.rid, 5) == 0 &&
           memcmp(a->key.expiry, b->key.expiry, 2) == 0 &&
           bytes_equal(x->modulus, x->modulus_len, y->modulus, y->modulus_len) &&
           bytes_equal(x->exponent, x->exponent_len, y->exponent, y->exponent_len);
}

/* The scheme's key, from where the caller says. Jobs will read the plan's file, so both must agree. */
static bool load_ca(const char *given, const struct plan_certificate *pc, struct ca_key_file *out,
                    struct err *err)
{
    struct ca_key_file kept;
    if (!given) return ca_key_file_load(pc->ca_path, out, err);
    if (!ca_key_file_load(given, out, err)) return false;
    if (!output_is_there(pc->ca_path)) return true;
    if (!ca_key_file_load(pc->ca_path, &kept, err)) return false;
    return same_ca(out, &kept) ||
           err_set(err, ERR_INTEGRITY, "CA key: %s holds another key than %s, which the plan names", given,
                   pc->ca_path);
}

static bool read_bytes(const char *path, struct buf *out, struct err *err)
{
    struct buf text;
    bool ok = false;
    buf_init(&text, ISSUER_ANSWER_FILE_MAX);
    if (!file_read_all(path, ISSUER_ANSWER_FILE_MAX, &text, err)) goto out;
    ok = issuer_answer_bytes(text.data, text.len, out, err);
    if (!ok) err_prefix(err, "%s", path);
out:
    buf_release(&text);
    return ok;
}

static bool add_remainder(const char *path, struct issuer_answer *answer, struct err *err)
{
    struct buf bytes;
    bool ok = false;
    if (!path) return true;
    buf_init(&bytes, ISSUER_ANSWER_FILE_MAX);
    if (answer->remainder_len) {
        err_set(err, ERR_CONFIG, "the answer holds a remainder already: leave --remainder out");
        goto out;
    }
    if (!read_bytes(path, &bytes, err)) goto out;
    if (bytes.len > sizeof(answer->remainder)) {
        err_set(err, ERR_INTEGRITY, "remainder: %s has %zu bytes, there are %zu at most", path, bytes.len,
                sizeof(answer->remainder));
        goto out;
    }
    memcpy(answer->remainder, bytes.data, bytes.len);
    answer->remainder_len = bytes.len;
    ok = true;
out:
    buf_release(&bytes);
    return ok;
}

/* What the answer says counts and is compared with the pair; what the caller says must not contradict it. */
static bool add_exponent(const char *text, const struct emv_public_key *key, struct issuer_answer *answer,
                         struct err *err)
{
    uint8_t given[3];
    size_t len = text ? strlen(text) / 2 : key->exponent_len;
    if (!text) memcpy(given, key->exponent, len);
    if (text && (len == 0 || len > sizeof(given) || !hex_read_exact(text, strlen(text), given, len, err)))
        return err_set(err, ERR_CONFIG, "--exponent '%s' is neither 03 nor 010001", text);
    if (text && answer->exponent_len && !bytes_equal(given, len, answer->exponent, answer->exponent_len))
        return err_set(err, ERR_INTEGRITY, "exponent: the answer holds another than --exponent says");
    if (answer->exponent_len) return true;
    memcpy(answer->exponent, given, len);
    answer->exponent_len = len;
    return true;
}

static void put_answer(const struct issuer_answer *answer, const struct certificate_import *i,
                       struct certificate_file *file)
{
    const struct request *due = &i->request.request;
    *file = (struct certificate_file){.ca_index = due->ca_index, .test = i->ca.test};
    memcpy(file->rid, due->rid, sizeof(file->rid)); /* no answer of these forms says it */
    if (answer->has_ca_index) file->ca_index = answer->ca_index;
    memcpy(file->certificate, answer->certificate, answer->certificate_len);
    file->certificate_len = answer->certificate_len;
    memcpy(file->remainder, answer->remainder, answer->remainder_len);
    file->remainder_len = answer->remainder_len;
    memcpy(file->exponent, answer->exponent, answer->exponent_len);
    file->exponent_len = answer->exponent_len;
}

static bool read_answer(const struct certificate_source *source, const struct certificate_import *i,
                        struct certificate_file *file, struct err *err)
{
    struct issuer_answer answer;
    struct buf bytes;
    bool ok = false;

    buf_init(&bytes, ISSUER_ANSWER_FILE_MAX);
    if (!read_bytes(source->answer, &bytes, err)) goto out;
    if (!issuer_answer_read(bytes.data, bytes.len, i->ca.key.key.modulus_len, &answer, err)) {
        err_prefix(err, "%s", source->answer);
        goto out;
    }
    if (!add_remainder(source->remainder, &answer, err)) goto out;
    if (!add_exponent(source->exponent, &i->request.request.subject.key, &answer, err)) goto out;
    put_answer(&answer, i, file);
    ok = true;
out:
    buf_release(&bytes);
    return ok;
}

/* A YAML certificate file says what it is. */
static bool is_yaml(const char *path, bool *yaml, struct err *err)
{
    static const char name[] = "issuer_certificate:";
    struct buf text;
    buf_init(&text, ISSUER_ANSWER_FILE_MAX);
    bool ok = file_read_all(path, ISSUER_ANSWER_FILE_MAX, &text, err);
    *yaml = ok && text.len && memmem(text.data, text.len, name, sizeof(name) - 1) != NULL;
    buf_release(&text);
    return ok;
}

static bool read_file(const struct certificate_source *source, const struct certificate_import *i,
                      struct certificate_file *file, struct err *err)
{
    bool yaml = false;
    if (!is_yaml(source->answer, &yaml, err)) return false;
    if (!yaml) return read_answer(source, i, file, err);
    if (source->remainder || source->exponent)
        return err_set(
            err, ERR_CONFIG,
            "%s is a YAML certificate file and holds remainder and exponent: leave the options out",
            source->answer);
    return certificate_file_load(source->answer, file, err);
}

bool certificate_import_read(const struct certificate_source *source, const struct date *today,
                             struct certificate_import *i, struct err *err)
{
    const struct plan_certificate *pc = i->request.entry;
    const struct acceptance a = {pc, &i->request.request, &i->ca, today};
    if (!load_ca(source->ca, pc, &i->ca, err)) return false;
    if (!certificate_accept_ca(&a, err)) {
        err_prefix(err, "%s", source->ca ? source->ca : pc->ca_path);
        return false;
    }
    if (!certificate_request_is_as_sent(&i->request, err)) return false;
    if (!read_file(source, i, &i->file, err)) return false;
    if (certificate_accept(&a, &i->file, err)) return true;
    err_prefix(err, "%s, read as a certificate of %zu bytes and a remainder of %zu", source->answer,
               i->file.certificate_len, i->file.remainder_len);
    return false;
}

bool certificate_import_store(const struct certificate_import *i, struct step_result *result, struct err *err)
{
    const struct plan_certificate *pc = i->request.entry;
    struct step_result of_ca;
    struct buf ca, text;
    bool ok = false;

    buf_init(&ca, TEXT_MAX);
    buf_init(&text, TEXT_MAX);
    if (!ca_key_file_put(&i->ca, &ca, err)) goto out;
    if (!certificate_file_put(&i->file, &text, err)) goto out;
    if (!output_is_there(pc->ca_path) && !output_put(pc->ca_path, &ca, OUTPUT_KEEP, &of_ca, err)) goto out;
    ok = output_put(pc->certificate_path, &text, OUTPUT_KEEP, result, err);
out:
    buf_release(&text);
    buf_release(&ca);
    return ok;
}
