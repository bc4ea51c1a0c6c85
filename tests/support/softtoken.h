/* tests/support/softtoken.h - real tokens of a test's own: SoftHSM in a private folder, or an NSS key database.
 *
 *   static struct softtoken soft;
 *   int main(void)
 *   {
 *       if (!softtoken_start(&soft, SOFTTOKEN_SOFTHSM)) return SOFTTOKEN_SKIP;
 *       int status = softtoken_add(&soft, "issuer") ? suite_run(…) : 1;
 *       softtoken_stop(&soft);
 *       return status;
 *   } */
#ifndef TESTS_SUPPORT_SOFTTOKEN_H
#define TESTS_SUPPORT_SOFTTOKEN_H

#include "hsm/key.h"
#include "hsm/token.h"

enum softtoken_kind { SOFTTOKEN_SOFTHSM, SOFTTOKEN_NSS };
enum { SOFTTOKEN_SKIP = 77 }; /* what CTest takes for a skipped test */

#define SOFTTOKEN_PIN    "123456"
#define SOFTTOKEN_SO_PIN "12345678"

struct softtoken {
    enum softtoken_kind kind;
    char folder[128]; /* private, removed by softtoken_stop */
    char module[256]; /* put the proxy's path here to go through it (softtoken_proxy) */
    char real_module[256];
    char parameters[512]; /* "" for SoftHSM */
};

/* False, with the reason on stderr: the module is not installed (or, for anything else, the test cannot run). */
bool softtoken_start(struct softtoken *s, enum softtoken_kind kind);
void softtoken_stop(struct softtoken *s);
/* Initialises a token of this label; NSS has exactly one. False: printed on stderr. */
bool softtoken_add(struct softtoken *s, const char *label);
/* Goes through the recording proxy from now on, with its log in the folder (softtoken_log_path). */
void softtoken_proxy(struct softtoken *s);
void softtoken_log_path(const struct softtoken *s, char *path, size_t size);

struct hsm_token_choice softtoken_choice(const struct softtoken *s, const char *label);
/* Opens with the user PIN and a session that may write. */
MUST_CHECK bool softtoken_open(const struct softtoken *s, const char *label, struct hsm_token **out,
                               struct err *err);
/* Imports a key given in hex. */
MUST_CHECK bool softtoken_import(struct hsm_token *t, const struct hsm_key_ref *ref, const char *hex,
                                 struct hsm_key *out, struct err *err);

#endif
