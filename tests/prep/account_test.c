#include "prep/accounts/account.h"

#include "suite.h"

/* A story, one event a word: "m1" made on card 1, "r2.7" remade on card 2 by list 7, "s1" spoiled, "d1" destroyed, "x1" missing;
 * card 0 is one that nobody knows. Lists: 7 and 8 have the record, 9 has it for card 1 only, others do not have it. */
static struct account told(const char *story, bool set_aside)
{
    static const char letters[] = "msrdx"; /* as enum return_outcome */
    struct account a;
    account_begin(&a, set_aside);
    for (const char *at = story; *at; at++) {
        struct account_event e = {.outcome = (enum return_outcome)(strchr(letters, *at++) - letters)};
        const uint8_t serial = (uint8_t)(*at - '0'), first = 1;
        e.serial = &serial;
        e.serial_len = serial > 0;
        if (e.outcome == RETURN_REMADE) {
            e.list = (uint64_t)(at[2] - '0');
            at += 2;
            e.list_names_record = e.list >= 7;
            e.list_serial = &first;
            e.list_serial_len = e.list == 9;
        }
        account_add(&a, &e);
        if (at[1] == ' ') at++;
    }
    return a;
}

static void test_stories(void)
{
    static const struct {
        const char *story;
        enum account_state state;
        unsigned faults;
    } rows[] = {
        {"", ACCOUNT_NOT_TOLD, 0},
        {"m1", ACCOUNT_MADE, 0},
        {"m1 m1", ACCOUNT_MADE, 0},
        {"s1", ACCOUNT_SPOILED, 0},
        {"s1 r2.7", ACCOUNT_REMADE, 0},
        {"s1 r2.7 s1 r2.7", ACCOUNT_REMADE, 0},
        {"s1 r2.7 s2 r3.8", ACCOUNT_REMADE, 0},
        {"s1 r2.9", ACCOUNT_REMADE, 0},
        {"s0 r2.7", ACCOUNT_REMADE, 0},
        {"m1 x1", ACCOUNT_MISSING, 0},
        {"m1 x0", ACCOUNT_MISSING, 0},
        {"m1 x1 m1", ACCOUNT_MADE, 0},
        {"m1 d1", ACCOUNT_DESTROYED, 0},
        {"s1 d1", ACCOUNT_DESTROYED, 0},
        {"m1 d1 s1", ACCOUNT_DESTROYED, 0},
        {"m1 d1 r2.7", ACCOUNT_REMADE, 0},
        {"m1 x1 r2.7 d1", ACCOUNT_REMADE, 0},
        {"m1 x1 r2.7 d2", ACCOUNT_DESTROYED, 0},
        {"x0", ACCOUNT_MISSING, 0},
        {"x0 x0", ACCOUNT_MISSING, 0},
        {"m1 x0 r2.7 x0", ACCOUNT_MISSING, 0},
        /* what must not be */
        {"m1 m2", ACCOUNT_MADE, ACCOUNT_TWICE | ACCOUNT_NO_AUTHORITY},
        {"m1 r2.7", ACCOUNT_REMADE, ACCOUNT_TWICE},
        {"m1 x1 r2.7 m1", ACCOUNT_REMADE, ACCOUNT_TWICE},
        {"s1 m2", ACCOUNT_MADE, ACCOUNT_NO_AUTHORITY},
        {"s1 r2.5", ACCOUNT_REMADE, ACCOUNT_NO_AUTHORITY},
        {"s1 r2.7 s2 r3.7", ACCOUNT_REMADE, ACCOUNT_NO_AUTHORITY},
        {"s3 r2.9", ACCOUNT_REMADE, ACCOUNT_NO_AUTHORITY},
        {"r2.7", ACCOUNT_REMADE, ACCOUNT_NO_FIRST_CARD},
        {"r2.5", ACCOUNT_REMADE, ACCOUNT_NO_FIRST_CARD | ACCOUNT_NO_AUTHORITY},
        {"s1 m1", ACCOUNT_MADE, ACCOUNT_CAME_BACK},
        {"m1 d1 m1", ACCOUNT_MADE, ACCOUNT_CAME_BACK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct account a = told(rows[i].story, false);
        if (account_state(&a) != rows[i].state || a.faults != rows[i].faults)
            fprintf(stderr, "%s: %s, faults %02X\n", rows[i].story, account_state_name(account_state(&a)),
                    a.faults);
        CU_ASSERT_EQUAL(account_state(&a), rows[i].state);
        CU_ASSERT_EQUAL(a.faults, rows[i].faults);
    }
}

static void test_set_aside(void)
{
    struct account a = told("", true);
    CU_ASSERT_EQUAL(account_state(&a), ACCOUNT_SET_ASIDE);
    CU_ASSERT_EQUAL(a.faults, 0);
    CU_ASSERT_PTR_NULL(account_card(&a));
    a = told("m1", true);
    CU_ASSERT_EQUAL(account_state(&a), ACCOUNT_MADE);
    CU_ASSERT_EQUAL(a.faults, ACCOUNT_NOT_ORDERED);
}

static void test_object_and_pass(void)
{
    struct account a;
    const uint8_t serial = 1;
    account_begin(&a, false);
    account_add(&a, &(struct account_event){.serial = &serial, .serial_len = 1, .old_pass = true});
    CU_ASSERT_EQUAL(a.faults, ACCOUNT_OLD_PASS);
    account_add(&a, &(struct account_event){.serial = &serial, .serial_len = 1, .other_object = true});
    CU_ASSERT_EQUAL(a.faults, ACCOUNT_OLD_PASS | ACCOUNT_OTHER_OBJECT);
}

static void test_too_many_cards(void)
{
    struct account a;
    account_begin(&a, false);
    for (uint8_t i = 1; i <= ACCOUNT_CARDS_MAX; i++)
        account_add(&a, &(struct account_event){.outcome = RETURN_SPOILED, .serial = &i, .serial_len = 1});
    CU_ASSERT_EQUAL(a.faults, 0);
    const uint8_t more = 200;
    account_add(&a, &(struct account_event){.outcome = RETURN_SPOILED, .serial = &more, .serial_len = 1});
    CU_ASSERT_EQUAL(a.faults, ACCOUNT_TOO_MANY);
}

static void test_words(void)
{
    unsigned all = 0;
    for (size_t i = 0; i < ACCOUNT_FAULTS; i++) {
        CU_ASSERT_EQUAL(all & account_faults[i].fault, 0);
        all |= account_faults[i].fault;
    }
    CU_ASSERT_EQUAL(all, (1u << ACCOUNT_FAULTS) - 1);
    CU_ASSERT_TRUE(account_state_is_closed(ACCOUNT_DESTROYED));
    CU_ASSERT_FALSE(account_state_is_closed(ACCOUNT_MISSING));
    CU_ASSERT_STRING_EQUAL(account_state_name(ACCOUNT_STATES), "");
}

static const struct test_case cases[] = {
    {"what happened to one record", test_stories},
    {"a record that was set aside", test_set_aside},
    {"other object, older pass", test_object_and_pass},
    {"too many cards", test_too_many_cards},
    {"words", test_words},
};

int main(void)
{
    return suite_run("prep/account", cases, SUITE_COUNT(cases));
}
