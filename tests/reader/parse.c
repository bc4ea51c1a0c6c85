#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reader.h"

enum { DIGITS = 7, MIC_LEN = 7, KEK_ID_LEN = 6 };

bool refuse(struct reader *r, const uint8_t *at, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    vsnprintf(r->refusal.text, sizeof(r->refusal.text), text, args);
    va_end(args);
    r->refusal.offset = (size_t)(at - r->file.at);
    return false;
}

void name_record(struct reader *r, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    vsnprintf(r->refusal.record, sizeof(r->refusal.record), text, args);
    va_end(args);
    r->refusal.part[0] = '\0';
}

void name_part(struct reader *r, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    vsnprintf(r->refusal.part, sizeof(r->refusal.part), text, args);
    va_end(args);
}

static bool take_digits(struct reader *r, struct span *rest, const char *name, size_t *value)
{
    size_t n = 0;
    if (rest->len < DIGITS) return refuse(r, rest->at, "ends short in %s", name);
    for (size_t i = 0; i < DIGITS; i++) {
        if (rest->at[i] < '0' || rest->at[i] > '9')
            return refuse(r, rest->at + i, "%s is not seven digits", name);
        n = n * 10 + (size_t)(rest->at[i] - '0');
    }
    (void)span_take(rest, DIGITS);
    *value = n;
    return true;
}

bool record_next(struct reader *r, struct span *rest, struct span *groups)
{
    const uint8_t *start = rest->at;
    size_t len;
    if (rest->len < DIGITS) return refuse(r, start, "incomplete: the file ends in RLEN");
    if (!take_digits(r, rest, "RLEN", &len)) return false;
    if (len > rest->len)
        return refuse(r, start, "incomplete: RLEN is %zu, and %zu bytes are left", len, rest->len);
    if (len == 0) return refuse(r, start, "a record without groups");
    *groups = span_take(rest, len);
    return true;
}

