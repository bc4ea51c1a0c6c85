/* A whole file. Its hash keeps a fuzzer from passing END often; without END it goes as far as the records do. */
#include "formats/mic_file.h"

#include "fuzz.h"

static void try(const uint8_t *data, size_t size, unsigned flags)
{
    struct err err = ERR_INIT;
    struct reader *r = NULL;
    struct mic_file *f = NULL;
    struct mic_record record;
    struct card_group card;
    bool end = false;
    uint64_t count = 0;
    fuzz_must(reader_open_memory(&r, data, size, "fuzz", &err));
    if (!mic_file_open(&f, r, NULL, 0, flags, &err)) return;
    /* What was checked is handed out, all of it. */
    for (;;) {
        fuzz_must(mic_file_next(f, &record, &card, &end, &err));
        if (end) break;
        count++;
    }
    fuzz_must(count == mic_file_summary(f)->count && mic_file_summary(f)->whole_len <= size);
    mic_file_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(data, size, MIC_FILE_NO_SIGNER);
    try(data, size, MIC_FILE_NO_SIGNER | MIC_FILE_ALLOW_INCOMPLETE);
    return 0;
}
