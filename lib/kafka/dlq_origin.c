#include "kafka/dlq_origin.h"

#include <inttypes.h>

#include "kafka/record_at.h"

struct fetch {
	struct arena *arena;
	const struct dlq_record *x;
	struct record *out;
	int64_t offset;
	bool there;
};

static struct slice
keep(struct arena *a, struct slice s)
{
	return slice_is_null(s) ? s : arena_copy(a, s);
}

/* The source's headers, and those that tell of the death. */
static void
put_headers(struct fetch *f, const struct record *source)
{
	const struct record *letter = f->x->r;
	struct record_header *to = arena_array(f->arena,
		source->headers_n + letter->headers_n + 1, sizeof(*to));
	size_t n = 0;

	for (size_t i = 0; i < source->headers_n; i++)
		to[n++] = (struct record_header){
			keep(f->arena, source->headers[i].key),
			keep(f->arena, source->headers[i].value) };
	for (size_t i = 0; i < letter->headers_n; i++)
		if (deadletter_is_header(f->x->d, letter->headers[i].key))
			to[n++] = letter->headers[i];
	f->out->headers = to;
	f->out->headers_n = n;
}

static int
take(struct record_place *place, const struct record *r, struct err *e)
{
	struct fetch *f = place->user;

	(void)e;
	/* Where it was there is a gap now: this is a later one. */
	if (r->offset != f->offset)
		return 0;
	f->there = true;
	f->out->key = keep(f->arena, r->key);
	f->out->value = keep(f->arena, r->value);
	put_headers(f, r);
	return 0;
}

static int
gone(const struct deadletter_origin *o, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "its source record '%.*s' [%" PRId32
		"] offset %" PRId64 " is gone", SLICE_ARG(o->topic), o->partition,
		o->offset);
}

int
dlq_origin(struct dlq *d, const struct dlq_record *x, struct arena *a,
	struct record *out, struct err *e)
{
	const struct deadletter_origin *o = &x->d->origin;
	struct fetch f = { a, x, out, o->offset, false };
	struct record_place place = {
		.partition = o->partition, .offset = o->offset, .user = &f,
	};
	struct admin_topic *t;

	*out = *x->r;
	if (slice_is_null(o->topic) || o->partition < 0 || o->offset < 0)
		return err_set(e, ERR_NOT_FOUND, "where it died is not told "
			"(--locate TOPIC searches a topic for it)");
	place.topic = arena_printf(a, "%.*s", SLICE_ARG(o->topic));
	t = admin_topics_find(&d->topics, place.topic);
	if (!t || o->partition >= t->partitions_n)
		return gone(o, e);
	if (t->partitions[0].start < 0 && admin_offsets(d->client, d->o.timeout_ms, t, e))
		return -1;
	if (o->offset < t->partitions[o->partition].start ||
	    o->offset >= t->partitions[o->partition].end)
		return gone(o, e);
	if (record_at(d->conf, &place, 1, 1, d->o.timeout_ms, take, e))
		return -1;
	return f.there ? 0 : gone(o, e);
}
