#include "ceremony/component_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ceremony/check_value.h"
#include "ceremony/journal.h"
#include "ceremony/letter_step.h"

enum {
    ENTRY_MAX = 160,  /* characters of one entry, with spaces between groups */
    LINE_DIGITS = 16, /* typed at a time: four groups of four */
    TRIES = 3
};

/* 0–15, or over 255 for another character; without branches or tables that depend on it. */
static unsigned nibble(unsigned char c)
{
    unsigned digit = c - '0', letter = (c | 0x20U) - 'a';
    unsigned is_digit = 0U - (unsigned)(digit < 10), is_letter = 0U - (unsigned)(letter < 6);
    return (digit & is_digit) | ((letter + 10) & is_letter) | (0x100U & ~(is_digit | is_letter));
}

/* Hex digits of an entry, spaces and hyphens between them skipped, behind what part holds already. They must be all that
 * is missing, or a line's worth of it. */
static bool read_hex(const struct secret *text, bool whole, struct secret *part, struct err *err)
{
    size_t digits = 0, due = 2 * (part->room - part->len);
    unsigned bad = 0, high = 0;
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = text->data[i];
        if (c == ' ' || c == '-') continue;
        unsigned n = nibble(c);
        bad |= n >> 8;
        if (digits % 2 == 1 && digits < due)
            part->data[part->len + digits / 2] = (uint8_t)(high << 4 | (n & 15));
        high = n & 15;
        digits++;
    }
    if (bad) return err_set(err, ERR_INPUT, "has a character that is no hex digit");
    if (digits != due && whole)
        return err_set(err, ERR_INPUT, "has %zu hex digits; a component is as long as its key: %zu", digits,
                       due);
    if (digits != due && digits != LINE_DIGITS)
        return err_set(err, ERR_INPUT, "has %zu hex digits, not %d", digits, LINE_DIGITS);
    part->len += digits / 2;
    return true;
}

static bool read_file(const char *path, struct secret *text, struct err *err)
{
    struct stat st;
    bool ok = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0) return err_set_errno(err, ERR_FILE, errno, "%s", path);
    if (fstat(fd, &st) != 0)
        err_set_errno(err, ERR_FILE, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        err_set(err, ERR_CONFIG, "%s is no regular file", path);
    else if (st.st_mode & 077)
        err_set(err, ERR_CONFIG, "%s may be read by others than its owner: chmod 600 it", path);
    else
        ok = secret_read_line(text, fd, path, err);
    close(fd);
    return ok;
}

static const char *custodian_of(const struct plan_component *comp)
{
    return comp->custodian ? comp->custodian : "custodian";
}

static bool all_odd(const uint8_t *bytes, size_t len)
{
    unsigned even = 0;
    for (size_t i = 0; i < len; i++)
        even |= (unsigned)!__builtin_parity(bytes[i]);
    return !even;
}

/* One line of the component; what is wrong with it is said at once, and it is typed again. */
static bool type_line(const struct ceremony *c, enum hsm_algorithm algorithm, struct secret *part,
                      struct secret *text, struct err *err)
{
    char question[DIALOGUE_LINE_MAX];
    size_t before = part->len;
    for (int i = 0; i < TRIES; i++) {
        size_t left = 2 * (part->room - before), now = left < LINE_DIGITS ? left : LINE_DIGITS;
        struct err why = ERR_INIT;
        snprintf(question, sizeof(question), "  digits %zu to %zu of %zu, hidden:", 2 * before + 1,
                 2 * before + now, 2 * part->room);
        bool ok = dialogue_hidden(&c->dialogue, question, text, &why) && read_hex(text, false, part, &why);
        if (ok && (algorithm == HSM_DES2 || algorithm == HSM_DES3))
            dialogue_say(&c->dialogue, "  taken, %s",
                         all_odd(part->data + before, part->len - before)
                             ? "odd parity"
                             : "mixed parity (which is right, unless your form says odd)");
        else if (ok)
            dialogue_say(&c->dialogue, "  taken");
        if (ok) return true;
        if (why.kind != ERR_INPUT || i + 1 == TRIES) {
            *err = why;
            return false;
        }
        dialogue_say(&c->dialogue, "  The line %s. This line once more.", why.text);
    }
    return false;
}

/* Once for all tries: whoever mistyped the component goes on with its digits, hidden. */
static bool call_custodian(const struct ceremony *c, const struct plan_key *key, size_t index,
                           struct err *err)
{
    const char *custodian = custodian_of(&key->components[index]);
    char question[DIALOGUE_LINE_MAX];
    dialogue_say(&c->dialogue, "\nComponent %zu of %zu.", index + 1, key->component_count);
    dialogue_say(&c->dialogue,
                 "%s, to the keyboard please; everybody else turns away. Your name is shown as you type it; "
                 "the digits of your component are not.",
                 custodian);
    snprintf(question, sizeof(question), "%s, type your name:", custodian);
    return dialogue_types(&c->dialogue, question, custodian, err);
}

