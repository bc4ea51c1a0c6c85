#include "bench/bureau/script.h"

#include <string.h>

#include "bench/bureau/contact.h"
#include "bench/raw.h"
#include "bureau/pcsc.h"
#include "bureau/translate.h"
#include "bureau/turns.h"

enum { INS_AT = 1, INS_INITIALIZE_UPDATE = 0x50 };

struct stage {
    const struct script_part *part;
    struct script_part *rehearsed; /* gets the commands; NULL: nobody writes them down */
    struct pcsc *pcsc;             /* NULL: no reader */
    struct buf ignored;
};

static bool write_down(struct script_part *part, const struct buf *command, struct err *why)
{
    if (part->count == SCRIPT_COMMANDS_MAX)
        return err_set(why, ERR_CONFIG, "a conversation of more than %d commands", SCRIPT_COMMANDS_MAX);
    part->commands[part->count++] =
        (struct script_command){command->data[0], command->data[INS_AT], (uint16_t)command->len};
    return true;
}

static bool through_reader(struct stage *s, const struct buf *command, struct err *why)
{
    enum pcsc_fate fate = PCSC_SILENT;
    if (!pcsc_transmit(s->pcsc, command->data, command->len, &s->ignored, &fate, why)) return false;
    return fate == PCSC_ANSWERED || err_set(why, ERR_FILE, "%s", pcsc_fate_name(fate));
}

/* A card that is content: all but INITIALIZE UPDATE is 9000. */
static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    struct stage *s = context;
    const struct buf *command = &turn->command;

    if (command->len < APDU_HEADER) return err_set(why, ERR_INTERNAL, "a command of %zu bytes", command->len);
    if (s->rehearsed && !write_down(s->rehearsed, command, why)) return false;
    if (s->pcsc && !through_reader(s, command, why)) return false;
    if (command->data[INS_AT] == INS_INITIALIZE_UPDATE)
        buf_put(answer, s->part->update, s->part->update_len);
    else
        buf_put_be(answer, SW_OK, 2);
    return true;
}

/* *commands: as many more. */
static bool play_one(struct token_process *token, struct stage *stage, const struct hsm_span *record,
                     uint64_t *commands, struct err *err)
{
    const struct turns_port port = {stage, transmit, NULL};
    const struct card_order order = {
        .record = record->data, .len = record->len, .challenge = bureau_setup_challenge, .tries = 1};
    struct turns_result result;

    turns_run(token, &order, &port, &result);
    *commands += result.commands;
    if (result.outcome == CARD_MADE) return true;
    *err = result.err;
    if (err->kind == ERR_NONE)
        err_set(err, ERR_INTERNAL, "the card would be %s", card_outcome_name(result.outcome));
    err_prefix(err, "a played card");
    return false;
}

/* ---- the rehearsal ---- */

static bool put_update(struct bureau_setup *s, struct script_part *part, struct err *err)
{
    struct channel channel;
    struct buf b;
    uint8_t cryptogram[SCP_CRYPTOGRAM];

    channel_init(&channel, s->ring);
    if (!channel_card_cryptogram(&channel, &s->card, bureau_setup_challenge, cryptogram, err)) return false;
    buf_init(&b, sizeof(part->update));
    buf_put(&b, s->card.key_data, SCP_KEY_DATA);
    buf_put_u8(&b, s->card.key_version);
    buf_put_u8(&b, (uint8_t)s->card.protocol);
    if (s->card.protocol == SCP03) buf_put_u8(&b, s->card.options);
    buf_put(&b, s->card.sequence, s->card.sequence_len);
    buf_put(&b, s->card.challenge, s->card.challenge_len);
    buf_put(&b, cryptogram, sizeof(cryptogram));
    buf_put_be(&b, SW_OK, 2);
    bool ok = buf_ok(&b, "answer to INITIALIZE UPDATE", err);
    if (ok) {
        memcpy(part->update, b.data, b.len);
        part->update_len = b.len;
    }
    buf_release(&b);
    return ok;
}

static void count_ways(const struct open_record *o, bool aes, struct script_part *part)
{
    size_t *const ways[] = {[TRANSLATE_INSIDE] = &part->inside,
                            [TRANSLATE_READABLE] = &part->readable,
                            [TRANSLATE_UNTOUCHED] = &part->untouched};
    for (size_t i = 0; i < o->application_count; i++) {
        for (size_t k = 0; k < o->applications[i].item_count; k++) {
            const struct open_item *item = &o->applications[i].items[k];
            if (!item->secrets) continue;
            part->secrets += item->secret_count;
            *ways[translate_way(&o->ring->abilities, item, aes)] += item->secret_count;
        }
    }
}

static bool prepare(const struct script_order *order, struct script_part *part, struct err *err)
{
    struct bureau_setup s;
    struct open_record *record = NULL;

    if (!bureau_setup_open(&s, order->settings, order->protocol, err)) return false;
    bool ok = put_update(&s, part, err) && bureau_setup_record(&s, order->records, 0, &record, err);
    if (ok) count_ways(record, order->protocol == SCP03, part);
    open_record_free(record);
    bureau_setup_close(&s);
    return ok;
}

bool script_rehearse(const void *context, void *out, struct err *err)
{
    const struct script_order *order = context;
    const struct hsm_span record = {order->records->bytes.data, order->records->len[0]};
    struct script_part *part = out;
    struct stage stage = {.part = part, .rehearsed = part};
    struct token_process *token = NULL;
    uint64_t commands = 0;

    /* It is forked before this process has a token of its own. */
    bool ok = token_process_start(&token, order->settings, err) && prepare(order, part, err) &&
              play_one(token, &stage, &record, &commands, err);
    token_process_free(token);
    return ok;
}

/* ---- again and again ---- */

static bool play_all(const struct script_order *order, struct token_process *token, struct stage *stage,
                     struct script_result *result, struct err *err)
{
    const struct bureau_records *r = order->records;

    raw_wait_until(order->start_us);
    const double begin = clock_us();
    for (size_t i = 0; clock_us() - begin < order->seconds * 1e6 || result->cards == 0; i++) {
        const struct hsm_span record = {&r->bytes.data[r->at[i % r->count]], r->len[i % r->count]};
        if (!play_one(token, stage, &record, &result->commands, err)) return false;
        result->cards++;
    }
    result->seconds = (clock_us() - begin) / 1e6;
    return true;
}

/* What this process and those that have ended have taken. */
static double cpu_of_all(void)
{
    return cpu_us() + cpu_of_children_us();
}

/* Time on cores of a token process can be told only when it has ended. What its start takes is told by one that does nothing. */
static bool measure_start(const struct bureau *settings, double *us, struct err *err)
{
    const double before = cpu_of_all();
    struct token_process *token = NULL;
    if (!token_process_start(&token, settings, err)) return false;
    token_process_free(token);
    *us = cpu_of_all() - before;
    return true;
}

bool script_play(const void *context, void *out, struct err *err)
{
    const struct script_order *order = context;
    struct script_result *result = out;
    struct stage stage = {.part = order->part};
    struct token_process *token = NULL;
    double start_us = 0;

    buf_init(&stage.ignored, PCSC_ANSWER_MAX);
    bool ok = measure_start(order->settings, &start_us, err);
    const double before = cpu_of_all();
    ok = ok && token_process_start(&token, order->settings, err) &&
         (!order->reader || contact_open(&stage.pcsc, order->reader, err)) &&
         play_all(order, token, &stage, result, err);
    token_process_free(token);
    pcsc_free(stage.pcsc);
    buf_release(&stage.ignored);
    result->cpu_us = cpu_of_all() - before - start_us;
    return ok;
}
