/* softcard: makes a blank card, or puts a card into a virtual reader. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/args.h"
#include "base/hex.h"
#include "card/echo.h"
#include "card/slot.h"

struct options {
    bool make, echo, help, version, t0, once, quiet;
    const char *state, *serial, *scp, *i, *kvn, *keys, *host;
    struct arg_list apps, fail;
    const char *reader, *port;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static bool hex_byte(const char *what, const char *text, uint8_t *out, struct err *err)
{
    if (hex_read_exact(text, strlen(text), out, 1, err)) return true;
    err->kind = ERR_CONFIG;
    err_prefix(err, "--%s", what);
    return false;
}

/* 10 bytes are KEYDATA as it is; 4 are the chip's serial number in it. */
static bool read_serial(const char *text, struct card_settings *settings, struct err *err)
{
    enum { SERIAL_DIGITS = 8, SERIAL_AT = 4, SERIAL_LEN = 4 };
    bool whole = text && strlen(text) == 2 * (size_t)CARD_KEY_DATA_LEN;

    if (!text || (!whole && strlen(text) != SERIAL_DIGITS))
        return err_set(err, ERR_CONFIG, "--serial takes 8 hex digits (chip) or 20 (KEYDATA)");
    memset(settings->key_data, 0, CARD_KEY_DATA_LEN);
    bool ok = whole ? hex_read_exact(text, strlen(text), settings->key_data, CARD_KEY_DATA_LEN, err)
                    : hex_read_exact(text, SERIAL_DIGITS, settings->key_data + SERIAL_AT, SERIAL_LEN, err);
    if (ok) return true;
    err->kind = ERR_CONFIG;
    err_prefix(err, "--serial");
    return false;
}

/* ENC:MAC:DEK in hex. The text is wiped by the caller. */
static bool parse_keys(const char *text, size_t len, struct card_keyset *keys, struct err *err)
{
    size_t at = 0;

    for (size_t k = 0; k < KEY_COUNT; k++) {
        const char *colon = memchr(text + at, ':', len - at);
        size_t digits = (colon ? (size_t)(colon - text) : len) - at;
        if ((colon == NULL) != (k == KEY_COUNT - 1) || digits == 0 || digits > 2 * (size_t)CARD_KEY_MAX ||
            !hex_read_exact(text + at, digits, keys->key[k].value, digits / 2, err))
            return err_set(err, ERR_CONFIG, "keys are ENC:MAC:DEK in hex");
        keys->key[k].len = (uint8_t)(digits / 2);
        at += digits + 1;
    }
    return true;
}

static bool read_keys(const char *text, struct card_keyset *keys, struct err *err)
{
    enum { LINE_MAX_LEN = 256 };
    struct secret line = SECRET_NONE;

    if (!text) return true;
    if (strcmp(text, "-") != 0) return parse_keys(text, strlen(text), keys, err);
    bool ok = secret_init(&line, LINE_MAX_LEN, err) && secret_read_line(&line, STDIN_FILENO, "keys", err) &&
              parse_keys((const char *)line.data, line.len, keys, err);
    secret_release(&line);
    return ok;
}

/* KIND:AID */
static bool read_app(const char *text, struct card_app *app, struct err *err)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } kinds[] = {{"purse:", APP_PURSE}, {"emv:", APP_EMV}, {"loyalty:", APP_LOYALTY}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i].name), digits = strlen(text);
        if (strncmp(text, kinds[i].name, len) != 0) continue;
        digits -= len;
        *app = (struct card_app){.kind = kinds[i].kind, .aid_len = (uint8_t)(digits / 2)};
        if (digits <= 2 * (size_t)CARD_AID_MAX &&
            hex_read_exact(text + len, digits, app->aid, digits / 2, err))
            return true;
    }
    return err_set(err, ERR_CONFIG, "--app '%s' is not purse:AID, emv:AID or loyalty:AID", text);
}

