#include "formats/handover.h"

#include <stdlib.h>

#include "base/outfile.h"
#include "handover_draft.h"
#include "suite.h"

static struct draft_key other_key, ec_key;

static bool verifies(const void *text, size_t len, const struct draft_key *with)
{
    const struct public_key signer = draft_signer(with);
    struct handover h;
    return handover_verify(text, len, &signer, &h, &err);
}

static void test_signed_part(void)
{
    static const char context[] = "cardprep-handover-1";
    struct buf part, tbs;
    buf_init(&part, HANDOVER_TEXT_MAX);
    buf_init(&tbs, HANDOVER_TEXT_MAX);
    EXPECT_OK(handover_put_signed_part(&sample, &part, &err));
    EXPECT_OK(handover_to_be_signed(&sample, &tbs, &err));
    CU_ASSERT_TRUE(bytes_equal(part.data, part.len, file.data, part.len));
    CU_ASSERT_TRUE(file.len > part.len && memcmp(file.data + part.len, "signature: ", 11) == 0);
    CU_ASSERT_TRUE(bytes_equal(tbs.data, sizeof(context), context, sizeof(context)));
    CU_ASSERT_TRUE(bytes_equal(tbs.data + sizeof(context), tbs.len - sizeof(context), part.data, part.len));
    buf_release(&part);
    buf_release(&tbs);
}

static void test_cut(void)
{
    for (size_t len = 0; len < file.len; len++) {
        char *cut = malloc(len + 1);
        memcpy(cut, file.data, len);
        EXPECT_FAIL(parses(cut, len), ERR_INPUT, "the file ends");
        CU_ASSERT_EQUAL(strncmp(err.text, "line ", 5), 0);
        free(cut);
    }
    EXPECT_OK(parses(file.data, file.len));
    struct buf more;
    buf_init(&more, 2 * HANDOVER_TEXT_MAX);
    buf_put(&more, file.data, file.len);
    buf_put_text(&more, "\n");
    EXPECT_FAIL(parses(more.data, more.len), ERR_INPUT, "line 20: something stands behind the signature");
    buf_put_fill(&more, 'A', HANDOVER_TEXT_MAX + 1 - more.len);
    EXPECT_FAIL(parses(more.data, more.len), ERR_INPUT, "has 8193 bytes; a hand-over file has at most 8192");
    buf_release(&more);
}

static void test_bits(void)
{
    uint8_t *changed = malloc(file.len);
    memcpy(changed, file.data, file.len);
    size_t refused_by_signature = 0;
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        err_clear(&err);
        CU_ASSERT_FALSE(verifies(changed, file.len, &key));
        CU_ASSERT_EQUAL(strncmp(err.text, "line ", 5), 0);
        CU_ASSERT_TRUE(err.kind == ERR_INPUT || err.kind == ERR_INTEGRITY);
        refused_by_signature += err.kind == ERR_INTEGRITY;
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CU_ASSERT_TRUE(refused_by_signature > 500);
    CU_ASSERT_TRUE(verifies(changed, file.len, &key));
    free(changed);
}

static void test_signers(void)
{
    struct handover h = sample;
    struct buf text;
    buf_init(&text, HANDOVER_TEXT_MAX);
    EXPECT_OK(verifies(file.data, file.len, &key));
    EXPECT_FAIL(verifies(file.data, file.len, &other_key), ERR_INTEGRITY,
                "line 18: signer: the file is signed by another key");
    /* Signed by another, under the right name. */
    sign(&other_key, &h);
    memcpy(h.signer, sample.signer, SHA256_LEN);
    EXPECT_OK(handover_put(&h, &text, &err));
    EXPECT_FAIL(verifies(text.data, text.len, &key), ERR_INTEGRITY,
                "line 19: signature: the signature does not verify");
    buf_clear(&text);
    /* A key that cannot make such a signature. */
    EXPECT_OK(sha256(ec_key.spki, ec_key.spki_len, h.signer, &err));
    EXPECT_OK(handover_put(&h, &text, &err));
    EXPECT_FAIL(verifies(text.data, text.len, &ec_key), ERR_INTEGRITY,
                "line 19: signature: signature algorithm 01 does not fit");
    buf_release(&text);
}

/* Without the context string the same bytes are signed for something else. */
static void test_context(void)
{
    struct handover h = sample;
    struct buf part;
    buf_init(&part, HANDOVER_TEXT_MAX);
    EXPECT_OK(handover_put_signed_part(&h, &part, &err));
    CU_ASSERT_EQUAL(draft_key_sign(&key, part.data, part.len, h.signature), h.signature_len);
    buf_clear(&part);
    EXPECT_OK(handover_put(&h, &part, &err));
    EXPECT_FAIL(verifies(part.data, part.len, &key), ERR_INTEGRITY, "does not verify");
    buf_release(&part);
}

