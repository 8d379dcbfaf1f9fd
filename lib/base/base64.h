/* base64.h - RFC 4648 standard alphabet, padded, strict when reading. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Appends the text of n bytes. */
void base64_encode(struct buf *out, const void *p, size_t n);

/*
 * Appends the bytes of a text. Returns 0, or -1 when the text is not
 * canonical base64 (other characters, missing padding, stray bits); then
 * *out is as before.
 */
int base64_decode(struct buf *out, const void *text, size_t n);

#endif