static bool settings_of(const struct options *o, struct card_settings *settings, struct err *err)
{
    uint8_t scp = 3, i = 0x70, version = 1;

    if (o->scp && !hex_byte("scp", o->scp, &scp, err)) return false;
    if (scp == 2) i = 0x55;
    if (o->i && !hex_byte("i", o->i, &i, err)) return false;
    if (o->kvn && !hex_byte("kvn", o->kvn, &version, err)) return false;
    card_test_settings(settings, scp, i);
    settings->keys.version = version;
    settings->protocol = o->t0 ? CARD_T0 : CARD_T1;
    if (o->apps.count > CARD_APPS_MAX)
        return err_set(err, ERR_CONFIG, "at most %d applications", CARD_APPS_MAX);
    if (o->apps.count) memset(settings->apps, 0, sizeof(settings->apps));
    for (size_t n = 0; n < o->apps.count; n++) {
        if (!read_app(o->apps.items[n], &settings->apps[n], err)) return false;
    }
    return read_serial(o->serial, settings, err) && read_keys(o->keys, &settings->keys, err);
}

static bool make_card(const struct options *o, struct err *err)
{
    struct card_settings settings;
    struct card *card = NULL;
    bool ok = settings_of(o, &settings, err) && card_new(&card, &settings, err) &&
              state_file_create(o->state, card, err);

    wipe(&settings, sizeof(settings));
    card_free(card);
    return ok;
}

static bool read_troubles(const struct options *o, struct slot *s, struct err *err)
{
    for (size_t i = 0; i < o->fail.count && i < TROUBLES_MAX; i++) {
        if (!trouble_read(o->fail.items[i], &s->troubles[i], err)) return false;
        s->trouble_count = i + 1;
    }
    return true;
}

static bool number(const char *what, const char *text, unsigned max, unsigned *out, struct err *err)
{
    char *end = NULL;
    unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : max + 1UL;

    if (value > max || *end) return err_set(err, ERR_CONFIG, "--%s takes a number up to %u", what, max);
    *out = (unsigned)value;
    return true;
}

/* Until the card is pulled out or a signal comes; a reader that goes away may come again. */
static bool serve(const struct options *o, const char *name, const struct vpcd_card *contacts,
                  struct err *err)
{
    const char *host = o->host ? o->host : "127.0.0.1";
    unsigned port = VPCD_PORT, reader = 0;
    enum vpcd_end end = VPCD_CLOSED;

    if (o->reader && !number("reader", o->reader, 15, &reader, err)) return false;
    if (o->port && !number("port", o->port, 65535, &port, err)) return false;
    while (end == VPCD_CLOSED) {
        int fd = -1;
        if (!vpcd_connect(host, port + reader, &stop, &fd, err)) break;
        if (!o->quiet) fprintf(stderr, "softcard: %s is in the reader at port %u\n", name, port + reader);
        bool ok = vpcd_serve(fd, contacts, &stop, &end, err);
        close(fd);
        if (!ok) return false;
        if (o->once) break;
    }
    if (end == VPCD_PULLED && !o->quiet) fprintf(stderr, "softcard: pulled out\n");
    if (err->kind == ERR_INTERRUPTED) err_clear(err);
    return err->kind == ERR_NONE;
}

static bool insert_card(const struct options *o, struct err *err)
{
    struct slot s = {0};
    struct state_file file;

    if (!read_troubles(o, &s, err)) return false;
    if (!state_file_open(&file, o->state, &s.card, err)) return false;
    s.file = &file;
    slot_start(&s);
    const struct vpcd_card contacts = slot_contacts(&s);
    bool ok = serve(o, o->state, &contacts, err);
    card_free(s.card);
    state_file_close(&file);
    return ok;
}

static bool is_about_a_card(const struct options *o)
{
    return o->serial || o->scp || o->i || o->kvn || o->keys || o->t0 || o->apps.count;
}

