#include "kafka/redrive_newer.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/xalloc.h"
#include "kafka/admin.h"
#include "kafka/consume.h"
#include "model/ledger.h"

/* A partition of a source that was asked about. */
struct source {
	char *name;             /* "topic/partition" */
	int64_t from, to;       /* read so far: from..to, to exclusive; to -1 = nothing */
	struct newest {
		uint64_t key;   /* 0 = free */
		int64_t offset;
	} *keys;
	size_t n, cap;
};

struct redrive_newer {
	const struct conf *conf;
	struct client *client;
	int timeout_ms;
	struct map sources;
};

struct redrive_newer *
redrive_newer_new(const struct conf *conf, struct client *c, int timeout_ms)
{
	struct redrive_newer *n = xcalloc(1, sizeof(*n));

	n->conf = conf;
	n->client = c;
	n->timeout_ms = timeout_ms;
	return n;
}

void
redrive_newer_free(struct redrive_newer *n)
{
	struct source *s;

	if (!n)
		return;
	for (size_t i = 0; (s = map_next(&n->sources, &i)); ) {
		free(s->name);
		free(s->keys);
		free(s);
	}
	map_release(&n->sources);
	free(n);
}

static uint64_t
hash_key(struct slice key)
{
	return ledger_fingerprint(key, SLICE_NULL);
}

static struct newest *
slot(const struct source *s, uint64_t key)
{
	size_t mask = s->cap - 1, i = key & mask;

	while (s->keys[i].key && s->keys[i].key != key)
		i = (i + 1) & mask;
	return &s->keys[i];
}

static void
grow(struct source *s)
{
	struct newest *old = s->keys;
	size_t n = s->cap;

	s->cap = n ? 2 * n : 1024;
	s->keys = xcalloc(s->cap, sizeof(*s->keys));
	for (size_t i = 0; i < n; i++)
		if (old[i].key)
			*slot(s, old[i].key) = old[i];
	free(old);
}

static bool
is_redriven(const struct record *r)
{
	for (size_t i = 0; i < r->headers_n; i++)
		if (slice_eq_str(r->headers[i].key, "kc-redrive-of"))
			return true;
	return false;
}

static void
take(struct source *s, const struct record *r)
{
	struct newest *k;

	if (slice_is_null(r->key) || is_redriven(r))
		return;
	if (4 * s->n >= 3 * s->cap)
		grow(s);
	k = slot(s, hash_key(r->key));
	s->n += !k->key;
	k->key = hash_key(r->key);
	if (k->offset < r->offset)
		k->offset = r->offset;
}

static int
read_span(struct redrive_newer *n, struct source *s,
	const struct consume_span *span, struct err *e)
{
	const struct consume_options o = {
		.topics = &span->topic, .topics_n = 1, .spans = span,
		.spans_n = 1, .exit_at_end = true,
		.isolation = "read_committed", .timeout_ms = n->timeout_ms,
		.output_fd = -1,
	};
	enum consume_status status = CONSUME_IDLE;
	struct consume *c;
	struct record r;

	if (consume_open(&c, n->conf, &o, e))
		return -1;
	while (status == CONSUME_IDLE || status == CONSUME_RECORD) {
		status = consume_next(c, -1, &r, e);
		if (status == CONSUME_RECORD)
			take(s, &r);
	}
	consume_close(c);
	return status == CONSUME_END ? 0 : -1;
}

/* What lies between `from` and what was read before, or the end as of now. */
static int
read_source(struct redrive_newer *n, struct source *s, const char *topic,
	int32_t partition, int64_t from, struct err *e)
{
	struct admin_partition p = { .id = partition };
	struct admin_topic t = { (char *)(uintptr_t)topic, &p, 1 };
	struct consume_span span = { topic, partition, from, s->from };

	if (admin_offsets(n->client, n->timeout_ms, &t, e))
		return -1;
	if (s->to < 0)
		span.to = p.end;
	if (span.from < p.start)
		span.from = p.start;
	if (span.from < span.to && read_span(n, s, &span, e))
		return -1;
	s->from = from;
	s->to = INT64_MAX;
	return 0;
}

static struct source *
find_source(struct redrive_newer *n, const char *topic, int32_t partition)
{
	struct buf name = BUF_INIT;
	struct source *s;

	buf_addf(&name, "%s/%d", topic, (int)partition);
	s = map_get(&n->sources, buf_slice(&name));
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->name = xmemdup0(name.data, name.len);
		s->to = -1;
		map_put(&n->sources, slice_str(s->name), s);
	}
	buf_release(&name);
	return s;
}

int
redrive_newer_find(struct redrive_newer *n, const char *topic,
	int32_t partition, int64_t offset, struct slice key, int64_t *out,
	struct err *e)
{
	struct source *s = find_source(n, topic, partition);
	const struct newest *k;

	*out = -1;
	if (slice_is_null(key))
		return 0;
	if ((s->to < 0 || offset + 1 < s->from) &&
	    read_source(n, s, topic, partition, offset + 1, e))
		return e->code ? err_wrap(e, "--if-newer") : -1;
	if (!s->cap)
		return 0;
	k = slot(s, hash_key(key));
	if (k->key && k->offset > offset)
		*out = k->offset;
	return 0;
}
