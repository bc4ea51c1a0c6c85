#include "bureau/exchange.h"

enum {
    HEAD = 4,
    SHORT_MAX = 256, /* Le of a short command */
    SW = 2,
    MORE = 0x61,     /* SW1: so many bytes can be fetched */
    WRONG_LE = 0x6C, /* SW1: Le should have been this */
    GET_RESPONSE = 0xC0,
    ROUNDS_MAX = 300, /* of GET RESPONSE: more than the largest answer needs */
};

static size_t le_of(const uint8_t *field, size_t bytes)
{
    size_t le = (size_t)bytes_be(field, bytes);
    return le > 0 ? le : bytes == 1 ? SHORT_MAX : 65536;
}

/* Behind Lc: the data, then nothing or an Le of le_bytes. */
static bool read_data(struct cur *c, size_t le_bytes, struct command_form *out, struct err *err)
{
    const uint8_t *field;
    if (!cur_take(c, out->lc, &out->data, "command data", err)) return false;
    if (cur_left(c) == 0) return true;
    if (cur_left(c) != le_bytes) return err_set(err, ERR_INTERNAL, "bytes behind the data");
    if (!cur_take(c, le_bytes, &field, "Le", err)) return false;
    out->has_le = true;
    out->le = le_of(field, le_bytes);
    return true;
}

static bool read_body(struct cur *c, struct command_form *out, struct err *err)
{
    const uint8_t *field;
    uint64_t n;

    if (cur_left(c) == 0) return true;
    if (cur_left(c) == 1) {
        out->has_le = true;
        if (!cur_take(c, 1, &field, "Le", err)) return false;
        out->le = le_of(field, 1);
        return true;
    }
    if (!cur_take_be(c, 1, &n, "Lc", err)) return false;
    out->lc = (size_t)n;
    if (n > 0) return read_data(c, 1, out, err);
    out->extended = true;
    if (cur_left(c) == 2) {
        out->has_le = true;
        if (!cur_take(c, 2, &field, "Le", err)) return false;
        out->le = le_of(field, 2);
        return true;
    }
    if (!cur_take_be(c, 2, &n, "Lc", err)) return false;
    if (n == 0) return err_set(err, ERR_INTERNAL, "an Lc of zero");
    out->lc = (size_t)n;
    return read_data(c, 2, out, err);
}

bool command_form_read(const uint8_t *command, size_t len, struct command_form *out, struct err *err)
{
    struct cur c = cur_make(command, len, 0);
    struct command_form form = {.has_le = false};
    const uint8_t *head;

    if (!cur_take(&c, HEAD, &head, "command head", err) || !read_body(&c, &form, err)) {
        err->kind = ERR_INTERNAL;
        err_prefix(err, "a command of %zu bytes", len);
        return false;
    }
    for (size_t i = 0; i < HEAD; i++)
        form.head[i] = head[i];
    *out = form;
    return true;
}

static bool send(const struct exchange *x, const struct buf *line, struct buf *answer)
{
    size_t before = answer->len;
    if (!line->failed && x->raw(x->context, line->data, line->len, answer) && !answer->failed &&
        answer->len >= before + SW)
        return true;
    buf_clear(answer);
    return false;
}

static void put_head(struct buf *line, const uint8_t head[HEAD], size_t p3)
{
    buf_clear(line);
    buf_put(line, head, HEAD);
    buf_put_u8(line, (uint8_t)(p3 & 0xFF)); /* 256 is written as 0 */
}

/* SW1 SW2 at the end of what came, taken off when it asks for one more round. */
static bool take_status(struct buf *answer, uint8_t sw1, uint8_t *sw2)
{
    if (answer->data[answer->len - SW] != sw1) return false;
    *sw2 = answer->data[answer->len - 1];
    buf_truncate(answer, answer->len - SW);
    return true;
}

/* A command without data: sent once more with the Le that the card asks for. */
static bool send_for_data(const struct exchange *x, struct buf *line, const uint8_t head[HEAD], size_t le,
                          struct buf *answer)
{
    uint8_t corrected;

    put_head(line, head, le);
    if (!send(x, line, answer)) return false;
    if (!take_status(answer, WRONG_LE, &corrected)) return true;
    put_head(line, head, corrected);
    return send(x, line, answer);
}

/* GET RESPONSE goes to the same logical channel, and knows no secure messaging. */
static uint8_t plain_class(uint8_t cla)
{
    return cla & 0x40 ? (uint8_t)(0x40 | (cla & 0x0F)) : cla & 0x03;
}

static bool fetch_rest(const struct exchange *x, uint8_t cla, struct buf *line, struct buf *answer)
{
    const uint8_t head[HEAD] = {plain_class(cla), GET_RESPONSE, 0, 0};
    uint8_t more;

    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        if (!take_status(answer, MORE, &more)) return true;
        if (!send_for_data(x, line, head, more, answer)) return false;
    }
    buf_clear(answer);
    return false;
}

/* The bytes for the line; what the card's transport cannot carry is refused. */
static bool put_line(const struct exchange *x, const struct command_form *form, const uint8_t *command,
                     size_t len, struct buf *line, struct err *err)
{
    if (form->extended && (x->t0 || !x->extended))
        return err_set(err, ERR_INTERNAL, "an extended command of %zu bytes for a card that takes short ones",
                       len);
    if (!x->t0) {
        buf_put(line, command, len);
    } else {
        put_head(line, form->head, form->lc > 0 ? form->lc : form->has_le ? form->le : 0);
        if (form->lc > 0) buf_put(line, form->data, form->lc);
    }
    return buf_ok(line, "command", err);
}

bool exchange_command(const struct exchange *x, const uint8_t *command, size_t len, struct buf *answer,
                      struct err *err)
{
    struct command_form form;
    struct buf line;

    buf_init(&line, len + 2);
    buf_clear(answer);
    bool ok = command_form_read(command, len, &form, err) && put_line(x, &form, command, len, &line, err);
    if (ok) {
        bool short_le = form.has_le && form.lc == 0 && !form.extended;
        bool came = short_le ? send_for_data(x, &line, form.head, form.le, answer) : send(x, &line, answer);
        if (came) err_ignore(fetch_rest(x, form.head[0], &line, answer), "without an answer it is empty");
    }
    buf_release(&line);
    return ok;
}
