/* formats/entry.h - the chip group: one entry per application, docs/formats/mic-file.md (FIGS. 5C and 5D).
 *
 * An entry is open (no keys yet) or sealed. DATA of a sealed entry is C1, C2?, then E1 and E2 in card order,
 * then loose elements. Readers here check everything that needs no key. */
#ifndef FORMATS_ENTRY_H
#define FORMATS_ENTRY_H

#include "formats/groups.h"
#include "formats/tlv.h"

enum { AID_MIN = 5, AID_MAX = 16, ENTRIES_MAX = 32, SECRET_NAME_MAX = 32, DERIVATION_DATA_MAX = 32 };

enum secret_kind { /* tag C4 */
                   SECRET_DES2 = 1,
                   SECRET_DES3,
                   SECRET_AES128,
                   SECRET_AES192,
                   SECRET_AES256,
                   SECRET_RSA,
                   SECRET_OPAQUE
};
enum secret_method {
    METHOD_KWP = 0x01,
    METHOD_CARD_TDES_ECB = 0x11,
    METHOD_CARD_AES_CBC = 0x12
}; /* tag C6 */

/* One row per kind: name, key length, KCV length. NULL for an unknown kind. */
struct secret_kind_row {
    enum secret_kind kind;
    const char *name;
    size_t key_len;
    size_t kcv_len;
};
const struct secret_kind_row *secret_kind_row(unsigned kind);

struct entry {
    uint8_t aid[AID_MAX];
    size_t aid_len;
    uint8_t kekid[KEKID_LEN];
    bool sealed;
    const uint8_t *data; /* DATA, borrowed */
    size_t data_len;
    uint64_t data_offset;
    uint8_t mackey[MACKEY_LEN]; /* sealed only */
    uint8_t mac[MAC_LEN];
    const uint8_t *bytes; /* the whole entry, AIDLEN … MAC */
    size_t len;
    size_t maced_len; /* bytes from AIDLEN through MACKEY */
    uint64_t offset;
};

/* Reads one entry. False (ERR_INPUT): any length wrong, AID out of 5–16, ELEN/DLEN disagreeing, MKLEN other
 * than 0 (open) or 40 (sealed), KEKID zero but sealed or the reverse. */
MUST_CHECK bool entry_read(struct cur *c, struct entry *out, struct err *err);
/* All entries of a chip group; refuses the same AID twice. */
MUST_CHECK bool entry_read_all(const struct mic_group *chip, struct entry out[ENTRIES_MAX], size_t *count,
                               struct err *err);

/* Appends an open entry with this DATA. */
void entry_put_open(struct buf *b, const uint8_t *aid, size_t aid_len, const uint8_t *data, size_t data_len);
/* Appends a sealed entry up to MLEN; the caller MACs bytes [*begin, *mac_end) and appends MAC_LEN bytes. */
void entry_put_sealed(struct buf *b, const struct entry *entry, size_t *begin, size_t *mac_end);

/* A wrapped secret, E1. Text is not zero-terminated in the file, here it is. */
struct wrapped_secret {
    char name[SECRET_NAME_MAX + 1];   /* C3 */
    enum secret_kind kind;            /* C4 */
    uint8_t kcv[5];                   /* C5 */
    size_t kcv_len;                   /* 3, 5, or 0 (opaque) */
    enum secret_method method;        /* C6 */
    char master[SECRET_NAME_MAX + 8]; /* CD "name/version"; empty when absent */
    size_t true_len;                  /* CE, kind 07 only */
    const uint8_t *derivation_data;   /* C2 of its own; NULL when absent */
    size_t derivation_data_len;
    char card_key[SECRET_NAME_MAX + 16]; /* CC "name/version/which"; empty when absent */
    const uint8_t *ciphertext;           /* C7 */
    size_t ciphertext_len;
    uint16_t dgi; /* C8 */
};
MUST_CHECK bool wrapped_secret_read(const struct tlv *e1, struct wrapped_secret *out, struct err *err);
void wrapped_secret_put(struct buf *b, const struct wrapped_secret *secret); /* the whole E1 */

struct clear_grouping {
    uint16_t dgi;
    const uint8_t *value;
    size_t len;
}; /* E2 */
MUST_CHECK bool clear_grouping_read(const struct tlv *e2, struct clear_grouping *out, struct err *err);
void clear_grouping_put(struct buf *b, uint16_t dgi, const void *value, size_t len);

/* Walks DATA of a sealed entry in order; item.kind says what stands there. Checks order, the binding's length,
 * unique names, adjacency of secrets of one DGI, one method per DGI, a DGI clear once or secret, kind 06 once. */
enum entry_item_kind { ITEM_BINDING, ITEM_DERIVATION_DATA, ITEM_SECRET, ITEM_GROUPING, ITEM_LOOSE, ITEM_END };
struct entry_item {
    enum entry_item_kind kind;
    struct tlv tlv;
    struct wrapped_secret secret;   /* ITEM_SECRET */
    struct clear_grouping grouping; /* ITEM_GROUPING */
};
enum { WALK_NAMES_MAX = 64, WALK_DGIS_MAX = 128 };
struct entry_walk { /* caller's; zeroed by entry_walk_begin */
    struct cur data;
    int stage;
    size_t name_count, dgi_count;
    char names[WALK_NAMES_MAX][SECRET_NAME_MAX + 1];
    struct {
        uint16_t dgi;
        bool secret;
    } dgis[WALK_DGIS_MAX];
    struct {
        uint16_t dgi;
        enum secret_method method;
        char card_key[SECRET_NAME_MAX + 16];
    } last; /* last secret */
    bool last_is_secret, has_rsa;
    struct tlv derivation_data; /* the entry's C2; tag 0 while there is none */
};
void entry_walk_begin(struct entry_walk *w, const struct entry *entry);
MUST_CHECK bool entry_walk_next(struct entry_walk *w, struct entry_item *out, struct err *err);
/* Walks the whole of DATA and drops the items: everything of §3 and §4 that needs no key. The binding must equal card's. */
MUST_CHECK bool entry_check(const struct entry *entry, const struct card_group *card, struct err *err);
/* Open entries: refuses tags C0–CF, D0–DE, E1, E2 and malformed TLVs. */
MUST_CHECK bool entry_check_open(const struct entry *entry, struct err *err);

void binding_put(struct buf *b, const struct card_group *card); /* C1 */

/* KEK identifier: issuer digits (3–8) as BCD padded with F, then the version. False (ERR_CONFIG): not digits. */
MUST_CHECK bool kekid_make(const char *issuer_digits, uint16_t version, uint8_t out[KEKID_LEN],
                           struct err *err);

#endif
