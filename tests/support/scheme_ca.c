/* tests/support/scheme_ca.c - plays a payment scheme: makes a CA key, and certifies issuer keys. A second opinion: it has
 * the layouts of EMV Book 2 (table 5, 11.2) and docs/formats/issuer-request.md from there, and nothing from formats/.
 *
 *   scheme_ca key KEY.pem CA.yaml [OPTION VALUE]...
 *       Makes an RSA pair, and the CA key file that belongs to it.
 *       --bits N (1408)  --exponent 03|010001 (010001)  --rid HEX (A000000003)  --index HEX (92)  --expiry MMYY (1278)
 *       --test yes           marks the file TEST; without it the file is like a real scheme's
 *       --wrong checksum     the file's checksum is that of something else
 *       --cut, --add, --flip as below, to the CA key file
 *
 *   scheme_ca sign KEY.pem REQUEST.yaml ANSWER [OPTION VALUE]...
 *       Checks the request's own signature (else status 1), prints its fingerprint (SHA-256 of what it signs, 64
 *       digits), and writes the certificate for it.
 *       --form raw|hex|tlv|tlvhex|yaml (raw)
 *                            raw: certificate ‖ remainder; hex: the same in lines of text; tlv: 8F, 90, 92, 9F32;
 *                            tlvhex: that in text; yaml: our certificate file
 *       --remainder FILE     the remainder goes there, in the form of the answer (raw or hex), and not into it
 *       --test yes           marks a yaml answer TEST
 *       What the certificate says, in place of the request's:
 *       --issuer HEX (4 bytes)  --expiry MMYY  --serial HEX  --exponent HEX  --index HEX  --rid HEX
 *       --other-bits N       it is of another key, of N bits
 *       What is wrong in it, though hash and signature are made over that:
 *       --wrong header|format|hash-algorithm|key-algorithm|modulus-length|exponent-length|modulus|padding
 *       and what is wrong against the hash, or is done to the file:
 *       --wrong trailer|hash|remainder  --cut N (bytes off its end)  --add N (bytes behind)  --flip N (bit N of it)
 *
 * Every file is replaced. Status 2: usage or files. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 2048, OVERHEAD = 36 };
struct bytes {
    uint8_t data[BYTES_MAX];
    size_t len;
};

static void fail(int status, const char *what)
{
    fprintf(stderr, "scheme_ca: %s\n", what);
    exit(status);
}

static void put(struct bytes *b, const void *data, size_t len)
{
    if (len > sizeof(b->data) - b->len) fail(2, "too long");
    if (len) memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void put_byte(struct bytes *b, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    put(b, &byte, 1);
}

static struct bytes from_hex(const char *text)
{
    struct bytes b = {.len = 0};
    if (OPENSSL_hexstr2buf_ex(b.data, sizeof(b.data), &b.len, text, '\0') != 1) fail(2, "no hex text");
    return b;
}

static void print_hex(FILE *f, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fprintf(f, "%02X", data[i]);
}

/* Options are pairs behind the operands; without one: its default. */
struct options {
    char **at;
    int count;
};

static const char *option(const struct options *o, const char *name, const char *without)
{
    for (int i = 0; i + 1 < o->count; i += 2) {
        if (strcmp(o->at[i], name) == 0) return o->at[i + 1];
    }
    return without;
}

static bool is_wrong(const struct options *o, const char *what)
{
    return strcmp(option(o, "--wrong", ""), what) == 0;
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *f = fopen(path, mode);
    if (!f) {
        perror(path);
        exit(2);
    }
    return f;
}

static void close_file(FILE *f)
{
    if (fclose(f) != 0) fail(2, "write");
}

static struct bytes number_of(EVP_PKEY *key, const char *name)
{
    struct bytes b = {.len = 0};
    BIGNUM *n = NULL;
    if (EVP_PKEY_get_bn_param(key, name, &n) != 1 || BN_num_bytes(n) > (int)sizeof(b.data)) fail(2, "key");
    b.len = (size_t)BN_bn2bin(n, b.data);
    BN_free(n);
    return b;
}

static EVP_PKEY *make_pair(const struct options *o)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    struct bytes exponent = from_hex(option(o, "--exponent", "010001"));
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    bool ok =
        ctx && e && EVP_PKEY_keygen_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)strtol(option(o, "--bits", "1408"), NULL, 10)) == 1 &&
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1 && EVP_PKEY_generate(ctx, &key) == 1;
    if (!ok) fail(2, "no pair of that size");
    EVP_PKEY_CTX_free(ctx);
    BN_free(e);
    return key;
}

