/* pin_writer KEYS IN OUT AID BLOCK: the sealed file IN, with a reference PIN block and three tries in each record's entry of this AID, as an
 * issuer's other program may put them there: cardprep does not, and the format has a kind for it. DGI 8010 is an opaque secret under the
 * KEK, 9010 is clear. Seals are made again; END is signed by the sample's signer. AID and BLOCK (8 bytes) are hex. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "image.h"

enum { FILE_MAX = 1 << 20, BLOCK_LEN = 8, WRAPPED_LEN = 16 };

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "pin_writer: %s\n", what);
    exit(EXIT_FAILURE);
}

static struct span from_hex(const char *text)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    must(hex_decode(text, &bytes, &len), "not hex");
    return span_of(bytes, len);
}

static struct image read_file(const char *path)
{
    struct image image = {must_calloc(FILE_MAX, 1), 0};
    FILE *in = fopen(path, "rb");
    must(in, "the file does not open");
    image.len = fread(image.bytes, 1, FILE_MAX - 4096, in);
    fclose(in);
    return image;
}

/* Behind the derivation data of the nth entry of this AID; false: there are not so many. */
static bool find(const struct image *image, struct span aid, size_t nth, size_t *offset, struct span *kek_id)
{
    struct reader r = {.file = span_of(image->bytes, image->len)};
    struct span rest = r.file, groups, c2;
    struct group group;
    struct entry entry;
    while (rest.len) {
        must(record_next(&r, &rest, &groups), "no record");
        while (groups.len) {
            must(group_next(&r, &groups, &group), "no group");
            while (mic_is(group.mic, "CHIP") && group.data.len) {
                must(entry_next(&r, &group.data, &entry), "no entry");
                if (!span_is_equal(entry.aid, aid) || nth-- > 0) continue;
                c2 = tlv_find(entry.data, 0xC2);
                *offset = (size_t)(c2.at + c2.len - image->bytes);
                *kek_id = entry.kek_id;
                return true;
            }
        }
    }
    return false;
}

static void wrap(struct span kek, struct span block, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    must(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, kek.at, NULL) == 1 &&
             EVP_EncryptUpdate(ctx, out, &len, block.at, (int)block.len) == 1 && len == WRAPPED_LEN,
         "the block does not wrap");
    EVP_CIPHER_CTX_free(ctx);
}

static void add(struct image *image, const struct keys *keys, struct span block, size_t offset,
                struct span kek_id)
{
    static const uint8_t head[] = {0xE1, 37, 0xC3, 3,    'P', 'I', 'N', 0xC4, 1,          7,
                                   0xC6, 1,  1,    0xCE, 2,   0,   8,   0xC7, WRAPPED_LEN};
    static const uint8_t tail[] = {0xC8, 2, 0x80, 0x10, 0xE2, 8, 0xC8, 2, 0x90, 0x10, 0xC9, 2, 3, 3};
    uint8_t all[sizeof(head) + WRAPPED_LEN + sizeof(tail)];
    struct span kek;
    must(keys_kek(keys, kek_id, &kek), "no such KEK");
    memcpy(all, head, sizeof(head));
    wrap(kek, block, all + sizeof(head));
    memcpy(all + sizeof(head) + WRAPPED_LEN, tail, sizeof(tail));
    image_splice(image, offset, 0, all, sizeof(all));
}

/* END says who has signed: SHA-256 of the SubjectPublicKeyInfo. */
static void name_signer(struct image *image, EVP_PKEY *signer)
{
    struct reader r = {.file = span_of(image->bytes, image->len)};
    struct span rest = r.file, groups = {0};
    struct group group;
    unsigned char *der = NULL;
    while (rest.len)
        must(record_next(&r, &rest, &groups), "no record");
    must(group_next(&r, &groups, &group) && mic_is(group.mic, "END"), "no end");
    int len = i2d_PUBKEY(signer, &der);
    must(len > 0 && crypto_sha256(span_of(der, (size_t)len),
                                  image->bytes + (tlv_find(group.data, 0xDE).at - image->bytes)),
         "no signer");
    OPENSSL_free(der);
}

int main(int argc, char **argv)
{
    struct keys *keys = NULL;
    struct span kek_id;
    size_t n = 0, offset = 0;

    must(argc == 6 && keys_load(argv[1], &keys), "KEYS IN OUT AID BLOCK");
    struct image image = read_file(argv[2]);
    struct span aid = from_hex(argv[4]), block = from_hex(argv[5]);
    must(block.len == BLOCK_LEN, "a PIN block has 8 bytes");
    for (; find(&image, aid, n, &offset, &kek_id); n++)
        add(&image, keys, block, offset, kek_id);
    EVP_PKEY *signer = image_private("signer");
    name_signer(&image, signer);
    image_seal(&image, keys, signer, SEAL_ALL);
    FILE *out = fopen(argv[3], "wb");
    must(n > 0 && out && fwrite(image.bytes, 1, image.len, out) == image.len && fclose(out) == 0,
         "nothing written");
    EVP_PKEY_free(signer);
    image_release(&image);
    keys_free(keys);
    free((void *)(uintptr_t)aid.at);
    free((void *)(uintptr_t)block.at);
    return EXIT_SUCCESS;
}
