/* The file as text, one line per field, so that two runs of a job can be compared: DUMP_MASK puts * for what
 * docs/formats/mic-file.md lets differ, DUMP_UNWRAP shows what C7 holds. Works on accepted files only. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

struct dump {
    struct reader *reader;
    FILE *out;
    unsigned flags;
    char path[256];
};

static void print_value(const struct dump *d, const char *name, struct span value, bool differs)
{
    fprintf(d->out, "%s/%s = ", d->path, name);
    if (differs && d->flags & DUMP_MASK) {
        fputs("*\n", d->out);
        return;
    }
    for (size_t i = 0; i < value.len; i++)
        fprintf(d->out, "%02X", value.at[i]);
    fputc('\n', d->out);
}

static void print_text(const struct dump *d, const char *name, struct span value)
{
    fprintf(d->out, "%s/%s = %.*s\n", d->path, name, (int)value.len, (const char *)value.at);
}

__attribute__((format(printf, 2, 3))) static size_t push(struct dump *d, const char *text, ...)
{
    size_t len = strlen(d->path);
    va_list args;
    va_start(args, text);
    vsnprintf(d->path + len, sizeof(d->path) - len, text, args);
    va_end(args);
    return len;
}

static void pop(struct dump *d, size_t len)
{
    d->path[len] = '\0';
}

/* 16 bytes of job id, then `rest`. */
static void print_job_id(const struct dump *d, const char *name, struct span value)
{
    struct span rest = value, id = span_take(&rest, 16);
    if (!(d->flags & DUMP_MASK) || !span_is_equal(id, d->reader->job_id)) {
        print_value(d, name, value, false);
        return;
    }
    fprintf(d->out, "%s/%s = *", d->path, name);
    for (size_t i = 0; i < rest.len; i++)
        fprintf(d->out, "%02X", rest.at[i]);
    fputc('\n', d->out);
}

