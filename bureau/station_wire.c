#include "bureau/station_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static bool is_gone(int fd, const uint8_t *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(fd, data + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        done += (size_t)n;
    }
    return false;
}

bool station_send(int fd, enum station_message type, const struct buf *payload, struct err *err)
{
    struct buf message;

    buf_init(&message, STATION_MESSAGE_MAX);
    buf_put_u8(&message, (uint8_t)type);
    buf_put_be(&message, payload ? payload->len : 0, 4);
    if (payload) buf_put(&message, payload->data, payload->len);
    bool ok = (!payload || buf_ok(payload, "message", err)) && buf_ok(&message, "message", err);
    if (ok && is_gone(fd, message.data, message.len))
        ok = err_set(err, ERR_INTERNAL, "the process at the other end has ended");
    buf_release(&message);
    return ok;
}

bool station_send_err(int fd, enum station_message type, const struct err *said, struct err *err)
{
    struct buf payload;
    buf_init(&payload, STATION_PAYLOAD_MAX);
    station_put_err(&payload, said);
    bool ok = station_send(fd, type, &payload, err);
    buf_release(&payload);
    return ok;
}

/* False: the other end is gone. */
static bool take(int fd, uint8_t *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = recv(fd, data + done, len - done, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

bool station_receive(int fd, enum station_message *type, struct buf *payload, bool *closed, struct err *err)
{
    uint8_t head[STATION_HEAD];

    buf_clear(payload);
    *closed = !take(fd, head, sizeof(head));
    if (*closed) return true;
    size_t len = (size_t)bytes_be(head + 1, 4);
    if (head[0] < STATION_READY || head[0] > STATION_RELEASE || len > STATION_PAYLOAD_MAX)
        return err_set(err, ERR_INTERNAL, "message %u of %zu bytes", head[0], len);
    *type = (enum station_message)head[0];
    size_t at = buf_reserve(payload, len);
    if (!buf_ok(payload, "message", err)) return false;
    *closed = len > 0 && !take(fd, payload->data + at, len);
    return true;
}

/* ---- parts ---- */

static bool misread(struct err *err)
{
    err->kind = ERR_INTERNAL;
    err_prefix(err, "message");
    return false;
}

void station_put_text(struct buf *b, const char *text)
{
    size_t len = strlen(text);
    buf_put_be(b, len, 2);
    buf_put(b, text, len);
}

bool station_get_text(struct cur *c, char *text, size_t size, struct err *err)
{
    uint64_t len;
    const uint8_t *bytes;
    if (!cur_take_be(c, 2, &len, "text", err) || !cur_take(c, (size_t)len, &bytes, "text", err))
        return misread(err);
    if (len >= size || memchr(bytes, 0, (size_t)len))
        return err_set(err, ERR_INTERNAL, "message: text of %zu bytes", (size_t)len);
    memcpy(text, bytes, (size_t)len);
    text[len] = 0;
    return true;
}

void station_put_err(struct buf *b, const struct err *said)
{
    buf_put_u8(b, (uint8_t)said->kind);
    station_put_text(b, said->text);
}

bool station_get_err(struct cur *c, struct err *said, struct err *err)
{
    uint8_t kind;
    if (!cur_take_u8(c, &kind, "kind", err)) return misread(err);
    if (kind > ERR_INTERNAL) return err_set(err, ERR_INTERNAL, "message: kind of error %u", kind);
    if (!station_get_text(c, said->text, sizeof(said->text), err)) return false;
    said->kind = (enum err_kind)kind;
    return true;
}

void station_put_card(struct buf *b, const struct card_id *id)
{
    buf_put_u8(b, id->len);
    buf_put(b, id->bytes, id->len);
}

bool station_get_card(struct cur *c, struct card_id *id, struct err *err)
{
    uint8_t len;
    const uint8_t *bytes;
    if (!cur_take_u8(c, &len, "card", err) || !cur_take(c, len, &bytes, "card", err)) return misread(err);
    if (len > CARD_ID_MAX) return err_set(err, ERR_INTERNAL, "message: card of %u bytes", len);
    if (len > 0) memcpy(id->bytes, bytes, len);
    id->len = len;
    return true;
}

void station_put_result(struct buf *b, const struct turns_result *r)
{
    buf_put_u8(b, (uint8_t)r->outcome);
    buf_put_u8(b, r->token_lost);
    buf_put_be(b, r->commands, 8);
    buf_put_be(b, r->ms, 8);
    station_put_text(b, r->serial);
    station_put_text(b, r->what);
    station_put_err(b, &r->err);
    buf_put(b, r->checks, sizeof(r->checks));
}

bool station_get_result(struct cur *c, struct turns_result *r, struct err *err)
{
    const uint8_t *checks;
    uint8_t outcome, lost;
    if (!cur_take_u8(c, &outcome, "outcome", err) || !cur_take_u8(c, &lost, "outcome", err) ||
        !cur_take_be(c, 8, &r->commands, "commands", err) || !cur_take_be(c, 8, &r->ms, "time", err))
        return misread(err);
    if (outcome > CARD_SPOILED) return err_set(err, ERR_INTERNAL, "message: outcome %u", outcome);
    r->outcome = (enum card_outcome)outcome;
    r->token_lost = lost != 0;
    if (!station_get_text(c, r->serial, sizeof(r->serial), err) ||
        !station_get_text(c, r->what, sizeof(r->what), err) || !station_get_err(c, &r->err, err))
        return false;
    if (!cur_take(c, sizeof(r->checks), &checks, "check values", err)) return misread(err);
    memcpy(r->checks, checks, sizeof(r->checks));
    return true;
}