static void print_into(struct bytes *out, const char *name, const struct bytes *b)
{
    char text[2 * BYTES_MAX + 64];
    int n = snprintf(text, sizeof(text), "  %s: \"", name);
    put(out, text, (size_t)n);
    for (size_t i = 0; i < b->len; i++) {
        snprintf(text, sizeof(text), "%02X", b->data[i]);
        put(out, text, 2);
    }
    put(out, "\"\n", 2);
}

static void write_bytes(const char *path, struct bytes *b, const struct options *o)
{
    const char *cut = option(o, "--cut", NULL), *add = option(o, "--add", NULL),
               *flip = option(o, "--flip", NULL);
    size_t over = add ? strtoul(add, NULL, 10) : 0, bit = flip ? strtoul(flip, NULL, 10) : 0;
    if (cut) b->len -= strtoul(cut, NULL, 10);
    for (size_t i = 0; i < over; i++)
        put_byte(b, 0x00);
    if (flip && bit / 8 < b->len) b->data[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
    FILE *f = open_file(path, "wb");
    if (fwrite(b->data, 1, b->len, f) != b->len) fail(2, path);
    close_file(f);
}

static void write_ca(const char *path, EVP_PKEY *key, const struct options *o)
{
    struct bytes rid = from_hex(option(o, "--rid", "A000000003")),
                 index = from_hex(option(o, "--index", "92"));
    struct bytes n = number_of(key, OSSL_PKEY_PARAM_RSA_N), e = number_of(key, OSSL_PKEY_PARAM_RSA_E);
    struct bytes expiry = from_hex(option(o, "--expiry", "1278")), all = rid, checksum = {.len = 20};
    bool test = strcmp(option(o, "--test", ""), "yes") == 0;
    put(&all, index.data, index.len);
    put(&all, n.data, n.len);
    put(&all, e.data, e.len);
    SHA1(all.data, all.len, checksum.data);
    if (is_wrong(o, "checksum")) checksum.data[7] ^= 0x10;
    struct bytes text = {.len = 0};
    if (test) put(&text, "# TEST\n", 7);
    put(&text, "ca_key:\n", 8);
    print_into(&text, "rid", &rid);
    print_into(&text, "index", &index);
    print_into(&text, "modulus", &n);
    print_into(&text, "exponent", &e);
    print_into(&text, "expiry", &expiry);
    print_into(&text, "checksum", &checksum);
    if (test) put(&text, "  test: yes\n", 12);
    write_bytes(path, &text, o);
}

static void make_key(char **operands, const struct options *o)
{
    EVP_PKEY *key = make_pair(o);
    FILE *f = open_file(operands[0], "w");
    if (PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1) fail(2, operands[0]);
    close_file(f);
    write_ca(operands[1], key, o);
    EVP_PKEY_free(key);
}

/* The request's fields, in the order in which they are signed. */
enum { ISSUER, RID, INDEX, EXPIRY, SERIAL, MODULUS, EXPONENT, SIGNATURE, FIELDS };
static const struct {
    const char *name;
    size_t len; /* 0: any */
} fields[FIELDS] = {
    [ISSUER] = {"issuer", 4},     [RID] = {"rid", 5},
    [INDEX] = {"ca_index", 1},    [EXPIRY] = {"expiry", 2},
    [SERIAL] = {"serial", 3},     [MODULUS] = {"modulus", 0},
    [EXPONENT] = {"exponent", 0}, [SIGNATURE] = {"signature", 0},
};

static void read_line(char *line, struct bytes into[FIELDS])
{
    char name[16], value[1024];
    if (sscanf(line, " %15[a-z_]: \"%1023[0-9A-F]\"", name, value) != 2) return;
    for (size_t i = 0; i < FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0) into[i] = from_hex(value);
    }
}

static void read_request(const char *path, struct bytes into[FIELDS])
{
    char line[2048];
    FILE *f = open_file(path, "r");
    memset(into, 0, FIELDS * sizeof(*into));
    while (fgets(line, sizeof(line), f))
        read_line(line, into);
    fclose(f);
    for (size_t i = 0; i < FIELDS; i++) {
        if (into[i].len == 0 || (fields[i].len && into[i].len != fields[i].len)) fail(1, fields[i].name);
    }
}

