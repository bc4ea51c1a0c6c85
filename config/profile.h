/* config/profile.h - an application described once for all jobs, as a YAML file (docs/FORMATS.md,
 * "Profiles"). Parsing only: nothing here decides. Strings are owned by the profile and never NULL unless
 * said. */
#ifndef CONFIG_PROFILE_H
#define CONFIG_PROFILE_H

#include "config/source.h"
#include "formats/convert.h"
#include "formats/derivation.h"

enum { PROFILE_PLACES_MAX = 64 };

/* One data element. */
struct profile_element {
    uint32_t tag;
    char *name;                        /* for people: "IEP identifier" */
    struct source_list from;           /* may be empty: then only the record's open entry gives it */
    const struct convert_row *convert; /* for text sources; NULL when only hex, token or version sources */
    struct convert_options
        options; /* length, min_length, max_length, minimum, maximum, exponent; character_set from the profile */
    char *fallback; /* `default`: text used when no source gives anything; NULL: none */
    bool optional;  /* left out when nothing gives it; otherwise an error */
    unsigned line;  /* in the YAML file, for messages */
};

/* What a data grouping is made of. */
enum grouping_kind { GROUPING_ELEMENTS, GROUPING_KEYS, GROUPING_CHECK_VALUES, GROUPING_KEY_PAIR };
struct profile_grouping {
    uint16_t dgi;
    enum grouping_kind kind;
    uint32_t template_tag;             /* 70, A5, …; 0: none */
    uint32_t tags[PROFILE_PLACES_MAX]; /* GROUPING_ELEMENTS: in order */
    size_t keys[PROFILE_PLACES_MAX];   /* KEYS, CHECK_VALUES: indexes into profile.keys */
    size_t count;
    unsigned line;
};

enum version_rule { VERSION_NEWEST, VERSION_FIXED, VERSION_FIELD };
struct version_choice {
    enum version_rule rule;
    uint16_t fixed;
    char *field; /* VERSION_FIELD: an empty field means newest */
};

/* Where derivation data comes from. */
enum derivation_source { DATA_FROM_ELEMENT, DATA_FROM_PAN, DATA_FROM_SOURCES };
struct profile_key {
    char *name;   /* C3: "KDL" */
    char *master; /* name in the job's keys */
    struct version_choice version;
    enum secret_kind kind;
    enum derivation_method method;
    enum derivation_source data;
    uint32_t data_tag;            /* ELEMENT: its value; PAN: the tag with the PAN (5A) */
    uint32_t psn_tag;             /* PAN: the sequence number (5F34), 0: none */
    struct source_list data_from; /* SOURCES, through data_convert */
    const struct convert_row *data_convert;
    struct convert_options data_options;
    bool optional;                 /* left out when the job has no such master */
    enum secret_method protection; /* METHOD_KWP, or 11/12: second embodiment */
    struct {                       /* second embodiment: the card's own key */
        char *master;
        struct version_choice version;
        enum derivation_method method;
        enum card_key_which which;
        char *keydata_field; /* hex text, 10 bytes */
    } card_key;
    unsigned line;
};

enum card_check_value { CHECK_VALUE_GP, CHECK_VALUE_CMAC }; /* for AES keys in 9000 */

struct profile_key_pair {
    bool present;
    char *name; /* C3: "card-key" */
    unsigned bits;
    unsigned long exponent;
    bool crt_padding_when_needed;
};

enum expiry_rule { EXPIRY_ELEMENT, EXPIRY_ISSUER };
struct profile_certificates {
    bool present;
    uint32_t subject_tag; /* digits in the PAN's place */
    enum expiry_rule expiry;
    uint32_t expiry_tag; /* YYMMDD */
    bool ssad;           /* make 93 */
    uint8_t dac[2];
};

struct profile {
    char *path;
    char *name; /* "emv-credit" */
    uint16_t version;
    char *title;
    char *character_set; /* "ascii", "iso8859-1", "utf-8" */
    char *selector;      /* field; NULL: none */
    bool luhn;
    enum card_check_value check_value;
    struct profile_element *elements;
    size_t element_count;
    struct profile_grouping *groupings; /* card order */
    size_t grouping_count;
    struct profile_key *keys;
    size_t key_count;
    struct profile_key_pair key_pair;
    struct profile_certificates certificates;
    uint32_t unique[8]; /* tags whose values together must not repeat in a job */
    size_t unique_count;
};

/* Reads and checks one profile. False (ERR_CONFIG): `file:line:column: message`, with the nearest known key
 * suggested. */
MUST_CHECK bool profile_load(struct profile **out, const char *path, struct err *err);
/* The same from memory; `name` stands for the file in messages. */
MUST_CHECK bool profile_parse(struct profile **out, const char *name, const void *text, size_t len,
                              struct err *err);
void profile_free(struct profile *p);
/* Index of the element with this tag, or -1. */
int profile_element_index(const struct profile *p, uint32_t tag);
/* Tags that the certificates section makes: 8F 90 92 9F32 93 9F46 9F47 9F48. */
bool profile_is_certificate_tag(uint32_t tag);
/* C0–CF, D0–DE, E1, E2: the MIC file's own. */
bool profile_is_reserved_tag(uint32_t tag);
/* Appends the canonical form (see canonical.h). */
void profile_canonical(const struct profile *p, struct buf *out);
/* Checks that no input is needed for (sizes, placement, AFL); appends one line per finding. Returns the
 * number of errors; warnings begin with "warning: ". */
size_t profile_lint(const struct profile *p, struct buf *findings);

#endif
