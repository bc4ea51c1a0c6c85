#include "prep/pool/worker.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/progress.h"
#include "formats/pan.h"
#include "hsm/probe.h"
#include "prep/prepare.h"
#include "prep/pool/wire.h"
#include "prep/usage.h"

/* Results are sent when there is nothing more to do, when there are this many bytes, or this old. */
enum { FLUSH_BYTES = 32768, FLUSH_AFTER_MS = 5, RECORD_BUF_MAX = MIC_RECORD_MAX + 64 };

struct worker {
    const struct job *job;
    struct wire wire;
    struct keyring_tokens tokens;
    struct keyring *keys;
    bool signs_only; /* no cards come */
    struct job_identity identity;
    struct field_table fields;
    struct buf field_names; /* what fields points into */
    struct planner *planner;
    struct workshop *workshop;
    struct card_input input;
    struct card_plan plan;
    struct buf record;
    struct usage *used; /* since it was last told; NULL: nobody counts */
    uint64_t unsent_since_ms;
};

struct hsm_token_choice worker_token_choice(const struct token_settings *token)
{
    struct hsm_token_choice choice = {.module = token->module,
                                      .uri = token->uri,
                                      .label = token->label,
                                      .serial = token->serial,
                                      .parameters = token->parameters};
    return choice;
}

uint64_t process_peak_kib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss : 0;
}

static bool log_in(struct worker *w, const struct worker_pins *inherited, struct err *err)
{
    struct worker_pins pins =
        *inherited; /* this process's copy of the keeper's memory; locks are not inherited */
    struct hsm_token_choice master = worker_token_choice(&w->job->master_token);
    struct hsm_token_choice card_key = worker_token_choice(&w->job->card_key_token);
    bool ok = secret_relock(&pins.master, err);

    if (ok && w->job->separate_card_key_token) ok = secret_relock(&pins.card_key, err);
    if (ok) ok = hsm_token_open(&w->tokens.master, &master, HSM_LOGIN_USER, &pins.master, 0, err);
    if (ok && !w->job->separate_card_key_token) {
        w->tokens.card_key = w->tokens.master;
    } else if (ok && (!card_key.module || (master.module && strcmp(card_key.module, master.module) == 0))) {
        ok = hsm_token_open_beside(&w->tokens.card_key, w->tokens.master, &card_key, &pins.card_key, 0, err);
    } else if (ok) {
        ok = hsm_token_open(&w->tokens.card_key, &card_key, HSM_LOGIN_USER, &pins.card_key, 0, err);
    }
    secret_release(&pins.master);
    secret_release(&pins.card_key);
    return ok;
}

static bool read_start(struct worker *w, struct cur payload, struct err *err)
{
    const uint8_t *bytes;
    uint64_t count;
    uint8_t len;

    if (!cur_take(&payload, JOB_ID_LEN, &bytes, "job id", err)) return false;
    memcpy(w->identity.job_id, bytes, JOB_ID_LEN);
    if (!cur_take_be(&payload, 8, &w->identity.counter_first, "counter", err) ||
        !cur_take(&payload, sizeof(w->identity.created), &bytes, "time", err))
        return false;
    memcpy(w->identity.created, bytes, sizeof(w->identity.created));
    if (!cur_take_be(&payload, 2, &count, "number of fields", err)) return false;
    w->signs_only = count == WIRE_SIGNS_ONLY;
    if (w->signs_only) count = 0;
    if (count > FIELDS_MAX) return err_set(err, ERR_INTERNAL, "too many fields");
    buf_put(&w->field_names, payload.data + payload.pos, cur_left(&payload));
    if (!buf_ok(&w->field_names, "field names", err)) return false;
    struct cur names = cur_make(w->field_names.data, w->field_names.len, 0);
    for (w->fields.count = 0; w->fields.count < count; w->fields.count++) {
        if (!cur_take_u8(&names, &len, "name", err) ||
            !cur_take(&names, (size_t)len + 1, &bytes, "name", err))
            return false;
        w->fields.names[w->fields.count] = (const char *)bytes; /* its zero travels with it */
    }
    return true;
}