static EVP_PKEY *public_key(const struct bytes *n, const struct bytes *e)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    uint8_t n_native[BYTES_MAX], e_native[BYTES_MAX]; /* parameters have the machine's order: little-endian */
    for (size_t i = 0; i < n->len; i++)
        n_native[i] = n->data[n->len - 1 - i];
    for (size_t i = 0; i < e->len; i++)
        e_native[i] = e->data[e->len - 1 - i];
    OSSL_PARAM parameters[] = {OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, n_native, n->len),
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, e_native, e->len), OSSL_PARAM_END};
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        fail(1, "the request's key is no key");
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void check_request(const struct bytes r[FIELDS])
{
    struct bytes message = {.len = 0};
    uint8_t hash[SHA256_DIGEST_LENGTH];
    EVP_PKEY *key = public_key(&r[MODULUS], &r[EXPONENT]);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    put(&message, "cardprep-issuer-request-1", 26);
    for (size_t i = 0; i < SIGNATURE; i++)
        put(&message, r[i].data, r[i].len);
    if (!ctx || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestVerify(ctx, r[SIGNATURE].data, r[SIGNATURE].len, message.data, message.len) != 1)
        fail(1, "the request is not signed by its key");
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    SHA256(message.data, message.len, hash);
    print_hex(stdout, hash, sizeof(hash));
    printf("\n");
}

/* What the options say in place of the request. */
static void replace_fields(struct bytes r[FIELDS], const struct options *o)
{
    static const struct {
        size_t field;
        const char *name;
    } rows[] = {{ISSUER, "--issuer"},     {EXPIRY, "--expiry"}, {SERIAL, "--serial"},
                {EXPONENT, "--exponent"}, {INDEX, "--index"},   {RID, "--rid"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *given = option(o, rows[i].name, NULL);
        if (given) r[rows[i].field] = from_hex(given);
    }
    const char *bits = option(o, "--other-bits", NULL);
    if (bits) r[MODULUS].len = (size_t)strtoul(bits, NULL, 10) / 8;
    if (bits && RAND_bytes(r[MODULUS].data, (int)r[MODULUS].len) != 1) fail(2, "random");
    if (bits) r[MODULUS].data[0] |= 0x80;
    if (is_wrong(o, "modulus")) r[MODULUS].data[10] ^= 0x40;
}

/* Book 2, table 5. */
static void make_block(const struct bytes r[FIELDS], size_t signer_len, const struct options *o,
                       struct bytes *block, struct bytes *remainder)
{
    const struct bytes *n = &r[MODULUS];
    size_t room = signer_len - OVERHEAD, inside = n->len < room ? n->len : room;
    put_byte(block, is_wrong(o, "header") ? 0x6B : 0x6A);
    put_byte(block, is_wrong(o, "format") ? 0x04 : 0x02);
    put(block, r[ISSUER].data, 4);
    put(block, r[EXPIRY].data, 2);
    put(block, r[SERIAL].data, 3);
    put_byte(block, is_wrong(o, "hash-algorithm") ? 0x02 : 0x01);
    put_byte(block, is_wrong(o, "key-algorithm") ? 0x02 : 0x01);
    put_byte(block, (unsigned)n->len - is_wrong(o, "modulus-length"));
    put_byte(block, (unsigned)r[EXPONENT].len + is_wrong(o, "exponent-length"));
    put(block, n->data, inside);
    for (size_t i = inside; i < room; i++)
        put_byte(block, is_wrong(o, "padding") ? 0x00 : 0xBB);
    put(remainder, n->data + inside, n->len - inside);

    struct bytes hashed = {.len = 0};
    uint8_t hash[SHA_DIGEST_LENGTH];
    put(&hashed, block->data + 1, block->len - 1);
    put(&hashed, remainder->data, remainder->len);
    put(&hashed, r[EXPONENT].data, r[EXPONENT].len);
    SHA1(hashed.data, hashed.len, hash);
    if (is_wrong(o, "hash")) hash[3] ^= 0x08;
    put(block, hash, sizeof(hash));
    put_byte(block, is_wrong(o, "trailer") ? 0xBD : 0xBC);
    if (is_wrong(o, "remainder") && remainder->len) remainder->data[0] ^= 0x01;
}

static struct bytes sign_block(EVP_PKEY *key, const struct bytes *block)
{
    struct bytes out = {.len = sizeof(out.data)};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1 ||
        EVP_PKEY_sign(ctx, out.data, &out.len, block->data, block->len) != 1)
        fail(2, "sign");
    EVP_PKEY_CTX_free(ctx);
    return out;
}

