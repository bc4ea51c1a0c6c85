/* The supplier's step with keys in a token process, against a card that was written apart from it: which keys the card has in the
 * end, and which cards are listed. */
#include "bureau/supply.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/outfile.h"
#include "bureau/supplied.h"
#include "formats/derivation.h"
#include "plastic_cipher.h"
#include "stage.h"
#include "suite.h"

static struct softtoken soft;
static struct err err;
static struct bureau settings;
static char path[256];

#define NAMES "card,keydata,kmc_version,key_version,kcv_enc,kcv_mac,kcv_dek\n"

/* A station and its coordinator in one. */
struct supplier {
    struct token_process *token;
    struct batch *batch;
    struct plastic *card;
    struct card_id id;
    bool again;
};

static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    const struct supplier *at = context;
    uint8_t bytes[PLASTIC_ANSWER];
    size_t len = plastic_command(at->card, turn->command.data, turn->command.len, bytes);
    if (len == 0) return err_set(why, ERR_FILE, "the card was pulled out");
    buf_put(answer, bytes, len);
    return true;
}

static struct supplier s;

static bool known(void *context, const struct card_id *id, struct err *why)
{
    struct supplier *at = context;
    at->id = *id;
    return supply_known(at->batch, id, why);
}

static bool supply_card(struct turns_result *r)
{
    const struct turns_port port = {&s, transmit, known};
    const struct card_order order = {.purpose = s.again ? PURPOSE_PROVE : PURPOSE_SUPPLY, .tries = 1};
    turns_run(s.token, &order, &port, r);
    return r->outcome != CARD_MADE || supply_made(s.batch, &s.id, r, &err);
}

static bool begin(void)
{
    s = (struct supplier){.token = NULL};
    unlink(path);
    EXPECT_OK(batch_create(&s.batch, path, &settings, &err));
    EXPECT_OK(token_process_start(&s.token, &settings, &err));
    return s.batch && s.token;
}

static void end(void)
{
    token_process_free(s.token);
    batch_free(s.batch);
    s = (struct supplier){.token = NULL};
}

static struct turns_result put_in(struct plastic *card)
{
    struct turns_result r;
    s.card = card;
    EXPECT_OK(supply_card(&r));
    return r;
}

static void expect_list(const char *text)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    EXPECT_OK(file_read_all(path, 1 << 16, &b, &err));
    const char *got = buf_text(&b);
    if (strcmp(got, text) != 0) fprintf(stderr, "the list is\n%s", got);
    CU_ASSERT_STRING_EQUAL(got, text);
    buf_release(&b);
}

static size_t lines(void)
{
    struct buf b;
    size_t count = 0;
    buf_init(&b, 1 << 16);
    EXPECT_OK(file_read_all(path, 1 << 16, &b, &err));
    for (size_t i = 0; i < b.len; i++)
        count += b.data[i] == '\n';
    buf_release(&b);
    return count - 1;
}

/* ---- what is due, by OpenSSL ---- */

static void check_value(int protocol, const uint8_t key[16], char text[7])
{
    static const uint8_t zeros[16];
    uint8_t in[16], out[16];
    memset(in, protocol == 2 ? 0 : 1, sizeof in);
    if (protocol == 2)
        plastic_tdes_ecb(true, key, in, 8, out);
    else
        plastic_aes_cbc(true, key, 16, zeros, in, 16, out);
    snprintf(text, 7, "%02X%02X%02X", out[0], out[1], out[2]);
}

static void expect_own_keys(const struct plastic *card)
{
    const struct plastic_keys due = stage_supplied_keys(card);
    CU_ASSERT_EQUAL(card->keys.version, STAGE_KVN_SUPPLIED);
    CU_ASSERT_TRUE(bytes_equal(card->keys.enc, 16, due.enc, 16));
    CU_ASSERT_TRUE(bytes_equal(card->keys.mac, 16, due.mac, 16));
    CU_ASSERT_TRUE(bytes_equal(card->keys.dek, 16, due.dek, 16));
}

/* ---- cases ---- */

static void supply_two(int protocol)
{
    struct plastic cards[2];
    char text[1024] = NAMES;
    stage_supplier(&settings, &soft, protocol);
    if (!begin()) return;
    for (uint8_t i = 0; i < 2; i++) {
        stage_blank_card(&cards[i], protocol, i);
        const struct turns_result r = put_in(&cards[i]);
        CU_ASSERT_EQUAL(r.outcome, CARD_MADE);
        CU_ASSERT_STRING_EQUAL(r.err.text, "");
        expect_own_keys(&cards[i]);
        CU_ASSERT_EQUAL(cards[i].authentications, 2); /* with the blank keys, then with its own */
        CU_ASSERT_TRUE(cards[i].authenticated);
        CU_ASSERT_EQUAL(cards[i].life_cycle, 1);
        char enc[7], mac[7], dek[7];
        check_value(protocol, cards[i].keys.enc, enc);
        check_value(protocol, cards[i].keys.mac, mac);
        check_value(protocol, cards[i].keys.dek, dek);
        const size_t len = strlen(text);
        snprintf(&text[len], sizeof text - len, "9ABCDE%02X,123456789ABCDE%02X1122,%d,49,%s,%s,%s\n", i, i,
                 protocol == 2 ? 1 : 2, enc, mac, dek);
        expect_list(text);
    }
    end();
}

