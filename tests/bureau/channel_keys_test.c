/* A card's static keys are derived once for all its channels, and never serve another card. */
#include "bureau/channel.h"

#include <string.h>

#include "stage.h"
#include "suite.h"

static struct softtoken soft;
static struct bureau settings;
static struct err err;

/* INITIALIZE UPDATE of this card, and the channel that follows. */
static bool open_for(struct channel *c, struct plastic *card)
{
    static const uint8_t host[SCP_CHALLENGE] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint8_t command[] = {0x80, 0x50, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0};
    uint8_t bytes[PLASTIC_ANSWER];
    struct scp_answer answer;
    struct buf authenticate;
    buf_init(&authenticate, 300);
    const size_t len = plastic_command(card, command, sizeof(command), bytes);
    CU_ASSERT_FATAL(len > 2);
    bool ok =
        scp_answer_read(bytes, len - 2, &answer, &err) && channel_open(c, &answer, host, &authenticate, &err);
    buf_release(&authenticate);
    return ok;
}

static void expect_kept(int protocol, uint8_t options, uint8_t kvn)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct plastic card, other;
    struct channel c;
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    channel_init(&c, ring);
    stage_card(&card, protocol, options, kvn);
    EXPECT_OK(open_for(&c, &card));
    const unsigned long first = c.keys.enc.handle;
    CU_ASSERT_NOT_EQUAL(first, 0);
    EXPECT_OK(open_for(&c, &card));
    CU_ASSERT_EQUAL(c.keys.enc.handle, first);
    /* Another card, which answers with a cryptogram under keys that this one's do not give. */
    other = card;
    other.key_data[9] ^= 1;
    EXPECT_FAIL(open_for(&c, &other), ERR_INTEGRITY, "cryptogram");
    CU_ASSERT_PTR_NULL(c.origin.from);
    EXPECT_OK(open_for(&c, &card));
    channel_close(&c);
    CU_ASSERT_PTR_NULL(c.origin.from);
    CU_ASSERT_EQUAL(c.keys.enc.handle, 0);
    stage_close(t, ring); /* which finds that nothing is left */
}

static void test_kept(void)
{
    expect_kept(2, 0x55, STAGE_KVN_TDES);
    expect_kept(3, 0x70, STAGE_KVN_AES);
}

static const struct test_case cases[] = {{"kept for the same card, and for no other", test_kept}};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    stage_settings(&settings, &soft);
    int status = ready ? suite_run("bureau/channel_keys", cases, SUITE_COUNT(cases)) : 1;
    stage_end();
    softtoken_stop(&soft);
    return status;
}
