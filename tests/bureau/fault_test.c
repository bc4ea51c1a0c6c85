/* Whole cards through the recording proxy, personalized or supplied with keys: which values leave the token, and what happens
 * when any one call fails. */
#include <unistd.h>

#include "bureau/channel.h"
#include "faults.h"
#include "stage.h"
#include "suite.h"

static struct softtoken soft, through;
static struct bureau settings;

/* What the work is. */
static int protocol;
static bool only_purse;
static bool supplying, again;     /* no record: a blank card gets its own keys; it may have them already */
static enum card_outcome outcome; /* of its card */
static struct plastic last_card;  /* as the work left it */
static bool stored;               /* some data went through */
static bool recording;            /* the log begins when the token is open and tried */

static bool drive(struct ring *ring, const struct open_record *record, struct plastic *card, struct err *err)
{
    struct channel channel;
    struct conversation *c = NULL;
    struct card_turn turn;
    channel_init(&channel, ring);
    card_turn_init(&turn);
    const enum card_purpose purpose = record ? PURPOSE_RECORD : again ? PURPOSE_PROVE : PURPOSE_SUPPLY;
    const struct conversation_order order = {record, channel_crypto(&channel), NULL, 1, false, purpose};
    bool ok = conversation_new(&c, &order, &turn, err);
    while (ok && !turn.done) {
        uint8_t answer[PLASTIC_ANSWER];
        size_t len = plastic_command(card, turn.command.data, turn.command.len, answer);
        ok = conversation_answer(c, answer, len, &turn, err);
    }
    outcome = c ? conversation_outcome(c) : CARD_UNTOUCHED;
    stored = card->apps[0].dgi_count > 0;
    last_card = *card;
    if (ok && turn.outcome != CARD_MADE) *err = turn.err;
    ok = ok && turn.outcome == CARD_MADE;
    turn.what = "";
    conversation_free(c);
    card_turn_release(&turn);
    return ok;
}

static void work_is(int with, bool purse, bool supply)
{
    protocol = with;
    only_purse = purse;
    supplying = supply;
    if (supplying)
        stage_supplier(&settings, &soft, protocol);
    else
        stage_settings(&settings, &soft);
}

/* The proxy appends to the file that it has open. */
static void cut_log(void)
{
    char path[256];
    softtoken_log_path(&through, path, sizeof path);
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
}

static bool work(size_t *left, bool *broken, struct err *err)
{
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct open_record *record = NULL;
    struct plastic card;
    struct buf b;
    size_t all = 0, kept = 0;
    bool ok = false;
    buf_init(&b, 200000);
    outcome = CARD_UNTOUCHED;
    stored = false;
    stage_put_record(&b, &(struct stage_record){.only_purse = only_purse});
    if (supplying)
        stage_blank_card(&card, protocol, 1);
    else
        stage_card(&card, protocol, 0x70, protocol == 2 ? STAGE_KVN_TDES : STAGE_KVN_AES);
    last_card = card;
    if (!softtoken_open(&through, "bureau", &t, err)) goto out;
    ok = ring_open(&ring, &settings, t, err);
    if (recording) cut_log();
    if (ok && !supplying)
        ok = open_record_new(&record, ring, NULL, &(struct hsm_span){b.data, b.len}, 0, err);
    ok = ok && drive(ring, record, &card, err);
    open_record_free(record);
    ring_free(ring);
    *broken = hsm_token_is_broken(t);
    struct err unused = ERR_INIT;
    if (hsm_token_count_objects(t, &all, &kept, &unused)) *left = all - kept;
out:
    hsm_token_close(t);
    buf_release(&b);
    return ok;
}

/* ---- what leaves ---- */

struct leaving {
    size_t readable; /* objects made so that their value can be read */
    size_t other;    /* objects made of a value, or changed */
    size_t derived;  /* keys and check values */
    size_t lines;
};

static bool makes_readable(const char *line)
{
    const bool check =
        strstr(line, "data=zeros") || strstr(line, "CKA_VALUE_LEN=5") || strstr(line, "CKA_VALUE_LEN=3");
    const bool made = strstr(line, "C_UnwrapKey") || strstr(line, "C_DeriveKey");
    return made && strstr(line, "CKA_SENSITIVE=false") && !(check && strstr(line, "C_DeriveKey"));
}

static struct leaving leaves(void)
{
    struct err err = ERR_INIT;
    struct leaving l = {.lines = 0};
    char path[256], line[4096];
    size_t left = 1;
    bool broken = true;
    recording = true;
    EXPECT_OK(work(&left, &broken, &err));
    recording = false;
    CU_ASSERT_TRUE(left == 0 && !broken);
    softtoken_log_path(&through, path, sizeof path);
    FILE *f = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof line, f)) {
        l.lines++;
        l.readable += makes_readable(line);
        l.derived += strstr(line, "C_DeriveKey") != NULL;
        l.other += strstr(line, "C_CreateObject") != NULL || strstr(line, "C_SetAttributeValue") != NULL;
    }
    fclose(f);
    return l;
}