/* The default identifier begins with the job id in hexadecimal. */
static void print_object_id(const struct dump *d, struct span value)
{
    char hex[33];
    for (size_t i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", d->reader->job_id.at[i]);
    bool is_default = value.len > 33 && memcmp(value.at, hex, 32) == 0 && value.at[32] == '-';
    if (is_default && d->flags & DUMP_MASK)
        fprintf(d->out, "%s/DB = *%.*s\n", d->path, (int)value.len - 32, (const char *)value.at + 32);
    else
        print_text(d, "DB", value);
}

/* Data elements down to their leaves. The card certificate follows from the RSA key. */
static bool dump_elements(struct dump *d, struct span data)
{
    struct tlv tlv;
    char name[9];
    while (data.len) {
        if (!tlv_take(d->reader, &data, &tlv)) return false;
        snprintf(name, sizeof(name), "%02X", tlv.tag);
        if (tlv_is_constructed(&tlv) && tlv_is_list(tlv.value)) {
            size_t len = push(d, "/%s", name);
            if (!dump_elements(d, tlv.value)) return false;
            pop(d, len);
        } else {
            print_value(d, name, tlv.value, tlv.tag == 0x9F46 || tlv.tag == 0x9F48);
        }
    }
    return true;
}

static bool dump_grouping(struct dump *d, struct span e2)
{
    struct span dgi, value;
    if (!grouping_read(d->reader, e2, &dgi, &value)) return false;
    bool ok = true, is_tlv = grouping_is_tlv(dgi, value);
    size_t len = push(d, "/E2 %02X%02X%s", dgi.at[0], dgi.at[1], is_tlv ? "/C9" : "");
    if (is_tlv)
        ok = dump_elements(d, value);
    else
        print_value(d, "C9", value, false);
    pop(d, len);
    return ok;
}

static bool dump_ciphertext(struct dump *d, const struct entry *entry, const struct secret *s,
                            const struct secret *before)
{
    struct span shown = {must_calloc(s->ciphertext.len, 1), 0};
    uint8_t *plain = (uint8_t *)(uintptr_t)shown.at;
    bool opened = false, ok = true;
    if (d->flags & DUMP_UNWRAP) ok = secret_open(d->reader, entry, s, before, plain, &shown.len, &opened);
    if (ok)
        print_value(d, opened ? "C7 unwrapped" : "C7", opened ? shown : s->ciphertext, s->kind == KIND_RSA);
    free(plain);
    return ok;
}

static bool dump_secret(struct dump *d, const struct entry *entry, const struct tlv *e1,
                        const struct secret *before, struct secret *s)
{
    if (!secret_read(d->reader, e1, s)) return false;
    bool same = before->start && span_is_equal(before->dgi, s->dgi);
    size_t len = push(d, "/E1 %.*s", (int)s->name.len, (const char *)s->name.at);
    struct span kind = tlv_find(e1->value, 0xC4), method = tlv_find(e1->value, 0xC6);
    print_value(d, "C4", kind, false);
    if (s->check.at) print_value(d, "C5", s->check, s->kind == KIND_RSA);
    print_value(d, "C6", method, false);
    if (s->master.at) print_text(d, "CD", s->master);
    if (s->true_len.at) print_value(d, "CE", s->true_len, false);
    if (s->own_c2.at) print_value(d, "C2", s->own_c2, false);
    if (s->static_key.at) print_text(d, "CC", s->static_key);
    bool ok = dump_ciphertext(d, entry, s, same ? before : NULL);
    print_value(d, "C8", s->dgi, false);
    pop(d, len);
    return ok;
}

static bool dump_sealed_data(struct dump *d, const struct entry *entry)
{
    struct span rest = entry->data;
    struct secret before = {0}, s;
    struct tlv tlv;
    while (rest.len) {
        if (!tlv_take(d->reader, &rest, &tlv)) return false;
        struct span whole = span_of(tlv.start, (size_t)(tlv.value.at + tlv.value.len - tlv.start));
        s = (struct secret){0};
        bool ok = true;
        if (tlv.tag == 0xC1)
            print_job_id(d, "C1", tlv.value);
        else if (tlv.tag == 0xE1)
            ok = dump_secret(d, entry, &tlv, &before, &s);
        else if (tlv.tag == 0xE2)
            ok = dump_grouping(d, tlv.value);
        else
            ok = dump_elements(d, whole);
        if (!ok) return false;
        before = s;
    }
    return true;
}

static bool dump_chip(struct dump *d, struct span data)
{
    struct entry entry;
    while (data.len) {
        if (!entry_next(d->reader, &data, &entry)) return false;
        size_t len = push(d, "/entry ");
        for (size_t i = 0; i < entry.aid.len; i++)
            (void)push(d, "%02X", entry.aid.at[i]);
        print_value(d, "KEKID", entry.kek_id, false);
        bool open = entry_is_open(&entry);
        if (!(open ? dump_elements(d, entry.data) : dump_sealed_data(d, &entry))) return false;
        print_value(d, "MACKEY", entry.mackey, !open);
        print_value(d, "MAC", entry.mac, !open);
        pop(d, len);
    }
    return true;
}

/* JOB, CARD and END: tags as they stand. */
static bool dump_table(struct dump *d, struct span data)
{
    static const uint32_t TEXTS[] = {0xD3, 0xD6, 0xD8, 0xD0}, MASKED[] = {0xD6, 0xCF, 0xDD, 0xCB};
    struct tlv tlv;
    char name[9];
    while (data.len) {
        bool text = false, differs = false;
        if (!tlv_take(d->reader, &data, &tlv)) return false;
        snprintf(name, sizeof(name), "%02X", tlv.tag);
        for (size_t i = 0; i < 4; i++) {
            text |= TEXTS[i] == tlv.tag;
            differs |= MASKED[i] == tlv.tag;
        }
        if (tlv.tag == 0xD2)
            print_job_id(d, name, tlv.value);
        else if (tlv.tag == 0xDB)
            print_object_id(d, tlv.value);
        else if (text && !(differs && d->flags & DUMP_MASK))
            print_text(d, name, tlv.value);
        else
            print_value(d, name, tlv.value, differs);
    }
    return true;
}

static void dump_seal(struct dump *d, struct span data)
{
    print_job_id(d, "job id", span_take(&data, 16));
    print_value(d, "KEKID", span_take(&data, 6), false);
    (void)span_take(&data, 2);
    print_value(d, "MACKEY", span_take(&data, 40), true);
    (void)span_take(&data, 1);
    print_value(d, "MAC", data, true);
}

static bool dump_record(struct dump *d, struct span groups)
{
    struct group group;
    while (groups.len) {
        if (!group_next(d->reader, &groups, &group)) return false;
        bool card = mic_is(group.mic, "CARD"), ok = true;
        if (card) {
            struct span id = tlv_find(group.data, 0xDB), number = tlv_find(group.data, 0xDA);
            d->reader->card = (struct card){tlv_find(group.data, 0xD2), number, id};
            snprintf(d->path, sizeof(d->path), "record %llu", (unsigned long long)span_number(number));
        }
        char mic[8];
        snprintf(mic, sizeof(mic), "%.*s", (int)group.mic.len, (const char *)group.mic.at);
        size_t len = push(d, "%s%s", d->path[0] ? "/" : "", mic);
        if (card || mic_is(group.mic, "JOB") || mic_is(group.mic, "END"))
            ok = dump_table(d, group.data);
        else if (mic_is(group.mic, "SEAL"))
            dump_seal(d, group.data);
        else if (span_is_equal(group.mic, d->reader->chip_mic))
            ok = dump_chip(d, group.data);
        else
            print_value(d, "data", group.data, false);
        pop(d, len);
        if (!ok) return false;
    }
    return true;
}

bool reader_dump(struct reader *reader, unsigned flags, FILE *out)
{
    struct dump d = {.reader = reader, .out = out, .flags = flags};
    struct span rest = reader->file, groups;
    while (rest.len) {
        d.path[0] = '\0';
        if (!record_next(reader, &rest, &groups) || !dump_record(&d, groups)) return false;
    }
    return true;
}
