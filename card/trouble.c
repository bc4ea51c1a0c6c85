#include "card/trouble.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

static const struct {
    const char *name;
    enum trouble_kind kind;
} forms[] = {{"wrong-cryptogram", TROUBLE_CRYPTOGRAM},
             {"sw:", TROUBLE_SW},
             {"mute@", TROUBLE_MUTE},
             {"pull@", TROUBLE_PULL},
             {"pull-after@", TROUBLE_PULL_AFTER},
             {"powerloss@", TROUBLE_POWER}};

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    if (*text < '0' || *text > '9') return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *out > 0;
}

static bool read_sw(const char *text, struct trouble *out)
{
    enum { DIGITS = 4 };
    struct err ignored = ERR_INIT;
    uint8_t sw[2];

    if (strlen(text) <= DIGITS || text[DIGITS] != '@' ||
        !hex_read_exact(text, DIGITS, sw, sizeof(sw), &ignored))
        return false;
    out->sw = (uint16_t)(sw[0] << 8 | sw[1]);
    return read_number(text + DIGITS + 1, &out->at);
}

bool trouble_read(const char *text, struct trouble *out, struct err *err)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t len = strlen(forms[i].name);
        if (strncmp(text, forms[i].name, len) != 0) continue;
        *out = (struct trouble){.kind = forms[i].kind};
        const char *rest = text + len;
        bool ok = out->kind == TROUBLE_SW           ? read_sw(rest, out)
                  : out->kind == TROUBLE_CRYPTOGRAM ? *rest == '\0'
                                                    : read_number(rest, &out->at);
        if (ok) return true;
    }
    return err_set(
        err, ERR_CONFIG,
        "failure '%s' is none of wrong-cryptogram, sw:XXXX@N, mute@N, pull@N, pull-after@N, powerloss@N",
        text);
}
