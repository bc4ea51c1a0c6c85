#include "card/image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/outfile.h"
#include "blank.h"
#include "card/inside.h"
#include "card/state_file.h"
#include "issue.h"
#include "suite.h"

static struct err err;

/* A card with all that a state can hold. */
static struct card *full_card(void)
{
    struct card *card = blank_card(2, 0x55, 16);
    struct issue o;
    struct host h;

    host_init(&h, card, 2, 0x55, 16);
    issue_emv(&o, false, 8);
    CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
    issue_release(&o);
    issue_purse(&o, false, 8);
    CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
    issue_release(&o);
    CU_ASSERT_EQUAL(host_select(&h, "A0000000031010"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80A8000002830000"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "0020008008241235FFFFFFFFFF"), 0x63C2);
    host_release(&h);
    return card;
}

static bool same_image(const struct card *a, const struct card *b)
{
    struct secret x = SECRET_NONE, y = SECRET_NONE;
    EXPECT_OK(card_image(a, &x, &err));
    EXPECT_OK(card_image(b, &y, &err));
    bool same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
    secret_release(&x);
    secret_release(&y);
    return same;
}

static void test_round_trip(void)
{
    struct card *card = full_card(), *again = NULL;
    struct secret image = SECRET_NONE;
    struct host h;

    EXPECT_OK(card_image(card, &image, &err));
    EXPECT_OK(card_from_image(&again, image.data, image.len, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    CU_ASSERT_TRUE(same_image(card, again));
    CU_ASSERT_TRUE(again->now.apps[1].atc == 1 && again->now.apps[1].pin_left == 2);
    host_init(&h, again, 2, 0x55, 16);
    CU_ASSERT_EQUAL(host_select(&h, "A0000000031010"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "00B2010C00"), 0x9000);
    CU_ASSERT_EQUAL(host_hex(&h, "80CA9F3600"), 0x9000);
    host_release(&h);
    secret_release(&image);
    card_free(card);
    card_free(again);
}

/* A buffer of just that length, so that a byte too far is seen. */
static bool reads(const uint8_t *image, size_t len)
{
    struct card *card = NULL;
    uint8_t *copy = malloc(len ? len : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    if (len) memcpy(copy, image, len);
    err_clear(&err);
    bool ok = card_from_image(&card, copy, len, &err);
    CU_ASSERT_TRUE(ok || (err.kind == ERR_INPUT && card == NULL));
    card_free(card);
    free(copy);
    return ok;
}

static void seal(uint8_t *image, size_t len)
{
    EXPECT_OK(sha256(image, len - SHA256_LEN, image + len - SHA256_LEN, &err));
}

static void test_cut_and_changed(void)
{
    struct card *card = blank_card(3, 0x70, 16);
    struct secret image = SECRET_NONE;
    uint8_t bytes[2048];

    EXPECT_OK(card_image(card, &image, &err));
    memcpy(bytes, image.data, image.len);
    for (size_t len = 0; len < image.len; len++)
        CU_ASSERT_FALSE(reads(bytes, len));
    CU_ASSERT_TRUE(reads(bytes, image.len));
    bytes[image.len] = 0;
    CU_ASSERT_FALSE(reads(bytes, image.len + 1));
    for (size_t bit = 0; bit < 8 * image.len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CU_ASSERT_FALSE(reads(bytes, image.len));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* the digest made anew: no crash, and what is read is a state that a card can have */
    for (size_t at = 9; at + SHA256_LEN < image.len; at++) {
        for (size_t n = 0; n < 3; n++) {
            static const uint8_t changes[] = {0x01, 0x80, 0xFF};
            bytes[at] ^= changes[n];
            seal(bytes, image.len);
            (void)reads(bytes, image.len);
            bytes[at] ^= changes[n];
        }
    }
    for (size_t len = 9 + SHA256_LEN; len < image.len; len++) {
        memcpy(bytes, image.data, image.len);
        seal(bytes, len);
        CU_ASSERT_FALSE(reads(bytes, len));
    }
    secret_release(&image);
    card_free(card);
}

/* Each rule of state_check, on a sound value with one thing wrong. */
static void test_check(void)
{
    struct card *card = full_card();
    struct card_state *s = &card->now;

    EXPECT_OK(state_check(s, &err));
    s->life = 2;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "life cycle state 02");
    *s = card->kept;
    s->keysets[3] = s->keysets[0];
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "key set 01 is there twice");
    *s = card->kept;
    s->keysets[0].failures = 11;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "counter");
    *s = card->kept;
    s->keysets[0].sequence = 0x1000000;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "counter");
    *s = card->kept;
    s->apps[1].life = 3;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "application 2: its life");
    *s = card->kept;
    s->apps[1].last_online = 2;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "application 2: a counter");
    *s = card->kept;
    s->apps[1].kind = APP_NONE;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "no application's");
    *s = card->kept;
    s->store_len--;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "is cut");
    *s = card->kept;
    s->store_len += 3;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "is cut");
    *s = card->kept;
    memcpy(s->store + s->store_len, s->store, 5);
    s->store[s->store_len + 3] = s->store[s->store_len + 4] = 0;
    s->store_len += 5;
    EXPECT_FAIL(state_check(s, &err), ERR_INPUT, "is there twice");
    card_free(card);
}

