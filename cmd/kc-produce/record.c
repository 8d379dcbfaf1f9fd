/* record.c - a line becomes a record, with what the options add to it. */
#include <string.h>

#include "base/xalloc.h"

#include "run.h"

/* The record's own headers, then those of -H. */
static void
add_headers(struct run *run, struct record *r)
{
	size_t n = r->headers_n + run->given_n;

	if (n > run->headers_cap) {
		run->headers = xreallocarray(run->headers, n, sizeof(*run->headers));
		run->headers_cap = n;
	}
	for (size_t i = 0; i < r->headers_n; i++)
		run->headers[i] = r->headers[i];
	for (size_t i = 0; i < run->given_n; i++)
		run->headers[r->headers_n + i] = run->given[i];
	r->headers = run->headers;
	r->headers_n = n;
}

int
record_read(struct run *run, struct slice line, struct record *r, struct err *e)
{
	const struct args *a = run->a;

	if (a->raw)
		raw_read(&run->form, line, r);
	else if (a->from && !strcmp(a->from, "kcat")
	    ? envelope_read_kcat(&run->reader, line, r, e)
	    : envelope_read(&run->reader, line, r, e))
		return -1;
	if (run->reader.valueless)
		return 0; /* a barrier */
	if (a->topic) {
		r->topic = run->topic;
		/* a partition number means something in its own topic only */
		if (!a->keep_partition)
			r->partition = -1;
	} else if (slice_is_null(r->topic)) {
		return err_set(e, ERR_FORMAT, "the line names no topic "
			"(add one: kc-produce TOPIC, or a member topic)");
	}
	if (a->partition >= 0)
		r->partition = (int32_t)a->partition;
	if (a->now)
		r->has_timestamp = false;
	if (run->given_n)
		add_headers(run, r);
	return 0;
}
