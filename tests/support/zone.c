#include "zone.h"

#include <string.h>

#include "suite.h"

bool zone_add(struct softtoken *soft)
{
    return softtoken_add(soft, "issuer") && (soft->kind == SOFTTOKEN_NSS || softtoken_add(soft, "bureau"));
}

struct hsm_key_ref zone_ref(const char *label, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = a};
}

bool zone_open(const struct softtoken *soft, struct zone_tokens *s)
{
    struct err err = ERR_INIT;
    struct secret pin = SECRET_NONE;
    *s = (struct zone_tokens){.issuer = NULL};
    EXPECT_OK(softtoken_open(soft, "issuer", &s->issuer, &err));
    s->bureau = s->issuer;
    if (!s->issuer || soft->kind == SOFTTOKEN_NSS) return s->issuer != NULL;
    struct hsm_token_choice choice = softtoken_choice(soft, "bureau");
    EXPECT_OK(secret_copy(&pin, SOFTTOKEN_PIN, strlen(SOFTTOKEN_PIN), &err));
    EXPECT_OK(hsm_token_open_beside(&s->bureau, s->issuer, &choice, &pin, HSM_READ_WRITE, &err));
    secret_release(&pin);
    return s->bureau != NULL;
}

size_t zone_session_objects(struct hsm_token *t)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return all - kept;
}

size_t zone_kept_objects(struct hsm_token *t)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return kept;
}

void zone_close(struct zone_tokens *s)
{
    CU_ASSERT_FALSE(hsm_token_is_broken(s->issuer));
    CU_ASSERT_FALSE(hsm_token_is_broken(s->bureau));
    CU_ASSERT_EQUAL(zone_session_objects(s->issuer), 0);
    CU_ASSERT_EQUAL(zone_session_objects(s->bureau), 0);
    if (s->bureau != s->issuer) hsm_token_close(s->bureau);
    hsm_token_close(s->issuer);
}

void zone_wrap(struct hsm_token *t, const struct zone_journey *j, const struct hsm_key *key, struct buf *blob)
{
    struct err err = ERR_INIT;
    if (j->public)
        EXPECT_OK(hsm_travel_wrap_oaep(t, j->public, key, blob, &err));
    else
        EXPECT_OK(hsm_travel_wrap(t, j->sender, key, blob, &err));
}

void zone_travel(struct zone_tokens *s, const struct zone_journey *j, struct hsm_key *issuer,
                 struct hsm_key *bureau)
{
    struct err err = ERR_INIT;
    struct hsm_key key = HSM_KEY_NONE;
    struct hsm_key_ref at_bureau = j->at_bureau;
    uint8_t kcv[HSM_KCV_MAX], other[HSM_KCV_MAX];
    size_t len = 0, other_len = 0;
    struct buf blob;
    buf_init(&blob, 1024);
    EXPECT_OK(hsm_travel_generate(s->issuer, &j->at_issuer, &key, &err));
    EXPECT_OK(hsm_kcv(s->issuer, &key, HSM_ROLE_TRAVELLING, kcv, &len, &err));
    zone_wrap(s->issuer, j, &key, &blob);
    EXPECT_OK(hsm_travel_install(s->issuer, &key, &j->at_issuer, issuer, &err));
    CU_ASSERT_EQUAL(key.handle, 0);
    const struct hsm_travel_blob wrapped = {j->public ? HSM_TRAVEL_OAEP : HSM_TRAVEL_KWP, j->receiver,
                                            blob.data, blob.len};
    memcpy(at_bureau.kcv, kcv, len);
    at_bureau.kcv_len = len;
    EXPECT_OK(hsm_travel_receive(s->bureau, &wrapped, &at_bureau, bureau, &err));
    EXPECT_OK(hsm_kcv(s->issuer, issuer, j->at_issuer.role, other, &other_len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, len, other, other_len));
    EXPECT_OK(hsm_kcv(s->bureau, bureau, j->at_bureau.role, other, &other_len, &err));
    CU_ASSERT_TRUE(bytes_equal(kcv, len, other, other_len));
    EXPECT_OK(hsm_key_find(s->issuer, &j->at_issuer, issuer, &err));
    EXPECT_OK(hsm_key_find(s->bureau, &at_bureau, bureau, &err));
    buf_release(&blob);
}

void zone_make(struct zone_tokens *s, struct zone *z)
{
    struct err err = ERR_INIT;
    const struct hsm_pair_ref exchange = {zone_ref("exchange", HSM_ROLE_KEY_EXCHANGE_PAIR, HSM_RSA), 2048,
                                          65537};
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    EXPECT_OK(hsm_pair_generate(s->bureau, &exchange, &z->exchange, &err));
    EXPECT_OK(hsm_pair_spki(&z->exchange, &spki, &err));
    EXPECT_OK(hsm_public_read_spki(spki.data, spki.len, &z->public, &err));
    const struct zone_journey j = {zone_ref("zcmk-out", HSM_ROLE_ZCMK_SENDER, HSM_AES256),
                                   zone_ref("zcmk-in", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256), NULL,
                                   &z->exchange.private_key, &z->public};
    zone_travel(s, &j, &z->sender, &z->receiver);
    buf_release(&spki);
}

void zone_end(struct zone_tokens *s, struct zone *z)
{
    hsm_key_destroy(s->issuer, &z->sender);
    hsm_key_destroy(s->bureau, &z->receiver);
    hsm_pair_destroy(s->bureau, &z->exchange);
}