bool mic_is_valid(struct span mic)
{
    if (mic.len < 1 || mic.len > MIC_LEN) return false;
    for (size_t i = 0; i < mic.len; i++) {
        uint8_t c = mic.at[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '#' && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool mic_is(struct span mic, const char *name)
{
    return span_is_equal(mic, span_text(name));
}

bool group_next(struct reader *r, struct span *groups, struct group *group)
{
    size_t len;
    group->start = groups->at;
    if (groups->len < MIC_LEN) return refuse(r, groups->at, "record ends short in a MIC");
    group->mic = span_take(groups, MIC_LEN);
    while (group->mic.len && group->mic.at[group->mic.len - 1] == ' ')
        group->mic.len--;
    if (!mic_is_valid(group->mic)) return refuse(r, group->start, "not a MIC");
    if (!take_digits(r, groups, "LEN", &len)) return false;
    if (len > groups->len) return refuse(r, group->start, "group is longer than its record");
    group->data = span_take(groups, len);
    return true;
}

bool tlv_take(struct reader *r, struct span *rest, struct tlv *tlv)
{
    const char *why;
    return tlv_next(rest, tlv, &why) || refuse(r, rest->at, "%s", why);
}

bool table_read(struct reader *r, struct span data, const struct tag_rule *rules, size_t count, bool ordered,
                struct span *values)
{
    struct span rest = data;
    struct tlv tlv;
    size_t last = 0;

    memset(values, 0, count * sizeof(*values));
    while (rest.len) {
        if (!tlv_take(r, &rest, &tlv)) return false;
        size_t i = 0;
        while (i < count && rules[i].tag != tlv.tag)
            i++;
        if (i == count) return refuse(r, tlv.start, "tag %02X does not belong here", tlv.tag);
        if (values[i].at && rules[i].need != REPEATS)
            return refuse(r, tlv.start, "tag %02X stands twice", tlv.tag);
        if (ordered && i < last) return refuse(r, tlv.start, "tag %02X is out of order", tlv.tag);
        if (tlv.value.len < rules[i].min || tlv.value.len > rules[i].max)
            return refuse(r, tlv.start, "tag %02X has a wrong length", tlv.tag);
        values[i] = tlv.value;
        last = i;
    }
    for (size_t i = 0; i < count; i++) {
        if (!values[i].at && rules[i].need == NEEDED)
            return refuse(r, data.at, "tag %02X is missing", rules[i].tag);
    }
    return true;
}

static bool entry_take(struct reader *r, struct span *rest, size_t len, const char *name, struct span *value)
{
    if (len > rest->len) return refuse(r, rest->at, "entry ends short in %s", name);
    *value = span_take(rest, len);
    return true;
}

bool entry_next(struct reader *r, struct span *rest, struct entry *entry)
{
    const uint8_t *start = rest->at;
    struct span n, body;

    *entry = (struct entry){0};
    name_part(r, "entry");
    if (!entry_take(r, rest, 1, "AIDLEN", &n)) return false;
    if (n.at[0] < 5 || n.at[0] > 16) return refuse(r, start, "AIDLEN is %u", n.at[0]);
    if (!entry_take(r, rest, n.at[0], "AID", &entry->aid) || !entry_take(r, rest, 4, "ELEN", &n) ||
        !entry_take(r, rest, (size_t)span_number(n), "its body", &body))
        return false;
    if (!entry_take(r, &body, KEK_ID_LEN, "KEKID", &entry->kek_id) || !entry_take(r, &body, 4, "DLEN", &n) ||
        !entry_take(r, &body, (size_t)span_number(n), "DATA", &entry->data) ||
        !entry_take(r, &body, 2, "MKLEN", &n) ||
        !entry_take(r, &body, (size_t)span_number(n), "MACKEY", &entry->mackey))
        return false;
    entry->covered = span_of(start, (size_t)(body.at - start));
    if (!entry_take(r, &body, 1, "MLEN", &n) || !entry_take(r, &body, n.at[0], "MAC", &entry->mac))
        return false;
    if (body.len) return refuse(r, body.at, "ELEN does not end with the MAC");

    struct span c2 = entry->data;
    struct tlv tlv;
    const char *why;
    if (tlv_next(&c2, &tlv, &why) && tlv_next(&c2, &tlv, &why) && tlv.tag == 0xC2) entry->c2 = tlv.value;
    return true;
}

bool entry_is_open(const struct entry *entry)
{
    return span_is_zero(entry->kek_id);
}

bool grouping_read(struct reader *r, struct span e2, struct span *dgi, struct span *value)
{
    static const struct tag_rule RULES[] = {{0xC8, NEEDED, 2, 2}, {0xC9, NEEDED, 0, SIZE_MAX}};
    struct span values[2];
    if (!table_read(r, e2, RULES, 2, false, values)) return false;
    *dgi = values[0];
    *value = values[1];
    return true;
}

bool grouping_is_tlv(struct span dgi, struct span value)
{
    bool is_bare = dgi.at[0] >= 0x80 && dgi.at[0] != 0x91;
    return !is_bare && tlv_is_list(value);
}

/* name/version, the version a decimal number. `rest` gets what follows a second slash. */
static bool is_key_name(struct span s, struct span *rest)
{
    size_t i = 0, digits = 0;
    while (i < s.len && s.at[i] != '/')
        i++;
    if (i == 0 || i == s.len || !span_is_printable(s)) return false;
    for (i++; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++)
        digits++;
    if (digits == 0 || (i < s.len && s.at[i] != '/')) return false;
    *rest = i < s.len ? span_of(s.at + i + 1, s.len - i - 1) : span_of(s.at + i, 0);
    return true;
}

static bool secret_methods(struct reader *r, const struct secret *s)
{
    struct span which;
    bool own = s->method == 0x11 || s->method == 0x12;
    if (!own && s->method != 0x01) return refuse(r, s->start, "unknown method %02X", (unsigned)s->method);
    if (own != (s->static_key.at != NULL)) return refuse(r, s->start, "tag CC belongs to methods 11 and 12");
    if (own && (!is_key_name(s->static_key, &which) ||
                !(mic_is(which, "ENC") || mic_is(which, "MAC") || mic_is(which, "DEK"))))
        return refuse(r, s->static_key.at, "CC is not name/version/which");
    if (s->method == 0x11 && s->kind != KIND_DES2 && s->kind != KIND_DES3)
        return refuse(r, s->start, "method 11 is for kinds 01 and 02");
    if (s->method == 0x12 && s->kind != KIND_DES2 && s->kind != KIND_AES128 && s->kind != KIND_AES256)
        return refuse(r, s->start, "method 12 is for kinds 01, 03 and 05");
    return true;
}

static bool secret_kinds(struct reader *r, const struct secret *s)
{
    static const uint8_t CHECK_LEN[] = {0, 3, 3, 5, 5, 5, 3, 0};
    struct span rest;
    if (s->kind < KIND_DES2 || s->kind > KIND_OPAQUE)
        return refuse(r, s->start, "unknown kind %02X", (unsigned)s->kind);
    size_t key_len = kind_key_len(s->kind);
    if ((s->check.at != NULL) != (s->kind != KIND_OPAQUE) || s->check.len != CHECK_LEN[s->kind])
        return refuse(r, s->start, "C5 is not what its kind asks for");
    if ((s->true_len.at != NULL) != (s->kind == KIND_OPAQUE))
        return refuse(r, s->start, "tag CE belongs to kind 07");
    if ((s->master.at != NULL) != (key_len != 0))
        return refuse(r, s->start, "tag CD belongs to kinds 01 to 05");
    if (s->own_c2.at && !key_len) return refuse(r, s->start, "a C2 inside a secret that is not derived");
    if (s->master.at && (!is_key_name(s->master, &rest) || rest.at != s->master.at + s->master.len))
        return refuse(r, s->master.at, "CD is not name/version");
    if (s->kind == KIND_RSA && span_number(s->dgi) != 0x8201)
        return refuse(r, s->dgi.at, "kind 06 has DGI 8201");
    if (key_len && s->ciphertext.len != key_len + (s->method == 0x01 ? 8 : 0))
        return refuse(r, s->ciphertext.at, "C7 is not as long as a wrapped key of this kind");
    return true;
}

bool secret_read(struct reader *r, const struct tlv *e1, struct secret *secret)
{
    static const struct tag_rule RULES[] = {
        {0xC3, NEEDED, 1, SIZE_MAX}, {0xC4, NEEDED, 1, 1},     {0xC5, OPTIONAL, 3, 5},
        {0xC6, NEEDED, 1, 1},        {0xCD, OPTIONAL, 3, 255}, {0xCE, OPTIONAL, 2, 2},
        {0xC2, OPTIONAL, 1, 255},    {0xCC, OPTIONAL, 5, 255}, {0xC7, NEEDED, 16, SIZE_MAX},
        {0xC8, NEEDED, 2, 2},
    };
    enum { N = sizeof(RULES) / sizeof(RULES[0]) };
    struct span v[N];

    if (!table_read(r, e1->value, RULES, N, false, v)) return false;
    if (!span_is_printable(v[0])) return refuse(r, v[0].at, "C3 is not ASCII");
    *secret = (struct secret){
        .start = e1->start,
        .name = v[0],
        .kind = v[1].at[0],
        .check = v[2],
        .method = v[3].at[0],
        .master = v[4],
        .true_len = v[5],
        .own_c2 = v[6],
        .static_key = v[7],
        .ciphertext = v[8],
        .dgi = v[9],
    };
    return secret_methods(r, secret) && secret_kinds(r, secret);
}
