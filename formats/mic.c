#include "formats/mic.h"

#include <stdio.h>
#include <string.h>

bool mic_is_name(const char *name)
{
    size_t len = strnlen(name, MIC_NAME_MAX + 1);
    return len >= 1 && len <= MIC_NAME_MAX && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#-_") == len;
}

bool mic_is_reserved(const char *name)
{
    static const char *const reserved[] = {MIC_JOB, MIC_CARD, MIC_SEAL, MIC_END};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) return true;
    }
    return false;
}

const struct mic_group *mic_find(const struct mic_record *record, const char *name)
{
    for (size_t i = 0; i < record->group_count; i++) {
        if (strcmp(record->groups[i].name, name) == 0) return &record->groups[i];
    }
    return NULL;
}

/* MIC and LEN; data is still to be taken. */
static bool read_head(struct cur *c, struct mic_group *out, struct err *err)
{
    struct cur ahead = *c;
    struct mic_group group = {.offset = cur_offset(c)};
    const uint8_t *name = NULL;
    uint64_t len = 0;
    if (!cur_take(&ahead, MIC_NAME_MAX, &name, "MIC", err)) return false;
    memcpy(group.name, name, MIC_NAME_MAX);
    for (size_t end = MIC_NAME_MAX; end > 0 && group.name[end - 1] == ' '; end--)
        group.name[end - 1] = '\0';
    /* A zero byte would end the text early. */
    if (!mic_is_name(group.name) || memchr(name, '\0', MIC_NAME_MAX))
        return err_set(err, ERR_INPUT,
                       "no MIC at offset %llu: 1 to 7 characters of A-Z 0-9 # - _, padded with spaces",
                       (unsigned long long)group.offset);
    if (!cur_take_digits(&ahead, MIC_DIGITS, &len, "LEN", err)) {
        err_prefix(err, "group %s", group.name);
        return false;
    }
    group.len = (size_t)len;
    *c = ahead;
    *out = group;
    return true;
}

static bool too_many_groups(uint64_t offset, struct err *err)
{
    return err_set(err, ERR_INPUT, "record at offset %llu has more than %d groups",
                   (unsigned long long)offset, MIC_GROUPS_MAX);
}

/* Only on success is there anything in *out; the array is too large to be filled twice per record. */
static bool parse_groups(struct cur c, struct mic_record *out, struct err *err)
{
    out->group_count = 0;
    if (cur_left(&c) == 0)
        return err_set(err, ERR_INPUT, "record at offset %llu is empty", (unsigned long long)out->offset);
    while (cur_left(&c) > 0) {
        if (out->group_count == MIC_GROUPS_MAX) return too_many_groups(out->offset, err);
        struct mic_group *group = &out->groups[out->group_count];
        if (!read_head(&c, group, err)) return false;
        if (!cur_take(&c, group->len, &group->data, "data", err)) {
            err_prefix(err, "group %s", group->name);
            return false;
        }
        out->group_count++;
    }
    return true;
}

static bool no_record(struct mic_record *out)
{
    out->group_count = 0;
    out->bytes = NULL;
    out->len = 0;
    return false;
}

static bool read_rlen(struct cur *c, size_t *len, struct err *err)
{
    uint64_t value = 0;
    if (!cur_take_digits(c, MIC_DIGITS, &value, "RLEN", err)) return false;
    *len = (size_t)value;
    return true;
}

bool mic_parse_record(const uint8_t *bytes, size_t len, uint64_t offset, struct mic_record *out,
                      struct err *err)
{
    struct cur c = cur_make(bytes, len, offset);
    size_t groups = 0;
    out->bytes = bytes;
    out->len = len;
    out->offset = offset;
    if (!read_rlen(&c, &groups, err)) return no_record(out);
    if (groups != cur_left(&c)) {
        err_set(err, ERR_INPUT, "RLEN at offset %llu says %zu bytes, %zu follow", (unsigned long long)offset,
                groups, cur_left(&c));
        return no_record(out);
    }
    return parse_groups(c, out, err) ? true : no_record(out);
}

static bool read_with_rlen(struct reader *r, struct mic_record *out, bool *end, struct err *err)
{
    uint64_t offset = reader_offset(r);
    const uint8_t *bytes = NULL;
    size_t got = 0;
    size_t len = 0;
    if (!reader_peek(r, MIC_DIGITS, &bytes, &got, err)) return false;
    if (got == 0) {
        *end = true;
        return true;
    }
    struct cur c = cur_make(bytes, got, offset);
    if (!read_rlen(&c, &len, err)) goto named;
    /* No limit but RLEN's own seven digits. */
    if (!reader_take(r, MIC_DIGITS + len, MIC_DIGITS + MIC_RECORD_MAX, "record", &bytes, err)) return false;
    if (!mic_parse_record(bytes, MIC_DIGITS + len, offset, out, err)) goto named;
    *end = false;
    return true;
named:
    err_prefix(err, "%s", reader_name(r));
    return false;
}

/* Without RLEN, where a record ends is known by its groups' lengths alone: group data may hold any byte, so
 * neither a newline nor the first MIC can be searched for. *separator: bytes between this record and the next. */
struct extent {
    size_t len;
    size_t separator;
};