struct place {
    char folder[64], state[96], partial[112], lock[112];
};

static void place_init(struct place *p)
{
    snprintf(p->folder, sizeof(p->folder), "/tmp/softcard-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->folder));
    snprintf(p->state, sizeof(p->state), "%s/card", p->folder);
    snprintf(p->partial, sizeof(p->partial), "%s.partial", p->state);
    snprintf(p->lock, sizeof(p->lock), "%s.lock", p->state);
}

static void place_release(struct place *p)
{
    unlink(p->state);
    unlink(p->partial);
    unlink(p->lock);
    CU_ASSERT_EQUAL(rmdir(p->folder), 0);
}

static void test_file(void)
{
    struct place p;
    struct stat st;
    struct state_file f;
    struct card *card = full_card(), *again = NULL;

    place_init(&p);
    EXPECT_FAIL(state_file_open(&f, p.state, &again, &err), ERR_FILE, "No such file");
    CU_ASSERT_EQUAL(access(p.lock, F_OK), -1);
    EXPECT_OK(state_file_create(p.state, card, &err));
    CU_ASSERT_TRUE(stat(p.state, &st) == 0 && (st.st_mode & 0777) == 0600);
    EXPECT_FAIL(state_file_create(p.state, card, &err), ERR_FILE, p.state);
    EXPECT_OK(state_file_open(&f, p.state, &again, &err));
    CU_ASSERT_TRUE(same_image(card, again));
    state_file_close(&f);
    card_free(again);
    card_free(card);
    place_release(&p);
}

/* Power goes away in each command that writes: the file has the state before it, and the card can be loaded from the start. */
static void test_power_loss(void)
{
    struct card *blank = blank_card(2, 0x15, 16);
    struct place p;
    bool cut = true;

    place_init(&p);
    EXPECT_OK(state_file_create(p.state, blank, &err));
    for (unsigned at = 0; cut; at++) {
        struct issue o;
        struct host h;
        struct state_file f;
        struct issue_command commands[32];
        struct card *card = NULL, *before = NULL;
        unlink(p.state);
        EXPECT_OK(state_file_create(p.state, blank, &err));
        EXPECT_OK(state_file_open(&f, p.state, &card, &err));
        host_init(&h, card, 2, 0x15, 16);
        issue_purse(&o, false, 8);
        CU_ASSERT_EQUAL(host_select(&h, o.aid), 0x9000);
        CU_ASSERT_EQUAL(host_open(&h, 0, 3), 0x9000);
        size_t count = issue_commands(&o, &h, commands, 32);
        cut = at < count;
        for (size_t n = 0; n < count && n <= at; n++) {
            const uint8_t head[4] = {0x80, 0xE2, commands[n].p1, commands[n].p2};
            struct secret image = SECRET_NONE;
            EXPECT_OK(card_image(card, &image, &err));
            if (n == at) EXPECT_OK(card_from_image(&before, image.data, image.len, &err));
            secret_release(&image);
            f.cut_power = n == at;
            CU_ASSERT_EQUAL(host_send(&h, head, commands[n].data, commands[n].len),
                            n == at ? 0x6581 : 0x9000);
        }
        state_file_close(&f);
        card_free(card);
        host_release(&h);
        if (cut) {
            CU_ASSERT_EQUAL(access(p.partial, F_OK), 0);
            EXPECT_OK(state_file_open(&f, p.state, &card, &err));
            CU_ASSERT_EQUAL(access(p.partial, F_OK), -1);
            CU_ASSERT_TRUE(same_image(card, before));
            host_init(&h, card, 2, 0x15, 16);
            CU_ASSERT_EQUAL(issue_all(&o, &h, 3), 0x9000);
            host_release(&h);
            state_file_close(&f);
            card_free(card);
            card_free(before);
        }
        issue_release(&o);
    }
    card_free(blank);
    place_release(&p);
}

static const struct test_case cases[] = {{"round trip", test_round_trip},
                                         {"cut and changed", test_cut_and_changed},
                                         {"what a state may be", test_check},
                                         {"file", test_file},
                                         {"power loss", test_power_loss}};

int main(void)
{
    if (!secret_start(&err)) return 1;
    return suite_run("card/image", cases, SUITE_COUNT(cases));
}
