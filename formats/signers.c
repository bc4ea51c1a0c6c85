#include "formats/signers.h"

#include "base/outfile.h"

static bool load_one(struct signers *out, const char *path, struct err *err)
{
    struct buf pem, *der = &out->der[out->count];
    buf_init(der, PUBLIC_KEY_SPKI_MAX);
    buf_init(&pem, PUBLIC_KEY_PEM_MAX);
    bool read = file_read_all(path, PUBLIC_KEY_PEM_MAX, &pem, err);
    bool ok = read && public_key_read_pem(pem.data, pem.len, der, err);
    if (read && !ok) err_prefix(err, "%s", path);
    buf_release(&pem);
    if (ok) out->keys[out->count++] = (struct public_key){der->data, der->len};
    return ok;
}

bool signers_load(struct signers *out, const char *const *paths, size_t count, struct err *err)
{
    *out = (struct signers){.count = 0};
    if (count > SIGNERS_MAX) return err_set(err, ERR_CONFIG, "more than %d signers", SIGNERS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (load_one(out, paths[i], err)) continue;
        signers_release(out);
        return false;
    }
    return true;
}

void signers_release(struct signers *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_release(&s->der[i]);
    s->count = 0;
}
