/* ceremony/certificate_command.c - `cardkeys certificate request|import PLAN …`: what goes to a scheme to have an issuer key
 * certified, and what comes back. */
#include <string.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/hex.h"
#include "ceremony/certificate_import.h"
#include "ceremony/closing.h"
#include "ceremony/commands.h"
#include "ceremony/journal.h"
#include "ceremony/output.h"
#include "ceremony/plan_lint.h"

enum { WORDS_MAX = 4096, GROUPS_IN_LINE = 8 };

/* The plan's certificates, or the one of this key. */
static bool is_chosen(const struct plan_certificate *pc, const char *key)
{
    return !key || strcmp(pc->issuer_key, key) == 0;
}

static size_t count_chosen(const struct plan *p, const char *key)
{
    size_t count = 0;
    for (size_t i = 0; i < p->certificate_count; i++)
        count += is_chosen(&p->certificates[i], key);
    return count;
}

static bool check_chosen(const struct plan *p, const char *key, struct err *err)
{
    if (count_chosen(p, key) > 0) return true;
    return key ? err_set(err, ERR_CONFIG, "%s: no certificate in the plan is of key '%s'", p->path, key)
               : err_set(err, ERR_CONFIG, "%s: the plan has no certificates", p->path);
}

/* In groups of four digits, as they are read aloud. */
static void print_fingerprint(const uint8_t hash[static SHA256_LEN])
{
    for (size_t i = 0; i < SHA256_LEN; i += 2) {
        size_t group = i / 2;
        printf("%s%02X%02X%s", group % GROUPS_IN_LINE == 0 ? "  " : " ", hash[i], hash[i + 1],
               group % GROUPS_IN_LINE == GROUPS_IN_LINE - 1 ? "\n" : "");
    }
}

static bool request_one(struct ceremony *c, const struct plan_certificate *pc, struct err *err)
{
    struct certificate_request r;
    struct step_result result;
    uint8_t hash[SHA256_LEN];
    bool ok = certificate_request_make(c, pc, &r, err) && certificate_request_write(&r, &result, err) &&
              request_fingerprint(&r.request, hash, err);
    if (!ok) {
        err_prefix(err, "certificate of %s", pc->issuer_key);
        return false;
    }
    printf("%sRequest to certify %s, %s:\n  %s, and .csr beside it\n"
           "Its fingerprint, to be read to the scheme:\n",
           c->plan->test ? "TEST. " : "", pc->issuer_key, step_state_text(result.state), result.detail);
    print_fingerprint(hash);
    return true;
}

