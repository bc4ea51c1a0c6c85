/* ceremony/components.c - named exception 2: for a moment a key's components and the key itself are in this process.
 *
 * Why: no mechanism of the tokens in use combines two keys inside (SoftHSM refuses CKM_XOR_BASE_AND_DATA and all of
 * CKM_CONCATENATE_*), and custodians bring their components on paper or in files, so that they pass through here even
 * where a token could XOR. What keeps it small: components and key stay in locked, guarded memory (struct secret) and
 * are wiped as soon as they are combined; they are read from the terminal with echo off or from a file that only its
 * owner can read; they are compared by check value alone; nothing here can print them. libcrypto's key schedules for
 * the check values are wiped when freed. The key goes straight into the token, under its role (make_keys.c). */
#include "ceremony/components.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/derivation.h"

enum { ENTRY_MAX = 160 /* characters of one entry, with spaces between groups */, TRIES = 3 };

/* 0–15, or over 255 for another character; without branches or tables that depend on it. */
static unsigned nibble(unsigned char c)
{
    unsigned digit = c - '0', letter = (c | 0x20U) - 'a';
    unsigned is_digit = 0U - (unsigned)(digit < 10), is_letter = 0U - (unsigned)(letter < 6);
    return (digit & is_digit) | ((letter + 10) & is_letter) | (0x100U & ~(is_digit | is_letter));
}

/* Hex digits of an entry, spaces between them skipped, as exactly out->room bytes. */
static bool read_hex(const struct secret *text, struct secret *out, struct err *err)
{
    size_t digits = 0;
    unsigned bad = 0, high = 0;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = text->data[i];
        if (c == ' ' || c == '-') continue;
        unsigned n = nibble(c);
        bad |= n >> 8;
        if (digits % 2 == 1 && digits / 2 < out->room)
            out->data[digits / 2] = (uint8_t)(high << 4 | (n & 15));
        high = n & 15;
        digits++;
    }
    if (bad) return err_set(err, ERR_INPUT, "has a character that is no hex digit");
    if (digits != 2 * out->room)
        return err_set(err, ERR_INPUT, "has %zu hex digits; a component is as long as its key: %zu", digits,
                       2 * out->room);
    out->len = out->room;
    return true;
}

static bool read_file(const char *path, struct secret *text, struct err *err)
{
    struct stat st;
    bool ok = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0) return err_set_errno(err, ERR_FILE, errno, "%s", path);
    if (fstat(fd, &st) != 0)
        err_set_errno(err, ERR_FILE, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        err_set(err, ERR_CONFIG, "%s is no regular file", path);
    else if (st.st_mode & 077)
        err_set(err, ERR_CONFIG, "%s may be read by others than its owner: chmod 600 it", path);
    else
        ok = secret_read_line(text, fd, path, err);
    close(fd);
    return ok;
}

static bool read_entry(const struct ceremony *c, const struct plan_key *key, size_t index,
                       struct secret *text, struct err *err)
{
    const struct plan_component *comp = &key->components[index];
    const char *custodian = comp->custodian ? comp->custodian : "custodian";
    char prompt[256], name[PLAN_KEY_NAME_MAX];
    if (comp->source == COMPONENT_FILE) return read_file(comp->text, text, err);
    if (comp->source == COMPONENT_PROMPT) {
        snprintf(prompt, sizeof(prompt),
                 "%s, component %zu of %zu, %s (hex, hidden): ", plan_key_name(key, name), index + 1,
                 key->component_count, custodian);
        return secret_prompt(text, prompt, err);
    }
    if (!c->plan->test)
        return err_set(err, ERR_CONFIG,
                       "a component in the plan itself is for TEST plans alone: take it from a prompt "
                       "or a file, or say test: yes");
    size_t len = strlen(comp->text);
    if (len > text->room) return err_set(err, ERR_CONFIG, "too long");
    memcpy(text->data, comp->text, len);
    text->len = len;
    return true;
}

/* One entry, read and compared. */
static bool take_once(const struct ceremony *c, const struct plan_key *key, size_t index,
                      enum hsm_algorithm algorithm, struct secret *part, struct err *err)
{
    const struct plan_component *comp = &key->components[index];
    struct secret text = SECRET_NONE;
    struct check_value check;
    char shown[CHECK_VALUE_TEXT];
    bool ok = false;

