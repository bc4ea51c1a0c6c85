/* config/bureau.h - a bureau's settings: its token, the keys under which files and cards arrive, whose files it accepts, its
 * readers and its books (docs/formats/bureau.md). Paths are relative to the file's folder. Parsing only.
 *
 *   bureau: bureau-a
 *   token: {module: …, label: bureau, pin: "file:bureau.pin"}
 *   keks: [{issuer: "476173", version: 1, label: KEK-1, algorithm: aes256, kcv: "C67F916CD4"}]
 *   card_keys: [{name: KMC, version: 2, algorithm: aes128, method: kmc-aes, key_version: 2, label: KMC-2, kcv: …}]
 *   signers: [issuer-signer.pem]              or  trusted: [signer-job-signing]  (labels on the token)
 *   ca_keys: [ca-key.yaml]
 *   books: books.sqlite                       registry of accepted jobs and journal of cards
 *   return_key: {label: return-signing}
 *   keydata_group: KEYDATA                    a record with this group is for the card that it names
 *   security: mac+encryption
 *   crt_padding: when-needed
 *   command_data_max: 2000
 *   readers: ["Virtual PCD *"]
 *   applications: [{aid: A000000003101001, load: install-for-personalization, kmc_version: DF11}]
 *   modules: [{mic: EMBOSS, command: [/usr/bin/emboss]}]
 *
 * And those of a card supplier, who puts each card's own keys onto blank cards: its token, the one KMC from which they are derived,
 * and the keys that blank cards have before.
 *
 *   supplier: supplier-a
 *   token: {module: …, label: supplier, pin: "file:supplier.pin"}
 *   kmc: {name: KMC, version: 2, algorithm: aes128, method: kmc-aes, key_version: 2, label: KMC-2, kcv: …}
 *   blank_keys: {key_version: 255, master: {name: KMC-BLANK, …}}    or, with test: yes,  {key_version: 255, keys: gp-test}
 */
#ifndef CONFIG_BUREAU_H
#define CONFIG_BUREAU_H

#include "config/job.h"

enum bureau_level {
    BUREAU_LEVEL_MAC = 1,
    BUREAU_LEVEL_MAC_ENCRYPTION = 3
}; /* EXTERNAL AUTHENTICATE's P1, without R-MAC */
/* Lc of a command to a card. The largest is what one call to a token takes (hsm/channel.h), whatever the card offers. */
enum { BUREAU_COMMAND_DATA_MIN = 255, BUREAU_COMMAND_DATA_MAX = 4000 };
enum bureau_load {
    BUREAU_LOAD_SELECT,  /* select the application, which has a secure channel of its own */
    BUREAU_LOAD_INSTALL, /* INSTALL [for personalization] through the security domain */
};

struct bureau_kek {
    char *issuer;            /* 3-8 digits */
    struct key_settings key; /* role kek-bureau */
};
struct bureau_card_key {
    struct key_settings key; /* KMC, role master */
    char *method;            /* kmc-cps, kmc-visa2, kmc-aes */
    unsigned
        key_version; /* that the card reports (KVN); a card made under an older one finds its key by it */
};
/* The keys of blank cards. */
struct bureau_blank_keys {
    unsigned key_version; /* that the card reports: 1 to 127, or 255 */
    bool published; /* the test keys that GlobalPlatform published, 40 41 … 4F each: TEST settings only */
    struct bureau_card_key master; /* unless published; its key_version is the one above */
};
/* The serial number within KEYDATA. */
struct bureau_serial {
    uint8_t start, len; /* start from 1 */
};
struct bureau_application {
    uint8_t aid[AID_MAX];
    size_t aid_len;
    enum bureau_load load;
    uint32_t kmc_version; /* tag: says with which version of the KMC the card comes; 0: not compared */
    /* Loose elements that go onto the card: tag → DGI. */
    struct bureau_loose {
        uint32_t tag;
        uint16_t dgi;
    } * loose;
    size_t loose_count;
    unsigned line;
};
struct bureau_module {
    char *mic;
    char **command; /* argument vector; gets the group's bytes on standard input; NULL: written as a file */
    size_t command_count;
    char *folder; /* where files go; NULL with a command */
    unsigned line;
};

struct bureau {
    char *path, *name;
    struct token_settings token;
    struct bureau_kek *keks;
    size_t kek_count;
    struct bureau_card_key *card_keys;
    size_t card_key_count;
    char **signer_paths; /* PEM files */
    size_t signer_count;
    char **trusted_labels; /* public keys on the token that a ceremony put there (role trusted-signer) */
    size_t trusted_count;
    char **ca_paths;
    size_t ca_count;
    char *books_path;
    char *keydata_group; /* MIC of the group that tells for which card a record is; NULL: none does */
    char *return_label;  /* signing pair for return files; NULL: none are written */
    enum bureau_level level;
    bool response_mac;            /* R-MAC, when the card offers it */
    unsigned command_data_max;    /* Lc at most, to cards that take extended lengths */
    bool crt_padding_when_needed; /* CRT parts of key pairs; else always */
    bool replace_keys;            /* PUT KEY: the newest keys that the card's channel can carry */
    char **reader_patterns;       /* shell patterns of reader names */
    size_t reader_count;
    struct bureau_application *applications; /* only those that need something said */
    size_t application_count;
    struct bureau_module *modules;
    size_t module_count;
    struct bureau_blank_keys *blank; /* a supplier's settings; NULL: a bureau's */
    struct bureau_serial serial;     /* a supplier's */
    bool test;                       /* a supplier's: published keys are allowed */
};

/* False: ERR_FILE, ERR_CONFIG as `file:line:column: message`. */
MUST_CHECK bool bureau_load(struct bureau **out, const char *path, struct err *err);
MUST_CHECK bool bureau_parse(struct bureau **out, const char *name, const void *text, size_t len,
                             struct err *err);
/* The settings of a supplier: card_keys holds the KMC alone, replace_keys is set, and there are no KEKs and signers; books_path
 * may be NULL. */
MUST_CHECK bool supplier_load(struct bureau **out, const char *path, struct err *err);
MUST_CHECK bool supplier_parse(struct bureau **out, const char *name, const void *text, size_t len,
                               struct err *err);
void bureau_free(struct bureau *b); /* NULL is fine */
/* What is allowed and yet makes one ask, one `warning: file:line: text` per line. */
void bureau_lint(const struct bureau *b, struct buf *findings);
/* NULL: none fits. */
const struct bureau_kek *bureau_kek_of(const struct bureau *b, const uint8_t kekid[6]);
const struct bureau_card_key *bureau_card_key_of(const struct bureau *b, unsigned key_version);
const struct bureau_application *bureau_application_of(const struct bureau *b, const uint8_t *aid,
                                                       size_t len);

#endif
