/* What is wrong with a profile before any card is seen: placement, lengths, the application file locator. */
#include <string.h>

#include "config/lint.h"
#include "formats/afl.h"
#include "formats/dgi.h"
#include "formats/tlv.h"

enum {
    TAG_AFL = 0x94,
    TAG_AIP = 0x82,
    TAG_SDA_LIST = 0x9F4A,
    TAG_SSAD = 0x93,
    TAG_ICC_CERTIFICATE = 0x9F46,
    TAG_TEMPLATE = 0x70,
    SFI_EMV_MAX = 10,
};

static bool given_by_certificates(const struct profile *p, uint32_t tag)
{
    if (!p->certificates.present || !profile_is_certificate_tag(tag)) return false;
    if (tag == TAG_SSAD) return p->certificates.ssad;
    bool of_card = tag == TAG_ICC_CERTIFICATE || tag == 0x9F47 || tag == 0x9F48;
    return !of_card || p->key_pair.present;
}

static unsigned times_placed(const struct profile *p, uint32_t tag)
{
    unsigned times = 0;
    for (size_t i = 0; i < p->grouping_count; i++) {
        const struct profile_grouping *g = &p->groupings[i];
        for (size_t k = 0; g->kind == GROUPING_ELEMENTS && k < g->count; k++)
            times += g->tags[k] == tag;
    }
    return times;
}

static void check_placed(struct lint *l, const struct profile *p, const struct profile_grouping *g,
                         size_t index)
{
    uint32_t tag = g->tags[index];
    bool described = profile_element_index(p, tag) >= 0;
    if (times_placed(p, tag) > 1) lint_error(l, g->line, "DGI %04X: tag %X is placed twice", g->dgi, tag);
    if (described || given_by_certificates(p, tag)) return;
    if (profile_is_certificate_tag(tag))
        lint_error(l, g->line, "DGI %04X: nothing gives tag %X: 'certificates'%s would", g->dgi, tag,
                   tag == TAG_SSAD           ? " with 'ssad'"
                   : p->certificates.present ? " with 'key_pair'"
                                             : "");
    else
        lint_error(l, g->line, "DGI %04X: nothing gives tag %X: no element describes it", g->dgi, tag);
}

/* The grouping's value at its longest, as far as lengths are known. */
static size_t longest(const struct profile *p, const struct profile_grouping *g,
                      const struct lint_sizes *sizes)
{
    size_t sum = 0;
    for (size_t i = 0; i < g->count; i++) {
        int index = profile_element_index(p, g->tags[i]);
        struct lint_length length = index >= 0 ? lint_element_length(&p->elements[index])
                                               : lint_certificate_length(p, g->tags[i], sizes);
        size_t len = length.open ? length.least : length.most;
        if (len) sum += tlv_size(g->tags[i], len);
    }
    return g->template_tag ? tlv_size(g->template_tag, sum) : sum;
}

static void check_record(struct lint *l, const struct profile *p, const struct profile_grouping *g,
                         const struct lint_sizes *sizes)
{
    size_t len = longest(p, g, sizes);
    if (len > DGI_RECORD_VALUE_MAX)
        lint_error(l, g->line, "DGI %04X: the record can reach %zu bytes, a record holds %d; part it", g->dgi,
                   len, DGI_RECORD_VALUE_MAX);
    if (g->template_tag != TAG_TEMPLATE && dgi_record_sfi(g->dgi) <= SFI_EMV_MAX)
        lint_error(l, g->line, "DGI %04X: a record of SFI 1 to 10 is a template 70", g->dgi);
}

static void check_grouping(struct lint *l, const struct profile *p, size_t index,
                           const struct lint_sizes *sizes)
{
    const struct profile_grouping *g = &p->groupings[index];
    bool crt = g->dgi >= DGI_CRT_FIRST && g->dgi <= DGI_CRT_LAST;
    for (size_t i = 0; i < index; i++) {
        if (p->groupings[i].dgi == g->dgi)
            lint_error(l, g->line,
                       "DGI %04X stands twice; a DGI is one grouping, clear or secret (first in line %u)",
                       g->dgi, p->groupings[i].line);
    }
    if (g->kind == GROUPING_KEY_PAIR && g->dgi != DGI_CRT_FIRST)
        lint_error(l, g->line, "the key pair goes to DGI 8201 (it stands for 8201 to 8205), not %04X",
                   g->dgi);
    if (g->kind != GROUPING_KEY_PAIR && crt)
        lint_error(l, g->line, "DGI %04X belongs to the key pair's CRT parts", g->dgi);
    if (dgi_is_record(g->dgi) && g->kind != GROUPING_ELEMENTS)
        lint_error(l, g->line, "DGI %04X is a record; keys and check values go elsewhere", g->dgi);
    for (size_t i = 0; g->kind == GROUPING_ELEMENTS && i < g->count; i++)
        check_placed(l, p, g, i);
    if (g->kind == GROUPING_ELEMENTS && dgi_is_record(g->dgi)) check_record(l, p, g, sizes);
}