    if (!secret_init(&text, ENTRY_MAX, err)) goto out;
    if (!read_entry(c, key, index, &text, err)) goto out;
    if (!read_hex(&text, part, err)) goto out;
    if (!check_value_of(algorithm, part, &check, err)) goto out;
    if (!check_value_compare(&check, comp->kcv, comp->kcv_len, err)) goto out;
    check_value_text(&check, shown);
    if (c->people && comp->source != COMPONENT_TEST)
        fprintf(c->people, "  component %zu of %zu: check value %s%s\n", index + 1, key->component_count,
                shown, comp->kcv_len ? ", as expected" : "; compare it with your form");
    ok = true;
out:
    secret_release(&text);
    return ok;
}

/* A custodian may mistype; a file or a plan is wrong or right. */
static bool take(const struct ceremony *c, const struct plan_key *key, size_t index,
                 enum hsm_algorithm algorithm, struct secret *part, struct err *err)
{
    const struct plan_component *comp = &key->components[index];
    int tries = comp->source == COMPONENT_PROMPT ? TRIES : 1;
    bool ok = false;
    for (int i = 0; i < tries && !ok; i++) {
        ok = take_once(c, key, index, algorithm, part, err);
        if (ok || (err->kind != ERR_INPUT && err->kind != ERR_TOKEN)) break;
        if (i + 1 < tries && c->people) fprintf(c->people, "  %s: once more\n", err->text);
    }
    if (!ok)
        err_prefix(err, "component %zu of %zu (%s)", index + 1, key->component_count,
                   comp->custodian ? comp->custodian : "no custodian named");
    return ok;
}

/* Zero in all its bytes, or two 8-byte parts at these places equal; in constant time. */
static bool is_zero(const struct secret *value)
{
    unsigned any = 0;
    for (size_t i = 0; i < value->len; i++)
        any |= value->data[i];
    return any == 0;
}

static bool parts_are_equal(const struct secret *value, size_t a, size_t b)
{
    unsigned any = 0;
    for (size_t i = 0; i < 8; i++)
        any |= (unsigned)(value->data[8 * a + i] ^ value->data[8 * b + i]);
    return any == 0;
}

/* Components that cancel each other out show here. */
static bool refuse_weak(enum hsm_algorithm algorithm, struct secret *value, struct err *err)
{
    if (is_zero(value))
        return err_set(err, ERR_INPUT, "the components cancel each other out: the key would be zero");
    if (algorithm != HSM_DES2 && algorithm != HSM_DES3) return true;
    des_parity(value->data, value->len);
    bool weak = parts_are_equal(value, 0, 1) || (algorithm == HSM_DES3 && parts_are_equal(value, 1, 2));
    return !weak ||
           err_set(err, ERR_INPUT, "two parts of the combined key are equal: it would be single DES");
}

bool components_combine(const struct ceremony *c, const struct plan_key *key, struct secret *value,
                        struct check_value *check, struct err *err)
{
    struct secret sum = SECRET_NONE, part = SECRET_NONE;
    enum hsm_algorithm algorithm;
    bool ok = false;

    if (!hsm_algorithm_find(key->algorithm, &algorithm, err)) goto out;
    size_t len = hsm_algorithm_len(algorithm);
    if (len == 0 || key->component_count < 2) {
        err_set(err, ERR_CONFIG, "components are 2 or 3, of a secret key");
        goto out;
    }
    if (!secret_init(&sum, len, err)) goto out;
    if (!secret_init(&part, len, err)) goto out;
    memset(sum.data, 0, len);
    sum.len = len;
    for (size_t i = 0; i < key->component_count; i++) {
        if (!take(c, key, i, algorithm, &part, err)) goto out;
        for (size_t k = 0; k < len; k++)
            sum.data[k] ^= part.data[k];
    }
    if (!refuse_weak(algorithm, &sum, err)) goto out;
    if (!check_value_of(algorithm, &sum, check, err)) goto out;
    if (!check_value_compare(check, key->kcv, key->kcv_len, err)) {
        err_prefix(err, "combined key");
        goto out;
    }
    *value = sum;
    sum = (struct secret)SECRET_NONE;
    ok = true;
out:
    secret_release(&part);
    secret_release(&sum);
    return ok;
}
