#include "base/digest.h"
#include "base/hex.h"
#include "suite.h"

/* Known answers: FIPS 180-4 examples as published by NIST ("abc", 448 bits), and of the empty message. */
struct answer {
    const char *message;
    const char *sha1;
    const char *sha256;
};

static const struct answer answers[] = {
    {"", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
     "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"},
    {"abc", "A9993E364706816ABA3E25717850C26C9CD0D89D",
     "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983E441C3BD26EBAAE4AA1F95129E5E54670F1",
     "248D6A61D20638B8E5C026930C3E6039A33CE45964FF2167F6ECEDD419DB06C1"},
};

static void expect_digest(const uint8_t *digest, size_t len, const char *expected)
{
    char text[2 * DIGEST_LEN_MAX + 1];
    hex_write(text, sizeof(text), digest, len, false);
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void test_known_answers(void)
{
    struct err err = ERR_INIT;
    uint8_t digest[DIGEST_LEN_MAX];
    for (size_t i = 0; i < SUITE_COUNT(answers); i++) {
        EXPECT_OK(sha1(answers[i].message, strlen(answers[i].message), digest, &err));
        expect_digest(digest, SHA1_LEN, answers[i].sha1);
        EXPECT_OK(sha256(answers[i].message, strlen(answers[i].message), digest, &err));
        expect_digest(digest, SHA256_LEN, answers[i].sha256);
    }
    EXPECT_OK(sha256(NULL, 0, digest, &err));
    expect_digest(digest, SHA256_LEN, answers[0].sha256);
}

static void test_pieces_peek_and_reuse(void)
{
    struct err err = ERR_INIT;
    struct digest *d = NULL;
    uint8_t out[DIGEST_LEN_MAX];
    EXPECT_OK(digest_new(&d, DIGEST_SHA256, &err));
    for (int round = 0; round < 2; round++) {
        EXPECT_OK(digest_peek(d, out, &err));
        expect_digest(out, SHA256_LEN, answers[0].sha256);
        EXPECT_OK(digest_add(d, "a", 1, &err));
        EXPECT_OK(digest_add(d, NULL, 0, &err));
        EXPECT_OK(digest_add(d, "bc", 2, &err));
        EXPECT_OK(digest_peek(d, out, &err));
        expect_digest(out, SHA256_LEN, answers[1].sha256);
        EXPECT_OK(digest_final(d, out, &err));
        expect_digest(out, SHA256_LEN, answers[1].sha256);
    }
    digest_free(d);
    EXPECT_OK(digest_new(&d, DIGEST_SHA1, &err));
    EXPECT_OK(digest_add(d, "abc", 3, &err));
    EXPECT_OK(digest_final(d, out, &err));
    expect_digest(out, digest_len(DIGEST_SHA1), answers[1].sha1);
    digest_free(d);
    digest_free(NULL);
}

static const struct test_case cases[] = {
    {"known answers", test_known_answers},
    {"pieces, peek and reuse", test_pieces_peek_and_reuse},
};

int main(void)
{
    return suite_run("base/digest", cases, SUITE_COUNT(cases));
}