static void check_element(struct lint *l, const struct profile *p, const struct profile_element *e)
{
    lint_element_constants(l, e);
    if (profile_is_certificate_tag(e->tag) && given_by_certificates(p, e->tag))
        lint_error(l, e->line, "element %X (%s): 'certificates' makes this tag; do not describe it", e->tag,
                   e->name);
    if (!times_placed(p, e->tag))
        lint_warning(l, e->line,
                     "element %X (%s) is placed in no grouping: it stays loose, no card receives it", e->tag,
                     e->name);
}

static const struct profile_grouping *record_grouping(const struct profile *p, uint8_t sfi, uint8_t record)
{
    for (size_t i = 0; i < p->grouping_count; i++) {
        const struct profile_grouping *g = &p->groupings[i];
        if (dgi_is_record(g->dgi) && dgi_record_sfi(g->dgi) == sfi && dgi_record_number(g->dgi) == record)
            return g;
    }
    return NULL;
}

static bool places(const struct profile_grouping *g, uint32_t tag)
{
    for (size_t i = 0; g->kind == GROUPING_ELEMENTS && i < g->count; i++) {
        if (g->tags[i] == tag) return true;
    }
    return false;
}

static void check_signed_record(struct lint *l, const struct profile *p, const struct profile_grouping *g)
{
    if (!p->certificates.present)
        lint_warning(l, g->line,
                     "DGI %04X: the AFL marks this record as signed, but there are no certificates", g->dgi);
    if (places(g, TAG_SSAD) || places(g, TAG_ICC_CERTIFICATE))
        lint_error(
            l, g->line,
            "DGI %04X: the AFL marks this record as signed, but it holds the signature itself (93 or 9F46)",
            g->dgi);
}

static void check_afl_range(struct lint *l, const struct profile *p, const struct profile_element *e,
                            const struct afl_range *range)
{
    for (unsigned record = range->first; record <= range->last; record++) {
        const struct profile_grouping *g = record_grouping(p, range->sfi, (uint8_t)record);
        if (!g)
            lint_error(l, e->line,
                       "the AFL (94) names record %u of SFI %u, which no grouping writes (DGI %02X%02X)",
                       record, range->sfi, range->sfi, record);
        else if (record - range->first < range->signed_count)
            check_signed_record(l, p, g);
    }
}

static void check_afl(struct lint *l, const struct profile *p)
{
    int index = profile_element_index(p, TAG_AFL);
    uint8_t value[4 * AFL_RANGES_MAX];
    struct afl_range ranges[AFL_RANGES_MAX];
    size_t len = 0;
    size_t count = 0;
    struct err why = ERR_INIT;
    if (index < 0 || !lint_constant(&p->elements[index], value, sizeof(value), &len)) return;
    if (!afl_read(value, len, ranges, &count, &why)) {
        lint_error(l, p->elements[index].line, "the AFL (94): %s", why.text);
        return;
    }
    for (size_t i = 0; i < count; i++)
        check_afl_range(l, p, &p->elements[index], &ranges[i]);
}

static void check_sda_list(struct lint *l, const struct profile *p)
{
    int index = profile_element_index(p, TAG_SDA_LIST);
    uint8_t value[8];
    size_t len = 0;
    if (index < 0) return;
    const struct profile_element *e = &p->elements[index];
    if (lint_constant(e, value, sizeof(value), &len) && (len != 1 || value[0] != TAG_AIP))
        lint_error(l, e->line, "the static data authentication tag list (9F4A) may hold 82 only");
    if (profile_element_index(p, TAG_AIP) < 0)
        lint_error(l, e->line, "9F4A asks for the AIP, but no element 82 is described");
}

void lint_profile(struct lint *l, const struct profile *p, const struct lint_sizes *sizes)
{
    for (size_t i = 0; i < p->element_count; i++)
        check_element(l, p, &p->elements[i]);
    for (size_t i = 0; i < p->grouping_count; i++)
        check_grouping(l, p, i, sizes);
    check_afl(l, p);
    check_sda_list(l, p);
    for (size_t i = 0; i < p->unique_count; i++) {
        if (profile_element_index(p, p->unique[i]) < 0)
            lint_error(l, 0, "'unique' names tag %X, which no element describes", p->unique[i]);
    }
    lint_profile_keys(l, p);
}

size_t profile_lint(const struct profile *p, struct buf *findings)
{
    struct lint l = {findings, p->path, 0};
    const struct lint_sizes unknown = {0, 0, p->key_pair.present ? p->key_pair.bits / 8 : 0};
    lint_profile(&l, p, &unknown);
    return l.errors;
}
