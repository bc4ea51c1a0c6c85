#include "fixture.h"

#include "suite.h"

#include <stdlib.h>

struct fixture fixture_set_up(void)
{
    struct fixture f = {.image = image_load(), .signer = image_private("signer")};
    if (!keys_load(SAMPLE_KEYS, &f.keys)) abort();
    return f;
}

void fixture_tear_down(struct fixture *f)
{
    image_release(&f->image);
    keys_free(f->keys);
    EVP_PKEY_free(f->signer);
}

bool fixture_check(struct fixture *f, unsigned flags)
{
    struct reader r = {.keys = f->keys, .file = span_of(f->image.bytes, f->image.len), .flags = flags};
    bool ok = reader_check(&r);
    snprintf(f->refusal, sizeof(f->refusal), "%s: %s: %s", r.refusal.record, r.refusal.part, r.refusal.text);
    f->summary = r.summary;
    reader_release(&r);
    return ok;
}

void expect_accepted(struct fixture *f)
{
    image_seal(&f->image, f->keys, f->signer, SEAL_ALL);
    bool ok = fixture_check(f, 0);
    if (!ok) fprintf(stderr, "refused: %s\n", f->refusal);
    CU_ASSERT_TRUE(ok);
}

void expect_refused(struct fixture *f, unsigned seal, const char *name, const char *part)
{
    image_seal(&f->image, f->keys, f->signer, seal);
    bool ok = fixture_check(f, 0);
    if (ok || !strstr(f->refusal, part)) fprintf(stderr, "%s: %s\n", name, ok ? "accepted" : f->refusal);
    CU_ASSERT_FALSE(ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(f->refusal, part));
}
