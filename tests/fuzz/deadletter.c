/*
 * Dead letters of anybody: a line of kc-record(5) is read as a dead letter,
 * grouped, told as JSON, and written again by every scheme that can: read back,
 * it died where it was said to.
 */
#include <stdlib.h>

#include "model/deadletter.h"
#include "model/envelope.h"
#include "model/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_written(const struct record *r, const struct deadletter *d, struct arena *a)
{
	static const enum deadletter_scheme all[] = { DEADLETTER_KC, DEADLETTER_CONNECT,
		DEADLETTER_STREAMS, DEADLETTER_SPRING, DEADLETTER_SMALLRYE };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct deadletter back;
		struct record out;
		struct err e = ERR_INIT;

		if (deadletter_write(all[i], r, d, 0, a, &out, &e))
			abort();
		deadletter_read(&out, &back, a);
		/* What was there of the same scheme may have been half a death. */
		if (back.hops_n && back.hops[0].scheme == all[i] &&
		    !(d->schemes & 1u << all[i]) && !slice_is_null(d->origin.topic) &&
		    !slice_eq(back.hops[0].origin.topic, d->origin.topic))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope_reader reader;
	static struct arena arena;
	struct buf out = BUF_INIT;
	struct deadletter d;
	struct fingerprint f;
	struct record r;
	struct err e = ERR_INIT;

	if (envelope_read(&reader, slice_make(data, size), &r, &e))
		return 0;
	arena_reset(&arena);
	deadletter_read(&r, &d, &arena);
	fingerprint_make(&d, &f, &arena);
	deadletter_put_json(&out, &d);
	if (!envelope_is_json(buf_slice(&out)))
		abort();
	check_written(&r, &d, &arena);
	buf_release(&out);
	return 0;
}
