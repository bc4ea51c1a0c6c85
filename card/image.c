#include "card/image.h"

#include <string.h>

#include "base/digest.h"
#include "formats/tlv.h"

enum {
    HEAD_LEN = 9,
    TAG_IDENTITY = 0xC1, /* KEYDATA (10) ‖ SCP ‖ i ‖ protocol ‖ life */
    TAG_KEYSET = 0xE1, /* index ‖ version ‖ failures ‖ sequence (4) ‖ three times: type ‖ length ‖ value */
    TAG_APP =
        0xE2, /* index ‖ kind ‖ life ‖ locked ‖ ATC (2) ‖ last online (2) ‖ PIN left ‖ PIN limit ‖ AID */
    TAG_STORE = 0xC3,
    IDENTITY_LEN = CARD_KEY_DATA_LEN + 4,
    KEYSET_HEAD = 7,
    APP_HEAD = 10,
};

static const uint8_t magic[HEAD_LEN] = {'S', 'O', 'F', 'T', 'C', 'A', 'R', 'D', 1};

/* A bounded writer over locked memory; a struct buf is no place for keys. */
static void put(struct secret *to, const void *data, size_t len)
{
    if (len) memcpy(to->data + to->len, data, len);
    to->len += len;
}

static void put_head(struct secret *to, uint8_t tag, size_t len)
{
    uint8_t head[4] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};

    if (len < 0x80) {
        head[1] = (uint8_t)len;
        put(to, head, 2);
    } else if (len < 0x100) {
        head[1] = 0x81;
        head[2] = (uint8_t)len;
        put(to, head, 3);
    } else {
        put(to, head, 4);
    }
}

