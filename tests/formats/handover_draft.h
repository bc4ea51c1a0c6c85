/* One hand-over file, right in itself, and the key that signs it, for the tests of its lines and of its signature. */
#ifndef TESTS_FORMATS_HANDOVER_DRAFT_H
#define TESTS_FORMATS_HANDOVER_DRAFT_H

#include "formats/handover.h"
#include "mic_draft.h"
#include "suite.h"

static struct err err;
static struct draft_key key;
static struct buf file; /* of `sample`, signed by `key` */
static struct handover sample;

static inline void sign(const struct draft_key *with, struct handover *h)
{
    struct buf tbs;
    buf_init(&tbs, 2 * HANDOVER_TEXT_MAX);
    EXPECT_OK(sha256(with->spki, with->spki_len, h->signer, &err));
    EXPECT_OK(handover_to_be_signed(h, &tbs, &err));
    h->signature_len = draft_key_sign(with, tbs.data, tbs.len, h->signature);
    CU_ASSERT_NOT_EQUAL(h->signature_len, 0);
    buf_release(&tbs);
}

/* As the first case: sets file and sample. */
static inline void make_sample(void)
{
    static const struct handover made = {
        .sender = "headquarters",
        .receiver = "bureau",
        .serial = 17,
        .created = "2026-11-26T10:00:00Z",
        .key = "KMC_1.a-Z",
        .version = 3,
        .role = "kmc-bureau",
        .algorithm = HANDOVER_AES256,
        .check_value = {0xC6, 0x7F, 0x91, 0x6C, 0xD4},
        .check_value_len = 5,
        .not_before = "2026-11-26",
        .not_after = "2028-11-30",
        .derivation = "kmc-aes",
        .under = "ZCMK-BUREAU",
        .under_version = 1,
        .method = HANDOVER_KWP,
        .wrapped = {0xA6, 0x59},
        .wrapped_len = 40,
    };
    sample = made;
    sign(&key, &sample);
    buf_init(&file, HANDOVER_TEXT_MAX + 1);
    EXPECT_OK(handover_put(&sample, &file, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(buf_text(&file)); /* split looks for the end of the text */
}

static inline bool parses(const void *text, size_t len)
{
    struct handover h;
    return handover_parse(text, len, &h, &err);
}

#endif
