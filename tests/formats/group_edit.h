/* One group of a record, read with each of its tags missing, repeated, cut and given other values. */
#ifndef TESTS_FORMATS_GROUP_EDIT_H
#define TESTS_FORMATS_GROUP_EDIT_H

#include "formats/groups.h"
#include "suite.h"
#include "tlv_edit.h"

static struct err err;

static inline struct mic_group group_of(const char *name, const void *data, size_t len)
{
    struct mic_group group = {.data = data, .len = len, .offset = 100};
    snprintf(group.name, sizeof(group.name), "%s", name);
    return group;
}

/* The data of a group that stands alone in b, as a list. */
static inline struct cur group_data(const struct buf *b, size_t head)
{
    return cur_make(b->data + head, b->len - head, 0);
}

enum { IN_RECORD = MIC_DIGITS + MIC_GROUP_HEAD, IN_GROUP = MIC_GROUP_HEAD };

/* Every mandatory tag of the list missing or repeated, a foreign one, and a list cut at every byte. */
static inline void check_list(struct cur list, bool (*read)(const struct buf *data), uint32_t optional)
{
    struct buf edited;
    struct cur walk = list;
    struct tlv tlv;
    buf_init(&edited, 8000);
    while (cur_left(&walk) > 0 && tlv_read(&walk, &tlv, &err)) {
        char name[8];
        snprintf(name, sizeof(name), "tag %02X", (unsigned)tlv.tag);
        tlv_without(&edited, list, tlv.tag);
        if (tlv.tag == optional || tlv.tag == 0xD7 || tlv.tag == 0xD9 || tlv.tag == 0xCF)
            EXPECT_OK(read(&edited));
        else
            EXPECT_FAIL(read(&edited), ERR_INPUT, name);
        tlv_twice(&edited, list, tlv.tag);
        EXPECT_FAIL(read(&edited), ERR_INPUT, "stands twice");
    }
    tlv_edit(&edited, list, 0, 0, NULL, 0);
    tlv_put(&edited, 0xDF04, "", 0);
    EXPECT_FAIL(read(&edited), ERR_INPUT, "tag DF04");
    for (size_t len = 0; len < list.len; len++) {
        struct buf cut;
        buf_init(&cut, list.len);
        buf_put(&cut, list.data, len);
        EXPECT_FAIL(read(&cut), ERR_INPUT, "at offset 100: ");
        buf_release(&cut);
    }
    buf_release(&edited);
}

struct replacement {
    uint32_t tag;
    const char *value;
    size_t len;
    const char *part; /* NULL: must be accepted */
};

static inline void check_replacements(struct cur list, bool (*read)(const struct buf *data),
                                      const struct replacement *rows, size_t count)
{
    struct buf edited;
    buf_init(&edited, 8000);
    for (size_t i = 0; i < count; i++) {
        tlv_replaced(&edited, list, rows[i].tag, rows[i].value, rows[i].len);
        if (rows[i].part)
            EXPECT_FAIL(read(&edited), ERR_INPUT, rows[i].part);
        else
            EXPECT_OK(read(&edited));
    }
    buf_release(&edited);
}

#endif
