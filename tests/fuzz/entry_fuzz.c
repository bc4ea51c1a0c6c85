/* A chip group: its entries and what DATA holds. Secrets and groupings that are read are written again so that they
 * read the same. */
#include "formats/entry.h"

#include <string.h>

#include "fuzz.h"

static void write_again(const struct entry_item *item)
{
    struct err err = ERR_INIT;
    struct wrapped_secret secret;
    struct tlv tlv;
    struct buf b;
    buf_init(&b, TLV_VALUE_MAX);
    if (item->kind == ITEM_SECRET)
        wrapped_secret_put(&b, &item->secret);
    else
        clear_grouping_put(&b, item->grouping.dgi, item->grouping.value, item->grouping.len);
    struct cur c = cur_make(b.data, b.len, 0);
    fuzz_must(!b.failed && tlv_read(&c, &tlv, &err) && tlv.len == item->tlv.len);
    if (item->kind == ITEM_SECRET) {
        fuzz_must(wrapped_secret_read(&tlv, &secret, &err));
        fuzz_must(strcmp(secret.name, item->secret.name) == 0 && secret.dgi == item->secret.dgi);
    }
    buf_release(&b);
}

static void walk(const struct entry *entry)
{
    struct err err = ERR_INIT;
    struct entry_walk w;
    struct entry_item item;
    entry_walk_begin(&w, entry);
    do {
        if (!entry_walk_next(&w, &item, &err)) return;
        if (item.kind == ITEM_SECRET || item.kind == ITEM_GROUPING) write_again(&item);
    } while (item.kind != ITEM_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct mic_group chip = {.name = "CHIP", .data = data, .len = size};
    struct entry entries[ENTRIES_MAX];
    struct card_group card = {.number = 1};
    size_t count = 0;
    if (!entry_read_all(&chip, entries, &count, &err)) return 0;
    for (size_t i = 0; i < count; i++) {
        fuzz_must(entries[i].bytes + entries[i].len <= data + size && entries[i].maced_len < entries[i].len);
        walk(&entries[i]);
        err_ignore(entry_check(&entries[i], &card, &err), "only memory errors matter here");
    }
    return 0;
}