/* Anything put between two bytes of a line, or between lines. */
static void test_inserted(void)
{
    static const char inserted[] = {' ', '\n', '\r', '\t', '\0', '0', 'A', (char)0xC3};
    for (size_t at = 0; at <= file.len; at++) {
        char *text = malloc(file.len + 1);
        memcpy(text, file.data, at);
        memcpy(text + at + 1, file.data + at, file.len - at);
        for (size_t i = 0; i < sizeof(inserted); i++) {
            text[at] = inserted[i];
            CU_ASSERT_FALSE(verifies(text, file.len + 1, &key));
        }
        free(text);
    }
}

static void test_untouched(void)
{
    const struct public_key signer = draft_signer(&other_key);
    struct handover h = {.serial = 4711};
    EXPECT_FAIL(handover_parse(file.data, file.len - 1, &h, &err), ERR_INPUT, "the file ends");
    EXPECT_FAIL(handover_verify(file.data, file.len, &signer, &h, &err), ERR_INTEGRITY, "another key");
    EXPECT_FAIL(handover_verify(NULL, 0, &signer, &h, &err), ERR_INPUT, "line 1: the file ends");
    CU_ASSERT_EQUAL(h.serial, 4711);
    CU_ASSERT_EQUAL(h.sender[0], '\0');
}

/* Made with the openssl command line alone. */
static void test_of_another_program(void)
{
    static const char *const names[] = {"kek.txt", "zcmk.txt", "pair.txt"};
    static const char *const signers[] = {"signer.pem", "signer.pem", "pair-signer.pem"};
    struct buf pem, der, text, again;
    struct handover h;
    for (size_t i = 0; i < SUITE_COUNT(names); i++) {
        char path[512];
        buf_init(&pem, PUBLIC_KEY_PEM_MAX);
        buf_init(&der, PUBLIC_KEY_SPKI_MAX);
        snprintf(path, sizeof(path), "%s/samples/handover/%s", TEST_DATA_DIR, signers[i]);
        EXPECT_OK(file_read_all(path, PUBLIC_KEY_PEM_MAX, &pem, &err));
        EXPECT_OK(public_key_read_pem(pem.data, pem.len, &der, &err));
        const struct public_key signer = {der.data, der.len};
        buf_init(&text, HANDOVER_TEXT_MAX);
        buf_init(&again, HANDOVER_TEXT_MAX);
        snprintf(path, sizeof(path), "%s/samples/handover/%s", TEST_DATA_DIR, names[i]);
        EXPECT_OK(file_read_all(path, HANDOVER_TEXT_MAX, &text, &err));
        EXPECT_OK(handover_verify(text.data, text.len, &signer, &h, &err));
        EXPECT_OK(handover_put(&h, &again, &err));
        CU_ASSERT_TRUE(bytes_equal(text.data, text.len, again.data, again.len));
        CU_ASSERT_EQUAL(h.serial, 17 - i);
        CU_ASSERT_EQUAL(h.method, i == 1 ? HANDOVER_OAEP_SHA1 : HANDOVER_KWP);
        CU_ASSERT_EQUAL(h.version, i == 2 ? 0 : 1);
        buf_release(&text);
        buf_release(&again);
        buf_release(&pem);
        buf_release(&der);
    }
}

static const struct test_case cases[] = {
    {"a file to try with", make_sample},
    {"what is signed", test_signed_part},
    {"truncated at every byte, one byte more", test_cut},
    {"every bit flipped", test_bits},
    {"other signers", test_signers},
    {"signed without the context string", test_context},
    {"a byte put in anywhere", test_inserted},
    {"out is unchanged when refused", test_untouched},
    {"files that another program made", test_of_another_program},
};

int main(void)
{
    if (!draft_key_make(&key, SIGNATURE_RSA_SHA256) || !draft_key_make(&other_key, SIGNATURE_RSA_SHA256))
        return 1;
    if (!draft_key_make(&ec_key, SIGNATURE_ECDSA_P256_SHA256)) return 1;
    int result = suite_run("formats/handover", cases, SUITE_COUNT(cases));
    buf_release(&file);
    draft_key_release(&key);
    draft_key_release(&other_key);
    draft_key_release(&ec_key);
    return result;
}
