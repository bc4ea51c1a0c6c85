/* docs/formats/mic-file.md, "E1": opens one secret, checks its check value, makes derived keys again from their
 * master, and proves that an RSA key is one. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* The card's own key that tag CC names; *known false without its KMC or without keydata of this card. */
static bool static_key(struct reader *r, const struct secret *s, uint8_t key[32], size_t *len, bool *known)
{
    struct span name = s->static_key, which, keydata;
    struct master kmc;

    which = span_of(name.at + name.len - 3, 3);
    name.len -= 4;
    *known = keys_master(r->keys, name, &kmc) && keys_keydata(r->keys, r->card.object_id, &keydata);
    if (!*known) return true;
    uint8_t n = which.at[0] == 'E' ? 1 : which.at[0] == 'M' ? 2 : 3;
    if ((kmc.method == KMC_AES) != (s->method == 0x12) || !derive_static_key(&kmc, keydata, n, key, len))
        return refuse(r, s->static_key.at, "the card's own key cannot be made by the method of this KMC");
    return true;
}

static bool open_static(struct reader *r, const struct secret *s, const struct secret *before, uint8_t *plain,
                        bool *opened)
{
    uint8_t key[32], iv[16] = {0};
    size_t len;
    bool done;
    if (!static_key(r, s, key, &len, opened)) return false;
    if (!*opened) return true;
    if (before) memcpy(iv, before->ciphertext.at + before->ciphertext.len - 16, 16);
    if (s->method == 0x11)
        done = crypto_tdes_ecb(span_of(key, len), false, s->ciphertext, plain);
    else
        done = crypto_aes_cbc_decrypt(span_of(key, len), iv, s->ciphertext, plain);
    return done || refuse(r, s->ciphertext.at, "C7 does not decrypt");
}

/* Some tokens pad with zeros before they wrap: at most seven, and nothing else. */
static bool strip_padding(struct reader *r, const struct secret *s, const uint8_t *plain, size_t *len)
{
    size_t true_len = kind_key_len(s->kind);
    if (s->kind == KIND_OPAQUE) {
        true_len = (size_t)span_number(s->true_len);
    } else if (s->kind == KIND_RSA) {
        struct span rest = span_of(plain, *len);
        struct tlv der;
        const char *why;
        if (!tlv_next(&rest, &der, &why)) return refuse(r, s->ciphertext.at, "unwrapped key: %s", why);
        true_len = *len - rest.len;
    } else if (*len != true_len) {
        return refuse(r, s->ciphertext.at, "unwrapped key is not as long as its kind");
    }
    if (*len < true_len || *len - true_len > 7)
        return refuse(r, s->ciphertext.at, "unwrapped length is wrong");
    if (!span_is_zero(span_of(plain + true_len, *len - true_len)))
        return refuse(r, s->ciphertext.at, "padding behind the unwrapped bytes is not zero");
    *len = true_len;
    return true;
}

bool secret_open(struct reader *r, const struct entry *entry, const struct secret *s,
                 const struct secret *before, uint8_t *plain, size_t *len, bool *opened)
{
    struct span kek;
    *opened = true;
    if (s->method != 0x01) {
        *len = s->ciphertext.len;
        return open_static(r, s, before, plain, opened);
    }
    if (!keys_kek(r->keys, entry->kek_id, &kek)) return refuse(r, entry->kek_id.at, "KEK is not held");
    if (!crypto_kwp_unwrap(kek, s->ciphertext, plain, len))
        return refuse(r, s->ciphertext.at, "C7 does not unwrap under the KEK");
    return strip_padding(r, s, plain, len);
}

static bool check_value(struct reader *r, const struct secret *s, struct span key)
{
    static const uint8_t ZERO[16] = {0};
    uint8_t out[16];
    bool done;
    if (kind_is_des(s->kind))
        done = crypto_tdes_ecb(key, true, span_of(ZERO, 8), out);
    else
        done = crypto_cmac(key, span_of(ZERO, 16), out);
    if (!done || !span_is_equal(span_of(out, s->check.len), s->check))
        return refuse(r, s->check.at, "check value is not that of the key");
    return true;
}

/* `key` is the unwrapped value, or absent when it could not be opened. */
static bool check_derived(struct reader *r, const struct entry *entry, const struct secret *s,
                          struct span key)
{
    struct span data = s->own_c2.at ? s->own_c2 : entry->c2;
    struct master master;
    uint8_t made[32];
    const char *why;
    if (!data.at) return refuse(r, s->start, "no derivation data: the entry has no C2");
    if (!keys_master(r->keys, s->master, &master)) return refuse(r, s->master.at, "master key is not held");
    if (!derive_card_key(&master, s->kind, data, made, &why))
        return refuse(r, s->start, "derivation: %s", why);
    size_t len = kind_key_len(s->kind);
    if (!key.at) return check_value(r, s, span_of(made, len));

    uint8_t parity = kind_is_des(s->kind) ? 1 : 0;
    for (size_t i = 0; i < len; i++) {
        if ((made[i] ^ key.at[i]) & ~parity)
            return refuse(r, s->ciphertext.at, "key is not the one derived from its master");
    }
    return true;
}

static bool check_rsa(struct reader *r, const struct secret *s, struct span der, struct rsa_private *rsa)
{
    uint8_t modulus[1024], hash[32];
    size_t used;
    const char *why;

    rsa_private_release(rsa);
    if (!rsa_private_parse(der, rsa, &used, &why)) return refuse(r, s->ciphertext.at, "%s", why);
    if (used != der.len) return refuse(r, s->ciphertext.at, "bytes behind the PKCS#8");
    if (!rsa_private_check(rsa, &why)) return refuse(r, s->ciphertext.at, "RSA key: %s", why);
    size_t len = (size_t)BN_num_bytes(rsa->n);
    if (len > sizeof(modulus)) return refuse(r, s->ciphertext.at, "RSA key is too long");
    BN_bn2bin(rsa->n, modulus);
    if (!crypto_sha256(span_of(modulus, len), hash) || !span_is_equal(span_of(hash, 3), s->check))
        return refuse(r, s->check.at, "check value is not that of the modulus");
    return true;
}

bool secret_check(struct reader *r, const struct entry *entry, const struct secret *s,
                  const struct secret *before, struct rsa_private *rsa)
{
    uint8_t *plain = must_calloc(s->ciphertext.len, 1);
    struct span key = {0};
    bool opened, ok = false;

    if (!secret_open(r, entry, s, before, plain, &key.len, &opened)) goto out;
    if (opened) key.at = plain;
    if (s->kind == KIND_RSA) {
        if (!check_rsa(r, s, key, rsa)) goto out;
    } else if (s->kind != KIND_OPAQUE) {
        if (opened && !check_value(r, s, key)) goto out;
        if (!check_derived(r, entry, s, key)) goto out;
    }
    r->summary.secrets += opened;
    r->summary.not_decrypted += !opened;
    ok = true;
out:
    OPENSSL_cleanse(plain, s->ciphertext.len);
    free(plain);
    return ok;
}