static bool request(const char *path, const char *key, const char *site, struct err *err)
{
    struct plan *plan = NULL;
    struct ceremony c = {0};
    bool ok = false;

    if (!plan_lint_load(&plan, path, err)) return false;
    if (!check_chosen(plan, key, err)) goto out;
    if (!ceremony_init(&c, plan, site, false, err)) goto out;
    for (size_t i = 0; i < plan->certificate_count; i++) {
        const struct plan_certificate *pc = &plan->certificates[i];
        if (is_chosen(pc, key) && !request_one(&c, pc, err)) goto out;
    }
    ok = true;
out:
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int request_command(int argc, char **argv);
static int import_answer_command(int argc, char **argv);
static const struct arg_command request_row = {
    .program = "cardkeys certificate",
    .name = "request",
    .operands = "PLAN",
    .operand_count = 1,
    .help = "write the requests that go to the scheme, show their fingerprints",
    .run = request_command,
};
static const struct arg_command import_row = {
    .program = "cardkeys certificate",
    .name = "import",
    .operands = "PLAN ANSWER",
    .operand_count = 2,
    .help = "compare the scheme's answer with the request, and store it",
    .run = import_answer_command,
};

static int request_command(int argc, char **argv)
{
    struct err err = ERR_INIT;
    const char *path = NULL, *key = NULL, *site = NULL;
    bool help = false;
    const struct arg_option options[] = {
        {"key",
         ARG_TEXT,
         "NAME",
         "the issuer pair; default: each that the plan has certified",
         {.text = &key}},
        {"site", ARG_TEXT, "NAME", "at this site of the plan", {.text = &site}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    int status = 0;
    if (!args_begin(&request_row, argc, argv, options, count, &path, &status)) return status;
    return request(path, key, site, &err) ? 0 : args_fail(&request_row, &err);
}

static bool today_is(struct date *out, struct err *err)
{
    enum { DATE_LEN = 10 };
    char now[CLOCK_TEXT_LEN + 1];
    return clock_text(clock_now(NULL), now, err) && date_read(now, DATE_LEN, out, err);
}

/* The one certificate that the answer is for. */
static bool find_entry(const struct plan *p, const char *key, const struct plan_certificate **out,
                       struct err *err)
{
    size_t i = 0;
    if (!check_chosen(p, key, err)) return false;
    if (count_chosen(p, key) > 1)
        return err_set(err, ERR_CONFIG, "%s: several certificates; say which one with --key NAME", p->path);
    while (!is_chosen(&p->certificates[i], key))
        i++;
    if (p->certificates[i].ca_key)
        return err_set(err, ERR_CONFIG, "%s: the plan's TEST CA '%s' issues it: cardkeys run", p->path,
                       p->certificates[i].ca_key);
    *out = &p->certificates[i];
    return true;
}

static bool agree(bool yes, struct err *err)
{
    char answer[16];
    if (yes) return true;
    fprintf(stderr, "Store this certificate? [yes/no] ");
    bool ok = fgets(answer, sizeof(answer), stdin) && strcmp(answer, "yes\n") == 0;
    return ok || err_set(err, ERR_INTERRUPTED, "nothing was stored");
}

static bool print_words(const struct certificate_import *i, struct err *err)
{
    struct buf words;
    buf_init(&words, WORDS_MAX);
    bool ok = certificate_import_words(i, &words, err);
    if (ok)
        ok = (fputs(buf_text(&words), stdout) >= 0 && fflush(stdout) == 0) ||
             err_set(err, ERR_FILE, "standard output cannot be written");
    buf_release(&words);
    return ok;
}

static bool write_down(struct ceremony *c, const struct plan_certificate *pc, struct err *err)
{
    return journal_note(c->journal, "certificate", "issuer_key", pc->issuer_key, err) &&
           closing_sign_if_open(c, err);
}

struct wanted {
    const char *plan, *key, *site; /* key NULL: the only one */
    struct certificate_source source;
    bool yes;
};

static bool import(const struct wanted *w, struct err *err)
{
    struct certificate_import i = {.file = {.certificate_len = 0}};
    const struct plan_certificate *pc = NULL;
    struct plan *plan = NULL;
    struct ceremony c = {0};
    struct step_result result;
    struct date today;
    bool ok = false;

    if (!w->yes && !isatty(STDIN_FILENO))
        return err_set(err, ERR_CONFIG, "nobody to ask whether to store it: call it with --yes");
    if (!today_is(&today, err)) return false;
    if (!plan_lint_load(&plan, w->plan, err)) return false;
    if (!find_entry(plan, w->key, &pc, err)) goto out;
    if (!ceremony_init(&c, plan, w->site, true, err)) goto out;
    if (!certificate_request_make(&c, pc, &i.request, err)) goto out;
    if (!certificate_import_read(&w->source, &today, &i, err)) goto out;
    if (!print_words(&i, err)) goto out;
    bool there = output_is_there(pc->certificate_path); /* the same one, or it is refused */
    if (!agree(w->yes || there, err)) goto out;
    if (!journal_open(&c.journal, plan, c.site, err)) goto out; /* what cannot be written down is not done */
    if (!certificate_import_store(&i, &result, err)) goto out;
    if (result.state == STEP_MADE && !write_down(&c, pc, err)) goto out;
    printf("%sCertificate %s: %s\n", plan->test ? "TEST. " : "", step_state_text(result.state),
           result.detail);
    ok = true;
out:
    ceremony_release(&c);
    plan_free(plan);
    return ok;
}

static int import_answer_command(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct wanted w = {.key = NULL};
    const char *operands[2] = {NULL, NULL};
    bool help = false;
    const struct arg_option options[] = {
        {"key", ARG_TEXT, "NAME", "the issuer pair, if the plan has several certified", {.text = &w.key}},
        {"remainder",
         ARG_TEXT,
         "FILE",
         "the key's remainder (92), if it is a file apart",
         {.text = &w.source.remainder}},
        {"exponent",
         ARG_TEXT,
         "HEX",
         "the key's exponent (9F32): must be the pair's",
         {.text = &w.source.exponent}},
        {"ca",
         ARG_TEXT,
         "FILE",
         "the scheme's CA key file; default: the plan's ca_file",
         {.text = &w.source.ca}},
        {"site", ARG_TEXT, "NAME", "at this site of the plan", {.text = &w.site}},
        {"yes", ARG_FLAG, NULL, "store it without a question", {.flag = &w.yes}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &help}},
    };
    const size_t count = sizeof(options) / sizeof(options[0]);
    int status = 0;
    if (!args_begin(&import_row, argc, argv, options, count, operands, &status)) return status;
    w.plan = operands[0];
    w.source.answer = operands[1];
    return import(&w, &err) ? 0 : args_fail(&import_row, &err);
}

static int command_certificate(int argc, char **argv)
{
    static const struct arg_command *const commands[] = {&request_row, &import_row};
    return args_dispatch(argc, argv, "cardkeys certificate",
                         "an issuer key's certificate: asked for, and brought in", commands,
                         sizeof(commands) / sizeof(commands[0]));
}

const struct arg_command certificate_command = {
    .program = "cardkeys",
    .name = "certificate",
    .operands = "request|import PLAN",
    .operand_count = 1,
    .help = "ask a scheme for an issuer key's certificate, bring its answer in",
    .run = command_certificate,
};