static bool open_workshop(struct worker *w, struct err *err)
{
    if (w->signs_only) return true;
    if (!planner_new(&w->planner, w->job, &w->fields, err) ||
        !workshop_new(&w->workshop, w->job, &w->identity, w->keys, err))
        return false;
    workshop_count(w->workshop, w->used);
    return true;
}

static bool start(struct worker *w, struct cur payload, struct err *err)
{
    struct job_kek kek;
    uint8_t signer[SHA256_LEN] = {0};
    struct buf spki;

    buf_init(&spki, HSM_SPKI_MAX);
    bool ok = read_start(w, payload, err) && keyring_open(&w->keys, w->job, &w->tokens, err) &&
              keyring_signer(w->keys, signer, &spki, err) && open_workshop(w, err);
    if (ok) {
        keyring_kek(w->keys, &kek);
        size_t begin = wire_put_begin(&w->wire, WIRE_READY);
        buf_put(&w->wire.out, &kek, sizeof(kek));
        buf_put(&w->wire.out, signer, sizeof(signer));
        buf_put_be(&w->wire.out, spki.len, 2);
        buf_put(&w->wire.out, spki.data, spki.len);
        buf_put_format(&w->wire.out, "%s (%s)", hsm_token_label(w->tokens.master),
                       hsm_token_model(w->tokens.master));
        wire_put_end(&w->wire, begin);
    }
    buf_release(&spki);
    return ok;
}

/* In front of the answer for the card. */
static void tell_used(struct worker *w)
{
    if (!w->used) return;
    size_t begin = wire_put_begin(&w->wire, WIRE_USED);
    for (size_t i = 0; i < w->job->key_count; i++) {
        if (w->used[i].derivations == 0) continue;
        buf_put_be(&w->wire.out, i, 2);
        buf_put_be(&w->wire.out, w->used[i].derivations, 4);
        buf_put_be(&w->wire.out, w->used[i].blocks, 4);
    }
    wire_put_end(&w->wire, begin);
    memset(w->used, 0, w->job->key_count * sizeof(*w->used));
}

static void answer_record(struct worker *w, uint64_t number)
{
    size_t begin = wire_put_begin(&w->wire, WIRE_RECORD);
    buf_put_be(&w->wire.out, number, 8);
    buf_put_be(&w->wire.out, process_peak_kib(), 8);
    buf_put(&w->wire.out, w->record.data, w->record.len);
    wire_put_end(&w->wire, begin);
}

static void answer_refused(struct worker *w, uint64_t number, const struct err *err)
{
    size_t begin = wire_put_begin(&w->wire, WIRE_REFUSED);
    buf_put_be(&w->wire.out, number, 8);
    wire_put_err(&w->wire.out, err);
    wire_put_end(&w->wire, begin);
}

static bool prepare(struct worker *w, struct cur payload, struct err *err)
{
    if (!card_input_get(&payload, &w->input, err)) return false;
    buf_clear(&w->record);
    return planner_plan(w->planner, &w->input, &w->plan, err) &&
           workshop_prepare(w->workshop, &w->plan, &w->record, err);
}

static bool sign(struct worker *w, struct cur payload, struct err *err)
{
    struct buf signature;

    buf_init(&signature, SIGNATURE_MAX);
    bool ok = keyring_sign(w->keys, payload.data, payload.len, &signature, err);
    if (ok) {
        size_t begin = wire_put_begin(&w->wire, WIRE_SIGNATURE);
        buf_put(&w->wire.out, signature.data, signature.len);
        wire_put_end(&w->wire, begin);
    }
    buf_release(&signature);
    return ok;
}

