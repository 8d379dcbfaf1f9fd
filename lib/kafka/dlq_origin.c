#include "kafka/dlq_origin.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "kafka/record_pick.h"

static struct slice
keep(struct arena *a, struct slice s)
{
	return slice_is_null(s) ? s : arena_copy(a, s);
}

void
dlq_origin_put(const struct record *letter, const struct deadletter *d,
	const struct record *source, struct arena *a, struct record *out)
{
	struct record_header *to = arena_array(a, source->headers_n +
		letter->headers_n + 1, sizeof(*to));
	size_t n = 0;

	for (size_t i = 0; i < source->headers_n; i++)
		to[n++] = (struct record_header){
			keep(a, source->headers[i].key),
			keep(a, source->headers[i].value) };
	for (size_t i = 0; i < letter->headers_n; i++)
		if (deadletter_is_header(d, letter->headers[i].key))
			to[n++] = letter->headers[i];
	*out = *letter;
	out->key = keep(a, source->key);
	out->value = keep(a, source->value);
	out->headers = to;
	out->headers_n = n;
}

int
dlq_source_error(const struct dlq_source *s, struct err *e)
{
	const struct deadletter_origin *o = &s->origin;

	return s->what == DLQ_SOURCE_UNTOLD ?
		err_set(e, ERR_NOT_FOUND, "where it died is not told (--locate "
			"TOPIC searches a topic for it)") :
		err_set(e, ERR_NOT_FOUND, "its source record '%.*s' [%" PRId32
			"] offset %" PRId64 " is gone", SLICE_ARG(o->topic),
			o->partition, o->offset);
}

/* Of the topics' offsets, those that are not known are asked for. */
static int
find_place(const struct dlq_sources_at *at, const struct deadletter_origin *o,
	const char **topic, struct err *e)
{
	char *name = xmemdup0(o->topic.data, o->topic.len);
	struct admin_topic *t = admin_topics_find(at->topics, name);

	free(name);
	*topic = NULL;
	if (!t || o->partition >= t->partitions_n)
		return 0;
	if ((t->partitions[0].start < 0 ||
	     o->offset >= t->partitions[o->partition].end) &&
	    admin_offsets(at->client, at->timeout_ms, t, e))
		return -1;
	if (o->offset >= t->partitions[o->partition].start &&
	    o->offset < t->partitions[o->partition].end)
		*topic = t->name;
	return 0;
}

struct fetch {
	struct dlq_source *source;
	void (*take)(struct dlq_source *s, const struct record *r);
};

static int
on_pick(struct record_pick *x, const struct record *r, struct err *e)
{
	struct fetch *f = x->user;

	(void)e;
	f->source->what = DLQ_SOURCE_THERE;
	f->take(f->source, r);
	return 0;
}

int
dlq_sources_read(const struct dlq_sources_at *at, struct dlq_source *list, int n,
	void (*take)(struct dlq_source *s, const struct record *r), struct err *e)
{
	struct record_pick *picks = xcalloc((size_t)n, sizeof(*picks));
	struct fetch *fetches = xcalloc((size_t)n, sizeof(*fetches));
	int picks_n = 0, result = 0;

	for (int i = 0; i < n && !result; i++) {
		const struct deadletter_origin *o = &list[i].origin;
		struct record_pick *x = &picks[picks_n];

		list[i].what = DLQ_SOURCE_GONE;
		fetches[i] = (struct fetch){ &list[i], take };
		*x = (struct record_pick){ NULL, o->partition, o->offset, false,
			&fetches[i] };
		if (slice_is_null(o->topic) || o->partition < 0 || o->offset < 0)
			list[i].what = DLQ_SOURCE_UNTOLD;
		else
			result = find_place(at, o, &x->topic, e);
		picks_n += x->topic != NULL;
	}
	if (!result)
		result = record_pick(at->conf, picks, picks_n, at->timeout_ms,
			on_pick, e);
	free(picks);
	free(fetches);
	return result;
}

int
dlq_sources(struct dlq *d, struct dlq_source *list, int n,
	void (*take)(struct dlq_source *s, const struct record *r), struct err *e)
{
	const struct dlq_sources_at at = { d->conf, d->client, &d->topics,
		d->o.timeout_ms };

	return dlq_sources_read(&at, list, n, take, e);
}

struct one {
	const struct dlq_record *x;
	struct arena *arena;
	struct record *out;
};

static void
put_one(struct dlq_source *s, const struct record *r)
{
	struct one *o = s->user;

	dlq_origin_put(o->x->r, o->x->d, r, o->arena, o->out);
}

int
dlq_origin(struct dlq *d, const struct dlq_record *x, struct arena *a,
	struct record *out, struct err *e)
{
	struct one one = { x, a, out };
	struct dlq_source source = { .origin = x->d->origin, .user = &one };

	*out = *x->r;
	if (dlq_sources(d, &source, 1, put_one, e))
		return -1;
	return source.what == DLQ_SOURCE_THERE ? 0 : dlq_source_error(&source, e);
}
