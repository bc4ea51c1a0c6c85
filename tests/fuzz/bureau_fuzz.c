/* Whatever is read as a bureau's or a supplier's settings has what its users rely on: signers, KEKs that are found by their identifier. */
#include <stdlib.h>

#include "config/bureau.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One KMC, keys of blank cards that differ from it, and a serial number within KEYDATA. */
static int check_supplier(struct bureau *b)
{
    const struct bureau_blank_keys *blank = b->blank;
    if (b->card_key_count != 1 || !blank || blank->key_version == b->card_keys[0].key_version) abort();
    if (blank->published ? !b->test : !blank->master.method) abort();
    if (!b->serial.start || !b->serial.len || b->serial.start + b->serial.len > 11) abort();
    bureau_free(b);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct bureau *b = NULL;
    struct buf findings;
    if (supplier_parse(&b, "fuzz", data, size, &err)) return check_supplier(b);
    if (err.kind != ERR_CONFIG) abort();
    err_clear(&err);
    if (!bureau_parse(&b, "fuzz", data, size, &err)) return err.kind == ERR_CONFIG ? 0 : (abort(), 0);
    if (!b->books_path || (!b->signer_count && !b->trusted_count)) abort();
    for (size_t i = 0; i < b->kek_count; i++) {
        uint8_t id[KEKID_LEN];
        if (!kekid_make(b->keks[i].issuer, b->keks[i].key.version, id, &err)) abort();
        if (bureau_kek_of(b, id) != &b->keks[i]) abort();
    }
    for (size_t i = 0; i < b->application_count; i++) {
        const struct bureau_application *a = &b->applications[i];
        if (bureau_application_of(b, a->aid, a->aid_len) != a) abort();
    }
    buf_init(&findings, 1 << 20);
    bureau_lint(b, &findings);
    buf_release(&findings);
    bureau_free(b);
    return 0;
}
