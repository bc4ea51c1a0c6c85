#include "bench/bureau/rewrap.h"

#include "bench/raw.h"
#include "bureau/translate.h"
#include "formats/dgi.h"

enum { GROUPINGS_MAX = 8 * DGI_VALUE_MAX };

static bool translate_all(struct bureau_setup *s, const struct bureau_line *line, const struct open_record *o,
                          struct buf *out, uint64_t *secrets, struct err *err)
{
    for (size_t i = 0; i < o->application_count; i++) {
        for (size_t k = 0; k < o->applications[i].item_count; k++) {
            const struct open_item *item = &o->applications[i].items[k];
            if (!item->secrets) continue;
            buf_clear(out);
            if (!translate_item(s->ring, &line->channel, item, TRANSLATE_PAD_ALWAYS, out, err)) return false;
            *secrets += item->secret_count;
        }
    }
    return true;
}

static bool repeat(struct bureau_setup *s, const struct bureau_line *line, const struct script_order *order,
                   struct rewrap_result *result, struct err *err)
{
    struct buf out;
    bool ok = true;

    buf_init(&out, GROUPINGS_MAX);
    raw_wait_until(order->start_us);
    const double begin = clock_us(), cpu_begin = cpu_us();
    while (ok && (clock_us() - begin < order->seconds * 1e6 || result->records == 0)) {
        struct open_record *o = NULL;
        ok = bureau_setup_record(s, order->records, result->records % order->records->count, &o, err) &&
             translate_all(s, line, o, &out, &result->secrets, err);
        open_record_free(o);
        result->records += ok;
    }
    result->seconds = (clock_us() - begin) / 1e6;
    result->cpu_us = cpu_us() - cpu_begin;
    buf_release(&out);
    return ok;
}

bool rewrap_records(const void *context, void *result, struct err *err)
{
    const struct script_order *order = context;
    struct bureau_setup s;
    struct bureau_line line;

    if (!bureau_setup_open(&s, order->settings, order->protocol, err)) return false;
    bool ok = bureau_setup_call(&s, &line, err);
    if (ok) {
        ok = repeat(&s, &line, order, result, err);
        bureau_setup_hang_up(&s, &line);
    }
    bureau_setup_close(&s);
    return ok;
}
