/* tests/support/p11proxy_data.h - what crosses a PKCS#11 module's boundary, byte for byte, for tests that search it.
 *
 * P11PROXY_DATA  file that gets one line per value (appended): number of the call, function, "in" or "out", hex
 *
 * Here secrets may be written: TEST keys only. PINs are left out. */
#ifndef TESTS_SUPPORT_P11PROXY_DATA_H
#define TESTS_SUPPORT_P11PROXY_DATA_H

#include <stdbool.h>

#include <p11-kit/pkcs11.h>

void data_open(void);
/* Which call the next values are of, and whether it has been made, and done what it should: data_in and data_out each write only then. */
void data_call(long number, const char *function, bool made, CK_RV rv);

void data_in(const unsigned char *bytes, CK_ULONG len);
void data_out(const unsigned char *bytes, const CK_ULONG *len);
/* Values of a template that goes in, or comes out. */
void data_template(const CK_ATTRIBUTE *attr, CK_ULONG count);
void data_values(const CK_ATTRIBUTE *attr, CK_ULONG count);
/* A mechanism's parameter: what its pointers lead to. */
void data_mechanism(const CK_MECHANISM *m);

#endif
