/*
 * Any frame: a request is found by the key and version of its header, as the
 * broker does; RESPONSE + key names a response, ROW + n the n-th message. What
 * could be read is written, and reading that gives the same value.
 */
#include <stdlib.h>

#include "wire/any.h"

enum { RESPONSE = 1000, ROW = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct any_message *
find(int key)
{
	const char *kind = key < RESPONSE ? "request" : "response";

	if (key >= ROW)
		return key - ROW < ANY_MESSAGES ? &any_messages[key - ROW] : NULL;
	if (key >= RESPONSE)
		key -= RESPONSE;
	for (size_t i = 0; i < ANY_MESSAGES; i++)
		if (any_messages[i].key == key && !strcmp(any_messages[i].kind, kind))
			return &any_messages[i];
	return NULL;
}

static void
check(const struct any_message *m, int16_t version, struct wire_reader *r)
{
	uint8_t *first = arena_alloc(r->arena, m->size);
	uint8_t *again = arena_alloc(r->arena, m->size);
	size_t before = r->arena->total, bytes = (size_t)(r->end - r->p);
	struct wire_writer w = { .out = BUF_INIT };
	int result = m->read(r, version, first);

	/* Memory stays in proportion to what came; half of it may be the arena's growing. */
	if (r->arena->total - before > 16384 + 128 * bytes)
		abort();
	if (result < 0)
		return;
	m->write(&w, version, first);
	if (w.bad)
		abort();
	wire_reader_init(r, buf_slice(&w.out), r->arena);
	if (m->read(r, version, again) < 0 || r->p != r->end ||
		!any_equal(m->type, first, again))
		abort();
	wire_writer_release(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct any_message *m;
	struct arena a = { 0 };
	struct request_header h;
	struct wire_reader r;
	bool flexible;

	if (len < 4)
		return 0;
	m = find((int16_t)(data[0] << 8 | data[1]));
	flexible = m && (int16_t)(data[2] << 8 | data[3]) >= m->flexible;
	wire_reader_init(&r, slice_make(data, len), &a);
	if (!request_header_read(&r, flexible ? 2 : 1, &h) && m &&
		h.request_api_version >= m->min && h.request_api_version <= m->max)
		check(m, h.request_api_version, &r);
	arena_release(&a);
	return 0;
}
