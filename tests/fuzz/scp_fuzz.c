/* An answer to INITIALIZE UPDATE that is accepted has one of the known lengths; padding is found or refused. */
#include "formats/scp.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct scp_answer answer;
    size_t len = size;
    if (scp_answer_read(data, size, &answer, &err))
        fuzz_must(size == 12 + answer.sequence_len + answer.challenge_len + 8 + (answer.protocol == SCP03));
    if (scp_unpad(data, &len, &err)) fuzz_must(len < size && data[len] == 0x80);
    return 0;
}
