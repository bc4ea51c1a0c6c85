#include "paid.h"

#include <string.h>

#include "base/hex.h"
#include "blank.h"
#include "suite.h"

static struct err err;

void paid_init(struct paid *p, bool aes)
{
    p->card = blank_card(3, 0x70, 16);
    host_init(&p->h, p->card, 3, 0x70, 16);
    issue_emv(&p->issue, aes, 16);
    CU_ASSERT_EQUAL(issue_all(&p->issue, &p->h, 0x33), 0x9000);
    CU_ASSERT_EQUAL(host_select(&p->h, EMV_AID), 0x9000);
}

void paid_release(struct paid *p)
{
    issue_release(&p->issue);
    host_release(&p->h);
    card_free(p->card);
}

bool paid_answer_is(const struct host *h, const char *hex)
{
    struct buf b;
    buf_init(&b, 512);
    bool same =
        hex_read(hex, strlen(hex), &b, &err) && bytes_equal(b.data, b.len, h->answer.data, h->answer.len);
    buf_release(&b);
    return same;
}

bool paid_element(struct cur c, uint32_t tag, struct tlv *out)
{
    struct tlv t;
    while (cur_left(&c) > 0 && tlv_read(&c, &t, &err)) {
        if (t.tag == tag) {
            *out = t;
            return true;
        }
        if (tlv_is_constructed(t.tag) && paid_element(cur_make(t.value, t.len, 0), tag, out)) return true;
    }
    return false;
}

struct cur paid_answer(const struct host *h)
{
    return cur_make(h->answer.data, h->answer.len, 0);
}