static void test_scp03(void)
{
    supply_two(3);
}

static void test_scp02(void)
{
    supply_two(2);
}

/* Blank cards with keys out of a master on the token. */
static void test_blank_master(void)
{
    static char visa2[] = "kmc-visa2";
    struct plastic card;
    stage_supplier(&settings, &soft, 2);
    settings.blank->published = false;
    settings.blank->master = settings.card_keys[0];
    settings.blank->master.key_version = STAGE_KVN_BLANK;
    settings.card_keys[0].method = visa2;
    if (!begin()) return;
    stage_blank_card(&card, 2, 1);
    plastic_keys_from(&card.keys, 2, 255, stage_kmc_tdes, 16, card.key_data);
    const struct plastic_keys before = card.keys;
    CU_ASSERT_EQUAL(put_in(&card).outcome, CARD_MADE);
    CU_ASSERT_EQUAL(card.keys.version, 0x31);
    CU_ASSERT_FALSE(bytes_equal(card.keys.dek, 16, before.dek, 16));
    CU_ASSERT_EQUAL(lines(), 1);
    end();
}

static void test_wrong_blank_keys(void)
{
    struct plastic card;
    stage_supplier(&settings, &soft, 3);
    if (!begin()) return;
    stage_blank_card(&card, 3, 1);
    card.keys.enc[0] ^= 1;
    card.keys.mac[0] ^= 1;
    struct turns_result r = put_in(&card);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_EQUAL(r.err.kind, ERR_INTEGRITY);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(r.err.text, "it has other keys than the published test keys (key version 255) gives"));
    CU_ASSERT_EQUAL(card.initialize_updates, 1);
    CU_ASSERT_EQUAL(card.authentications, 0);
    stage_blank_card(&card, 3, 1);
    card.keys.version = 7;
    r = put_in(&card);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "the card's keys have version 7"));
    stage_blank_card(&card, 2, 1); /* speaks SCP02, and the KMC is an AES key */
    r = put_in(&card);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "do not go with this card's channel"));
    expect_list(NAMES);
    end();
}

enum { COMMANDS = 7, PUT_KEY = 4 };

/* SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, PUT KEY, and the first three again. */
static void test_pulled(void)
{
    stage_supplier(&settings, &soft, 3);
    if (!begin()) return;
    for (size_t at = 1; at <= COMMANDS; at++) {
        for (int done = 0; done < 2; done++) {
            struct plastic card;
            const uint8_t serial = (uint8_t)(2 * at + (unsigned)done);
            const size_t before = lines();
            stage_blank_card(&card, 3, serial);
            card.fail_at = at;
            card.done_but_mute = done == 1;
            struct turns_result r = put_in(&card);
            CU_ASSERT_EQUAL(r.outcome, at < PUT_KEY ? CARD_UNTOUCHED : CARD_HALF_DONE);
            CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "the card was pulled out"));
            CU_ASSERT_EQUAL(lines(), before);
            CU_ASSERT_EQUAL(card.keys.version, at < PUT_KEY || (at == PUT_KEY && !done) ? 255 : 0x31);
            /* the same card once more */
            const bool has_own = card.keys.version == 0x31;
            r = put_in(&card);
            CU_ASSERT_EQUAL(r.outcome, has_own ? CARD_UNTOUCHED : CARD_MADE);
            if (has_own) {
                CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "has its own keys already"));
                CU_ASSERT_EQUAL(lines(), before);
                s.again = true;
                CU_ASSERT_EQUAL(put_in(&card).outcome, CARD_MADE);
                s.again = false;
            }
            CU_ASSERT_EQUAL(lines(), before + 1);
            expect_own_keys(&card);
        }
    }
    end();
}

static void test_no_card_twice(void)
{
    struct plastic card, other;
    stage_supplier(&settings, &soft, 3);
    if (!begin()) return;
    stage_blank_card(&card, 3, 1);
    CU_ASSERT_EQUAL(put_in(&card).outcome, CARD_MADE);
    s.again = true;
    struct turns_result r = put_in(&card);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "card 123456789ABCDE011122 is in the batch already"));
    stage_blank_card(&other, 3, 1);
    other.key_data[9] ^= 1;
    r = put_in(&other);
    CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "another card of the batch has serial number 9ABCDE01, too"));
    CU_ASSERT_EQUAL(other.keys.version, 255);
    CU_ASSERT_EQUAL(lines(), 1);
    end();
}

