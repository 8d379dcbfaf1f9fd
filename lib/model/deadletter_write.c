#include "model/deadletter.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "model/deadletter_table.h"

enum {
	STACK_BYTES = 16 << 10,      /* of kc's own stack */
	STACK_BYTES_SMALL = 4 << 10,
	MESSAGE_BYTES_SMALL = 1 << 10,
	HEADER_FRAME = 10,           /* two lengths as varints, at most */
};

/* What a record over the limit loses, one after the other. */
enum loss { LOSS_NONE, LOSS_STACK_END, LOSS_STACK, LOSS_MESSAGE_END, LOSS_HOPS, LOSSES };

static bool
can_write(enum deadletter_scheme s)
{
	return s == DEADLETTER_KC || s == DEADLETTER_CONNECT || s == DEADLETTER_SPRING ||
		s == DEADLETTER_SMALLRYE || s == DEADLETTER_STREAMS;
}

/* The first bytes of a text, cut between characters. */
static struct slice
cut(struct slice s, size_t max)
{
	const uint8_t *p = s.data;

	if (s.len <= max)
		return s;
	while (max && (p[max] & 0xc0) == 0x80)
		max--;
	return slice_make(p, max);
}

/* The death as it is to be written: nothing is left out that the source tells. */
static struct deadletter_hop
death_to_write(enum deadletter_scheme scheme, const struct record *source,
	const struct deadletter *d)
{
	struct deadletter_hop h = { scheme, d->origin, d->error, d->attempts,
		d->failed_at, d->first_failed_at };

	if (slice_is_null(h.origin.topic)) {
		h.origin.topic = source->topic;
		h.origin.partition = source->partition;
		h.origin.offset = source->offset;
	}
	if (!h.origin.has_timestamp && source->has_timestamp) {
		h.origin.has_timestamp = true;
		h.origin.timestamp = source->timestamp;
		h.origin.timestamp_type = source->timestamp_type;
	}
	if (scheme == DEADLETTER_KC)
		h.error.stack = cut(h.error.stack, STACK_BYTES);
	return h;
}

static void
lose(struct deadletter_hop *h, enum loss loss)
{
	if (loss == LOSS_STACK_END)
		h->error.stack = cut(h->error.stack, STACK_BYTES_SMALL);
	else if (loss == LOSS_STACK)
		h->error.stack = SLICE_NULL;
	else if (loss == LOSS_MESSAGE_END)
		h->error.message = cut(h->error.message, MESSAGE_BYTES_SMALL);
}

static bool
starts_with(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && !memcmp(s.data, prefix, n);
}

/*
 * Whether a header of the source stays. Of an earlier death all but the bulk
 * does: Spring replaces its exceptions, and kc its stack.
 */
static bool
stays(enum deadletter_scheme scheme, const struct deadletter *before,
	struct slice name, enum loss loss)
{
	if (loss == LOSS_HOPS && deadletter_is_header(before, name))
		return false;
	if (scheme == DEADLETTER_KC)
		return !slice_eq_str(name, "kc-error-stack");
	return scheme != DEADLETTER_SPRING || (!starts_with(name, "kafka_dlt-exception-") &&
		!starts_with(name, "kafka_dlt-key-exception-"));
}

static size_t
put_source(const struct record *source, enum deadletter_scheme scheme,
	const struct deadletter *before, enum loss loss, struct record_header *to)
{
	size_t n = 0;

	for (size_t i = 0; i < source->headers_n; i++)
		if (stays(scheme, before, source->headers[i].key, loss))
			to[n++] = source->headers[i];
	return n;
}

static size_t
put_death(enum deadletter_scheme scheme, const struct deadletter_hop *h,
	struct record_header *to, struct arena *a)
{
	const struct death_header *row = death_schemes[scheme].headers;
	size_t n = 0;

	for (; row->name; row++) {
		struct slice value = row->once || row->alias ? SLICE_NULL :
			death_header_encode(row, h, a);

		if (slice_is_null(value))
			continue;
		to[n++] = (struct record_header){
			slice_make(row->name, row->len), value };
	}
	return n;
}

static int64_t
size_of(const struct record *r)
{
	size_t n = r->key.len + r->value.len;

	for (size_t i = 0; i < r->headers_n; i++)
		n += r->headers[i].key.len + r->headers[i].value.len + HEADER_FRAME;
	return (int64_t)n;
}

int
deadletter_write(enum deadletter_scheme scheme, const struct record *source,
	const struct deadletter *d, int64_t max_bytes, struct arena *a,
	struct record *out, struct err *e)
{
	struct deadletter_hop h;
	struct deadletter before;
	struct record_header *headers;
	int64_t size = 0;

	if (!can_write(scheme))
		return err_set(e, ERR_UNSUPPORTED, "scheme '%s' is read, not written "
			"(kc, connect, spring, smallrye, streams)",
			deadletter_scheme_name(scheme));
	deadletter_read(source, &before, a);
	h = death_to_write(scheme, source, d);
	*out = (struct record){ .partition = -1, .offset = -1,
		.key = source->key, .value = source->value };
	headers = arena_array(a, source->headers_n + DEATH_FIELDS, sizeof(*headers));
	out->headers = headers;
	for (int loss = LOSS_NONE; loss < LOSSES; loss++) {
		bool front = death_schemes[scheme].newest_first;
		size_t n = 0;

		lose(&h, (enum loss)loss);
		if (front)
			n = put_death(scheme, &h, headers, a);
		n += put_source(source, scheme, &before, (enum loss)loss, headers + n);
		if (!front)
			n += put_death(scheme, &h, headers + n, a);
		out->headers_n = n;
		size = size_of(out);
		if (max_bytes <= 0 || size <= max_bytes)
			return 0;
	}
	return err_set(e, ERR_FULL, "a dead letter of %" PRId64 " bytes is over the "
		"topic's limit of %" PRId64 " even without stack and history (raise "
		"max.message.bytes of the dead-letter topic)", size, max_bytes);
}
