#include "ceremony/letter.h"

#include <stdio.h>

#include "ceremony/check_value.h"
#include "ceremony/page.h"

enum {
    GROUP = 2,                        /* bytes: four digits */
    LINE = 8 * GROUP,                 /* bytes of a line */
    LINE_TEXT = 4 + LINE / GROUP * 5, /* "1:  ", then groups, each with a space or the zero behind */
    TEXT_MAX = 512,
    NAME_MAX_LEN = 128,
};

/* Without branches or tables that depend on it. */
static uint8_t digit(unsigned nibble)
{
    unsigned is_letter = (9U - nibble) >> 31;
    return (uint8_t)('0' + nibble + is_letter * ('A' - '0' - 10));
}

/* "1:  0123 4567 …" of the bytes from `at`, as a C string in text, which has the room. */
static void line_text(const struct secret *component, size_t at, struct secret *text)
{
    text->len = 0;
    text->data[text->len++] = digit((unsigned)(at / LINE + 1));
    text->data[text->len++] = ':';
    text->data[text->len++] = ' ';
    for (size_t i = at; i < at + LINE && i < component->len; i++) {
        if (i % GROUP == 0) text->data[text->len++] = ' ';
        text->data[text->len++] = digit(component->data[i] >> 4);
        text->data[text->len++] = digit(component->data[i] & 15U);
    }
    text->data[text->len] = '\0';
}

static bool put_component(struct page *page, const struct secret *component, struct err *err)
{
    struct secret text = SECRET_NONE;
    if (!secret_init(&text, LINE_TEXT, err)) return false;
    for (size_t at = 0; at < component->len; at += LINE) {
        line_text(component, at, &text);
        page_secret_line(page, (const char *)text.data);
    }
    secret_release(&text);
    return true;
}

/* "KML, version 1" */
static void key_name(const struct letter *letter, char text[static NAME_MAX_LEN])
{
    if (letter->version)
        snprintf(text, NAME_MAX_LEN, "%s, version %u", letter->key, letter->version);
    else
        snprintf(text, NAME_MAX_LEN, "%s", letter->key);
}

static void put_head(struct page *page, const struct letter *letter, const char *check)
{
    char text[TEXT_MAX], name[NAME_MAX_LEN];
    size_t len = hsm_algorithm_len(letter->algorithm);
    if (letter->test)
        page_paragraph(page,
                       "This letter is of a TEST plan. It shows how a ceremony goes. A key made of it is no "
                       "secret: never use it for a real card.");
    key_name(letter, name);
    page_field(page, "Plan", letter->plan);
    page_field(page, "Key", name);
    snprintf(text, sizeof(text), "%zu of %zu", letter->component, letter->components);
    page_field(page, "Component", text);
    page_field(page, "Custodian", letter->custodian);
    snprintf(text, sizeof(text), "%s: %zu bits, %zu hex digits, %zu groups",
             hsm_algorithm_name(letter->algorithm), 8 * len, 2 * len, len / GROUP);
    page_field(page, "Algorithm", text);
    page_field(page, "Date", letter->date);
    page_field(page, "Check value", check);
}

static void put_advice(struct page *page, const struct letter *letter, const char *check)
{
    char text[TEXT_MAX], name[NAME_MAX_LEN];
    unsigned n = 0;
    key_name(letter, name);
    page_heading(page, "What to do with this letter");
    page_numbered(page, ++n,
                  "Read it alone. Never show it, copy it, photograph it or read it aloud; not to other "
                  "custodians, officers or auditors either.");
    page_numbered(
        page, ++n,
        "Put it into its envelope, seal the envelope, sign across the flap, and keep it where nobody "
        "else can reach it. If the seal is ever broken by somebody else, say so at once.");
    snprintf(text, sizeof(text),
             "At the ceremony open it when the program asks you for component %zu of %zu of %s. Type the "
             "groups, line by "
             "line. The screen does not show what you type. Spaces between groups may be left out.",
             letter->component, letter->components, name);
    page_numbered(page, ++n, text);
    snprintf(text, sizeof(text),
             "The program then shows a check value. Compare it with this one: %s. If they differ, type the "
             "component "
             "again. If they differ once more, stop and tell the officer who leads the ceremony.",
             check);
    page_numbered(page, ++n, text);
    page_numbered(page, ++n,
                  "You hold one component of this key. Never take another one of the same key, at a later "
                  "ceremony either.");
    page_numbered(
        page, ++n,
        "Destroy this letter when the plan says so, in a shredder and before a witness, and let the "
        "destruction be recorded. Until then it is as secret as on the first day.");
}

static bool compose(struct page *page, const struct letter *letter, const struct secret *component,
                    struct err *err)
{
    struct check_value check;
    char text[CHECK_VALUE_TEXT], received[TEXT_MAX];
    if (!check_value_of(letter->algorithm, component, &check, err)) return false;
    check_value_text(&check, text);
    put_head(page, letter, text);
    page_heading(page, "The component");
    if (!put_component(page, component, err)) return false;
    put_advice(page, letter, text);
    page_heading(page, "Hand-over");
    snprintf(received, sizeof(received),
             "Received by the custodian, %s, and by nobody else:", letter->custodian);
    page_signature(page, received);
    return true;
}

bool letter_write(const struct letter *letter, const struct secret *component, int fd, struct err *err)
{
    const struct page_settings settings = {
        .title = letter->test ? "TEST key component" : "Key component: secret",
        .kind = PAGE_SECRET,
        .test = letter->test,
    };
    struct page *page = NULL;
    bool ok = false;
    if (letter->component < 1 || letter->component > letter->components) {
        err_set(err, ERR_INTERNAL, "component %zu of %zu", letter->component, letter->components);
        goto out;
    }
    if (!page_new(&page, &settings, err)) goto out;
    if (!compose(page, letter, component, err)) goto out;
    ok = page_write(page, fd, "letter", err);
out:
    page_free(page);
    if (!ok) err_prefix(err, "letter for %s", letter->custodian);
    return ok;
}
