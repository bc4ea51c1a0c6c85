#include "ceremony/keys_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "ceremony/certificate.h"
#include "ceremony/components.h"
#include "ceremony/output.h"
#include "ceremony/public_file.h"
#include "formats/entry.h"

enum { FILE_MAX = 1 << 16 };

size_t keys_file_count(const struct plan *p)
{
    return p->keys_file ? 1 : 0;
}

void keys_file_describe(const struct plan *p, size_t index, char *text, size_t size)
{
    (void)index;
    output_describe(p->keys_file, text, size);
}

/* Its signer and CA keys are read from their tokens. */
bool keys_file_is_at(const struct plan *p, size_t index, const char *site)
{
    const struct plan_key *signer = plan_pair_at(p, HSM_ROLE_SIGNING_PAIR, NULL);
    (void)index;
    return !signer || plan_token_is_at(p, signer->tokens[0], site);
}

void keys_file_tell(const struct plan *p, size_t index, struct step_story *s)
{
    char file[128];
    keys_file_describe(p, index, file, sizeof(file));
    STORY(s->who, "%s", plan_person(p, DUTY_OFFICER, 0));
    STORY(s->what, "TEST: the values of the TEST keys are written to %s, in clear.", file);
    STORY(s->why, "So that anybody can check the output of a demonstration.");
}

bool keys_file_look(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    (void)index;
    (void)err;
    output_look(c->plan->keys_file, r);
    return true;
}

/* TEST values and public data; what holds a value is wiped nonetheless, out of habit. */
static json_t *hex_json(const uint8_t *data, size_t len)
{
    char text[2 * HSM_SPKI_MAX + 1];
    if (len > HSM_SPKI_MAX) return NULL;
    hex_write(text, sizeof(text), data, len, true);
    json_t *json = json_string(text);
    wipe(text, sizeof(text));
    return json;
}

static bool value_json(struct ceremony *c, const struct plan_key *key, json_t **out, struct err *err)
{
    struct secret value = SECRET_NONE;
    struct check_value check;
    if (key->origin != ORIGIN_COMPONENTS)
        return err_set(err, ERR_CONFIG,
                       "it was generated and never leaves the token: give it TEST components, or leave "
                       "the keys file out");
    if (plan_key_has_letters(key))
        return err_set(err, ERR_CONFIG,
                       "its components were printed: a keys file wants them in the plan or a file");
    for (size_t i = 0; i < key->component_count; i++) {
        if (key->components[i].source == COMPONENT_PROMPT)
            return err_set(err, ERR_CONFIG,
                           "its components are prompted for: a keys file wants them in the plan or a file");
    }
    if (!components_combine(c, key, &value, &check, err)) return false;
    *out = hex_json(value.data, value.len);
    secret_release(&value);
    return *out || err_set_no_memory(err);
}

static bool put_kek(struct ceremony *c, const struct plan_key *key, json_t *keks, struct err *err)
{
    uint8_t id[KEKID_LEN];
    char id_text[2 * KEKID_LEN + 1];
    json_t *value = NULL;
    if (!c->plan->issuer)
        return err_set(err, ERR_CONFIG, "the plan says no `issuer`, which a KEK's identifier begins with");
    if (!kekid_make(c->plan->issuer, key->version, id, err) || !value_json(c, key, &value, err)) return false;
    hex_write(id_text, sizeof(id_text), id, sizeof(id), true);
    return json_object_set_new(keks, id_text, value) == 0 || err_set_no_memory(err);
}

static bool put_master(struct ceremony *c, const struct plan_key *key, json_t *derive, struct err *err)
{
    char name[80];
    json_t *value = NULL;
    if (!key->method || !key->version)
        return err_set(err, ERR_CONFIG, "a master in a keys file needs its `version` and `method`");
    if (!value_json(c, key, &value, err)) return false;
    snprintf(name, sizeof(name), "%s/%u", key->name, key->version);
    json_t *entry = json_pack("{s:o, s:s}", "master", value, "method", key->method);
    return (entry && json_object_set_new(derive, name, entry) == 0) || err_set_no_memory(err);
}

