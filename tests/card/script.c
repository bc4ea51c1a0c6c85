/* For the test on a real reader: commands that personalize a card of whose state there is a copy, and what a terminal verifies.
 *
 *   card_script load STATE APPLICATION LEVEL   commands, one a line, for a card whose challenge can be foretold; STATE is read only
 *   card_script verify SIGNATURE DATA          is SIGNATURE (hex) the payment card's over the terminal's DATA (hex)? */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/outfile.h"
#include "card/image.h"
#include "card/inside.h"
#include "issue.h"

static bool load(const char *path, const char *application, uint8_t level, struct err *err)
{
    struct buf image;
    struct card *card = NULL;
    struct issue o;
    struct host h;

    buf_init(&image, IMAGE_MAX);
    if (!file_read_all(path, IMAGE_MAX, &image, err) || !card_from_image(&card, image.data, image.len, err))
        return false;
    host_init(&h, card, card->now.scp, card->now.i, card->now.keysets[0].key[0].len);
    h.script = stdout;
    if (strcmp(application, "emv") == 0)
        issue_emv(&o, h.scp == 3, host_block(&h));
    else if (strcmp(application, "purse") == 0)
        issue_purse(&o, false, host_block(&h));
    else
        issue_loyalty(&o);
    unsigned sw = issue_all(&o, &h, level);
    issue_release(&o);
    host_release(&h);
    card_free(card);
    buf_release(&image);
    return sw == 0x9000 || err_set(err, ERR_INPUT, "the copy answers %04X", sw);
}

static bool verify(const char *signature, const char *data, struct err *err)
{
    static struct pair card;
    struct buf sig, text;
    uint8_t block[256], hash[20];

    pair_read(&card, 3);
    buf_init(&sig, 256);
    buf_init(&text, 512);
    if (!hex_read(signature, strlen(signature), &sig, err) ||
        !emv_rsa_public(&card.key, sig.data, sig.len, block, err))
        return false;
    buf_put(&text, block + 1, sig.len - 22);
    bool ok = hex_read(data, strlen(data), &text, err) && sha1(text.data, text.len, hash, err) &&
              block[0] == 0x6A && block[1] == 0x05 && block[sig.len - 1] == 0xBC &&
              memcmp(hash, block + sig.len - 21, 20) == 0;
    buf_release(&sig);
    buf_release(&text);
    return ok || err_set(err, ERR_INTEGRITY, "the signature does not verify");
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    bool ok = secret_start(&err);

    if (ok && argc == 5 && strcmp(argv[1], "load") == 0)
        ok = load(argv[2], argv[3], (uint8_t)strtoul(argv[4], NULL, 16), &err);
    else if (ok && argc == 4 && strcmp(argv[1], "verify") == 0)
        ok = verify(argv[2], argv[3], &err);
    else
        ok = false;
    if (!ok) fprintf(stderr, "card_script: %s\n", err.text);
    return ok ? 0 : 1;
}
