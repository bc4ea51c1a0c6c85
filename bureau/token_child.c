#include "bureau/token_child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "bureau/channel.h"
#include "bureau/message.h"
#include "bureau/pin_once.h"
#include "bureau/sandbox.h"
#include "bureau/ways.h"
#include "hsm/public.h"
#include "hsm/trust.h"

enum { LOCKED_HEAP = 1 << 20, LOCKED_MIN = 32, NOTES_MAX = 4096 };

struct child {
    int fd;
    const struct bureau *settings;
    struct hsm_token *t;
    struct ring *ring;
    struct job_group *job; /* of the file under way, or NULL */
    struct open_record *record;
    struct channel channel;
    struct conversation *conversation;
    struct card_turn turn;
    struct ways ways; /* of the records checked */
    struct buf in, out;
};

/* ---- start ---- */

static struct hsm_token_choice choice_of(const struct token_settings *t)
{
    return (struct hsm_token_choice){.module = t->module,
                                     .uri = t->uri,
                                     .label = t->label,
                                     .serial = t->serial,
                                     .parameters = t->parameters};
}

static bool log_in(struct child *c, const struct secret *pin, struct err *err)
{
    const struct hsm_token_choice choice = choice_of(&c->settings->token);
    return hsm_token_open(&c->t, &choice, HSM_LOGIN_USER, pin, 0, err) &&
           ring_open(&c->ring, c->settings, c->t, err);
}

static bool check_signers(struct child *c, struct buf *spkis, struct err *err)
{
    for (size_t i = 0; i < c->settings->trusted_count; i++) {
        const char *label = c->settings->trusted_labels[i];
        const struct hsm_key_ref ref = {
            .name = label, .label = label, .role = HSM_ROLE_TRUSTED_SIGNER, .algorithm = HSM_RSA};
        struct hsm_public key;
        const size_t at = buf_reserve(spkis, 2);
        if (!hsm_trust_find(c->t, &ref, &key, err) || !hsm_public_spki(&key, spkis, err)) return false;
        buf_set_be(spkis, at, spkis->len - at - 2, 2);
    }
    return buf_ok(spkis, "trusted signers", err);
}

/* ---- one card ---- */

static void end_card(struct child *c)
{
    conversation_free(c->conversation);
    c->conversation = NULL;
    if (c->ring) channel_close(&c->channel);
    open_record_free(c->record);
    c->record = NULL;
}

static bool is_own_failure(const struct err *e)
{
    return e->kind == ERR_TOKEN || e->kind == ERR_INTERNAL;
}

static void describe(struct child *c)
{
    open_record_describe(c->record, &c->turn.command);
    c->turn.done = true;
    c->turn.what = "dry run";
}

/* A blank card: no record, only keys. */
static bool supply(struct child *c, const struct card_order *order, struct err *err)
{
    const struct conversation_order talk = {.crypto = channel_crypto(&c->channel),
                                            .challenge = order->challenge,
                                            .tries = order->tries,
                                            .purpose = order->purpose};
    if (!c->settings->blank) return err_set(err, ERR_INTERNAL, "these are no settings of a supplier");
    c->channel.due_kmc = 0;
    return conversation_new(&c->conversation, &talk, &c->turn, err);
}

static bool begin(struct child *c, struct cur *payload, struct err *err)
{
    struct card_order order;
    struct err why = ERR_INIT;
    end_card(c);
    card_turn_release(&c->turn);
    card_turn_init(&c->turn);
    c->turn.outcome = CARD_UNTOUCHED;
    if (!message_get_order(payload, &order, err)) return false;
    if (order.purpose >= PURPOSE_SUPPLY) return supply(c, &order, err);
    const struct hsm_span record = {order.record, order.len};
    if (!open_record_new(&c->record, c->ring, c->job, &record, 0, &why)) {
        *err = why;
        if (is_own_failure(&why)) return false;
        c->turn.done = true;
        c->turn.err = why;
        return true;
    }
    if (order.purpose == PURPOSE_DESCRIBE) {
        describe(c);
        return true;
    }
    const struct conversation_order talk = {.record = c->record,
                                            .crypto = channel_crypto(&c->channel),
                                            .challenge = order.challenge,
                                            .tries = order.tries,
                                            .extended = order.extended,
                                            .purpose = order.purpose};
    c->channel.due_kmc = order.purpose == PURPOSE_REPEAT
                             ? 0
                             : c->record->kmc_version; /* it was asked, and the keys may be new */
    return conversation_new(&c->conversation, &talk, &c->turn, err);
}

static bool answer(struct child *c, struct cur *payload, struct err *err)
{
    if (!c->conversation) return err_set(err, ERR_INTERNAL, "no card is under way");
    if (conversation_answer(c->conversation, payload->data, payload->len, &c->turn, err)) return true;
    c->turn.outcome = conversation_outcome(c->conversation);
    return false;
}

static bool send_turn(struct child *c, const struct err *failure, struct err *err)
{
    const bool over = failure || c->turn.done;
    buf_clear(&c->out);
    message_put_turn(&c->out, &c->turn, failure);
    bool ok = message_send(c->fd, MESSAGE_TURN, &c->out, err);
    if (over) end_card(c);
    return ok;
}

static bool serve_card(struct child *c, enum message_type type, struct cur *payload, struct err *err)
{
    struct err failure = ERR_INIT;
    bool ok = type == MESSAGE_BEGIN ? begin(c, payload, &failure) : answer(c, payload, &failure);
    return send_turn(c, ok ? NULL : &failure, err);
}

/* ---- the rest ---- */

