#include "cli/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

struct digest {
	EVP_MD_CTX *ctx;
};

struct digest *
digest_new(void)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->ctx = EVP_MD_CTX_new();
	/* It has no way to fail but for lack of memory. */
	if (!d->ctx || !EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL))
		abort();
	return d;
}

void
digest_add(struct digest *d, const void *p, size_t n)
{
	EVP_DigestUpdate(d->ctx, p, n);
}

void
digest_end(struct digest *d, char out[DIGEST_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	EVP_DigestFinal_ex(d->ctx, bytes, &n);
	for (unsigned i = 0; i < n && 2 * i < DIGEST_TEXT - 1; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[DIGEST_TEXT - 1] = '\0';
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void
digest_of(struct slice s, char out[DIGEST_TEXT])
{
	struct digest *d = digest_new();

	digest_add(d, s.data, s.len);
	digest_end(d, out);
}

int
digest_file(const char *path, char out[DIGEST_TEXT], long long *size, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *block = xmalloc(1 << 20);
	struct digest *d = digest_new();
	ssize_t n = -1;

	*size = 0;
	while (fd >= 0 && (n = read(fd, block, 1 << 20)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		digest_add(d, block, (size_t)n);
		*size += n;
	}
	if (n < 0)
		err_errno(e, ERR_IO, "cannot read '%s'", path);
	digest_end(d, out);
	free(block);
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}
