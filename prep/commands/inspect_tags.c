#include "prep/commands/inspect.h"

#include "formats/dgi.h"

/* docs/formats/mic-file.md, and for the card's own data EMV Book 3, annex A. Each table rises by tag. */
static const struct inspect_tag job_tags[] = {
    {0xCE, "shard ‖ number of shards", FORM_HEX},
    {0xD0, "MIC of the chip group", FORM_TEXT},
    {0xD1, "format version", FORM_NUMBER},
    {0xD2, "job id", FORM_HEX},
    {0xD3, "job name", FORM_TEXT},
    {0xD4, "SHA-256 of the job's settings", FORM_HEX},
    {0xD5, "first record planned for this file", FORM_NUMBER},
    {0xD6, "time of creation", FORM_TEXT},
    {0xD7, "KEK identifier ‖ its check value", FORM_HEX},
    {0xD8, "program and version", FORM_TEXT},
    {0xD9, "job id of an earlier pass", FORM_HEX},
    {0xDC, "card records planned for the whole job", FORM_NUMBER},
};
static const struct inspect_tag card_tags[] = {
    {0xD2, "job id of the pass that numbered this record", FORM_HEX},
    {0xDA, "record number", FORM_NUMBER},
    {0xDB, "card object identifier", FORM_TEXT},
};
static const struct inspect_tag end_tags[] = {
    {0xCA, "signature algorithm", FORM_SIGNATURE_ALGORITHM},
    {0xCB, "signature", FORM_HEX},
    {0xCC, "numbers of records set aside", FORM_HEX},
    {0xCF, "SHA-256 of each MACKEY", FORM_HEX},
    {0xD2, "job id", FORM_HEX},
    {0xDC, "card records in this file", FORM_NUMBER},
    {0xDD, "SHA-256 of the file before this record", FORM_HEX},
    {0xDE, "signer: SHA-256 of its public key", FORM_HEX},
};
static const struct inspect_tag data_tags[] = {
    {0xC1, "binding: job id ‖ record number", FORM_HEX},
    {0xC2, "derivation data", FORM_PAN},
    {0xE1, "wrapped secret", FORM_PARTS},
    {0xE2, "clear data grouping", FORM_PARTS},
};
static const struct inspect_tag secret_tags[] = {
    {0xC2, "derivation data of this secret", FORM_PAN},
    {0xC3, "name", FORM_TEXT},
    {0xC4, "kind", FORM_KIND},
    {0xC5, "key check value", FORM_HEX},
    {0xC6, "method", FORM_METHOD},
    {0xC7, "ciphertext", FORM_HIDDEN},
    {0xC8, "data grouping", FORM_DGI},
    {0xCC, "card's own key", FORM_TEXT},
    {0xCD, "master key and version", FORM_TEXT},
    {0xCE, "true length", FORM_NUMBER},
};
static const struct inspect_tag grouping_tags[] = {
    {0xC8, "data grouping", FORM_DGI},
    {0xC9, "its value", FORM_PARTS},
};
static const struct inspect_tag card_data_tags[] = {
    {0x42, "issuer identification number", FORM_HEX},
    {0x4F, "application identifier", FORM_HEX},
    {0x50, "application label", FORM_TEXT},
    {0x56, "track 1 data", FORM_HIDDEN},
    {0x57, "track 2 equivalent data", FORM_TRACK2},
    {0x5A, "primary account number", FORM_PAN},
    {0x61, "application template", FORM_PARTS},
    {0x6F, "file control information", FORM_PARTS},
    {0x70, "record template", FORM_PARTS},
    {0x82, "application interchange profile", FORM_HEX},
    {0x84, "dedicated file name", FORM_HEX},
    {0x87, "application priority", FORM_HEX},
    {0x88, "short file identifier", FORM_NUMBER},
    {0x8C, "CDOL1", FORM_HEX},
    {0x8D, "CDOL2", FORM_HEX},
    {0x8E, "cardholder verification method list", FORM_HEX},
    {0x8F, "CA public key index", FORM_HEX},
    {0x90, "issuer public key certificate", FORM_HEX},
    {0x92, "issuer public key remainder", FORM_HEX},
    {0x93, "signed static application data", FORM_HEX},
    {0x94, "application file locator", FORM_HEX},
    {0x97, "TDOL", FORM_HEX},
    {0xA5, "FCI proprietary template", FORM_PARTS},
    {0x5F20, "cardholder name", FORM_TEXT},
    {0x5F24, "expiration date", FORM_HEX},
    {0x5F25, "effective date", FORM_HEX},
    {0x5F28, "issuer country", FORM_HEX},
    {0x5F2A, "transaction currency", FORM_HEX},
    {0x5F2D, "language preference", FORM_TEXT},
    {0x5F30, "service code", FORM_HEX},
    {0x5F34, "PAN sequence number", FORM_HEX},
    {0x5F36, "currency exponent", FORM_HEX},
    {0x5F50, "issuer URL", FORM_TEXT},
    {0x9F05, "application discretionary data", FORM_HEX},
    {0x9F07, "application usage control", FORM_HEX},
    {0x9F08, "application version", FORM_HEX},
    {0x9F0B, "cardholder name, extended", FORM_TEXT},
    {0x9F0D, "issuer action code, default", FORM_HEX},
    {0x9F0E, "issuer action code, denial", FORM_HEX},
    {0x9F0F, "issuer action code, online", FORM_HEX},
    {0x9F10, "issuer application data", FORM_HEX},
    {0x9F11, "issuer code table", FORM_HEX},
    {0x9F12, "application preferred name", FORM_TEXT},
    {0x9F14, "lower consecutive offline limit", FORM_NUMBER},
    {0x9F17, "PIN try counter", FORM_NUMBER},
    {0x9F1F, "track 1 discretionary data", FORM_HIDDEN},
    {0x9F20, "track 2 discretionary data", FORM_HIDDEN},
    {0x9F23, "upper consecutive offline limit", FORM_NUMBER},
    {0x9F32, "issuer public key exponent", FORM_HEX},
    {0x9F36, "application transaction counter", FORM_NUMBER},
    {0x9F38, "PDOL", FORM_HEX},
    {0x9F42, "application currency", FORM_HEX},
    {0x9F44, "application currency exponent", FORM_HEX},
    {0x9F46, "card public key certificate", FORM_HEX},
    {0x9F47, "card public key exponent", FORM_HEX},
    {0x9F48, "card public key remainder", FORM_HEX},
    {0x9F49, "DDOL", FORM_HEX},
    {0x9F4A, "static data authentication tag list", FORM_HEX},
    {0x9F4D, "log entry", FORM_HEX},
    {0x9F4F, "log format", FORM_HEX},
    {0x9F6B, "track 2 data", FORM_TRACK2},
    {0xBF0C, "FCI issuer discretionary data", FORM_PARTS},
};

