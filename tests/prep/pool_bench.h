/* tests/prep/pool_bench.h - a small job on a real token: CARDS cards of a table, one derived key each. */
#ifndef TESTS_PREP_POOL_BENCH_H
#define TESTS_PREP_POOL_BENCH_H

#include <sys/stat.h>

#include "hsm/crypto.h"
#include "job_fixture.h"
#include "prep/pool/pool.h"
#include "softtoken.h"

enum { CARDS = 60 };

static struct softtoken soft;

static const char profile[] =
    "profile: keyed\nversion: 1\ntitle: Keyed\n"
    "elements:\n"
    "  - {tag: DF08, name: number, from: {field: number}, convert: numeric, length: 8}\n"
    "keys:\n"
    "  - {name: KDL, kind: des2, master: KML, method: complement, data: {element: DF08}}\n"
    "groupings:\n"
    "  - {dgi: \"0101\", template: 70, place: [DF08]}\n"
    "  - {dgi: \"8000\", keys: [KDL]}\n";

static const char job_text[] = "job: pool\nissuer: \"476173\"\n"
                               "tokens: {master: {module: \"%s\", label: issuer, pin: \"file:%s\"}}\n"
                               "kek: {version: 1, label: KEK-1, kcv: \"%s\"}\n"
                               "signing_key: {label: signer}\n"
                               "keys: [{name: KML, version: 1, algorithm: des2, label: KML-1, kcv: \"%s\"}]\n"
                               "input: {format: csv, file: cards.csv}\n"
                               "applications: [{aid: F04C4F59414C5459, profile: keyed.yaml}]\n"
                               "output: {file: out.mic, set_aside: refused.csv}\n"
                               "workers: %u\n%s";
static char kek_kcv[16], kml_kcv[16];

static inline bool make_keys(struct err *err)
{
    struct hsm_token *t = NULL;
    struct hsm_key key;
    struct hsm_pair pair;
    uint8_t kcv[HSM_KCV_MAX];
    size_t len = 0;
    const struct hsm_key_ref kek = {
        .name = "KEK", .label = "KEK-1", .role = HSM_ROLE_KEK_ISSUER, .algorithm = HSM_AES256};
    const struct hsm_key_ref kml = {
        .name = "KML", .label = "KML-1", .role = HSM_ROLE_MASTER, .algorithm = HSM_DES2};
    const struct hsm_pair_ref signer = {
        {.name = "signer", .label = "signer", .role = HSM_ROLE_SIGNING_PAIR, .algorithm = HSM_RSA},
        2048,
        65537};
    bool ok = softtoken_open(&soft, "issuer", &t, err) &&
              softtoken_import(t, &kek, "3BA43B73B9EC3BA168A4DE3B72AA17DF95600AFE3F8249F03758351363777FB8",
                               &key, err) &&
              hsm_kcv(t, &key, HSM_ROLE_KEK_ISSUER, kcv, &len, err);
    for (size_t i = 0; ok && i < len; i++)
        snprintf(kek_kcv + 2 * i, 3, "%02X", kcv[i]);
    ok = ok && softtoken_import(t, &kml, "0BC1BAC1018FF297E54F293BCBC2ADF7", &key, err) &&
         hsm_kcv(t, &key, HSM_ROLE_MASTER, kcv, &len, err);
    for (size_t i = 0; ok && i < len; i++)
        snprintf(kml_kcv + 2 * i, 3, "%02X", kcv[i]);
    ok = ok && hsm_pair_generate(t, &signer, &pair, err);
    hsm_token_close(t);
    return ok;
}

/* Writes the job and all that it reads; `more` are further lines. The card in line `bad`, if any, is refused. */
static inline void bench_files(struct fixture *f, unsigned workers, const char *pin, const char *more,
                               const unsigned bad[2])
{
    char text[4096], pin_path[600], cards[CARDS * 32] = "number\n";

    fixture_text(f, "keyed.yaml", profile);
    fixture_text(f, "pin", pin);
    snprintf(pin_path, sizeof(pin_path), "%s", fixture_path(f, "pin"));
    chmod(pin_path, 0600);
    for (unsigned i = 1; i <= CARDS; i++) {
        bool refused = bad && (i == bad[0] || i == bad[1]);
        snprintf(cards + strlen(cards), sizeof(cards) - strlen(cards), "%s%08u\n", refused ? "x" : "60000000",
                 i);
    }
    fixture_text(f, "cards.csv", cards);
    snprintf(text, sizeof(text), job_text, soft.module, pin_path, kek_kcv, kml_kcv, workers, more);
    fixture_text(f, "job.yaml", text);
}

#endif
