/* bureau/reader_properties.h - what a reader says of itself: PC/SC 2, part 10, 2.2 (features) and 2.6.14 (properties). Bytes only; what makes no
 * sense says nothing. */
#ifndef BUREAU_READER_PROPERTIES_H
#define BUREAU_READER_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    READER_FEATURE_PROPERTIES = 0x12, /* FEATURE_GET_TLV_PROPERTIES */
    READER_PROPERTY_MAX_APDU_DATA =
        0x0A /* dwMaxAPDUDataSize: 0 to 256, commands are short; above, extended too */
};

/* The control code of a feature, out of the answer to CM_IOCTL_GET_FEATURE_REQUEST: tag ‖ 04 ‖ code, big-endian. False: not offered. */
bool reader_feature(const uint8_t *list, size_t len, uint8_t feature, uint32_t *code);
/* A number among the properties: tag ‖ length ‖ value, little-endian, of up to 4 bytes. False: not told. */
bool reader_property(const uint8_t *list, size_t len, uint8_t property, uint32_t *value);

#endif