static bool work(const struct options *o, struct err *err)
{
    struct sigaction action = {.sa_handler = on_signal};

    if (o->make) return make_card(o, err);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (!o->echo) return insert_card(o, err);
    const struct vpcd_card contacts = echo_contacts();
    return serve(o, "echo", &contacts, err);
}

static int run(const struct options *o)
{
    struct err err = ERR_INIT;
    bool ok = secret_start(&err);

    if (ok && o->echo && (o->make || o->state || o->fail.count || is_about_a_card(o)))
        ok = err_set(&err, ERR_CONFIG,
                     "--echo is no card: only reader, host, port, --once and --quiet go with it");
    if (ok && !o->echo && !o->state) ok = err_set(&err, ERR_CONFIG, "--state FILE is missing");
    if (ok && !o->make && is_about_a_card(o))
        ok = err_set(
            &err, ERR_CONFIG,
            "a card is as it was made: --serial, --scp, --i, --kvn, --keys, --app and --t0 go with --new");
    if (ok) ok = work(o, &err);
    return ok ? 0 : args_report("softcard", &err);
}

int main(int argc, char **argv)
{
    struct options o = {0};
    const struct arg_option table[] = {
        {"new", ARG_FLAG, NULL, "make a blank card in FILE, then end", {.flag = &o.make}},
        {"state", ARG_TEXT, "FILE", "where the card keeps its state", {.text = &o.state}},
        {"serial", ARG_TEXT, "HEX", "new card: serial number (4 bytes) or KEYDATA (10)", {.text = &o.serial}},
        {"scp", ARG_TEXT, "02|03", "new card: secure channel protocol, default 03", {.text = &o.scp}},
        {"i",
         ARG_TEXT,
         "HEX",
         "new card: its options; 02: 15 35 55 75, 03: 00 10 20 30 60 70",
         {.text = &o.i}},
        {"kvn", ARG_TEXT, "HEX", "new card: version of its keys, default 01", {.text = &o.kvn}},
        {"keys",
         ARG_TEXT,
         "E:M:D",
         "new card: TEST keys in hex, - reads them; default 40 41 … 4F",
         {.text = &o.keys}},
        {"app",
         ARG_LIST,
         "KIND:AID",
         "new card: purse, emv or loyalty under this AID; default five",
         {.list = &o.apps}},
        {"t0", ARG_FLAG, NULL, "new card: speaks T=0 instead of T=1", {.flag = &o.t0}},
        {"echo",
         ARG_FLAG,
         NULL,
         "no card: answers every command with 9000, for measuring",
         {.flag = &o.echo}},
        {"reader", ARG_TEXT, "N", "slot of the virtual reader, default 0", {.text = &o.reader}},
        {"host", ARG_TEXT, "NAME", "where vpcd listens, default 127.0.0.1", {.text = &o.host}},
        {"port", ARG_TEXT, "N", "port of slot 0, default 35963", {.text = &o.port}},
        {"fail",
         ARG_LIST,
         "WHAT",
         "wrong-cryptogram sw:XXXX@N mute@N pull@N pull-after@N powerloss@N",
         {.list = &o.fail}},
        {"once", ARG_FLAG, NULL, "end when the reader goes away", {.flag = &o.once}},
        {"quiet", ARG_FLAG, NULL, "say nothing but errors", {.flag = &o.quiet}},
        {"help", ARG_FLAG, NULL, "show this", {.flag = &o.help}},
        {"version", ARG_FLAG, NULL, "show the version", {.flag = &o.version}},
    };
    const size_t count = sizeof(table) / sizeof(table[0]);
    static const struct arg_command usage = {
        "softcard", "--state FILE", "", 0, "a smart card in software, in a virtual reader", NULL};
    struct err err = ERR_INIT;

    if (!args_parse(argc, argv, table, count, NULL, 0, &err)) return args_report("softcard", &err);
    if (o.help) {
        args_usage(stdout, &usage, table, count);
        return 0;
    }
    if (o.version) {
        printf("softcard %s\n", CARDPREP_VERSION);
        return 0;
    }
    return run(&o);
}
