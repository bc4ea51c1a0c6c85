#include "formats/apdu.h"

#include <stdio.h>

void apdu_put(struct buf *b, const struct apdu *command)
{
    const bool extended = command->len > APDU_SHORT_DATA_MAX || command->le > APDU_SHORT_LE_MAX;
    buf_put_u8(b, command->cla);
    buf_put_u8(b, command->ins);
    buf_put_u8(b, command->p1);
    buf_put_u8(b, command->p2);
    if (!extended) {
        if (command->len > 0) {
            buf_put_be(b, command->len, 1);
            buf_put(b, command->data, command->len);
        }
        if (command->le > 0) buf_put_u8(b, (uint8_t)command->le); /* 256 is 00 */
        return;
    }
    buf_put_u8(b, 0);
    if (command->len > 0) {
        buf_put_be(b, command->len, 2); /* fails the buf when it is too long */
        buf_put(b, command->data, command->len);
    }
    if (command->le > 0) buf_put_be(b, command->le == APDU_LE_MAX ? 0 : command->le, 2);
}

static bool wrong_length(struct err *err, size_t len)
{
    return err_set(err, ERR_INPUT, "a command of %zu bytes whose lengths do not agree with its end", len);
}

static size_t le_of(uint64_t value, size_t largest)
{
    return value == 0 ? largest : (size_t)value;
}

/* What follows the header, in the extended form: 00 and two bytes of Lc or Le. */
static bool read_extended(struct cur *c, size_t len, struct apdu *out, struct err *err)
{
    uint64_t zero = 0, value = 0;
    if (!cur_take_be(c, 1, &zero, "command", err) || !cur_take_be(c, 2, &value, "command", err))
        return wrong_length(err, len);
    if (cur_left(c) == 0) {
        out->le = le_of(value, APDU_LE_MAX);
        return true;
    }
    if (value == 0 || !cur_take(c, (size_t)value, &out->data, "command", err)) return wrong_length(err, len);
    out->len = (size_t)value;
    if (cur_left(c) == 0) return true;
    if (cur_left(c) != 2 || !cur_take_be(c, 2, &value, "command", err)) return wrong_length(err, len);
    out->le = le_of(value, APDU_LE_MAX);
    return true;
}

static bool read_short(struct cur *c, size_t len, struct apdu *out, struct err *err)
{
    uint64_t value = 0;
    if (!cur_take_be(c, 1, &value, "command", err)) return wrong_length(err, len);
    if (cur_left(c) == 0) {
        out->le = le_of(value, APDU_SHORT_LE_MAX);
        return true;
    }
    if (value == 0 || !cur_take(c, (size_t)value, &out->data, "command", err)) return wrong_length(err, len);
    out->len = (size_t)value;
    if (cur_left(c) == 0) return true;
    if (cur_left(c) != 1 || !cur_take_be(c, 1, &value, "command", err)) return wrong_length(err, len);
    out->le = le_of(value, APDU_SHORT_LE_MAX);
    return true;
}

bool apdu_read(const uint8_t *bytes, size_t len, struct apdu *out, struct err *err)
{
    struct apdu a = {.data = NULL};
    struct cur c = cur_make(bytes, len, 0);
    const uint8_t *header = NULL;
    if (!cur_take(&c, APDU_HEADER, &header, "header of a command", err)) return false;
    a.cla = header[0];
    a.ins = header[1];
    a.p1 = header[2];
    a.p2 = header[3];
    if (cur_left(&c) > 0) {
        const bool extended = cur_left(&c) > 1 && bytes[APDU_HEADER] == 0;
        if (!(extended ? read_extended(&c, len, &a, err) : read_short(&c, len, &a, err))) return false;
    }
    *out = a;
    return true;
}

bool apdu_put_again(struct buf *b, const uint8_t *command, size_t len, uint8_t le, struct err *err)
{
    struct apdu a;
    if (!apdu_read(command, len, &a, err)) return false;
    a.le = le == 0 ? APDU_SHORT_LE_MAX : le;
    apdu_put(b, &a);
    return buf_ok(b, "command", err);
}

