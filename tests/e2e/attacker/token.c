/* From a module's path to a list of its token's keys. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attacker.h"

enum { SLOTS_MAX = 64, PIN_MAX = 64 };

/* CK_C_INITIALIZE_ARGS as NSS wants it. */
struct arguments {
    CK_RV (*create)(void **);
    CK_RV (*destroy)(void *);
    CK_RV (*lock)(void *);
    CK_RV (*unlock)(void *);
    CK_FLAGS flags;
    const char *parameters;
    void *reserved;
};

static bool load(struct attacker *a, const char *path, const char *parameters)
{
    struct arguments with = {.flags = CKF_OS_LOCKING_OK, .parameters = parameters};
    CK_C_INITIALIZE_ARGS without = {.flags = CKF_OS_LOCKING_OK};
    CK_RV (*get)(CK_FUNCTION_LIST **) = NULL;
    void *library = dlopen(path, RTLD_NOW);
    if (library) *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (!get || get(&a->fn) != CKR_OK) {
        fprintf(stderr, "attacker: %s is no module\n", path);
        return false;
    }
    return a->fn->C_Initialize(strcmp(parameters, "-") == 0 ? (void *)&without : (void *)&with) == CKR_OK;
}

static bool find_slot(struct attacker *a, const char *label)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    if (a->fn->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) return false;
    for (CK_ULONG i = 0; i < count; i++) {
        size_t len = strlen(label);
        if (a->fn->C_GetTokenInfo(slots[i], &info) != CKR_OK || len > sizeof(info.label)) continue;
        if (memcmp(info.label, label, len) != 0 || (len < sizeof(info.label) && info.label[len] != ' '))
            continue;
        a->slot = slots[i];
        return true;
    }
    return false;
}

static bool login(struct attacker *a, const char *path)
{
    char pin[PIN_MAX];
    if (strcmp(path, "-") == 0) return true;
    FILE *f = fopen(path, "re");
    bool ok = f && fgets(pin, sizeof(pin), f);
    if (f) fclose(f);
    if (!ok) return false;
    pin[strcspn(pin, "\n")] = 0;
    return a->fn->C_Login(a->session, CKU_USER, (unsigned char *)pin, strlen(pin)) == CKR_OK;
}

bool attacker_start(struct attacker *a, char **argv)
{
    if (load(a, argv[0], argv[1]) && find_slot(a, argv[2]) &&
        a->fn->C_OpenSession(a->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &a->session) ==
            CKR_OK &&
        login(a, argv[3]))
        return true;
    fprintf(stderr, "attacker: cannot open token %s of %s\n", argv[2], argv[0]);
    return false;
}

void attacker_end(struct attacker *a)
{
    a->fn->C_Finalize(NULL);
}

static CK_ULONG read_number(const struct attacker *a, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE attr = {type, &value, sizeof(value)};
    return a->fn->C_GetAttributeValue(a->session, object, &attr, 1) == CKR_OK ? value : 0;
}

CK_BBOOL attacker_bool(const struct attacker *a, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attr = {type, &value, sizeof(value)};
    return a->fn->C_GetAttributeValue(a->session, object, &attr, 1) == CKR_OK && value;
}

static void note(struct attacker *a, CK_OBJECT_HANDLE object, CK_OBJECT_CLASS class)
{
    struct key *k = &a->keys[a->key_count++];
    char text[NAME_MAX_LEN] = "?";
    CK_ATTRIBUTE label = {CKA_LABEL, text, sizeof(text) - 1};
    *k = (struct key){.handle = object, .class = class, .type = read_number(a, object, CKA_KEY_TYPE)};
    if (a->fn->C_GetAttributeValue(a->session, object, &label, 1) == CKR_OK) text[label.ulValueLen] = 0;
    snprintf(k->label, sizeof(k->label), "%s", text);
    snprintf(k->name, sizeof(k->name), "%s%s", text, class == CKO_PUBLIC_KEY ? "(public)" : "");
}

static int by_name(const void *a, const void *b)
{
    const struct key *one = a, *other = b;
    if (one->class != other->class) return one->class > other->class ? -1 : 1; /* secret, private, public */
    return strcmp(one->name, other->name);
}

bool attacker_look(struct attacker *a)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    CK_BBOOL yes = CK_TRUE;
    a->key_count = 0;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        CK_OBJECT_CLASS class = classes[i];
        CK_ATTRIBUTE attr[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &yes, sizeof(yes)}};
        CK_OBJECT_HANDLE found[KEYS_MAX];
        CK_ULONG count = 0;
        if (a->fn->C_FindObjectsInit(a->session, attr, 2) != CKR_OK) return false;
        CK_RV rv = a->fn->C_FindObjects(a->session, found, KEYS_MAX - a->key_count, &count);
        a->fn->C_FindObjectsFinal(a->session);
        if (rv != CKR_OK) return false;
        for (CK_ULONG k = 0; k < count; k++)
            note(a, found[k], class);
    }
    qsort(a->keys, a->key_count, sizeof(a->keys[0]), by_name);
    return true;
}

const struct key *attacker_key(const struct attacker *a, const char *name)
{
    for (size_t i = 0; i < a->key_count; i++) {
        if (strcmp(a->keys[i].name, name) == 0) return &a->keys[i];
    }
    fprintf(stderr, "attacker: there is no key %s\n", name);
    return NULL;
}