#define TABLE(rows)                                                                                          \
    {                                                                                                        \
        rows, sizeof(rows) / sizeof((rows)[0])                                                               \
    }
static const struct {
    const struct inspect_tag *rows;
    size_t count;
} tables[PLACE_COUNT] = {
    [PLACE_JOB] = TABLE(job_tags),
    [PLACE_CARD] = TABLE(card_tags),
    [PLACE_END] = TABLE(end_tags),
    [PLACE_DATA] = TABLE(data_tags),
    [PLACE_SECRET] = TABLE(secret_tags),
    [PLACE_GROUPING] = TABLE(grouping_tags),
    [PLACE_CARD_DATA] = TABLE(card_data_tags),
};

const struct inspect_tag *inspect_tags(enum inspect_place place, size_t *count)
{
    *count = tables[place].count;
    return tables[place].rows;
}

const struct inspect_tag *inspect_tag(enum inspect_place place, uint32_t tag)
{
    static const struct inspect_tag unknown = {0, "not in the table", FORM_HEX};
    static const struct inspect_tag loose = {0, "application's own element", FORM_HEX};

    for (size_t i = 0; i < tables[place].count; i++) {
        if (tables[place].rows[i].tag == tag) return &tables[place].rows[i];
    }
    /* Loose elements stand in DATA beside our own tags. */
    if (place == PLACE_DATA) return inspect_tag(PLACE_CARD_DATA, tag);
    return place == PLACE_CARD_DATA ? &loose : &unknown;
}

void inspect_dgi_name(uint16_t dgi, char *text, size_t size)
{
    static const struct {
        uint16_t dgi;
        const char *name;
    } names[] = {
        {0x8000, "keys"},
        {0x8201, "key pair, CRT parts 8201 to 8205"},
        {0x8010, "PIN block"},
        {0x9000, "key check values"},
        {0x9010, "PIN try counter"},
        {0x9102, "answer to SELECT"},
        {0x9104, "answer to GET PROCESSING OPTIONS"},
    };
    if (dgi_is_record(dgi)) {
        snprintf(text, size, "record %u of SFI %u", dgi_record_number(dgi), dgi_record_sfi(dgi));
        return;
    }
    snprintf(text, size, "application's own");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].dgi == dgi) snprintf(text, size, "%s", names[i].name);
    }
}