static void put_keyset(struct secret *to, size_t index, const struct card_keyset *set)
{
    uint32_t n = set->sequence;
    uint8_t head[KEYSET_HEAD] = {(uint8_t)index,     set->version,      set->failures, (uint8_t)(n >> 24),
                                 (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    put_head(to, TAG_KEYSET, KEYSET_HEAD + KEY_COUNT * (2 + (size_t)set->key[0].len));
    put(to, head, sizeof(head));
    for (size_t k = 0; k < KEY_COUNT; k++) {
        const struct card_key *key = &set->key[k];
        put(to, (const uint8_t[]){key->type, key->len}, 2);
        put(to, key->value, key->len);
    }
}

static void put_app(struct secret *to, size_t index, const struct card_app *app)
{
    uint8_t head[APP_HEAD] = {(uint8_t)index,
                              app->kind,
                              app->life,
                              app->locked,
                              (uint8_t)(app->atc >> 8),
                              (uint8_t)app->atc,
                              (uint8_t)(app->last_online >> 8),
                              (uint8_t)app->last_online,
                              app->pin_left,
                              app->pin_limit};
    put_head(to, TAG_APP, APP_HEAD + (size_t)app->aid_len);
    put(to, head, sizeof(head));
    put(to, app->aid, app->aid_len);
}

bool image_write(const struct card_state *s, struct secret *image, struct err *err)
{
    uint8_t digest[SHA256_LEN];

    if (!secret_init(image, IMAGE_MAX, err)) return false;
    put(image, magic, sizeof(magic));
    put_head(image, TAG_IDENTITY, IDENTITY_LEN);
    put(image, s->key_data, CARD_KEY_DATA_LEN);
    put(image, (const uint8_t[]){s->scp, s->i, s->protocol, s->life}, 4);
    for (size_t i = 0; i < CARD_KEYSETS_MAX; i++) {
        if (s->keysets[i].version) put_keyset(image, i, &s->keysets[i]);
    }
    for (size_t i = 0; i < CARD_APPS_MAX; i++) {
        if (s->apps[i].kind) put_app(image, i, &s->apps[i]);
    }
    put_head(image, TAG_STORE, s->store_len);
    put(image, s->store, s->store_len);
    if (!sha256(image->data, image->len, digest, err)) {
        secret_release(image);
        return false;
    }
    put(image, digest, sizeof(digest));
    return true;
}

static bool damaged(const struct tlv *t, struct err *err)
{
    return err_set(err, ERR_INPUT, "tag %02X at offset %llu does not hold what it must", (unsigned)t->tag,
                   (unsigned long long)t->offset);
}

static bool read_identity(struct card_state *s, const struct tlv *t)
{
    if (t->len != IDENTITY_LEN) return false;
    memcpy(s->key_data, t->value, CARD_KEY_DATA_LEN);
    s->scp = t->value[CARD_KEY_DATA_LEN];
    s->i = t->value[CARD_KEY_DATA_LEN + 1];
    s->protocol = t->value[CARD_KEY_DATA_LEN + 2];
    s->life = t->value[CARD_KEY_DATA_LEN + 3];
    return true;
}

static bool read_keyset(struct card_state *s, const struct tlv *t)
{
    const uint8_t *at = t->value;

    if (t->len < KEYSET_HEAD || at[0] >= CARD_KEYSETS_MAX) return false;
    struct card_keyset *set = &s->keysets[at[0]];
    if (set->version || at[1] == 0) return false;
    set->version = at[1];
    set->failures = at[2];
    set->sequence = (uint32_t)bytes_be(at + 3, 4);
    size_t pos = KEYSET_HEAD;
    for (size_t k = 0; k < KEY_COUNT; k++) {
        struct card_key *key = &set->key[k];
        if (t->len - pos < 2) return false;
        key->type = at[pos];
        key->len = at[pos + 1];
        pos += 2;
        if (key->len > CARD_KEY_MAX || t->len - pos < key->len) return false;
        memcpy(key->value, at + pos, key->len);
        pos += key->len;
    }
    return pos == t->len;
}

static bool read_app(struct card_state *s, const struct tlv *t)
{
    const uint8_t *at = t->value;

    if (t->len < APP_HEAD + CARD_AID_MIN || t->len > APP_HEAD + CARD_AID_MAX || at[0] >= CARD_APPS_MAX)
        return false;
    struct card_app *app = &s->apps[at[0]];
    if (app->kind || at[1] == APP_NONE) return false;
    *app = (struct card_app){.kind = at[1],
                             .life = at[2],
                             .locked = at[3],
                             .atc = (uint16_t)bytes_be(at + 4, 2),
                             .last_online = (uint16_t)bytes_be(at + 6, 2),
                             .pin_left = at[8],
                             .pin_limit = at[9],
                             .aid_len = (uint8_t)(t->len - APP_HEAD)};
    memcpy(app->aid, at + APP_HEAD, app->aid_len);
    return true;
}

static bool read_store(struct card_state *s, const struct tlv *t)
{
    if (t->len > CARD_STORE_MAX) return false;
    if (t->len) memcpy(s->store, t->value, t->len);
    s->store_len = t->len;
    return true;
}

static bool read_parts(struct cur c, struct card_state *s, struct err *err)
{
    static const struct {
        uint32_t tag;
        bool once;
        bool (*read)(struct card_state *s, const struct tlv *t);
    } parts[] = {{TAG_IDENTITY, true, read_identity},
                 {TAG_KEYSET, false, read_keyset},
                 {TAG_APP, false, read_app},
                 {TAG_STORE, true, read_store}};
    unsigned seen[sizeof(parts) / sizeof(parts[0])] = {0};
    struct tlv t;

    while (cur_left(&c) > 0) {
        size_t k = 0;
        if (!tlv_read(&c, &t, err)) return false;
        while (k < sizeof(parts) / sizeof(parts[0]) && parts[k].tag != t.tag)
            k++;
        if (k == sizeof(parts) / sizeof(parts[0]) || (parts[k].once && seen[k]) || !parts[k].read(s, &t))
            return damaged(&t, err);
        seen[k]++;
    }
    if (!seen[0] || !seen[3]) return err_set(err, ERR_INPUT, "identity or store is missing");
    return state_check(s, err);
}

bool image_read(const uint8_t *image, size_t len, struct card_state *s, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    struct secret scratch = SECRET_NONE;
    bool ok = false;

    if (len < HEAD_LEN + SHA256_LEN || memcmp(image, magic, HEAD_LEN) != 0)
        return err_set(err, ERR_INPUT, "this is no card's state of version %u", magic[HEAD_LEN - 1]);
    if (!sha256(image, len - SHA256_LEN, digest, err)) return false;
    if (!bytes_equal(digest, SHA256_LEN, image + len - SHA256_LEN, SHA256_LEN))
        return err_set(err, ERR_INPUT, "the card's state is damaged: its digest is another");
    if (!secret_init(&scratch, sizeof(*s), err)) return false;
    memset(scratch.data, 0, sizeof(*s));
    struct card_state *read = (struct card_state *)(void *)scratch.data;
    if (read_parts(cur_make(image + HEAD_LEN, len - HEAD_LEN - SHA256_LEN, HEAD_LEN), read, err)) {
        *s = *read;
        ok = true;
    }
    secret_release(&scratch);
    if (!ok) err_prefix(err, "the card's state");
    return ok;
}
