#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attacker.h"
#include "hsm/ckr.h"

static void count_refused(struct tally *t, CK_RV rv)
{
    size_t i = 0;
    while (i < t->refused_count && t->refused[i].rv != rv)
        i++;
    if (i == sizeof(t->refused) / sizeof(t->refused[0])) return;
    if (i == t->refused_count) t->refused[t->refused_count++].rv = rv;
    t->refused[i].count++;
}

void tally_add(struct tally *t, CK_RV rv, const char *format, ...)
{
    va_list arguments;
    size_t len = strlen(t->through);
    t->tries++;
    if (rv != CKR_OK) {
        count_refused(t, rv);
        return;
    }
    if (len > 0 && len + 2 < sizeof(t->through)) {
        memcpy(t->through + len, ", ", 3);
        len += 2;
    }
    va_start(arguments, format);
    vsnprintf(t->through + len, sizeof(t->through) - len, format, arguments);
    va_end(arguments);
}

void tally_without_effect(struct tally *t)
{
    t->tries++;
    count_refused(t, CKR_OK);
}

void tally_print(const struct tally *t, const char *attack, const struct key *k)
{
    char text[24];
    if (t->tries == 0) return;
    printf("%s\t%s\t%s%s\t", attack, k->name, t->through[0] ? "through: " : "refused", t->through);
    for (size_t i = 0; i < t->refused_count; i++)
        printf("%s%s x %u", i ? ", " : "",
               t->refused[i].rv == CKR_OK ? "no effect" : hsm_ckr_name(t->refused[i].rv, text),
               t->refused[i].count);
    printf("\n");
}
