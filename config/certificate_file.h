/* config/certificate_file.h - a scheme's CA public key and an issuer certificate as YAML files. Public data.
 *
 *   ca_key: {rid: A000000003, index: "92", modulus: …, exponent: "03", expiry: "1230", checksum: …, test: yes}
 *   issuer_certificate: {rid: A000000003, ca_index: "92", certificate: …, remainder: …, exponent: "010001", test: yes}
 */
#ifndef CONFIG_CERTIFICATE_FILE_H
#define CONFIG_CERTIFICATE_FILE_H

#include "formats/emv_cert.h"

struct ca_key_file {
    struct emv_ca_key key;
    bool test; /* marked TEST: never from a real scheme */
};
struct certificate_file {
    uint8_t rid[5];
    uint8_t ca_index;
    uint8_t certificate[256];
    size_t certificate_len;
    uint8_t remainder[64];
    size_t remainder_len;
    uint8_t exponent[3];
    size_t exponent_len;
    bool test;
    struct emv_certificate recovered; /* by certificate_file_recover */
};
/* False (ERR_CONFIG): syntax; ERR_INTEGRITY: the checksum is not that of the key. */
MUST_CHECK bool ca_key_file_load(const char *path, struct ca_key_file *out, struct err *err);
MUST_CHECK bool certificate_file_load(const char *path, struct certificate_file *out, struct err *err);
/* Recovers the certificate with the CA key into out->recovered. False (ERR_INTEGRITY) names the field. */
MUST_CHECK bool certificate_file_recover(struct certificate_file *c, const struct ca_key_file *ca,
                                         struct err *err);
/* The files' texts; written by the ceremony. */
MUST_CHECK bool ca_key_file_put(const struct ca_key_file *ca, struct buf *out, struct err *err);
MUST_CHECK bool certificate_file_put(const struct certificate_file *c, struct buf *out, struct err *err);

#endif
