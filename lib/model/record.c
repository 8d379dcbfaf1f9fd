#include "model/record.h"

#include "base/xalloc.h"

static struct slice
move(char **to, struct slice s)
{
	char *p = *to;

	if (!s.data)
		return s;
	if (s.len)
		memcpy(p, s.data, s.len);
	*to += s.len;
	return slice_make(p, s.len);
}

void *
record_copy_behind(const struct record *r, size_t before, size_t *size)
{
	size_t headers = r->headers_n * sizeof(struct record_header);
	size_t n = r->topic.len + r->key.len + r->value.len + r->src.len +
		r->error.len + r->kc.len;
	struct record_header *h;
	struct record *copy;
	char *block, *bytes;

	for (size_t i = 0; i < r->headers_n; i++)
		n += r->headers[i].key.len + r->headers[i].value.len;
	/* an empty slice points behind the last byte, which is there */
	*size = before + sizeof(*copy) + headers + n + 1;
	block = xmalloc(*size);
	copy = (struct record *)(void *)(block + before);
	h = (struct record_header *)(copy + 1);
	bytes = (char *)h + headers;
	*copy = *r;
	copy->topic = move(&bytes, r->topic);
	copy->key = move(&bytes, r->key);
	copy->value = move(&bytes, r->value);
	copy->src = move(&bytes, r->src);
	copy->error = move(&bytes, r->error);
	copy->kc = move(&bytes, r->kc);
	copy->headers = h;
	for (size_t i = 0; i < r->headers_n; i++) {
		h[i].key = move(&bytes, r->headers[i].key);
		h[i].value = move(&bytes, r->headers[i].value);
	}
	return block;
}

struct record *
record_copy(const struct record *r)
{
	size_t size;

	return record_copy_behind(r, 0, &size);
}
