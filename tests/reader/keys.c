#include "keys.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CA_MAX = 16 };

/* A name of the file with its bytes; lists are searched in order. */
struct named {
    struct span name, value;
    enum method method;
    struct named *next;
};

struct keys {
    struct named *keks, *masters, *keydata;
    struct ca_key cas[CA_MAX];
    size_t ca_count;
    EVP_PKEY *signer;
    uint8_t signer_id[32];
};

static const char *const METHOD_NAMES[METHODS] = {
    [COMPLEMENT] = "complement", [DIRECT] = "direct",   [EMV_A] = "emv-a",         [EMV_B] = "emv-b",
    [EMV_C] = "emv-c",           [KMC_CPS] = "kmc-cps", [KMC_VISA2] = "kmc-visa2", [KMC_AES] = "kmc-aes",
};

static bool complain(const char *what, const char *name)
{
    fprintf(stderr, "mic_reader: keys file: %s: %s\n", name, what);
    return false;
}

static bool json_hex(const json_t *json, const char *name, struct span *value)
{
    uint8_t *bytes;
    size_t len;
    const char *text = json_string_value(json);
    if (!text || !hex_decode(text, &bytes, &len)) return complain("hexadecimal text expected", name);
    *value = span_of(bytes, len);
    return true;
}

static struct span copy_text(const char *text)
{
    size_t len = strlen(text);
    uint8_t *copy = must_calloc(len + 1, 1);
    memcpy(copy, text, len);
    return span_of(copy, len);
}

static struct named *named_add(struct named **list, struct span name)
{
    struct named *item = must_calloc(1, sizeof(*item));
    item->name = name;
    item->next = *list;
    *list = item;
    return item;
}

static const struct named *named_find(const struct named *list, struct span name)
{
    while (list && !span_is_equal(list->name, name))
        list = list->next;
    return list;
}

static void named_free(struct named *list)
{
    while (list) {
        struct named *next = list->next;
        free((void *)(uintptr_t)list->name.at);
        free((void *)(uintptr_t)list->value.at);
        free(list);
        list = next;
    }
}

static bool load_keks(struct keys *keys, json_t *json)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        uint8_t *id;
        size_t len;
        if (!hex_decode(name, &id, &len)) return complain("a KEK identifier is hexadecimal", name);
        if (!json_hex(value, name, &named_add(&keys->keks, span_of(id, len))->value)) return false;
    }
    return true;
}

static bool load_masters(struct keys *keys, json_t *json)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        struct named *item = named_add(&keys->masters, copy_text(name));
        const char *method = json_string_value(json_object_get(value, "method"));
        if (!json_hex(json_object_get(value, "master"), name, &item->value)) return false;
        while (item->method < METHODS && (!method || strcmp(method, METHOD_NAMES[item->method]) != 0))
            item->method++;
        if (item->method == METHODS) return complain("unknown method", name);
    }
    return true;
}

static bool load_keydata(struct keys *keys, json_t *json)
{
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        struct named *item = named_add(&keys->keydata, copy_text(name));
        if (!json_hex(value, name, &item->value)) return false;
        if (item->value.len != 10) return complain("keydata is 10 bytes", name);
    }
    return true;
}

static bool load_ca(struct keys *keys, json_t *json)
{
    if (keys->ca_count == CA_MAX) return complain("too many", "ca");
    struct ca_key *ca = &keys->cas[keys->ca_count++];
    json_t *e = json_object_get(json, "e");
    ca->e = BN_new();
    if (!ca->e) return false;
    if (json_is_integer(e)) {
        if (!BN_set_word(ca->e, (BN_ULONG)json_integer_value(e))) return false;
    } else if (!json_is_string(e) || !BN_hex2bn(&ca->e, json_string_value(e))) {
        return complain("e is a number, or hexadecimal text", "ca");
    }
    const char *n = json_string_value(json_object_get(json, "n"));
    if (!n || !BN_hex2bn(&ca->n, n)) return complain("n is hexadecimal text", "ca");
    return json_hex(json_object_get(json, "rid"), "rid", &ca->rid) &&
           json_hex(json_object_get(json, "index"), "index", &ca->index);
}

static bool load_cas(struct keys *keys, json_t *json)
{
    size_t i;
    json_t *one;
    if (!json) return true;
    if (!json_is_array(json)) return load_ca(keys, json);
    json_array_foreach(json, i, one)
    {
        if (!load_ca(keys, one)) return false;
    }
    return true;
}

static bool load_signer(struct keys *keys, json_t *json)
{
    struct span spki;
    if (!json_hex(json, "signer", &spki)) return false;
    const unsigned char *at = spki.at;
    keys->signer = d2i_PUBKEY(NULL, &at, (long)spki.len);
    bool ok = keys->signer && at == spki.at + spki.len && crypto_sha256(spki, keys->signer_id);
    free((void *)(uintptr_t)spki.at);
    return ok || complain("not a SubjectPublicKeyInfo", "signer");
}

bool keys_load(const char *path, struct keys **keys)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        fprintf(stderr, "mic_reader: %s:%d: %s\n", path, error.line, error.text);
        return false;
    }
    struct keys *loaded = must_calloc(1, sizeof(*loaded));
    bool ok = load_keks(loaded, json_object_get(root, "kek")) &&
              load_masters(loaded, json_object_get(root, "derive")) &&
              load_keydata(loaded, json_object_get(root, "keydata")) &&
              load_cas(loaded, json_object_get(root, "ca")) &&
              load_signer(loaded, json_object_get(root, "signer"));
    json_decref(root);
    if (!ok) {
        keys_free(loaded);
        return false;
    }
    *keys = loaded;
    return true;
}

void keys_free(struct keys *keys)
{
    if (!keys) return;
    named_free(keys->keks);
    named_free(keys->masters);
    named_free(keys->keydata);
    for (size_t i = 0; i < keys->ca_count; i++) {
        BN_free(keys->cas[i].n);
        BN_free(keys->cas[i].e);
        free((void *)(uintptr_t)keys->cas[i].rid.at);
        free((void *)(uintptr_t)keys->cas[i].index.at);
    }
    EVP_PKEY_free(keys->signer);
    free(keys);
}

bool keys_kek(const struct keys *keys, struct span id, struct span *key)
{
    const struct named *found = named_find(keys->keks, id);
    if (found) *key = found->value;
    return found;
}

bool keys_master(const struct keys *keys, struct span name, struct master *master)
{
    const struct named *found = named_find(keys->masters, name);
    if (found) *master = (struct master){found->value, found->method};
    return found;
}

bool keys_keydata(const struct keys *keys, struct span object_id, struct span *keydata)
{
    const struct named *found = named_find(keys->keydata, object_id);
    if (found) *keydata = found->value;
    return found;
}

const struct ca_key *keys_ca(const struct keys *keys, struct span rid, struct span index)
{
    for (size_t i = 0; i < keys->ca_count; i++) {
        const struct ca_key *ca = &keys->cas[i];
        if (span_is_equal(ca->rid, rid) && span_is_equal(ca->index, index)) return ca;
    }
    return NULL;
}

EVP_PKEY *keys_signer(const struct keys *keys)
{
    return keys->signer;
}

struct span keys_signer_id(const struct keys *keys)
{
    return span_of(keys->signer_id, sizeof(keys->signer_id));
}