static void put_object(struct bytes *b, unsigned tag, const struct bytes *value)
{
    if (value->len == 0) return;
    if (tag > 0xFF) put_byte(b, tag >> 8);
    put_byte(b, tag & 0xFF);
    if (value->len > 0x7F) put_byte(b, 0x81);
    put_byte(b, (unsigned)value->len);
    put(b, value->data, value->len);
}

static struct bytes yaml_form(const struct bytes r[FIELDS], const struct bytes *certificate,
                              const struct bytes *remainder, const struct options *o)
{
    struct bytes out = {.len = 0};
    put(&out, "issuer_certificate:\n", 20);
    print_into(&out, "rid", &r[RID]);
    print_into(&out, "ca_index", &r[INDEX]);
    print_into(&out, "certificate", certificate);
    if (remainder->len) print_into(&out, "remainder", remainder);
    print_into(&out, "exponent", &r[EXPONENT]);
    if (strcmp(option(o, "--test", ""), "yes") == 0) put(&out, "  test: yes\n", 12);
    return out;
}

/* In lower case, in lines and groups, as forms that people send have it. */
static struct bytes hex_form(const struct bytes *b)
{
    struct bytes out = {.len = 0};
    char digits[4];
    for (size_t i = 0; i < b->len; i++) {
        snprintf(digits, sizeof(digits), "%02x", b->data[i]);
        put(&out, digits, 2);
        if (i % 16 == 15)
            put(&out, "\r\n", 2);
        else if (i % 2 == 1)
            put(&out, " ", 1);
    }
    put(&out, "\n", 1);
    return out;
}

static struct bytes make_answer(const struct bytes r[FIELDS], const struct bytes *certificate,
                                const struct bytes *remainder, const struct options *o)
{
    const char *form = option(o, "--form", "raw");
    struct bytes all = {.len = 0};
    if (strcmp(form, "yaml") == 0) return yaml_form(r, certificate, remainder, o);
    if (strncmp(form, "tlv", 3) == 0) {
        put_object(&all, 0x8F, &r[INDEX]);
        put_object(&all, 0x90, certificate);
        put_object(&all, 0x92, remainder);
        put_object(&all, 0x9F32, &r[EXPONENT]);
    } else {
        put(&all, certificate->data, certificate->len);
        put(&all, remainder->data, remainder->len);
    }
    return strstr(form, "hex") ? hex_form(&all) : all;
}

static void sign_request(char **operands, const struct options *o)
{
    static const struct options untouched = {NULL, 0};
    struct bytes r[FIELDS], block = {.len = 0}, remainder = {.len = 0};
    FILE *f = open_file(operands[0], "r");
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    if (!key) fail(2, operands[0]);
    size_t signer_len = (size_t)EVP_PKEY_get_size(key);

    read_request(operands[1], r);
    check_request(r);
    replace_fields(r, o);
    if (signer_len <= OVERHEAD || r[MODULUS].len > signer_len) fail(2, "the CA key is too short");
    make_block(r, signer_len, o, &block, &remainder);
    struct bytes certificate = sign_block(key, &block);
    EVP_PKEY_free(key);
    const char *apart = option(o, "--remainder", NULL);
    if (apart) {
        struct bytes part = strstr(option(o, "--form", "raw"), "hex") ? hex_form(&remainder) : remainder;
        write_bytes(apart, &part, &untouched);
        remainder.len = 0;
    }
    struct bytes answer = make_answer(r, &certificate, &remainder, o);
    write_bytes(operands[2], &answer, o);
}

int main(int argc, char **argv)
{
    int operands = argc > 1 && strcmp(argv[1], "sign") == 0 ? 3 : 2;
    if (argc < 2 + operands || (operands == 2 && strcmp(argv[1], "key") != 0))
        fail(2, "key KEY.pem CA.yaml … or sign KEY.pem REQUEST.yaml ANSWER …: see the head of scheme_ca.c");
    const struct options o = {argv + 2 + operands, argc - 2 - operands};
    if (operands == 3)
        sign_request(argv + 2, &o);
    else
        make_key(argv + 2, &o);
    return 0;
}
