/* The whole journey on two tokens of one module: the ZCMK by RSA-OAEP, then KEK and KMC under the ZCMK; and what is
 * refused on the way. With the argument `nss`, on the one token that NSS has. */
#include <openssl/evp.h>

#include "hsm/internal.h"
#include "hsm/objects.h"
#include "hsm/travel.h"
#include "softtoken.h"
#include "suite.h"

static struct softtoken soft;

struct tokens {
    struct hsm_token *issuer, *bureau; /* on NSS the same */
};

static struct hsm_key_ref ref_of(const char *label, enum hsm_role role, enum hsm_algorithm a)
{
    return (struct hsm_key_ref){.name = label, .label = label, .role = role, .algorithm = a};
}

static bool open_tokens(struct tokens *s)
{
    struct err err = ERR_INIT;
    struct secret pin = SECRET_NONE;
    *s = (struct tokens){.issuer = NULL};
    EXPECT_OK(softtoken_open(&soft, "issuer", &s->issuer, &err));
    s->bureau = s->issuer;
    if (!s->issuer || soft.kind == SOFTTOKEN_NSS) return s->issuer != NULL;
    struct hsm_token_choice choice = softtoken_choice(&soft, "bureau");
    EXPECT_OK(secret_copy(&pin, SOFTTOKEN_PIN, strlen(SOFTTOKEN_PIN), &err));
    EXPECT_OK(hsm_token_open_beside(&s->bureau, s->issuer, &choice, &pin, HSM_READ_WRITE, &err));
    secret_release(&pin);
    return s->bureau != NULL;
}

static size_t session_objects(struct hsm_token *t)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return all - kept;
}

__attribute__((unused)) static size_t kept_objects(struct hsm_token *t)
{
    struct err err = ERR_INIT;
    size_t all = 0, kept = 0;
    EXPECT_OK(hsm_token_count_objects(t, &all, &kept, &err));
    return kept;
}

static void close_tokens(struct tokens *s)
{
    CU_ASSERT_FALSE(hsm_token_is_broken(s->issuer));
    CU_ASSERT_FALSE(hsm_token_is_broken(s->bureau));
    CU_ASSERT_EQUAL(session_objects(s->issuer), 0);
    CU_ASSERT_EQUAL(session_objects(s->bureau), 0);
    if (s->bureau != s->issuer) hsm_token_close(s->bureau);
    hsm_token_close(s->issuer);
}

/* A key of two ends, on its way by `method`. */
struct journey {
    struct hsm_key_ref at_issuer, at_bureau;
    const struct hsm_key *sender, *receiver; /* RFC 5649 */
    const struct hsm_public *public;         /* or OAEP, with the private part in receiver */
};

static void wrap_for(struct hsm_token *t, const struct journey *j, const struct hsm_key *key,
                     struct buf *blob)
{
    struct err err = ERR_INIT;
    if (j->public)
        EXPECT_OK(hsm_travel_wrap_oaep(t, j->public, key, blob, &err));
    else
        EXPECT_OK(hsm_travel_wrap(t, j->sender, key, blob, &err));
}

/* Generated, wrapped, installed at the issuer, received at the bureau: the same check value on both sides, and exactly
 * the roles' attributes. */
static void travel(struct tokens *s, const struct journey *j, struct hsm_key *issuer, struct hsm_key *bureau)
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
    wrap_for(s->issuer, j, &key, &blob);
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

/* The partners' transport keys. */
struct zone {
    struct hsm_pair exchange;
    struct hsm_public public;
    struct hsm_key sender, receiver;
};

static void make_zone(struct tokens *s, struct zone *z)
{
    struct err err = ERR_INIT;
    const struct hsm_pair_ref exchange = {ref_of("exchange", HSM_ROLE_KEY_EXCHANGE_PAIR, HSM_RSA), 2048,
                                          65537};
    struct buf spki;
    buf_init(&spki, HSM_SPKI_MAX);
    EXPECT_OK(hsm_pair_generate(s->bureau, &exchange, &z->exchange, &err));
    EXPECT_OK(hsm_pair_spki(&z->exchange, &spki, &err));
    EXPECT_OK(hsm_public_read_spki(spki.data, spki.len, &z->public, &err));
    const struct journey j = {ref_of("zcmk-out", HSM_ROLE_ZCMK_SENDER, HSM_AES256),
                              ref_of("zcmk-in", HSM_ROLE_ZCMK_RECEIVER, HSM_AES256), NULL,
                              &z->exchange.private_key, &z->public};
    travel(s, &j, &z->sender, &z->receiver);
    buf_release(&spki);
}

static void end_zone(struct tokens *s, struct zone *z)
{
    hsm_key_destroy(s->issuer, &z->sender);
    hsm_key_destroy(s->bureau, &z->receiver);
    hsm_pair_destroy(s->bureau, &z->exchange);
}

static void test_journey(void)
{
    static const struct {
        const char *here, *there;
        enum hsm_role at_issuer, at_bureau;
        enum hsm_algorithm algorithm;
    } keys[] = {
        {"kek-a", "kek-b", HSM_ROLE_KEK_ISSUER, HSM_ROLE_KEK_BUREAU, HSM_AES256},
        {"kmc-a", "kmc-b", HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_AES128},
        {"kmc2-a", "kmc2-b", HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_DES2},
        {"kmc3-a", "kmc3-b", HSM_ROLE_MASTER, HSM_ROLE_MASTER, HSM_DES3},
        {"zcmk-a", "zcmk-b", HSM_ROLE_ZCMK_RECEIVER, HSM_ROLE_ZCMK_SENDER, HSM_AES192},
    };
    struct tokens s;
    struct zone z;
    if (!open_tokens(&s)) return;
    make_zone(&s, &z);
    for (size_t i = 0; i < SUITE_COUNT(keys); i++) {
        struct hsm_key issuer = HSM_KEY_NONE, bureau = HSM_KEY_NONE;
        const struct journey j = {ref_of(keys[i].here, keys[i].at_issuer, keys[i].algorithm),
                                  ref_of(keys[i].there, keys[i].at_bureau, keys[i].algorithm), &z.sender,
                                  &z.receiver, NULL};
        travel(&s, &j, &issuer, &bureau);
        hsm_key_destroy(s.issuer, &issuer);
        hsm_key_destroy(s.bureau, &bureau);
    }
    end_zone(&s, &z);
    close_tokens(&s);
}

static const struct test_case cases[] = {
    {"ZCMK by OAEP, then KEK and masters under it: same values, exact attributes", test_journey},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "issuer") && (nss || softtoken_add(&soft, "bureau"));
    int status = ready ? suite_run("hsm/travel", cases, SUITE_COUNT(cases)) : 1;
    softtoken_stop(&soft);
    return status;
}