bool apdu_answer_read(const uint8_t *bytes, size_t len, struct apdu_answer *out, struct err *err)
{
    if (len < 2) return err_set(err, ERR_INPUT, "an answer of %zu bytes has no status word", len);
    if (len > APDU_ANSWER_MAX) return err_set(err, ERR_INPUT, "an answer of %zu bytes", len);
    *out = (struct apdu_answer){bytes, len - 2, (unsigned)bytes_be(&bytes[len - 2], 2)};
    return true;
}

bool apdu_sw_has_more(unsigned sw)
{
    return sw >> 8 == 0x61;
}

bool apdu_sw_wrong_le(unsigned sw)
{
    return sw >> 8 == 0x6C;
}

bool apdu_sw_is_warning(unsigned sw)
{
    return sw >> 8 == 0x62 || sw >> 8 == 0x63;
}

/* A row with a mask of FF00 speaks for all values of its SW1 that have no row of their own, which stand before it. */
struct sw_row {
    unsigned sw, mask;
    const char *words;
};
static const struct sw_row rows[] = {
    {0x9000, 0xFFFF, "done"},
    {0x6100, 0xFF00, "done, more bytes can be fetched"},
    {0x6281, 0xFFFF, "part of the data may be damaged"},
    {0x6283, 0xFFFF, "the card or the file is locked"},
    {0x6200, 0xFF00, "done, with a warning; nothing changed"},
    {0x6300, 0xFFFF, "authentication of the host failed"},
    {0x6310, 0xFFFF, "more data available"},
    {0x63C0, 0xFFF0, "verification failed, tries are left as the last digit says"},
    {0x6300, 0xFF00, "done, with a warning; something changed"},
    {0x6400, 0xFF00, "execution failed; nothing changed"},
    {0x6581, 0xFFFF, "the card's memory failed"},
    {0x6500, 0xFF00, "execution failed; something changed"},
    {0x6600, 0xFF00, "a matter of security"},
    {0x6700, 0xFF00, "wrong length"},
    {0x6881, 0xFFFF, "logical channels are not supported"},
    {0x6882, 0xFFFF, "secure messaging is not supported"},
    {0x6883, 0xFFFF, "the last command of the chain is expected"},
    {0x6884, 0xFFFF, "chaining of commands is not supported"},
    {0x6800, 0xFF00, "a function of the class byte is not supported"},
    {0x6982, 0xFFFF, "security status not satisfied: no channel, or a wrong MAC"},
    {0x6983, 0xFFFF, "authentication is blocked"},
    {0x6984, 0xFFFF, "the data referred to cannot be used"},
    {0x6985, 0xFFFF, "conditions of use not satisfied"},
    {0x6986, 0xFFFF, "not allowed here"},
    {0x6987, 0xFFFF, "expected objects of secure messaging are missing"},
    {0x6988, 0xFFFF, "wrong objects of secure messaging"},
    {0x6999, 0xFFFF, "the application cannot be selected"},
    {0x6900, 0xFF00, "the command is not allowed"},
    {0x6A80, 0xFFFF, "wrong data"},
    {0x6A81, 0xFFFF, "function not supported, or the card is locked"},
    {0x6A82, 0xFFFF, "file or application not found"},
    {0x6A83, 0xFFFF, "record not found"},
    {0x6A84, 0xFFFF, "not enough memory on the card"},
    {0x6A86, 0xFFFF, "wrong P1 or P2"},
    {0x6A87, 0xFFFF, "the length does not go with P1 and P2"},
    {0x6A88, 0xFFFF, "the data or key referred to was not found"},
    {0x6A00, 0xFF00, "wrong parameters"},
    {0x6B00, 0xFF00, "wrong P1 or P2"},
    {0x6C00, 0xFF00, "wrong Le; the right one is the second byte"},
    {0x6D00, 0xFF00, "unknown instruction"},
    {0x6E00, 0xFF00, "unknown class"},
    {0x6F00, 0xFF00, "the card gives no reason"},
    {0x9484, 0xFFFF, "unknown algorithm"},
    {0x9485, 0xFFFF, "wrong check value of a key"},
};

const char *apdu_sw_words(unsigned sw)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((sw & rows[i].mask) == rows[i].sw) return rows[i].words;
    }
    return "no status word of the standard";
}

void apdu_sw_text(unsigned sw, char text[APDU_SW_TEXT])
{
    snprintf(text, APDU_SW_TEXT, "%04X (%s)", sw & 0xFFFF, apdu_sw_words(sw));
}