static void test_recording(void)
{
    static const struct {
        int protocol;
        bool only_purse, supplying;
        size_t readable, other, derived;
    } rows[] = {
        {3, true, false, 2, 0, 12},  /* the PIN and a DES3 key, which are no whole blocks */
        {3, false, false, 3, 0, 15}, /* and the private key */
        {2, true, false, 4, 0, 15},  /* DES keys, as this token wraps nothing by TDES */
        {2, false, false, 6, 0, 19}, /* and the private key */
        {3, false, true, 0, 3, 12},  /* the published keys of a blank card go in */
        {2, false, true, 3, 3, 17},  /* and its new keys are DES keys as those above */
    };
    for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
        work_is(rows[i].protocol, rows[i].only_purse, rows[i].supplying);
        struct leaving l = leaves();
        if (l.readable != rows[i].readable) fprintf(stderr, "%zu readable in row %zu\n", l.readable, i);
        CU_ASSERT_EQUAL(l.readable, rows[i].readable);
        CU_ASSERT_EQUAL(l.other, rows[i].other);
        if (l.derived != rows[i].derived) fprintf(stderr, "%zu derived in row %zu\n", l.derived, i);
        CU_ASSERT_EQUAL(l.derived,
                        rows[i].derived); /* the card's three keys once, whatever channels follow */
        CU_ASSERT_TRUE(l.lines > (supplying ? 60 : 100));
    }
}

/* ---- what fails ---- */

/* The outcome never says less than what is on the card. */
static void after(const char *function, bool ok)
{
    (void)function;
    CU_ASSERT_EQUAL(outcome == CARD_MADE, ok);
    CU_ASSERT_TRUE(!stored || outcome != CARD_UNTOUCHED);
}

/* A later run that takes cards which have their keys already. */
static void supply_again(void)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct ring *ring = NULL;
    struct plastic card = last_card;
    if (!stage_open(&soft, &settings, &t, &ring)) return;
    again = true;
    EXPECT_OK(drive(ring, NULL, &card, &err));
    again = false;
    stage_close(t, ring);
}

/* The card has all of its new keys or none, and what has them is never said to be untouched. */
static void after_supply(const char *function, bool ok)
{
    const struct plastic_keys *keys = &last_card.keys;
    const struct plastic_keys due = stage_supplied_keys(&last_card);
    bool supplied = keys->version == STAGE_KVN_SUPPLIED;
    (void)function;
    CU_ASSERT_EQUAL(outcome == CARD_MADE, ok);
    CU_ASSERT_TRUE(supplied || keys->version == STAGE_KVN_BLANK);
    CU_ASSERT_TRUE(!supplied || outcome != CARD_UNTOUCHED);
    CU_ASSERT_TRUE(supplied || !ok);
    if (!supplied) return;
    CU_ASSERT_TRUE(bytes_equal(keys->enc, 16, due.enc, 16) && bytes_equal(keys->mac, 16, due.mac, 16) &&
                   bytes_equal(keys->dek, 16, due.dek, 16));
    if (!ok) supply_again();
}

static void each(void)
{
    const struct faults faults = {.soft = &soft,
                                  .through = &through,
                                  .label = "bureau",
                                  .work = work,
                                  .after = supplying ? after_supply : after,
                                  .calls_min = supplying ? 100 : 150};
    fault_each(&faults, FAULT_DEVICE_ERROR, "CKR_DEVICE_ERROR");
}

static void test_scp02(void)
{
    work_is(2, true, false);
    each();
}

static void test_scp03(void)
{
    work_is(3, true, false);
    each();
}

static void test_supply_scp02(void)
{
    work_is(2, false, true);
    each();
}

static void test_supply_scp03(void)
{
    work_is(3, false, true);
    each();
}

static const struct test_case cases[] = {
    {"what leaves the token readable: what must, and nothing else", test_recording},
    {"SCP02: each call fails in turn", test_scp02},
    {"SCP03: each call fails in turn", test_scp03},
    {"new keys by SCP02: each call fails in turn", test_supply_scp02},
    {"new keys by SCP03: each call fails in turn", test_supply_scp03},
};

int main(void)
{
    if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
    bool ready = softtoken_add(&soft, "bureau") && stage_token(&soft);
    through = soft;
    softtoken_proxy(&through);
    int status = ready ? suite_run("bureau/fault", cases, SUITE_COUNT(cases)) : 1;
    stage_end();
    softtoken_stop(&soft);
    return status;
}
