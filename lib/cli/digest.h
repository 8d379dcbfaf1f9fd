/* digest.h - SHA-256, by OpenSSL. The only includer of openssl/ in lib. */
#ifndef CLI_DIGEST_H
#define CLI_DIGEST_H

#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

enum { DIGEST_TEXT = 65 }; /* 64 lower case hex digits and NUL */

struct digest;

struct digest *digest_new(void); /* returns owned */
void digest_add(struct digest *d, const void *p, size_t n);
/* Writes the text and frees d. */
void digest_end(struct digest *d, char out[DIGEST_TEXT]);

void digest_of(struct slice s, char out[DIGEST_TEXT]);
/* Of a whole file: *size is its length. ERR_IO. */
int digest_file(const char *path, char out[DIGEST_TEXT], long long *size,
	struct err *e);

#endif
