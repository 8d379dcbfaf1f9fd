/* utf8.h - strict UTF-8: no overlong forms, no surrogates, at most U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_is_valid(const void *p, size_t n);

/* Length of the sequence at p (1 to 4), or 0 when it is not valid. */
size_t utf8_sequence(const uint8_t *p, size_t n);

/* Writes a code point (not a surrogate); returns its length, 1 to 4. */
size_t utf8_put(uint8_t *p, uint32_t code);

#endif
