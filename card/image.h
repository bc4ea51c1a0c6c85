/* card/image.h - a card's state as bytes (docs/formats/softcard.md): "SOFTCARD" ‖ 01 ‖ TLVs ‖ SHA-256 of all before. The
 * digest finds damage; it does not keep anybody from writing a card of their own. */
#ifndef CARD_IMAGE_H
#define CARD_IMAGE_H

#include "base/secret.h"
#include "card/state.h"

enum { IMAGE_MAX = CARD_STORE_MAX + 4096 };

/* Makes *image (empty before) hold the state. False: no memory. */
MUST_CHECK bool image_write(const struct card_state *s, struct secret *image, struct err *err);
/* False (ERR_INPUT), with *s as it was: not an image, of an unknown version, cut, changed, or a state that no card has. */
MUST_CHECK bool image_read(const uint8_t *image, size_t len, struct card_state *s, struct err *err);

#endif
