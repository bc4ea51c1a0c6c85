#include "bureau/commands/repeat_modules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/interrupt.h"
#include "bureau/modules.h"

static bool hand_over(struct repeat_modules *r, uint64_t record, const struct mic_group *group,
                      struct err *err)
{
    const struct bureau_module *m = module_of(r->settings, group->name);
    struct err why = ERR_INIT;

    if (!m || !journal_book_lacks(ledger_book(r->ledger), record, m->mic)) return true;
    const bool done = module_hand_over(m, record, group, MODULE_DEADLINE_MS, &why);
    ++*(done ? &r->done : &r->failed);
    if (!done) fprintf(stderr, "record %" PRIu64 ": made: %s\n", record, why.text);
    return ledger_module(r->ledger, record, m->mic, done, why.text, err);
}

static bool each(struct repeat_modules *r, struct interrupt *stop, struct mic_record *record, struct err *err)
{
    struct card_group card;
    bool end = false;

    while (!r->interrupted && incoming_next(r->file, record, &card, &end, err)) {
        if (end || card.number > r->last) return incoming_rewind(r->file, err);
        for (size_t i = 0; card.number >= r->first && i < record->group_count; i++) {
            r->interrupted = r->interrupted || interrupt_came(stop);
            if (!r->interrupted && !hand_over(r, card.number, &record->groups[i], err)) return false;
        }
    }
    return r->interrupted;
}

bool repeat_modules(struct repeat_modules *r, struct err *err)
{
    struct mic_record *record = NULL;
    struct interrupt stop;

    if (!journal_book_lacking(ledger_book(r->ledger))) return true;
    record = calloc(1, sizeof(*record));
    if (!record) return err_set_no_memory(err);
    bool ok = interrupt_watch(&stop, err);
    if (ok) {
        ok = each(r, &stop, record, err);
        interrupt_release(&stop);
    }
    free(record);
    return ok;
}
