/* cardbureau script FILE: the commands for one card whose challenge and answers are known, for stations without a token and for
 * tests, as far as the answers reach; with --dry-run what a card would get, in words. The same turns as with a reader, and nothing is
 * written into the books. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "bureau/bound.h"
#include "bureau/commands/card_answers.h"
#include "bureau/commands/card_run.h"
#include "bureau/commands/commands.h"
#include "bureau/turns.h"

enum { SCRIPT_MAX = 64 << 20, CHALLENGE_LEN = 8 };

struct options {
    const char *settings, *challenge, *answers, *output;
    uint64_t record;
    bool extended, dry_run, help;
};

struct script {
    const struct options *options;
    struct card_file file;
    struct token_process *token;
    uint8_t challenge[CHALLENGE_LEN];
    struct card_id due; /* the card that the record is for; len 0: any */
    struct card_answers answers;
    struct buf text; /* what is written */
    uint64_t sent;   /* commands */
};

static bool transmit(void *context, const struct card_turn *turn, struct buf *answer, struct err *why)
{
    struct script *s = context;
    buf_put_format(&s->text, "# %s\n", turn->what);
    s->sent++;
    if (turn->command.len > 0) {
        hex_put(&s->text, turn->command.data, turn->command.len);
        buf_put_u8(&s->text, '\n');
    }
    return card_answers_take(&s->answers, answer, why);
}

static bool known(void *context, const struct card_id *id, struct err *why)
{
    const struct script *s = context;
    return bound_check(&s->due, id, why);
}

/* ---- the command ---- */

static bool read_options(struct script *s, struct err *err)
{
    const struct options *o = s->options;
    if (o->record == 0) return err_set(err, ERR_CONFIG, "name the record: --record N");
    if (!o->challenge) return true;
    if (hex_read_exact(o->challenge, strlen(o->challenge), s->challenge, CHALLENGE_LEN, err)) return true;
    err->kind = ERR_CONFIG;
    err_prefix(err, "--challenge");
    return false;
}

static bool find_record(struct script *s, struct mic_record *record, struct err *err)
{
    struct card_group card;
    bool end = false;
    do {
        if (!incoming_next(s->file.file, record, &card, &end, err)) return false;
    } while (!end && card.number != s->options->record);
    return !end || err_set(err, ERR_INPUT, "no record %" PRIu64 " is in this file", s->options->record);
}

/* The words of a dry run. */
static bool describe(struct script *s, const struct card_order *order, struct err *err)
{
    struct card_turn turn;
    card_turn_init(&turn);
    bool ok = token_process_begin(s->token, order, &turn, err);
    if (ok && turn.err.kind != ERR_NONE) {
        *err = turn.err;
        ok = false;
    }
    if (ok) buf_put(&s->text, turn.command.data, turn.command.len);
    card_turn_release(&turn);
    return ok;
}

static bool play_turns(struct script *s, const struct card_order *order, struct err *err)
{
    const struct turns_port port = {s, transmit, known};
    struct turns_result result;

    turns_run(s->token, order, &port, &result);
    if (result.outcome == CARD_MADE) return true;
    *err = result.err;
    if (err->kind == ERR_NONE)
        err_set_text(err, ERR_INPUT, "the card would be %s", card_outcome_name(result.outcome));
    if (!result.token_lost && s->answers.guessed)
        return err_set(err, ERR_INPUT, "what follows needs the card's answer to command %" PRIu64 " (%s)",
                       s->sent, result.what);
    return false;
}

static bool play(struct script *s, const struct mic_record *record, struct err *err)
{
    const struct options *o = s->options;
    const struct card_order order = {.purpose = o->dry_run ? PURPOSE_DESCRIBE : PURPOSE_RECORD,
                                     .record = record->bytes,
                                     .len = record->len,
                                     .challenge = o->challenge ? s->challenge : NULL,
                                     .tries = 1,
                                     .extended = o->extended};
    const bool ok = bound_read(s->file.settings, record, &s->due, err) &&
                    (o->dry_run ? describe(s, &order, err) : play_turns(s, &order, err));
    if (ok) return true;
    err_prefix(err, "record %" PRIu64, o->record);
    return false;
}

static bool write_text(const struct script *s, struct err *err)
{
    struct outfile *f = NULL;
    if (!buf_ok(&s->text, "script", err)) return false;
    if (!s->options->output)
        return fwrite(s->text.data, 1, s->text.len, stdout) == s->text.len ||
               err_set(err, ERR_FILE, "standard output cannot be written");
    bool ok = outfile_create(&f, s->options->output, err) &&
              outfile_append(f, s->text.data, s->text.len, err) && outfile_commit(f, err);
    outfile_close(f, false);
    return ok;
}

static bool start_token(struct script *s, struct err *err)
{
    int pin_fd = -1;
    bool ok = pin_once_pipe(&s->file.pin, &pin_fd, err) &&
              token_process_start_with(&s->token, s->file.settings, pin_fd, err);
    card_file_forget_pin(&s->file);
    return ok;
}

static bool work(struct script *s, const char *path, struct err *err)
{
    const struct options *o = s->options;
    struct mic_record *record = calloc(1, sizeof(*record));
    bool ok = record != NULL || err_set_no_memory(err);

    ok = ok && read_options(s, err) && (!o->answers || card_answers_read(&s->answers, o->answers, err)) &&
         (!o->output || outfile_is_new(o->output, err)) && card_file_open(&s->file, o->settings, path, err) &&
         find_record(s, record, err) && start_token(s, err);
    const bool complete = ok && play(s, record, err);
    free(record);
    if (complete) return write_text(s, err);
    /* What can be sent before that answer is there is written all the same. */
    struct err second = ERR_INIT;
    if (ok && s->answers.guessed && !write_text(s, &second)) *err = second;
    return false;
}

static int run(const char *path, const struct options *o)
{
    struct err err = ERR_INIT;
    struct script s = {.options = o};

    card_answers_init(&s.answers);
    buf_init(&s.text, SCRIPT_MAX);
    bool ok = work(&s, path, &err);
    token_process_free(s.token);
    card_file_close(&s.file);
    card_answers_release(&s.answers);
    buf_release(&s.text);
    return ok ? 0 : args_fail(&script_command, &err);
}

static int command_script(int argc, char **argv)
{
    int status = 0;
    struct options o = {.record = 0};
    const char *path = NULL;
    const struct arg_option options[] = {
        {"settings", ARG_TEXT, "FILE", "the bureau's settings", {.text = &o.settings}},
        {"record", ARG_NUMBER, "N", "the record's number", {.number = &o.record}},
        {"challenge",
         ARG_TEXT,
         "HEX",
         "the host challenge, 8 bytes (default: random)",
         {.text = &o.challenge}},
        {"answers",
         ARG_TEXT,
         "FILE",
         "the card's answers, one a line in hex; 9000 when there are no more",
         {.text = &o.answers}},
        {"output",
         ARG_TEXT,
         "FILE",
         "where the commands go, one a line in hex (default: standard output)",
         {.text = &o.output}},
        {"extended", ARG_FLAG, NULL, "the card takes commands of extended length", {.flag = &o.extended}},
        {"dry-run",
         ARG_FLAG,
         NULL,
         "no card: clear groupings, and secrets by their names",
         {.flag = &o.dry_run}},
        {"help", ARG_FLAG, NULL, "this text", {.flag = &o.help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);

    if (!args_begin(&script_command, argc, argv, options, count, &path, &status)) return status;
    return run(path, &o);
}

const struct arg_command script_command = {
    "cardbureau", "script", "FILE", 1, "the commands for one card, without a reader", command_script};