static bool check(struct worker *w, struct err *err)
{
    struct buf findings;

    if (!hsm_probe(w->tokens.master, true, err)) return false;
    if (w->tokens.card_key != w->tokens.master && !hsm_probe(w->tokens.card_key, true, err)) return false;
    buf_init(&findings, 1 << 20);
    size_t errors = keyring_lint(w->job, &w->tokens, &findings);
    size_t begin = wire_put_begin(&w->wire, WIRE_FINDINGS);
    buf_put_be(&w->wire.out, errors, 8);
    buf_put(&w->wire.out, findings.data, findings.len);
    wire_put_end(&w->wire, begin);
    buf_release(&findings);
    return true;
}

/* One request. What fails is answered; false only when the connection itself is of no more use. */
static bool serve_one(struct worker *w, enum wire_type type, struct cur payload, struct err *err)
{
    struct err failure = ERR_INIT;
    bool ok = false;

    switch (type) {
    case WIRE_START:
        ok = start(w, payload, &failure);
        break;
    case WIRE_CARD:
        ok = w->workshop ? prepare(w, payload, &failure)
                         : err_set(&failure, ERR_INTERNAL, "card before start");
        tell_used(w);
        if (ok) answer_record(w, w->input.number);
        break;
    case WIRE_SIGN:
        ok = w->keys ? sign(w, payload, &failure) : err_set(&failure, ERR_INTERNAL, "sign before start");
        break;
    case WIRE_CHECK:
        ok = check(w, &failure);
        break;
    default:
        return err_set(err, ERR_INTERNAL, "unknown request %d", (int)type);
    }
    if (!ok) pan_mask_text(failure.text);
    if (!ok) answer_refused(w, type == WIRE_CARD ? w->input.number : 0, &failure);
    if (wire_unsent(&w->wire) < FLUSH_BYTES && clock_monotonic_ms() - w->unsent_since_ms < FLUSH_AFTER_MS)
        return true;
    return wire_flush(&w->wire, err);
}

static bool serve(struct worker *w, struct err *err)
{
    for (;;) {
        enum wire_type type;
        struct cur payload;
        bool got = false, closed = false;

        if (!wire_next(&w->wire, &type, &payload, &got, err)) return false;
        if (!got) {
            if (!wire_flush(&w->wire, err) || !wire_fill(&w->wire, &closed, err)) return false;
            if (closed) return true;
            continue;
        }
        if (wire_unsent(&w->wire) == 0) w->unsent_since_ms = clock_monotonic_ms();
        if (!serve_one(w, type, payload, err)) return false;
    }
}

static void release(struct worker *w)
{
    workshop_free(w->workshop);
    planner_free(w->planner);
    keyring_free(w->keys);
    if (w->tokens.card_key != w->tokens.master) hsm_token_close(w->tokens.card_key);
    hsm_token_close(w->tokens.master);
    card_input_release(&w->input);
    buf_release(&w->record);
    buf_release(&w->field_names);
    wire_release(&w->wire);
    free(w->used);
    free(w);
}

int worker_main(int fd, const struct job *job, const struct worker_pins *pins)
{
    struct err err = ERR_INIT;
    pid_t keeper = getppid();
    struct worker *w = calloc(1, sizeof(*w));

    if (!w) return err_exit_status(ERR_INTERNAL);
    w->job = job;
    wire_init(&w->wire, fd);
    card_input_init(&w->input);
    buf_init(&w->record, RECORD_BUF_MAX);
    buf_init(&w->field_names, FIELDS_MAX * 80);
    bool ok = true;
    if (job->audit_log && !(w->used = calloc(job->key_count + 1, sizeof(*w->used))))
        ok = err_set_no_memory(&err);
    ok = ok && log_in(w, pins, &err);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* not before: a soft token may be lost when its login is killed */
    if (ok && getppid() != keeper) ok = err_set(&err, ERR_INTERNAL, "the keeper process has ended");
    if (!ok) {
        answer_refused(w, 0, &err);
        err_ignore(wire_flush(&w->wire, &err), "the coordinator sees the end of the process instead");
    } else {
        ok = serve(w, &err);
    }
    release(w);
    return ok ? 0 : err_exit_status(err.kind);
}