static bool take_file(struct child *c, struct cur *payload, struct err *err)
{
    struct mic_record record;
    struct job_group *job = calloc(1, sizeof(*job));
    if (!job) return err_set_no_memory(err);
    bool ok = mic_parse_record(payload->data, payload->len, 0, &record, err);
    const struct mic_group *group = ok ? mic_find(&record, MIC_JOB) : NULL;
    if (ok && !group) ok = err_set(err, ERR_INPUT, "no group " MIC_JOB);
    ok = ok && job_group_read(group, job, err) && open_record_check_job(c->ring, job, err);
    if (!ok) {
        free(job);
        return false;
    }
    free(c->job);
    c->job = job;
    return true;
}

static bool check(struct child *c, struct cur *payload, struct err *err)
{
    struct open_record *record = NULL;
    uint8_t keys_only = 0;
    if (!cur_take_u8(payload, &keys_only, "message", err)) return false;
    const struct hsm_span span = {&payload->data[payload->pos], cur_left(payload)};
    bool ok = open_record_new(&record, c->ring, c->job, &span, keys_only ? OPEN_WITHOUT_MACS : 0, err) &&
              ways_add_record(&c->ways, record, err);
    open_record_free(record);
    return ok;
}

static bool return_key(struct child *c, struct buf *spki, struct err *err)
{
    if (!c->ring->has_return) return err_set(err, ERR_CONFIG, "the settings name no return key");
    return hsm_pair_spki(&c->ring->return_pair, spki, err);
}

static bool sign(struct child *c, struct cur *payload, struct err *err)
{
    struct buf spki;
    uint8_t signer[SHA256_LEN];
    buf_init(&spki, HSM_SPKI_MAX);
    bool ok = return_key(c, &spki, err) && sha256(spki.data, spki.len, signer, err);
    buf_release(&spki);
    if (ok) buf_put(&c->out, signer, sizeof(signer));
    return ok && hsm_sign_sha256(c->t, &c->ring->return_pair.private_key, payload->data, payload->len,
                                 &c->out, err);
}

static bool serve_other(struct child *c, enum message_type type, struct cur *payload, struct err *err)
{
    switch (type) {
    case MESSAGE_FILE:
        return take_file(c, payload, err);
    case MESSAGE_CHECK:
        return check(c, payload, err);
    case MESSAGE_SIGN:
        return sign(c, payload, err);
    case MESSAGE_SIGNERS:
        return check_signers(c, &c->out, err);
    case MESSAGE_RETURN_KEY:
        return return_key(c, &c->out, err);
    case MESSAGE_WAYS:
        ways_put(&c->out, &c->ways);
        return buf_ok(&c->out, "ways", err);
    default:
        return err_set(err, ERR_INTERNAL, "a message of unknown type %d", (int)type);
    }
}

static bool reply(struct child *c, const struct err *failure, struct err *err)
{
    if (!failure) return message_send(c->fd, MESSAGE_DONE, &c->out, err);
    buf_clear(&c->out);
    message_put_err(&c->out, failure);
    return message_send(c->fd, MESSAGE_REFUSED, &c->out, err);
}

static bool serve(struct child *c, enum message_type type, struct err *err)
{
    struct cur payload = cur_make(c->in.data, c->in.len, 0);
    struct err failure = ERR_INIT;
    if (type == MESSAGE_BEGIN || type == MESSAGE_ANSWER) return serve_card(c, type, &payload, err);
    buf_clear(&c->out);
    return reply(c, serve_other(c, type, &payload, &failure) ? NULL : &failure, err);
}

/* ---- life ---- */

static bool start(struct child *c, const struct secret *pin, struct err *err)
{
    char folder[SANDBOX_PATH];
    struct buf spkis;
    /* OpenSSL's own numbers, where translate.c needs some, in locked memory as well */
    if (CRYPTO_secure_malloc_init(LOCKED_HEAP, LOCKED_MIN) == 0)
        return err_set(err, ERR_INTERNAL, "no locked memory for OpenSSL");
    sandbox_token_folder(&c->settings->token, folder);
    if (!log_in(c, pin, err)) return false;
    channel_init(&c->channel, c->ring);
    buf_init(&spkis, MESSAGE_MAX);
    bool ok = check_signers(c, &spkis, err);
    buf_release(&spkis);
    if (ok) sandbox_enter(folder, &c->out);
    return ok;
}

static void finish(struct child *c)
{
    end_card(c);
    ring_free(c->ring);
    hsm_token_close(c->t);
    free(c->job);
    card_turn_release(&c->turn);
    ways_release(&c->ways);
    buf_release(&c->in);
    buf_release(&c->out);
}

int token_child_main(int fd, int pin_fd, const struct bureau *settings)
{
    struct child c = {.fd = fd, .settings = settings};
    struct secret pin = SECRET_NONE;
    struct err err = ERR_INIT;
    bool closed = false;
    buf_init(&c.in, MESSAGE_MAX);
    buf_init(&c.out, MESSAGE_MAX);
    card_turn_init(&c.turn);
    bool ok = pin_once_fetch(&pin, pin_fd, settings, &err); /* before its descriptor is closed */
    sandbox_close_files(fd);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* results are the parent's: a talkative module must not mix in */
    ok = ok && start(&c, &pin, &err);
    secret_release(&pin);
    signal(SIGINT, SIG_IGN); /* the parent decides when a card is at its end */
    signal(SIGTERM, SIG_IGN);
    struct err failure = err;
    ok = reply(&c, ok ? NULL : &failure, &err) && ok;
    while (ok && !closed) {
        enum message_type type = MESSAGE_DONE;
        ok = message_receive(fd, &type, &c.in, -1, &closed, &err);
        if (ok && !closed) ok = serve(&c, type, &err);
        /* A lost session is not to be mended from inside the sandbox: the parent starts another process. */
        if (ok && !c.conversation && hsm_token_is_broken(c.t)) ok = false;
    }
    finish(&c);
    return ok ? 0 : 1;
}
