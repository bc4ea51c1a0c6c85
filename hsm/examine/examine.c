/* hsm/examine/examine.c - the table of trials, and the one who runs them. */
#include "hsm/examine.h"

#include <stdio.h>

#include "hsm/examine/examiner.h"

typedef const struct trial *rows_fn(size_t *count);
static rows_fn *const groups[] = {examine_derive_rows,  examine_wrap_rows,     examine_rsa_rows,
                                  examine_mac_rows,     examine_channel_rows,  examine_attributes_rows,
                                  examine_attacks_rows, examine_processes_rows};
enum { GROUP_COUNT = sizeof groups / sizeof groups[0] };

static const struct hsm_exception exceptions[] = {
    {"rsa-parts", HSM_FOR_BUREAU,
     "the CRT parts of a card's RSA key, and secrets that are no whole blocks, are translated in memory",
     NULL},
    {"tdes-under-dek", HSM_FOR_BUREAU, "TDES keys are put under the SCP02 data key in memory", "scp02-data"},
    {"aes-under-dek", HSM_FOR_BUREAU, "AES keys are put under the SCP03 data key in memory", "scp03-data"},
    {"components", HSM_FOR_CEREMONY, "key components are combined in memory", "components-xor"},
    {"key-block", HSM_FOR_CEREMONY, "TR-31 key blocks are made in memory, where a plan allows them", NULL},
};

static const struct trial *row_at(size_t index)
{
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        size_t count = 0;
        const struct trial *rows = groups[g](&count);
        if (index < count) return &rows[index];
        index -= count;
    }
    return NULL;
}

size_t hsm_trial_count(void)
{
    size_t sum = 0;
    for (size_t g = 0; g < GROUP_COUNT; g++) {
        size_t count = 0;
        groups[g](&count);
        sum += count;
    }
    return sum;
}

const struct hsm_trial *hsm_trial_at(size_t index)
{
    return &row_at(index)->shown;
}

bool hsm_trial_find(const char *name, size_t *index)
{
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        if (strcmp(hsm_trial_at(i)->name, name) != 0) continue;
        *index = i;
        return true;
    }
    return false;
}

const char *hsm_verdict_name(enum hsm_verdict verdict)
{
    static const char *const names[] = {[HSM_NOT_TRIED] = "not-tried",
                                        [HSM_WORKS] = "works",
                                        [HSM_REFUSED] = "refused",
                                        [HSM_UNSAFE] = "unsafe"};
    return names[verdict];
}

const char *hsm_severity_name(enum hsm_severity severity)
{
    static const char *const names[] = {
        [HSM_REQUIRED] = "required", [HSM_OPTIONAL] = "optional", [HSM_SAFETY] = "safety"};
    return names[severity];
}

static void clear_away(struct examiner *x)
{
    for (size_t i = 0; i < x->count; i++) {
        struct hsm_key key = {x->made[i], HSM_GENERIC};
        hsm_key_destroy(x->t, &key);
    }
    x->count = 0;
}

/* A refusal is the token's: not that of libcrypto, nor that of what an attack needs first. */
static bool is_refusal(const struct trial *row, const struct err *err)
{
    return err->kind == ERR_TOKEN && strcmp(row->shown.group, "attacks") != 0;
}

static void run(struct examiner *x, const struct trial *row, struct hsm_outcome *out)
{
    struct err err = ERR_INIT;
    *out = (struct hsm_outcome){HSM_NOT_TRIED, ""};
    x->out = out;
    x->decided = false;
    bool ok = row->run(x, &row->with, &err);
    if (ok) {
        out->verdict = HSM_WORKS;
    } else if (!x->decided) {
        out->verdict = is_refusal(row, &err) ? HSM_REFUSED : HSM_NOT_TRIED;
        examine_cause(&err, out->cause);
    }
    clear_away(x);
}

static void close_door(struct examiner *x)
{
    hsm_key_destroy(x->t, &x->door_private);
    hsm_key_destroy(x->t, &x->door_public);
}

static bool is_whole(const struct hsm_token *t, const char *name, struct err *err)
{
    return !t->broken || err_set(err, ERR_TOKEN, "the session broke in trial %s: %s", name, t->cause);
}

bool hsm_examine(struct hsm_token *t, unsigned programs, struct hsm_outcome *outcomes, struct err *err)
{
    struct examiner x = {.t = t, .door_private = HSM_KEY_NONE, .door_public = HSM_KEY_NONE};
    bool ok = true;
    for (size_t i = 0; ok && i < hsm_trial_count(); i++) {
        const struct trial *row = row_at(i);
        bool concerns = ((row->shown.required_by | row->shown.used_by) & programs) || programs == HSM_FOR_ALL;
        if (!concerns || !row->run) continue;
        run(&x, row, &outcomes[i]);
        ok = is_whole(t, row->shown.name, err);
    }
    close_door(&x);
    return ok;
}

bool hsm_examine_one(struct hsm_token *t, const char *name, struct hsm_outcome *out, struct err *err)
{
    struct examiner x = {.t = t, .door_private = HSM_KEY_NONE, .door_public = HSM_KEY_NONE};
    size_t index = 0;
    if (!hsm_trial_find(name, &index) || !row_at(index)->run)
        return err_set(err, ERR_INTERNAL, "no trial %s", name);
    run(&x, row_at(index), out);
    close_door(&x);
    return is_whole(t, name, err);
}

bool hsm_examined_can_run(const struct hsm_outcome *outcomes, unsigned program)
{
    for (size_t i = 0; i < hsm_trial_count(); i++) {
        if ((hsm_trial_at(i)->required_by & program) && outcomes[i].verdict != HSM_WORKS) return false;
    }
    return true;
}

size_t hsm_exception_count(void)
{
    return sizeof exceptions / sizeof exceptions[0];
}

const struct hsm_exception *hsm_exception_at(size_t index)
{
    return &exceptions[index];
}

bool hsm_exception_taken(const struct hsm_outcome *outcomes, size_t index)
{
    size_t trial = 0;
    const struct hsm_exception *e = &exceptions[index];
    return !e->unless || !hsm_trial_find(e->unless, &trial) || outcomes[trial].verdict != HSM_WORKS;
}