static bool type_component(const struct ceremony *c, enum hsm_algorithm algorithm, struct secret *part,
                           struct err *err)
{
    struct secret text = SECRET_NONE;
    bool ok = true;
    if (!secret_init(&text, ENTRY_MAX, err)) return false;
    part->len = 0;
    while (ok && part->len < part->room)
        ok = type_line(c, algorithm, part, &text, err);
    secret_release(&text);
    return ok;
}

/* From a file or, in a TEST plan, from the plan. */
static bool read_component(const struct ceremony *c, const struct plan_component *comp, struct secret *part,
                           struct err *err)
{
    struct secret text = SECRET_NONE;
    bool ok = false;
    if (!secret_init(&text, ENTRY_MAX, err)) return false;
    if (comp->source == COMPONENT_FILE) {
        ok = read_file(comp->text, &text, err);
    } else if (!c->plan->test) {
        err_set(
            err, ERR_CONFIG,
            "a component in the plan itself is for TEST plans alone: take it from a prompt or a file, or say "
            "test: yes");
    } else if (strlen(comp->text) > text.room) {
        err_set(err, ERR_CONFIG, "too long");
    } else {
        memcpy(text.data, comp->text, strlen(comp->text));
        text.len = strlen(comp->text);
        ok = true;
    }
    part->len = 0;
    ok = ok && read_hex(&text, true, part, err);
    secret_release(&text);
    return ok;
}

/* The check value is the plan's, if it has one, and that of the custodian's form. */
static bool confirm(const struct ceremony *c, const struct plan_component *comp,
                    const struct check_value *check, struct err *err)
{
    char shown[CHECK_VALUE_TEXT], question[DIALOGUE_LINE_MAX];
    bool yes = true;
    if (!check_value_compare(check, comp->kcv, comp->kcv_len, err)) return false;
    if (!c->dialogue.asks || comp->source == COMPONENT_TEST) return true;
    check_value_text(check, shown);
    if (comp->source == COMPONENT_LETTER) {
        dialogue_say(&c->dialogue, "Check value of the component that was printed: %s.", shown);
        return true;
    }
    snprintf(question, sizeof(question), "Check value of this component: %s. Is that the one on your form?",
             shown);
    if (!dialogue_agrees(&c->dialogue, question, &yes, err)) return false;
    return yes || err_set(err, ERR_INPUT, "its check value is not that of the custodian's form");
}

static bool take_once(struct ceremony *c, const struct plan_key *key, size_t index,
                      enum hsm_algorithm algorithm, struct secret *part, struct err *err)
{
    static const char *const origins[] = {[COMPONENT_PROMPT] = "typed",
                                          [COMPONENT_FILE] = "file",
                                          [COMPONENT_TEST] = "test",
                                          [COMPONENT_LETTER] = "letter"};
    const struct plan_component *comp = &key->components[index];
    struct check_value check;
    bool ok = false;
    switch (comp->source) {
    case COMPONENT_PROMPT:
        ok = type_component(c, algorithm, part, err);
        break;
    case COMPONENT_LETTER:
        ok = letter_step_draw(c, key, index, algorithm, part, err);
        break;
    case COMPONENT_FILE:
    case COMPONENT_TEST:
        ok = read_component(c, comp, part, err);
        break;
    }
    return ok && check_value_of(algorithm, part, &check, err) && confirm(c, comp, &check, err) &&
           (comp->source == COMPONENT_TEST ||
            journal_component(c, key, index, &check, origins[comp->source], err));
}

bool component_take(struct ceremony *c, const struct plan_key *key, size_t index,
                    enum hsm_algorithm algorithm, struct secret *part, struct err *err)
{
    const struct plan_component *comp = &key->components[index];
    int tries = comp->source == COMPONENT_PROMPT ? TRIES : 1;
    bool ok = comp->source == COMPONENT_TEST || journal_custodian_may(c, key, index, err);
    ok = ok && (comp->source != COMPONENT_PROMPT || call_custodian(c, key, index, err));
    bool may = ok;
    for (int i = 0; may && i < tries; i++) {
        ok = take_once(c, key, index, algorithm, part, err);
        if (ok || (err->kind != ERR_INPUT && err->kind != ERR_TOKEN)) break;
        if (i + 1 < tries)
            dialogue_say(&c->dialogue, "Not taken: %s. This component once more, from its first digit.",
                         err->text);
    }
    if (ok) return true;
    wipe(part->data, part->room);
    part->len = 0;
    err_prefix(err, "component %zu of %zu (%s)", index + 1, key->component_count,
               comp->custodian ? comp->custodian : "no custodian named");
    return false;
}
