#include "formats/csv_row.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

struct csv_rows {
    struct csv_parser parser;
    char separator;
    bool parser_started;
    struct buf text; /* of all cells of the row */
    size_t begins[TABLE_COLUMNS_MAX], lens[TABLE_COLUMNS_MAX];
    struct cell cells[TABLE_COLUMNS_MAX];
    size_t count;
    bool row_done;
};

static int never_space(unsigned char c)
{
    (void)c;
    return 0;
}

static void on_cell(void *data, size_t len, void *context)
{
    struct csv_rows *c = context;
    if (c->count < TABLE_COLUMNS_MAX) {
        c->begins[c->count] = c->text.len;
        c->lens[c->count] = len;
        if (len > 0) buf_put(&c->text, data, len);
    }
    c->count++;
}

static void on_row(int end, void *context)
{
    struct csv_rows *c = context;
    (void)end;
    c->row_done = true;
}

bool csv_rows_new(struct csv_rows **out, char separator, struct err *err)
{
    struct csv_rows *c = calloc(1, sizeof(*c));
    if (!c) return err_set_no_memory(err);
    buf_init(&c->text, TABLE_ROW_MAX);
    c->separator = separator;
    *out = c;
    return true;
}

void csv_rows_free(struct csv_rows *c)
{
    if (!c) return;
    if (c->parser_started) csv_free(&c->parser);
    buf_release(&c->text);
    free(c);
}

/* A fresh parser after every row that failed: libcsv has no way back to a row's start. */
static bool start(struct csv_rows *c, struct err *err)
{
    buf_clear(&c->text);
    c->count = 0;
    c->row_done = false;
    if (c->parser_started) return true;
    if (csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return err_set(err, ERR_INTERNAL, "libcsv cannot start");
    csv_set_delim(&c->parser, (unsigned char)c->separator);
    csv_set_space_func(&c->parser, never_space);
    csv_set_blk_size(&c->parser, PIECE);
    c->parser_started = true;
    return true;
}

static bool parser_failed(struct csv_rows *c, struct err *err)
{
    if (csv_error(&c->parser) != CSV_EPARSE) return err_set_no_memory(err);
    return err_set(err, ERR_INPUT, "a quote inside an unquoted cell, or text behind a quoted one");
}

static bool feed(struct csv_rows *c, const uint8_t *data, size_t len, struct err *err)
{
    if (csv_parse(&c->parser, data, len, on_cell, on_row, c) != len) return parser_failed(c, err);
    return true;
}

/* A piece of the file: bytes of the row, then its line end if the piece reaches so far. */
struct piece {
    const uint8_t *data;
    size_t body, line_end;
};

/* Takes the next piece, at most up to and with a line end. Both lengths are 0 at the end of the file. */
static bool take_piece(struct reader *reader, struct piece *out, struct err *err)
{
    const uint8_t *data = NULL;
    size_t got = 0;

    *out = (struct piece){NULL, 0, 0};
    if (!reader_peek(reader, PIECE, &data, &got, err)) return false;
    if (got == 0) return true;
    const uint8_t *newline = memchr(data, '\n', got);
    size_t len = newline ? (size_t)(newline - data) + 1 : got;
    /* A CR at the very end waits for the byte behind it, unless there is none. */
    if (!newline && got == PIECE && data[got - 1] == '\r') len--;
    if (!reader_take(reader, len, PIECE, "row", &out->data, err)) return false;
    bool at_end = reader_offset(reader) == reader_size(reader);
    out->line_end = newline ? 1 : 0;
    if ((newline || at_end) && len > out->line_end && out->data[len - out->line_end - 1] == '\r')
        out->line_end++;
    out->body = len - out->line_end;
    return true;
}

static bool feed_piece(struct csv_rows *c, const struct piece *piece, struct err *err)
{
    if (memchr(piece->data, 0, piece->body))
        return err_set(err, ERR_INPUT, "a NUL byte: this is no text file, or not UTF-8");
    if (!feed(c, piece->data, piece->body, err)) return false;
    if (c->row_done) return err_set(err, ERR_INPUT, "a carriage return that ends no line");
    return feed(c, piece->data + piece->body, piece->line_end, err);
}

static bool finish(struct csv_rows *c, struct err *err)
{
    if (csv_fini(&c->parser, on_cell, on_row, c) == 0) return true;
    return err_set(err, ERR_INPUT, "a quote is not closed before the file ends");
}

static bool read_row(struct csv_rows *c, struct reader *reader, uint64_t *lines, struct err *err)
{
    size_t total = 0;
    struct piece piece;

    while (!c->row_done) {
        if (!take_piece(reader, &piece, err)) return false;
        if (!piece.data) {
            if (finish(c, err)) return true;
            *lines = 0; /* the quote is to be looked for where the row begins */
            return false;
        }
        total += piece.body + piece.line_end;
        if (total > TABLE_ROW_MAX)
            return err_set(err, ERR_INPUT, "row is longer than %d bytes; is a quote left open?",
                           TABLE_ROW_MAX);
        if (!feed_piece(c, &piece, err)) return false;
        if (piece.line_end) ++*lines;
    }
    return true;
}

bool csv_rows_next(struct csv_rows *c, struct reader *reader, const struct cell **cells, size_t *count,
                   uint64_t *lines, struct err *err)
{
    *lines = 0;
    if (!start(c, err)) return false;
    if (!read_row(c, reader, lines, err) || !buf_ok(&c->text, "row", err)) {
        csv_free(&c->parser);
        c->parser_started = false;
        return false;
    }
    const char *text = c->text.data ? (const char *)c->text.data : "";
    for (size_t i = 0; i < c->count && i < TABLE_COLUMNS_MAX; i++)
        c->cells[i] = (struct cell){text + c->begins[i], c->lens[i]};
    *cells = c->cells;
    *count = c->count;
    return true;
}