static bool is_record_end(const struct mic_framing *framing, struct cur ahead, size_t *separator)
{
    struct mic_group next;
    struct err unused = ERR_INIT;
    size_t left = cur_left(&ahead);
    const uint8_t *at = ahead.data + ahead.pos;
    *separator = 0;
    if (left == 0) return true;
    if (framing->kind == MIC_FRAMING_FIRST_MIC)
        return read_head(&ahead, &next, &unused) && strcmp(next.name, framing->first_mic) == 0;
    if (at[0] == '\n') *separator = 1;
    if (left >= 2 && at[0] == '\r' && at[1] == '\n') *separator = 2;
    return *separator > 0;
}

static bool measure(struct reader *r, const struct mic_framing *framing, struct extent *out, struct err *err)
{
    uint64_t offset = reader_offset(r);
    uint64_t left = reader_size(r) - offset;
    const uint8_t *bytes = NULL;
    size_t got = 0;
    struct mic_group group;
    *out = (struct extent){0, 0};
    for (size_t count = 0;; count++) {
        if (!reader_peek(r, out->len + MIC_GROUP_HEAD, &bytes, &got, err)) return false;
        struct cur c = cur_make(bytes, got, offset);
        if (!cur_take(&c, out->len, &bytes, "record", err)) return false;
        bool ends = is_record_end(framing, c, &out->separator);
        if (count > 0 && ends) return true;
        if (count == 0 && ends != (framing->kind == MIC_FRAMING_FIRST_MIC))
            return ends
                       ? err_set(err, ERR_INPUT, "record at offset %llu is empty", (unsigned long long)offset)
                       : err_set(err, ERR_INPUT, "record at offset %llu does not begin with %s",
                                 (unsigned long long)offset, framing->first_mic);
        if (count == MIC_GROUPS_MAX) return too_many_groups(offset, err);
        if (!read_head(&c, &group, err)) return false;
        out->len += MIC_GROUP_HEAD + group.len;
        if (out->len > left)
            return err_set(err, ERR_INPUT,
                           "group %s at offset %llu ends %llu bytes behind the end of the file", group.name,
                           (unsigned long long)group.offset, (unsigned long long)(out->len - left));
        if (out->len > MIC_RECORD_MAX)
            return err_set(err, ERR_INPUT, "record at offset %llu is larger than %d bytes",
                           (unsigned long long)offset, MIC_RECORD_MAX);
    }
}

static bool read_without_rlen(struct reader *r, const struct mic_framing *framing, struct mic_record *out,
                              bool *end, struct err *err)
{
    uint64_t offset = reader_offset(r);
    const uint8_t *bytes = NULL;
    struct extent extent;
    if (offset == reader_size(r)) {
        *end = true;
        return true;
    }
    if (!measure(r, framing, &extent, err)) goto named;
    size_t whole = extent.len + extent.separator;
    if (!reader_take(r, whole, MIC_RECORD_MAX + 2, "record", &bytes, err)) return false;
    out->bytes = bytes;
    out->len = extent.len;
    out->offset = offset;
    if (!parse_groups(cur_make(bytes, extent.len, offset), out, err)) goto named;
    *end = false;
    return true;
named:
    /* The reader has named itself where reading failed. */
    if (err->kind == ERR_INPUT) err_prefix(err, "%s", reader_name(r));
    return false;
}

bool mic_read_record(struct reader *r, const struct mic_framing *framing, struct mic_record *out, bool *end,
                     struct err *err)
{
    bool ok = framing->kind == MIC_FRAMING_RLEN ? read_with_rlen(r, out, end, err)
                                                : read_without_rlen(r, framing, out, end, err);
    return ok ? true : no_record(out);
}

/* Marks the buf as failed when the value has more than seven digits. */
static void set_digits(struct buf *b, size_t offset, size_t value)
{
    char digits[MIC_DIGITS + 1] = "";
    if (value <= MIC_RECORD_MAX) snprintf(digits, sizeof(digits), "%07u", (unsigned)value);
    buf_set(b, value <= MIC_RECORD_MAX ? offset : SIZE_MAX, digits, MIC_DIGITS);
}

size_t mic_put_record_begin(struct buf *b)
{
    return buf_reserve(b, MIC_DIGITS);
}

void mic_put_record_end(struct buf *b, size_t begin)
{
    if (b->failed) return;
    set_digits(b, begin, b->len - begin - MIC_DIGITS);
}

size_t mic_put_group_begin(struct buf *b, const char *name)
{
    size_t begin = buf_reserve(b, MIC_GROUP_HEAD);
    char padded[MIC_NAME_MAX + 1] = "";
    bool valid = mic_is_name(name);
    if (valid) snprintf(padded, sizeof(padded), "%-7s", name);
    buf_set(b, valid ? begin : SIZE_MAX, padded, MIC_NAME_MAX);
    return begin;
}

void mic_put_group_end(struct buf *b, size_t begin)
{
    if (b->failed) return;
    set_digits(b, begin + MIC_NAME_MAX, b->len - begin - MIC_GROUP_HEAD);
}

void mic_put_group(struct buf *b, const char *name, const void *data, size_t len)
{
    size_t begin = mic_put_group_begin(b, name);
    buf_put(b, data, len);
    mic_put_group_end(b, begin);
}
