/* Wrapped keys that lie in files, opened otherwise than as the key that they are. */
#include "attacker.h"

/* What the attacker would like to have of it. */
struct form {
    const char *name;
    CK_KEY_TYPE type;
    CK_BBOOL sensitive, extractable;
};
static const struct form forms[] = {
    {"in clear", CKK_GENERIC_SECRET, CK_FALSE, CK_TRUE},
    {"as a readable AES key", CKK_AES, CK_FALSE, CK_TRUE},
    {"as a DES2 key", CKK_DES2, CK_TRUE, CK_FALSE},
    {"as an AES key that may leave", CKK_AES, CK_TRUE, CK_TRUE},
    {"as an AES key that decrypts and stays", CKK_AES, CK_TRUE, CK_FALSE},
};

static CK_RV open_as(const struct attacker *a, CK_MECHANISM *m, const struct key *by, struct blob *b,
                     const struct form *form)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = form->type;
    CK_BBOOL sensitive = form->sensitive, extractable = form->extractable, yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE attr[] = {{CKA_CLASS, &class, sizeof(class)},
                           {CKA_KEY_TYPE, &type, sizeof(type)},
                           {CKA_TOKEN, &no, sizeof(no)},
                           {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
                           {CKA_EXTRACTABLE, &extractable, sizeof(extractable)},
                           {CKA_DECRYPT, &yes, sizeof(yes)},
                           {CKA_UNWRAP, &yes, sizeof(yes)}};
    CK_OBJECT_HANDLE out = 0;
    uint8_t value[64];
    CK_ULONG len = sizeof(value);
    CK_RV rv = a->fn->C_UnwrapKey(a->session, m, by->handle, b->bytes, b->len, attr, 7, &out);
    if (rv != CKR_OK) return rv;
    if (!form->sensitive) rv = own_read(a, out, value, &len);
    a->fn->C_DestroyObject(a->session, out);
    return rv;
}

void attack_unwrapping(struct attacker *a)
{
    for (size_t k = 0; k < a->key_count; k++) {
        struct tally t = TALLY_NONE;
        if (a->keys[k].class == CKO_PUBLIC_KEY) continue;
        for (size_t b = 0; b < a->blob_count; b++) {
            for (size_t i = 0; i < mechanism_count; i++) {
                struct mechanism m;
                if (!(mechanisms[i].uses & FOR_WRAP)) continue;
                mechanism_set(&m, &mechanisms[i], 0, 0);
                for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
                    tally_add(&t, open_as(a, &m.m, &a->keys[k], &a->blobs[b], &forms[f]), "%s %s",
                              a->blobs[b].name, forms[f].name);
            }
        }
        tally_print(&t, "unwrap under it what lies in files", &a->keys[k]);
    }
}
