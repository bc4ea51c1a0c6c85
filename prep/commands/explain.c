/* cardprep explain JOB --record N: one card in words. No token, nothing written, no counter taken. */
#include "prep/commands/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "formats/pan.h"
#include "prep/commands/explain_card.h"
#include "prep/commands/session.h"

enum { TEXT_MAX = 16 * 1024 * 1024 };

struct explanation {
    struct session session;
    struct card_input input;
    struct card_plan plan;
    struct buf text;
};

static bool no_such_record(const struct job *job, uint64_t number, uint64_t last, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: has no record %llu; its last one is %llu", job->input.path,
                   (unsigned long long)number, (unsigned long long)last);
}

/* Reads up to record `number`; refused records before it do not matter. */
static bool find(struct explanation *x, uint64_t number, struct err *err)
{
    struct session *s = &x->session;
    uint64_t last = 0;
    for (uint64_t position = 1;; position++) {
        struct err why = ERR_INIT;
        bool end = false;
        bool ok = card_reader_next(s->reader, &x->input, &end, &why);
        if (ok && end) return no_such_record(s->job, number, last, err);
        ok = ok && card_identify(&x->input, s->reader, s->job, &s->identity, position, &why);
        last = ok ? x->input.number : position;
        if (ok && last == number) return true;
        if (!ok && (last == number || !card_reader_can_go_on(s->reader))) {
            *err = why;
            return false;
        }
        if (ok && last > number) return no_such_record(s->job, number, last, err);
    }
}

static bool explain(struct explanation *x, const char *path, uint64_t number, struct err *err)
{
    const struct session_options options = {.no_token = true, .no_survey = true};
    struct session *s = &x->session;
    buf_init(&x->text, TEXT_MAX);
    card_input_init(&x->input);
    if (!session_open(s, path, &options, err) || !card_reader_open(&s->reader, s->job, err) ||
        !planner_new(&s->planner, s->job, card_reader_fields(s->reader), err) || !find(x, number, err))
        return false;
    if (!planner_plan(s->planner, &x->input, &x->plan, err)) {
        pan_mask_text(err->text);
        err_prefix(err, "%s: record %llu", card_reader_place(s->reader), (unsigned long long)number);
        return false;
    }
    explain_card(s->job, s->reader, &x->plan, &x->text);
    if (!buf_ok(&x->text, "explanation", err)) return false;
    fwrite(x->text.data, 1, x->text.len, stdout);
    return fflush(stdout) == 0 || err_set(err, ERR_FILE, "standard output: cannot be written");
}

static int command_explain(int argc, char **argv)
{
    int status = 0;
    struct err err = ERR_INIT;
    const char *operands[1];
    uint64_t number = 1;
    bool help = false;
    const struct arg_option options[] = {
        {"record", ARG_NUMBER, "N", "number of the card record to explain (default: 1)", {.number = &number}},
        {"help", ARG_FLAG, NULL, "show this help", {.flag = &help}},
    };

    if (!args_begin(&explain_command, argc, argv, options, sizeof(options) / sizeof(options[0]), operands,
                    &status))
        return status;
    struct explanation *x = calloc(1, sizeof(*x));
    if (!x) {
        err_set_no_memory(&err);
        return args_fail(&explain_command, &err);
    }
    status = explain(x, operands[0], number, &err) ? 0 : args_fail(&explain_command, &err);
    session_close(&x->session);
    card_input_release(&x->input);
    buf_release(&x->text);
    free(x);
    return status;
}

const struct arg_command explain_command = {
    "cardprep", "explain", "JOB", 1, "tell in words how one record comes about", command_explain};
