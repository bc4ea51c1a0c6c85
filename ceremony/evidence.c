#include "ceremony/evidence.h"

#include <errno.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/hex.h"
#include "config/plan.h"

const char *evidence_program(void)
{
    return "cardkeys " CARDPREP_VERSION;
}

static bool add_all(FILE *f, struct digest *d, const char *path, struct err *err)
{
    uint8_t block[1 << 14];
    size_t n = 0;
    while ((n = fread(block, 1, sizeof(block), f)) > 0) {
        if (!digest_add(d, block, n, err)) return false;
    }
    return !ferror(f) || err_set_errno(err, ERR_FILE, errno, "%s", path);
}

bool evidence_file_hash(const char *path, char hex[static EVIDENCE_HASH_TEXT], struct err *err)
{
    struct digest *d = NULL;
    uint8_t hash[SHA256_LEN];
    FILE *f = fopen(path, "rbe");
    if (!f) return err_set_errno(err, ERR_FILE, errno, "%s", path);
    bool ok = digest_new(&d, DIGEST_SHA256, err) && add_all(f, d, path, err) && digest_final(d, hash, err);
    digest_free(d);
    fclose(f);
    if (ok) hex_write(hex, EVIDENCE_HASH_TEXT, hash, sizeof(hash), true);
    return ok;
}

void evidence_plan_hash(const struct plan *plan, char hex[static EVIDENCE_HASH_TEXT])
{
    hex_write(hex, EVIDENCE_HASH_TEXT, plan->hash, sizeof(plan->hash), true);
}

const char *evidence_groups(const char hex[static EVIDENCE_HASH_TEXT], char text[static EVIDENCE_GROUPS_TEXT])
{
    size_t used = 0;
    for (size_t i = 0; hex[i] && used + 1 < EVIDENCE_GROUPS_TEXT; i++) {
        if (i && i % 4 == 0) text[used++] = ' ';
        text[used++] = hex[i];
    }
    text[used] = 0;
    return text;
}

bool evidence_program_hash(char hex[static EVIDENCE_HASH_TEXT], struct err *err)
{
    return evidence_file_hash("/proc/self/exe", hex, err);
}
