/* unwrap_check MODULE TOKEN PIN-FILE KEK-LABEL KEK-KCV: the bureau's look at a record. Standard input holds one wrapped key a line:
 * algorithm, ciphertext, check value in hex. Each is unwrapped in the bureau's token under its KEK, and its check value computed. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/secret.h"
#include "hsm/crypto.h"
#include "hsm/pin.h"

struct line {
    char algorithm[16], wrapped[256], kcv[16];
};

static bool open_token(char **argv, struct hsm_token **t, struct err *err)
{
    struct hsm_token_choice choice = {.module = argv[1], .label = argv[2]};
    struct hsm_pin_source source;
    struct secret pin = SECRET_NONE;
    char text[1024];
    snprintf(text, sizeof(text), "file:%s", argv[3]);
    bool ok = hsm_pin_source_read(text, &source, err) && hsm_pin_get(&source, argv[2], &pin, err) &&
              hsm_token_open(t, &choice, HSM_LOGIN_USER, &pin, 0, err);
    secret_release(&pin);
    return ok;
}

static bool find_kek(struct hsm_token *t, char **argv, struct hsm_key *kek, struct err *err)
{
    struct hsm_key_ref ref = {
        .name = "KEK", .label = argv[4], .role = HSM_ROLE_KEK_BUREAU, .algorithm = HSM_AES256, .kcv_len = 5};
    return hex_read_exact(argv[5], strlen(argv[5]), ref.kcv, 5, err) && hsm_key_find(t, &ref, kek, err);
}

static bool check(struct hsm_token *t, const struct hsm_key *kek, const struct line *line, struct err *err)
{
    struct hsm_key_ref ref = {.name = "card key", .role = HSM_ROLE_CARD_KEY};
    struct hsm_key key = HSM_KEY_NONE;
    uint8_t wrapped[128], expected[HSM_KCV_MAX], kcv[HSM_KCV_MAX];
    size_t len = strlen(line->wrapped), kcv_len = 0;
    bool ok = false;
    if (len > 2 * sizeof(wrapped)) return err_set(err, ERR_INPUT, "more than a symmetric key");
    if (!hsm_algorithm_find(line->algorithm, &ref.algorithm, err) ||
        !hex_read_exact(line->wrapped, len, wrapped, len / 2, err))
        return false;
    if (!hsm_unwrap_kwp(t, kek, wrapped, len / 2, &ref, &key, err) ||
        !hsm_kcv(t, &key, ref.role, kcv, &kcv_len, err))
        goto out;
    if (!hex_read_exact(line->kcv, strlen(line->kcv), expected, kcv_len, err)) goto out;
    ok = memcmp(kcv, expected, kcv_len) == 0 ||
         err_set(err, ERR_INTEGRITY, "another check value than %s", line->kcv);
out:
    hsm_key_destroy(t, &key);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct hsm_token *t = NULL;
    struct hsm_key kek = HSM_KEY_NONE;
    struct line line;
    unsigned count = 0;
    if (argc != 6) {
        fputs("usage: unwrap_check MODULE TOKEN PIN-FILE KEK-LABEL KEK-KCV\n", stderr);
        return 2;
    }
    bool ok = secret_start(&err) && open_token(argv, &t, &err) && find_kek(t, argv, &kek, &err);
    while (ok && scanf("%15s %255s %15s", line.algorithm, line.wrapped, line.kcv) == 3) {
        ok = check(t, &kek, &line, &err);
        count++;
    }
    hsm_token_close(t);
    if (ok) printf("%u keys unwrapped, every check value right\n", count);
    if (!ok) fprintf(stderr, "unwrap_check: key %u: %s\n", count, err.text);
    return ok ? 0 : 1;
}
