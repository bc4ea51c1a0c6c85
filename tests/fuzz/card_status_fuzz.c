/* Each structure that is read lies within the answer, and the cursor moves over it. */
#include "formats/card_status.h"

#include "fuzz.h"

static void walk(const uint8_t *data, size_t size, enum card_status_form form)
{
    struct err err = ERR_INIT;
    struct cur c = cur_make(data, size, 0);
    struct card_status s;
    size_t before = 0;
    while (card_status_next(&c, form, &s, &err)) {
        fuzz_must(c.pos > before && s.aid >= data && s.aid_len <= size);
        before = c.pos;
    }
    fuzz_must(c.pos == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(data, size, CARD_STATUS_TLV);
    walk(data, size, CARD_STATUS_PLAIN);
    return 0;
}