/* Lists of two runs, with books: a card that is in the first is in no second one, nor is its serial number. */
static void test_other_lists(void)
{
    static char books[300];
    struct plastic card, other, unlisted;
    struct turns_result r;
    stage_supplier(&settings, &soft, 3);
    snprintf(books, sizeof books, "%s.books", path);
    unlink(books);
    settings.books_path = books;
    if (!begin()) return;
    stage_blank_card(&card, 3, 1);
    CU_ASSERT_EQUAL(put_in(&card).outcome, CARD_MADE);
    end();
    for (int run = 0; run < 2; run++) {
        if (!begin()) return; /* the first list is gone, and its cards are known */
        s.again = true;
        r = put_in(&card);
        CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
        CU_ASSERT_EQUAL(r.err.kind, ERR_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "card 9ABCDE01 stands in the list batch.csv since 20"));
        stage_blank_card(&other, 3, 1);
        other.key_data[9] ^= 1;
        r = put_in(&other);
        CU_ASSERT_EQUAL(r.outcome, CARD_UNTOUCHED);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(r.err.text, "another card with serial number 9ABCDE01 stands in the list batch.csv"));
        CU_ASSERT_EQUAL(other.keys.version, 255);
        expect_list(NAMES);
        end();
    }
    /* Its line was not written, so it may be in a later list. */
    if (!begin()) return;
    stage_blank_card(&unlisted, 3, 2);
    struct registry *r2 = NULL;
    EXPECT_OK(supplied_open(&r2, books, &err));
    struct supplied_card c = {.serial_len = 4};
    memcpy(c.key_data, unlisted.key_data, sizeof c.key_data);
    c.serial = &c.key_data[4];
    EXPECT_OK(supplied_note(r2, &c, "a.csv", 1795687200, &err));
    EXPECT_FAIL(supplied_note(r2, &c, "b.csv", 1795687200, &err), ERR_INPUT,
                "card 9ABCDE02 stands in the list a.csv since 2026-11-26T10:00:00Z");
    EXPECT_OK(supplied_forget(r2, &c, &err));
    EXPECT_OK(supplied_is_new(r2, &c, &err));
    registry_close(r2);
    CU_ASSERT_EQUAL(put_in(&unlisted).outcome, CARD_MADE);
    CU_ASSERT_EQUAL(lines(), 1);
    end();
    /* A bureau's books are another thing. */
    struct batch *b = NULL;
    unlink(books);
    unlink(path);
    EXPECT_OK(registry_open(&r2, books, &err));
    registry_close(r2);
    EXPECT_FAIL(batch_create(&b, path, &settings, &err), ERR_FILE,
                "is a database, but not a supplier's books");
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    unlink(books);
}

static void test_batch_file(void)
{
    struct batch *b = NULL;
    struct plastic card;
    struct turns_result r;
    const struct rlimit short_files = {70, RLIM_INFINITY};
    struct rlimit kept;
    stage_supplier(&settings, &soft, 3);
    if (!begin()) return;
    EXPECT_FAIL(batch_create(&b, path, &settings, &err), ERR_FILE, "exists: a batch list is made anew");
    EXPECT_FAIL(batch_create(&b, "/nonexistent/list", &settings, &err), ERR_FILE, "/nonexistent/list");
    CU_ASSERT_PTR_NULL(b);
    /* a full disk: the card has its keys, and what is there of its line is taken away */
    stage_blank_card(&card, 3, 1);
    s.card = &card;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &kept);
    setrlimit(RLIMIT_FSIZE, &short_files);
    bool ok = supply_card(&r);
    setrlimit(RLIMIT_FSIZE, &kept);
    CU_ASSERT_FALSE(ok);
    CU_ASSERT_EQUAL(err.kind, ERR_FILE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "has its keys and is not listed"));
    expect_own_keys(&card);
    expect_list(NAMES);
    s.again = true;
    CU_ASSERT_EQUAL(put_in(&card).outcome, CARD_MADE);
    CU_ASSERT_EQUAL(lines(), 1);
    end();
}

static const struct test_case cases[] = {
    {"SCP03: the keys of the derivation, and the list", test_scp03},
    {"SCP02: the keys of the derivation, and the list", test_scp02},
    {"blank cards with keys of a master", test_blank_master},
    {"wrong keys of a blank card are tried once", test_wrong_blank_keys},
    {"pulled at every command: not listed, and not lost", test_pulled},
    {"no card twice", test_no_card_twice},
    {"no card in two lists", test_other_lists},
    {"the batch file", test_batch_file},
};

int main(int argc, char **argv)
{
    bool nss = argc > 1 && strcmp(argv[1], "nss") == 0;
    if (!softtoken_start(&soft, nss ? SOFTTOKEN_NSS : SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    snprintf(path, sizeof path, "%s/batch.csv", soft.folder);
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    int status = ready ? suite_run("bureau/supply", cases, SUITE_COUNT(cases)) : 1;
    unlink(path);
    stage_end();
    softtoken_stop(&soft);
    return status;
}
