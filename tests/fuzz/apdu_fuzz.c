/* What apdu_read accepts, apdu_put writes so that it reads the same again. */
#include "formats/apdu.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct apdu a, again;
    struct apdu_answer answer;
    struct buf b;
    buf_init(&b, APDU_COMMAND_MAX);
    if (apdu_read(data, size, &a, &err)) {
        apdu_put(&b, &a);
        fuzz_must(!b.failed && apdu_read(b.data, b.len, &again, &err));
        fuzz_must(again.le == a.le && bytes_equal(again.data, again.len, a.data, a.len));
    }
    if (apdu_answer_read(data, size, &answer, &err)) fuzz_must(answer.len == size - 2);
    buf_release(&b);
    return 0;
}
