#include "image.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE TEST_DATA_DIR "/samples/independent-5"

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "image: %s\n", what);
    abort();
}

struct image image_load(void)
{
    struct image image = {must_calloc(1 << 16, 1), 0};
    FILE *in = fopen(SAMPLE ".mic", "rb");
    must(in, "cannot open the sample");
    image.len = fread(image.bytes, 1, 1 << 16, in);
    fclose(in);
    return image;
}

void image_release(struct image *image)
{
    free(image->bytes);
    *image = (struct image){0};
}

EVP_PKEY *image_private(const char *name)
{
    json_error_t error;
    uint8_t *der = NULL;
    size_t len = 0;
    json_t *root = json_load_file(SAMPLE ".keys.json", 0, &error);
    const char *hex = json_string_value(json_object_get(json_object_get(root, "private"), name));
    must(hex && hex_decode(hex, &der, &len), "no such private key");
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)len);
    must(key, "the private key does not load");
    free(der);
    json_decref(root);
    return key;
}

size_t image_find(const struct image *image, const char *pattern, size_t len, size_t nth)
{
    for (size_t i = 0; i + len <= image->len; i++) {
        if (memcmp(image->bytes + i, pattern, len) == 0 && nth-- == 0) return i;
    }
    must(false, "pattern not found");
    return 0;
}

void image_swap(struct image *image, size_t a, size_t b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = image->bytes[a + i];
        image->bytes[a + i] = image->bytes[b + i];
        image->bytes[b + i] = byte;
    }
}

static bool holds(struct span outer, const uint8_t *at)
{
    return at >= outer.at && at < outer.at + outer.len;
}

static uint8_t *writable(struct image *image, const uint8_t *at)
{
    return image->bytes + (at - image->bytes);
}

static void add_digits(struct image *image, const uint8_t *at, long difference)
{
    char text[8] = "";
    memcpy(text, at, 7);
    snprintf(text, sizeof(text), "%07lu", (unsigned long)(strtol(text, NULL, 10) + difference) % 10000000);
    memcpy(writable(image, at), text, 7);
}

static void add_number(struct image *image, const uint8_t *at, long difference)
{
    long n = (long)span_number(span_of(at, 4)) + difference;
    for (size_t i = 0; i < 4; i++)
        writable(image, at)[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void add_tlv(struct image *image, struct span data, const uint8_t *at, long difference)
{
    struct tlv tlv;
    const char *why;
    while (data.len) {
        must(tlv_next(&data, &tlv, &why), "a TLV around the splice");
        if (holds(tlv.value, at) && tlv.value.len < 0x80)
            writable(image, tlv.value.at)[-1] = (uint8_t)((long)tlv.value.len + difference);
    }
}

void image_splice(struct image *image, size_t offset, size_t drop, const void *bytes, size_t len)
{
    struct reader r = {.file = span_of(image->bytes, image->len)};
    struct span rest = r.file, groups, chip;
    const uint8_t *at = image->bytes + offset;
    long difference = (long)len - (long)drop;
    struct group group;
    struct entry entry;
    do
        must(record_next(&r, &rest, &groups), "a record around the splice");
    while (!holds(groups, at));
    const uint8_t *rlen = groups.at - 7;
    do
        must(group_next(&r, &groups, &group), "a group around the splice");
    while (!holds(group.data, at));
    chip = group.data;
    if (!mic_is(group.mic, "CHIP")) add_tlv(image, group.data, at, difference);
    while (mic_is(group.mic, "CHIP") && chip.len) {
        must(entry_next(&r, &chip, &entry), "an entry around the splice");
        if (!holds(entry.data, at)) continue;
        add_tlv(image, entry.data, at, difference);
        add_number(image, entry.kek_id.at - 4, difference);
        add_number(image, entry.kek_id.at + 6, difference);
        break;
    }
    add_digits(image, group.start + 7, difference);
    add_digits(image, rlen, difference);
    memmove(image->bytes + offset + len, at + drop, image->len - offset - drop);
    if (len) memcpy(image->bytes + offset, bytes, len);
    image->len = (size_t)((long)image->len + difference);
}

static void seal_mac(struct image *image, const struct keys *keys, struct span kek_id, struct span mackey,
                     struct span covered, struct span mac)
{
    struct span kek;
    uint8_t key[40];
    size_t len = 0;
    must(keys_kek(keys, kek_id, &kek) && crypto_kwp_unwrap(kek, mackey, key, &len), "MACKEY does not unwrap");
    must(crypto_cmac(span_of(key, len), covered, writable(image, mac.at)), "no MAC");
}

static void seal_record(struct image *image, const struct keys *keys, struct reader *r, struct span groups,
                        unsigned what)
{
    const uint8_t *start = groups.at;
    struct group group;
    struct entry entry;
    while (groups.len) {
        must(group_next(r, &groups, &group), "a group to seal");
        while (mic_is(group.mic, "CHIP") && group.data.len) {
            must(entry_next(r, &group.data, &entry), "an entry to seal");
            if (what & SEAL_ENTRIES)
                seal_mac(image, keys, entry.kek_id, entry.mackey, entry.covered, entry.mac);
        }
        if (mic_is(group.mic, "SEAL") && what & SEAL_RECORDS)
            seal_mac(image, keys, span_of(group.data.at + 16, 6), span_of(group.data.at + 24, 40),
                     span_of(start, (size_t)(group.data.at + 64 - start)), span_of(group.data.at + 65, 16));
    }
}

/* As long as the sample's own: RSA-2048. */
static void seal_end(struct image *image, struct span data, EVP_PKEY *signer)
{
    static const char CONTEXT[] = "cardprep-mic-end-1";
    uint8_t text[1024], *digest = writable(image, tlv_find(data, 0xDD).at);
    struct span cb = tlv_find(data, 0xCB);
    must(cb.len == 256, "CB is not that of RSA-2048");
    size_t before = (size_t)(cb.at - 4 - data.at), len = cb.len;
    must(crypto_sha256(span_of(image->bytes, (size_t)(data.at - image->bytes) - 21), digest), "no hash");
    memcpy(text, CONTEXT, sizeof(CONTEXT));
    memcpy(text + sizeof(CONTEXT), data.at, before);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer) == 1 &&
             EVP_DigestSign(ctx, writable(image, cb.at), &len, text, sizeof(CONTEXT) + before) == 1,
         "no signature");
    EVP_MD_CTX_free(ctx);
}

void image_seal(struct image *image, const struct keys *keys, EVP_PKEY *signer, unsigned what)
{
    struct reader r = {.file = span_of(image->bytes, image->len)};
    struct span rest = r.file, groups = {0};
    while (rest.len && what) {
        must(record_next(&r, &rest, &groups), "a record to seal");
        if (what & (SEAL_ENTRIES | SEAL_RECORDS)) seal_record(image, keys, &r, groups, what);
    }
    if (what & SEAL_END) seal_end(image, span_of(groups.at + 14, groups.len - 14), signer);
}
