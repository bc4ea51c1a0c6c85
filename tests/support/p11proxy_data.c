#include "p11proxy_data.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    int file;
    long number;
    const char *function;
    bool made;
    CK_RV rv;
} data = {.file = -1};

void data_open(void)
{
    const char *path = getenv("P11PROXY_DATA");
    if (path) data.file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void data_call(long number, const char *function, bool made, CK_RV rv)
{
    data.number = number;
    data.function = function;
    data.made = made;
    data.rv = rv;
}

static void write_line(const char *way, const unsigned char *bytes, CK_ULONG len)
{
    if (data.file < 0 || !bytes || len == 0 || len == CK_UNAVAILABLE_INFORMATION) return;
    const size_t room = 96 + 2 * len;
    char *line = malloc(room);
    if (!line) abort(); /* a test that loses a line proves nothing */
    int used = snprintf(line, room, "%ld %s %s ", data.number, data.function, way);
    for (CK_ULONG i = 0; i < len; i++)
        used += snprintf(&line[used], room - (size_t)used, "%02X", (unsigned)bytes[i]);
    line[used++] = '\n';
    if (write(data.file, line, (size_t)used) != used) abort();
    free(line);
}

void data_in(const unsigned char *bytes, CK_ULONG len)
{
    if (!data.made) write_line("in", bytes, len);
}

void data_out(const unsigned char *bytes, const CK_ULONG *len)
{
    if (data.made && data.rv == CKR_OK && len) write_line("out", bytes, *len);
}

void data_template(const CK_ATTRIBUTE *attr, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        data_in(attr[i].pValue, attr[i].ulValueLen);
}

void data_values(const CK_ATTRIBUTE *attr, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        data_out(attr[i].pValue, &attr[i].ulValueLen);
}

void data_mechanism(const CK_MECHANISM *m)
{
    if (!m || !m->pParameter) return;
    data_in(m->pParameter, m->ulParameterLen);
    if (m->mechanism == CKM_DES3_ECB_ENCRYPT_DATA || m->mechanism == CKM_AES_ECB_ENCRYPT_DATA ||
        m->mechanism == CKM_XOR_BASE_AND_DATA) {
        const CK_KEY_DERIVATION_STRING_DATA *p = m->pParameter;
        data_in(p->pData, p->ulLen);
    } else if (m->mechanism == CKM_DES3_CBC_ENCRYPT_DATA) {
        const CK_DES_CBC_ENCRYPT_DATA_PARAMS *p = m->pParameter;
        data_in(p->pData, p->length);
    }
}