/* Which roles stand where. */
typedef bool put_key_fn(struct ceremony *c, const struct plan_key *key, json_t *into, struct err *err);
static const struct place_row {
    enum hsm_role role;
    const char *member;
    put_key_fn *put;
} places[] = {
    {HSM_ROLE_KEK_ISSUER, "kek", put_kek},
    {HSM_ROLE_KEK_BUREAU, "kek", put_kek},
    {HSM_ROLE_MASTER, "derive", put_master},
};

static bool put_keys(struct ceremony *c, json_t *root, struct err *err)
{
    for (size_t i = 0; i < c->plan->key_count; i++) {
        const struct plan_key *key = &c->plan->keys[i];
        enum hsm_role role;
        if (!hsm_role_find(key->token_roles[0], &role, err)) return false;
        for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
            if (places[k].role != role) continue;
            if (!places[k].put(c, key, json_object_get(root, places[k].member), err)) {
                char name[PLAN_KEY_NAME_MAX];
                err_prefix(err, "key %s", plan_key_name(key, name));
                return false;
            }
        }
    }
    return true;
}

static bool ca_json(struct ceremony *c, const struct plan_certificate *pc, json_t **out, struct err *err)
{
    struct ca_key_file ca;
    char index[3], rid[11];
    if (!(pc->ca_key ? certificate_test_ca(c, pc, &ca, err) : ca_key_file_load(pc->ca_path, &ca, err)))
        return false;
    hex_write(index, sizeof(index), &ca.key.index, 1, false);
    hex_write(rid, sizeof(rid), ca.key.rid, sizeof(ca.key.rid), false);
    *out = json_pack("{s:o, s:I, s:s, s:s}", "n", hex_json(ca.key.key.modulus, ca.key.key.modulus_len), "e",
                     (json_int_t)bytes_be(ca.key.key.exponent, ca.key.key.exponent_len), "rid", rid, "index",
                     index);
    return *out || err_set_no_memory(err);
}

/* One object for one CA key, a list for several; each once. */
static bool put_cas(struct ceremony *c, json_t *root, struct err *err)
{
    json_t *list = json_array();
    bool ok = list || err_set_no_memory(err);
    for (size_t i = 0; ok && i < c->plan->certificate_count; i++) {
        const struct plan_certificate *pc = &c->plan->certificates[i];
        json_t *ca = NULL;
        bool known = false;
        if (!pc->ca_key && !output_is_there(pc->ca_path)) continue; /* its certificate is still waited for */
        ok = ca_json(c, pc, &ca, err);
        for (size_t k = 0; ok && k < json_array_size(list); k++)
            known = known || json_equal(json_array_get(list, k), ca);
        if (ok && !known) ok = json_array_append(list, ca) == 0 || err_set_no_memory(err);
        json_decref(ca);
    }
    size_t count = json_array_size(list);
    json_t *value = count == 1 ? json_array_get(list, 0) : list;
    if (ok && count) ok = json_object_set(root, "ca", value) == 0 || err_set_no_memory(err);
    json_decref(list);
    return ok;
}

static bool put_signer(struct ceremony *c, json_t *root, struct err *err)
{
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    bool ok =
        public_file_signer(c, NULL, &spki, err) &&
        (json_object_set_new(root, "signer", hex_json(spki.data, spki.len)) == 0 || err_set_no_memory(err));
    buf_release(&spki);
    return ok;
}

bool keys_file_run(struct ceremony *c, size_t index, struct step_result *r, struct err *err)
{
    struct buf text;
    char *dump = NULL;
    bool ok = false;
    (void)index;
    if (!c->plan->test)
        return err_set(err, ERR_CONFIG, "a keys file holds keys in clear: for TEST plans alone (test: yes)");
    buf_init(&text, FILE_MAX);
    json_t *root = json_pack("{s:{}, s:{}}", "kek", "derive");
    if (!root) {
        err_set_no_memory(err);
        goto out;
    }
    if (!put_keys(c, root, err) || !put_cas(c, root, err) || !put_signer(c, root, err)) goto out;
    dump = json_dumps(root, JSON_INDENT(1));
    if (!dump) {
        err_set_no_memory(err);
        goto out;
    }
    buf_put_text(&text, dump);
    buf_put_text(&text, "\n");
    ok = output_put(c->plan->keys_file, &text, OUTPUT_REPLACE, r, err);
out:
    free(dump);
    json_decref(root);
    buf_release(&text);
    return ok;
}
